"""The state's schema: what it takes from the model, and what it refuses of it."""

import doctest
import functools
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from backedge.engine.state import fields
from backedge.engine.state.fields import StateSchema, schema_of
from backedge.engine.state.reducers import add, append, extend, maximum, merge, union
from backedge.engine.state.snapshots import merge as join

T = TypeVar("T")


class Defined(BaseModel):
    kind: Literal["a"] = "a"


class Report(BaseModel):
    passed: bool
    notes: list[str] = []


class Build(BaseModel):
    spec: str
    code: str = "pass"
    report: Report | None = None
    feedback: Annotated[list[str], extend] = []
    seen: Annotated[set[str], union] = Field(default_factory=lambda: {"a"})


BUILD = StateSchema(Build)


def test_the_example_in_the_docstring_holds():
    names = {name: value for name, value in vars(fields).items() if name != "annotations"}
    found = doctest.testmod(fields, globs=names)
    assert found.failed == 0
    assert found.attempted >= 5


def test_a_schema_knows_the_fields_of_its_model():
    assert BUILD.problems == ()
    assert list(BUILD.fields) == ["spec", "code", "report", "feedback", "seen"]
    assert [field.has_default for field in BUILD.fields.values()] == [False, True, True, True, True]
    assert BUILD.fields["spec"].annotation is str
    assert BUILD.fields["feedback"].reducer is extend
    assert BUILD.fields["code"].reducer is None


def test_a_run_begins_with_the_defaults():
    assert BUILD.initial().values() == {"code": "pass", "report": None, "feedback": [], "seen": {"a"}}


def test_what_one_run_does_with_a_default_does_not_show_in_the_next():
    BUILD.initial().read("feedback").append("x")
    BUILD.initial().write({"feedback": ["y"]}, (1,), "a")
    assert BUILD.initial().read("feedback") == []


def test_a_reader_and_a_writer_change_nothing_for_others():
    mine = Report(passed=False, notes=["a"])
    _, flows = BUILD.roundtrip("report", mine)
    snapshot = BUILD.initial().write({"report": flows}, (1,), "a")
    mine.notes.append("b")
    snapshot.read("report").notes.append("c")
    BUILD.build(snapshot).report.notes.append("d")
    snapshot.values()["report"].notes.append("e")
    assert snapshot.read("report").notes == ["a"]


def test_the_state_is_built_without_validation():
    class Counting(BaseModel):
        model_config = ConfigDict(validate_assignment=True)
        n: int = 0
        m: str
        _private: list[int] = pydantic.PrivateAttr(default_factory=list)

        @pydantic.field_validator("n")
        @classmethod
        def count(cls, value: int) -> int:
            calls.append(value)
            return value

    calls = []
    schema = StateSchema(Counting)
    assert schema.problems == ()
    snapshot = schema.initial().write({"n": 5}, (1,), "a")
    calls.clear()
    built = schema.build(snapshot)
    assert calls == []
    assert type(built) is Counting
    assert built.n == 5
    assert built.model_fields_set == {"n"}
    assert built._private == []
    with pytest.raises(AttributeError, match="'m'"):
        _ = built.m


def test_field_validators_of_the_model_hold_for_updates_and_run_again_when_read_back():
    class Checked(BaseModel):
        name: str = "x"
        other: str = "y"

        @pydantic.field_validator("name", mode="before")
        @classmethod
        def strip(cls, value: Any) -> Any:
            return value.strip()

        @pydantic.field_validator("*")
        @classmethod
        def short(cls, value: str, info: pydantic.ValidationInfo) -> str:
            assert len(value) < 5, "too long"
            return value

    schema = StateSchema(Checked)
    assert schema.problems == ()
    assert schema.roundtrip("name", "  ab      ") == (b'"ab"', "ab")
    with pytest.raises(ValueError, match=r"field 'other'.*too long"):
        schema.encode("other", "too much")
    with pytest.raises(ValueError, match=r"field 'name'.*too long"):
        schema.decode("name", b'"too much"')


def test_constraints_beside_a_reducer_hold_for_each_update():
    class Limited(BaseModel):
        notes: Annotated[list[str], extend, Field(max_length=2)] = []

    schema = StateSchema(Limited)
    snapshot = schema.initial()
    for k in range(3):
        _, update = schema.roundtrip("notes", ["a", "b"])
        snapshot = snapshot.write({"notes": update}, (k,), k)
    assert len(snapshot.read("notes")) == 6
    with pytest.raises(ValueError, match="at most 2 items"):
        schema.encode("notes", ["a", "b", "c"])


