"""Which requests of a member in another process are open, as its seat in the lobby wants to know it."""

from __future__ import annotations

from .wire import Hello


class AllBut(set[str]):
    """All handles but those in it."""

    def __contains__(self, handle: object) -> bool:
        return not super().__contains__(handle)


class Pending:
    """Which requests of a member wait for replies: these are kept for it, and go into no buffer.

    Args:
        hello: What the member said of that when it came.
    """

    def __init__(self, hello: Hello) -> None:
        recorded = hello.settled is not None
        self.settled: set[str] = set(hello.settled or ()) if recorded else AllBut(hello.pending)
        self._recorded = recorded

    def begin(self, handle: str) -> None:
        """A request is made."""
        if not self._recorded:
            self.settled.add(handle)

    def end(self, handle: str) -> None:
        """It was answered, or nobody waits any more."""
        if self._recorded:
            self.settled.add(handle)
        else:
            self.settled.discard(handle)
