"""Forks the harness: ``python harness_forker.py SOCKET``. The orders are those of ``tests/programs/forker.py``."""

import gc
import os
import resource
import socket
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
before = list(sys.path)
sys.path = [str(TESTS / "programs"), str(TESTS.parent / "nodes" / "repair"), *before]

import forker  # noqa: E402 - found there
from inside.harness import main  # noqa: E402 - likewise


def carry_out(order):
    """Be the harness, as its ``start.py`` would be in the folder."""
    for name, limits in order["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), limits)
    sys.path = [os.path.abspath(".backedge"), *before]  # noqa: PTH100 - as there
    main()
    return 0


if __name__ == "__main__":
    forker.carry_out = carry_out
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        forker.serve(orders)
