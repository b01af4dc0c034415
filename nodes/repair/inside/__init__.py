"""What runs inside the sandbox, beside the candidates: standard library only, no import from outside this folder.

The files are shipped into the sandbox as they are, so that host and sandbox share one definition of what a value is.
"""
