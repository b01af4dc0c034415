"""A typed function becomes a tool: how it is called, what it is given, how long it may take."""

import asyncio
import functools
import threading
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from backedge import END, NOT_DONE, START, BlockingContext, Context, EffectKey, Graph, RunStatus
from backedge.nodes.tools import (
    Content,
    Tool,
    ToolArgumentsError,
    ToolDefinitionError,
    ToolError,
    ToolTimeoutError,
    text_of,
    tool,
)


@tool(permission="read")
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


MINE = EffectKey("mine")


async def told(made, arguments, *args, **kwargs):
    return text_of(await made.call(arguments, *args, **kwargs))


async def test_a_tool_is_called_with_the_json_that_a_model_wrote():
    assert await told(double, '{"number": 21}') == "42"
    assert await told(double, {"number": "21"}) == "42"  # models write numbers as texts


async def test_the_function_stays_callable():
    assert await double(4) == 8


async def test_a_plain_function_runs_in_another_thread():
    @tool
    def where() -> str:
        """Where it runs."""
        return threading.current_thread().name

    assert await told(where, "") == "tool-where"
    assert where() == threading.current_thread().name


async def test_many_plain_functions_run_at_once_however_few_cores_there_are():
    gate = threading.Barrier(20)

    @tool
    def meet() -> int:
        """Wait for the others."""
        return gate.wait(30)

    results = await asyncio.gather(*(told(meet, "{}") for _ in range(20)))
    assert sorted(map(int, results)) == list(range(20))


@pytest.mark.parametrize("empty", ["", "  ", "{}"])
async def test_a_call_without_arguments_may_be_empty(empty):
    @tool
    async def now() -> str:
        """Now."""
        return "now"

    assert await told(now, empty) == "now"


async def test_defaults_are_filled_in_and_checked_values_are_of_their_types():
    class Colour(Enum):
        RED = "red"

    class Spot(BaseModel):
        x: int

    seen = []

    @tool
    async def paint(colour: Colour, spots: list[Spot], size: Literal[1, 2] = 2) -> None:
        """Paint."""
        seen.append((colour, spots, size))

    assert await told(paint, '{"colour": "red", "spots": [{"x": "3"}]}') == "done; it returned nothing"
    assert seen == [(Colour.RED, [Spot(x=3)], 2)]


async def test_a_mutable_default_is_not_shared_between_calls():
    @tool
    async def grow(items: list[int] = []) -> int:  # noqa: B006
        """Grow."""
        items.append(1)
        return len(items)

    assert [await told(grow, "{}") for _ in range(3)] == ["1", "1", "1"]


async def test_parameters_may_have_the_names_of_pydantics_own_attributes():
    @tool
    async def odd(schema: int, copy: int, model_config: int, _private: int, self_: int = 1) -> list[int]:
        """Odd."""
        return [schema, copy, model_config, _private, self_]

    assert await told(odd, '{"schema":1,"copy":2,"model_config":3,"_private":4}') == "[1,2,3,4,1]"


async def test_parameters_that_are_positional_only_are_given_by_position():
    @tool
    async def power(base: int, exponent: int = 2, /, *, plus: int = 0) -> int:
        """Power."""
        return base**exponent + plus

    assert await told(power, {"base": 3, "plus": 1}) == "10"
    assert await told(power, {"exponent": 3, "base": 2}) == "8"


# ---------------------------------------------------------------------- what is filled in


async def test_context_and_key_are_filled_in_and_not_told():
    @tool
    async def act(what: str, context: Context, key: EffectKey, other: EffectKey | None = None) -> list[str]:
        """Act."""
        return [what, context.run_id, key, str(other)]

    assert list(act.parameters["properties"]) == ["what"]
    assert act.takes_context
    assert not double.takes_context
    with pytest.raises(ToolArgumentsError, match="key: there is no such argument"):
        await act.call({"what": "x", "key": "forged"})
    with pytest.raises(TypeError, match="act takes a Context"):
        await act.call({"what": "x"})


async def test_a_context_that_is_not_needed_may_be_missing():
    @tool
    async def act(context: Context | None, key: EffectKey = MINE) -> list[str]:
        """Act."""
        return [str(context), key]

    assert await told(act, "{}") == '["None","mine"]'
    assert await told(act, "{}", key=EffectKey("given")) == '["None","given"]'


class State(BaseModel):
    answer: str = ""


def through_a_step(made, arguments, *, hand_context=False):
    """A node that calls the tool as a recorded effect."""
    graph = Graph(State)

    @graph.node(writes="answer")
    async def use(ctx: Context) -> str:
        async def run(given: str, key: EffectKey) -> Content:
            return await made.call(given, ctx if hand_context else None, key=key)

        parts = await ctx.step(
            made.name, run, arguments, safety=made.safety, query=made.query and made.find, kind="tool"
        )
        return text_of(parts)

    graph.chain(START, use, END)
    return graph.compile()


