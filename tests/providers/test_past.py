"""A run's past is handed to those who want it, and read as calls."""

from backedge.engine.records import ActivationId, EffectKind, EffectRecorded
from backedge.providers import Message, ModelResponse, Usage
from backedge.providers.earlier import EarlierCall, calls_in
from backedge.providers.labels import Labels
from backedge.providers.past import remembering

USAGE = Usage(input_tokens=3, output_tokens=4)


async def nothing():
    return ()


def test_a_model_that_does_not_care_is_given_as_it_is():
    model = object()
    assert remembering(model, nothing) is model


def effect(seq, kind, *, path="0", at=100.0):
    answer = ModelResponse(message=Message.of("assistant", "ok"), usage=USAGE, cost=0.5, by="openai:gpt-5")
    activation = ActivationId("coder", (("coder", 2),))
    result = answer.model_dump_json().encode()
    return EffectRecorded(seq, activation, 1, path, "openai:gpt-5", "d", at, result, kind=kind)


def test_of_all_effects_the_calls_are_told_with_whom_they_were_for():
    effects = [
        effect(1, EffectKind.MODEL),
        effect(2, EffectKind.STEP),
        effect(3, EffectKind.MODEL, path="0.ann.3.bob.1", at=200.0),
    ]
    first, second = calls_in("r", effects)
    assert isinstance(first, EarlierCall)
    assert first.labels == Labels(run="r", node="coder")
    assert (first.asked, first.at, first.failed) == ("openai:gpt-5", 100.0, False)
    assert (first.response.usage, first.response.cost) == (USAGE, 0.5)
    assert second.labels == Labels(run="r", node="coder", agent="bob")
    assert calls_in("r", effects, since=150.0) == [second]
