"""The graph of a group chat: a loop of the node that gives the floor and the members' nodes, a turn for each round."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from backedge.engine.context import Context
from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph
from backedge.nodes.agents import Agent
from backedge.providers import Model
from backedge.providers.protocol import ToolSpec

from .assistant import TRANSFER
from .choosing import CHOOSER, Auto, ByFunction, Choice, Manual, Random, RoundRobin, Selection
from .ending import Until, condition_of
from .floor import Rules
from .members import Member, Speaks, voice_of
from .proxy import UserProxy
from .selecting import Select
from .speaking import Scene, Voice
from .talk import NOTES, Chat, Said

Speaker: TypeAlias = Literal["round_robin", "random", "manual", "auto"] | Selection | Choice
"""How speakers are chosen: one of the ways by name, one with options such as `Auto`, or a function of the chat."""

_CONTEXT: Final = "chats_context_"


def group_chat(
    members: Sequence[Agent[Any] | Voice | Member | Speaks],
    *,
    until: Until,
    speaker: Speaker = "round_robin",
    model: Model | str | None = None,
    seed: int | str | None = None,
    transitions: Mapping[str, Sequence[str]] | None = None,
    forbidden: Mapping[str, Sequence[str]] | None = None,
    repeat: bool = True,
    max_turns: int | None = 100,
    admin: str | None = "admin",
    name: str = "group_chat",
) -> Graph[Chat]:
    """Build a talk in which one member speaks at a time, as a graph that may be added to.

    A node gives the floor to a member, whose node says something and leads back over a feedback edge, until the talk is over.

    Args:
        members: Agents, assistants, user proxies and functions, in the order of round robin.
        until: When it is over; see `Condition`.
        speaker: How the next speaker is chosen, where there is something to choose.
        model: Who chooses, with ``speaker="auto"``; a model, or the name of a resource of the graph.
        seed: What chance goes by, with ``speaker="random"``.
        transitions: Member to those who may speak after it. A member that is not named may be followed by anybody.
        forbidden: Member to those who may not speak after it. Give only one of the two.
        repeat: Whether a member may speak twice in a row, where `transitions` do not name it.
        max_turns: The most turns, whatever `until` says and a person wants; None, written out, for no bound.
        admin: The person who says the task, and may take over from outside: see `ADMIN` and `converse_sync`. None for nobody.
        name: The graph's name.

    Raises:
        GraphError: It cannot work; all problems are listed, each with what to do.

    Example::

        graph = group_chat([coder, critic, UserProxy(human="never", tools=[search])],
                           speaker="auto", model=model, until=TextMention("TERMINATE") | MaxTurns(20))
        result = await graph.compile().run({"task": "Write a haiku."}, journal="runs.db", run_id="haiku")
        result.state.transcript, result.state.ended
    """
    problems: list[str] = []
    voices = _voices(members, problems)
    names = tuple(dict.fromkeys(voice.name for voice in voices))
    problems += _name_problems(voices, admin)
    problems += _tool_problems(voices)
    problems += _handoff_problems(voices, admin)
    after, wrong = _transitions(voices, transitions, forbidden, repeat=repeat)
    problems += wrong
    selection = _tried(problems, lambda: _selection(speaker, model, seed, names))
    over = _tried(problems, lambda: condition_of(until))
    if max_turns is not None and (
        isinstance(max_turns, bool) or not isinstance(max_turns, int) or max_turns < 1
    ):
        problems.append(f"max_turns= wants a whole number from 1, or None, not {max_turns!r}")
    if problems:
        raise GraphError(problems)
    assert selection is not None
    assert over is not None
    silent = frozenset(voice.name for voice in voices if voice.silent)
    tools = {voice.name: frozenset(voice.tools) for voice in voices}
    select = Select(
        rules=Rules(names, silent, after, tools),
        about={voice.name: voice.description for voice in voices},
        selection=selection,
        until=over,
        most=max_turns,
        admin=admin or "",
        at_end=tuple(voice.name for voice in voices if voice.asks_at_end),
    )
    return _graph(name, select, voices)


# ---------------------------------------------------------------------- the graph


def _graph(name: str, select: Select, voices: Sequence[Voice]) -> Graph[Chat]:
    models = select.selection.models.union(*(voice.models for voice in voices))
    graph: Graph[Chat] = Graph(Chat, name=name, resources=dict.fromkeys(sorted(models), Model))
    writes = ("talk", "speaker", "chosen_by", "ended", "closing", "now", "spent", "signals", "mark")
    choosing = _as_node(select.give, select.selection.models)
    choosing.takes_over = bool(select.admin)
    header = graph.node(choosing, name=CHOOSER, writes=writes)
    graph.edge(START, header)
    offered = {tool.name: tool.spec() for voice in voices for tool in voice.tools.values()}
    about = dict(select.about)
    if select.admin:
        about.setdefault(select.admin, "")
    cases: dict[str, Any] = {}
    for voice in voices:
        others = {other: what for other, what in about.items() if other != voice.name}
        turn = _turn(voice, others, {key: spec for key, spec in offered.items() if key not in voice.tools})
        node = graph.node(
            _as_node(turn, voice.models),
            name=voice.name,
            writes=("talk", "spent"),
            reuse=getattr(voice, "reuse", "completed"),
        )
        graph.feedback(node, header, when=goes_on, limit=None)
        cases[voice.name] = node
    graph.switch(header, cases, on="speaker")
    graph.edge(header, END, when=is_over, label="over")
    return graph


def goes_on(ended: str) -> bool:
    """Whether the floor is to be given again."""
    return not ended


def is_over(ended: str) -> bool:
    """Whether the talk has ended."""
    return bool(ended)


Body: TypeAlias = Callable[[Chat, Context, Mapping[str, Model]], Awaitable[dict[str, Any]]]


def _turn(voice: Voice, others: Mapping[str, str], offered: Mapping[str, ToolSpec]) -> Body:
    """What a member's node does. Words of a person who lets the talk go on at its end are no turn."""

    async def take(chat: Chat, context: Context, models: Mapping[str, Model]) -> dict[str, Any]:
        spoken = await voice.speak(chat, Scene(context, others, offered, models))
        said = Said(
            speaker=voice.name,
            message=spoken.message,
            turn=0 if chat.closing else chat.turns + 1,
            handoff=spoken.handoff,
            own=spoken.own,
            instead=spoken.instead,
        )
        context.emit(said)
        return {"talk": [said], "spent": spoken.spent}

    return take


