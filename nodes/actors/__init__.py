"""Actors: long-lived agents, each with a mailbox."""
