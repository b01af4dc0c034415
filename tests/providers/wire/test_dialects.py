import pytest

from backedge.providers.wire.dialects import Dialect, dialect_of


@pytest.mark.parametrize(
    ("url", "field", "value"),
    [
        ("https://api.openai.com/v1", "max_tokens", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1", "key_header", "api-key"),
        ("https://openrouter.ai/api/v1", "costs", True),
        ("https://api.mistral.ai/v1", "short_ids", True),
        ("https://API.DeepSeek.com", "thoughts_needed", True),
        ("https://api.groq.com/openai/v1", "files", ""),
    ],
)
def test_an_endpoint_is_known_by_its_host(url, field, value):
    assert getattr(dialect_of(url), field) == value
    assert getattr(Dialect(), field) != value


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/v1",
        "https://notopenrouter.ai/v1",
        "https://openrouter.ai.evil.example",
        "nonsense",
        "",
    ],
)
def test_an_unknown_host_has_what_most_have(url):
    assert dialect_of(url) == Dialect()
