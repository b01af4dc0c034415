"""``backedge check``: what is wrong with a graph, or what it looks like."""

from __future__ import annotations

import click

from .options import Told, common


@click.command()
@click.argument("target")
@common
@click.pass_obj
def check(told: Told, /, target: str) -> int:
    """Check a graph, and say what it looks like."""
    from .console import stdout_kept
    from .target import Loader

    with stdout_kept(told.json), Loader() as loader:
        loader.flow(target)
    return 0
