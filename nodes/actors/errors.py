"""What goes wrong with actors.

::

    BackedgeError
    ├── AskError              an actor was asked, and there is no reply
    │   └── AskTimeoutError   it did not reply in time: is anybody working on its run?
    ├── MailboxFullError      as many letters wait as may: send again later
    └── ActorFailingError     an actor failed too often: mend it, then resume its run
"""

from __future__ import annotations

from backedge.engine.errors import BackedgeError


class AskError(BackedgeError):
    """An actor was asked, and says that it has no reply: handling the letter failed."""

    def __init__(self, actor: str, why: str) -> None:
        super().__init__(actor, why)

    def __str__(self) -> str:
        return f"actor {self.args[0]!r} has no reply: {self.args[1]}"


class AskTimeoutError(AskError):
    """An actor did not reply in time."""

    def __init__(self, actor: str, seconds: float) -> None:
        super().__init__(actor, f"{seconds:g}")

    def __str__(self) -> str:
        return (
            f"actor {self.args[0]!r} did not reply within {self.args[1]} seconds: perhaps nobody works on its run, "
            f"which `backedge worker` or flow.recover() does, or it has ended"
        )


class MailboxFullError(BackedgeError):
    """As many letters wait for an actor as may."""

    def __init__(self, actor: str, most: int) -> None:
        super().__init__(actor, most)

    def __str__(self) -> str:
        return f"{self.args[1]} letters or more wait for actor {self.args[0]!r}: send this one later"


class ActorFailingError(BackedgeError):
    """An actor failed more often than its supervision allows. Resuming its run goes on behind the letter that failed last."""

    def __init__(self, failures: int, within: float, last: str) -> None:
        super().__init__(failures, within, last)

    def __str__(self) -> str:
        failures, within, last = self.args
        return (
            f"the actor failed {failures} times within {within:g} seconds, the last time with {last}; "
            f"resume its run to go on behind the letter it failed at"
        )
