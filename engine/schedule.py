r"""When a node runs: a state machine that knows neither asyncio nor time nor a journal.

**The rule.** A node runs when at least one of its incoming edges was taken, and nothing that is still alive could
take another one in the same rounds.

So a join waits for exactly the branches that are alive, whatever their number; a branch that a condition cut off is
never waited for; a slow branch holds back nobody who does not depend on it. In the terms of the workflow patterns
this is the general synchronizing merge (WCP-38): engines rarely have it, since it asks about the future of everything
else. Here that future is decided by progress tracking (see `plan`).

**Life of an activation.**

::

    (token) -> WAITING -> RUNNING -> done
                  |         | ^  \-> RETURNED -> done
                  \-------> FAILED

A token makes its target's activation, which waits until nothing live blocks it. Then the tokens are merged into one
snapshot and it runs. When it is done its edges carry tokens on and it is forgotten; the rule makes sure that none can
come after that. One that failed, or that returned but could not be routed, keeps its place: it is alive, it blocks,
and it can go on later. END is a node like any other, and done as soon as it runs.

**Why it is cheap.** A waiting activation watches one live activation that blocks it (as SAT solvers watch one
literal) and is looked at again only when that one is done, or when all its incoming edges have brought a token.

**Why it cannot stall.** Of all live activations take one with the least rounds and place: what blocks it would have to
reach it at the same rounds or before along forward edges, from a lesser place. So one of the live ones is never blocked.

**Joins that do not wait.** Such a node runs when enough tokens have come. It is *spent* when it is done, and so is what was
cancelled: a token that comes later is dropped, and a path through it blocks nobody. It is forgotten when nothing that is
alive can bring it a token.

**Cancelling.** What is cancelled is no longer alive. If it was running, whatever is still reported of it is dropped, up to
the fact that it has stopped.

**Limits.** A feedback edge may be taken so many times per entry into its loop. A node's rounds run one after another,
so which of them is refused does not depend on timing.

Whoever drives the schedule reports facts in the order in which they were committed and carries out the orders it gets
back. The same facts give the same orders, live, on resume and on replay. A fact that is illegal raises `ScheduleError`
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from .activation import Activation, Phase, Token, by_edge, enough
from .errors import ScheduleError
from .facts import (
    CancelNode,
    Fact,
    FrontierEdited,
    NodeCancelled,
    NodeEdited,
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
from .plan import ANY, Coordinate, Key, Plan, PlannedEdge, Rounds
from .reach import leads_only_to, reaches
from .records import ActivationId, ErrorInfo
from .rules import NO_RULES, Rules
from .state.fields import FoldError
from .state.snapshots import MergeConflict, Snapshot, merge

TRANSITIONS: Mapping[type, tuple[Phase | None, Phase | None]] = {
    NodeSucceeded: (Phase.RUNNING, None),
    NodeErrored: (Phase.RUNNING, None),
    NodeReturned: (Phase.RUNNING, Phase.RETURNED),
    NodeFailed: (Phase.RUNNING, Phase.FAILED),
    NodeRouted: (Phase.RETURNED, None),
    NodeRetried: (Phase.FAILED, Phase.RUNNING),
    NodeCancelled: (None, None),
}
"""For each fact the phase in which it is legal, and the one it leads to (None: done). What was cancelled has no phase."""


class LoopLimit(NamedTuple):
    """A feedback edge that may not be taken again: its number and its limit."""

    edge: int
    limit: int


class Schedule:
    """The state machine of one run.

    Example: ``orders = schedule.apply(NodeSucceeded(node, rounds, {"code": "…"}, taken))``
    """

    def __init__(
        self,
        plan: Plan,
        initial: Snapshot,
        *,
        start: int,
        end: int,
        limits: Mapping[int, int | None] | None = None,
        otherwise: Mapping[int, int] | None = None,
        rules: Rules = NO_RULES,
    ) -> None:
        """Begin with START running on `initial`.

        Args:
            plan: The graph.
            initial: The state's defaults.
            start: Number of START.
            end: Number of END.
            limits: Feedback edge to how often it may be taken per entry into its loop; None for no limit.
            otherwise: Feedback edge to the edge that is taken in its place at the limit.
            rules: How nodes join, where maps fan out, what cancels what.
        """
        self._rules = rules
        self._joins = rules.joins
        # Edges that are not just taken, and nodes that do not just write; most graphs have none.
        self._special = _special_edges(plan, rules) if rules != NO_RULES or any(plan.apart) else _NO_EDGES
        self._alters = bool(rules.resets or rules.adders)
        # What is over though something alive can still bring it a token, which is dropped.
        self._spent: dict[Key, None] = {}
        # What was running when it was cancelled, and has not stopped yet; for others to look at.
        self.cancelled: dict[Key, None] = {}
        # For a fan-out and the activation of its entry that adds items how many it added.
        self._added: dict[tuple[int, Rounds], int] = {}
        # The items that activations add which returned and are not routed yet.
        self._owed: dict[Key, Sequence[Any]] = {}
        self._plan = plan
        self._edges = plan.edges
        self._end = end
        # May be raised between facts; consulted by `route` alone.
        self.limits: dict[int, int | None] = dict(limits or {})
        self._otherwise = otherwise or _NOTHING
        # Every live activation; _mask has the bits of their nodes.
        self._live: dict[Key, Activation] = {}
        self._mask = 0
        # For a node inside of loops the rounds at which it is alive.
        self._rounds: dict[int, dict[Rounds, None]] = {}
        # For a live activation those that may watch it; an entry whose activation no longer does is stale.
        self._watchers: dict[Key, list[Key]] = {}
        # For a feedback edge and the rounds around its loop how often it was taken since that entry; entries that
        # are over are forgotten when the next one begins.
        self._laps: dict[int, dict[Rounds, int]] = {}
        # What END saw, once it ran.
        self.result: Snapshot | None = None
        # The last fact taken in, for messages.
        self._last: Fact | None = None
        first = self._enter(start, ())
        first.phase = Phase.RUNNING
        first.snapshot = initial

    # ------------------------------------------------------------------ what drivers say and ask

    def apply(self, fact: Fact) -> list[Order]:
        """Take a fact in; what it makes ready comes back, in order of position.

        Raises:
            ScheduleError: The fact is illegal now. Nothing was changed.
        """
        if self.cancelled and (fact.node, fact.rounds) in self.cancelled:
            if isinstance(fact, NodeCancelled):
                del self.cancelled[fact.node, fact.rounds]
            return []
        activation = self._live.get((fact.node, fact.rounds))
        if activation is None or activation.phase is not TRANSITIONS[type(fact)][0]:
            raise self._illegal(
                fact, "it is not alive" if activation is None else f"it is {activation.phase.value}"
            )
        if isinstance(fact, NodeSucceeded):
            self._check_taken(fact)
            snapshot = activation.preview or self._written(activation, fact.updates)
            if self._alters and fact.node in self._rules.adders:
                return self._leave(activation, snapshot, fact.taken, None, self._adding(fact))
            return self._leave(activation, snapshot, fact.taken, None)
        if isinstance(fact, NodeErrored | NodeRouted):
            self._check_taken(fact)
            error = fact.error if isinstance(fact, NodeErrored) else None
            owed = self._owed.pop((fact.node, fact.rounds), ())
            return self._leave(activation, self._snapshot(activation), fact.taken, error, owed)
        if not activation.tokens and isinstance(fact, NodeFailed):
            raise self._illegal(fact, "START has nothing that could fail")
        self._last = fact
        if isinstance(fact, NodeRetried):
            return [self._run(activation)]
        if isinstance(fact, NodeReturned):
            if fact.node in self._rules.adders:
                self._owed[fact.node, fact.rounds] = self._adding(fact)
            activation.snapshot = self._written(activation, fact.updates)
            activation.phase = Phase.RETURNED
            return []
        activation.phase = Phase.FAILED
        activation.preview = None
        return []

    def edit(self, fact: FrontierEdited | NodeEdited) -> list[Order]:
        """Take an edit in. What is running begins anew on what was edited: those orders come back.

        Raises:
            ScheduleError: Nothing is alive, or the activation is not, or it returned. Nothing was changed.
        """
        if isinstance(fact, FrontierEdited):
            if not self._live:
                raise ScheduleError("FrontierEdited: nothing is alive")
            alive = sorted(self._live.values(), key=self._place)
            for activation in alive:
                activation.tokens = [
                    token._replace(snapshot=token.snapshot.edited(fact.edit)) for token in activation.tokens
                ]
                if activation.snapshot is not None:
                    activation.snapshot = activation.snapshot.edited(fact.edit)
            return [self._again(activation) for activation in alive if activation.phase is Phase.RUNNING]
        found = self._find(fact.node, fact.rounds)
        if found is None or not found.tokens or found.phase is Phase.RETURNED:
            told = f"NodeEdited({self.activation_id(fact.node, fact.rounds)})"
            raise ScheduleError(f"{told}: it is {'not alive' if found is None else 'not waiting to run'}")
        found.edits = {**(found.edits or {}), **fact.values}
        found.edited += 1
        return [self._run(found)] if found.phase is Phase.RUNNING else []

    def route(self, node: int, rounds: Rounds, holding: Iterable[int]) -> tuple[int, ...] | LoopLimit:
        """Which edges a finished activation takes, given those whose conditions hold.

        A feedback edge at its limit gives way to the edge named for that; where none is, the limit comes back.
        """
        taken: dict[int, None] = {}
        for number in holding:
            level = self._plan.edges[number].level
            limit = None if level is None else self.limits.get(number)
            if level is None or limit is None or self._count(number, rounds[:level]) < limit:
                taken[number] = None
            elif number in self._otherwise:
                taken[self._otherwise[number]] = None
            else:
                return LoopLimit(number, limit)
        return tuple(taken)

    def preview(self, node: int, rounds: Rounds, updates: Mapping[str, object]) -> Snapshot:
        """What the running activation's edges will carry after these updates: what their conditions see.

        The fact that follows must bring the same updates.
        """
        activation = self._live[node, rounds]
        activation.preview = preview = self._written(activation, updates)
        return preview

    def snapshot(self, node: int, rounds: Rounds) -> Snapshot:
        """What a live activation runs on, or, once it returned, what its outgoing edges will carry."""
        return self._snapshot(self._live[node, rounds])

    def snapshot_or_none(self, node: int, rounds: Rounds) -> Snapshot | None:
        """As `snapshot`; None for an activation that is not alive or whose tokens are not merged."""
        activation = self._find(node, rounds)
        return None if activation is None else activation.snapshot

    def phase(self, node: int, rounds: Rounds) -> Phase | None:
        """Where the activation stands, or None when it is not alive."""
        activation = self._find(node, rounds)
        return None if activation is None else activation.phase

    def live(self) -> Iterator[tuple[int, Rounds, Phase]]:
        """Every live activation, in order of position."""
        for activation in sorted(self._live.values(), key=self._place):
            yield activation.node, activation.rounds, activation.phase

    def narrow(self) -> tuple[int, Rounds, int, Rounds, Snapshot] | None:
        """The only activation alive, if it has begun on a snapshot that no error came with.

        Its node and rounds, the edge and source rounds of a token that led to it, and what it runs on.
        """
        if len(self._live) != 1 or self._spent or self.cancelled or self._added:
            return None
        [activation] = self._live.values()
        tokens, snapshot = activation.tokens, activation.snapshot
        if activation.phase is not Phase.RUNNING or not tokens or snapshot is None or activation.edits:
            return None
        if activation.preview is not None or any(token.error is not None for token in tokens):
            return None
        if self._plan.apart[activation.node] or self._plan.apart[self._edges[tokens[0].edge].source]:
            return None
        return activation.node, activation.rounds, tokens[0].edge, tokens[0].source_rounds, snapshot

    @property
    def laps(self) -> Mapping[int, Mapping[Rounds, int]]:
        """For feedback edges how often they were taken in each entry into their loops that is under way."""
        return self._laps

    def settle(
        self,
        key: Key,
        came: tuple[int, Rounds],
        snapshot: Snapshot,
        laps: Mapping[int, Mapping[Rounds, int]],
    ) -> StartNode:
        """Stand where another machine was `narrow`; what is to be run comes back. For a machine at its beginning.

        Raises:
            ScheduleError: No edge leads there like that. Nothing was changed.
        """
        node, rounds = key
        number, source_rounds = came
        edge = self._edges[number]
        if (edge.target, edge.rounds(source_rounds)) != key:
            raise ScheduleError(f"{edge.id} does not lead to {self.activation_id(node, rounds)}")
        self._exit(*next(iter(self._live)))
        activation = self._enter(node, rounds)
        activation.tokens.append(Token(number, source_rounds, snapshot, None))
        activation.phase = Phase.RUNNING
        activation.snapshot = snapshot
        self._laps = {edge: dict(counts) for edge, counts in laps.items()}
        return self._again(activation)

    def depth(self, node: int) -> int:
        """How many loops and regions are around a node."""
        return len(self._plan.nests[node])

    def alive_within(self, nodes: Collection[int], rounds: Rounds) -> bool:
        """Whether any of the nodes is alive, or still to stop, in rounds that begin with these."""
        depth = len(rounds)
        return any(
            its[:depth] == rounds
            for node in nodes
            if self._mask >> node & 1
            for its in self._rounds.get(node, _OUTSIDE)
        ) or any(node in nodes and its[:depth] == rounds for node, its in self.cancelled)

    @property
    def idle(self) -> bool:
        """Whether nothing is alive, and nothing that was cancelled still runs: the run is over."""
        return not self._live and not self.cancelled

    def is_cancelled(self, node: int, rounds: Rounds) -> bool:
        """Whether the activation was cancelled while it ran, and its end was not reported yet."""
        return (node, rounds) in self.cancelled

    def activation_id(self, node: int, rounds: Rounds) -> ActivationId:
        """The activation's id as records hold it."""
        return self._plan.activation_id(node, rounds)

    # ------------------------------------------------------------------ tokens

    def _leave(
        self,
        activation: Activation,
        snapshot: Snapshot,
        taken: Sequence[int],
        error: ErrorInfo | None,
        added: Sequence[object] = (),
    ) -> list[Order]:
        """The activation is done: its edges carry tokens on, and whoever watched it is looked at again."""
        node, source_rounds = activation.node, activation.rounds
        self._exit(node, source_rounds)
        orders: list[Order] = []
        look: list[Activation] = []
        over: list[Key] = [(node, source_rounds)] if self._joins and node in self._joins else []
        if self._rules.cancels:  # before any token is brought: what is cancelled is over
            for number in self._rules.cancels.keys() & set(taken):
                self._cancel(self._meant(number, source_rounds), over, orders)
        for number in taken:
            if number in self._special:
                look += self._take(number, source_rounds, snapshot, error)
                continue
            edge = self._edges[number]
            if edge.level is not None:
                self._count_lap(number, source_rounds[: edge.level])
            rounds = edge.rounds(source_rounds) if source_rounds or edge.zeros else ()
            key = (edge.target, rounds)
            if self._spent and key in self._spent:
                continue
            target = self._live.get(key) or self._enter(edge.target, rounds)
            target.tokens.append(Token(number, source_rounds, snapshot, error))
            if target.watched is None or self._plan.complete(edge.target, rounds, len(target.tokens)):
                look.append(target)
        if added:
            look += self._add_items(activation, snapshot, added)
        if over:
            self._close(over, look)
        if self._added and node not in self._joins:
            self._forget_added((node, source_rounds))
        if self._watchers and (node, source_rounds) in self._watchers:
            self._wake((node, source_rounds), look)
        return self._looked_at(look, orders) if look else orders

    def _looked_at(self, look: list[Activation], orders: list[Order]) -> list[Order]:
        """The orders, and those that come of looking at these, and at whatever that adds to them."""
        if len(look) > 1:
            # Outside of loops nodes are in order of position by their numbers.
            look.sort(key=self._place if any(map(_ROUNDS, look)) else _NODE)
        for each in look:  # looking at one may add others
            if each.phase is Phase.WAITING:
                self._look(each, look, orders)
        return orders

    def _take(
        self, number: int, source_rounds: Rounds, snapshot: Snapshot, error: ErrorInfo | None
    ) -> Sequence[Activation]:
        """Take an edge that is more than that: it enters a region, or leads to a join that does not wait for all."""
        edge = self._edges[number]
        if edge.cancels:
            return ()
        if edge.level is not None:
            self._count_lap(number, source_rounds[: edge.level])
        if edge.slot is not None:
            return self._fan_out(number, source_rounds, snapshot, error)
        return self._bring(Token(number, source_rounds, snapshot, error), edge, edge.rounds(source_rounds))

    def _bring(self, token: Token, edge: PlannedEdge, rounds: Rounds) -> tuple[Activation, ...]:
        """A token arrives; the activation that it leads to, if that is to be looked at."""
        key = (edge.target, rounds)
        target = self._live.get(key)
        if target is None:
            if self._spent and key in self._spent:
                return ()
            target = self._enter(edge.target, rounds)
        elif target.phase is not Phase.WAITING:
            return ()  # it did not wait for all, so this comes too late
        tokens = target.tokens
        if edge.target in self._rules.sheds:
            token = token._replace(snapshot=token.snapshot.edited(self._rules.sheds[edge.target]))
        tokens.append(token)
        if (
            target.watched is None
            or self._plan.complete(edge.target, rounds, len(tokens))
            or edge.target in self._joins
        ):
            return (target,)
        return ()

    def _wake(self, gone: Key, look: list[Activation]) -> None:
        """Whoever watched what is gone is to be looked at again."""
        spent: list[Key] = []
        for watcher in self._watchers.pop(gone, ()):
            waiting = self._find(*watcher)
            if waiting is not None:
                if waiting.watched == gone:
                    look.append(waiting)
            elif watcher in self._spent:
                spent.append(watcher)
        if spent:
            self._spend(spent, look)

    def _look(self, activation: Activation, look: list[Activation], orders: list[Order]) -> None:
        """Run the waiting activation if nothing live blocks it; else watch one that does."""
        node, rounds = activation.node, activation.rounds
        joining = self._joins.get(node) if self._joins else None
        early = joining is not None and enough(joining, activation.tokens)
        blocker = None
        if not early and not self._plan.complete(node, rounds, len(activation.tokens)):
            blocker = self._blocker(node, rounds)
        if blocker is None and joining is not None and joining.rest == "wait":
            blocker = self._before(node, rounds)
        if blocker is not None:
            activation.watched = blocker
            self._watchers.setdefault(blocker, []).append((node, rounds))
            return
        activation.watched = None
        order = self._run(activation)
        if node == self._end and isinstance(order, StartNode):
            self.result = order.snapshot
            self._exit(node, rounds)
            if joining is not None:
                self._cancel(list(self._live), [], orders)
                for forgotten in (self._spent, self._watchers, self._added):
                    forgotten.clear()
            return
        orders.append(order)
        if joining is not None and joining.rest == "cancel" and isinstance(order, StartNode):
            over: list[Key] = []
            self._cancel(self._only_to((node, rounds)), over, orders)
            self._close(over, look)

    def _blocker(self, node: int, rounds: Rounds) -> Key | None:
        """A live activation that blocks this one: the last in order, since it is likely to be the last one done."""
        mask = self._mask & self._plan.ancestors[node]
        while mask:
            other = mask.bit_length() - 1
            mask ^= 1 << other
            for other_rounds in self._rounds.get(other, _OUTSIDE):
                if (
                    (other, other_rounds) != (node, rounds)
                    and self._plan.blocks(other, other_rounds, node, rounds)
                    and (
                        not self._spent
                        or reaches(self._plan, (other, other_rounds), (node, rounds), self._spent)
                    )
                ):
                    return (other, other_rounds)
        return None

    def _run(self, activation: Activation) -> Order:
        """Merge the tokens, so that the activation runs; or find that they conflict."""
        tokens = activation.tokens
        if len(tokens) == 1:
            snapshot = tokens[0].snapshot
        else:
            tokens.sort(key=_CAME)
            try:
                snapshot = merge(by_edge(tokens))
            except (MergeConflict, FoldError) as reason:
                activation.phase = Phase.FAILED
                return RejectNode(activation.node, activation.rounds, reason)
        if activation.edits is not None:
            snapshot = self._overwritten(activation, activation.edits, snapshot)
        activation.snapshot = snapshot
        activation.phase = Phase.RUNNING
        return self._again(activation)

    def _again(self, activation: Activation) -> StartNode:
        """Begin, or begin anew, on what the activation runs on."""
        activation.preview = None
        tokens, snapshot = activation.tokens, activation.snapshot
        assert snapshot is not None
        if len(tokens) == 1 and tokens[0].error is None:
            return StartNode(activation.node, activation.rounds, snapshot)
        errors = tuple([(token.edge, token.error) for token in tokens if token.error is not None])
        return StartNode(activation.node, activation.rounds, snapshot, errors)

    def _overwritten(
        self, activation: Activation, edits: Mapping[str, object], snapshot: Snapshot
    ) -> Snapshot:
        place = self._place(activation)
        writer = f"the edit of {self.activation_id(activation.node, activation.rounds)}"
        return snapshot.overwrite(edits, (*place, activation.edited), place, writer)

    def _snapshot(self, activation: Activation) -> Snapshot:
        assert activation.snapshot is not None
        return activation.snapshot

    def _written(self, activation: Activation, updates: Mapping[str, object]) -> Snapshot:
        preview, activation.preview = activation.preview, None
        if preview is not None:
            return preview
        node, rounds, snapshot = activation.node, activation.rounds, activation.snapshot
        assert snapshot is not None
        if self._alters:
            snapshot, updates = self._alter(node, rounds, snapshot, updates)
        if not updates:
            return snapshot
        return snapshot.write(updates, self._plan.position(node, rounds), Named(self, node, rounds))

    def _alter(
        self, node: int, rounds: Rounds, snapshot: Snapshot, updates: Mapping[str, object]
    ) -> tuple[Snapshot, Mapping[str, object]]:
        """What a node writes on, and what of its updates it writes, where a subgraph begins or a map is around."""
        if node in self._rules.resets:
            place = self._plan.position(node, rounds)
            named = Named(self, node, rounds)
            snapshot = snapshot.overwrite(self._rules.resets[node], (*place, 0), place, named)
        if node in self._rules.adders:
            added = self._rules.fans[self._rules.adders[node]].added
            updates = {field: update for field, update in updates.items() if field != added}
        return snapshot, updates

    # ------------------------------------------------------------------ instances

    def _fan_out(
        self, number: int, source_rounds: Rounds, snapshot: Snapshot, error: ErrorInfo | None
    ) -> list[Activation]:
        """Take an edge into a region: once for each item of a map, or else once."""
        edge, fan = self._edges[number], self._rules.fans.get(number)
        if fan is None:
            rounds = edge.rounds(source_rounds, (edge.source, *source_rounds))
            return [*self._bring(Token(number, source_rounds, snapshot, error), edge, rounds)]
        items = snapshot.read(fan.over)
        return self._instances(number, source_rounds, snapshot, items, ())

    def _instances(
        self,
        number: int,
        source_rounds: Rounds,
        snapshot: Snapshot,
        items: Iterable[object],
        above: Coordinate,
        first: int = 0,
    ) -> list[Activation]:
        """An instance of a map for each item, with coordinates that begin with `above`."""
        edge, fan = self._edges[number], self._rules.fans[number]
        made: list[Activation] = []
        for index, item in enumerate(items, first):
            rounds = edge.rounds(source_rounds, (*above, index))
            place = self._plan.position(edge.target, rounds)
            given = snapshot.write({fan.item: item}, place, Named(self, edge.target, rounds))
            made += self._bring(Token(number, source_rounds, given, None), edge, rounds)
        return made

    def _adding(self, fact: NodeSucceeded | NodeReturned) -> Sequence[Any]:
        """The items that the node adds to the map around it."""
        fan = self._rules.fans[self._rules.adders[fact.node]]
        added = fact.updates.get(fan.added, ())
        assert isinstance(added, list | tuple)
        return added

    def _add_items(
        self, activation: Activation, snapshot: Snapshot, items: Sequence[object]
    ) -> list[Activation]:
        number = self._rules.adders[activation.node]
        slot = self._edges[number].slot
        assert slot is not None
        instance = activation.rounds[: slot + 1]
        first = self._added.get((number, instance), 0)
        self._added[number, instance] = first + len(items)
        return self._instances(number, activation.rounds[:slot], snapshot, items, instance[slot], first)

    # ------------------------------------------------------------------ what is cancelled, what is spent

    def _meant(self, edge: int, source_rounds: Rounds) -> list[Key]:
        """What is alive, in the rounds that it shares with its source, of the nodes that an edge cancels."""
        nodes, depth = self._rules.cancels[edge]
        shared = source_rounds[:depth]
        return [(node, rounds) for node, rounds in self._live if node in nodes and rounds[:depth] == shared]

    def _cancel(self, keys: Iterable[Key], over: list[Key], orders: list[Order]) -> None:
        """These are no longer alive. They are put among those that are `over`."""
        gone = sorted(keys, key=lambda key: self._plan.position(*key))
        for key in gone:
            activation = self._live[key]
            self._exit(*key)
            over.append(key)
            self._spent[key] = None
            self._owed.pop(key, None)
            if activation.phase is Phase.RUNNING:
                self.cancelled[key] = None
                orders.append(CancelNode(*key))
            activation.phase = Phase.FAILED  # who holds it still need not look at it

    def _close(self, over: Sequence[Key], look: list[Activation]) -> None:
        """These are over, once all tokens are brought that come with that."""
        self._spend(over, look, fresh=True)
        for key in over:
            self._wake(key, look)

    def _spend(self, keys: Iterable[Key], look: list[Activation], *, fresh: bool = False) -> None:
        """Keep what is over in mind as long as something alive can bring it a token; then forget it.

        `fresh`: it is over only now.
        """
        closed = False
        for key in keys:
            blocker = self._blocker(*key)
            if blocker is not None:
                closed = fresh
                self._spent[key] = None
                self._watchers.setdefault(blocker, []).append(key)
            else:
                self._spent.pop(key, None)
                self._forget_added(key)
                self._wake(key, look)
        if closed:  # who waits may have watched somebody who came by that way
            look += [each for each in self._live.values() if each.phase is Phase.WAITING and each.watched]

    def _forget_added(self, key: Key) -> None:
        """Of a map that is over nobody adds items any more."""
        for number, instance in list(self._added):
            if self._rules.fans[number].join == key[0] and instance[: len(key[1])] == key[1]:
                del self._added[number, instance]

    def _before(self, node: int, rounds: Rounds) -> Key | None:
        """An earlier round of the node that is alive, or for which tokens may still come."""
        alive = [(node, its) for its in self._rounds.get(node, _OUTSIDE) if self._mask >> node & 1]
        for other, other_rounds in (*alive, *self._spent):
            if other == node and other_rounds != rounds and self._plan.earlier(node, other_rounds, rounds):
                return other, other_rounds
        return None

    def _only_to(self, join: Key) -> list[Key]:
        """What is alive and can lead to nothing but this join, which has no need of it; nor has what else began early."""
        begun = [
            key for key, it in self._live.items() if key[0] in self._joins and it.phase is not Phase.WAITING
        ]
        closed = [key for key in (*begun, *self._spent) if key != join]

        return [
            key
            for key in self._live
            if key != join
            and self._plan.blocks(*key, *join)
            and leads_only_to(self._plan, key, join, closed, without=self._rules.errors)
        ]

    # ------------------------------------------------------------------ bookkeeping

    def _find(self, node: int, rounds: Rounds) -> Activation | None:
        return self._live.get((node, rounds))

    def _enter(self, node: int, rounds: Rounds) -> Activation:
        activation = self._live[node, rounds] = Activation(node, rounds)
        self._mask |= 1 << node
        if rounds:
            self._rounds.setdefault(node, {})[rounds] = None
        return activation

    def _exit(self, node: int, rounds: Rounds) -> None:
        del self._live[node, rounds]
        if rounds:
            alive = self._rounds[node]
            del alive[rounds]
            if alive:
                return
        self._mask ^= 1 << node

    def _count(self, edge: int, outer: Rounds) -> int:
        """How often the feedback edge was taken since its loop was entered at these outer rounds."""
        return self._laps.get(edge, {}).get(outer, 0)

    def _count_lap(self, edge: int, outer: Rounds) -> None:
        laps = self._laps.get(edge)
        if laps is not None and outer in laps:
            laps[outer] += 1
            return
        if laps:
            level = len(outer)
            alive = {rounds[:level] for _, rounds in self._live}
            laps = {entry: count for entry, count in laps.items() if entry in alive}
        self._laps[edge] = {**(laps or {}), outer: 1}

    def _place(self, activation: Activation) -> tuple[int, ...]:
        return self._plan.position(activation.node, activation.rounds)

    def _check_taken(self, fact: NodeSucceeded | NodeErrored | NodeRouted) -> None:
        node, taken = fact.node, fact.taken
        for number in taken:
            if self._edges[number].source != node:
                raise self._illegal(fact, "it takes an edge that it does not have")
        if len(taken) > 1 and len(set(taken)) < len(taken):
            raise self._illegal(fact, "it takes an edge twice")
        self._last = fact

    def _illegal(self, fact: Fact, why: str) -> ScheduleError:
        told = f"{type(fact).__name__}({self.activation_id(fact.node, fact.rounds)}): {why}"
        return ScheduleError(told, () if self._last is None else (self._last,))

    def validate(self) -> None:
        """Check every invariant; for tests. Raises AssertionError."""
        live = self._live
        assert self._mask == sum(1 << node for node in {node for node, _ in live})
        inside = {(node, rounds) for node, alive in self._rounds.items() for rounds in alive}
        assert inside == {key for key in live if key[1]}
        for key, activation in live.items():
            assert key == (activation.node, activation.rounds)
            assert key not in self._spent, f"{key}: is alive and over"
            came = [(token.edge, token.source_rounds) for token in activation.tokens]
            if not any(number in self._rules.fans for number, _ in came):
                assert len(set(came)) == len(came), f"{key}: a token came twice"
            for number, source_rounds in came:
                edge = self._plan.edges[number]
                coordinate = ANY if edge.slot is None else key[1][edge.slot]
                assert (edge.target, edge.rounds(source_rounds, coordinate)) == key, f"{key}: a token strayed"
            if activation.phase is Phase.WAITING:
                watched = activation.watched
                assert watched in live or watched in self._spent, f"{key}: watches nothing alive"
                if watched in live:
                    assert self._plan.blocks(*watched, *key), f"{key}: watches what does not block it"
                assert key in self._watchers[watched], f"{key}: would not be woken"
                assert activation.snapshot is None
            else:
                assert activation.watched is None
                assert (activation.snapshot is not None) or activation.phase is Phase.FAILED
        for key in self._spent:
            assert any(key in self._watchers.get(other, ()) for other in live), f"{key}: is never forgotten"
        assert set(self._watchers) <= set(live) | set(self._spent)
        assert not self.cancelled.keys() & live.keys()
        if live:
            assert any(each.phase is not Phase.WAITING for each in live.values()), "everything waits"


def _special_edges(plan: Plan, rules: Rules) -> frozenset[int]:
    return frozenset(
        number
        for number, edge in enumerate(plan.edges)
        if edge.slot is not None
        or number in rules.cancels
        or edge.target in rules.joins
        or edge.target in rules.sheds
    )


# What most runs have none of: one for all of them, since what a run holds is looked through by the garbage collector.
_NO_EDGES: frozenset[int] = frozenset()
_NOTHING: Mapping[int, int] = MappingProxyType({})

_NODE, _ROUNDS, _CAME = attrgetter("node"), attrgetter("rounds"), attrgetter("edge", "source_rounds")

_OUTSIDE: Mapping[Rounds, None] = {(): None}
"""The only rounds of a node outside of loops."""


class Named:
    """Something of which `str` is an activation's id: made when a message needs it, since most never do."""

    __slots__ = ("_node", "_rounds", "_schedule")

    def __init__(self, schedule: Schedule, node: int, rounds: Rounds) -> None:
        self._schedule = schedule
        self._node = node
        self._rounds = rounds

    def __str__(self) -> str:
        return str(self._schedule.activation_id(self._node, self._rounds))
