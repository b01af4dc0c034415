"""State and merge as the rule reads, written for the tests only.

A snapshot knows, for each field, a set of write events, each with the events that its writer knew. Nothing is cut
short and nothing is forgotten: that is the point.
"""

from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True, eq=False)
class Event:
    position: tuple
    value: object
    known: frozenset  # the events its writer knew


@dataclass(frozen=True)
class Instead:
    """The value of an event that takes the place of all events before it."""

    value: object


@dataclass(frozen=True)
class NaiveConflict(Exception):
    field: str
    positions: frozenset  # of the sides' current writes


@dataclass(frozen=True)
class Held:
    """What a snapshot has of one field: the current write (of a plain field), and all it knows."""

    current: Event | None
    known: frozenset


@dataclass(frozen=True)
class NaiveSnapshot:
    reducers: dict  # field -> function or None
    held: dict  # field -> Held

    def write(self, updates, position):
        held = dict(self.held)
        for field, value in updates.items():
            event = Event(position, value, held[field].known)
            held[field] = Held(event, held[field].known | {event})
        return NaiveSnapshot(self.reducers, held)

    def edited(self, edit):
        return NaiveSnapshot(self.reducers, self.held | edit)

    def overwrite(self, values, mark):
        """Writes of values: their place is right after all that the snapshot knows."""
        held = dict(self.held)
        for field, value in values.items():
            known = held[field].known
            last = max(event.position for event in known)
            event = Event((*last, -1, *mark), Instead(value), known)
            held[field] = Held(event, known | {event})
        return NaiveSnapshot(self.reducers, held)

    def values(self):
        found = {}
        for field, reducer in self.reducers.items():
            held = self.held[field]
            if reducer is None:
                if held.current is not None:
                    found[field] = held.current.value
            elif held.known:
                values = [event.value for event in sorted(held.known, key=lambda event: event.position)]
                resets = [place for place, value in enumerate(values) if isinstance(value, Instead)]
                if resets:
                    values = [values[resets[-1]].value, *values[resets[-1] + 1 :]]
                found[field] = reduce(reducer, values)
        return found


def naive_start(reducers, defaults):
    """Defaults are writes that everybody knows."""
    empty = NaiveSnapshot(reducers, {field: Held(None, frozenset()) for field in reducers})
    return empty.write(defaults, (-1,))


def naive_edit(values):
    """One write of each field, which nothing precedes: the same on each snapshot of a frontier."""
    events = {field: Event((), value, frozenset()) for field, value in values.items()}
    return {field: Held(event, frozenset([event])) for field, event in events.items()}


def naive_merge(groups):
    first = groups[0][0]
    held = {}
    for field, reducer in first.reducers.items():
        if reducer is not None:
            held[field] = Held(
                None, frozenset().union(*(s.held[field].known for group in groups for s in group))
            )
        else:
            held[field] = one_side(field, [sequence([s.held[field] for s in group]) for group in groups])
    return NaiveSnapshot(first.reducers, held)


def knows(one, other):
    return other.current is None or other.current in one.known


def sequence(tokens):
    so_far = tokens[0]
    for token in tokens[1:]:
        overwritten = knows(so_far, token) and not knows(token, so_far)
        so_far = Held(so_far.current if overwritten else token.current, so_far.known | token.known)
    return so_far


def one_side(field, sides):
    known = {side.current: frozenset() for side in sides}  # several sides may carry the same write
    for side in sides:
        known[side.current] |= side.known
    pooled = [Held(current, what) for current, what in known.items()]
    winners = [
        side.current
        for side in pooled
        if all(other is side or (knows(side, other) and not knows(other, side)) for other in pooled)
    ]
    if not winners:
        raise NaiveConflict(
            field, frozenset(side.current.position for side in sides if side.current is not None)
        )
    return Held(winners[0], frozenset().union(*known.values()))
