"""A run's past: looked at (`history`), gone on from (`fork`), driven again (`replay`), and compared (`diff`)."""
