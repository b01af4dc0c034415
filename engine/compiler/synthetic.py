"""What nodes do that nobody declared: they hand fields on, and make results of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import NodeRaisedError

if TYPE_CHECKING:
    from .itemerror import ItemError


def carry(**fields: Any) -> dict[str, Any] | None:
    """The entry and the end of a subgraph: what it is given."""
    return fields or None


def nothing(**_: Any) -> None:
    """A map's beginning: that it can read its items is enough."""


def same(*, results: list[Any]) -> list[Any]:
    """Where a map's instances meet."""
    return results


def item_error(*, error: Exception) -> ItemError:
    """The result of an item that failed."""
    from .itemerror import ItemError  # a model takes its time to be made, and few graphs need this one

    if isinstance(error, NodeRaisedError):
        return ItemError(type=error.type_name, message=error.message)
    return ItemError(type=type(error).__name__, message=str(error))


def too_deep() -> None:
    """A graph in itself that may not go deeper."""
    raise RecursionError(
        "the graph is in itself as often as it may be; raise limit= where it is put into itself"
    )
