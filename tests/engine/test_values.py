"""Values of every kind of field come back equal and of the same type, or are refused when they are written."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import pathlib
import re
import uuid
import warnings
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Annotated, Generic, Literal, NamedTuple, NewType, NotRequired, TypeVar

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, computed_field, create_model
from typing_extensions import TypeAliasType, TypedDict

from backedge.engine.state import values
from backedge.engine.state.copiers import same
from backedge.engine.state.fields import StateSchema

from .sizes import examples

T = TypeVar("T")
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


class Color(enum.Enum):
    RED = "r"
    BLUE = ("b", 1)


class Mode(enum.StrEnum):
    FAST = "fast"


class Level(enum.IntEnum):
    LOW = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Inner(BaseModel):
    x: int
    raw: bytes = b""
    share: float = 0.0
    tags: list[str] = []


class Renamed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: int = Field(alias="theX")
    y: int = Field(default=3, validation_alias="why", serialization_alias="because")

    @computed_field
    @property
    def double(self) -> int:
        return 2 * self.x


class StoredByAlias(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True)
    x: int = Field(alias="theX")


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class One(BaseModel):
    n: int = 1


class Other(BaseModel):
    n: int = 1


class SubInner(Inner):
    more: int = 5


class Tree(BaseModel):
    value: int
    kids: list["Tree"] = []


class Box(BaseModel, Generic[T]):
    item: T


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class Hidden(BaseModel):
    a: int
    _seen: int = 0


class Numbers(pydantic.RootModel[list[int]]):
    pass


@dataclasses.dataclass
class Point:
    x: int
    raw: list[bytes] = dataclasses.field(default_factory=list)


@pydantic.dataclasses.dataclass
class Day:
    day: dt.date


class Row(TypedDict):
    a: int
    raw: NotRequired[bytes]


class Pair(NamedTuple):
    a: int
    b: str = "b"


Json = TypeAliasType("Json", "dict[str, Json] | list[Json] | int | None")
Twice = TypeAliasType("Twice", tuple[T, T], type_params=(T,))
Meters = NewType("Meters", int)


def schema_of(annotation):
    model = create_model("State", f=(annotation, ...))
    schema = StateSchema(model)
    assert schema.problems == ()
    return schema


COMES_BACK = [
    (str, "é\u0000\n"),
    *((int, n) for n in (0, -1, 2**63, 10**100, -(10**4000))),
    *((float, x) for x in (1.5, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan)),
    (bool, True),
    (None, None),
    (int | None, None),
    (bytes, bytes(range(256))),
    (complex, 1 + 2j),
    (decimal.Decimal, decimal.Decimal("1.10")),
    (fractions.Fraction, fractions.Fraction(1, 3)),
    (dt.datetime, dt.datetime(2026, 1, 1, 12, tzinfo=BERLIN)),
    (dt.datetime, dt.datetime(2026, 1, 1, 12, 0, 0, 123456)),
    (pydantic.AwareDatetime, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (dt.date, dt.date(2024, 2, 29)),
    (dt.time, dt.time(1, 2, 3, 4)),
    (dt.time, dt.time(1, 2, tzinfo=dt.UTC)),
    (dt.timedelta, dt.timedelta(days=-1, microseconds=7)),
    (uuid.UUID, uuid.UUID(int=7)),
    (pathlib.Path, pathlib.Path("a/b")),
    (ipaddress.IPv4Address, ipaddress.ip_address("1.2.3.4")),
    (re.Pattern[str], re.compile("a+")),
    (zoneinfo.ZoneInfo, BERLIN),
    (pydantic.HttpUrl, pydantic.HttpUrl("https://example.org/a")),
    (Color, Color.RED),
    (Mode, Mode.FAST),
    (Level, Level.LOW),
    (Right, Right.READ | Right.WRITE),
    (Literal["a", 1, True], True),
    (Literal[Mode.FAST], Mode.FAST),
    (list[str], ["a"]),
    (list[float], [math.nan, 1.0]),
    (tuple[int, str], (1, "a")),
    (tuple[int, ...], (1, 2)),
    (set[dt.date], {dt.date(2026, 1, 1)}),
    (frozenset[str], frozenset("ab")),
    (collections.deque[int], collections.deque([1, 2])),
    (dict[str, int], {"b": 1, "a": 2}),
    (dict[int, str], {1: "a"}),
    (dict[uuid.UUID, int], {uuid.UUID(int=1): 1}),
    (dict[bytes, int], {b"\xff": 1}),
    (dict[Color, int], {Color.RED: 2}),
    (collections.Counter[str], collections.Counter("aab")),
    (collections.defaultdict[str, list[int]], collections.defaultdict(list, {"a": [1]})),
    (collections.OrderedDict[str, int], collections.OrderedDict(b=1, a=2)),
    (Inner, Inner(x=1, raw=b"\xff\x00", share=math.inf)),
    (list[Inner], [Inner(x=1, raw=b"\xff")]),
    (Renamed, Renamed(theX=1, why=4)),
    (StoredByAlias, StoredByAlias(theX=1)),
    (Cat | Dog, Dog()),
    (Annotated[Cat | Dog, Field(discriminator="kind")], Dog()),
    (One | Other, One()),
    (Tree, Tree(value=1, kids=[Tree(value=2)])),
    (Box[list[bytes]], Box[list[bytes]](item=[b"\xfe"])),
    (Extra, Extra(a=1, more=[1])),
    (Hidden, Hidden(a=1)),
    (Numbers, Numbers([1])),
    (Point, Point(1, [b"\xff"])),
    (Day, Day(dt.date(2026, 1, 1))),
    (Row, {"a": 1}),
    (Row, {"a": 1, "raw": b"\xff"}),
    (Pair, Pair(1)),
    (Json, {"a": [1, {"b": None}]}),
    (Twice[int], (1, 2)),
    (Meters, 3),
    (pydantic.JsonValue, {"a": [1, 2.5, None, True]}),
    (int | str, "1"),
    (int | float, 1),
    (int | float, 1.0),
    (bool | int, 1),
    (str | uuid.UUID, uuid.UUID(int=5)),
    (Sequence[int], [1]),
    (Mapping[str, int], {"a": 1}),
    (Annotated[int, Field(gt=3)], 5),
    (Annotated[int, pydantic.AfterValidator(abs)], 5),
]


@pytest.mark.parametrize(("annotation", "value"), COMES_BACK)
def test_what_is_written_comes_back_equal_and_of_the_same_type(annotation, value):
    schema = schema_of(annotation)
    raw, back = schema.roundtrip("f", value)
    assert same(back, value)
    assert same(schema.decode("f", raw), value)
    assert schema.encode("f", value) == raw
    assert schema.encode("f", back) == raw


IS_REFUSED = [
    (str, 1, "field 'f' takes str, but got int 1: Input should be a valid string"),
    (Inner, {"x": "no"}, r"takes Inner\(.*\), but got dict .*: x: Input should be a valid integer"),
    (list[int], ["a", "b", "c", "d", "e"], "0: Input should be a valid integer.*; and 2 more"),
    (str, "\ud800", "cannot be stored: .*surrogates not allowed"),
    pytest.param(int, 10**5000, "cannot be read back: Invalid JSON: number out of range", id="a huge int"),
    (list[int], [10**5000], "cannot be read back"),
    (Color, Color.BLUE, "cannot be read back"),
    (
        dict[str | None, int],
        {None: 2},
        r"dict \{None: 2\} would be read back as dict \{'None': 2\}: declare a type",
    ),
    (One | Other, Other(), r"Other Other\(n=1\) would be read back as One One\(n=1\)"),
    (Inner, SubInner(x=1), "would be read back as Inner"),
    (str | Mode, Mode.FAST, "Mode <Mode.FAST: 'fast'> would be read back as str 'fast'"),
    (dt.date | str, "2026-01-01", "str '2026-01-01' would be read back as date"),
    (list[int] | tuple[int, ...], (1,), r"tuple \(1,\) would be read back as list \[1\]"),
    (set[int] | list[int], {1}, "would be read back as list"),
    (Sequence[int], (1,), "would be read back as list"),
    (dict[str, pydantic.JsonValue], {"a": (1,)}, "not a valid JSON value"),
    (Annotated[int, pydantic.AfterValidator(lambda v: v + 1)], 5, "int 6 would be read back as int 7"),
    (
        Annotated[int, pydantic.PlainSerializer(lambda v: "x")],
        5,
        'is stored as "x", which cannot be read back',
    ),
    (Annotated[int, pydantic.PlainSerializer(lambda v: 0)], 5, "int 5 would be read back as int 0"),
    (
        Annotated[int, pydantic.PlainSerializer(lambda v: 1 / 0)],
        5,
        "int 5 cannot be stored: .*division by zero",
    ),
    (
        Annotated[int, pydantic.AfterValidator(lambda v: 1 // v)],
        0,
        "a validator raised ZeroDivisionError on int 0",
    ),
]


@pytest.mark.parametrize(("annotation", "value", "told"), IS_REFUSED)
def test_what_would_not_come_back_is_refused_with_a_reason(annotation, value, told):
    schema = schema_of(annotation)
    with pytest.raises(ValueError, match=told) as caught:
        schema.encode("f", value)
    assert "field 'f'" in str(caught.value)


def test_a_private_attribute_that_would_be_lost_is_refused():
    seen = Hidden(a=1)
    seen._seen = 5
    with pytest.raises(ValueError, match="would be read back as Hidden"):
        schema_of(Hidden).encode("f", seen)


def test_a_model_filled_with_values_it_does_not_take_is_refused_without_a_warning():
    wrong = Inner(x=1)
    wrong.x = "1"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="cannot be stored"):
            schema_of(Inner).encode("f", wrong)
    assert told == []


class Unprintable(BaseModel):
    n: int

    def __repr__(self):
        raise RuntimeError("no")


def test_a_value_whose_repr_fails_is_told_by_its_type():
    with pytest.raises(ValueError, match="takes str, but got Unprintable: "):
        schema_of(str).encode("f", Unprintable(n=1))


def test_a_record_that_does_not_fit_any_more_is_refused():
    with pytest.raises(
        ValueError, match=r"field 'f': what is stored, .*, is not list.*0: Input should be a valid int"
    ):
        schema_of(list[int]).decode("f", b'["a"]')


def test_what_flows_on_is_not_what_the_node_returned():
    mine = [Inner(x=1)]
    _, flows = schema_of(list[Inner]).roundtrip("f", mine)
    mine[0].x = 2
    mine.append(Inner(x=3))
    assert flows == [Inner(x=1)]


def test_bytes_in_models_must_be_text_where_pydantic_does_not_let_us_configure_them(monkeypatch):
    def as_documented(kind):
        return lambda schema, config: kind(schema, config)

    monkeypatch.setattr(values, "SchemaValidator", as_documented(values.SchemaValidator))
    monkeypatch.setattr(values, "SchemaSerializer", as_documented(values.SchemaSerializer))
    schema = schema_of(Inner)
    assert schema.roundtrip("f", Inner(x=1, raw=b"text"))[1] == Inner(x=1, raw=b"text")
    with pytest.raises(ValueError, match="invalid utf-8"):
        schema.encode("f", Inner(x=1, raw=b"\xff"))


def test_a_subclass_of_a_plain_type_becomes_the_plain_type():
    class Fancy(str):
        __slots__ = ()

    _, flows = schema_of(str).roundtrip("f", Fancy("a"))
    assert type(flows) is str
    _, flows = schema_of(str).roundtrip("f", Mode.FAST)
    assert type(flows) is str


def test_the_configuration_of_the_state_holds_for_its_fields():
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True, title="ignored")
        n: int
        inner: Inner | None = None

    schema = StateSchema(Strict)
    assert schema.problems == ()
    with pytest.raises(ValueError, match="Input should be a valid integer"):
        schema.encode("n", "1")


LEAVES = {
    int: st.integers(),
    str: st.text(st.characters(exclude_categories=["Cs"])),
    float: st.floats(),
    bool: st.booleans(),
    None: st.none(),
    bytes: st.binary(),
    decimal.Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    dt.date: st.dates(),
    dt.datetime: st.datetimes(
        timezones=st.sampled_from([None, dt.UTC, BERLIN]), min_value=dt.datetime(1950, 1, 1)
    ),
    dt.timedelta: st.timedeltas(),
    uuid.UUID: st.uuids(),
    Mode: st.sampled_from(Mode),
    Right: st.sampled_from([Right.READ, Right.WRITE, Right.READ | Right.WRITE]),
}


@st.composite
def annotated_values(draw, depth=3):
    """An annotation made at random, and a strategy for its values."""
    kind = draw(
        st.sampled_from(["leaf", "list", "tuple", "dict", "set", "optional", "model"] if depth else ["leaf"])
    )
    if kind == "leaf":
        return draw(st.sampled_from(list(LEAVES.items())))
    if kind == "set":
        leaf = draw(st.sampled_from([one for one in LEAVES if one is not float]))
        return set[leaf], st.sets(LEAVES[leaf], max_size=2)
    one, values = draw(annotated_values(depth - 1))
    if kind == "list":
        return list[one], st.lists(values, max_size=2)
    if kind == "tuple":
        other, others = draw(annotated_values(depth - 1))
        return tuple[one, other], st.tuples(values, others)
    if kind == "dict":
        return dict[str, one], st.dictionaries(LEAVES[str], values, max_size=2)
    if kind == "optional":
        return one | None if one is not None else None, values | st.none() if one is not None else st.none()
    model = create_model("Made", field=(one, ...))
    return model, values.map(lambda value: model(field=value))


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_values_of_made_up_types_come_back(data):
    annotation, values = data.draw(annotated_values())
    schema = schema_of(annotation)
    for value in data.draw(st.lists(values, min_size=1, max_size=3)):
        raw, back = schema.roundtrip("f", value)
        assert same(back, value)
        snapshot = schema.initial().write({"f": back}, (), "START")
        assert same(snapshot.read("f"), value)
        assert same(schema.decode("f", raw), value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        ("fast", Mode.FAST),
        ([1], (1,)),
        ([1], [1, 2]),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {}),
        ({1}, {True}),
        ({1}, {2}),
        (Inner(x=1), SubInner(x=1)),
        (Inner(x=1), Inner(x=2)),
        (Extra(a=1, b=1), Extra(a=1, b=2)),
        (Point(1), Point(2)),
        (Point(1, [b"a"]), Point(1, [bytearray(b"a")])),
        (math.nan, 1.0),
        (decimal.Decimal("nan"), decimal.Decimal(1)),
    ],
)
def test_values_that_differ_in_value_or_type_are_not_the_same(one, other):
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize("value", [math.nan, [math.nan], {"a": math.nan}, decimal.Decimal("nan")])
def test_nan_is_the_same_as_nan(value):
    assert same(value, type(value)(value))


@pytest.mark.parametrize("hour", [1, 2])
@pytest.mark.parametrize("day", [dt.date(1987, 3, 29), dt.date(1987, 9, 27)])
@pytest.mark.parametrize("within", [lambda when: [when], lambda when: {when}, lambda when: {(when,)}])
def test_a_time_that_a_zone_has_twice_or_skips_comes_back_as_the_same_instant(hour, day, within):
    when = dt.datetime.combine(day, dt.time(hour, 30), BERLIN)
    annotation = {list: list[dt.datetime], set: set[dt.datetime | tuple[dt.datetime]]}
    value = within(when)
    _, back = schema_of(annotation[type(value)]).roundtrip("f", value)
    assert same(back, value)
    assert not same(back, within(when + dt.timedelta(hours=3)))
