"""The node of an agent in a swarm: it works until it has an answer, or hands off."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from backedge.engine.compiler.goto import Goto
from backedge.engine.context import Context
from backedge.nodes.agents import Agent, AgentExit
from backedge.nodes.agents.prompts import text_of
from backedge.nodes.tools import AnyTool
from backedge.providers import Message

from .errors import HandoffLimitError
from .handoff import Handoff, prompt_of, refusing
from .limits import Limits
from .moving import Move, Standing
from .state import SwarmState

AtLimit: TypeAlias = Literal["answer", "end", "fail"]
_READS: Final = ("question", "talk", "view", "trail", "stack")
_CONTEXT: Final = "swarm_context_"

WRITES: Final = tuple(name for name in SwarmState.model_fields if name != "question")


@dataclass(frozen=True, kw_only=True)
class Member:
    """An agent in a swarm.

    Attributes:
        agent: Who.
        handoffs: To whom it may hand off: the tool's name to the handoff.
        tools: The tools to do so, by name.
        limits: How often there may be handoffs.
        at_limit: What happens then.
        fallback: The agent that is to answer then, if any.
    """

    agent: Agent[Any]
    handoffs: Mapping[str, Handoff]
    tools: Mapping[str, AnyTool]
    limits: Limits
    at_limit: AtLimit
    fallback: str

    async def turn(
        self, question: str, standing: Standing, context: Context, models: Mapping[str, Any]
    ) -> Move:
        """Let it work, and say where the work goes then."""
        last = standing.trail[-1] if standing.trail else None
        fallen_back = last is not None and last.kind == "fallback"
        exits = [] if fallen_back else self._exits(standing)
        result = await self.agent.run_or_exit(
            question if last is None else prompt_of(last),
            context,
            exits=exits,
            conversation=standing.seen,
            models=models,
        )
        after = standing.said(result.conversation)
        if not isinstance(result, AgentExit):
            return after.answer(result.output, text_of(result.output))
        handoff = self.handoffs[result.call.name]
        return self._handed_off(after, handoff, handoff.told(self.tools[handoff.name], result.call.arguments))

    def _exits(self, standing: Standing) -> list[AnyTool]:
        """The tools to hand off with. Where a limit forbids it and the agent is to answer itself, they say so."""
        if self.at_limit != "answer" or self.fallback:
            return list(self.tools.values())
        exits = []
        for name, made in self.tools.items():
            handoff = self.handoffs[name]
            limit = self._limit(standing, handoff)
            why = f"{handoff.target} did not get the work: {limit} is reached. Answer yourself."
            exits.append(refusing(made, why) if limit else made)
        return exits

    def _limit(self, standing: Standing, handoff: Handoff) -> str:
        return self.limits.reached(
            standing.trail, standing.stack, self.agent.name, handoff.target, returns=handoff.returns
        )

    def _handed_off(self, after: Standing, handoff: Handoff, told: str) -> Move:
        limit = self._limit(after, handoff)
        if not limit:
            return after.hand_over(handoff.target, told, choose=handoff.context, returns=handoff.returns)
        if self.fallback:
            return after.fall_back(self.fallback, told)
        if self.at_limit == "fail":
            raise HandoffLimitError(self.agent.name, handoff.target, limit)
        return after.end(limit=limit, answer=_last_words(after), stack=())


def _last_words(standing: Standing) -> str:
    """What an agent said last."""
    said = [one.text for one in standing.talk if isinstance(one, Message) and one.role == "assistant"]
    return next((text for text in reversed(said) if text.strip()), "")


def as_node(member: Member, targets: tuple[str, ...]) -> Callable[..., Awaitable[Any]]:
    """The function of an agent's node; its signature names what it reads, and its annotation where it may go."""
    models = sorted(member.agent.models)

    async def turn(**given: Any) -> Any:
        standing = Standing(
            agent=member.agent.name,
            talk=tuple(given["talk"]),
            view=_begun(given["view"], len(given["talk"]), given["trail"]),
            trail=tuple(given["trail"]),
            stack=tuple(given["stack"]),
        )
        resources = {name: given[name] for name in models}
        move = await member.turn(given["question"], standing, given[_CONTEXT], resources)
        return Goto(move.target, value=move.writes)

    keyword = inspect.Parameter.KEYWORD_ONLY
    returned = Goto[Literal[targets]]  # type: ignore[valid-type]  # the names are known when it is built
    told: Any = turn
    told.__name__ = member.agent.name
    told.__annotations__ = {"return": returned}
    told.__signature__ = inspect.Signature(
        [
            *(inspect.Parameter(name, keyword) for name in (*_READS, *models)),
            inspect.Parameter(_CONTEXT, keyword, annotation=Context),
        ],
        return_annotation=returned,
    )
    return told  # type: ignore[no-any-return]  # it is the function


def _begun(view: Any, size: int, trail: Any) -> Any:
    """Who begins is shown all that was said before."""
    return view if trail or not size else ((0, size),)
