"""Graphs to draw, and real runs of them by a clock that tells the same each time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree as ET

from pydantic import BaseModel

from backedge import END, START, Flow, Graph, RunError, add, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import AttemptFailed, NodeFinished, Record, RunEnded
from backedge.engine.render import Picture, compose, render

SVG = "{http://www.w3.org/2000/svg}"


class Report(BaseModel):
    passed: bool


class Build(BaseModel):
    spec: str
    code: str
    report: Report
    feedback: Annotated[list[str], extend] = []


def loop(*, passes: int = 3, broken: Callable[[int], bool] = lambda number: False) -> Flow[Build]:
    """Coder, interpreter and checker; the candidate of round `passes` is right."""
    graph = Graph(Build)

    @graph.node(writes="code")
    async def coder(spec: str, feedback: list[str]) -> str:
        return str(len(feedback))

    @graph.node(writes="report")
    async def interpreter(code: str) -> Report:
        if broken(int(code)):
            raise RuntimeError("the sandbox <is> gone")
        return Report(passed=int(code) >= passes)

    @graph.node(writes="feedback")
    async def checker(report: Report) -> list[str]:
        return ["wrong"]

    graph.chain(START, coder, interpreter, checker)
    graph.feedback(checker, coder, when=lambda report: not report.passed, limit=8)
    graph.edge(checker, END, when=lambda report: report.passed)
    return graph.compile()


class Counts(BaseModel):
    inner: Annotated[int, add] = 0
    outer: Annotated[int, add] = 0


def nested() -> Flow[Counts]:
    """An inner loop of 3 rounds in an outer one of 2."""
    graph = Graph(Counts)

    @graph.node(writes="outer", inline=True)
    def begin() -> int:
        return 1

    @graph.node(writes="inner", inline=True)
    def turn() -> int:
        return 1

    @graph.node(inline=True)
    def end() -> None:
        return None

    graph.chain(START, begin, turn)
    graph.feedback(turn, turn, when=lambda inner: inner % 3 != 0, limit=5)
    graph.edge(turn, end, when=lambda inner: inner % 3 == 0)
    graph.feedback(end, begin, when=lambda outer: outer < 2, limit=None)
    graph.edge(end, END, when=lambda outer: outer >= 2)
    return graph.compile()


def fan_out(width: int, *, length: int = 1, broken: int | None = None) -> Flow[Counts]:
    """As many branches of so many nodes each between two nodes; the first node of one of them may fail."""
    graph = Graph(Counts)
    node = graph.node

    def fork() -> None:
        return None

    first = node(fork, inline=True)
    last = node(fork, name="join", inline=True)
    for number in range(width):

        def work(number: int = number) -> int:
            if number == broken:
                raise ZeroDivisionError("none")
            return 1

        letters = "wxyz"[:length]
        branch = [node(work, name=f"{letter}{number}", writes="inner", inline=True) for letter in letters]
        graph.chain(first, *branch, last)
    graph.chain(START, first)
    graph.chain(last, END)
    return graph.compile()


async def ran(
    flow: Flow[Any], inputs: Mapping[str, Any] | None = None, *, resumes: int = 0, **options: Any
) -> list[Record]:
    """The records of a run, resumed so often after it failed, by the clock of `steady`."""
    async with MemoryJournal() as journal:
        with suppress(RunError):
            await flow.run(inputs, journal=journal, run_id="demo", **options)
        for _ in range(resumes):
            with suppress(RunError):
                await flow.resume("demo", journal=journal, **options)
        return steady(await journal.read("demo"))


def steady(records: Sequence[Record]) -> list[Record]:
    """The same records by another clock: an attempt takes as many seconds as its node's name has letters."""
    now, found = 1_000_000.0, list[Record]()
    for record in records:
        if isinstance(record, NodeFinished | AttemptFailed):
            seconds = len(record.activation.node)
            found.append(record._replace(started=now, ended=now + seconds))
            now += seconds
        else:
            found.append(record._replace(at=now))
    return found


def until(records: Sequence[Record], node: str, *, times: int) -> list[Record]:
    """What the journal holds once this node has finished so often: the run is under way."""
    places = [
        place
        for place, record in enumerate(records)
        if isinstance(record, NodeFinished) and record.activation.node == node
    ]
    going = records[: places[times - 1] + 1]
    assert not any(isinstance(record, RunEnded) for record in going)
    return list(going)


def picture(flow: Flow[Any], records: Sequence[Record] | None = None) -> Picture:
    return compose(flow.graph, run_id="demo", records=records)


def svg(flow: Flow[Any], folder: Path, records: Sequence[Record] | None = None) -> ET.Element:
    render(flow.graph, folder / "x.svg", run_id="demo", records=records)
    return ET.fromstring((folder / "x.svg").read_bytes())


def texts(element: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def group(root: ET.Element, title: str) -> ET.Element:
    """The part of an SVG whose tooltip begins with this line."""
    (found,) = [
        each for each in root.iter(f"{SVG}g") if (each.findtext(f"{SVG}title") or "").split("\n")[0] == title
    ]
    return found
