"""Cancellation: tokens with children, and scopes that say how an ending is taken."""
