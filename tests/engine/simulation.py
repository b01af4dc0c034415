"""Runs graphs to their end by a rule, in any order, to see what happened and whether the rule held.

`simulate` goes through a run under a given completion order; `settles` checks what came out without looking at
any order at all. START is an ordinary node here, and the only one that waits without a token when a run begins.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from hypothesis import reject

from .oracle import START, Activation, Edge, Rounds, Rule, Token
from .sizes import SOAKING

LONGEST = 2_000 if SOAKING else 150
"""Loops within loops may go round for thousands of activations, for which there is no time."""


class BrokenRule(Exception):
    """A run showed that the rule it went by is wrong: a deadlock, or a token that came too late."""


Inputs = frozenset[Token]
Choice = Callable[[Activation, Inputs], frozenset[str]]
Blocks = Callable[[Activation, Activation], bool]


@dataclass(frozen=True)
class Run:
    """What happened, with nothing about when: the tokens each activation got, and the edges it took."""

    inputs: Mapping[Activation, Inputs]
    taken: Mapping[Activation, frozenset[str]]


@dataclass
class State:
    """A run under way. An activation is in exactly one of the three."""

    rule: Rule
    blocks: Blocks
    waiting: dict[Activation, set[Token]] = field(default_factory=lambda: {Activation(START, ()): set()})
    running: dict[Activation, Inputs] = field(default_factory=dict)
    finished: dict[Activation, Inputs] = field(default_factory=dict)
    taken: dict[Activation, frozenset[str]] = field(default_factory=dict)

    def ready(self) -> list[Activation]:
        """Return what waits and is blocked by nothing alive, in order of name and rounds."""
        alive = [*self.waiting, *self.running]
        return sorted(one for one in self.waiting if not any(self.blocks(live, one) for live in alive))

    def start(self, one: Activation) -> None:
        self.running[one] = frozenset(self.waiting.pop(one))

    def finish(self, one: Activation, taken: frozenset[str]) -> None:
        self.finished[one] = self.running.pop(one)
        self.taken[one] = taken
        for edge in sorted(taken):
            there = self.rule.target(self.rule.edges[edge], one.rounds)
            if there in self.running or there in self.finished:
                raise BrokenRule(f"{there} had begun when {edge} of {one} came")
            self.waiting.setdefault(there, set()).add(Token(edge, one))


def simulate(rule: Rule, choose: Choice, order: random.Random, blocks: Blocks | None = None) -> Run:
    """Run to the end; `order` shuffles what starts and what finishes next. Hypothesis is told of very long runs.

    Raises:
        BrokenRule: if something waits and nothing can go on, or a token comes to what has begun.
    """
    state = State(rule, blocks or rule.blocks)
    while state.waiting or state.running:
        if len(state.finished) > LONGEST:
            reject()
        ready = state.ready()
        if not ready and not state.running:
            raise BrokenRule(f"deadlock: {sorted(state.waiting)}")
        one = order.choice([*ready, *sorted(state.running)])
        if one in state.waiting:
            state.start(one)
        else:
            state.finish(one, choose(one, state.running[one]))
    return Run(state.finished, state.taken)


def settles(rule: Rule, choose: Choice, run: Run) -> bool:
    """Say whether `run` is the one that `choose` leads to; no order and nothing about blocking enters here.

    Every activation chose its edges from all tokens that were ever sent to it, and nothing else ran. There is only
    one such run, because what a token depends on was sent before it.
    """
    sent: dict[Activation, set[Token]] = {Activation(START, ()): set()}
    for one, taken in run.taken.items():
        for edge in taken:
            sent.setdefault(rule.target(rule.edges[edge], one.rounds), set()).add(Token(edge, one))
    return sent == run.inputs and all(choose(one, got) == run.taken[one] for one, got in run.inputs.items())


@dataclass(frozen=True)
class SeededChoice:
    """Edges taken as a hash decides from the seed, the activation and *all it got*: the same in every order.

    A wrong input therefore changes the rest of the run. Each edge has a bias of its own. A feedback edge is no
    longer taken once its loop has counted `limit` rounds, so every run ends. Where nothing was taken, mostly a
    forward edge is, and sometimes the path stops.
    """

    rule: Rule
    seed: int
    limit: int = 2

    def __call__(self, one: Activation, inputs: Inputs) -> frozenset[str]:
        """Choose for `one`."""
        edges = [edge for edge in self.rule.leaving[one.node] if self._allowed(edge, one.rounds)]
        seen = (tuple(one), sorted(inputs))
        taken = {e.id for e in edges if self._hash(e.id, seen) % 8 <= self._hash(e.id) % 8}
        forward = sorted(e.id for e in edges if not e.feedback)
        if not taken and forward and self._hash("stop", seen) % 8:
            taken = {forward[self._hash("instead", seen) % len(forward)]}
        return frozenset(taken)

    def _allowed(self, edge: Edge, rounds: Rounds) -> bool:
        return not edge.feedback or self.rule.target(edge, rounds).rounds[-1] <= self.limit

    def _hash(self, *what: object) -> int:
        return int.from_bytes(blake2b(repr((self.seed, what)).encode(), digest_size=4).digest(), "big")
