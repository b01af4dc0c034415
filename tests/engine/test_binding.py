"""Where parameters come from: every rule, every kind of callable, and what is said of parameters from nowhere."""

import functools
import operator
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NewType, Protocol, TypeVar

import pytest
from pydantic import AfterValidator, BaseModel

from backedge.engine.compiler.binding import (
    Argument,
    ArgumentMismatchError,
    Binding,
    Source,
    UnsetFieldError,
    bind,
)
from backedge.engine.compiler.scope import Scope
from backedge.engine.context import Context
from backedge.engine.errors import NodeRaisedError
from backedge.engine.records import ActivationId
from backedge.engine.state.fields import StateSchema
from backedge.engine.state.reducers import extend

from . import postponed

T = TypeVar("T")
Count = NewType("Count", int)


class Report(BaseModel):
    passed: bool


class Model:
    pass


class Build(BaseModel):
    spec: str
    code: str = "pass"
    report: Report | None = None
    notes: Annotated[list[str], extend] = []
    count: int = 3
    ratio: float = 0.5
    mood: Literal["good", "bad"] = "good"


class HasPassed(Protocol):
    passed: bool


SCHEMA = StateSchema(Build)
SCOPE = Scope(SCHEMA, {"model": Model, "limit": "any"})
RESOURCES = {"model": Model(), "limit": 5}
CONTEXT = Context("demo", ActivationId("node"), 1, print)


def bound(function, *, handles=(), scope=SCOPE) -> Binding:
    binding, problems = bind(function, scope, what="node 'f'", handles=handles)
    assert problems == []
    return binding


def problem(function, *, handles=(), scope=SCOPE) -> str:
    _, problems = bind(function, scope, what="node 'f'", handles=handles)
    (told,) = problems
    assert told.startswith("node 'f': ")
    return told


def snapshot(**values):
    return SCHEMA.initial().write({"spec": "s", **values}, (1,), "test")


def call(function, *, errors=(), handles=(), **values):
    """Call the function as the engine does."""
    binding = bound(function, handles=handles)
    positional, keywords = binding.gather(
        snapshot(**values), SCHEMA, resources=RESOURCES, context=CONTEXT, errors=errors
    )
    return function(*positional, **keywords)


# --------------------------------------------------------------------------- the rules


def test_a_parameter_named_like_a_field_gets_its_value():
    assert call(lambda code, count: (code, count)) == ("pass", 3)
    assert bound(lambda code, count: 0).reads == {"code", "count"}


def test_a_field_goes_before_a_default():
    assert call(lambda code="mine": code) == "pass"


def test_a_parameter_named_like_a_resource_gets_it():
    assert call(lambda model, limit: (model, limit)) == (RESOURCES["model"], 5)
    assert bound(lambda model: 0).reads == set()


def test_a_parameter_annotated_context_gets_the_context_whatever_its_name():
    def node(code: Context):
        return code

    def optional(ctx: Context | None = None):
        return ctx

    def marked(ctx: Annotated[Context, "mine"]):
        return ctx

    assert call(node) is call(optional) is call(marked) is CONTEXT
    assert bound(node).wants_context
    assert not bound(node).reads
    assert not bound(lambda code: 0).wants_context


def test_a_parameter_annotated_with_the_states_class_gets_the_whole_state():
    def node(everything: Build):
        return everything

    state = call(node, code="x")
    assert type(state) is Build
    assert (state.spec, state.code) == ("s", "x")
    assert bound(node).reads == set()


def test_other_parameters_keep_their_defaults():
    assert call(lambda code, k=7: (code, k)) == ("pass", 7)
    assert bound(lambda code, k=7: 0).arguments == bound(lambda code: 0).arguments


def test_what_a_partial_has_bound_is_left_alone():
    def node(code, k, count):
        return code, k, count

    assert call(functools.partial(node, k=1)) == ("pass", 1, 3)
    assert call(functools.partial(node, code="bound", k=1)) == ("bound", 1, 3)
    assert call(functools.partial(node, "first", "second")) == ("first", "second", 3)
    assert bound(functools.partial(node, code="bound", k=1)).reads == {"count"}


def test_positional_only_parameters_are_passed_by_position():
    def node(code, model, /, count, *, spec):
        return code, model, count, spec

    assert call(node) == ("pass", RESOURCES["model"], 3, "s")


def test_a_positional_only_default_in_between_stays_in_its_place():
    def node(code, k=7, count=0, /):
        return code, k, count

    assert call(node) == ("pass", 7, 3)


def test_stars_get_nothing():
    def node(code, *args, **kwargs):
        return code, args, kwargs

    assert call(node) == ("pass", (), {})


class Counter:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, count: int) -> int:
        return self.factor * count

    def method(self, count: int) -> int:
        return self.factor * count

    @staticmethod
    def still(count: int) -> int:
        return count

    @classmethod
    def named(cls, count: int) -> str:
        return f"{cls.__name__} {count}"


