"""``backedge answer``: tell a run what it waits for a person to say."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from .options import HowToRun, Told, common, journal_option, read_input, run_options

if TYPE_CHECKING:
    from backedge.engine.execution.desk import Question


@dataclass(frozen=True, slots=True)
class Said:
    """What was typed: words, or one of the options that stand for an answer."""

    words: tuple[str, ...]
    done: str | None
    not_done: bool
    fail: str | None
    approve: bool
    reject: str | None
    edit: str | None

    @property
    def options(self) -> list[str]:
        """The names of those that were given."""
        given = {
            "--done": self.done is not None,
            "--not-done": self.not_done,
            "--fail": self.fail is not None,
            "--approve": self.approve,
            "--reject": self.reject is not None,
        }
        return [name for name, was in given.items() if was]


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("words", metavar="[QUESTION] [VALUE]", nargs=-1)
@journal_option
@click.option("--approve", is_flag=True, help="Let a node run that waits for leave to.")
@click.option(
    "--edit", metavar="JSON|@FILE", help="With --approve: fields that the node is to run on, with new values."
)
@click.option("--reject", metavar="REASON", help="Do not let it run: it fails with this reason.")
@click.option("--done", metavar="JSON", help="A step in doubt was done, with this result.")
@click.option("--not-done", is_flag=True, help="A step in doubt was not done: do it.")
@click.option("--fail", metavar="WHY", help="A step in doubt is to count as failed.")
@click.option("--resume", "target", metavar="TARGET", help="Go on with the run here if nobody works on it.")
@run_options
@common
@click.pass_obj
def answer(
    told: Told,
    /,
    run_id: str,
    words: tuple[str, ...],
    journal: str,
    approve: bool,
    edit: str | None,
    reject: str | None,
    done: str | None,
    not_done: bool,
    fail: str | None,
    target: str | None,
    **typed: Any,
) -> int:
    """Answer a question that a run asks; without a VALUE, list what it waits for.

    VALUE is JSON, or plain text where text is asked for. QUESTION, an id from the list, can be left out where only one
    is open. Whoever works on the run gets the answer at once; a worker goes on with a run that rests.

    \b
    backedge answer demo
    backedge answer demo yes
    backedge answer demo review@0:2 '{"score": 3}' --resume loop.py:graph
    backedge answer demo --reject 'too expensive'
    """
    from .problems import CommandError

    said = Said(words, done, not_done, fail, approve, reject, edit)
    if len(said.options) > 1:
        raise CommandError(f"{' and '.join(said.options)} exclude each other: say one of them")
    if edit is not None and not approve:
        raise CommandError("--edit goes with --approve")
    answered = asyncio.run(_answer(told, run_id, journal, said))
    if answered and target is not None:
        return _go_on(told, run_id, target, journal, HowToRun(**typed))
    return 0


async def _answer(told: Told, run_id: str, path: str, said: Said) -> bool:
    """Post the answer, or list what is open; whether there was an answer."""
    from backedge.engine import letters

    from .console import json_line, say
    from .journals import existing, header_of

    async with existing(path) as journal:
        await header_of(journal, run_id)
        asked = await letters.open_questions(run_id, journal=journal)
        if not said.words and not said.options:
            _list(told, run_id, path, asked)
            return False
        question, value = chosen(run_id, asked, said)
        await letters.answer(run_id, question.id, value, journal=journal)
    if told.json:
        sys.stdout.write(json_line({"run_id": run_id, "question": question.id, "value": value}) + "\n")
    else:
        say(f"run {run_id}: answered {question.id}; whoever works on it, or a worker, goes on with it")
    return True


def chosen(run_id: str, asked: Sequence[Question], said: Said) -> tuple[Question, Any]:
    """Which question is answered, and how.

    Raises:
        CommandError: None is, or not like this.
    """
    from .problems import CommandError
    from .waiting import answerable, kind_of

    named, words = _named(run_id, asked, said)
    kinds = {"--approve": "approval", "--reject": "approval"}
    kind = kinds.get(said.options[0], "in doubt") if said.options else None
    if named is None:
        fitting = [it for it in asked if answerable(it) and (kind is None or kind_of(it) == kind)]
        if not fitting:
            raise CommandError(f"run {run_id!r} asks nothing{_others(asked)}")
        if len(fitting) > 1:
            raise CommandError(
                f"run {run_id!r} asks {len(fitting)} things, say which: {', '.join(it.id for it in fitting)}"
            )
        named = fitting[0]
    if (kind or "question") != kind_of(named):
        raise CommandError(f"{named.id}: {_how(run_id, named)}")
    return named, _value(named, said, words)


def _named(run_id: str, asked: Sequence[Question], said: Said) -> tuple[Question | None, tuple[str, ...]]:
    """The question that the first word names, if it does, and the words that are left."""
    from .problems import CommandError

    most = 1 if said.options else 2
    if len(said.words) > most:
        raise CommandError(f"too many words: expected {'[QUESTION]' if said.options else '[QUESTION] VALUE'}")
    if not said.words:
        return None, ()
    first, *rest = said.words
    fitting = [it for it in asked if first in (it.id, it.activation)]
    if len(fitting) > 1:
        raise CommandError(f"{first!r} asks several things: {', '.join(it.id for it in fitting)}")
    if fitting and not (rest or said.options):
        raise CommandError(f"{first}: say the answer too; it asks: {fitting[0].text}")
    if fitting:
        return fitting[0], tuple(rest)
    if rest or said.options:
        raise CommandError(f"run {run_id!r} has no open question {first!r}{_others(asked)}")
    return None, said.words


def _value(question: Question, said: Said, words: tuple[str, ...]) -> Any:
    from .waiting import parsed, value_of

    if said.approve:
        return {"approve": True, **({"edit": read_input(said.edit, option="--edit")} if said.edit else {})}
    if said.reject is not None:
        return {"approve": False, "reason": said.reject}
    if said.done is not None:
        return {"done": parsed(said.done)}
    if said.not_done:
        return {"not_done": True}
    if said.fail is not None:
        return {"fail": said.fail}
    return value_of(question, words[0])


def _how(run_id: str, question: Question) -> str:
    """How a question of this kind is answered."""
    from .waiting import kind_of

    match kind_of(question):
        case "approval":
            return "this node waits for leave to run: --approve, or --reject REASON"
        case "in doubt":
            return "nobody knows whether this was done: --done RESULT, --not-done, or --fail WHY"
        case "signal":
            return f"this waits for a signal: backedge send {run_id} {question.text} VALUE"
        case "timer":
            return "this waits for a time, which comes by itself"
        case _:
            return f"this is a question: say the answer; it asks: {question.text}"


def _others(asked: Sequence[Question]) -> str:
    from .waiting import kind_of

    return f"; it waits for {', '.join(f'{kind_of(it)} {it.id}' for it in asked)}" if asked else ""


def _list(told: Told, run_id: str, path: str, asked: Sequence[Question]) -> None:
    from .console import console_for, json_line, say, table
    from .waiting import COLUMNS, as_json, row_of

    if told.json:
        questions = [as_json(question) for question in asked]
        sys.stdout.write(json_line({"run_id": run_id, "journal": path, "questions": questions}) + "\n")
    elif asked:
        table(console_for(sys.stdout), COLUMNS, [row_of(question) for question in asked], right="since")
    else:
        say(f"run {run_id} waits for nothing")


def _go_on(told: Told, run_id: str, target: str, journal: str, how: HowToRun) -> int:
    """Resume the run, unless somebody works on it, who has the answer then."""
    from backedge.engine.errors import RunOwnedError

    from . import drive
    from .console import say, stdout_kept
    from .journals import existing
    from .target import Loader

    with stdout_kept(told.json) as output, Loader() as loader:
        flow = loader.flow(target)
        options = drive.options_of(flow, how, loader)
        order = drive.Order(
            flow,
            target,
            journal,
            how,
            lambda: existing(journal),
            lambda store: flow.reopen(run_id, journal=drive.needed(store), **options),
        )
        try:
            return drive.carry_out(order, told, output)
        except RunOwnedError as error:
            say(f"run {run_id} is being worked on by {error.owner}, who goes on with it")
            return 0
