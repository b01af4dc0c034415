"""Keys in streams are masked wherever the pieces cut them, and no more is held back than must be."""

import json
from itertools import pairwise

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.providers import Message, ModelRequest, ReasoningDelta, TextDelta, ToolCallDelta
from backedge.providers.wire.chat import ChatModel
from backedge.providers.wire.freeing import masker
from backedge.providers.wire.hiding import keys_hidden
from backedge.providers.wrappers import Audited

KEY = "Zq7/canary+0X93hT2kLmW8"
LONGER = f"{KEY}-and-more"
WITHIN = KEY[4:21]
TWICE = "abababababababab"
KEYS = [KEY, LONGER, WITHIN, TWICE]


def heard(keys, pieces):
    """What a stream's pieces become."""
    freeing = keys_hidden(*keys).freeing()
    taken = [freeing.take(piece) for piece in pieces]
    return [piece for piece in [*taken, *freeing.rest()] if piece is not None]


def cut(text, places):
    return [text[a:b] for a, b in pairwise([0, *sorted(places), len(text)])]


@pytest.mark.parametrize("text", [f"it is {KEY}.", KEY, f"{KEY}{KEY}", f"{KEY[:9]}{KEY}", f"no: {KEY[:-1]}"])
def test_at_whichever_two_places_a_text_is_cut_the_key_is_masked(text):
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            told = heard([KEY], [TextDelta(text=part) for part in cut(text, [first, second])])
            assert "".join(one.text for one in told) == text.replace(KEY, "[key]")


TEXTS = st.lists(st.sampled_from([*KEYS, KEY[:7], WITHIN[:5], "ab", "a", "Z", " ", "é", "word "])).map(
    "".join
)


@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=30))
def test_wherever_a_text_is_cut_its_pieces_say_the_same_and_no_key(text, places):
    places = [place % (len(text) + 1) for place in places]
    told = "".join(one.text for one in heard(KEYS, [TextDelta(text=part) for part in cut(text, places)]))
    assert told == masker(KEYS)(text, True)[0]
    assert not any(key in told for key in KEYS)


@given(TEXTS)
def test_no_more_is_held_back_than_may_go_on_to_be_a_key(text):
    told, held = masker(KEYS)(text, False)
    assert len(held) < max(map(len, KEYS))
    assert not held or any(key.startswith(held) for key in KEYS)
    assert masker(KEYS)(told + held, True)[0] == masker(KEYS)(text, True)[0]


def test_a_key_that_is_the_beginning_of_a_longer_one_is_masked_when_nothing_follows():
    told = heard([KEY, LONGER], [TextDelta(text=KEY), TextDelta(text="-and")])
    assert [one.text for one in told] == ["[key]-and"]


def test_words_thoughts_and_each_call_are_texts_of_their_own():
    first, second = KEY[:8], KEY[8:]
    pieces = [
        TextDelta(text=first),
        ReasoningDelta(text=first),
        ToolCallDelta(index=0, id="1", name="look", arguments=first),
        ToolCallDelta(index=1, id="2", name="look", arguments=first),
        ToolCallDelta(index=0, arguments=second),
        ToolCallDelta(index=1, arguments="!"),
        ReasoningDelta(text=second),
        TextDelta(text=second),
    ]
    assert heard([KEY], pieces) == [
        ToolCallDelta(index=0, id="1", name="look"),  # who is called is told at once
        ToolCallDelta(index=1, id="2", name="look"),
        ToolCallDelta(index=0, arguments="[key]"),
        ToolCallDelta(index=1, arguments=f"{first}!"),
        ReasoningDelta(text="[key]"),
        TextDelta(text="[key]"),
    ]


def test_what_is_held_back_at_the_end_is_told():
    assert heard([KEY], [ToolCallDelta(index=2, id="1", name="look", arguments=KEY[:5])]) == [
        ToolCallDelta(index=2, id="1", name="look"),
        ToolCallDelta(index=2, arguments=KEY[:5]),
    ]


def test_without_keys_the_pieces_pass_as_they_are():
    piece = TextDelta(text="sk-")
    assert heard([None, "short"], [piece])[0] is piece


async def test_a_server_that_sends_the_key_back_letter_by_letter_shows_it_to_nobody():
    def sent(request):
        chunks = [{"choices": [{"index": 0, "delta": {"content": letter}}]} for letter in f"you are {KEY}."]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text="".join(lines))

    told = []
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(sent)) as client:
        made = ChatModel("a:b", model="b", base_url="http://a.example/v1", key=KEY, http_client=client)
        model = Audited(made, told.append, redact=str)
        request = ModelRequest(messages=(Message.of("user", "who am I?"),))
        *pieces, last = [event async for event in model.stream(request)]
    assert "".join(piece.text for piece in pieces) == last.response.text == "you are [key]."
    assert "".join(event.text for event in told if event.kind == "delta") == "you are [key]."