async def test_a_tool_called_as_a_step_gets_the_key_of_the_step():
    @tool(permission="read")
    async def key_of(key: EffectKey) -> str:
        """Tell the key."""
        return key

    result = await through_a_step(key_of, "{}").run()
    assert len(result.state.answer) == 32


async def test_a_tool_in_a_node_gets_its_context_plain_functions_one_that_blocks():
    @tool
    async def think(ctx: Context) -> str:
        """Think."""
        return ctx.run_id

    @tool
    def block(ctx: BlockingContext) -> str:
        """Block."""
        return ctx.run_id

    for made in (think, block):
        result = await through_a_step(made, "{}", hand_context=True).run(run_id="mine")
        assert result.state.answer == "mine"


async def test_an_unsafe_tool_is_in_doubt_after_a_crash_and_its_query_is_asked_first(tmp_path):
    sent = []

    async def was_sent(to: str) -> object:
        return f"found {to}" if to in sent else NOT_DONE

    @tool(query=was_sent)
    async def send(to: str) -> str:
        """Send a mail."""
        sent.append(to)
        raise KeyboardInterrupt  # the process goes before the record is written

    flow = through_a_step(send, '{"to": "ann"}')
    journal = tmp_path / "runs.db"
    with pytest.raises(KeyboardInterrupt):
        await flow.run(journal=journal, run_id="r")
    result = await flow.resume("r", journal=journal)
    assert (result.status, sent, result.state.answer) == (RunStatus.COMPLETED, ["ann"], "found ann")


async def test_a_query_answers_as_a_call_does_or_says_that_nothing_was_done():
    def look(number: int) -> object:
        return NOT_DONE if number == 0 else {"number": number}

    @tool(query=look)
    def put(number: int) -> dict[str, int]:
        """Put."""
        return {"number": number}

    assert text_of(await put.find('{"number": "3"}')) == '{"number":3}'
    assert await put.find({"number": 0}) is NOT_DONE
    assert await double.find({"number": 1}) is NOT_DONE


# ---------------------------------------------------------------------- time