def _as_node(body: Body, models: Iterable[str]) -> Any:
    """A function whose signature names what it reads: the whole state, the context, and the models it needs."""

    async def node(**given: Any) -> Any:
        chat, context = given.pop("chat"), given.pop(_CONTEXT)
        return await body(chat, context, given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    told: Any = node
    told.__signature__ = inspect.Signature(
        [
            inspect.Parameter("chat", keyword, annotation=Chat),
            inspect.Parameter(_CONTEXT, keyword, annotation=Context),
            *(inspect.Parameter(name, keyword) for name in sorted(models)),
        ]
    )
    return told


# ---------------------------------------------------------------------- what may be wrong


def _tried(problems: list[str], make: Callable[[], Any]) -> Any:
    """What is made, or None and one problem more."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        problems.append(str(error))
        return None


def _voices(members: Any, problems: list[str]) -> list[Voice]:
    if isinstance(members, str | Mapping) or not isinstance(members, Iterable):
        problems.append(f"members= takes several members, as in [coder, critic], not {members!r}")
        return []
    found = [_tried(problems, lambda one=one: voice_of(one)) for one in members]  # type: ignore[misc]  # the default binds it
    voices = [voice for voice in found if voice is not None]
    if not found:
        problems.append("a talk has somebody who speaks: give it members, as in [coder, critic]")
    elif voices and all(voice.silent for voice in voices):
        problems.append("no member speaks by itself: all of them only carry out calls of tools")
    return voices


def _name_problems(voices: Sequence[Voice], admin: str | None) -> list[str]:
    problems = []
    names = [voice.name for voice in voices]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.append(
                f"{names.count(name)} members are called {name!r}: give one of them another name, as in Member(agent, name=...)"
            )
        if not isinstance(name, str) or not name.isidentifier() or name in (START.name, END.name):
            problems.append(
                f"a member's name is an identifier, such as 'coder', not {name!r}: see Member(..., name=...)"
            )
        if name in (CHOOSER, NOTES):
            problems.append(f"no member can be called {name!r}: the talk itself uses that name")
    if admin is not None and (not isinstance(admin, str) or not admin.strip() or admin == NOTES):
        problems.append(f"admin= is the name of a person, or None, not {admin!r}")
    problems += [
        f"admin={admin!r} is a person, and so is not {voice.name!r}: give one of them another name"
        for voice in voices
        if voice.name == admin and not isinstance(voice, UserProxy)
    ]
    return problems


def _tool_problems(voices: Sequence[Voice]) -> list[str]:
    problems, first = [], dict[str, tuple[str, ToolSpec]]()
    for voice in voices:
        for tool in voice.tools.values():
            owner, spec = first.setdefault(tool.name, (voice.name, tool.spec()))
            if spec.parameters != tool.spec().parameters:
                problems.append(
                    f"{owner} and {voice.name} have a tool {tool.name!r} each that takes other arguments: give one of them another name="
                )
            if tool.name.startswith(TRANSFER):
                problems.append(
                    f"{voice.name}: a tool cannot be called {tool.name!r}: names that begin so hand over the floor"
                )
    for voice in voices:
        wanted = getattr(voice, "calls", "any")
        unknown = [] if isinstance(wanted, str) else [name for name in wanted if name not in first]
        problems += [
            f"{voice.name} may call {name!r}, which nobody has; there are: {', '.join(first) or 'none'}"
            for name in unknown
        ]
    return problems


def _handoff_problems(voices: Sequence[Voice], admin: str | None) -> list[str]:
    problems = []
    silent = {voice.name for voice in voices if voice.silent}
    for voice in voices:
        for target in voice.handoffs:
            if target == voice.name:
                problems.append(f"{target} hands over to itself: leave that out of its handoffs=")
            elif target in silent:
                problems.append(f"{voice.name} hands over to {target}, who only carries out calls of tools")
    return problems


def _transitions(
    voices: Sequence[Voice],
    allowed: Mapping[str, Sequence[str]] | None,
    forbidden: Mapping[str, Sequence[str]] | None,
    *,
    repeat: bool,
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Whom each member may be followed by, and what is wrong with that."""
    names = [voice.name for voice in voices]
    problems = []
    if allowed is not None and forbidden is not None:
        problems.append("transitions= says who may follow whom, and forbidden= who may not: give one of them")
    for option, given in (("transitions", allowed), ("forbidden", forbidden)):
        problems += _unknown(option, given, names)
    if problems:
        return {}, problems
    after: dict[str, tuple[str, ...]] = {}
    speaking = {voice.name for voice in voices if not voice.silent}
    for name in names:
        others = tuple(names if repeat else [one for one in names if one != name])
        if allowed is not None and name in allowed:
            others = tuple(allowed[name])
        elif forbidden is not None:
            others = tuple(one for one in others if one not in forbidden.get(name, ()))
        after[name] = others
        if name in speaking and not speaking.intersection(others):
            problems.append(
                f"nobody may speak after {name}: allow somebody, in transitions=, forbidden= or repeat="
            )
    return after, problems


def _unknown(option: str, given: Any, names: Sequence[str]) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, Mapping) or any(isinstance(one, str) for one in given.values()):
        return [f"{option}= maps a member to several, as in {{'coder': ['critic']}}, not {given!r}"]
    unknown = dict.fromkeys(
        one for key, others in given.items() for one in (key, *others) if one not in names
    )
    return [f"{option}= names {one!r}, who is no member; there are {', '.join(names)}" for one in unknown]


