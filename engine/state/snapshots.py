"""The state that flows along the edges: immutable snapshots, and how they are written, merged and read.

State is never a shared mutable dictionary. Each activation reads one snapshot, the merge of the tokens that triggered
it; its update makes a new snapshot for its outgoing edges. What a merge gives depends on who wrote what, knowing
what, and never on when: see `lineage` and `updates`.

* A **plain field** comes from the one edge that wrote it last, in the sense of causality. Tokens of the same edge
  (several rounds) count as a sequence, of which the last write counts. Two edges that bring writes of which neither
  knew the other are a `MergeConflict`, whether or not the values are equal.
* A **field with a reducer** is the fold of all updates that any of the tokens knows, each once, in the order of the
  writers' positions.

Nothing here knows pydantic, asyncio or a clock. `fields.StateSchema` makes the first snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import is_
from typing import Any, NamedTuple, TypeAlias

from .lineage import UNSET, Cell, Position, dominant, latest, lone_cell, root_cell
from .updates import Fold, FoldCell, root_fold, union

Copier: TypeAlias = Callable[[Any], Any]
AnyCell: TypeAlias = Cell | FoldCell


class MergeConflict(Exception):  # noqa: N818 - it becomes a ConflictError where the activation is known
    """Two edges brought writes of the same plain field, made without knowing of each other.

    `writers` are the two writers as they were given to `Snapshot.write`, in order of position.
    """

    def __init__(self, field: str, writer_a: object, writer_b: object) -> None:
        self.field = field
        self.writers = (writer_a, writer_b)
        super().__init__(field, writer_a, writer_b)

    def __str__(self) -> str:
        return f"field {self.field!r} was written concurrently by {self.writers[0]} and {self.writers[1]}"


class FoldError(ValueError):
    """A reducer raised, or returned None for a field that cannot be None."""

    def __init__(self, field: str, reducer: str, what: str) -> None:
        self.field = field
        super().__init__(f"field {field!r}: its reducer {reducer} {what}")


class Layout:
    """What snapshots need to know of their fields; one for all snapshots of a graph.

    Attributes:
        names: The fields, in the order of their cells.
        index: Field to place of its cell.
        folds: For each field how its reducer folds updates into a value, or None for a plain field.
        copiers: For each field how a value is copied for a reader, or None where its type is immutable.
    """

    __slots__ = ("copiers", "folds", "index", "names")

    def __init__(
        self,
        names: tuple[str, ...],
        index: Mapping[str, int],
        folds: tuple[Fold | None, ...],
        copiers: tuple[Copier | None, ...],
    ) -> None:
        self.names = names
        self.index = index
        self.folds = folds
        self.copiers = copiers

    def root(self, values: Mapping[str, object]) -> Snapshot:
        """The snapshot before anything was written; fields without a value are unset."""
        return Snapshot(
            self, tuple(self._root(n, values.get(name, UNSET)) for n, name in enumerate(self.names))
        )

    def edit(self, values: Mapping[str, object]) -> Edit:
        """Values for the snapshots of a frontier."""
        places = {self.index[name]: value for name, value in values.items()}
        return Edit(
            {
                place: lone_cell(value) if self.folds[place] is None else root_fold(value)
                for place, value in places.items()
            }
        )

    def shed(self, names: Iterable[str]) -> Edit:
        """Plain fields as they were before anything was written: for tokens that leave where these are needed."""
        places = [self.index[name] for name in names if self.folds[self.index[name]] is None]
        return Edit({place: root_cell(UNSET) for place in places})

    def _root(self, place: int, value: object) -> AnyCell:
        return root_cell(value) if self.folds[place] is None else root_fold(value)


class Edit(NamedTuple):
    """Values that replace what a frontier holds: the same new cells on each of its snapshots."""

    cells: Mapping[int, AnyCell]


class Snapshot:
    """An immutable state: for each field its value and what that value knows."""

    __slots__ = ("_cells", "_layout")

    def __init__(self, layout: Layout, cells: tuple[AnyCell, ...]) -> None:
        self._layout = layout
        self._cells = cells

    def write(self, updates: Mapping[str, object], position: Position, writer: object) -> Snapshot:
        """The snapshot after an activation's writes.

        Args:
            updates: Field to update: the new value of a plain field, what a reducer takes otherwise. They must be
                decoded values which nobody else holds.
            position: The activation's place in the fixed order; unique, and greater than those of all writes that
                this snapshot knows.
            writer: Whoever `str()` of which is the activation's id.

        Raises:
            KeyError: There is no such field.
        """
        if not updates:
            return self
        layout = self._layout
        cells = list(self._cells)
        for name, update in updates.items():
            place = layout.index[name]
            cell = cells[place]
            if isinstance(cell, Cell):
                cells[place] = cell.write(update, position, writer)
            else:
                fold = layout.folds[place]
                assert fold is not None
                cells[place] = cell.write(update, position, fold)
        return Snapshot(layout, tuple(cells))

    def overwrite(
        self, values: Mapping[str, object], mark: Position, position: Position, writer: object
    ) -> Snapshot:
        """The snapshot after a write of values (not of updates): that of a reducer field is replaced too.

        Args:
            values: Field to value.
            mark: Unique to this write.
            position: The place in the fixed order of the activation whose snapshot this is.
            writer: As for `write`.

        Raises:
            KeyError: There is no such field.
        """
        layout = self._layout
        cells = list(self._cells)
        for name, value in values.items():
            place = layout.index[name]
            cell = cells[place]
            if isinstance(cell, Cell):
                cells[place] = cell.write(value, position, writer)
            else:
                fold = layout.folds[place]
                assert fold is not None
                cells[place] = cell.replace(value, mark, fold)
        return Snapshot(layout, tuple(cells))

    def has(self, field: str) -> bool:
        """Whether the field has a value. KeyError if there is no such field."""
        return self._cells[self._layout.index[field]].value is not UNSET

    def read(self, field: str) -> Any:
        """The field's value, for one reader: what is mutable is a copy.

        Raises:
            KeyError: The field is unset, or there is no such field.
        """
        place = self._layout.index[field]
        value = self._cells[place].value
        if value is UNSET:
            raise KeyError(field)
        copy = self._layout.copiers[place]
        return value if copy is None else copy(value)

    def pick(self, wanted: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Several fields at once, each as `read` gives it: pairs of the name it is to have and the field's.

        Raises:
            KeyError: As `read`.
        """
        layout, cells = self._layout, self._cells
        picked: dict[str, Any] = {}
        for name, field in wanted:
            place = layout.index[field]
            value = cells[place].value
            if value is UNSET:
                raise KeyError(field)
            copy = layout.copiers[place]
            picked[name] = value if copy is None else copy(value)
        return picked

    def values(self) -> dict[str, Any]:
        """All fields that have a value, as `read` gives them."""
        return {name: self.read(name) for name in self._layout.names if self.has(name)}

    def apart(self) -> Snapshot:
        """The same values as the beginning of a history of its own, that of another run.

        It knows nothing of what was written here, keeps none of it alive, and cannot be merged with it.
        """
        return Snapshot(self._layout, tuple([cell.apart() for cell in self._cells]))

    def edited(self, edit: Edit) -> Snapshot:
        """The snapshot with the edit's values. Give one edit to all snapshots of a frontier: then they agree."""
        cells = list(self._cells)
        for place, cell in edit.cells.items():
            cells[place] = cell
        return Snapshot(self._layout, tuple(cells))


