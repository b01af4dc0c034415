"""Who works on a repair: a search, a model, or both, made ready for a run."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from backedge.engine.flow import Flow
from backedge.engine.ports import Journal
from backedge.engine.records import RunForked
from backedge.nodes.repair.graph import Coder, Team, repair_graph
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import Runner
from backedge.nodes.repair.stopwatch import Stopwatch

from .journals import header_of
from .problems import CommandError

if TYPE_CHECKING:
    from backedge.providers import Model

ATTEMPTS: Final = 3
"""How often one call is tried, where it fails in a way that may pass."""

_FILES: Final = ("scripted:", "replay:")


class Crew(NamedTuple):
    """What a repair runs with.

    Attributes:
        flow: Its graph.
        resources: What its nodes are handed.
    """

    flow: Flow[Any]
    resources: dict[str, Any]


def team_of(coder: Coder | None, model: str | None, *, budgeted: bool) -> Team:
    """Who is to work on it, from what was typed.

    Raises:
        CommandError: What was typed does not go together.
    """
    if model is None and coder in ("model", "both"):
        raise CommandError(f"--coder {coder} needs a model: add --model NAME, such as --model openai:gpt-5")
    if model is not None and coder == "search":
        raise CommandError("--coder search asks no model: leave --model out, or say --coder both")
    if model is None and budgeted:
        raise CommandError("--budget is for a model: add --model NAME, or leave it out")
    return Team(coder=coder or ("model" if model else "search"), model=model)


async def kept_with(journal: Journal, run_id: str) -> tuple[Team, Rules]:
    """Who worked on a run and by what rules, as its journal holds it; what is not there is as by default.

    Raises:
        CommandError: There is no such run.
    """
    header = await header_of(journal, run_id)
    first = (await journal.read(header.run_id, before=1))[0]
    while isinstance(first, RunForked) and header.parent is not None:
        header = await header_of(journal, header.parent[0])
        first = (await journal.read(header.run_id, before=1))[0]
    inputs = getattr(first, "inputs", {})
    team = Team.model_validate_json(inputs["team"]) if "team" in inputs else Team()
    rules = Rules.model_validate_json(inputs["rules"]) if "rules" in inputs else Rules()
    return team, rules


@asynccontextmanager
async def crew(team: Team, rules: Rules, runner: Runner, journal: str) -> AsyncIterator[Crew]:
    """The graph for a team and all it needs. What a model has open is closed behind it.

    Args:
        team: Who works.
        rules: By what rules.
        runner: Runs candidates.
        journal: The path of the run's journal.

    Raises:
        CommandError: The model cannot be used; nothing was sent.
    """
    if team.model is None:
        yield Crew(repair_graph().compile(), {"programmer": SearchProgrammer(), "runner": runner})
        return
    from backedge.nodes.repair.board import JournalBoard
    from backedge.nodes.repair.contest import contest_graph
    from backedge.nodes.repair.modelled import ModelProgrammer

    model = ready(team.model, rules)
    author = ModelProgrammer(model, seconds=rules.seconds)
    try:
        if team.coder == "model":
            yield Crew(repair_graph().compile(), {"programmer": author, "runner": runner})
            return
        resources = {
            "programmer": SearchProgrammer(),
            "runner": runner,
            "author": author,
            "tester": dataclasses.replace(runner, workers=1, watch=Stopwatch()),
            "board": JournalBoard(journal),
        }
        yield Crew(contest_graph().compile(), resources)
    finally:
        await model.aclose()  # type: ignore[attr-defined]  # every model of ours has it


def ready(name: str, rules: Rules) -> Model:
    """The model of this name, tried again where it fails, and priced where prices are known.

    Raises:
        CommandError: There is no such model, or no key or client for it, or a budget that cannot be kept.
    """
    from backedge.nodes.repair.modelled import CALL_SECONDS
    from backedge.providers import CassetteError, ModelError, Usage, model
    from backedge.providers.errors import MissingPackageError
    from backedge.providers.wrappers.cost import Priced
    from backedge.providers.wrappers.prices import PriceList
    from backedge.providers.wrappers.retry import Retrying

    try:
        found = model(name, timeout=CALL_SECONDS)
    except (ValueError, CassetteError) as error:
        raise CommandError(str(error)) from None
    except ModelError as error:
        raise CommandError(str(error), kind=type(error).__name__) from None
    retrying = Retrying(found, attempts=ATTEMPTS, within=CALL_SECONDS / 3)
    try:
        price = PriceList().of_name(name, Usage(input_tokens=1, output_tokens=1))
    except MissingPackageError as error:
        if rules.dollars is not None:
            raise CommandError(f"a budget in dollars needs prices: {error}") from None
        return retrying
    if price is None and rules.dollars is not None and not name.startswith(_FILES):
        raise CommandError(
            f"what {name} costs is unknown: give the budget in tokens, such as --budget 20000tokens"
        )
    return Priced(retrying)
