"""What a plain field's value knows: which writes are in the past of which, so that a merge is exact.

A `Cell` is one value of one field with its history; a snapshot is a row of cells. A `Lineage` is a chain of writes,
each made on the one before; its versions count them. The first write on a cell continues its lineage; a further one
opens another, which remembers how far its first write knew every other lineage (a version vector, as in Parker et
al., "Detection of mutual inconsistency in distributed systems", 1983). So "this is in the past of that" is one look
into a dictionary, whichever write happened to be carried out first.

Memory follows the live cells, not the length of the run: vectors refer to lineages weakly, and what has died is
dropped whenever a vector is copied. A lineage without live cells is never asked for.

A cell that won against cells of an earlier round, without having been written after them, knows more than its lineage
says: that is its `beside`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, TypeAlias
from weakref import ref

Position: TypeAlias = tuple[int, ...]
"""A writer's place in the fixed order: unique, and greater than those of all writes its writer knew."""


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""The value of a field nobody has written yet."""

Vector: TypeAlias = "dict[ref[Lineage], int]"


_NOTHING: Final[Vector] = {}  # shared, since a vector is never changed


class Lineage:
    """A chain of writes, each made on the one before."""

    __slots__ = ("__weakref__", "before", "tip")

    def __init__(self, before: Vector) -> None:
        self.before = before  # how far the chain's first write knew other lineages; never changed
        self.tip = 0  # version of the newest write; only grows


_ROOT: Final = Lineage(_NOTHING)
"""Of what a field holds before anything was written: every cell knows it, and a write on it opens a lineage."""
_ROOT.tip = 1


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

    def apart(self) -> Cell:
        """The same value as the beginning of a history of its own."""
        return self if self.lineage is _ROOT else root_cell(self.value)

    def knows(self, other: Cell) -> bool:
        """Whether the other's write is this cell's own or in its past."""
        mine, theirs = self.lineage, other.lineage
        if theirs is _ROOT:
            return True
        if mine is theirs:
            if other.version <= self.version:
                return True
        elif mine.before and mine.before.get(ref(theirs), -1) >= other.version:
            return True
        return self.beside is not None and self.beside.get(ref(theirs), -1) >= other.version

    def known(self) -> Vector:
        """All that this cell knows, as far as it can still be asked for."""
        vector = {line: version for line, version in self.lineage.before.items() if line() is not None}
        for line, version in (self.beside or {}).items():
            if line() is not None and vector.get(line, -1) < version:
                vector[line] = version
        if self.lineage is _ROOT:
            return vector
        own = ref(self.lineage)
        if vector.get(own, -1) < self.version:
            vector[own] = self.version
        return vector

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


def root_cell(value: object) -> Cell:
    """What a plain field holds before anything was written. It holds nothing of a run: runs may share it."""
    return Cell(value, (), "START", _ROOT, 0, None)


def lone_cell(value: object) -> Cell:
    """A plain cell that knows nothing but the root."""
    return Cell(value, (), "START", Lineage(_NOTHING), 0, None)


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
    """The side whose write has those of all others in its past, or two sides that conflict."""
    if len(sides) == 2:
        one, other = sides
        if _beats(one, other):
            return one.over((other,))
        if _beats(other, one):
            return other.over((one,))
    pooled: dict[tuple[Lineage, int], Cell] = {}
    for side in sides:
        write = (side.lineage, side.version)
        pooled[write] = pooled[write].over((side,)) if write in pooled else side
    several = list(pooled.values())
    winner = _champion(several)
    if all(_beats(winner, side) for side in several):
        return winner.over(side for side in several if side is not winner)
    several.sort(key=lambda cell: cell.position)  # so that the conflict is told the same in every order
    first = _champion(several)
    second = next(side for side in several if not _beats(first, side))
    return (first, second) if first.position <= second.position else (second, first)


def _champion(sides: Sequence[Cell]) -> Cell:
    """The only side that may win."""
    winner = sides[0]
    for side in sides:
        if not _beats(winner, side):
            winner = side
    return winner


def _beats(winner: Cell, side: Cell) -> bool:
    return side is winner or (winner.knows(side) and not side.knows(winner))
