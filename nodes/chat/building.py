"""The graph of a group chat: a loop of the node that gives the floor and the members' nodes, a turn for each round."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from backedge.engine.context import Context
from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph
from backedge.nodes.agents import Agent
from backedge.nodes.agents.wiring import NodeOptions
from backedge.providers import Model
from backedge.providers.protocol import ToolSpec

from .checking import condition_problems, problems_of, transitions_of
from .choosing import CHOOSER, Auto, ByFunction, Choice, Manual, Random, RoundRobin, Selection
from .ending import Until, condition_of
from .floor import Rules
from .members import Member, Speaks, voice_of
from .selecting import Select
from .speaking import Scene, Voice
from .talk import Chat, Said, takes

Speaker: TypeAlias = Literal["round_robin", "random", "manual", "auto"] | Selection | Choice
"""How speakers are chosen: one of the ways by name, one with options such as `Auto`, or a function of the chat."""

_CONTEXT: Final = "chats_context_"
_STATE: Final = "chats_state_"


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
    found = _voices(members, problems)
    voices = [voice for voice, _ in found]
    names = tuple(dict.fromkeys(voice.name for voice in voices))
    problems += problems_of(voices, admin=admin, max_turns=max_turns)
    after, wrong = transitions_of(voices, transitions, forbidden, repeat=repeat)
    problems += wrong
    selection = _tried(problems, lambda: _selection(speaker, model, seed, names))
    over = _tried(problems, lambda: condition_of(until))
    problems += [] if over is None else condition_problems(over, voices, admin)
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
    return _graph(name, select, found)


# ---------------------------------------------------------------------- the graph


def _graph(name: str, select: Select, members: Sequence[tuple[Voice, NodeOptions]]) -> Graph[Chat]:
    voices = [voice for voice, _ in members]
    models = select.selection.models.union(*(voice.models for voice in voices))
    graph: Graph[Chat] = Graph(Chat, name=name, resources=dict.fromkeys(sorted(models), Model))
    writes = ("talk", "speaker", "chosen_by", "ended", "closing", "now", "spent", "signals", "mark", "before")
    choosing = _as_node(select.give, select.selection.models)
    choosing.takes_over = bool(select.admin)
    header = graph.node(choosing, name=CHOOSER, writes=writes)
    graph.edge(START, header)
    offered = {tool.name: tool.spec() for voice in voices for tool in voice.tools.values()}
    about = dict(select.about)
    if select.admin:
        about.setdefault(select.admin, "")
    cases: dict[str, Any] = {}
    for voice, options in members:
        others = {other: what for other, what in about.items() if other != voice.name}
        turn = _turn(voice, others, {key: spec for key, spec in offered.items() if key not in voice.tools})
        node = graph.node(
            _as_node(turn, voice.models),
            name=voice.name,
            writes=("talk", "spent"),
            # What a model said is what may have failed: who is to try again asks it anew.
            reuse="completed" if options.get("retry") else getattr(voice, "reuse", "completed"),
            **options,
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
        turn = 0 if chat.closing else chat.turns + 1  # now: a function may change the chat that it is given
        spoken = await voice.speak(chat, Scene(context, others, offered, models))
        said = Said(
            speaker=voice.name,
            message=spoken.message,
            turn=turn,
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
        chat, context = given.pop(_STATE), given.pop(_CONTEXT)
        return await body(chat, context, given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    told: Any = node
    told.__signature__ = inspect.Signature(
        [
            inspect.Parameter(_STATE, keyword, annotation=Chat),
            inspect.Parameter(_CONTEXT, keyword, annotation=Context),
            *(inspect.Parameter(name, keyword) for name in sorted(models)),
        ]
    )
    return told


# ---------------------------------------------------------------------- what was given


def _tried(problems: list[str], make: Callable[[], Any]) -> Any:
    """What is made, or None and one problem more."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        problems.append(str(error))
        return None


def _voices(members: Any, problems: list[str]) -> list[tuple[Voice, NodeOptions]]:
    """The members, and how their nodes are carried out."""
    if isinstance(members, str | Mapping) or not isinstance(members, Iterable):
        problems.append(f"members= takes several members, as in [coder, critic], not {members!r}")
        return []
    found = [_tried(problems, lambda one=one: _voice(one)) for one in members]  # type: ignore[misc]  # the default binds it
    if not found:
        problems.append("a talk has somebody who speaks: give it members, as in [coder, critic]")
    return [one for one in found if one is not None]


def _voice(given: Any) -> tuple[Voice, NodeOptions]:
    plain = NodeOptions()
    if isinstance(given, Member):
        plain = NodeOptions(retry=given.retry, timeout=given.timeout)
    return voice_of(given), plain


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
    if callable(speaker) and not isinstance(speaker, type) and takes(speaker, 1):
        return ByFunction(speaker)
    raise TypeError(
        f"speaker= takes one of {', '.join([*ways, 'auto'])}, a way such as Auto(...), or a function, not {speaker!r}"
    )