def test_an_edit_gives_values_and_not_updates():
    edit = BUILD.edit({"feedback": ["only"], "report": {"passed": True}})
    edited = BUILD.initial().write({"feedback": ["gone"]}, (1,), "a").edited(edit)
    assert edited.read("feedback") == ["only"]
    assert edited.read("report") == Report(passed=True)
    with pytest.raises(ValueError, match="field 'feedback' takes"):
        BUILD.edit({"feedback": 5})
    with pytest.raises(KeyError, match="nothing"):
        BUILD.edit({"nothing": 5})


def test_aliases_of_the_states_own_fields_do_not_matter():
    class Aliased(BaseModel):
        model_config = ConfigDict(alias_generator=str.upper)
        a: int = 1
        b: int = Field(alias="a")

    schema = StateSchema(Aliased)
    assert schema.problems == ()
    built = schema.build(schema.initial().write({"b": 2}, (1,), "x"))
    assert (built.a, built.b) == (1, 2)


# --------------------------------------------------------------------------- reducers and their updates


def longest(value: str, update):
    return max(value, update, key=len)


def count(value: dict[str, int], update: str) -> dict[str, int]:
    return {**value, update: value.get(update, 0) + 1}


def put(value: dict[str, T], update: tuple[str, T]) -> dict[str, T]:
    return {**value, update[0]: update[1]}


def maybe_(value: T, update: tuple[str, T | None, Annotated[T, "note"], Literal["a"]]) -> T:
    return value if update[1] is None else update[1]


def total(value: int, update: Sequence[int]) -> int:
    return value + sum(update)


def untyped(value, update):
    return value + update


def anything(value: int, update: Any) -> int:
    return value + update


class Largest:
    def __call__(self, value: int, update: str) -> int:
        return max(value, int(update))


class Reducing(BaseModel):
    plain: Annotated[list[str], extend] = []
    item: Annotated[list[Report], append] = []
    word: Annotated[str, longest] = ""
    counts: Annotated[dict[str, int], count] = {}
    pairs: Annotated[dict[str, list[int]], put] = {}
    sum: Annotated[int, total] = 0
    maybe: Annotated[int, maybe_] = 0
    n: Annotated[int, untyped] = 0
    any: Annotated[int, anything] = 0
    builtin: Annotated[int, max] = 0
    method: Annotated[set[int], set.union] = set()


UPDATES = [
    ("plain", ["a"], ["a"]),
    ("item", {"passed": True}, [Report(passed=True)]),
    ("word", "abc", "abc"),
    ("counts", "a", {"a": 1}),
    ("pairs", ("a", [1]), {"a": [1]}),
    ("sum", [1, 2], 3),
    ("n", 3, 3),
    ("any", 3, 3),
    ("builtin", 7, 7),
    ("method", {1}, {1}),
]


@pytest.mark.parametrize(("name", "update", "value"), UPDATES)
def test_an_update_has_the_type_its_reducer_asks_for(name, update, value):
    schema = StateSchema(Reducing)
    raw, decoded = schema.roundtrip(name, update)
    assert schema.decode(name, raw) == decoded
    assert schema.initial().write({name: decoded}, (1,), "a").read(name) == value


@pytest.mark.parametrize(
    ("name", "update"), [("item", "a"), ("counts", {"a": 1}), ("pairs", 5), ("any", "x")]
)
def test_an_update_of_another_type_is_refused(name, update):
    with pytest.raises(ValueError, match=f"field '{name}' takes"):
        StateSchema(Reducing).encode(name, update)


def test_the_types_of_updates_are_known():
    found = {name: field.update_annotation for name, field in StateSchema(Reducing).fields.items()}
    assert found["item"] is Report
    assert found["pairs"] == tuple[str, list[int]]
    assert found["sum"] == Sequence[int]
    assert found["plain"] == list[str]
    assert found["any"] is int
    assert found["maybe"] == tuple[str, int | None, Annotated[int, "note"], Literal["a"]]


def shout(value: list[str], update: list[str]) -> list[str]:
    value.extend(update)  # not pure
    update.append("spoiled")
    return value


class Spoiled(BaseModel):
    notes: Annotated[list[str], shout] = []


def test_a_reducer_that_changes_its_arguments_spoils_nothing():
    begin = StateSchema(Spoiled).initial()
    one, other = begin.write({"notes": ["a"]}, (1,), "a"), begin.write({"notes": ["b"]}, (2,), "b")
    assert one.read("notes") == ["a"]
    assert join([[one], [other]]).read("notes") == ["a", "b"]
    assert begin.read("notes") == []


