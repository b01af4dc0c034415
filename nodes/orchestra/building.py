"""`orchestra`: the builder. Perspectives become nodes, how they hear of each other becomes edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph
from backedge.engine.node import Node, Place
from backedge.providers import Model

from .asking import Ask, Conclude, Look, Vote
from .checking import Wanted, problems
from .kinds import Kind, Text
from .perspectives import Perspective, Player
from .playing import node_of
from .result import Performance
from .seating import Seating
from .synthesis import JUDGE, Rules, Synthesis

Mode: TypeAlias = Literal["parallel", "sequential", "waves"]
"""Who hears whom before answering; `docs/orchestra.md` defines each."""

Layer: TypeAlias = tuple[str, list[Node[..., Any]]]
"""Nodes that run side by side, and what the place is called where they are waited for."""

_READS: Final = ("question", "answers", "missing")


def orchestra(
    perspectives: Sequence[Perspective],
    *,
    mode: Mode = "parallel",
    synthesis: Synthesis = "comprehensive",
    model: Model | str | None = None,
    conductor: Player | Literal["peers"] | None = None,
    kind: Kind | None = None,
    waves: int | Sequence[Sequence[str]] | None = None,
    rounds: int | None = None,
    threshold: float = 0.6,
    quorum: int | None = None,
    deadline: float | None = None,
    absent: tuple[type[Exception], ...] = (Exception,),
    name: str = "orchestra",
) -> Graph[Performance]:
    """Build a graph that puts one question to several perspectives and makes one answer of theirs.

    Args:
        perspectives: Who is asked.
        mode: With ``"parallel"`` nobody sees another's answer; with ``"sequential"`` each sees those before it; with
            ``"waves"`` those of the waves before.
        synthesis: What is made of the answers: ``"comprehensive"``, ``"consensus"``, ``"best_of"``, ``"weighted"``,
            ``"debate"`` or ``"none"``.
        model: Answers for perspectives without ``by=``, and conducts where the synthesis takes a conductor and none is given.
        conductor: Who writes the synthesis or judges: a function of fields of `Performance`, an agent, a model, the name of
            the resource that is the model; for ``"best_of"`` also ``"peers"``: the perspectives score each other.
        kind: What answers are: `Text()`, the default, `Number(...)` or `Choice(...)`.
        waves: Their number, in which the perspectives are parted in order, or the names in each. A perspective in several
            answers anew in each.
        rounds: Of a debate: how often each is asked at most, 3 by default.
        threshold: From which agreement on they agree; and below which similarity an answer is a dissent.
        quorum: How many have to answer; by default more than half.
        deadline: Seconds after which a perspective is missing.
        absent: Errors after which a perspective is missing. Others fail the run, which can be resumed.
        name: The graph's name.

    Raises:
        GraphError: It cannot work; every problem is listed.

    Example::

        graph = orchestra(technical_review(), model=model, synthesis="comprehensive", deadline=120)
        result = (await graph.compile().run({"question": "..."}, journal="runs.db")).state.result
        result.answer.text, result.agreement, result.missing
    """
    given: Any = list(perspectives) if isinstance(perspectives, Iterable) else perspectives
    wanted = Wanted(
        perspectives=given,
        mode=mode,
        synthesis=synthesis,
        model=model,
        conductor=conductor,
        kind=Text() if kind is None else kind,
        waves=waves,
        rounds=rounds,
        threshold=threshold,
        quorum=_most(given) if quorum is None else quorum,
        deadline=deadline,
        absent=absent,
    )
    found = problems(wanted)
    if found:
        raise GraphError(found)
    return _Stage(wanted).built(name)


class _Stage:
    """The graph that is made of those who sit in their seats.

    Args:
        wanted: What is built; without problems.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._seats = Seating(wanted)
        self._by_name: dict[str, Perspective] = {one.name: one for one in wanted.perspectives}
        weights = {name: float(one.weight) for name, one in self._by_name.items()}
        self._rules = Rules(
            synthesis=wanted.synthesis,
            kind=wanted.kind,
            names=tuple(weights),
            quorum=wanted.quorum,
            threshold=wanted.threshold,
            voters=weights if wanted.peers else {JUDGE: 1.0},
        )

    def built(self, name: str) -> Graph[Performance]:
        """The graph."""
        seats = self._seats
        graph = Graph(Performance, name=name, resources=dict.fromkeys(seats.models, Model))
        layers = [
            (f"wave-{number}", [self._ask(graph, *one) for one in wave])
            for number, wave in enumerate(numbered(self._waves()), 1)
        ]
        if seats.votes:
            layers.append(("ballot", [self._vote(graph, one) for one in seats.votes]))
        conclude = Conclude(rules=self._rules, seat=seats.conductor)
        body = node_of("synthesis", conclude, (*_READS, "ballots"), seats.conductor)
        last = graph.node(body, name="synthesis", writes="result", reuse="all")
        if self._rules.synthesis == "debate":
            _debate(graph, layers, last, self._rules, self._wanted.rounds or 3)
        else:
            _join(graph, START, layers, last)
        graph.edge(last, END)
        return graph

    def _waves(self) -> list[list[str]]:
        """Who answers together, one group after the other."""
        names, waves = list(self._rules.names), self._wanted.waves
        if self._wanted.mode == "parallel":
            return [names]
        if self._wanted.mode == "sequential":
            return [[name] for name in names]
        return parted(names, waves) if isinstance(waves, int) else [list(wave) for wave in waves]

    def _ask(self, graph: Graph[Any], name: str, node: str) -> Node[..., Any]:
        ask = Ask(seat=self._seats.answers[name], **self._manners(name))
        body = node_of(name, ask, _READS, ask.seat)
        return graph.node(body, name=node, writes=("answers", "missing"), reuse="all")

    def _vote(self, graph: Graph[Any], name: str) -> Node[..., Any]:
        vote = Vote(seat=self._seats.votes[name], **self._manners(name))
        body = node_of(name, vote, _READS, vote.seat)
        return graph.node(body, name=f"{name}-votes", writes="ballots", reuse="all")

    def _manners(self, name: str) -> dict[str, Any]:
        """How a perspective is asked, whatever for."""
        one = self._by_name[name]
        return {
            "perspective": one,
            "rules": self._rules,
            "deadline": one.deadline or self._wanted.deadline,
            "absent": self._wanted.absent,
        }


