"""How two annotations stand to each other, as far as that can be told without a type checker.

Used to compare a parameter with the field it reads and a return value with the field it is written to. What cannot
be judged counts as fitting: values are validated when they are written.
"""

from __future__ import annotations

import types
from enum import Enum
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin


class Relation(Enum):
    """What may be said of `given` with regard to `declared`."""

    FITS = "fits"  # every declared value is a given one
    NARROWER = "narrower"  # some declared values are given ones
    DISJOINT = "disjoint"  # none is


def relation(given: Any, declared: Any) -> Relation:
    """Compare two annotations.

    >>> relation(int | None, int), relation(int, int | None), relation(str, int)
    (<Relation.FITS: 'fits'>, <Relation.NARROWER: 'narrower'>, <Relation.DISJOINT: 'disjoint'>)
    """
    ours, theirs = _members(given), _members(declared)
    fitting = [any(_accepts(mine, other) for mine in ours) for other in theirs]
    if all(fitting):
        return Relation.FITS
    if any(fitting) or any(_accepts(other, mine) for mine in ours for other in theirs):
        return Relation.NARROWER
    return Relation.DISJOINT


def spell(annotation: Any) -> str:
    """An annotation as a user writes it.

    >>> spell(list[str] | None), spell(int)
    ('list[str] | None', 'int')
    """
    members = _members(annotation)
    if len(members) > 1:
        return " | ".join(spell(member) for member in members)
    plain = members[0]
    if plain is type(None):
        return "None"
    return (
        plain.__name__
        if isinstance(plain, type) and not get_args(plain)
        else str(plain).replace("typing.", "")
    )


def choices(annotation: Any) -> tuple[Any, ...] | None:
    """All values of a type that has only a few (Literal, bool, an Enum, unions of them), or None.

    >>> choices(Literal["a", "b"]), choices(bool), choices(str)
    (('a', 'b'), (True, False), None)
    """
    found: list[Any] = []
    for member in _members(annotation):
        if get_origin(member) is Literal:
            found += get_args(member)
        elif member is bool:
            found += [True, False]
        elif member is type(None):
            found.append(None)
        elif isinstance(member, type) and issubclass(member, Enum):
            found += list(member)
        else:
            return None
    return tuple(found)


def _plain(annotation: Any) -> Any:
    """The annotation without aliases and metadata."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return type(None) if annotation is None else annotation


def _members(annotation: Any) -> list[Any]:
    """The members of a union, without aliases and metadata; one member for anything else."""
    plain = _plain(annotation)
    if get_origin(plain) in (Union, types.UnionType):
        return [member for part in get_args(plain) for member in _members(part)]
    return [plain]


def _accepts(wide: Any, narrow: Any) -> bool:
    """Whether a value of `narrow` may pass as one of `wide`."""
    if wide is Any or wide is object or wide == narrow or isinstance(wide, TypeVar):
        return True
    if narrow is Any or isinstance(narrow, TypeVar):
        return True
    if get_origin(wide) is Literal:
        return get_origin(narrow) is Literal and set(get_args(narrow)) <= set(get_args(wide))
    if get_origin(narrow) is Literal:
        return all(_accepts(wide, type(value)) for value in get_args(narrow))
    wide_class, narrow_class = get_origin(wide) or wide, get_origin(narrow) or narrow
    if not isinstance(wide_class, type) or not isinstance(narrow_class, type):
        return True
    if wide_class is float and narrow_class is int:
        return True
    try:
        if not issubclass(narrow_class, wide_class):
            return False
    except TypeError:  # a protocol that cannot be asked
        return True
    return _arguments_fit(get_args(wide), get_args(narrow))


def _arguments_fit(wide: tuple[Any, ...], narrow: tuple[Any, ...]) -> bool:
    if len(wide) != len(narrow):
        return True
    return all(
        mine is ... or other is ... or relation(mine, other) is not Relation.DISJOINT
        for mine, other in zip(wide, narrow, strict=True)
    )
