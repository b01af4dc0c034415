"""What the schedule is told and what it answers: facts in the past tense in, orders in the imperative out.

Nodes and edges are the plan's numbers. Tuples, since one of each is made for every step of a run; annotations are evaluated,
as in `records`.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from .plan import Rounds
from .records import ErrorInfo
from .state.snapshots import Edit, Snapshot


class NodeSucceeded(NamedTuple):
    """A running node finished, its `updates` are decoded from its record, the edges `taken` are known.

    START is running when a schedule is made: its updates are the inputs.
    """

    node: int
    rounds: Rounds
    updates: Mapping[str, object]
    taken: tuple[int, ...]


class NodeReturned(NamedTuple):
    """A running node finished, but which edges it takes could not be told."""

    node: int
    rounds: Rounds
    updates: Mapping[str, object]


class NodeRouted(NamedTuple):
    """The edges that a node which had returned takes are known now."""

    node: int
    rounds: Rounds
    taken: tuple[int, ...]


class NodeErrored(NamedTuple):
    """A running node failed, and error edges take its error on."""

    node: int
    rounds: Rounds
    error: ErrorInfo
    taken: tuple[int, ...]


class NodeFailed(NamedTuple):
    """A running node failed for good: it keeps its place and what it blocks until it is retried."""

    node: int
    rounds: Rounds


class NodeRetried(NamedTuple):
    """A node that had failed is to run again."""

    node: int
    rounds: Rounds


class NodeCancelled(NamedTuple):
    """A node that was to be cancelled runs no more: no other fact about it follows."""

    node: int
    rounds: Rounds


class FrontierEdited(NamedTuple):
    """Somebody edited the state wherever it is: one write, later than all others, on all that is alive."""

    edit: Edit


class NodeEdited(NamedTuple):
    """Somebody edited what one activation, which has not finished, runs on. `values` take the place of its fields'."""

    node: int
    rounds: Rounds
    values: Mapping[str, object]


Fact: TypeAlias = (
    NodeSucceeded | NodeReturned | NodeRouted | NodeErrored | NodeFailed | NodeRetried | NodeCancelled
)


class StartNode(NamedTuple):
    """Run this node on this snapshot. `errors` holds what error edges brought: the edge's number and the error."""

    node: int
    rounds: Rounds
    snapshot: Snapshot
    errors: tuple[tuple[int, ErrorInfo], ...] = ()


class RejectNode(NamedTuple):
    """This node cannot run: its tokens do not merge. Its activation counts as failed.

    `reason` is a `MergeConflict`, or the `FoldError` of a reducer that raised.
    """

    node: int
    rounds: Rounds
    reason: Exception


class CancelNode(NamedTuple):
    """Stop this running node: nobody needs it any more. What it still says is dropped until `NodeCancelled` tells its end."""

    node: int
    rounds: Rounds


Order: TypeAlias = StartNode | RejectNode | CancelNode
