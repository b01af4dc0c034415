"""What can go wrong with a call of a model, as types: who failed, how, whether to try again, and what it cost.

The official clients' exceptions are translated into these at the edge, so that nothing else has to know them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from .messages import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a call, as whoever retries notes it.

    Attributes:
        model: Who was asked.
        error: The kind of error it ended with; empty when it succeeded.
        seconds: How long it took.
        waited: Seconds that were waited before it.
    """

    model: str
    error: str = ""
    seconds: float = 0.0
    waited: float = 0.0


class ModelError(Exception):
    """A call of a model failed. Base of the kinds below; catch this to catch all of them.

    Args:
        message: What happened, and what to do about it where we know.
        model: Who was asked, such as ``openai:gpt-5``.
        status: The HTTP status, if there was an answer.
        code: The provider's own name for the error.
        retry_after: Seconds the provider asks to wait.
        usage: What was spent nevertheless.
        request_id: What the provider's support asks for.
        attempts: The tries that were made, when several were.

    Attributes:
        kind: A short name of the kind, for settings and records.
        retryable: Whether the same request may succeed later.
    """

    kind: ClassVar[str] = "error"
    retryable: bool = False

    # What is known besides the message; class attributes say what holds of an error made from its message alone.
    model: str = ""
    status: int | None = None
    code: str = ""
    retry_after: float | None = None
    usage: Usage = Usage()
    request_id: str = ""
    attempts: tuple[Attempt, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        status: int | None = None,
        code: str = "",
        retry_after: float | None = None,
        usage: Usage | None = None,
        request_id: str = "",
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.model = model
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.usage = usage or Usage()
        self.request_id = request_id
        self.attempts = attempts

    @property
    def args(self) -> tuple[Any, ...]:
        """The message, and all that is known besides, as plain data: who keeps the arguments keeps the error."""
        return (self.message, self._facts())

    @args.setter
    def args(self, given: tuple[Any, ...]) -> None:
        self.message = str(given[0]) if given else ""
        if len(given) > 1:
            self._restore(given[1])

    def _facts(self) -> dict[str, Any]:
        facts = {name: value for name, value in vars(self).items() if name not in ("message", "__notes__")}
        facts["usage"] = self.usage.model_dump()
        facts["attempts"] = [asdict(attempt) for attempt in self.attempts]
        return facts

    def _restore(self, facts: Mapping[str, Any]) -> None:
        vars(self).update(facts)
        self.usage = Usage(**facts["usage"])
        self.attempts = tuple(Attempt(**attempt) for attempt in facts["attempts"])

    def after(self, attempts: tuple[Attempt, ...], usage: Usage) -> Self:
        """The same error with these tries and what they took together. The one at hand stays as it is."""
        again = type(self).__new__(type(self), self.message)
        vars(again).update(vars(self), attempts=attempts, usage=usage)
        again.__cause__, again.__context__ = self.__cause__, self.__context__
        again.__suppress_context__ = self.__suppress_context__
        return again.with_traceback(self.__traceback__)

    def __str__(self) -> str:
        """Who, what, and whether a retry makes sense, in one line."""
        facts = [
            *([f"status {self.status}"] if self.status is not None else []),
            *([self.code] if self.code else []),
            *([f"request {self.request_id}"] if self.request_id else []),
            *([f"{len(self.attempts)} attempts"] if len(self.attempts) > 1 else []),
        ]
        who = f"{self.model}: " if self.model else ""
        known = f" ({', '.join(facts)})" if facts else ""
        return f"{who}{self.message}{known}"


class MissingKeyError(ModelError):
    """There is no key for the provider; nothing was sent."""

    kind = "missing key"


class MissingPackageError(ModelError):
    """The provider's client is not installed; nothing was sent."""

    kind = "missing package"


class UnsupportedError(ModelError):
    """The request asks for something that cannot be said to this provider; nothing was sent."""

    kind = "unsupported"


class AuthenticationError(ModelError):
    """The key was refused, or may not do this (401, 403)."""

    kind = "authentication"


class BadRequestError(ModelError):
    """The provider did not accept the request (400, 409, 422)."""

    kind = "bad request"


class ContextLengthError(BadRequestError):
    """The conversation is longer than the model can read."""

    kind = "context length"


class NotFoundError(ModelError):
    """There is no such model or address (404)."""

    kind = "not found"


class TooLargeError(ModelError):
    """The request has too many bytes (413)."""

    kind = "too large"


class QuotaError(ModelError):
    """The account's money or quota is used up: waiting does not help (402, or 429 that says so)."""

    kind = "quota"


class BudgetExceededError(ModelError):
    """The call would take more than a budget of ours has left; nothing was sent. Raise the budget, or ask for less."""

    kind = "budget"


class TransientError(ModelError):
    """What may pass. Base of the kinds after which the same request may succeed later: name it at an error edge."""

    kind = "transient"
    retryable = True


class RateLimitError(TransientError):
    """Too many requests or tokens for now (429)."""

    kind = "rate limit"


class OverloadedError(TransientError):
    """The provider has no capacity for now (503, 529)."""

    kind = "overloaded"


class ServerError(TransientError):
    """The provider failed (500 and above)."""

    kind = "server"


class ModelTimeoutError(TransientError):
    """No connection, or no answer, in the time there was."""

    kind = "timeout"


class ModelConnectionError(TransientError):
    """The connection could not be made, or broke before the answer."""

    kind = "connection"


class StreamBrokenError(TransientError):
    """A stream ended before its end marker: what came until then is not an answer."""

    kind = "broken stream"


class BadAnswerError(TransientError):
    """An answer that is not one: not the API's JSON, no choices, an error page with status 200."""

    kind = "bad answer"


class BadToolCallError(BadAnswerError):
    """A tool call that cannot be used: its arguments are not one JSON object, its id is not its own, ..."""

    kind = "bad tool call"


class BadOutputError(BadAnswerError):
    """A structured output that does not validate, after a repair turn too."""

    kind = "bad output"


class CircuitOpenError(TransientError):
    """The endpoint failed so often that it is left alone for a while; nothing was sent."""

    kind = "circuit open"


class AllFailedError(ModelError):
    """Every model that could have answered failed.

    It is retryable when one of them is, after the shortest time one of these asks for.

    Attributes:
        errors: Why, one for each model, in the order they were asked.
    """

    kind = "all failed"
    errors: tuple[ModelError, ...] = ()

    @classmethod
    def of(
        cls, errors: Sequence[ModelError], *, usage: Usage, attempts: tuple[Attempt, ...]
    ) -> AllFailedError:
        """The error that names each of these with its reason."""
        reasons = "; ".join(f"[{error.kind}] {error}" for error in errors)
        later = [error for error in errors if error.retryable]
        told = f"all {len(errors)} models failed: {reasons}"
        waits = [error.retry_after for error in later]
        known = [wait for wait in waits if wait is not None]
        made = cls(
            told,
            usage=usage,
            attempts=attempts,
            retry_after=min(known) if len(known) == len(waits) > 0 else None,
        )
        made.errors = tuple(errors)
        made.retryable = bool(later)
        return made

    def _facts(self) -> dict[str, Any]:
        errors = [(error.kind, error.args) for error in self.errors]
        return {**super()._facts(), "errors": errors}

    def _restore(self, facts: Mapping[str, Any]) -> None:
        super()._restore(facts)
        kinds = {kind.kind: kind for kind in reversed(error_types())}
        self.errors = tuple(_made_again(kinds.get(kind, ModelError), args) for kind, args in facts["errors"])


def error_types() -> tuple[type[ModelError], ...]:
    """Every kind of `ModelError` there is, the base last."""
    found: list[type[ModelError]] = [ModelError]
    for kind in found:
        found += [one for one in kind.__subclasses__() if one not in found]
    return tuple(reversed(found))


def _made_again(kind: type[ModelError], args: Sequence[Any]) -> ModelError:
    error = kind.__new__(kind)
    error.args = tuple(args)
    return error
