"""Tracking: where a run is, from its events alone."""
