"""Handoffs: agents that pass the work on to each other."""
