"""Everything that docs/performance.md tells of: ``python -m benchmarks``."""

from . import durable, effects, engine, journal, past, sandbox


def main() -> None:
    for module in (engine, durable, effects, journal, past, sandbox):
        print(f"\n{(module.__doc__ or '').splitlines()[0]}\n")
        module.main()


if __name__ == "__main__":
    main()
