"""Draws the pictures that the docs show: `python docs/images/draw.py [FOLDER]`.

Each is a real run. Only its clock is replaced, so that drawing again changes nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from backedge.checkpoints import MemoryJournal
from backedge.engine.records import AttemptFailed, NodeFinished, Record, RunEnded
from backedge.engine.render import render
from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt

from backedge import END, START, Flow, Graph, ItemError, RunError, add, extend

BEGIN = 1_790_000_000.0
"""When every run in these pictures began."""


class Report(BaseModel):
    """What the interpreter found."""

    passed: bool
    problems: list[str] = []


class Build(BaseModel):
    """The state of the loop."""

    spec: str
    code: str
    report: Report
    feedback: Annotated[list[str], extend] = []


def loop(*, passes: int = 3, breaks: int | None = None) -> Flow[Build]:
    """The loop of the README: the candidate passes in this round, or the interpreter breaks in that one."""
    graph = Graph(Build)

    @graph.node(writes="code")
    async def coder(spec: str, feedback: list[str]) -> str:
        return f"{spec}: candidate {len(feedback)}"

    @graph.node(writes="report", timeout=30)
    def interpreter(code: str) -> Report:
        number = int(code.split()[-1])
        if number == breaks:
            raise RuntimeError("the sandbox is gone")
        return Report(passed=number >= passes, problems=[f"case {number} fails"])

    @graph.node(writes="feedback", inline=True)
    def checker(report: Report) -> list[str]:
        return report.problems

    graph.chain(START, coder, interpreter, checker)
    graph.feedback(checker, coder, when=lambda report: not report.passed, limit=8)
    graph.edge(checker, END, when=lambda report: report.passed)
    return graph.compile()


class Article(BaseModel):
    """The state of the desk."""

    topic: str
    kind: Literal["news", "essay", "poem"] = "news"
    draft: str = ""
    notes: Annotated[list[str], extend] = []
    verdicts: Annotated[int, add] = 0


def desk() -> Flow[Article]:
    """Two nested loops, a switch, an error edge and a way out at a limit."""
    graph = Graph(Article)

    @graph.node(writes="kind")
    async def sort(topic: str) -> Literal["news", "essay", "poem"]:
        return "essay"

    @graph.node(writes="notes", retry=AsyncRetrying(stop=stop_after_attempt(2), reraise=True))
    async def research(topic: str) -> list[str]:
        raise TimeoutError("the archive does not answer")

    @graph.node(writes="notes")
    async def ask_around(topic: str, error: TimeoutError) -> list[str]:
        return ["hearsay"]

    @graph.node(writes="draft")
    async def write(topic: str, notes: list[str]) -> str:
        return topic

    @graph.node(writes="draft")
    async def polish(draft: str) -> str:
        return draft + "."

    @graph.node(writes="notes", inline=True)
    def spell(draft: str) -> list[str]:
        return ["comma"]

    @graph.node(writes="verdicts")
    async def review(draft: str) -> int:
        return 1

    @graph.node(writes="draft")
    async def rhyme(topic: str) -> str:
        return topic

    @graph.node(writes="notes")
    async def print_as_it_is(draft: str) -> list[str]:
        return ["printed as it is"]

    graph.edge(START, sort)
    graph.switch(sort, {"news": research, "essay": research, "poem": rhyme}, on="kind")
    graph.on_error(research, ask_around, error=TimeoutError)
    graph.chain(ask_around, write, polish, spell)
    graph.edge(research, write)
    graph.feedback(spell, polish, when=lambda draft: len(draft) % 3 != 0, limit=5, label="misspelt")
    graph.edge(spell, review, when=lambda draft: len(draft) % 3 == 0, label="clean")
    graph.feedback(review, write, when=lambda verdicts: verdicts < 4, limit=2, otherwise=print_as_it_is)
    graph.edge(review, END, when=lambda verdicts: verdicts >= 4)
    graph.chain(print_as_it_is, END)
    graph.edge(rhyme, END)
    return graph.compile()


class Sum(BaseModel):
    """The state of the fan-out."""

    numbers: int
    total: Annotated[int, add] = 0


def fan_out(*, width: int = 1000, breaks: int = 421) -> Flow[Sum]:
    """A thousand workers between two nodes; one of them fails."""
    graph = Graph(Sum)

    @graph.node(inline=True)
    def split(numbers: int) -> None:
        return None

    @graph.node(inline=True)
    def collect(total: int) -> None:
        return None

    for number in range(width):

        def work(numbers: int, number: int = number) -> int:
            if number == breaks:
                raise ZeroDivisionError("division by zero")
            return number

        worker = graph.node(work, name=f"w{number}", writes="total", inline=True)
        graph.chain(split, worker, collect)
    graph.edge(START, split)
    graph.edge(collect, END)
    return graph.compile()


class Page(BaseModel):
    """The state of what runs for each page."""

    url: str
    text: str = ""
    words: int = 0


class Site(BaseModel):
    """The state of the crawl."""

    urls: list[str]
    counts: list[int | ItemError] = []
    total: Annotated[int, add] = 0


def crawl() -> Flow[Site]:
    """A flow for each item of a list, errors collected; what is slower than half a minute is not waited for."""
    page = Graph(Page, name="page")

    @page.node(writes="text", timeout=10)
    async def fetch(url: str) -> str:
        if url == "c":
            raise ConnectionError("no route")
        return url

    @page.node(writes="words", inline=True)
    def count(text: str) -> int:
        return len(text)

    page.chain(START, fetch, count, END)
    graph = Graph(Site)

    @graph.node(inline=True)
    def watch(urls: list[str]) -> None:
        return None

    visit = graph.map(
        page, over="urls", item="url", into="counts", result="words", name="visit", errors="collect"
    )

    @graph.node(writes="total", inline=True)
    def add_up(counts: list[int | ItemError]) -> int:
        return sum(count for count in counts if isinstance(count, int))

    graph.chain(START, visit, add_up, END)
    graph.chain(START, watch, add_up)
    graph.cancel(watch, visit, complete=True, when=lambda total: total < 0, label="too long")
    return graph.compile()


async def records_of(flow: Flow[Any], inputs: dict[str, Any], run_id: str) -> Sequence[Record]:
    """Run it, whatever the end, and read what its journal holds."""
    async with MemoryJournal() as journal:
        with suppress(RunError):
            await flow.run(inputs, journal=journal, run_id=run_id)
        return steady(await journal.read(run_id))


def steady(records: Sequence[Record]) -> list[Record]:
    """The same records by a clock of its own: how long a node takes follows from its name."""
    now, found = BEGIN, list[Record]()
    pace = 40 if len(records) < 100 else 40_000
    for record in records:
        if isinstance(record, NodeFinished | AttemptFailed):
            seconds = 0.8 / pace + sum(record.activation.node.encode()) % 97 / pace
            found.append(record._replace(started=now, ended=now + seconds))
            now += seconds
        else:
            found.append(record._replace(at=now))
    return found


def cut_off(records: Sequence[Record], rounds: int) -> list[Record]:
    """What is in the journal while the run is under way."""
    going = [record for record in records if not isinstance(record, RunEnded)]
    return going[: 3 * rounds + 2]


def first_through(records: Sequence[Record]) -> list[Record]:
    """What is in the journal of a map whose first item is through, when the others have begun."""

    def instance(record: Record) -> str:
        activation = getattr(record, "activation", None)
        return "".join(activation.instance) if activation else ""

    def is_there(record: Record) -> bool:
        if isinstance(record, NodeFinished) and record.activation.node in ("visit/JOIN", "add_up"):
            return False
        begins = isinstance(record, NodeFinished) and record.activation.node == "visit"
        return not isinstance(record, RunEnded) and (begins or instance(record) < "1")

    return steady(sorted(filter(is_there, records), key=instance))  # in whichever order they came


def main(folder: Path) -> None:
    """Draw all pictures into the folder."""
    plain, broken, nested, wide = loop(), loop(breaks=2), desk(), fan_out()
    done = asyncio.run(records_of(plain, {"spec": "sort"}, "demo"))
    failed = asyncio.run(records_of(broken, {"spec": "sort"}, "demo"))
    printed = asyncio.run(records_of(nested, {"topic": "graphs"}, "monday"))
    spread = asyncio.run(records_of(wide, {"numbers": 1000}, "wide"))
    pages = crawl()
    visited = asyncio.run(records_of(pages, {"urls": list("cabdefgh")}, "site"))
    render(pages.graph, folder / "map.svg", run_id="site", records=first_through(visited))
    render(plain.graph, folder / "loop.svg")
    render(plain.graph, folder / "loop-running.svg", run_id="demo", records=cut_off(done, 2))
    render(broken.graph, folder / "loop-failed.svg", run_id="demo", records=failed)
    render(plain.graph, folder / "loop-done.svg", run_id="demo", records=done)
    render(nested.graph, folder / "nested.svg", run_id="monday", records=printed)
    render(wide.graph, folder / "fan-out.svg", run_id="wide", records=spread)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
