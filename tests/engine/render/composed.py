"""Graphs of subgraphs and maps to draw and to look at."""

from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Flow, Graph, ItemError, add, extend


class Lint(BaseModel):
    code: str
    clean: bool = False


def lint() -> Graph[Lint]:
    """A loop that is done once the code ends with two dots."""
    graph = Graph(Lint, name="lint")

    @graph.node(writes="code")
    async def fix(code: str) -> str:
        return f"{code}."

    @graph.node(writes="clean", inline=True)
    def check(code: str) -> bool:
        return code.endswith("..")

    graph.chain(START, fix, check)
    graph.feedback(check, fix, when=lambda clean: not clean, limit=3)
    graph.edge(check, END, when=lambda clean: clean)
    return graph


class Build(BaseModel):
    spec: str
    code: str = ""
    notes: Annotated[list[str], extend] = []


def twice() -> Flow[Build]:
    """A loop of two rounds in which the same graph stands twice."""
    graph = Graph(Build, name="twice")

    @graph.node(writes="code")
    async def coder(spec: str) -> str:
        return spec

    tidy = graph.subgraph(lint(), name="tidy")
    polish = graph.subgraph(lint(), name="polish")

    @graph.node(writes="notes", inline=True)
    def note(code: str) -> list[str]:
        return [code]

    graph.chain(START, coder, tidy, polish, note)
    graph.feedback(note, coder, when=lambda notes: len(notes) < 2, limit=4)
    graph.edge(note, END, when=lambda notes: len(notes) >= 2)
    return graph.compile()


class Page(BaseModel):
    url: str
    text: str = ""
    words: int = 0


class Crawl(BaseModel):
    urls: list[str]
    pages: list[int | ItemError] = []
    rounds: Annotated[int, add] = 0


def crawl() -> Flow[Crawl]:
    """Two rounds of a map of a flow; what begins with "bad" fails, and each round adds one such."""
    inner = Graph(Page, name="page")

    @inner.node(writes="text")
    async def fetch(url: str) -> str:
        if url.startswith("bad"):
            raise OSError("no route")
        return url

    @inner.node(writes="words", inline=True)
    def count(text: str) -> int:
        return len(text)

    inner.chain(START, fetch, count, END)
    graph = Graph(Crawl, name="crawl")

    @graph.node(writes="urls", inline=True)
    def seeds(urls: list[str]) -> list[str]:
        return [*urls, "bad"]

    worker = graph.map(
        inner, over="urls", item="url", into="pages", result="words", name="worker", errors="collect"
    )

    @graph.node(writes="rounds", inline=True)
    def look(pages: list[int | ItemError]) -> int:
        return 1

    graph.chain(START, seeds, worker, look)
    graph.feedback(look, seeds, when=lambda rounds: rounds < 2, limit=5)
    graph.edge(look, END, when=lambda rounds: rounds >= 2)
    return graph.compile()


class Numbers(BaseModel):
    numbers: list[int]
    found: list[int] = []


def halves(*, broken: int | None = None) -> Flow[Numbers]:
    """A map of a function of which one item may fail; an error of it is handled outside."""
    graph = Graph(Numbers, name="halves")

    @graph.map(over="numbers", item="number", into="found", inline=True)
    def half(number: int) -> int:
        if number == broken:
            raise ValueError("odd")
        return number // 2

    graph.chain(START, half, END)
    return graph.compile()


def repaired() -> Flow[Build]:
    """A subgraph whose errors lead to a node that leads back to it: the loop holds a part of it only."""
    graph = Graph(Build, name="repaired")
    tidy = graph.subgraph(lint(), name="tidy", reads={"code": "spec"})
    mend, done = [graph.node(lambda: None, name=name, inline=True) for name in ("mend", "done")]
    graph.chain(START, tidy, done, END)
    graph.on_error(tidy, mend)
    graph.feedback(mend, tidy, limit=2)
    return graph.compile()


def deep(limit: int = 3) -> Flow[Lint]:
    """A graph within itself."""
    graph = Graph(Lint, name="deep")

    @graph.node(writes="code", inline=True)
    def shorter(code: str) -> str:
        return code[1:]

    again = graph.subgraph(graph, name="again", limit=limit)
    graph.edge(START, shorter)
    graph.edge(shorter, again, when=lambda code: code != "")
    graph.edge(shorter, END, when=lambda code: code == "")
    graph.edge(again, END)
    return graph.compile()


class Log(BaseModel):
    log: Annotated[list[str], extend] = []


def raced(*, complete: bool = False) -> Flow[Log]:
    """Three that race, of which the first cancels the others; it also cancels a subgraph or completes a map."""
    graph = Graph(Log, name="raced")

    def step(name: str, **options: object) -> object:
        return graph.node(lambda: [name], name=name, writes="log", inline=True, **options)

    ask, one, two, three, slow = [step(name) for name in ("ask", "one", "two", "three", "slow")]
    answer = step("answer", join="first", rest="cancel")
    inner = Graph(Log, name="inner")
    inner.chain(START, inner.node(lambda: ["p"], name="peek", writes="log", inline=True), END)
    if complete:
        watch = graph.map(lambda log_item: None, over="log", item="log_item", name="watch")
    else:
        watch = graph.subgraph(inner, name="watch", writes={})
    graph.edge(START, ask)
    for node in (one, two, three):
        graph.chain(ask, node, answer)
    graph.chain(START, slow, END)
    graph.chain(START, watch, END)
    graph.chain(answer, END)
    graph.cancel(answer, slow)
    graph.cancel(answer, watch, complete=complete, when=lambda log: len(log) > 1)
    return graph.compile()
