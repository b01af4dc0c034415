"""How an actor's handler becomes the function of a node: what it takes, and what its result is written as."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_json

from backedge.engine.compiler.signatures import is_async, read_signature
from backedge.engine.context import BlockingContext, Context
from backedge.nodes.agents import Agent

from .mail import Mail, Reply
from .state import SAME, Next

WRITES: Final = ("state", "reply", "handled", "ended")
_CONTEXT: Final = "actors_context_"
_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY


def handler_of(agent: Agent[Any]) -> Callable[..., Any]:
    """An agent as a handler: a message is what it is asked, the state its conversation, and its answer the reply."""
    models = sorted(agent.models)

    async def handle(state: Any, message: Any, context: Context, **given: Any) -> Next:
        result = await agent.run(message, context, conversation=state, models=given)
        return Next(state=list(result.conversation), reply=result.output)

    told: Any = handle
    told.__signature__ = inspect.Signature(
        [
            *list(inspect.signature(handle).parameters.values())[:3],
            *(inspect.Parameter(name, _KEYWORD) for name in models),
        ]
    )
    return handle


def as_node(
    handler: Callable[..., Any], kind: TypeAdapter[Any], resources: Mapping[str, Any]
) -> Callable[..., Any]:
    """The function of the node that handles a letter.

    Args:
        handler: A function of the state and a message; further parameters are a context, or named like resources.
        kind: The type of messages.
        resources: The resources that there are.

    Raises:
        TypeError: It takes something else.
    """
    state, message, context, given = _parameters(handler, resources)
    told = inspect.signature(handler).parameters
    by_place = [name for name, one in told.items() if one.kind is inspect.Parameter.POSITIONAL_ONLY]

    def arguments(taken: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        own = {state: taken["state"], message: read(taken["mail"], kind)}
        if context:
            own[context] = taken[_CONTEXT]
        own |= {name: taken[name] for name in given}
        return [own.pop(name) for name in by_place if name in own], own

    asynchronous = is_async(handler)
    made: Any
    if asynchronous:

        async def awaited(**taken: Any) -> Any:
            first, rest = arguments(taken)
            return written(await handler(*first, **rest), taken["mail"])

        made = awaited
    else:

        def called(**taken: Any) -> Any:
            first, rest = arguments(taken)
            return written(handler(*first, **rest), taken["mail"])

        made = called
    hint = Context if asynchronous else BlockingContext
    contexts = [inspect.Parameter(_CONTEXT, _KEYWORD, annotation=hint)] if context else []
    fields = [inspect.Parameter(name, _KEYWORD) for name in ("state", "mail", *given)]
    made.__name__ = "handle"
    made.__signature__ = inspect.Signature([*fields, *contexts])
    return made  # type: ignore[no-any-return]  # one of the two above


def read(mail: Mail, kind: TypeAdapter[Any]) -> Any:
    """The message of a letter as the handler takes it. Raises ValidationError."""
    return kind.validate_json(to_json(mail.message))


def written(came: Any, mail: Mail) -> dict[str, Any]:
    """What a handler's result is written as.

    Raises:
        TypeError: JSON cannot carry the reply.
    """
    result = came if isinstance(came, Next) else Next(state=came)
    fields: dict[str, Any] = {"handled": 1, "ended": "stopped" if result.stop else ""}
    if result.state is not SAME:
        fields["state"] = result.state
    if mail.reply_to:
        try:
            fields["reply"] = Reply(value=to_json(result.reply).decode())
        except PydanticSerializationError as error:
            raise TypeError(f"the reply is nothing that JSON can carry: {error}") from None
    return fields


def _parameters(
    handler: Callable[..., Any], resources: Mapping[str, Any]
) -> tuple[str, str, str, tuple[str, ...]]:
    """The names of the state's, the message's and the context's parameter, and those of resources."""
    told = read_signature(handler, {"Context": Context, "BlockingContext": BlockingContext})
    names = [name for name in told.parameters if name not in told.bound]
    wanted = BlockingContext if not is_async(handler) else Context
    context, given = "", []
    if len(names) < 2:
        raise TypeError("a handler takes the state and a message, as in handle(state, message)")
    for name in names[2:]:
        hint = told.hints.get(name)
        if hint is wanted and not context:
            context = name
        elif name in resources:
            given.append(name)
        elif hint in (Context, BlockingContext):
            raise TypeError(
                f"the handler's {name!r} is to be annotated {wanted.__name__}, as its function is"
            )
        elif told.parameters[name].default is inspect.Parameter.empty:
            raise TypeError(
                f"the handler takes {name!r}, which is neither a context nor one of resources= "
                f"({', '.join(resources) or 'there are none'})"
            )
    return names[0], names[1], context, tuple(given)
