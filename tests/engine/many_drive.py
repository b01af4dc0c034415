"""Drives the schedule beside the naive machine of `many`, in some completion order, and compares after every fact.

Each activation appends its id to a log that all that depends on it reads, so the log of what starts tells what led there.
"""

from __future__ import annotations

from hashlib import blake2b

from backedge.engine.facts import CancelNode, NodeCancelled, NodeSucceeded, StartNode
from backedge.engine.loops import Link, Region, find_loops, region_of_each, with_regions
from backedge.engine.plan import Plan
from backedge.engine.records import parts_of_id
from backedge.engine.rules import Cancelling, Fan, Joining, Rules
from backedge.engine.schedule import Schedule
from backedge.engine.state.snapshots import Layout

from .many import Came, Machine, One, World
from .oracle import END, START

LOG, OVER, ITEM, ADDED = "log", "over", "item", "added"


def _last(value, updates):
    return [value, *updates][-1]


FIELDS = Layout(
    names=(LOG, OVER, ITEM, ADDED),
    index={LOG: 0, OVER: 1, ITEM: 2, ADDED: 3},
    folds=(lambda value, updates: value + tuple(updates), _last, _last, _last),
    copiers=(None,) * 4,
)
NOTHING = {LOG: (), OVER: (), ITEM: 0, ADDED: ()}


def plan_of(world: World) -> Plan:
    links = [Link(e.id, e.source, e.target, e.feedback) for e in world.graph.edges]
    forest = find_loops(world.graph.nodes, links)
    regions = [Region(f"{entry}[]", entry, body, fans=True) for entry, body, _ in world.maps.values()]
    for entry in sorted(world.each):
        graph = entry.rpartition("/")[0]
        closing = {node for node in (*world.closed, *world.early) if node.rpartition("/")[0] == graph}
        regions.append(
            region_of_each(entry, {f"{graph}/END" if graph else END, *closing}, links, forest.nests)
        )
    stops = [Link(name, stop.source, stop.anchor) for name, stop in world.stops.items()]
    return Plan(links, with_regions(forest, regions), stops)


def rules_of(world: World, plan: Plan) -> Rules:
    number, edge = plan.number, plan.edge_number
    joins = {
        number[node]: Joining(early.need, early.rest, "", None if early.aside is None else edge[early.aside])
        for node, early in world.early.items()
    }
    if world.end_first:
        joins[number[END]] = Joining(1, "cancel")
    cancels = {}
    for name, stop in world.stops.items():
        mine, its = plan.nests[number[stop.source]], plan.nests[number[stop.anchor]]
        shared = next(
            (i for i, (a, b) in enumerate(zip(mine, its, strict=False)) if a != b), min(len(mine), len(its))
        )
        cancels[edge[name]] = Cancelling(frozenset(number[n] for n in stop.targets), shared)
    return Rules(
        joins=joins,
        fans={edge[name]: Fan(OVER, ITEM, ADDED, number[join]) for name, (_, _, join) in world.maps.items()},
        adders={number[entry]: edge[name] for name, (entry, _, _) in world.maps.items()},
        cancels=cancels,
    )


class Chooser:
    """What activations do, as a hash of the seed, the activation and all it got tells: the same in every order."""

    def __init__(self, world: World, machine: Machine, seed: int, limit: int = 2) -> None:
        self.world, self.places, self.seed, self.limit = world, machine.places, seed, limit

    def taken(self, one: One, got: frozenset[Came]) -> list[str]:
        seen = (str(one), sorted(map(str, got)))
        edges = [e for e in self.places.leaving[one.node] if self._allowed(e, one)]
        taken = {e.id for e in edges if self._hash(e.id, seen) % 8 <= self._hash(e.id) % 8}
        forward = sorted(e.id for e in edges if not e.feedback)
        if not taken and forward and self._hash("stop", seen) % 8:
            taken = {forward[self._hash("instead", seen) % len(forward)]}
        for fan in self.world.maps:
            if self.places.edges[fan].source == one.node:
                taken |= {e.id for e in edges}
        stops = [
            name
            for name, s in self.world.stops.items()
            if s.source == one.node and self._hash(name, seen) % 2
        ]
        return [*sorted(taken), *stops]

    def items(self, one: One) -> int:
        return self._hash("items", str(one)) % 3

    def added(self, one: One) -> int:
        if not self.world.adders:
            return 0
        for entry, _, _ in self.world.maps.values():
            if (
                entry == one.node
                and len(dict(one.where)[f"{entry}[]"]) < 3
                and not self._hash("add", str(one)) % 4
            ):
                return 1 + self._hash("more", str(one)) % 2
        return 0

    def _allowed(self, edge, one):
        if not edge.feedback:
            return True
        level = next(
            k for k in self.places.levels[edge.target] if edge.target in self.places.headers.get(k, ())
        )
        return dict(one.where)[level] < self.limit

    def _hash(self, *what: object) -> int:
        return int.from_bytes(blake2b(repr((self.seed, what)).encode(), digest_size=4).digest(), "big")


