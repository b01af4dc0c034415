"""Restarting: when an agent that has answered begins again."""