async def test_what_takes_too_long_is_cancelled_and_told():
    ended = []

    @tool(timeout=0.01)
    async def hang() -> None:
        """Hang."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(ToolTimeoutError, match=r"hang took longer than 0\.01 seconds and was given up"):
        await hang.call("")
    assert ended == [True]


async def test_a_thread_that_takes_too_long_is_let_go_of():
    go_on, ended = threading.Event(), threading.Event()

    @tool(timeout=0.01)
    def hang() -> None:
        """Hang."""
        go_on.wait(30)
        ended.set()

    with pytest.raises(ToolTimeoutError):
        await hang.call("")
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(30)


async def test_a_timeout_of_the_functions_own_is_not_taken_for_the_tools():
    @tool(timeout=30)
    async def own() -> None:
        """Raise."""
        raise TimeoutError("the server did not answer")

    with pytest.raises(TimeoutError, match="the server") as caught:
        await own.call("")
    assert not isinstance(caught.value, ToolError)


async def test_cancelling_a_call_cancels_the_function():
    begun = asyncio.Event()

    @tool(timeout=30)
    async def hang() -> None:
        """Hang."""
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(hang.call(""))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_a_function_raises_comes_as_it_is():
    @tool
    def fail() -> None:
        """Fail."""
        raise ToolError("there is no such city")

    with pytest.raises(ToolError, match="no such city"):
        await fail.call("{}")


# ---------------------------------------------------------------------- methods


class Shop:
    def __init__(self, stock: int) -> None:
        self.stock = stock

    @tool(permission="read")
    async def count(self, extra: int = 0) -> int:
        """Count the stock."""
        return self.stock + extra

    @tool
    def plain(self) -> int:
        """Count the stock."""
        return self.stock

    @tool
    @classmethod
    async def name(cls, prefix: str) -> str:
        """Tell the name."""
        return prefix + cls.__name__

    @tool
    @staticmethod
    async def fixed() -> int:
        """Tell a number."""
        return 7


async def test_methods_are_tools_of_their_objects():
    one, two = Shop(1), Shop(2)
    assert await told(one.count, '{"extra": 5}') == "6"
    assert await told(two.count, "{}") == "2"
    assert await two.count(1) == 3
    assert await told(two.plain, "") == "2"
    assert await told(tool(two.count.function, name="other"), "{}") == "2"
    assert list(Shop.count.parameters["properties"]) == ["extra"]
    with pytest.raises(TypeError, match="count is a method"):
        await Shop.count.call("{}")


async def test_a_method_that_was_wrapped_is_still_a_method():
    def logged(function):
        @functools.wraps(function)
        async def wrapper(*args: object, **kwargs: object) -> object:
            return await function(*args, **kwargs)

        return wrapper

    class House:
        @tool
        @logged
        async def rooms(self, extra: int) -> int:
            """Count the rooms."""
            return 3 + extra

    assert list(House.rooms.parameters["properties"]) == ["extra"]
    assert await told(House().rooms, {"extra": 1}) == "4"


async def test_class_methods_and_static_methods_are_tools_too():
    assert await told(Shop.name, '{"prefix": "the "}') == "the Shop"
    assert await told(Shop(1).name, '{"prefix": "a "}') == "a Shop"
    assert await told(Shop.fixed, "") == await told(Shop(1).fixed, "") == "7"


async def test_the_query_of_a_method_is_asked_on_the_same_object():
    class Post:
        def __init__(self) -> None:
            self.sent = ["ann"]

        async def was_sent(self, to: str) -> object:
            return "yes" if to in self.sent else NOT_DONE

        @tool(query=was_sent)
        async def send(self, to: str) -> str:
            """Send."""
            return "sent"

    post = Post()
    assert text_of(await post.send.find({"to": "ann"})) == "yes"
    assert await post.send.find({"to": "bob"}) is NOT_DONE


async def test_a_callable_object_and_a_partial_are_tools():
    class Adder:
        """Add to what was there."""

        async def __call__(self, number: int) -> int:
            return number + 1

    async def add(first: int, second: int) -> int:
        """Add."""
        return first + second

    assert await told(tool(Adder()), {"number": 1}) == "2"
    bound = tool(functools.partial(add, second=5))
    assert (bound.name, bound.description) == ("add", "Add.")
    assert list(bound.parameters["properties"]) == ["first"]
    assert await told(bound, {"first": 1}) == "6"


# ---------------------------------------------------------------------- what it declares


def test_what_is_not_annotated_asks_and_is_not_called_twice():
    def act() -> None:
        """Act."""

    assert tool(act).permission is None
    assert tool(act).asks
    assert tool(act).safety == "unsafe"
    assert not double.asks
    assert double.safety == "idempotent"
    assert tool(permission="write")(act).safety == "unsafe"
    assert tool(act, permission="write", safety="idempotent").safety == "idempotent"


def test_a_tool_tells_a_model_what_it_is():
    spec = double.spec()
    assert (spec.name, spec.description) == ("double", "Double a number.")
    assert spec.parameters["required"] == ["number"]
    assert isinstance(double, Tool)
    with pytest.raises(AttributeError):
        double.name = "other"


def test_the_strict_form_requires_all_and_tells_the_rest_in_words():
    @tool
    async def look(city: str, days: Annotated[int, Field(ge=1, description="How many.")] = 3) -> None:
        """Look."""

    schema = look.spec(strict_schema=True).parameters
    assert schema["required"] == ["city", "days"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["days"] == {
        "type": "integer",
        "description": "How many. (default: 3, minimum: 1)",
    }

    @tool
    async def loose(anything: dict[str, int]) -> None:
        """Look."""

    with pytest.raises(TypeError, match="anything is a mapping with free keys"):
        loose.spec(strict_schema=True)


def silent(x: int) -> None: ...
def plain(x) -> None: ...
def several(*x: int) -> None: ...
def named(**x: int) -> None: ...
def stream(x: int):
    yield x


def alien(x: threading.Thread) -> None: ...
def unknown(x: "Nowhere") -> None: ...  # noqa: F821
def sync_context(ctx: Context) -> None: ...
async def async_blocking(ctx: BlockingContext) -> None: ...


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (silent, {}, "'silent' says nothing of itself"),
        (plain, {"description": "x"}, "parameter 'x' has no annotation"),
        (several, {"description": "x"}, "any number of arguments"),
        (named, {"description": "x"}, "any number of arguments"),
        (stream, {"description": "x"}, "is a generator"),
        (alien, {"description": "x"}, "takes what JSON cannot hold"),
        (unknown, {"description": "x"}, "annotated 'Nowhere', which means nothing there"),
        (sync_context, {"description": "x"}, "annotate 'ctx' with BlockingContext"),
        (async_blocking, {"description": "x"}, "annotate 'ctx' with Context"),
        (silent, {"description": "x", "name": "a b"}, "not 'a b'"),
        (
            silent,
            {"description": "x", "permission": "all"},
            "permission= is one of read, write, network, execute",
        ),
        (silent, {"description": "x", "safety": "safe"}, "safety= is"),
        (silent, {"description": "x", "timeout": 0}, "timeout= is a number of seconds above 0"),
        (silent, {"description": "x", "limit": 0}, "limit= is a number of characters from 1"),
        (len, {}, "parameter 'obj' has no annotation"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_and_the_reason_is_told(function, options, words):
    with pytest.raises(ToolDefinitionError, match=words):
        tool(function, **options)


def test_a_lambda_needs_a_name():
    with pytest.raises(ToolDefinitionError, match="'<lambda>': give name="):
        tool(lambda: 1, description="One.")


async def test_the_clock_of_a_slow_tool_stands_still_for_others():
    """A plain function that blocks does not hold up the event loop."""
    release = threading.Event()

    @tool
    def slow() -> str:
        """Slow."""
        release.wait(30)
        return "slow"

    task = asyncio.create_task(told(slow, ""))
    await asyncio.sleep(0)
    assert await told(double, {"number": 1}) == "2"
    release.set()
    assert await task == "slow"
