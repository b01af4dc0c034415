"""Lobbies: rooms in which agents talk."""