def merge(groups: Sequence[Sequence[Snapshot]]) -> Snapshot:
    """The state in which tokens meet.

    Args:
        groups: For each edge the snapshots of its tokens, latest last. At least one token in all.

    Returns:
        The merged snapshot; the very same object where there is nothing to merge.

    Raises:
        MergeConflict: A plain field was written on two edges since they parted.
    """
    tokens = [snapshot for group in groups for snapshot in group]
    first = tokens[0]
    rows = dict.fromkeys([token._cells for token in tokens])
    if len(rows) == 1:
        return first
    layout = first._layout
    cells = list(first._cells)
    for place, column in enumerate(zip(*rows, strict=True)):
        if all(map(is_, column, column[1:])):
            continue
        fold = layout.folds[place]
        if fold is not None:
            cells[place] = union([cell for cell in dict.fromkeys(column) if isinstance(cell, FoldCell)], fold)
        elif len(tokens) == len(groups):
            cells[place] = _plain(layout.names[place], column)
        else:
            cells[place] = _plain(layout.names[place], [_latest(place, group) for group in groups])
    return Snapshot(layout, tuple(cells))


def _latest(place: int, group: Sequence[Snapshot]) -> Cell:
    return latest([cell for token in group if isinstance(cell := token._cells[place], Cell)])


def _plain(field: str, sides: Iterable[AnyCell]) -> Cell:
    winner = dominant([side for side in dict.fromkeys(sides) if isinstance(side, Cell)])
    if isinstance(winner, tuple):
        raise MergeConflict(field, winner[0].writer, winner[1].writer)
    return winner
