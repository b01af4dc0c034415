"""``backedge check``: what is wrong with a graph, or what it looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

import click

from .options import Told, common
from .problems import Exit

if TYPE_CHECKING:
    from backedge.engine.analysis import Analysis, LoopFacts, MapFacts

_MOST = 12  # subgraphs that are listed one by one: a graph within itself has any number


@click.command()
@click.argument("target")
@common
@click.pass_obj
def check(told: Told, /, target: str) -> int:
    """Check a graph, and say what it looks like.

    Every problem is listed with what to do, and the exit code is 1. A graph without any is summed up: what a run must
    be given, its subgraphs, maps and loops, its longest path, and how many activations a run has at most.

    \b
    backedge check loop.py:graph
    """
    from backedge.engine.analysis import describe
    from backedge.engine.errors import GraphError

    from .console import stdout_kept
    from .target import Loader

    with stdout_kept(told.json) as answer, Loader() as loader:
        try:
            flow = loader.flow(target)
        except GraphError as error:
            _tell_problems(target, error.problems, told, answer)
            return Exit.FAILED
        fields = flow.graph.schema.fields
        types = {name: fields[name].value.facts.text for name in flow.graph.inputs}
        _tell_facts(target, describe(flow.graph), types, told, answer)
    return Exit.OK


def _tell_problems(target: str, problems: tuple[str, ...], told: Told, answer: IO[str]) -> None:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    numbered = [f"  {number}. {problem}" for number, problem in enumerate(problems, 1)]
    found = {"target": target, "ok": False, "problems": list(problems)}
    _print(answer, told, found, [f"{target}: {count}", *numbered])


def _tell_facts(target: str, facts: Analysis, types: Mapping[str, str], told: Told, answer: IO[str]) -> None:
    found = {"target": target, "ok": True, "problems": [], **asdict(facts), "inputs": dict(types)}
    found["activations"] = str(facts.bound)
    _print(answer, told, found, list(_lines(target, facts, types)))


def _print(answer: IO[str], told: Told, found: Mapping[str, Any], lines: list[str]) -> None:
    from .console import json_line, printable

    text = json_line(found) if told.json else "\n".join(map(printable, lines))
    answer.write(f"{text}\n")
    answer.flush()


def _lines(target: str, facts: Analysis, types: Mapping[str, str]) -> Iterator[str]:
    noun = "problem" if not facts.warnings else "problem, but see the warnings"
    yield f"{target}: no {noun}"
    yield ""
    yield f"graph         {facts.name}: {_count(len(facts.nodes), 'node')}, {_count(facts.edges, 'edge')}"
    yield f"inputs        {', '.join(f'{name}: {text}' for name, text in types.items()) or 'none'}"
    for subgraph in facts.subgraphs[:_MOST]:
        told = ", ".join(subgraph.members) or "nothing"
        yield f"subgraph      {subgraph.name}, graph {subgraph.graph}: {told}"
    if more := len(facts.subgraphs[_MOST:]):
        yield f"                and {_count(more, 'more subgraph')}"
    for each in facts.maps:
        yield from _map_lines(each)
    for loop in facts.loops:
        yield from _loop_lines(loop)
    working = {"START", "END", *facts.nodes}
    yield f"longest path  {' -> '.join(name for name in facts.longest_path if name in working)}"
    yield f"activations   {facts.bound}"
    for warning in facts.warnings:
        yield f"warning: {warning}"


def _map_lines(each: MapFacts) -> Iterator[str]:
    what = f", graph {each.graph}: {', '.join(each.members)}" if each.graph else ""
    yield f"map           {each.name}{what}"
    told = f"once for each {each.item} of {each.over}"
    if each.into is not None:
        told += f", results into {each.into}"
    if each.errors == "collect":
        told += ", errors among them"
    yield f"                {told}"
    if each.join == "none":
        yield "                nothing waits for them"
    elif each.join != "all":
        count = 1 if each.join == "first" else each.join
        yield f"                {count} {'result is' if count == 1 else 'results are'} enough"


def _loop_lines(loop: LoopFacts) -> Iterator[str]:
    inside = f", inside {loop.outer}" if loop.outer else ""
    yield f"loop          {loop.name}{inside}: {', '.join(loop.members)}"
    if loop.headers != (loop.name,):
        yield f"                headers {', '.join(loop.headers)}"
    for edge, limit in loop.limits.items():
        yield f"                {edge}, {'no limit' if limit is None else f'at most {limit} times'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
