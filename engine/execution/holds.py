"""Slots that a subgraph holds from its entry to its end, whatever runs in it meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..plan import Key, Rounds
from ..schedule import Schedule


class Holds:
    """Which subgraphs of a run hold their slots. It gives nothing back itself, it says when.

    Example::

        holds.begin(entry, rounds)  # the entry got its slots
        for entry in holds.over(node, rounds, schedule):  # after each fact
            give_back(needs[entry])
    """

    def __init__(self, members: Mapping[int, frozenset[int]]) -> None:
        """`members`: the entries of subgraphs that hold slots, and all nodes of each, the entry included."""
        self._members = members
        # For each node the entries of the subgraphs around it.
        self._around: dict[int, list[int]] = {}
        for entry, nodes in members.items():
            for node in nodes:
                self._around.setdefault(node, []).append(entry)
        # Entry and rounds of those that hold their slots.
        self._held: set[Key] = set()

    def __bool__(self) -> bool:
        return bool(self._held)

    def begin(self, node: int, rounds: Rounds) -> bool:
        """Note that an entry got its slots; whether the node is one that keeps them."""
        if node not in self._members:
            return False
        self._held.add((node, rounds))
        return True

    def over(self, node: int, rounds: Rounds, schedule: Schedule) -> list[int]:
        """The entries of subgraphs that are over now that something happened to this activation of theirs."""
        found: list[int] = []
        for entry in self._around.get(node, ()):
            key = (entry, rounds[: schedule.depth(entry)])
            if key in self._held and not schedule.alive_within(self._members[entry], key[1]):
                self._held.discard(key)
                found.append(entry)
        return found

    def recovered(self, live: Iterable[Key], schedule: Schedule) -> list[int]:
        """The entries of subgraphs that were under way when the run was left; they hold their slots again."""
        found: list[int] = []
        for node, rounds in live:
            for entry in self._around.get(node, ()):
                key = (entry, rounds[: schedule.depth(entry)])
                if node != entry and key not in self._held:
                    self._held.add(key)
                    found.append(entry)
        return found
