"""What a call costs beside its client, counted in function calls: times would tell more of the machine than of the code."""

import sys

import pytest

from benchmarks.models import WIRES, Client, in_everything, made, requests

CALLS = 20
# A bare asyncio task takes as long as some seventeen of these do on average.
MOST_IN_WIRE = {"chat": 170, "responses": 175, "anthropic": 145}
MOST_IN_WRAPPERS = 265


async def function_calls(model, of):
    """Function calls, Python's and C's, that one call of the model makes."""
    asked = requests(CALLS + 5, of=of)
    for request in asked[CALLS:]:  # prices are read, classes and clients are made
        await model.respond(request)
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        for request in asked[:CALLS]:
            await model.respond(request)
    finally:
        sys.setprofile(before)
    return count / CALLS


def answered(wire):
    model = made(wire, "http://localhost")
    model._clients = Client(wire)
    return model


@pytest.mark.parametrize("wire", WIRES)
async def test_a_call_behind_all_wrappers_makes_no_more_function_calls_than_it_did(wire):
    alone = await function_calls(answered(wire), "alone")
    every = await function_calls(in_everything(answered(wire)), "all")
    assert alone <= MOST_IN_WIRE[wire]
    assert every - alone <= MOST_IN_WRAPPERS


async def test_a_wrapper_that_has_nothing_to_do_makes_a_handful():
    """The counting itself: a model that is only asked makes two calls, one more wrapper some more."""
    from backedge.providers import ModelResponse
    from backedge.providers.wrappers.breaker import CircuitBreaker

    class Silent:
        name = "silent"
        said = ModelResponse.model_validate({"message": {"role": "assistant", "parts": ()}})

        async def respond(self, request):
            return self.said

    bare = await function_calls(Silent(), "bare")
    assert 1 <= bare <= 2
    assert 4 <= await function_calls(CircuitBreaker(Silent()), "one") - bare <= 12