def numbered(waves: Sequence[Sequence[str]]) -> list[list[tuple[str, str]]]:
    """Each name of each wave with that of its node, which from the second time on has a number.

    Example:
        >>> numbered([["a", "b"], ["a"]])
        [[('a', 'a'), ('b', 'b')], [('a', 'a-2')]]
    """
    times: Counter[str] = Counter()
    found = []
    for wave in waves:
        times.update(wave)
        found.append([(name, name if times[name] == 1 else f"{name}-{times[name]}") for name in wave])
    return found


def _most(perspectives: Any) -> int:
    """More than half of them."""
    return len(perspectives) // 2 + 1 if isinstance(perspectives, list) else 1


def parted(names: Sequence[str], count: int) -> list[list[str]]:
    """Names in so many groups, in order, of which none is larger than another by more than one.

    Example:
        >>> parted(["a", "b", "c"], 2)
        [['a', 'b'], ['c']]
    """
    size, larger = divmod(len(names), count)
    ends = [size * number + min(number, larger) for number in range(count + 1)]
    return [list(names[start:end]) for start, end in pairwise(ends)]


# ---------------------------------------------------------------------- edges


def _join(graph: Graph[Any], first: Place, layers: Sequence[Layer], last: Place) -> None:
    """Lead from the first place through all layers to the last. Between two layers of several nodes stands one node."""
    before: list[Place] = [first]
    for name, nodes in layers:
        if len(before) > 1 and len(nodes) > 1:
            before = [_meeting(graph, name, before)]
        for source in before:
            for node in nodes:
                graph.edge(source, node)
        before = list(nodes)
    for source in before:
        graph.edge(source, last)


def _meeting(graph: Graph[Any], name: str, sources: Sequence[Place]) -> Node[..., Any]:
    node = graph.node(_go_on, name=name, inline=True)
    for source in sources:
        graph.edge(source, node)
    return node


def _debate(
    graph: Graph[Any], layers: Sequence[Layer], last: Node[..., Any], rules: Rules, rounds: int
) -> None:
    """Lead through all layers in rounds, until the answers agree or the rounds are used up."""
    look = node_of("agreement", Look(rules=rules), ("answers",))
    looks = graph.node(look, name="agreement", writes=("agreement", "agreed"))
    head = graph.node(_go_on, name="round", inline=True)
    graph.edge(START, head)
    _join(graph, head, layers, looks)
    if rounds == 1:
        graph.edge(looks, last)
        return
    graph.feedback(looks, head, when=_differ, limit=rounds - 1, otherwise=last, label="they differ")
    graph.edge(looks, last, when=_agree, label="they agree")


def _go_on() -> None:
    """Does nothing: where several meet."""


def _differ(agreed: bool) -> bool:
    return not agreed


def _agree(agreed: bool) -> bool:
    return agreed
