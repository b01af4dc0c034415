"""Agents by id, role and function, and the manager that runs them."""
