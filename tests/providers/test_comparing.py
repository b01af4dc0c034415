"""How two requests differ is told by message and word, shortly."""

import pytest

from backedge.providers.comparing import MOST, differences, nearest


def said(*texts, **more):
    messages = [{"role": "user", "parts": [{"kind": "text", "text": text}]} for text in texts]
    return {"messages": messages, **more}


WHERE = "messages[0] (user).parts[0].text: "


def test_equal_requests_do_not_differ():
    assert differences(said("a", tools=[1]), said("a", tools=[1])) == []


@pytest.mark.parametrize(
    ("recorded", "asked", "line"),
    [
        (said("a b c"), said("a c"), f"{WHERE}a [-b -]c"),
        (said("a c"), said("a c d\n"), f"{WHERE}a c{{+ d\\n+}}"),
        (said("a"), said("a", "b"), 'messages[1] (user) is not in the recording: "b"'),
        (said("a", "b"), said("a"), 'messages[1] (user) is only in the recording: "b"'),
        (said("a"), said("a", effort="low"), 'effort: recorded null, asked "low"'),
        (said("a", tools=[1, 2]), said("a", tools=[1]), "tools[1] is only in the recording: 2"),
        (
            said("a", tools=[]),
            said("a", tools=["x" * 200]),
            f'tools[0] is not in the recording: "{"x" * 116}...',
        ),
        (
            said("a", extra={"b": {"c": 1}}),
            said("a", extra={"b": {"c": 2}}),
            "extra.b.c: recorded 1, asked 2",
        ),
        (
            {"messages": [{"role": "user", "parts": []}]},
            {"messages": [{"role": "tool", "parts": []}]},
            "messages[0] (tool).role: [-user-]{+tool+}",
        ),
    ],
)
def test_a_difference_is_one_line(recorded, asked, line):
    assert differences(recorded, asked) == [line]


def test_words_far_from_a_difference_are_left_out():
    words = [f"w{number}" for number in range(30)]
    other = [*words[:15], "new", *words[16:]]
    (line,) = differences(said(" ".join(words)), said(" ".join(other)))
    assert line == f"{WHERE}...w11 w12 w13 w14 [-w15-]{{+new+}} w16 w17 w18 w19..."


def test_of_a_very_long_text_the_place_is_shown():
    (line,) = differences(said("a " * 50_000 + "red"), said("a " * 50_000 + "blue"))
    assert line.startswith(f"{WHERE}at character 100000: ...")
    assert line.endswith("[-red-]{+blue+}")
    assert len(line) < 400
    (line,) = differences(said("a" * 5000), said("a" * 5001))
    assert "at character 5000" in line


def test_many_differences_are_counted():
    lines = differences(said(**{f"s{n}": 0 for n in range(20)}), said(**{f"s{n}": 1 for n in range(20)}))
    assert len(lines) == MOST + 1
    assert lines[-1] == "... and 12 more differences"


def test_the_nearest_request_shares_most_messages_then_most_words():
    recorded = [said("system", "paint the house"), said("system", "paint the car red"), said("other")]
    assert nearest(recorded, said("system", "paint the car blue")) == 1
    assert nearest(recorded, said("system", "paint the horse")) == 0
    assert nearest(recorded, said("others")) == 2
    assert nearest([said("x", max_tokens=1), said("x", max_tokens=2)], said("x!", max_tokens=2)) == 1
    assert nearest([said("x"), said("x")], said("y")) == 0
