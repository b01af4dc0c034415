"""Keys are found in the environment, and taken out of what is written."""

import pytest

from backedge.providers.keys import cleaned, key_from_environment, known_keys, variable_with_key, without_keys


def test_a_key_is_the_first_that_is_set(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", " ")
    monkeypatch.setenv("GOOGLE_API_KEY", " from-google ")
    assert (variable_with_key("gemini"), key_from_environment("gemini")) == ("GOOGLE_API_KEY", "from-google")
    monkeypatch.setenv("GEMINI_API_KEY", "from-gemini")
    assert (variable_with_key("gemini"), key_from_environment("gemini")) == ("GEMINI_API_KEY", "from-gemini")
    assert {"from-google", "from-gemini"} <= set(known_keys())
    assert key_from_environment("nobody") is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"x sk-proj-{'a' * 20}.", "x [key]."),
        (f"AIza{'B' * 35} y", "[key] y"),
        (f"Authorization: Bearer {'c' * 10}", "Authorization: Bearer [key]"),
        ("task-force sk-short bearer", "task-force sk-short bearer"),
        ("given-key", "[key]"),
        ("short", "short"),
        ("in-the-environment", "[key]"),
    ],
)
def test_what_is_a_key_or_looks_like_one_is_taken_out(monkeypatch, text, left):
    monkeypatch.setenv("OPENAI_API_KEY", "in-the-environment")
    assert without_keys(text, ["given-key", "short"]) == left


def test_a_json_value_is_cleaned_but_for_pictures():
    key = f"sk-{'a' * 24}"
    picture = {"kind": "image", "media_type": "image/png", "data": key}
    assert cleaned({"a": [key, 1, None], "picture": picture, "data": key}) == {
        "a": ["[key]", 1, None],
        "picture": picture,
        "data": "[key]",
    }
