"""Crews: tasks that depend on each other, done by roles."""
