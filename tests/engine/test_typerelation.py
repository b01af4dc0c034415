"""How annotations stand to each other, what they are called in messages, and which have few values."""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    LiteralString,
    NamedTuple,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
    runtime_checkable,
)

import pydantic
import pytest
from annotated_types import Gt
from pydantic import BaseModel
from typing_extensions import TypeAliasType

from backedge.engine.compiler.typerelation import Relation, choices, members, relation, spell

FITS, NARROWER, DISJOINT = Relation.FITS, Relation.NARROWER, Relation.DISJOINT
T = TypeVar("T")
UserId = NewType("UserId", int)
Json = TypeAliasType("Json", Union[list["Json"], int])  # noqa: UP007 - a name in quotes takes no |
Tree = TypeAliasType("Tree", Union[list["Tree"], int])  # noqa: UP007
Pair = TypeAliasType("Pair", tuple[T, T], type_params=(T,))


class Base(BaseModel):
    pass


class Report(Base):
    passed: bool


class Box(BaseModel, Generic[T]):
    item: T


class Record(TypedDict):
    a: int


class Other(TypedDict):
    b: int


class Point(NamedTuple):
    x: int


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Tone(enum.StrEnum):
    LOUD = "loud"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Sized(Protocol):
    def __len__(self) -> int: ...


@runtime_checkable
class Passing(Protocol):
    passed: bool


@pytest.mark.parametrize(
    ("given", "declared", "expected"),
    [
        (int, int, FITS),
        (str, int, DISJOINT),
        (None, None, FITS),
        (None, str, DISJOINT),
        (Any, int, FITS),
        (object, int, FITS),
        (T, int, FITS),
        (int, T, FITS),
        (int, bool, FITS),
        (bool, int, NARROWER),
        (float, int, FITS),
        (int, float, NARROWER),
        (Base, Report, FITS),
        (Report, Base, NARROWER),
        (Report, Record, DISJOINT),
        (int | None, int, FITS),
        (int, Optional[int], NARROWER),  # noqa: UP045 - the old spelling is the case
        (Union[int, str], str | int, FITS),  # noqa: UP007 - the old spelling is the case
        (str | bytes, int | None, DISJOINT),
        (int | str, int | bytes, NARROWER),
        (Annotated[int, Gt(0)], int, FITS),
        (UserId, int, FITS),
        (str, UserId, DISJOINT),
        (list[str], list[str], FITS),
        (list, list[str], FITS),
        (list[str], list, FITS),
        (list[str], list[int], DISJOINT),
        (list[int], list[int | None], NARROWER),
        (Sequence[str], list[str], FITS),
        (list[str], Sequence[str], NARROWER),
        (Sequence[int], list[str], DISJOINT),
        (Iterable[str], dict[str, int], FITS),  # other parameters: not judged
        (Mapping[str, int], dict[str, int], FITS),
        (dict[str, str], dict[str, int], DISJOINT),
        (list[str], tuple[str, ...], DISJOINT),
        (tuple[int, ...], tuple[int, int], FITS),
        (tuple[int, int], tuple[int, ...], FITS),
        (tuple[str, ...], tuple[int, ...], DISJOINT),
        (tuple[int, ...], tuple[int, ...], FITS),
        (tuple[int, ...], tuple[int, str], DISJOINT),
        (tuple[int], tuple[int, int], DISJOINT),
        (tuple, tuple[int, int], FITS),
        (Sequence[int], tuple[int, ...], FITS),
        (Pair[int], tuple[int, int], FITS),
        (Pair[int], tuple[str, str], DISJOINT),
        (Literal["a"], Literal["a"], FITS),
        (Literal["a", "b"], Literal["a"], FITS),
        (Literal["a"], Literal["a", "b"], NARROWER),
        (Literal["a"], Literal["b"], DISJOINT),
        (Literal[1], Literal[True], DISJOINT),
        (str, Literal["a"], FITS),
        (str, Literal["a", 1], NARROWER),
        (int, Literal["a"], DISJOINT),
        (Literal["a"], str, NARROWER),
        (Literal["a"], int, DISJOINT),
        (Literal[True, False], bool, FITS),
        (Color, Color, FITS),
        (Literal[Color.RED], Color, NARROWER),
        (str, Tone, FITS),
        (Tone, str, NARROWER),
        (Color, str, DISJOINT),
        (Box[int], Box[str], DISJOINT),
        (Box, Box[int], FITS),
        (Sized, Report, FITS),  # a protocol that cannot be asked
        (Passing, Report, FITS),
        (Record, Other, FITS),  # TypedDicts cannot be asked: both are dictionaries
        (Record, list[int], DISJOINT),
        (dict[str, Any], Record, FITS),
        (tuple[int], Point, FITS),
        (Callable[[int], str], int, DISJOINT),
        (pydantic.JsonValue, pydantic.JsonValue, FITS),
        (dict[str, Any], pydantic.JsonValue, NARROWER),
        (Json, Tree, FITS),  # equal as far as anybody can look
        (Json, str, DISJOINT),
        (LiteralString, str, FITS),  # no class: not judged
    ],
)
def test_the_relation_says_whether_what_is_declared_may_be_given(given, declared, expected):
    assert relation(given, declared) is expected


def test_members_see_through_aliases_and_metadata():
    assert members(Annotated[UserId | None, "x"]) == [int, type(None)]
    assert members(None) == [type(None)]


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (Report, "Report"),
        (list[Report], "list[Report]"),
        (dict[str, list[Report | None]], "dict[str, list[Report | None]]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Optional[int], "int | None"),  # noqa: UP045 - the old spelling is the case
        (Literal["a", 1], "Literal['a', 1]"),
        (Sequence[str], "Sequence[str]"),
        (Any, "Any"),
        (Annotated[int, Gt(0)], "int"),
        (Callable[[int], str], "Callable[[int], str]"),
        (Box[int], "Box[int]"),
        (Optional["Report"], "Report | None"),
    ],
)
def test_annotations_are_spelled_as_users_write_them(annotation, text):
    assert spell(annotation) == text


@pytest.mark.parametrize(
    ("annotation", "values"),
    [
        (Literal["a", "b"], ("a", "b")),
        (bool, (True, False)),
        (Color, (Color.RED, Color.BLUE)),
        (Literal["a"] | None, ("a", None)),
        (Annotated[bool, "x"], (True, False)),
        (str, None),
        (Literal["a"] | str, None),
        (Rights, None),  # its values are more than its members
        (list[bool], None),
    ],
)
def test_few_values_are_those_of_literals_enums_bools_and_none(annotation, values):
    assert choices(annotation) == values
