import pytest

from backedge.providers.wire.hiding import hide_shapes, hider, secrets_in


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcDEF0123456789",
        "sk-ant-api03-abcDEF0123456789",
        "sk-or-v1-0123456789abcdef",
        "gsk_abcDEF0123456789",
        "xai-abcDEF0123456789",
        "AIzaSyA-0123456789abcdef",
        "hf_abcDEF0123456789",
        "pplx-abcDEF0123456789",
        "sk-proj-ab***89",
        "****-key",
        "ab12****wxyz",
    ],
)
def test_what_looks_like_a_key_is_hidden_wherever_it_stands(key):
    told = hide_shapes(f"the key ({key}) is wrong, {key}!")
    assert key not in told
    assert told == "the key ([key]) is wrong, [key]!"


def test_a_key_in_a_header_or_behind_its_name_is_hidden_whatever_it_looks_like():
    assert hide_shapes("sent Authorization: Bearer 0a1b2c3d") == "sent Authorization: Bearer [key]"
    assert hide_shapes("Incorrect API key provided: hunter2. See") == "Incorrect API key provided: [key] See"
    assert hide_shapes("api_key='hunter2' is unknown") == "api_key='[key]' is unknown"


def test_known_keys_are_hidden_the_longer_first():
    hide = hider("abc", " abcdef\n", None, "", " ")
    assert hide("abcdef and abc, no more") == "[key] and [key], no more"


def test_ordinary_words_stay():
    said = "The model `llama-3.3-70b` does not exist; ask-anything, risk-averse, request req_011CPb5rA13. See *this*."
    assert hide_shapes(said) == said


def test_a_hider_does_not_show_what_it_hides():
    assert "hunter2" not in repr(hider("hunter2"))


def test_headers_and_parameters_are_secret_by_their_names():
    given = {
        "X-Api-Key": "a",
        "Authorization": "b",
        "access_token": "c",
        "X-Title": "d",
        "client-secret": "e",
    }
    assert secrets_in(given) == ["a", "b", "c", "e"]
