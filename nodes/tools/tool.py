"""`@tool`: a typed function becomes something a model can call.

A `Tool` never changes and holds no connection. The function stays what it was: the tool is called like it, with the
same result; `Tool.call` is what an agent uses, with arguments as a model wrote them.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, overload

from pydantic import ValidationError

from backedge.engine.compiler.signatures import is_async, name_of_callable
from backedge.engine.context import Context
from backedge.engine.effects.identity import EffectKey
from backedge.engine.execution.steps import NOT_DONE
from backedge.providers.protocol import ToolSpec
from backedge.providers.strict import strict

from .calling import supplied
from .complaints import complaint
from .declaring import (
    Permission,
    Safety,
    check_context,
    check_function,
    check_options,
    docstring_of,
    is_method,
)
from .docstrings import read_docstring
from .errors import ToolArgumentsError, ToolTimeoutError
from .results import LIMIT, Content, content_of
from .schema import Parameters, read_parameters
from .threads import Threads

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tool(Generic[P, R]):
    """A function that a model can call; made by `tool`.

    Attributes:
        name: What the model calls it.
        description: What it does, for the model to read.
        parameters: JSON schema of its arguments, an object.
        permission: What it may do; None where nobody said so, which counts as most dangerous.
        safety: Whether it may be called again when a crash leaves open whether it was done.
        query: Finds out whether it was done: takes the same arguments, returns the result or `NOT_DONE`.
        timeout: Seconds that a call may take; None for no bound.
        limit: Characters of text that the model is shown of a result.
        function: The function itself.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    permission: Permission | None
    safety: Safety
    query: Callable[..., Any] | None
    timeout: float | None
    limit: int
    function: Callable[P, R]
    _takes: Parameters = field(repr=False)
    _async: bool = field(repr=False)
    _threads: Threads = field(repr=False)
    _method: bool = field(repr=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's own result: nothing is validated, converted or bounded."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Tool[..., R]:
        """The tool of an object whose method it is."""
        function: Any = self.function
        of_class = isinstance(function, classmethod)
        if not self._method or (instance is None and not of_class):
            return self
        bound = function.__get__(instance, owner) if of_class else MethodType(function, instance)
        query = None if self.query is None else functools.partial(self.query, bound.__self__)
        return replace(self, function=bound, query=query, _method=False)

    @property
    def asks(self) -> bool:
        """Whether a person has to be asked before a call, as nobody said what it may do."""
        return self.permission is None

    @property
    def takes_context(self) -> bool:
        """Whether the function wants a `Context`: then a call outside of a node fails, unless it can do without."""
        return any(one.kind is not EffectKey for one in self._takes.given)

    def spec(self, *, strict_schema: bool = False) -> ToolSpec:
        """The tool as a model is told of it.

        Args:
            strict_schema: Give the schema in the form that providers' strict modes accept: every argument is required
                then, and defaults are told in words.

        Raises:
            TypeError: Strict modes cannot say what it takes; the message says where.
        """
        schema = strict(self.parameters) if strict_schema else dict(self.parameters)
        return ToolSpec(name=self.name, description=self.description, parameters=schema)

    def check(self, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        """The arguments as the function takes them, validated and with defaults.

        Args:
            arguments: An object, or its JSON as a model wrote it; an empty text is an empty object.

        Raises:
            ToolArgumentsError: They do not fit; its text tells the model what to change.
        """
        model = self._takes.model
        try:
            if isinstance(arguments, str):
                checked = model.model_validate_json(arguments if arguments.strip() else "{}")
            else:
                checked = model.model_validate(arguments)
        except ValidationError as error:
            raise ToolArgumentsError(complaint(self.name, self.parameters, arguments, error)) from None
        values = checked.__dict__
        return {name: values[key] for name, key in self._takes.fields}

    async def call(
        self,
        arguments: Mapping[str, Any] | str,
        context: Context | None = None,
        *,
        key: EffectKey | None = None,
    ) -> Content:
        """Call the function with what a model wrote, and give its result as the model is to read it.

        A plain function is called in a worker thread.

        Args:
            arguments: An object, or its JSON as a model wrote it.
            context: For a function that takes one.
            key: For a function that takes an `EffectKey`.

        Raises:
            ToolArgumentsError: The arguments do not fit; the function was not called.
            ToolTimeoutError: It took too long.
            ToolError: The function could not do it and says why.
            TypeError: The result has no form as text, or the function needs a context and there is none.
        """
        return content_of(
            await self._run(self.function, self.check(arguments), context, key), limit=self.limit
        )

    async def find(self, arguments: Mapping[str, Any] | str) -> Any:
        """Ask `query` whether a call with these arguments was done: its result as `call` gives it, or `NOT_DONE`.

        What `Context.step` takes as its ``query``.
        """
        if self.query is None:
            return NOT_DONE
        checked = self.check(arguments)
        if is_async(self.query):
            found = await self.query(**checked)
        else:
            found = await self._threads.call(functools.partial(self.query, **checked))
        return found if found is NOT_DONE else content_of(found, limit=self.limit)

    async def _run(
        self,
        function: Callable[..., Any],
        values: dict[str, Any],
        context: Context | None,
        key: EffectKey | None,
    ) -> Any:
        if self._method:
            raise TypeError(f"{self.name} is a method: call the tool of an object, as in object.{self.name}")
        if self._takes.given:
            supplied(self.name, self._takes.given, values, context, key)
        first = [values.pop(name) for name in self._takes.positional]
        if self.timeout is None:
            return await self._begun(function, first, values)
        scope = asyncio.timeout(self.timeout)
        try:
            async with scope:
                return await self._begun(function, first, values)
        except TimeoutError:
            if not scope.expired():  # the function's own
                raise
        raise ToolTimeoutError(f"{self.name} took longer than {self.timeout:g} seconds and was given up")

    async def _begun(self, function: Callable[..., Any], first: list[Any], values: dict[str, Any]) -> Any:
        if self._async:
            return await function(*first, **values)
        return await self._threads.call(functools.partial(function, *first, **values))


AnyTool: TypeAlias = Tool[..., Any]


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str | None = ...,
    description: str | None = ...,
    permission: Permission | None = ...,
    safety: Safety | None = ...,
    query: Callable[..., Any] | None = ...,
    timeout: float | None = ...,
    limit: int = ...,
) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = ...,
    description: str | None = ...,
    permission: Permission | None = ...,
    safety: Safety | None = ...,
    query: Callable[..., Any] | None = ...,
    timeout: float | None = ...,
    limit: int = ...,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    permission: Permission | None = None,
    safety: Safety | None = None,
    query: Callable[..., Any] | None = None,
    timeout: float | None = None,
    limit: int = LIMIT,
) -> Any:
    """Make a tool of a typed function, or of a method; with or without arguments, as a decorator or as a call.

    The schema comes from the signature: types, defaults, ``Annotated[..., Field(...)]`` with bounds and descriptions,
    enums, literals, models, lists. What parameters mean comes from `Field` or from the docstring's ``Args:``. A
    parameter annotated `Context` (in plain functions `BlockingContext`) or `EffectKey` is filled in and not told.

    Args:
        function: An asynchronous function, or a plain one, which is called in a worker thread.
        name: What the model calls it; the function's name by default.
        description: What it does; by default what the docstring says before its first section.
        permission: What it may do. Where nothing is said it counts as most dangerous, and a person is asked.
        safety: Whether it may be called again when a crash leaves open whether it was done; by default only what
            merely reads may.
        query: Finds out whether it was done: takes the same arguments, returns the result or `NOT_DONE`.
        timeout: Seconds that a call may take.
        limit: Characters of text that the model is shown of a result.

    Raises:
        ToolDefinitionError: It cannot be made a tool; the message says what to change.

    Example::

        @tool(permission="read", timeout=10)
        async def weather(city: str, days: Annotated[int, Field(ge=1, le=14)] = 1) -> list[Forecast]:
            \"\"\"Look up the weather.

    Args:
                city: Its name in English.
                days: How many days from today on.
            \"\"\"
    """
    if function is None:
        return functools.partial(
            tool,
            name=name,
            description=description,
            permission=permission,
            safety=safety,
            query=query,
            timeout=timeout,
            limit=limit,
        )
    if isinstance(function, staticmethod):
        function = function.__func__
    plain = function.__func__ if isinstance(function, classmethod) else function
    called = name or name_of_callable(plain)
    told = read_docstring(docstring_of(plain))
    check_options(called, description or told.description, permission, safety, timeout, limit)
    check_function(called, plain)
    method = is_method(function, plain)
    takes = read_parameters(plain, called, told, method=method)
    asynchronous = is_async(plain)
    check_context(called, takes, asynchronous=asynchronous)
    return Tool(
        name=called,
        description=description or told.description,
        parameters=takes.schema,
        permission=permission,
        safety=safety or ("idempotent" if permission == "read" else "unsafe"),
        query=query,
        timeout=timeout,
        limit=limit,
        function=function,
        _takes=takes,
        _async=asynchronous,
        _threads=Threads(f"tool-{called}"),
        _method=method,
    )
