"""Which entries of one shared conversation an agent is shown, kept as a few spans: nothing that was said is stored twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backedge.nodes.agents import Entry, Leave, Summary
from backedge.providers import Message

from .filters import Filter
from .state import Span


def places_in(view: Sequence[Span]) -> list[int]:
    """The places of the entries in a view.

    >>> places_in([(0, 2), (5, 7)])
    [0, 1, 5, 6]
    """
    return [place for first, behind in view for place in range(first, behind)]


def shown(talk: Sequence[Entry], view: Sequence[Span]) -> list[Entry]:
    """The entries in a view.

    A summary stands for the messages at the beginning of what its agent had seen. Where that is not also the beginning of
    the conversation it would stand for others, and is left out.
    """
    places = places_in(view)
    prefix = next((at for at, place in enumerate(places) if at != place), len(places))
    return [
        talk[place] for at, place in enumerate(places) if at < prefix or not isinstance(talk[place], Summary)
    ]


def view_of(places: Iterable[int]) -> tuple[Span, ...]:
    """Places as spans.

    >>> view_of([0, 1, 5, 6])
    ((0, 2), (5, 7))
    """
    spans: list[Span] = []
    for place in places:
        if spans and spans[-1][1] == place:
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return tuple(spans)


def filtered(
    talk: Sequence[Entry], view: Sequence[Span], choose: Filter
) -> tuple[tuple[Span, ...], list[Entry]]:
    """What a filter leaves of a view, and the entries that it made up, which belong at the end of the conversation.

    Raises:
        TypeError: It gives something else than entries of a conversation.
    """
    places: dict[int, list[int]] = {}
    for place in places_in(view):
        places.setdefault(id(talk[place]), []).append(place)
    added: list[Entry] = []
    kept: list[int] = []
    chosen: object = choose(shown(talk, view))
    name = getattr(choose, "__name__", repr(choose))
    if isinstance(chosen, str) or not isinstance(chosen, Iterable):
        raise TypeError(
            f"the context filter {name} gives a list of entries of a conversation, not {chosen!r}"
        )
    for entry in chosen:
        if not isinstance(entry, Message | Summary | Leave):
            raise TypeError(f"the context filter {name} gives entries of a conversation, not {entry!r}")
        there = places.get(id(entry))
        if there is None:
            there = [len(talk) + len(added)]
            added.append(entry)
        kept.append(there.pop(0) if len(there) > 1 else there[0])
    return view_of(kept), added