def test_none_may_be_the_value_of_a_field_with_a_reducer():
    class Maybe(BaseModel):
        best: Annotated[int | None, keep_best] = None

    schema = StateSchema(Maybe)
    assert schema.problems == ()
    after = schema.initial().write({"best": None}, (1,), "a")
    assert after.read("best") is None
    assert after.write({"best": 4}, (2,), "b").read("best") == 4


def keep_best(value: int | None, update: int | None) -> int | None:
    return max((one for one in (value, update) if one is not None), default=None)


# --------------------------------------------------------------------------- problems


async def later(value: int, update: int) -> int:
    return value


def lonely(value: int) -> int:
    return value


def unreadable(value: int, update: "Missing") -> int:  # noqa: F821
    return value


def outer() -> Any:
    def inner(value: int, update: int) -> int:
        return value

    return inner


def problems_of(annotation, default=...):
    return StateSchema(pydantic.create_model("State", f=(annotation, default))).problems


BAD_FIELDS = [
    (pydantic.SecretStr, ..., "SecretStr is stored masked"),
    (
        Annotated[int, Field(exclude=True)],
        ...,
        r"Field\(exclude=...\) leaves the value out of what is stored",
    ),
    (object, ..., "object does not tell"),
    (Annotated[int, add, maximum], 0, "it has 2 reducers: keep one"),
    (Annotated[int, lambda value, update: value], 0, "its reducer <lambda> has no lasting name"),
    (
        Annotated[int, outer()],
        0,
        r"its reducer outer.<locals>.inner has no lasting name .*: define it with def",
    ),
    (Annotated[int, functools.partial(add)], 0, "its reducer partial has no lasting name"),
    (Annotated[int, Largest()], 0, "its reducer Largest has no lasting name"),
    (Annotated[int, later], 0, "its reducer later is async"),
    (Annotated[int, lonely], 0, "its reducer lonely must take two arguments, the value and the update"),
    (Annotated[int, unreadable], 0, "an annotation of its reducer unreadable cannot be read: name 'Missing'"),
    (
        Annotated[tuple[int, ...], append],
        (),
        r"its reducer backedge.append takes a value of type list\[~T\], which",
    ),
    (
        Annotated[list[int], append],
        ...,
        "its reducer backedge.append takes updates of type int.*give the field a def",
    ),
    (Annotated[dict[str, Any], merge], {}, "Any does not tell"),
    (int, "a", "its default cannot be used: field 'f' takes int, but got str 'a'"),
    (uuid.UUID, Field(default_factory=uuid.uuid4), "its default_factory gives another value each time"),
    (int, Field(default_factory=lambda data: 1), "its default_factory looks at other fields"),
    (int, Field(default_factory=lambda: 1 // 0), "its default cannot be used: .*zero"),
    (list["Report"], [Report(passed=True), 1], "its default cannot be used"),
]


@pytest.mark.parametrize(("annotation", "default", "told"), BAD_FIELDS)
def test_a_field_that_cannot_work_is_a_problem(annotation, default, told):
    problems = problems_of(annotation, default)
    assert len(problems) == 1, problems
    assert problems[0].startswith("field 'f' of State: ")
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(problems[0])


def test_a_reducer_hidden_by_a_field_of_the_same_name_is_a_problem():
    class Hiding(BaseModel):
        total: Annotated[int, total] = 0

    (problem,) = StateSchema(Hiding).problems
    assert "field 'total' of Hiding: its Annotated holds its default" in problem


def test_all_problems_are_told_at_once():
    class Bad(BaseModel):
        a: Any
        b: pydantic.SecretStr
        c: Annotated[int, lonely, add]
        d: Annotated[list[pydantic.SecretStr], append]

    problems = StateSchema(Bad).problems
    assert [problem.split("'")[1] for problem in problems] == ["a", "b", "c", "c", "d", "d", "d"]


def test_a_type_that_pydantic_cannot_handle_is_a_problem():
    class Model(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        odd: StateSchema
        fine: int = 0

    schema = StateSchema(Model)
    assert schema.problems == (
        "field 'odd' of Model: pydantic does not know how to store StateSchema: "
        "use a model, or keep it out of the state as a resource",
    )
    assert "fine" in schema.fields


class Row(TypedDict):
    odd: functools.partial


def test_a_field_without_codec_is_left_out_and_told():
    class Model(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        row: Row

    schema = StateSchema(Model)
    assert schema.problems == (
        "field 'row' of Model: Row.odd: pydantic does not know how to store partial: "
        "use a model, or keep it out of the state as a resource",
    )
    assert dict(schema.fields) == {}


def mixed(value: int, update: Annotated[Report | Defined, Field(discriminator="kind")]) -> int:
    return value


def test_updates_of_a_type_that_pydantic_cannot_handle_are_a_problem():
    (problem,) = problems_of(Annotated[int, mixed], 0)
    assert problem.startswith("field 'f' of State: pydantic cannot handle its type Report(")
    assert "discriminator" in problem
    assert problem.endswith(": use another")


def test_validators_of_pydantics_first_version_are_a_problem():
    with pytest.warns(pydantic.PydanticDeprecatedSince20):

        class Old(BaseModel):
            a: int = 0

            @pydantic.validator("a")
            def positive(cls, value: int) -> int:
                return value

    (problem,) = StateSchema(Old).problems
    assert problem == "Old.positive is a validator of pydantic's first version: make it a field_validator"


WHOLE = "works on the whole state, but fields are written one by one"


def test_what_works_on_the_whole_state_is_a_problem():
    class Whole(BaseModel):
        a: int = 0

        @pydantic.model_validator(mode="after")
        def balanced(self) -> "Whole":
            return self

        @pydantic.field_serializer("a")
        def stored(self, value: int) -> int:
            return value

        def model_post_init(self, context: Any) -> None:
            pass

    problems = StateSchema(Whole).problems
    assert any(f"Whole.balanced {WHOLE}" in problem for problem in problems)
    assert any(f"Whole.model_post_init {WHOLE}" in problem for problem in problems)
    assert any("Whole.stored changes how the whole state is stored" in problem for problem in problems)
    assert len(problems) == 3


def test_a_model_with_an_undefined_name_is_a_problem():
    class Early(BaseModel):
        later: "Undefined"  # noqa: F821

    schema = StateSchema(Early)
    (problem,) = schema.problems
    assert "Early refers to a name that is not defined" in problem
    assert dict(schema.fields) == {}


class Forward(BaseModel):
    report: "Later"


class Later(BaseModel):
    kind: Literal["a"] = "a"


def test_a_name_defined_after_the_model_is_found():
    schema = StateSchema(Forward)
    assert schema.problems == ()
    assert schema.describe()["report"]["type"] == "Later(kind?: Literal['a'])"


def test_a_description_names_types_and_reducers():
    assert BUILD.describe() == {
        "spec": {"type": "str", "reducer": None},
        "code": {"type": "str", "reducer": None},
        "report": {"type": "Report(passed: bool, notes?: list[str]) | None", "reducer": None},
        "feedback": {"type": "list[str]", "reducer": "backedge.extend"},
        "seen": {"type": "set[str]", "reducer": "backedge.union"},
    }
    assert StateSchema(Reducing).describe()["counts"]["reducer"] == "count"


@pytest.mark.parametrize(
    ("annotation", "default", "reducer"),
    [
        (Annotated[int, extend], 0, "extend"),
        (Annotated[int, append], 0, "append"),
        (Annotated[int, merge], 0, "merge"),
        (Annotated[str, union], "", "union"),
        (Annotated[dict[str, int], add], {}, "add"),
        (Annotated[dict[str, int], maximum], {}, "maximum"),
    ],
)
def test_a_reducer_that_does_not_work_on_the_default_is_a_problem(annotation, default, reducer):
    assert any(
        f"its reducer backedge.{reducer} does not work on values such as its default" in told
        for told in problems_of(annotation, default)
    )


def test_graphs_of_one_state_share_its_schema():
    assert schema_of(Build) is schema_of(Build)
    assert schema_of(Build) is not schema_of(Report)


def test_a_model_that_is_built_anew_has_another_schema():
    class Grown(BaseModel):
        size: int

    before = schema_of(Grown)
    Grown.model_fields["size"].default = 3
    Grown.model_rebuild(force=True)
    assert before.initial().values() == {}
    assert schema_of(Grown).initial().values() == {"size": 3}


def test_what_was_missing_from_a_model_may_be_there_later():
    ready = []

    class Late(BaseModel):
        size: int = Field(default_factory=lambda: ready[0])

    assert "default cannot be used" in schema_of(Late).problems[0]
    ready.append(3)
    assert schema_of(Late).problems == ()
