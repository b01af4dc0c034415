"""Prices are those of the price list, for every kind of token and every step; unknown ones are unknown."""

import random
import sys

import genai_prices
import pytest

from backedge.providers import Message, ModelResponse, Usage
from backedge.providers.errors import MissingPackageError
from backedge.providers.wrappers.prices import PriceList, price_of

MODELS = [
    ("gpt-5", "openai"),
    ("claude-sonnet-4-5", "anthropic"),
    ("anthropic/claude-sonnet-4.5", "openrouter"),
    ("gemini-2.5-pro", "google"),
    ("sonar-reasoning-pro", "perplexity"),
    ("deepseek-chat", "deepseek"),
    ("mistral-large-latest", "mistral"),
]


@pytest.mark.parametrize(("model", "provider"), MODELS)
def test_prices_are_those_of_the_list(model, provider):
    chance, prices = random.Random(1), PriceList()
    for read in (0, 1, 5_000, 128_000, 200_000, 200_001, 900_000):
        cached = chance.randint(0, read)
        stored = chance.randint(0, read - cached)
        written = chance.randint(0, 50_000)
        thought = chance.randint(0, written)
        usage = Usage(
            input_tokens=read,
            cached_tokens=cached,
            cache_write_tokens=stored,
            output_tokens=written,
            reasoning_tokens=thought,
        )
        theirs = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=read,
                cache_read_tokens=cached,
                cache_write_tokens=stored,
                output_tokens=written,
                output_reasoning_tokens=thought,
            ),
            model,
            provider_id=provider,
        )
        assert prices.of(model, provider, usage) == pytest.approx(float(theirs.total_price), rel=1e-9)
        assert price_of(model, provider, usage) == prices.of(model, provider, usage)


def test_an_unknown_model_or_provider_has_no_price():
    usage = Usage(input_tokens=1000)
    assert price_of("no-such-model", "openai", usage) is None
    assert price_of("llama3", "ollama", usage) is None
    assert price_of("scripted", None, usage) is None


def test_a_model_can_be_named_as_we_do():
    prices, usage = PriceList(), Usage(output_tokens=1_000_000)
    assert prices.of_name("openai:gpt-5", usage) == pytest.approx(10)
    assert prices.of_name("gpt-5", usage) == pytest.approx(10)
    assert prices.of_name("ollama:gpt-5", usage) is None


def test_an_answer_costs_what_it_says_or_what_its_model_costs_or_what_was_asked_costs():
    prices = PriceList()

    def cost(name="openai:gpt-5", **told):
        usage = Usage(output_tokens=1_000_000)
        response = ModelResponse(message=Message.of("assistant", "x"), usage=usage, **told)
        return prices.of_response(response, name)

    assert cost(cost=0.5, model="gpt-5") == 0.5
    assert cost(cost=0.0) == 0
    assert cost(model="gpt-5-mini-2025-08-07") == pytest.approx(2)
    assert cost(model="something-new") == pytest.approx(10)
    assert cost(name="fallback", by="openai:gpt-5-mini") == pytest.approx(2)
    assert cost(name="mine", model="gpt-5") == pytest.approx(10)
    assert cost(name="ollama:gpt-5", model="gpt-5") is None
    assert cost(name="mine") is None


def test_a_model_is_looked_up_once_unless_its_price_changes_with_time(monkeypatch):
    asked = []
    real = genai_prices.calc_price
    monkeypatch.setattr(genai_prices, "calc_price", lambda *a, **k: asked.append(a) or real(*a, **k))
    time = 0.0
    prices, usage = PriceList(now=lambda: time), Usage(input_tokens=1)

    def lookups(model, provider):
        before = len(asked)
        prices.of(model, provider, usage)
        return len(asked) - before > 0

    assert lookups("gpt-5", "openai")
    assert lookups("deepseek-chat", "deepseek")
    assert lookups("unheard", "openai")
    time = 59.0
    assert not lookups("gpt-5", "openai")
    assert not lookups("deepseek-chat", "deepseek")
    time = 60.0
    assert not lookups("gpt-5", "openai")
    assert not lookups("unheard", "openai")
    assert lookups("deepseek-chat", "deepseek")


def test_names_without_end_do_not_fill_the_memory():
    prices = PriceList()
    for number in range(2100):
        prices.of("x", f"nobody{number}", Usage())
    assert len(prices._known) <= 1000


def test_a_missing_package_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'backedge\[prices\]'"):
        price_of("gpt-5", "openai", Usage())
