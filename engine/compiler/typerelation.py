"""How two annotations stand to each other, as far as that can be told without a type checker.

Used to compare a parameter with the field it reads and a return value with the field it is written to. What cannot
be judged counts as fitting: values are validated when they are written.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)

from ..shown import listed
from ..state.typeparts import substitute

_DEEPEST = 12  # two recursive types are not compared further down than this


class Relation(Enum):
    """What may be said of `given` with regard to `declared`."""

    FITS = "fits"  # every declared value is a given one
    NARROWER = "narrower"  # some declared values are given ones
    DISJOINT = "disjoint"  # none is


_SILENT = (TypeVar, ForwardRef, str)  # a tuple, since a union would be made anew at each look


def relation(given: Any, declared: Any) -> Relation:
    """Compare two annotations.

    >>> relation(int | None, int), relation(int, int | None), relation(str, int)
    (<Relation.FITS: 'fits'>, <Relation.NARROWER: 'narrower'>, <Relation.DISJOINT: 'disjoint'>)
    >>> relation(list[int], list[int | None])
    <Relation.NARROWER: 'narrower'>
    """
    if given is declared:  # as most are
        return Relation.FITS
    try:
        return _relation(given, declared, 0)
    except Exception:  # annotations may be anything, and compare as they like
        return Relation.FITS


def members(annotation: Any) -> list[Any]:
    """The members of a union, without aliases and metadata; one member for anything else.

    >>> members(int | None)
    [<class 'int'>, <class 'NoneType'>]
    """
    plain = _plain(annotation)
    if get_origin(plain) in (Union, types.UnionType):
        return [member for part in get_args(plain) for member in members(part)]
    return [plain]


def spell(annotation: Any) -> str:
    """An annotation as a user writes it.

    >>> spell(list[str] | None), spell(int), spell(Literal["a", "b"])
    ('list[str] | None', 'int', "Literal['a', 'b']")
    """
    several = members(annotation)
    if len(several) > 1:
        return " | ".join(spell(member) for member in several)
    plain = several[0]
    if plain is type(None):
        return "None"
    if isinstance(plain, ForwardRef):
        return plain.__forward_arg__
    origin, args = get_origin(plain), get_args(plain)
    if origin is Literal:
        return f"Literal[{listed(args)}]"
    if isinstance(origin, type) and origin.__module__ != "collections.abc":
        return f"{origin.__name__}[{', '.join('...' if arg is ... else spell(arg) for arg in args)}]"
    if isinstance(plain, type) and not args:
        return plain.__name__
    return str(plain).replace("collections.abc.", "").replace("typing.", "")


def choices(annotation: Any) -> tuple[Any, ...] | None:
    """All values of a type that has only a few (Literal, bool, an Enum, unions of them), or None.

    >>> choices(Literal["a", "b"]), choices(bool), choices(str)
    (('a', 'b'), (True, False), None)
    """
    found: list[Any] = []
    for member in members(annotation):
        few = _few(member)
        if few is None:
            return None
        found += few
    return tuple(found)


def _few(member: Any) -> Sequence[Any] | None:
    if get_origin(member) is Literal:
        return get_args(member)
    if member is type(None):
        return (None,)
    if member is bool:
        return (True, False)
    if isinstance(member, type) and issubclass(member, Enum) and not issubclass(member, enum.Flag):
        return list(member)
    return None


def _plain(annotation: Any) -> Any:
    """The annotation without aliases and metadata."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif _is_alias(annotation):
            annotation = annotation.__value__
        elif _is_alias(origin):
            names = dict(zip(origin.__type_params__, get_args(annotation), strict=False))
            annotation = substitute(origin.__value__, names)
        else:
            return type(None) if annotation is None else annotation


def _is_alias(annotation: Any) -> bool:
    return type(annotation).__name__ == "TypeAliasType"  # Python's own, or typing_extensions' for older ones


def _relation(given: Any, declared: Any, depth: int) -> Relation:
    if depth > _DEEPEST or given is declared:
        return Relation.FITS
    ours, theirs = members(given), members(declared)
    found = [[_one(mine, other, depth) for mine in ours] for other in theirs]
    if all(Relation.FITS in row for row in found):
        return Relation.FITS
    if all(each is Relation.DISJOINT for row in found for each in row):
        return Relation.DISJOINT
    return Relation.NARROWER


def _one(mine: Any, other: Any, depth: int) -> Relation:
    """The relation of two annotations that are no unions."""
    if _says_nothing(mine) or _says_nothing(other) or mine is object or mine == other:
        return Relation.FITS
    our_few, their_few = _few(mine), _few(other)
    if our_few is not None and their_few is not None:
        return _of_all(any(_same(value, one) for one in our_few) for value in their_few)
    if get_origin(other) is Literal:
        return _of_all(_one(mine, type(value), depth) is Relation.FITS for value in get_args(other))
    if get_origin(mine) is Literal:
        fits = [_one(other, type(value), depth) is Relation.FITS for value in get_args(mine)]
        return Relation.NARROWER if any(fits) else Relation.DISJOINT
    our_class, their_class = _class(mine), _class(other)
    if not isinstance(our_class, type) or not isinstance(their_class, type):
        return Relation.FITS
    classes = _of_classes(our_class, their_class)
    inside = _of_arguments(mine, other, depth)
    return max(classes, inside, key=list(Relation).index)


def _class(annotation: Any) -> Any:
    """The class of its values, as far as there is one."""
    origin = get_origin(annotation) or annotation
    return dict if is_typeddict(origin) else origin


def _says_nothing(annotation: Any) -> bool:
    return annotation is Any or isinstance(annotation, _SILENT)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _of_all(fitting: Iterable[bool]) -> Relation:
    found = list(fitting)
    if all(found):
        return Relation.FITS
    return Relation.NARROWER if any(found) else Relation.DISJOINT


def _of_classes(ours: type, theirs: type) -> Relation:
    if (ours, theirs) == (float, int):
        return Relation.FITS
    if (ours, theirs) == (int, float):
        return Relation.NARROWER
    try:
        if issubclass(theirs, ours):
            return Relation.FITS
        return Relation.NARROWER if issubclass(ours, theirs) else Relation.DISJOINT
    except TypeError:  # a protocol that cannot be asked
        return Relation.FITS


def _of_arguments(mine: Any, other: Any, depth: int) -> Relation:
    """The relation of what is between the brackets; it fits where one of the two says nothing."""
    ours, theirs = get_args(mine), get_args(other)
    if tuple in (get_origin(mine), get_origin(other)):
        if len(ours) == len(theirs) == 2 and ours[1] is theirs[1] is ...:
            return _relation(ours[0], theirs[0], depth + 1)
        ours, theirs = _as_long(ours, len(theirs)), _as_long(theirs, len(ours))
        if ours and theirs and len(ours) != len(theirs) and get_origin(mine) is get_origin(other):
            return Relation.DISJOINT
    if len(ours) != len(theirs):
        return Relation.FITS
    found = [_relation(one, another, depth + 1) for one, another in zip(ours, theirs, strict=True)]
    return max(found, key=list(Relation).index, default=Relation.FITS)


def _as_long(args: tuple[Any, ...], length: int) -> tuple[Any, ...]:
    """The arguments of a tuple type; ``int, ...`` as often as the other side has them."""
    return (args[0],) * length if len(args) == 2 and args[1] is ... else args