class Beside:
    """One run of the schedule beside one of the naive machine."""

    def __init__(self, world: World, seed: int, order, *, most: int = 60) -> None:
        self.world, self.order, self.most = world, order, most
        self.plan = plan_of(world)
        self.machine = Machine(world)
        self.choose = Chooser(world, self.machine, seed)
        self.schedule = Schedule(
            self.plan,
            FIELDS.root(NOTHING),
            start=self.plan.number[START],
            end=self.plan.number[END],
            rules=rules_of(world, self.plan),
        )
        self.by_id: dict[str, One] = {START: One(START)}
        self.keys: dict[One, tuple] = {One(START): (self.plan.number[START], ())}
        self.ended = False
        self.complete = True

    def run(self) -> Beside:
        steps = 0
        while going := sorted([*self.machine.running, *self.machine.ghosts], key=str):
            steps += 1
            if steps > self.most:
                self.complete = False
                return self
            one = self.order.choice(going)
            if one in self.machine.ghosts:
                self.haunt(one)
            else:
                self.finish(one)
        assert not self.machine.waiting, f"deadlock: {sorted(map(str, self.machine.waiting))}"
        assert self.schedule.idle
        self.nothing_left()
        return self

    def haunt(self, one: One) -> None:
        """What was cancelled says something still, which is dropped, and then that it has stopped."""
        if self.order.randrange(2):
            assert self.apply(NodeSucceeded(*self.keys[one], {LOG: "lost"}, ())) == []
        assert self.schedule.is_cancelled(*self.keys[one])
        assert self.apply(NodeCancelled(*self.keys[one])) == []
        self.machine.stopped(one)

    def finish(self, one: One) -> None:
        taken = self.choose.taken(one, self.machine.running[one])
        self.order.shuffle(taken)
        items, added = self.choose.items(one), self.choose.added(one)
        updates = {LOG: str(one)}
        if any(self.world.maps.get(edge) for edge in taken):
            updates[OVER] = tuple(range(items))
        if added:
            updates[ADDED] = [0] * added
        numbers = tuple(self.plan.edge_number[edge] for edge in taken)
        had = self.schedule.result
        orders = self.apply(NodeSucceeded(*self.keys[one], updates, numbers))
        stopping = self.machine.finish(one, taken, items, added)
        for order in orders:
            if isinstance(order, StartNode):
                stopping += self.begin(order)
        if self.schedule.result is not had:
            stopping += self.reach_end()
        stopped = [self.one_of(order) for order in orders if isinstance(order, CancelNode)]
        assert sorted(map(str, stopped)) == sorted(map(str, stopping)), "what was running is cancelled"
        for waiting in self.machine.waiting:
            assert not self.machine.must_start(waiting), f"{waiting} may start and does not"
        alive = sorted(str(self.plan.activation_id(n, r)) for n, r, _ in self.schedule.live())
        assert alive == sorted(map(str, self.machine.alive)), "what is alive"

    def begin(self, order: StartNode) -> list[One]:
        one = self.one_of(order)
        log = order.snapshot.read(LOG)
        if one in self.machine.waiting:
            came = {Came(self.plan.edges[t.edge].id, self.source_of(t)) for t in self._tokens(order)}
            if came:
                assert came == self.machine.tokens[one], f"{one}: what came"
        gone = self.machine.start(one)
        assert sorted(log) == sorted(map(str, self.past(one))), f"{one}: what led there"
        return gone

    def reach_end(self) -> list[One]:
        assert not self.ended
        self.ended = True
        gone = self.machine.start(One(END))
        assert sorted(self.schedule.result.read(LOG)) == sorted(map(str, self.past(One(END))))
        self.machine.finish(One(END), ())
        return gone

    def past(self, one: One) -> set[One]:
        seen: set[One] = set()
        fringe = [one]
        while fringe:
            here = fringe.pop()
            sources = {token.source for token in self.machine.tokens[here]} - seen
            sources |= {self.machine.adder[here]} - seen if here in self.machine.adder else set()
            seen |= sources
            fringe += sources
        return seen

    def _tokens(self, order):
        live = self.schedule._live.get((order.node, order.rounds))
        return live.tokens if live is not None else ()

    def source_of(self, token) -> One:
        return self.by_id[
            str(self.plan.activation_id(self.plan.edges[token.edge].source, token.source_rounds))
        ]

    def one_of(self, order) -> One:
        """The naive activation of an order; ids are its and only its, and lead back to it."""
        key = (order.node, order.rounds)
        activation = self.plan.activation_id(*key)
        told = str(activation)
        assert self.plan.key(activation) == key
        node, rounds, instance = parts_of_id(told)
        assert (node, rounds, instance) == (
            activation.node,
            tuple(r for _, r in activation.rounds),
            activation.instance,
        )
        if told not in self.by_id:
            (one,) = [one for one in self.machine.tokens if str(one) == told]
            self.by_id[told], self.keys[one] = one, key
        return self.by_id[told]

    def apply(self, fact):
        orders = self.schedule.apply(fact)
        self.schedule.validate()
        return orders

    def nothing_left(self) -> None:
        schedule = self.schedule
        assert not schedule._live
        assert not schedule._spent
        assert not schedule._added
        assert not schedule._owed
        assert not any(schedule._rounds.values())
        assert not schedule._watchers
        assert schedule._mask == 0