class AsyncCounter:
    async def __call__(self, count: int) -> int:
        return count


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return "logged", function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (Counter(2), 6),
        (Counter(2).method, 6),
        (Counter.still, 3),
        (Counter.named, "Counter 3"),
        (functools.partial(Counter(2).method), 6),
        (functools.partial(Counter(2)), 6),
        (logged(lambda count: count), ("logged", 3)),
        (functools.lru_cache(Counter.still), 3),
    ],
)
def test_methods_callable_objects_and_wrapped_functions_are_bound_alike(function, result):
    assert call(function) == result
    assert not bound(function).is_async


def test_a_callable_object_may_be_async():
    assert bound(AsyncCounter()).is_async


def test_a_class_is_made_of_fields():
    class Summary(BaseModel):
        code: str
        count: int

    assert call(Summary) == Summary(code="pass", count=3)
    assert bound(Summary).returns is Summary


# --------------------------------------------------------------------------- parameters from nowhere


def test_an_unknown_parameter_is_told_with_what_there_is():
    told = problem(lambda thing: 0)
    assert "parameter 'thing' is neither a field nor a resource and has no default" in told
    assert "fields: spec, code, report, notes, count, ratio, mood; resources: model, limit" in told
    assert "name it after what it reads, or give it a default" in told


def test_every_unknown_parameter_is_told():
    _, problems = bind(lambda one, two: 0, SCOPE, what="node 'f'")
    assert [("'one'" in told, "'two'" in told) for told in problems] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("reports", "is 'report' meant?"), ("modle", "is 'model' meant?"), ("self", "graph.node(obj.method)")],
)
def test_the_likely_reason_is_told(name, hint):
    assert hint in problem(eval(f"lambda {name}: 0"))


def test_a_graph_without_resources_or_fields_names_none():
    class Bare(BaseModel):
        pass

    told = problem(lambda x: 0, scope=Scope(StateSchema(Bare), {}))
    assert "(fields: none);" in told


def test_a_state_class_of_the_same_name_is_not_the_graphs():
    def node(state): ...

    node.__annotations__["state"] = type("Build", (BaseModel,), {})
    assert "another class Build than this graph's: make the graph anew" in problem(node)


def test_an_exception_parameter_needs_an_error_edge():
    def node(error: ValueError): ...

    assert "lead an error edge here with graph.on_error(...)" in problem(node)


def test_an_annotation_that_cannot_be_resolved_is_told_where_it_matters():
    def node(ctx: "Missing", code: "Missing"): ...  # noqa: F821 - that is the case

    assert "its annotation Missing cannot be resolved" in problem(node)
    assert "import it outside of TYPE_CHECKING" in problem(node)


@pytest.mark.parametrize(
    "function", [min, dict, functools.partial(Counter.still, 1, 2), operator.itemgetter(1)]
)
def test_a_callable_without_readable_parameters_is_a_problem_and_no_crash(function):
    binding, problems = bind(function, SCOPE, what="node 'f'")
    if isinstance(function, operator.itemgetter):  # newer Pythons tell that it takes one object
        assert len(problems) == 1
    else:
        assert "cannot be read; wrap it in a function of your own whose parameters are fields" in problems[0]
    assert binding.arguments == ()


def test_a_field_whose_type_is_a_problem_itself_is_not_told_twice():
    class Broken(BaseModel):
        thing: Any

    schema = StateSchema(Broken)
    schema.fields = {}
    assert bind(lambda thing: 0, Scope(schema, {}), what="node 'f'")[1] == []


# --------------------------------------------------------------------------- annotations


@pytest.mark.parametrize("annotation", [int, list[str], Report, None, Literal[1] | bytes])
def test_a_parameter_that_no_value_of_its_field_fits_is_a_mismatch(annotation):
    def node(spec): ...

    node.__annotations__["spec"] = annotation
    told = problem(node)
    assert "parameter 'spec' is annotated" in told
    assert "but the field is str; annotate it with the field's type or a part of it" in told


def test_a_parameter_that_its_resource_does_not_fit_is_a_mismatch():
    def node(model: str, limit: str): ...

    assert "parameter 'model' is annotated str, but the resource is Model" in problem(node)


@pytest.mark.parametrize(
    ("name", "annotation"),
    [
        ("spec", str),
        ("spec", str | None),
        ("spec", Any),
        ("spec", object),
        ("spec", T),
        ("notes", list[str]),
        ("notes", Sequence[str]),
        ("report", Report | None),
        ("report", HasPassed),
        ("count", float),
        ("count", Count),
        ("ratio", float),
        ("mood", str),
    ],
)
def test_a_parameter_that_takes_all_of_its_field_is_handed_the_value_unchecked(name, annotation):
    scope: dict = {}
    exec(f"def node({name}): ...", scope)
    scope["node"].__annotations__[name] = annotation
    (argument,) = bound(scope["node"]).arguments
    assert argument.check is None


