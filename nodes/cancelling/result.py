"""What comes of a part that may be cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic_core import to_jsonable_python

from backedge.engine.errors import BackedgeError

from .policy import Cancel

T = TypeVar("T")


class PartCancelledError(BackedgeError):
    """A part was cancelled, and whoever needs its result has none.

    An error edge may take it on: ``graph.on_error(node, handler, error=PartCancelledError)``. Resuming a run that it failed
    begins the part again.
    """

    args: tuple[Any, ...]

    def __init__(self, part: str, reason: str, partial: Any = None) -> None:
        super().__init__(part, reason, partial)

    @property
    def part(self) -> str:
        """The part's name."""
        return str(self.args[0])

    @property
    def reason(self) -> str:
        """Why it was cancelled."""
        return str(self.args[1])

    @property
    def partial(self) -> Any:
        """What it had kept until then."""
        return self.args[2]

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"{self.part} was cancelled{why}; begin it again under another token, or take it on with an error edge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What came of a part: its value, or that it was cancelled.

    Attributes:
        name: The part's name.
        value: What it returned; None when it was cancelled.
        cancel: What it was cancelled with, or None.
        partial: What it kept last before it was cancelled, None where that is nothing; what is left is not to be done.
    """

    name: str
    value: T | None = None
    cancel: Cancel | None = None
    partial: Any = None

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.cancel is not None

    def result(self) -> T:
        """What it returned.

        Raises:
            PartCancelledError: It was cancelled.
        """
        if self.cancel is not None:
            raise PartCancelledError(self.name, self.cancel.reason, to_jsonable_python(self.partial))
        return self.value  # type: ignore[return-value]  # it returned, so this is a T
