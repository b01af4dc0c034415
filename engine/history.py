"""What a state field's value knows: the histories that make a merge of snapshots exact.

A *cell* is one value of one field together with its history, and a snapshot is a row of cells. When tokens meet, two
questions are asked of their cells: which of them are in the past of which (a plain field), and which updates does
each of them know (a field with a reducer). Two structures answer, one for each kind of field. Neither depends on
the order in which writes happened to be carried out, and neither keeps what nobody can ask for any more: what a live
cell needs it holds, what it may be asked about it refers to weakly, so memory follows the live cells and not the
length of the run.

**Plain fields: `Cell` and `Lineage`.** A lineage is a chain of writes, each made on the one before; its versions
count them. The first write on a cell continues its lineage; a further one opens another lineage, which remembers how
far its first write knew every other lineage (a version vector). So "`a` is in the past of `b`" is one look into a
dictionary. Lineages in it are weakly referenced and dropped when a vector is copied: one without live cells is never
asked for. A cell that won against cells of an earlier round, without having been written after them, knows more than
its lineage says: that is its `beside`.

**Fields with a reducer: `FoldCell` and `Node`.** The value is, by definition, the fold of all updates known, each
once, in the order of their positions. The known updates, in that order, are a path through a trie (a compressed one:
an edge may hold many updates), and a cell stands at the end of its path. Since positions extend causality a write
always goes on at the end of a path. A merge takes the updates on the paths below the deepest node that all paths
share, sorts them, and folds them on that node's value: so a node where paths part keeps its value (`pin`). Nodes refer
weakly to the nodes below and strongly to the one above. A node at which no live cell stands and no two paths part is
absorbed by the one below it, and at the root, which is what everybody alive knows, its updates are forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from weakref import ref

Position: TypeAlias = tuple[int, ...]
Fold: TypeAlias = Callable[[Any, Sequence[Any]], Any]


class Unset:
    """The type of `UNSET`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()
"""The value of a field nobody has written yet."""


# --------------------------------------------------------------------------- plain fields

Vector: TypeAlias = "dict[ref[Lineage], int]"


class Lineage:
    """A chain of writes, each made on the one before."""

    __slots__ = ("__weakref__", "before", "me", "tip")

    def __init__(self, before: Vector) -> None:
        self.before = before  # how far the chain's first write knew other lineages; never changed
        self.tip = 0  # version of the newest write; only grows
        self.me = ref(self)  # this lineage as a key of vectors


class Cell:
    """A value of a plain field. `lineage` and `version` name the write; two cells may be of the same write."""

    __slots__ = ("beside", "lineage", "position", "value", "version", "writer")

    def __init__(
        self,
        value: object,
        position: Position,
        writer: object,
        lineage: Lineage,
        version: int,
        beside: Vector | None,
    ) -> None:
        self.value = value
        self.position = position
        self.writer = writer
        self.lineage = lineage
        self.version = version
        self.beside = beside  # what it knows beyond its own write's past, or None

    def write(self, value: object, position: Position, writer: object) -> Cell:
        """The cell of a write made on this one."""
        lineage = self.lineage
        if self.version == lineage.tip and self.beside is None:
            lineage.tip = version = self.version + 1
            return Cell(value, position, writer, lineage, version, None)
        return Cell(value, position, writer, Lineage(self.known()), 0, None)

    def knows(self, other: Cell) -> bool:
        """Whether the other's write is this cell's own or in its past."""
        mine, theirs = self.lineage, other.lineage
        if mine is theirs:
            if other.version <= self.version:
                return True
        elif mine.before.get(theirs.me, -1) >= other.version:
            return True
        return self.beside is not None and self.beside.get(theirs.me, -1) >= other.version

    def known(self) -> Vector:
        """All that this cell knows, as far as it can still be asked for."""
        vector = {line: version for line, version in self.lineage.before.items() if line() is not None}
        for line, version in (self.beside or {}).items():
            if line() is not None and vector.get(line, -1) < version:
                vector[line] = version
        if vector.get(self.lineage.me, -1) < self.version:
            vector[self.lineage.me] = self.version
        return vector

    def same_write(self, other: Cell) -> bool:
        """Whether both cells carry the same write."""
        return self.lineage is other.lineage and self.version == other.version

    def over(self, losers: Iterable[Cell]) -> Cell:
        """This cell, knowing also what the losers know."""
        vector: Vector = {}
        for loser in losers:
            if loser.beside is not None or not self.knows(loser):
                for line, version in loser.known().items():
                    if vector.get(line, -1) < version:
                        vector[line] = version
        if not vector:
            return self
        for line, version in (self.beside or {}).items():
            if vector.get(line, -1) < version:
                vector[line] = version
        return Cell(self.value, self.position, self.writer, self.lineage, self.version, vector)


def root_cell(value: object, position: Position, writer: object) -> Cell:
    """A plain cell that nothing precedes."""
    return Cell(value, position, writer, Lineage({}), 0, None)


def latest(cells: Sequence[Cell]) -> Cell:
    """What a sequence of tokens (several rounds of one edge, in order) holds: its last write.

    A token that merely carries on what an earlier one had overwritten does not bring it back.
    """
    winner = cells[0]
    for cell in cells[1:]:
        if cell is winner:
            continue
        if winner.knows(cell) and not cell.knows(winner):
            winner = winner.over((cell,))
        else:
            winner = cell.over((winner,))
    return winner


def dominant(sides: Sequence[Cell]) -> Cell | tuple[Cell, Cell]:
    """The one side whose cell has those of all others in its past, or two sides that conflict."""
    winner = _champion(sides)
    if all(_beats(winner, side) for side in sides):
        return winner.over(side for side in sides if side is not winner)
    ordered = sorted(
        sides, key=lambda cell: cell.position
    )  # so that the conflict is told the same in every order
    first = _champion(ordered)
    second = next(side for side in ordered if not _beats(first, side))
    return (first, second) if first.position <= second.position else (second, first)


