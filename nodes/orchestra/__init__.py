"""Orchestras: several perspectives on one question, and what they come to together."""
