"""Options that commands share, and reading what they are given."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from backedge.engine.shares import Share

from .problems import CommandError

if TYPE_CHECKING:
    from backedge.engine.flow import Flow

F = TypeVar("F", bound=Callable[..., Any])

JOURNAL: Final = "backedge.db"
"""Where runs are kept when nobody says where."""


@dataclass(slots=True)
class Told:
    """What the command line said that concerns how errors are told."""

    debug: bool = False
    json: bool = False


def _tell(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            setattr(context.find_object(Told), name, True)

    return callback


def common(command: F) -> F:
    """``--json`` and ``--debug``; they are not passed on but noted in `Told`."""
    for flag, text in (
        ("debug", "Show tracebacks."),
        ("json", "Print one JSON object and nothing else, for programs."),
    ):
        option = click.option(
            f"--{flag}", is_flag=True, expose_value=False, is_eager=True, callback=_tell(flag), help=text
        )
        command = option(command)
    return command


def journal_option(command: F) -> F:
    """``--journal PATH``."""
    return click.option(
        "--journal", metavar="PATH", default=JOURNAL, show_default=True, help="The file that keeps the runs."
    )(command)


@dataclass(frozen=True, slots=True)
class HowToRun:
    """How a run is to be carried out, as typed."""

    resource: tuple[str, ...]
    limit: tuple[str, ...]
    slots: tuple[str, ...]
    concurrency: int | None
    deadline: float | None
    durability: str
    progress: str


def durability_option() -> Callable[[F], F]:
    """``--durability``."""
    return click.option(
        "--durability",
        type=click.Choice(["step", "batched", "exit"]),
        default="step",
        show_default=True,
        help="What a crash may take: nothing, the last steps, all since the run began or was gone on with.",
    )


def run_options(command: F) -> F:
    """The options of ``run`` and ``resume`` that `HowToRun` holds."""
    options = (
        click.option(
            "--resource",
            multiple=True,
            metavar="NAME=FILE.py:ATTRIBUTE",
            help="What the graph declares as a resource; a function or class is called to make it.",
        ),
        click.option(
            "--limit",
            multiple=True,
            metavar="EDGE=N",
            help="Another limit for a feedback edge, as in 'checker->coder=20'; 'none' for no limit.",
        ),
        click.option("--slots", multiple=True, metavar="NAME=N", help="How many slots of a name there are."),
        click.option(
            "--concurrency", type=click.IntRange(min=1), metavar="N", help="How many nodes run at once."
        ),
        click.option(
            "--deadline",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="Interrupt the run after so many seconds.",
        ),
        durability_option(),
        click.option(
            "--progress",
            type=click.Choice(["auto", "live", "lines", "none"]),
            default="auto",
            show_default=True,
            help="How to show what happens, on stderr; auto: live on a terminal, else none.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


# --------------------------------------------------------------------------- reading


def read_input(given: str | None, option: str = "--input") -> dict[str, Any]:
    """Fields and their values, given as JSON text, ``@file``, or ``@-`` for stdin. `option` is what to call it.

    Raises:
        CommandError: It cannot be read, is no JSON, or no object.
    """
    if given is None:
        return {}
    source, text = (option, given) if not given.startswith("@") else _from_file(option, given[1:])
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        hint = f"; to read that file write {option} @{given}" if Path(given[:255]).is_file() else ""
        raise CommandError(
            f"{source}: this is no JSON, at line {error.lineno}, column {error.colno}: {error.msg}{hint}"
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a thousand brackets
        raise CommandError(f"{source}: this JSON cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise CommandError(
            f'{source}: expected a JSON object of fields, such as {{"spec": "..."}}, found {_json_kind(value)}'
        )
    return value


def _from_file(option: str, name: str) -> tuple[str, str]:
    if name == "-":
        source, read = f"{option} @- (stdin)", sys.stdin.buffer.read
    else:
        source, read = f"{option} @{name}", Path(name).read_bytes
    try:
        return source, read().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise CommandError(f"{source}: there is no such file") from error
    except IsADirectoryError as error:
        raise CommandError(f"{source}: this is a folder; name a file") from error
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else f"it is not UTF-8 ({error})"
        raise CommandError(f"{source}: it cannot be read: {told}") from error


def _json_kind(value: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")


def pairs(option: str, given: Iterable[str], example: str) -> dict[str, str]:
    """``name=value`` options as a mapping. The last ``=`` divides, except for values that may hold one.

    Raises:
        CommandError: One has no ``=``, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=") if option == "--resource" else text.rpartition("=")
        if not (equals and name.strip() and value.strip()):
            raise CommandError(f"{option} {text!r}: expected {example}")
        name = name.strip()
        if name in found:
            raise CommandError(f"{option}: {name!r} is given twice")
        found[name] = value.strip()
    return found


def whole(option: str, text: str, least: int) -> int:
    """A whole number from `least` on. Raises CommandError."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise CommandError(f"{option}: expected a whole number from {least}, found {text!r}")
    return number


def limits_of(flow: Flow[Any], given: Sequence[str]) -> dict[str, int | None]:
    """``--limit``: feedback edges and their new limits. Raises CommandError."""
    told = pairs("--limit", given, "EDGE=N, as in 'checker->coder=20'")
    edges = [flow.graph.plan.edges[number].id for number in flow.graph.limits]
    _all_known("--limit", told, edges, "feedback edge")
    return {
        edge: None if text.lower() == "none" else whole(f"--limit {edge}", text, 0)
        for edge, text in told.items()
    }


def slots_of(flow: Flow[Any], given: Sequence[str]) -> dict[str, int]:
    """``--slots``: slots and how many there are of each. Raises CommandError."""
    told = pairs("--slots", given, "NAME=N, as in sandbox=2")
    definition = flow.graph.definition
    used = {name for spec in definition.nodes.values() for name in spec.uses}
    used |= {slot.of for slot in definition.slots.values() if isinstance(slot, Share)}
    _all_known("--slots", told, ["threads", *sorted(used)], "slot that a node uses")
    return {name: whole(f"--slots {name}", text, 1) for name, text in told.items()}


def resource_places(flow: Flow[Any], given: Sequence[str]) -> dict[str, str]:
    """``--resource``: what each declared resource is taken from. Raises CommandError."""
    told = some_resources(flow, given)
    declared: Mapping[str, Any] = flow.graph.definition.resources
    if missing := [name for name in declared if name not in told]:
        raise CommandError(
            f"the graph needs {'resources' if len(missing) > 1 else 'the resource'} {', '.join(missing)}: "
            f"add {' '.join(f'--resource {name}=FILE.py:ATTRIBUTE' for name in missing)}"
        )
    return told


def some_resources(flow: Flow[Any], given: Sequence[str]) -> dict[str, str]:
    """``--resource`` where not all are needed: what each one named is taken from. Raises CommandError."""
    told = pairs("--resource", given, "NAME=FILE.py:ATTRIBUTE, as in model=models.py:cheap")
    _all_known("--resource", told, list(flow.graph.definition.resources), "resource of this graph")
    return told


def near(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` where something known is like `name`, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _all_known(option: str, told: Iterable[str], known: Sequence[str], noun: str) -> None:
    for name in told:
        if name not in known:
            there = f"there is {', '.join(known)}" if known else "there is none"
            raise CommandError(f"{option}: {name!r} is no {noun}; {there}{near(name, known)}")
