import json

import pytest

from backedge.providers import (
    Image,
    Message,
    ModelResponse,
    Reasoning,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from backedge.providers.wire.hiding import hide_shapes, hider, keys_hidden, secrets_in


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


KEY = "Zq7/canary+0X93hT2kLmW8"


def said(text, **told):
    call = ToolCall(id="1", name="look", arguments=f'{{"for": "{text}"}}', raw={text: [text, 1]})
    answer = Message.of(
        "assistant", text, Reasoning(text=text, origin="chat"), call, Image.model_validate(PICTURE)
    )
    return ModelResponse(
        message=answer, raw={"a": [{"b": text}], "n": None}, headers={"x": text}, id=text, **told
    )


PICTURE = {"media_type": "image/png", "data": b"\x00\xff"}


def test_a_key_in_an_answer_is_masked_wherever_it_stands_and_nothing_else_is():
    freed = keys_hidden(KEY, None).freed
    assert freed(said(f"it is {KEY}, or sk-{'a' * 24}")) == said(f"it is [key], or sk-{'a' * 24}")
    untouched = said("no key of ours, though Zq7 is in there")
    assert freed(untouched) is untouched


def test_the_body_an_answer_was_read_from_saves_a_look_at_the_answer_but_not_at_its_headers():
    freed = keys_hidden(KEY).freed
    clean = ModelResponse(message=Message.of("assistant", "x"))
    assert freed(clean, b"{}") is clean
    assert freed(said(KEY), json.dumps({"a": KEY}).replace("/", r"\/").encode()) == said("[key]")
    headed = ModelResponse(message=Message.of("assistant", "x"), headers={"x": KEY})
    assert freed(headed, b"{}").headers == {"x": "[key]"}


def test_words_that_local_servers_take_for_a_key_are_not_masked_in_answers_but_in_errors():
    keys = keys_hidden("lm-studio")
    assert keys.freed(said("I am lm-studio")).text == "I am lm-studio"
    assert keys.hide("lm-studio is wrong") == "[key] is wrong"


def test_a_key_in_a_piece_of_a_stream_is_masked():
    take = keys_hidden(KEY).freeing().take
    assert take(TextDelta(text=f"it is {KEY}.")) == TextDelta(text="it is [key].")
    assert take(ReasoningDelta(text=KEY)) == ReasoningDelta(text="[key]")
    piece = ToolCallDelta(index=1, id="1", name="look", arguments=f'"{KEY}"')
    assert take(piece) == ToolCallDelta(index=1, id="1", name="look", arguments='"[key]"')
    other = TextDelta(text="it is")
    assert take(other) is other


def test_an_answer_that_cannot_be_written_down_passes_to_where_that_is_refused():
    halves = ModelResponse.model_construct(message=Message.of("assistant", "x"), raw={"a": "\ud800"})
    assert keys_hidden(KEY).freed(halves) is halves


def test_what_frees_of_a_key_shows_it_nowhere():
    keys = keys_hidden(KEY)
    assert KEY not in f"{keys!r} {keys} {keys.freed!r}"
