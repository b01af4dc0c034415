"""A circuit opens when its endpoint fails too often, probes with one call, and closes again."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backedge.providers import Model
from backedge.providers.errors import (
    BadRequestError,
    CircuitOpenError,
    ModelConnectionError,
    ModelTimeoutError,
    OverloadedError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
)
from backedge.providers.wrappers.breaker import ENDPOINT_KINDS, Circuit, CircuitBreaker

from .kit import Clock, Played, ask, heard

DOWN = ServerError("down")


def breaking(*plays, whole=True, **options):
    clock = Clock()
    circuit = Circuit(now=clock, **options)
    inner = Played(*plays, clock=clock, name="inner", whole=whole)
    return CircuitBreaker(inner, circuit=circuit), inner, circuit, clock


async def fails(model, error=ServerError, times=1):
    for _ in range(times):
        with pytest.raises(error):
            await model.respond(ask())


async def test_it_opens_after_so_many_failures_in_a_row_and_then_sends_nothing():
    model, inner, circuit, clock = breaking(DOWN, failures=3, pause=30)
    assert isinstance(model, Model)
    await fails(model, times=2)
    assert (circuit.state, circuit.failures, circuit.opened_at) == ("closed", 2, None)
    await fails(model)
    assert (circuit.state, circuit.failures, circuit.opened_at) == ("open", 3, clock.now)
    clock.pass_by(10)
    told = r"inner: the endpoint is left alone for 20.0 s: it failed 3 times in a row"
    with pytest.raises(CircuitOpenError, match=told) as raised:
        await model.respond(ask())
    assert (raised.value.retryable, raised.value.retry_after) == (True, 20)
    assert inner.asked == 3


async def test_a_success_ends_the_row():
    model, _, circuit, _ = breaking(DOWN, DOWN, "hi", DOWN, DOWN, failures=3)
    await fails(model, times=2)
    assert (await model.respond(ask())).text == "hi"
    await fails(model, times=2)
    assert (circuit.state, circuit.failures) == ("closed", 2)


async def test_what_the_request_is_to_blame_for_counts_neither_way():
    model, _, circuit, _ = breaking(DOWN, BadRequestError("odd"), DOWN, failures=2)
    await fails(model)
    await fails(model, BadRequestError)
    assert circuit.failures == 1
    await fails(model)
    assert circuit.state == "open"


@pytest.mark.parametrize(
    "error", [ServerError, OverloadedError, ModelTimeoutError, ModelConnectionError, StreamBrokenError]
)
async def test_failures_of_the_endpoint_count(error):
    model, _, circuit, _ = breaking(error("x"), failures=1)
    await fails(model, error)
    assert circuit.state == "open"


async def test_rate_limits_count_when_told_so():
    for kinds, state in ((ENDPOINT_KINDS, "closed"), (ENDPOINT_KINDS | {"rate limit"}, "open")):
        model, _, circuit, _ = breaking(RateLimitError("slow"), failures=1, kinds=kinds)
        await fails(model, RateLimitError)
        assert circuit.state == state


async def test_it_opens_when_a_share_of_the_last_calls_failed():
    plays = [DOWN, DOWN, "a", "b", "c", DOWN]
    model, _, circuit, _ = breaking(*plays, DOWN, failures=None, share=0.5, window=4)
    for play in plays:  # at first there are too few to judge by; of the last four one failed
        if play is DOWN:
            await fails(model)
        else:
            await model.respond(ask())
    assert circuit.state == "closed"
    await fails(model)
    assert circuit.state == "open"
    with pytest.raises(CircuitOpenError, match="2 of the last 4 calls failed"):
        await model.respond(ask())


async def test_after_the_pause_one_call_probes_and_its_success_closes_the_circuit():
    model, _inner, circuit, clock = breaking(DOWN, "hi", failures=1, pause=30)
    await fails(model)
    clock.pass_by(30)
    assert (circuit.state, circuit.rest) == ("half-open", 0)
    assert (await model.respond(ask())).text == "hi"
    assert (circuit.state, circuit.failures, circuit.opened_at) == ("closed", 0, None)


async def test_a_circuit_that_closed_begins_its_account_anew():
    model, _, circuit, clock = breaking(DOWN, DOWN, "hi", DOWN, failures=None, share=0.5, window=2, pause=30)
    await fails(model, times=2)
    clock.pass_by(30)
    await model.respond(ask())
    await fails(model)
    assert circuit.state == "closed"
    await fails(model)
    assert circuit.state == "open"


async def test_a_probe_that_fails_opens_the_circuit_for_another_pause():
    model, inner, circuit, clock = breaking(DOWN, failures=3, pause=30)
    await fails(model, times=3)
    clock.pass_by(31)
    await fails(model)
    assert (circuit.state, circuit.opened_at, circuit.rest) == ("open", clock.now, 30)
    with pytest.raises(CircuitOpenError, match="the call that probed it failed too"):
        await model.respond(ask())
    assert inner.asked == 4


async def test_while_a_probe_is_under_way_no_other_call_passes():
    model, inner, circuit, clock = breaking(DOWN, [None], failures=1, pause=30)
    await fails(model)
    clock.pass_by(30)
    probe = asyncio.create_task(model.respond(ask()))
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpenError, match="until the call that probes it has ended") as raised:
        await model.respond(ask())
    assert (raised.value.retry_after, inner.asked, circuit.state) == (None, 2, "half-open")
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe


@pytest.mark.parametrize("ends", ["cancelled", "with a bad request", "as a stream that is left"])
async def test_a_probe_that_says_nothing_gives_its_place_to_another(ends):
    second = {
        "cancelled": [None],
        "with a bad request": BadRequestError("odd"),
        "as a stream that is left": ["a", "b"],
    }
    model, _, circuit, clock = breaking(DOWN, second[ends], "hi", failures=1, pause=30)
    await fails(model)
    clock.pass_by(30)
    if ends == "cancelled":
        probe = asyncio.create_task(model.respond(ask()))
        await asyncio.sleep(0)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
    elif ends == "with a bad request":
        await fails(model, BadRequestError)
    else:
        async with aclosing(model.stream(ask())) as events:
            async for _ in events:
                break
    assert circuit.state == "half-open"
    assert (await model.respond(ask())).text == "hi"
    assert circuit.state == "closed"


async def test_what_began_before_the_circuit_changed_says_nothing_about_the_time_after():
    circuit = Circuit(failures=1, pause=30, now=(clock := Clock()))
    slow, quick = circuit.enter(), circuit.enter()
    circuit.failed(quick, "server")
    clock.pass_by(10)
    circuit.failed(slow, "server")
    assert circuit.rest == 20
    circuit.succeeded(slow)
    assert circuit.state == "open"
    clock.pass_by(20)
    probe = circuit.enter()
    circuit.left(slow)
    with pytest.raises(CircuitOpenError):
        circuit.enter()
    circuit.succeeded(probe)
    assert circuit.state == "closed"


async def test_models_of_one_endpoint_may_share_its_circuit():
    clock = Clock()
    circuit = Circuit(failures=2, now=clock)
    one, other = (CircuitBreaker(Played(DOWN, name=name), circuit=circuit) for name in ("one", "other"))
    await fails(one)
    await fails(other)
    with pytest.raises(CircuitOpenError, match="one: "):
        await one.respond(ask())
    assert one.circuit is other.circuit
    assert CircuitBreaker(Played("hi")).circuit is not CircuitBreaker(Played("hi")).circuit


async def test_streams_pass_and_count():
    model, _, circuit, _ = breaking(["one ", "two"], ["one ", StreamBrokenError("cut")], DOWN, failures=2)
    assert (await heard(model.stream(ask())))[0] == ["one ", "two"]
    for error in StreamBrokenError, ServerError:
        with pytest.raises(error):
            await heard(model.stream(ask()))
    assert circuit.state == "open"
    with pytest.raises(CircuitOpenError):
        await heard(model.stream(ask()))


async def test_a_stream_counts_as_soon_as_it_is_whole():
    model, _, circuit, clock = breaking(DOWN, ["a"], failures=1, pause=30)
    await fails(model)
    clock.pass_by(30)
    async with aclosing(model.stream(ask())) as events:
        assert [event.kind async for event in events] == ["text", "finished"]
        assert circuit.state == "closed"


async def test_a_stream_without_an_end_is_broken():
    model, _, circuit, _ = breaking([], failures=1, whole=False)
    with pytest.raises(StreamBrokenError):
        await heard(model.stream(ask()))
    assert circuit.state == "open"


@pytest.mark.parametrize(
    "wrong", [{"failures": 0}, {"share": 0}, {"share": 1.1}, {"window": 0}, {"pause": -1}]
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="a circuit wants"):
        Circuit(**wrong)


async def test_the_model_within_is_told_whom_its_calls_are_for_and_the_circuit_stays_the_same():
    model, inner, circuit, _ = breaking(DOWN, failures=1)
    told = model.labelled(run="r")
    assert inner.labels == [{"run": "r"}]
    await fails(told)
    assert (circuit.state, model.circuit is circuit) == ("open", True)


class AnyOrder(RuleBasedStateMachine):
    """Calls that begin, end and are left in any order, while time passes."""

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.circuit = Circuit(failures=2, share=0.6, window=5, pause=10, now=self.clock)
        self.flying = []
        self.half_open_passes = 0

    @rule()
    def begin(self):
        before = self.circuit.state
        try:
            self.flying.append((self.circuit.enter(), before))
            assert before != "open"
        except CircuitOpenError:
            assert before != "closed"

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), how=st.sampled_from(["succeeded", "server", "bad request", "left"]))
    def end(self, data, how):
        era, _ = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        if how in ("succeeded", "left"):
            getattr(self.circuit, how)(era)
        else:
            self.circuit.failed(era, how)

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds):
        self.clock.pass_by(seconds)

    @invariant()
    def at_most_one_probe_is_under_way(self):
        if self.circuit.opened_at is not None:
            probes = [
                era for era, before in self.flying if before == "half-open" and era == self.circuit._era
            ]
            assert len(probes) == self.circuit._probing

    @invariant()
    def a_closed_circuit_keeps_its_limits(self):
        if self.circuit.state == "closed":
            assert self.circuit.failures < 2
            assert self.circuit.rest == 0


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(stateful_step_count=30)
