"""What becomes of an actor when handling a letter fails, after its retries: as supervisors of Erlang and Akka decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Directive: TypeAlias = Literal["escalate", "resume", "restart", "stop"]

DIRECTIVES: Final = ("resume", "restart", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """What becomes of an actor when handling a letter fails.

    ``"resume"``: it goes on with the state it had before, and the letter is dead. ``"restart"``: it goes on with the state it
    began with, and the letter is dead. ``"stop"``: it ends. ``"escalate"``: its run fails; who resumes it has the letter
    handled again, and a graph around it may lead the error on with `Graph.on_error`.

    Attributes:
        directive: One of them; or errors to one of the first three, and what is not named escalates.
        most: How often it may fail within `within` seconds and go on; once more escalates. None for no bound.
        within: Seconds.

    Raises:
        ValueError: One of them cannot be used.

    Example: ``Supervision(directive={ValueError: "resume", ConnectionError: "restart"}, most=3, within=60)``
    """

    directive: Directive | Mapping[type[Exception], Directive] = "escalate"
    most: int | None = 10
    within: float = 60.0

    def __post_init__(self) -> None:
        for error, directive in self.by_error.items():
            if not (isinstance(error, type) and issubclass(error, Exception)):
                raise ValueError(f"directive= wants classes of exceptions, not {error!r}")
            if directive not in DIRECTIVES:
                more = "; what is not named escalates" if directive == "escalate" else ""
                raise ValueError(f"directive= takes {', '.join(DIRECTIVES)}, not {directive!r}{more}")
        if self.most is not None and self.most < 1:
            raise ValueError(f"most= wants a number from 1, not {self.most}")
        if not self.within > 0:
            raise ValueError(f"within= wants a number of seconds above 0, not {self.within!r}")

    @property
    def by_error(self) -> dict[type[Exception], Any]:
        """Errors to directives; those that escalate are not in it."""
        if isinstance(self.directive, Mapping):
            return dict(self.directive)
        return {} if self.directive == "escalate" else {Exception: self.directive}

    def counted(self, failures: Sequence[float], now: float) -> tuple[list[float], bool]:
        """The failures that count at this moment, this one included, and whether they are too many.

        Args:
            failures: When it failed before.
            now: When it failed now.
        """
        if self.most is None:
            return [], False
        lately = [*(at for at in failures if at > now - self.within), now]
        return lately, len(lately) > self.most
