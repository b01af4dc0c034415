"""How long what is done keeps its places, where places are lent: until it is known what it leads to, which may want them."""

from __future__ import annotations

from collections.abc import Sequence

from ..plan import Key


class Handing:
    """Which activations keep their places though they are done. It gives nothing back itself, it says when.

    Example::

        handing.begun(key)
        handing.keeps(key)  # it is done, and the schedule has yet to hear what came of it
        for node in handing.over(key, None):  # the schedule has
            give_back(needs[node])
    """

    def __init__(self) -> None:
        # What was begun and the schedule does not know the outcome of.
        self._unsettled: set[Key] = set()
        # With which of these places are given back, and the nodes that had them.
        self._kept: dict[Key, list[int]] = {}

    def begun(self, key: Key) -> None:
        """An activation has begun."""
        self._unsettled.add(key)

    def keeps(self, key: Key) -> bool:
        """It is done; whether it keeps its places until it is `over`."""
        if key not in self._unsettled:
            return False
        self._kept.setdefault(key, []).append(key[0])
        return True

    def over(self, key: Key, heir: Key | None) -> Sequence[int]:
        """The schedule knows what came of it: the nodes whose places are given back.

        `heir`: what it leads to and does no work of its own; the places are given back with that.
        """
        self._unsettled.discard(key)
        kept = self._kept.pop(key, [])
        if heir is None or not kept:
            return kept
        self._kept.setdefault(heir, []).extend(kept)
        return ()