def test_a_narrower_parameter_is_checked_when_the_node_starts():
    def node(report: Report) -> bool:
        return report.passed

    assert call(node, report=Report(passed=True)) is True
    with pytest.raises(ArgumentMismatchError) as caught:
        call(node)
    told = str(caught.value)
    assert "parameter 'report' wants Report, but field 'report' holds None (" in told


@pytest.mark.parametrize(
    ("name", "annotation", "good", "bad"),
    [
        ("mood", Literal["good"], "good", "bad"),
        ("ratio", int, None, 0.5),
        ("ratio", int, None, 1.0),  # nothing is converted on the way
        ("count", Literal[3], 3, 4),
    ],
)
def test_narrower_parameters_of_any_sort_are_checked(name, annotation, good, bad):
    scope: dict = {}
    exec(f"def node({name}): return {name}", scope)
    node = scope["node"]
    node.__annotations__[name] = annotation
    if good is not None:
        assert call(node, **{name: good}) == good
    with pytest.raises(ArgumentMismatchError):
        call(node, **{name: bad})


def test_whatever_a_check_raises_is_a_mismatch():
    def explode(value):
        raise KeyError("boom")

    def node(report: Annotated[Report, AfterValidator(explode)]): ...

    with pytest.raises(ArgumentMismatchError, match="KeyError: 'boom'"):
        call(node, report=Report(passed=True))


def test_a_class_that_pydantic_does_not_know_is_checked_by_its_instances():
    def node(report: Model | None):
        return report

    assert call(node) is None
    with pytest.raises(ArgumentMismatchError, match="wants Model | None"):
        call(node, report=Report(passed=True))


def test_a_class_that_cannot_be_checked_is_not():
    class Odd:
        @classmethod
        def __get_pydantic_core_schema__(cls, source, handler):
            raise RuntimeError("not today")

    def node(report: Odd | None):
        return report

    assert call(node, report=Report(passed=True)) == Report(passed=True)


def test_texts_as_annotations_work_for_states_in_functions():
    model, node = postponed.local()
    binding = bound(node, scope=Scope(StateSchema(model), {}))
    assert [argument.source for argument in binding.arguments] == [Source.STATE, Source.FIELD]
    assert bound(postponed.with_context).wants_context


# --------------------------------------------------------------------------- errors


def test_a_handler_gets_the_error_of_its_type():
    def node(code, error: ValueError):
        return code, error

    error = ValueError("no")
    assert call(node, handles=[ValueError], errors=[KeyError("x"), error]) == ("pass", error)


def test_a_handler_may_name_several_types_and_have_a_default():
    def node(error: ValueError | KeyError | None = None):
        return error

    handles = [ValueError, KeyError]
    error = KeyError("x")
    assert call(node, handles=handles, errors=[error]) is error
    assert call(node, handles=handles) is None
    assert call(node, handles=handles, errors=[TypeError()]) is None


def test_an_error_that_could_not_be_made_again_is_handed_over_all_the_same():
    def node(error: ValueError):
        return error

    stand_in = NodeRaisedError("a@0", "Odd", "it broke")
    assert call(node, handles=[ValueError], errors=[stand_in]) is stand_in


def test_an_error_may_be_positional_only():
    def node(error: ValueError, /):
        return error

    error = ValueError()
    assert call(node, handles=[ValueError], errors=[error]) is error


# --------------------------------------------------------------------------- unset fields


@pytest.mark.parametrize("kind", ["plain", "positional", "checked"])
def test_a_read_of_an_unset_field_is_an_error_that_names_it(kind):
    class Sparse(BaseModel):
        thing: int | None

    def plain(thing): ...
    def positional(thing, /): ...
    def checked(thing: int): ...

    schema = StateSchema(Sparse)
    binding, _ = bind(locals()[kind], Scope(schema, {}), what="")
    with pytest.raises(UnsetFieldError, match="reads field 'thing', which is unset") as caught:
        binding.gather(schema.initial(), schema, resources={})
    assert caught.value.args == ("thing",)
    assert isinstance(caught.value, KeyError)


def test_a_mutable_value_is_handed_out_as_a_copy():
    taken = snapshot()
    binding = bound(lambda notes: notes)
    _, first = binding.gather(taken, SCHEMA, resources={})
    first["notes"].append("changed")
    assert binding.gather(taken, SCHEMA, resources={}) == ([], {"notes": []})


def test_an_argument_without_a_default_is_needed():
    assert Argument("x", Source.ERROR).needed
    assert not Argument("x", Source.ERROR, default=None).needed
