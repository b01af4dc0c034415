import pytest

from backedge.providers.messages import Usage
from backedge.providers.wire.chat_counts import cost_of, usage_in, usage_of


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        (
            {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
            Usage(input_tokens=5, output_tokens=3),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 6},
            },
            Usage(input_tokens=9, output_tokens=7, cached_tokens=4, cache_write_tokens=2, reasoning_tokens=6),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "total_tokens": 20,
                "completion_tokens_details": {"reasoning_tokens": 8},
            },
            Usage(input_tokens=10, output_tokens=10, reasoning_tokens=8),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 20},
            Usage(input_tokens=10, output_tokens=10, reasoning_tokens=8),
        ),
        ({"prompt_tokens": 5, "prompt_cache_hit_tokens": 4}, Usage(input_tokens=5, cached_tokens=4)),
        ({"prompt_tokens": 5, "num_cached_tokens": 4}, Usage(input_tokens=5, cached_tokens=4)),
        ({"prompt_tokens": 5, "cached_tokens": 4}, Usage(input_tokens=5, cached_tokens=4)),
        ({"cache_creation_input_tokens": 4}, Usage(cache_write_tokens=4)),
        ({"prompt_tokens": None, "prompt_tokens_details": None, "completion_tokens": "x"}, Usage()),
        ({"prompt_tokens": -5, "completion_tokens": float("inf"), "cached_tokens": True}, Usage()),
        ({}, Usage()),
    ],
)
def test_counts_are_brought_into_one_form(counts, usage):
    assert usage_of(counts) == usage


def test_a_gateways_price_is_the_cost():
    assert cost_of({"cost": 0.5}) == 0.5
    assert cost_of({"prompt_tokens": 1}) is None
    assert [cost_of({"cost": odd}) for odd in (True, "0.5", {"total": 1}, -1, float("nan"), None)] == [
        None
    ] * 6


def test_with_a_key_of_ones_own_what_the_provider_behind_takes_comes_on_top():
    assert cost_of({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.25}}) == 0.75
    assert cost_of({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": "x"}}) == 0.5
    assert cost_of({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.25}}) == 0.5


@pytest.mark.parametrize(
    "body",
    [
        {"usage": {"prompt_tokens": 2}},
        {"usage": None, "x_groq": {"usage": {"prompt_tokens": 2}}},
        {"choices": [{"usage": {"prompt_tokens": 2}}]},
    ],
)
def test_counts_are_found_wherever_they_stand(body):
    assert usage_in(body) == {"prompt_tokens": 2}


@pytest.mark.parametrize("body", [{}, {"usage": None}, {"usage": 7, "x_groq": "x", "choices": ["x"]}])
def test_counts_that_are_not_there_are_none(body):
    assert usage_in(body) == {}
