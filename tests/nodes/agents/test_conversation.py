"""What belongs together in a conversation, and how it is told."""

from backedge.nodes.agents.conversation import cut, told, turns_of
from backedge.providers import Image, Message, Reasoning, ToolResult

from .scripts import call, calls


def given(ident, text="ok"):
    return ToolResult(id=ident, content=text)


def test_an_answer_and_the_results_of_its_calls_are_one_turn():
    said = [
        Message.of("user", "a"),
        calls(call("x", ident="1"), call("x", ident="2")),
        Message.of("tool", given("1")),
        Message.of("tool", given("2")),
        Message.of("assistant", "b"),
    ]
    question, first, last = turns_of(said)
    assert question.messages == (said[0],)
    assert first.messages == (said[1], Message.of("tool", given("1"), given("2")))
    assert last.messages == (said[4],)
    assert [turn.asks for turn in (question, first, last)] == [True, False, False]


def test_a_result_without_its_call_is_left_out_and_a_call_without_its_result_gets_one_that_says_so():
    said = [
        Message.of("tool", given("0")),
        calls(call("x", ident="1"), call("x", ident="2")),
        Message.of("tool", given("2")),
    ]
    (turn,) = turns_of(said)
    one, two = turn.messages[1].parts
    assert (one.id, one.failed, one.text) == ("1", True, "there is no result: the call was never carried out")
    assert two == given("2")


def test_calls_with_one_id_keep_their_results_in_order():
    said = [
        calls(call("x", ident="1"), call("y", ident="1")),
        Message.of("tool", given("1", "a"), given("1", "b")),
    ]
    (turn,) = turns_of(said)
    assert [part.text for part in turn.messages[1].parts] == ["a", "b"]


def test_a_message_is_told_with_its_calls_results_and_pictures_and_without_thoughts():
    picture = Image(media_type="image/png", data=b"x")
    said = Message.of("assistant", Reasoning(text="hm"), "look", picture, call("x", '{"a": 1}'))
    assert told(said) == 'assistant: look\n[image: image/png]\n[calls x with {"a": 1}]'
    failed = ToolResult(id="1", content="x" * 5000, failed=True)
    assert told(Message.of("tool", failed), most=100).startswith("tool: [result failed: xxx")
    assert len(told(Message.of("tool", failed), most=100)) < 150


def test_a_text_that_is_cut_is_no_longer_than_it_may_be_and_says_how_much_is_missing():
    assert cut("abc", 3) == "abc"
    for most in range(60, 200):
        short = cut("a" * 1000, most)
        assert len(short) <= most
        kept = short.count("a") - " characters left out ".count("a")
        assert f"... {1000 - kept} characters" in short
