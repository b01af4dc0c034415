"""What callables say of themselves, whatever they are and however they were annotated."""

import functools
import inspect
import re
from decimal import Decimal

import pytest

from backedge.engine.compiler.signatures import (
    NoSignatureError,
    is_async,
    is_generator,
    name_of_callable,
    read_signature,
)
from backedge.engine.context import Context

from . import postponed


def plain(code: str, times: int = 2) -> str:
    return code * times


async def waits(code: str) -> str:
    return code


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Greeter:
    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, code: str) -> str:
        return self.word + code

    def greet(self, code: str) -> str:
        return self.word + code

    @staticmethod
    def still(code: str) -> str:
        return code

    @classmethod
    def made(cls, code: str) -> str:
        return code


class Waiter:
    async def __call__(self, code: str) -> str:
        return code


def spelled(value):
    """The same in every process, unlike a repr with an address."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize(
    "function",
    [
        plain,
        waits,
        wrapped(plain),
        Greeter("hi"),
        Waiter(),
        Greeter("hi").greet,
        Greeter.still,
        Greeter("hi").made,
        functools.partial(plain, times=3),
        functools.partial(functools.partial(plain, times=3)),
        functools.partial(Greeter("hi").greet),
        functools.lru_cache(plain),
        lambda code: code,
    ],
    ids=spelled,
)
def test_every_kind_of_callable_tells_its_parameters(function):
    told = read_signature(function, {})
    assert next(iter(told.parameters)) == "code"
    if told.hints:
        assert told.hints["code"] is str
        assert told.returns is str


def test_a_lambda_tells_no_annotations():
    told = read_signature(lambda code: code, {})
    assert told.hints == {}
    assert told.returns is inspect.Signature.empty


def test_partials_tell_what_they_have_bound():
    outer = functools.partial(functools.partial(plain, times=3), code="x")
    assert read_signature(outer, {}).bound == {"times", "code"}
    assert list(read_signature(functools.partial(plain, "x"), {}).parameters) == ["times"]


def test_a_class_is_called_with_what_its_init_takes_and_returns_itself():
    told = read_signature(Greeter, {})
    assert told.hints == {"word": str, "return": Greeter}
    made = read_signature(postponed.Made, {})
    assert made.hints == {"code": str, "report": postponed.Report, "return": postponed.Made}
    report = read_signature(postponed.Report, {})
    assert report.hints == {"passed": bool, "return": postponed.Report}


def test_annotations_that_are_texts_are_resolved():
    told = read_signature(postponed.reads, {})
    assert told.hints["report"] == postponed.Report | None
    assert told.hints["late"] is postponed.Later
    assert told.returns is postponed.Report
    assert not told.unresolved


def test_what_only_a_type_checker_sees_is_told_and_the_others_are_resolved():
    told = read_signature(postponed.partly_resolvable, {})
    assert told.hints == {"code": str, "report": postponed.Report}
    assert told.unresolved == {"price": "Decimal", "return": "Decimal"}


def test_an_annotation_that_is_partly_a_text_is_told_as_it_is_written():
    def node(code: "list[Missing]", notes: list["Missing"]): ...  # noqa: F821 - that is the case

    assert set(read_signature(node, {}).unresolved) == {"code", "notes"}


def test_names_that_are_handed_in_help_out():
    assert read_signature(postponed.with_context, {"Context": Context}).hints["ctx"] is Context
    assert read_signature(postponed.partly_resolvable, {"Decimal": Decimal}).returns is Decimal


def test_a_functions_own_names_go_before_those_handed_in():
    told = read_signature(postponed.reads, {"Report": Context, "Later": Context})
    assert told.returns is postponed.Report


def test_names_that_a_function_closes_over_are_known():
    assert read_signature(postponed.closing_over(int), {}).hints["code"] is int


def test_a_closure_that_is_not_filled_yet_is_no_obstacle():
    def node(code: str):
        return unset, code

    assert read_signature(node, {}).hints == {"code": str}
    unset = node


@pytest.mark.parametrize(
    "function", [min, dict, functools.partial(plain, 1, 2, 3), functools.partial(min, key=len)], ids=spelled
)
def test_a_callable_that_does_not_tell_its_parameters_is_an_error(function):
    with pytest.raises(NoSignatureError):
        read_signature(function, {})


def test_builtins_that_do_tell_are_fine():
    assert list(read_signature(len, {}).parameters) == ["obj"]
    assert read_signature(len, {}).returns is inspect.Signature.empty


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (plain, False),
        (waits, True),
        (functools.partial(waits), True),
        (Waiter(), True),
        (functools.partial(Waiter()), True),
        (Waiter, False),  # making one gives an object
        (Greeter("hi"), False),
        (wrapped(waits), False),  # what the wrapper does cannot be known
        (len, False),
    ],
    ids=spelled,
)
def test_async_is_what_gives_a_coroutine(function, expected):
    assert is_async(function) is expected


def test_generators_are_known():
    def yields():
        yield 1

    async def yields_too():
        yield 1

    class Yielder:
        def __call__(self):
            yield 1

    assert all(map(is_generator, [yields, yields_too, Yielder(), functools.partial(yields)]))
    assert not any(map(is_generator, [plain, waits, Greeter("hi")]))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (plain, "plain"),
        (functools.partial(functools.partial(plain)), "plain"),
        (Greeter("hi"), "Greeter"),
        (Greeter("hi").greet, "greet"),
        (Greeter, "Greeter"),
        (wrapped(plain), "plain"),
        (lambda: 1, "<lambda>"),
    ],
)
def test_a_callable_is_called_what_it_was_defined_as(function, name):
    assert name_of_callable(function) == name


def _wrapped(code, *, count=1): ...


@functools.wraps(_wrapped)
def _wrapper(value): ...


@pytest.mark.parametrize(
    "function",
    [
        lambda: None,
        lambda a, b=1, c=None: a,
        lambda a, /, b=2: a,
        lambda *args: args,
        lambda a, *, b=3, **options: a,
        _wrapped,
        _wrapper,
    ],
)
def test_parameters_are_those_that_inspect_tells(function):
    told = read_signature(function, {})
    assert dict(told.parameters) == dict(inspect.signature(function).parameters)
    assert list(told.parameters) == list(inspect.signature(function).parameters)


def test_annotations_and_defaults_of_a_plain_function_are_told():
    def work(code: str, count: "int" = 2) -> bool: ...

    told = read_signature(work, {})
    assert told.hints == {"code": str, "count": int, "return": bool}
    assert [each.default for each in told.parameters.values()] == [inspect.Parameter.empty, 2]
