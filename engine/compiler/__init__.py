"""From a declared graph to one that can run: every check there is, told all at once."""
