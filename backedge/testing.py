"""Recorded runs as regression tests: recorded once, replayed for ever, with no key and no network.

`record` runs a flow and keeps the run in a file. `assert_replays` takes such a file (or a run in a journal), runs the
nodes' code and the conditions anew on what they had then, and fails with a readable difference where the code does
something else now. What nodes do to the world through their context comes from the record and is not done again.

A test of a flow is then one line::

    def test_the_demo_does_what_it_did():
        assert_replays(flow, "recordings/demo.jsonl")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, NoReturn, Unpack

from backedge.checkpoints import MemoryJournal, export_run, import_run
from backedge.engine.execution.sync import wait_for
from backedge.engine.flow import Flow, Inputs, RunOptions, Where
from backedge.engine.graph import Graph
from backedge.engine.past.report import ReplayReport
from backedge.engine.run import RunResult

__all__ = ["Unused", "UnusedResourceError", "assert_replays", "record"]


class UnusedResourceError(AssertionError):
    """A node used a resource itself, where only what it does through its context can be replayed."""


class Unused:
    """Stands for a resource that a replay does not need: whoever uses it is told so.

    Example: ``assert_replays(flow, "demo.jsonl", resources={"model": Unused("model")})``
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> NoReturn:
        self._refuse(f".{attribute}")

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        """Refused too."""
        self._refuse("(...)")

    def __repr__(self) -> str:
        return f"Unused({self._name!r})"

    def _refuse(self, how: str) -> NoReturn:
        raise UnusedResourceError(
            f"resource {self._name!r} was used ({self._name}{how}) while a recorded run was replayed: do it in "
            f"ctx.step(...), so that it is recorded, or hand a double over with resources="
        )


def assert_replays(
    flow: Flow[Any] | Graph[Any],
    recording: str | PathLike[str] | Where,
    /,
    *,
    run_id: str | None = None,
    rerun: Iterable[str] | str = "all",
    conditions: bool = True,
    resources: Mapping[str, Any] | None = None,
) -> ReplayReport:
    """Check that a flow still does what it did in a recorded run.

    Args:
        flow: The flow, or its graph.
        recording: A file that `record` or `export_run` wrote; with `run_id` a journal: its path, or an open one.
        run_id: Which run of the journal.
        rerun: Names of the nodes whose code is run; ``"all"`` for all, ``()`` for none.
        conditions: Whether conditions decide anew.
        resources: What nodes and conditions are handed; for the others something that refuses to be used.

    Returns:
        The report, in which nothing differs.

    Raises:
        AssertionError: Something differs; the message says what, record by record.
        JournalError: There is no such recording, or it is damaged.
    """
    flow = flow.compile() if isinstance(flow, Graph) else flow
    handed = {name: Unused(name) for name in flow.graph.definition.resources} | dict(resources or {})
    verify = "conditions" if conditions else None

    async def replay() -> ReplayReport:
        if run_id is not None:
            return await flow.replay(run_id, journal=recording, verify=verify, rerun=rerun, resources=handed)
        if not isinstance(recording, str | PathLike):
            raise TypeError("say with run_id= which run of the journal")
        async with MemoryJournal() as journal:
            name = (await import_run(journal, recording)).run_id
            return await flow.replay(name, journal=journal, verify=verify, rerun=rerun, resources=handed)

    report = wait_for(replay())
    if not report:
        raise AssertionError(f"{report}\nwhere this is meant, record the run anew")
    return report


def record(
    flow: Flow[Any] | Graph[Any],
    inputs: Inputs | None,
    file: str | PathLike[str],
    /,
    *,
    run_id: str = "recorded",
    **options: Unpack[RunOptions],
) -> RunResult[Any]:
    """Run a flow for real, and keep the run in a file for `assert_replays`. A run that fails is kept, too.

    Args:
        flow: The flow, or its graph.
        inputs: As for `Flow.run`.
        file: Where to; what is there is replaced.
        run_id: What to call the run.
        **options: See `RunOptions`.

    Raises:
        RunError: As for `Flow.run`.
    """
    flow = flow.compile() if isinstance(flow, Graph) else flow

    async def run() -> RunResult[Any]:
        async with MemoryJournal() as journal:
            try:
                return await flow.run(inputs, journal=journal, run_id=run_id, **options)
            finally:
                if await journal.runs():
                    await export_run(journal, run_id, file)

    return wait_for(run())
