"""What the tests of faults share: a request, a way to make it, and what must hold of every error."""

import asyncio
import traceback
from contextlib import aclosing

from backedge.providers import Finished, Message, ModelRequest, ToolSpec, Usage
from backedge.providers.errors import ModelError

from .wires import KEY

PATIENCE = 30.0  # no call takes as long: one that does hangs
OBJECT = {"type": "object", "properties": {"city": {"type": "string"}}}
REQUEST = ModelRequest(
    messages=(Message.of("user", "Weather?"),),
    tools=(ToolSpec(name="look", description="", parameters=OBJECT),),
)


async def call(model, *, streamed, into=None):
    """Make the call, within the patience there is; the pieces of a stream go `into` a list."""
    async with asyncio.timeout(PATIENCE):
        if not streamed:
            return await model.respond(REQUEST)
        last = None
        async with aclosing(model.stream(REQUEST)) as events:
            async for event in events:
                assert last is None, "something came after the end"
                if isinstance(event, Finished):
                    last = event.response
                elif into is not None:
                    into.append(getattr(event, "text", None) or getattr(event, "arguments", ""))
        assert last is not None, "the stream ended in silence"
        return last


async def failure(model, *, streamed, into=None):
    """The error of a call that must fail, after a look at what holds of every error."""
    try:
        answer = await call(model, streamed=streamed, into=into)
    except ModelError as error:
        looked_at(error, model)
        return error
    raise AssertionError(f"there was an answer: {answer!r}")


def looked_at(error, model):
    """It says who, is one readable line, drags no foreign exception along, and holds no key."""
    assert error.model == model.name
    assert str(error).startswith(f"{model.name}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 1000
    assert error.__cause__ is None
    assert error.__context__ is None
    assert isinstance(error.usage, Usage)
    shown = "".join(traceback.format_exception(error))
    assert KEY not in f"{error!r} {error.args!r} {shown}"