def _champion(sides: Sequence[Cell]) -> Cell:
    winner = sides[0]
    for side in sides:
        if side is not winner and side.knows(winner) and not winner.knows(side):
            winner = side
    return winner


def _beats(winner: Cell, side: Cell) -> bool:
    return side is winner or (winner.knows(side) and (not side.knows(winner) or side.same_write(winner)))


# --------------------------------------------------------------------------- fields with a reducer

SWEEP = 16  # a path is swept whole after as many writes on it as it has nodes, but at least these


class Node:
    """A set of known updates: those on the path from the root to here, in the order of their positions."""

    __slots__ = ("__weakref__", "due", "kids", "me", "pin", "prev", "size", "stands", "updates")

    def __init__(self, prev: Node | None, updates: dict[Position, object], due: int) -> None:
        self.prev = prev  # None: the root
        self.updates = updates  # on the edge from prev to here, sorted by position; empty only at the root
        self.size: int = len(updates) + (
            prev.size if prev is not None else 0
        )  # of all updates ever known here
        self.kids: dict[Position, ref[Node]] = {}  # by the first update on the edge to them; some may be dead
        self.pin: object = UNSET  # the value here; set where paths part
        self.stands: ref[FoldCell] | None = None  # the cell here; it may be dead
        self.due = due  # writes until the path is swept
        self.me = ref(self)

    def cell(self) -> FoldCell | None:
        """The live cell that stands here."""
        return self.stands() if self.stands is not None else None

    def live_kids(self, enough: int) -> int:
        """How many live nodes follow, counted up to `enough`; dead ones met on the way are forgotten."""
        live, dead = 0, []
        for key, kid in self.kids.items():
            if kid() is None:
                dead.append(key)
            else:
                live += 1
                if live == enough:
                    break
        for key in dead:
            del self.kids[key]
        return live

    def attach(self, updates: dict[Position, object], value: object) -> Node:
        """A new node below this one, whose value is `value`."""
        kid = Node(self, updates, self.due - 1)
        if self.kids and self.live_kids(1):
            self.pin = value
        self.kids[next(iter(updates))] = kid.me
        return kid

    def absorb(self, above: Node) -> None:
        """Take the place of the node above, at which nothing stands and nothing parts."""
        self.prev = top = above.prev
        if top is None:
            self.updates = {}
            return
        updates = above.updates
        updates.update(self.updates)  # the longer one is kept: it is the one above that grows
        self.updates = updates
        top.kids[next(iter(updates))] = self.me

    def settle(self) -> None:
        """Absorb what is not needed any more above: what is next, and now and then the whole path."""
        node, sweep, length = self, self.due <= 0, 0
        while (above := node.prev) is not None:
            if above.cell() is None and above.live_kids(2) < 2:
                node.absorb(above)
            elif sweep:
                node, length = above, length + 1
            else:
                break
        if sweep:
            self.due = max(SWEEP, length)


class FoldCell:
    """A value of a field with a reducer, at the end of the path of the updates it was folded from."""

    __slots__ = ("__weakref__", "node", "value")

    def __init__(self, value: object, node: Node) -> None:
        self.value = value
        self.node = node
        node.stands = ref(self)

    def write(self, update: object, position: Position, fold: Fold) -> FoldCell:
        """The cell of an update made on this one."""
        node = self.node
        value = fold(self.value, (update,))
        node.settle()
        if position in node.kids:  # the same write made twice, or one that a merge had taken in already
            return _stand(node, self.value, [position], {position: update}, fold)
        return FoldCell(value, node.attach({position: update}, self.value))


def root_fold(value: object) -> FoldCell:
    """A cell of a reducer field that nothing precedes."""
    return FoldCell(value, Node(None, {}, SWEEP))


def union(cells: Sequence[FoldCell], fold: Fold) -> FoldCell:
    """The cell that knows every update one of the (distinct) cells knows."""
    meet = _meet(cells)
    updates: dict[Position, object] = {}
    seen = {meet}
    largest = cells[0]
    for cell in cells:
        if cell.node.size > largest.node.size:
            largest = cell
        node = cell.node
        while node not in seen:
            seen.add(node)
            updates.update(node.updates)
            assert node.prev is not None
            node = node.prev
    if largest.node.size == meet.size + len(updates):
        return largest
    standing = meet.cell()
    value = meet.pin if standing is None else standing.value
    return _stand(meet, value, sorted(updates), updates, fold)


def _meet(cells: Sequence[FoldCell]) -> Node:
    """The deepest node that all paths share."""
    meet = cells[0].node
    for cell in cells[1:]:
        node = cell.node
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
    elif done:
        value = fold(value, [updates[position] for position in order[:done]])
    if done == len(order):
        return FoldCell(value, node)
    rest = {position: updates[position] for position in order[done:]}
    end = node.attach(rest, value)
    return FoldCell(fold(value, list(rest.values())), end)


def _follow(top: Node, order: Sequence[Position]) -> tuple[Node, int]:
    """Walk down existing paths as far as they agree with `order`, and split the edge on which they part."""
    node, done = top, 0
    while done < len(order):
        found = node.kids.get(order[done])
        kid = found() if found is not None else None
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
    between = Node(node, {position: kid.updates[position] for position in along[:at]}, node.due)
    node.kids[along[0]] = between.me
    kid.updates = {position: kid.updates[position] for position in along[at:]}
    kid.prev = between
    between.kids[along[at]] = kid.me
    return between