def _selection(speaker: Any, model: Any, seed: Any, names: Sequence[str]) -> Selection:
    """The way of choosing. Raises ValueError or TypeError for what is none."""
    if model is not None and speaker != "auto":
        raise ValueError("model= is who chooses with speaker='auto'; leave it out")
    if seed is not None and speaker != "random":
        raise ValueError("seed= is what chance goes by with speaker='random'; leave it out")
    if speaker == "auto":
        if model is None:
            raise ValueError("speaker='auto' lets a model choose: give it model=")
        return Auto(model)
    ways: dict[str, Selection] = {"round_robin": RoundRobin(), "random": Random(seed), "manual": Manual()}
    if isinstance(speaker, str) and speaker in ways:
        return ways[speaker]
    if isinstance(speaker, Auto) and speaker.fallback not in ("round_robin", "fail", *names):
        raise ValueError(
            f"Auto: fallback= is 'round_robin', 'fail' or the name of a member, not {speaker.fallback!r}"
        )
    if hasattr(speaker, "choose") and not isinstance(speaker, type):
        return speaker  # type: ignore[no-any-return]  # what lacks the rest of it says so when that is asked for
    if callable(speaker) and not isinstance(speaker, type):
        return ByFunction(speaker)
    raise TypeError(
        f"speaker= takes one of {', '.join([*ways, 'auto'])}, a way such as Auto(...), or a function, not {speaker!r}"
    )
