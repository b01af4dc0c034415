"""Starts the harness in a fresh interpreter whose sets have the same order every time."""

import os
import sys

if os.environ.get("PYTHONHASHSEED") != "0":
    os.execve(  # ourselves again
        sys.executable,
        [sys.executable, "-P", "-S", "-B", os.path.abspath(__file__)],  # cheaper than pathlib
        {"PYTHONHASHSEED": "0"},
    )

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from inside.harness import main  # type: ignore[import-not-found]

main()
