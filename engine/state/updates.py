"""What a reducer field's value knows: the set of updates it was folded from, so that a merge folds each once.

By definition the value is the fold of all updates known, in the order of their positions. The known updates, in that
order, are a path through a trie (a compressed one: an edge may hold many updates), and a `FoldCell` stands at the end
of its path. Positions extend causality, so a write always goes on at the end of a path. A merge takes the updates on
the paths below the deepest node that all paths share, sorts them, and folds them on that node's value: so a node
where paths part keeps its value (`pin`). Two merges that know the same updates end at the same node, whatever they
were merged from.

Memory follows the live cells, not the length of the run: a node refers weakly to the nodes below it and strongly to
the one above. A node at which no live cell stands and no two paths part is absorbed by the one below it; at the root,
which is what everybody alive knows, its updates are forgotten. An update is kept as long as there is a live cell that
does not know it and might still meet one that does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from weakref import ref

from .lineage import UNSET, Position

Fold: TypeAlias = Callable[[Any, Sequence[Any]], Any]
"""``(value, updates) -> value``; the first update stands in for a value that is `UNSET`."""


class Replaced:
    """An update in whose place a value counts: whatever comes before it in the order of positions is forgotten."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


SWEEP = 4  # a path is swept whole after as many writes on it as it has nodes, but at least these


_NONE: Final[dict[Position, object]] = {}  # of the root, whose updates are never added to


class Node:
    """A set of known updates: those on the path from the root to here, in the order of their positions."""

    __slots__ = ("__weakref__", "due", "kids", "pin", "prev", "size", "stands", "updates")

    def __init__(self, prev: Node | None, updates: dict[Position, object], size: int, due: int) -> None:
        self.prev = prev  # None: the root
        self.updates = updates  # on the edge from prev to here, sorted by position; empty only at the root
        self.size = size  # how many updates were ever known here; grows along a path
        self.kids: dict[Position, ref[Node]] | None = (
            None  # by the first update on their edge; some may be dead
        )
        self.pin: object = UNSET  # the value here; set where paths part
        self.stands: ref[FoldCell] | None = None  # the cell here; it may be dead
        self.due = due  # writes until the path is swept

    def cell(self) -> FoldCell | None:
        """The live cell that stands here."""
        return self.stands() if self.stands is not None else None

    def kid(self, first: Position) -> Node | None:
        """The live node at the end of the edge that begins with this update."""
        found = self.kids.get(first) if self.kids is not None else None
        return found() if found is not None else None

    def parts(self, ways: int) -> bool:
        """Whether at least so many live nodes follow; dead ones met on the way are forgotten."""
        live, dead = 0, []
        kids = self.kids or {}
        for first, kid in kids.items():
            if kid() is None:
                dead.append(first)
            else:
                live += 1
                if live == ways:
                    break
        for first in dead:
            del kids[first]
        return live == ways

    def grow(self, first: Position, updates: dict[Position, object], value: object) -> Node:
        """A new node below this one, whose value is `value`. `first` is the first of the updates."""
        kid = Node(self, updates, self.size + len(updates), self.due - 1)
        if self.kids is None:
            self.kids = {first: ref(kid)}
        else:
            if self.parts(1):
                self.pin = value
            self.kids[first] = ref(kid)
        return kid

    def settle(self) -> None:
        """Absorb what is not needed any more above: what is next, and now and then the whole path.

        A node on the path that must stay for now keeps those above it from being looked at. So that they do not pile
        up, the path is swept whole after as many writes as it has nodes.
        """
        node, sweep, length = self, self.due <= 0, 0
        while (above := node.prev) is not None:
            if above.needed():
                if not sweep:
                    break
                node, length = above, length + 1
                continue
            idle = [above]
            while (top := idle[-1].prev) is not None and not top.needed():
                idle.append(top)
            node.absorb(idle)
        if sweep:
            self.due = max(SWEEP, length)

    def needed(self) -> bool:
        """Whether a live cell stands here, or paths part."""
        if self.stands is not None and self.stands() is not None:
            return True
        return self.kids is not None and len(self.kids) > 1 and self.parts(2)

    def absorb(self, idle: Sequence[Node]) -> None:
        """Take the place of nodes above that are not needed, nearest first."""
        self.prev = top = idle[-1].prev
        if top is None:
            self.updates = _NONE
            return
        updates = idle[-1].updates  # the uppermost, which may be long, is added to
        for node in reversed(idle[:-1]):
            updates.update(node.updates)
        updates.update(self.updates)
        self.updates = updates
        assert top.kids is not None
        top.kids[next(iter(updates))] = ref(self)


