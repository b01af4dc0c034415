"""Errors of models: what they say, and that who keeps their arguments keeps them."""

import copy
import pickle

import pytest
from pydantic_core import from_json, to_json

from backedge.engine.failures import describe, rebuild
from backedge.providers import Usage
from backedge.providers.errors import (
    AllFailedError,
    Attempt,
    BadRequestError,
    CircuitOpenError,
    ContextLengthError,
    ModelError,
    RateLimitError,
    ServerError,
    error_types,
)

TRIED = (Attempt(model="m", error="server", seconds=1.0), Attempt(model="m", error="rate limit", waited=2.0))
LIMITED = RateLimitError(
    "too fast",
    model="m",
    status=429,
    code="rate",
    retry_after=3.0,
    usage=Usage(input_tokens=5),
    request_id="q1",
    attempts=TRIED,
)


def through_a_journal(error, kind):
    return rebuild(describe(error), kind, "node")


def test_an_error_says_who_what_and_what_is_known_in_one_line():
    assert str(LIMITED) == "m: too fast (status 429, rate, request q1, 2 attempts)"
    assert str(ServerError("broken")) == "broken"


def test_an_error_is_the_same_after_a_journal_kept_its_arguments():
    back = through_a_journal(LIMITED, RateLimitError)
    assert type(back) is RateLimitError
    assert vars(back) == vars(LIMITED)
    assert str(back) == str(LIMITED)


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_can_be_copied(again):
    assert vars(again(LIMITED)) == vars(LIMITED)
    assert type(again(LIMITED)) is RateLimitError


def test_an_error_made_from_its_message_alone_knows_nothing_else():
    error = ServerError.__new__(ServerError)
    error.args = ("broken",)
    assert (str(error), error.status, error.usage, error.attempts) == ("broken", None, Usage(), ())
    error.args = ()
    assert str(error) == ""


def test_what_a_kind_of_its_own_adds_is_kept_too_as_far_as_it_is_plain_data():
    class SpentError(ModelError):
        kind = "spent"

        def __init__(self, message, *, limit):
            super().__init__(message)
            self.limit = limit

    assert through_a_journal(SpentError("no", limit=3), SpentError).limit == 3
    strange = through_a_journal(SpentError("no", limit=object()), SpentError)
    assert (type(strange), str(strange)) == (SpentError, "no")


def test_notes_do_not_get_in_the_way():
    error = ServerError("broken")
    error.add_note("hm")
    assert from_json(to_json(list(error.args)))[1].keys() == vars(ServerError("x")).keys() - {"message"}


def all_failed(*errors):
    return AllFailedError.of(errors, usage=Usage(input_tokens=1), attempts=TRIED)


def test_when_all_failed_the_error_names_each_with_its_reason():
    error = all_failed(ServerError("broken", model="a"), BadRequestError("odd", model="b", status=400))
    assert str(error).startswith("all 2 models failed: [server] a: broken; [bad request] b: odd (status 400)")
    assert (error.retryable, error.retry_after, error.usage.input_tokens) == (True, None, 1)


def test_when_all_failed_a_retry_makes_sense_as_soon_as_it_does_for_one():
    assert not all_failed(BadRequestError("odd")).retryable
    assert all_failed(BadRequestError("odd", retry_after=1)).retry_after is None
    slow, quick = RateLimitError("x", retry_after=9), CircuitOpenError("x", retry_after=4)
    assert all_failed(slow, quick).retry_after == 4
    assert all_failed(slow, ServerError("x")).retry_after is None


def test_the_reasons_are_the_same_after_a_journal_kept_them():
    inner = all_failed(ContextLengthError("long", model="a", status=400), LIMITED)
    outer = through_a_journal(all_failed(inner, ServerError("broken")), AllFailedError)
    assert [type(error) for error in outer.errors] == [AllFailedError, ServerError]
    long, limited = outer.errors[0].errors
    assert type(long) is ContextLengthError
    assert (vars(limited), outer.retryable) == (vars(LIMITED), True)


def test_every_kind_is_found_the_base_last_and_has_a_name_of_its_own():
    found = [kind for kind in error_types() if kind.__module__.startswith("backedge.")]
    assert {RateLimitError, ContextLengthError, BadRequestError} < set(found)
    assert found[-1] is ModelError
    assert len({kind.kind for kind in found}) == len(found)
