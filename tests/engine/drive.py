"""Drives the schedule through a run, in some completion order, beside the oracle.

Every activation leaves a trace: one that succeeds appends its id to a log that all that depends on it reads, one that
fails sends its id along as an error. So the log and the errors of what starts show which tokens it got, and what came
before them. On the way activations fail and are retried, return and are routed later, and illegal facts are reported.
A few nodes may write a plain field as well, so that branches conflict.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

import pytest

from backedge.engine.activation import Phase
from backedge.engine.errors import ScheduleError
from backedge.engine.facts import (
    Fact,
    NodeErrored,
    NodeFailed,
    NodeRetried,
    NodeReturned,
    NodeRouted,
    NodeSucceeded,
    Order,
    RejectNode,
    StartNode,
)
from backedge.engine.loops import Link, find_loops
from backedge.engine.plan import Plan, Rounds
from backedge.engine.records import ErrorInfo
from backedge.engine.schedule import Schedule
from backedge.engine.state.snapshots import Layout, MergeConflict, Snapshot

from .oracle import END, START, Activation, Graph, Rule
from .simulation import Inputs, Run, State

FINISH = Activation(END, ())
LOG, NOTE = "log", "note"
FIELDS = Layout(
    names=(LOG, NOTE),
    index={LOG: 0, NOTE: 1},
    folds=(lambda value, updates: value + tuple(updates), None),
    copiers=(None, None),
)


def plan_of(graph: Graph) -> Plan:
    links = [Link(e.id, e.source, e.target, e.feedback) for e in graph.edges]
    return Plan(links, find_loops(graph.nodes, links))


def schedule_of(plan: Plan) -> Schedule:
    return Schedule(plan, FIELDS.root({LOG: (), NOTE: ""}), start=plan.number[START], end=plan.number[END])


def spell(one: Activation) -> str:
    return "@".join([one.node, ".".join(map(str, one.rounds))]).rstrip("@")


def fails(one: Activation) -> bool:
    """Say whether `one` ends with an error: some do, the same in every run."""
    return one.node != START and sum(spell(one).encode()) % 4 == 0


def error_of(one: Activation) -> ErrorInfo:
    return ErrorInfo("Error", spell(one))


class Drive:
    """One run of the schedule beside one of the oracle; `expected` is what must come out.

    `noting` are the nodes that write the plain field. Without any, nothing can conflict.
    """

    def __init__(
        self, graph: Graph, rule: Rule, expected: Run, order: random.Random, noting: Iterable[str] = ()
    ) -> None:
        self.rule, self.expected, self.order, self.noting = rule, expected, order, frozenset(noting)
        self.plan = plan_of(graph)
        self.schedule = schedule_of(self.plan)
        self.state = State(rule, rule.blocks_in_turn)
        self.state.start(Activation(START, ()))
        self.started: dict[Activation, StartNode] = {}
        self.conflicts: dict[Activation, tuple[str, ...]] = {}
        self.notes: dict[Activation, str] = {}
        self.told: list[tuple[Fact, Sequence[Order]]] = []

    def run(self) -> Drive:
        """Go on until nothing can."""
        while going := sorted(self.state.running.keys() - self.conflicts.keys()):
            self.report_nonsense()
            self.advance(self.order.choice(going))
        if not self.conflicts:
            assert self.schedule.idle
            assert self.state.finished == self.expected.inputs
        return self

    def advance(self, one: Activation) -> None:
        """Take `one` nearer to its end, straight or by a detour."""
        node, rounds = self.where(one)
        updates = {LOG: spell(one)} | ({NOTE: spell(one)} if one.node in self.noting else {})
        taken = tuple(self.plan.edge_number[edge] for edge in self.shuffled(self.expected.taken[one]))
        detour = self.order.randrange(8)
        match self.schedule.phase(node, rounds):
            case Phase.FAILED:
                (again,) = self.apply(NodeRetried(node, rounds))
                assert self.same(again, self.started[one])
            case Phase.RETURNED:
                self.end(one, NodeRouted(node, rounds, taken))
            case _ if detour == 0 and one.node != START:
                self.preview(one, {LOG: "lost"})
                assert self.apply(NodeFailed(node, rounds)) == []
            case _ if fails(one):
                self.end(one, NodeErrored(node, rounds, error_of(one), taken))
            case _ if detour == 1:
                assert self.apply(NodeReturned(node, rounds, updates)) == []
            case _:
                if detour < 4:
                    self.preview(one, updates)
                self.end(one, NodeSucceeded(node, rounds, updates, taken))

    def preview(self, one: Activation, updates: Mapping[str, str]) -> None:
        """Ask what `one` would send on after these updates."""
        seen = self.schedule.snapshot(*self.where(one)).read(LOG)
        assert self.schedule.preview(*self.where(one), updates).read(LOG) == (*seen, updates[LOG])

    def end(self, one: Activation, fact: Fact) -> None:
        """What starts now may start and sees what it should see, and whatever must start does.

        *May*: nothing alive can lead to the very same rounds. *Must*: nor to earlier ones, none of which is alive.
        """
        orders = self.apply(fact)
        self.state.finish(one, self.expected.taken[one])
        places = [self.plan.position(order.node, order.rounds) for order in orders]
        assert places == sorted(places)
        starting = {Activation(self.plan.nodes[order.node], order.rounds): order for order in orders}
        assert len(starting) == len(orders)
        ended = FINISH in self.state.waiting and self.schedule.result is not None
        alive = [*self.state.waiting, *self.state.running]
        for each in [*starting, *[FINISH] * ended]:
            assert each in self.state.waiting, f"{each} starts with no token, or twice"
            assert not any(self.rule.blocks_exactly(live, each) for live in alive), f"{each} starts too early"
        for each, order in starting.items():
            self.begin(each, order)
        if ended:
            self.state.start(FINISH)
            self.look(FINISH, self.schedule.result)
            self.state.finish(FINISH, frozenset())
        assert not self.state.ready(), "something may start and does not"

    def begin(self, one: Activation, order: Order) -> None:
        self.state.start(one)
        if isinstance(order, RejectNode):
            assert isinstance(order.reason, MergeConflict)
            self.conflicts[one] = tuple(map(str, order.reason.writers))
            return
        self.started[one] = order
        self.look(one, order.snapshot)
        assert order.errors == self.errors(self.state.running[one])

    def look(self, one: Activation, snapshot: Snapshot | None) -> None:
        """What begins got the tokens that it should, and reads all that led to it, in order of position."""
        assert snapshot is not None
        inputs = self.state.running[one]
        assert inputs == self.expected.inputs[one]
        before = sorted(self.past(one), key=lambda each: self.plan.position(*self.where(each)))
        assert snapshot.read(LOG) == tuple(spell(each) for each in before if not fails(each))
        self.notes[one] = snapshot.read(NOTE)

    def past(self, one: Activation) -> set[Activation]:
        seen: set[Activation] = set()
        fringe = [one]
        while fringe:
            sources = {token.source for token in self.expected.inputs[fringe.pop()]} - seen
            seen |= sources
            fringe += sources
        return seen

    def errors(self, inputs: Inputs) -> tuple[tuple[int, ErrorInfo], ...]:
        """What failed and led here by a single edge, by edge and then by rounds."""
        came = sorted((self.plan.edge_number[t.edge], t.source.rounds, t.source) for t in inputs)
        return tuple((edge, error_of(source)) for edge, _, source in came if fails(source))

    def same(self, again: Order, before: StartNode) -> bool:
        """Whether a retry starts on what the first try started on."""
        return (
            isinstance(again, StartNode)
            and again[:2] == before[:2]
            and again.errors == before.errors
            and again.snapshot.values() == before.snapshot.values()
        )

    def report_nonsense(self) -> None:
        """Report something illegal, which is refused and changes nothing."""
        if self.order.randrange(4):
            return
        live = self.where(self.order.choice(sorted(self.state.running.keys() - self.conflicts.keys())))
        wrong: list[Fact] = [
            NodeSucceeded(*live, {}, self.foreign_edges(live[0])),
            NodeRouted(*live, ()) if self.schedule.phase(*live) is Phase.RUNNING else NodeFailed(*live),
        ]
        for ghost in map(self.where, [*self.state.waiting, *self.state.finished]):
            wrong += [NodeSucceeded(*ghost, {}, ()), NodeFailed(*ghost), NodeReturned(*ghost, {})]
            wrong += [
                NodeErrored(*ghost, ErrorInfo("E", "x"), ()),
                NodeRouted(*ghost, ()),
                NodeRetried(*ghost),
            ]
        before = list(self.schedule.live())
        with pytest.raises(ScheduleError):
            self.schedule.apply(self.order.choice(wrong))
        assert list(self.schedule.live()) == before
        self.schedule.validate()

    def foreign_edges(self, node: int) -> tuple[int, ...]:
        return tuple(number for number, edge in enumerate(self.plan.edges) if edge.source != node)[:1]

    def apply(self, fact: Fact) -> Sequence[Order]:
        orders = self.schedule.apply(fact)
        self.schedule.validate()
        self.told.append((fact, orders))
        return orders

    def shuffled(self, edges: Iterable[str]) -> list[str]:
        return self.order.sample(sorted(edges), len(list(edges)))

    def where(self, one: Activation) -> tuple[int, Rounds]:
        return self.plan.number[one.node], one.rounds