class FoldCell:
    """A value of a field with a reducer, at the end of the path of the updates it was folded from."""

    __slots__ = ("__weakref__", "_node", "value")

    def __init__(self, value: object, node: Node | None) -> None:
        """Make a cell that stands at a node; at a root of its own where that is None."""
        self.value = value
        self._node = node
        if node is not None:
            node.stands = ref(self)

    @property
    def node(self) -> Node:
        """Where it stands. A root is made when somebody asks, since many a field is never written in a run."""
        if self._node is None:
            self._node = Node(None, _NONE, 0, SWEEP)
            self._node.stands = ref(self)
        return self._node

    def write(self, update: object, position: Position, fold: Fold) -> FoldCell:
        """The cell of an update made on this one."""
        node = self._node or self.node
        if node.prev is not None:
            node.settle()
        updates = {position: update}
        if node.kids is not None and position in node.kids:  # the same write, made twice
            return _stand(node, self.value, [position], updates, fold)
        value = fold(self.value, (update,))
        return FoldCell(value, node.grow(position, updates, self.value))

    def replace(self, value: object, mark: Position, fold: Fold) -> FoldCell:
        """The cell of a write that takes the place of the value, and so of all updates known here.

        Its position comes right after the last update known, and is unique if `mark` is: what others wrote meanwhile
        is folded into the new value where it comes later in the order, and lost where it comes before.
        """
        node = self.node
        if node.prev is not None:
            node.settle()
        position = (*next(reversed(node.updates), ()), -1, *mark)
        updates: dict[Position, object] = {position: Replaced(value)}
        if node.kids is not None and position in node.kids:  # the same write, made twice
            return _stand(node, self.value, [position], updates, fold)
        return FoldCell(value, node.grow(position, updates, self.value))

    def apart(self) -> FoldCell:
        """The same value as the beginning of a history of its own."""
        return root_fold(self.value)


def root_fold(value: object) -> FoldCell:
    """A cell of a reducer field that nothing precedes."""
    return FoldCell(value, None)


def union(cells: Sequence[FoldCell], fold: Fold) -> FoldCell:
    """The cell that knows every update one of the (distinct) cells knows."""
    nodes = [cell.node for cell in cells]
    meet = _meet(nodes)
    updates: dict[Position, object] = {}
    seen = {meet}
    largest, size = cells[0], nodes[0].size
    for cell, node in zip(cells, nodes, strict=True):
        if node.size > size:
            largest, size = cell, node.size
        step = node
        while step not in seen:
            seen.add(step)
            updates.update(step.updates)
            assert step.prev is not None
            step = step.prev
    if size == meet.size + len(updates):
        return largest
    standing = meet.cell()
    value = meet.pin if standing is None else standing.value
    merged = _stand(meet, value, sorted(updates), updates, fold)
    merged.node.due = min([node.due for node in nodes]) - 1
    merged.node.settle()
    return merged


def _meet(nodes: Sequence[Node]) -> Node:
    """The deepest node that all paths to these share."""
    meet = nodes[0]
    for node in nodes[1:]:
        while node is not meet:
            if node.size > meet.size:
                above = node.prev
                node = above if above is not None else node
            else:
                above = meet.prev
                meet = above if above is not None else meet
            if above is None:
                raise ValueError("these snapshots come from different beginnings and cannot be merged")
    return meet


def _stand(
    top: Node, value: object, order: Sequence[Position], updates: Mapping[Position, object], fold: Fold
) -> FoldCell:
    """The cell at the end of the path that goes on from `top`, whose value is `value`, with these updates."""
    node, done = _follow(top, order)
    here = node.cell()
    if done == len(order) and here is not None:
        return here
    if here is not None:
        value = here.value
    else:
        value = _folded(value, [updates[position] for position in order[:done]], fold)
    if done == len(order):
        return FoldCell(value, node)
    rest = {position: updates[position] for position in order[done:]}
    return FoldCell(_folded(value, list(rest.values()), fold), node.grow(order[done], rest, value))


def _folded(value: object, updates: Sequence[object], fold: Fold) -> object:
    """The fold of updates some of which may take the value's place."""
    for place in range(len(updates) - 1, -1, -1):
        update = updates[place]
        if type(update) is Replaced:
            rest = updates[place + 1 :]
            return fold(update.value, rest) if rest else update.value
    return fold(value, updates)


def _follow(top: Node, order: Sequence[Position]) -> tuple[Node, int]:
    """Walk down existing paths as far as they agree with `order`, and split the edge on which they part."""
    node, done = top, 0
    while done < len(order):
        kid = node.kid(order[done])
        if kid is None:
            break
        along = list(kid.updates)
        agree = 0
        while agree < len(along) and done + agree < len(order) and along[agree] == order[done + agree]:
            agree += 1
        done += agree
        node = kid if agree == len(along) else _split(node, kid, along, agree)
    return node, done


def _split(node: Node, kid: Node, along: Sequence[Position], at: int) -> Node:
    """Put a node on the edge to `kid`, after its first `at` updates."""
    between = Node(
        node, {position: kid.updates[position] for position in along[:at]}, node.size + at, node.due
    )
    between.kids = {along[at]: ref(kid)}
    assert node.kids is not None
    node.kids[along[0]] = ref(between)
    kid.updates = {position: kid.updates[position] for position in along[at:]}
    kid.prev = between
    return between
