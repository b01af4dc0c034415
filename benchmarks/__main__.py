"""Everything that the documentation's numbers come from: ``python -m benchmarks [NAME ...]``, all of them by default."""

from __future__ import annotations

import argparse
import sys

from . import crew, dags, durable, effects, engine, journal, lobby, models, past, repair, sandbox, tools

MEASURES = {
    module.__name__.rpartition(".")[2]: module
    for module in (engine, dags, durable, effects, journal, past, sandbox, repair, tools, models, crew, lobby)
}


def main() -> None:
    """Run the benchmarks that were named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", choices=[[], *MEASURES], help=", ".join(MEASURES))
    names = parser.parse_args().name or list(MEASURES)
    del sys.argv[1:]  # a module that is run by itself may have arguments of its own
    for name in names:
        module = MEASURES[name]
        print(f"\n{(module.__doc__ or '').splitlines()[0]}\n", flush=True)
        module.main()


if __name__ == "__main__":
    main()
