"""What return annotations say: where they cannot fit, and which fields are sure to be written."""

from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, NotRequired, TypedDict

import pytest
from pydantic import BaseModel

from backedge.engine.compiler.binding import Binding, bind
from backedge.engine.compiler.returned import return_problems, sure_writes
from backedge.engine.compiler.scope import Scope
from backedge.engine.definition import NodeSpec
from backedge.engine.state.fields import StateSchema
from backedge.engine.state.reducers import append, extend


class Report(BaseModel):
    passed: bool


class State(BaseModel):
    code: str = ""
    count: int = 0
    ratio: float = 0.0
    report: Report | None = None
    notes: Annotated[list[str], extend] = []
    steps: Annotated[list[str], append] = []


class Both(TypedDict):
    code: str
    count: int


class Some(TypedDict, total=False):
    code: str
    count: int


class One(TypedDict):
    code: str
    count: NotRequired[int]


class More(TypedDict):
    code: str
    count: int
    extra: int


class Wrong(TypedDict):
    code: str
    count: str


class Model(BaseModel):
    code: str
    count: int = 0


SCHEMA = StateSchema(State)


def node(returns: Any, writes: Any) -> tuple[NodeSpec, Binding]:
    def function(): ...

    function.__annotations__["return"] = returns
    binding, problems = bind(function, Scope(SCHEMA, {}), what="")
    assert problems == []
    return NodeSpec("f", function, writes), binding


def said(returns: Any, writes: Any) -> list[str]:
    return list(return_problems("node 'f'", *node(returns, writes), SCHEMA))


@pytest.mark.parametrize(
    ("returns", "writes"),
    [
        (str, "code"),
        (str | None, "code"),
        (Any, "code"),
        (NoReturn, "code"),
        (int, "ratio"),
        (float, "count"),
        (Report, "report"),
        (None, "report"),
        (list[str], "notes"),
        (str, "steps"),  # one update, not a list of them
        (None, ()),
        (Any, ()),
        (Both, ("code", "count")),
        (One, ("code", "count")),
        (Model, ("code", "count")),
        (Both | Model, ("code", "count")),
        (dict[str, Any], ("code", "count")),
        (Mapping[str, object], ("code", "count")),
        (dict, ("code", "count")),
        (Any, ("code", "count")),
        (str, "nowhere"),  # told elsewhere
        (Both, ("code", "count", "nowhere")),
    ],
)
def test_nothing_is_said_of_what_may_fit(returns, writes):
    assert said(returns, writes) == []


def test_a_function_without_annotation_is_not_judged():
    spec = NodeSpec("f", print, "code")
    assert list(return_problems("node 'f'", spec, Binding(print, ()), SCHEMA)) == []


@pytest.mark.parametrize(
    ("returns", "writes", "problem"),
    [
        (
            int,
            "code",
            "node 'f' returns int, but field 'code' takes str; return that, or declare another field in writes=",
        ),
        (None, "code", "node 'f' returns None, but field 'code' takes str; "),
        (str, "notes", "node 'f' returns str, but field 'notes' takes list[str]; "),
        (list[int], "notes", "node 'f' returns list[int], but field 'notes' takes list[str]; "),
        (list[str], "steps", "node 'f' returns list[str], but field 'steps' takes str; "),
        (str, (), "node 'f' returns str, but declares no field for it; add writes="),
        (
            More,
            ("code", "count"),
            "node 'f' returns 'extra', which writes= does not name; add it there, or drop it",
        ),
        (Wrong, ("code", "count"), "node 'f' returns in 'count' str, but field 'count' takes int; "),
        (
            str,
            ("code", "count"),
            "node 'f' writes several fields, so it returns a mapping, a TypedDict or a model, not str; for a single field write writes='code'",
        ),
        (
            tuple[str, int],
            ("code", "count"),
            "node 'f' writes several fields, so it returns a mapping, a TypedDict or a model, not tuple[str, int]; ",
        ),
        (
            Both | None,
            ("code", "count"),
            "node 'f' writes several fields, so it returns a mapping, a TypedDict or a model, not None; ",
        ),
        (Both | More, ("code", "count"), "node 'f' returns 'extra', which"),
    ],
)
def test_what_cannot_fit_is_told(returns, writes, problem):
    (told,) = said(returns, writes)
    assert told.startswith(problem)


@pytest.mark.parametrize(
    ("returns", "writes", "sure"),
    [
        (str, "code", {"code"}),
        (str | None, "code", {"code"}),  # None is written, too
        (Both, ("code", "count"), {"code", "count"}),
        (One, ("code", "count"), {"code"}),
        (Some, ("code", "count"), set()),
        (Model, ("code", "count"), {"code"}),
        (Both | One, ("code", "count"), {"code"}),
        (Both, ("code", "count", "ratio"), {"code", "count"}),
        (dict[str, Any], ("code", "count"), {"code", "count"}),
        (None, (), set()),
    ],
)
def test_the_fields_that_are_sure_to_be_written(returns, writes, sure):
    assert sure_writes(*node(returns, writes)) == sure


def test_without_annotation_all_are_taken_to_be_written():
    spec = NodeSpec("f", print, ("code", "count"))
    assert sure_writes(spec, Binding(print, ())) == sure_writes(spec, None) == {"code", "count"}
