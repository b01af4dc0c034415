"""The pure room: who hears what, in one order; what is illegal changes nothing."""

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from backedge.nodes.lobby import LobbyError, LobbyMessage, NameTakenError, NotInLobbyError, Presence, Room
from backedge.nodes.lobby.message import parts_of
from backedge.providers import Code, File, Image, Text

HELLO = (Text(text="hello"),)


@pytest.fixture
def room():
    made = Room("hall")
    for name in ("ann", "bob", "cy"):
        made.enter(name, session=f"{name}'s")
    made.enter("eve", session="eve's", observer=True)
    yield made
    made.validate()


def test_all_but_the_speaker_hear_a_broadcast_in_order_of_entering(room):
    assert room.say("bob", HELLO).audience == ("ann", "cy", "eve")


def test_what_is_for_one_reaches_that_one_alone(room):
    assert room.say("ann", HELLO, to="cy").audience == ("cy",)


def test_a_topic_reaches_its_subscribers_from_subscribing_to_unsubscribing(room):
    heard = [room.say("ann", HELLO, topic="t")]
    for change in (room.subscribe, room.unsubscribe, room.subscribe):
        change("bob", "t")
        heard.append(room.say("ann", HELLO, topic="t"))
    assert [each.audience for each in heard] == [(), ("bob",), (), ("bob",)]
    assert [room.hears("bob", each.message) for each in heard] == [False, True, False, True]


def test_numbers_grow_by_one_and_handles_are_unique(room):
    said = [room.say("ann", HELLO, to=to).message for to in ("bob", None, "dan", "dan", "cy")]
    assert [each.number for each in said] == list(range(5, 10))
    assert len({each.handle for each in said}) == 5


def test_what_is_for_somebody_who_is_not_there_comes_back_and_is_not_recorded(room):
    room.leave("cy")
    for name in ("cy", "dan"):
        delivery = room.say("ann", HELLO, to=name)
        assert delivery.message.returned == f"'{name}' is not in the lobby"
        assert (delivery.record, delivery.audience, delivery.message.parts) == (None, (), HELLO)


def test_what_bounces_is_heard_by_its_sender_alone_while_they_are_there(room):
    said = room.say("ann", HELLO, to="bob").message
    room.leave("bob")
    back = room.bounce(said)
    assert back.audience == ("ann",)
    assert back.message.returned == "'bob' left without reading it"
    assert back.message.reply_to == said.handle
    assert [room.hears(name, back.message) for name in ("ann", "cy")] == [True, False]
    room.leave("ann")
    assert room.bounce(said).audience == ()


def test_notices_reach_those_who_asked_for_them(room):
    room.enter("dan", session="d", notices=True)
    entered = room.enter("fay", session="f")
    left = room.leave("fay")
    assert (entered.audience, entered.message.kind, entered.message.sender) == (("dan",), "entered", "fay")
    assert (left.audience, left.message.kind) == (("dan",), "left")
    assert room.hears("dan", left.record)
    assert not room.hears("ann", left.record)


def test_a_session_comes_back_without_a_record_and_another_one_is_refused(room):
    assert room.enter("ann", session="ann's") is None
    with pytest.raises(NameTakenError, match="'ann' is in the lobby already"):
        room.enter("ann", session="another")
    with pytest.raises(LobbyError, match="other options"):
        room.enter("ann", session="ann's", observer=True)


@pytest.mark.parametrize(
    ("act", "error", "told"),
    [
        (lambda room: room.enter(" ", session="s"), LobbyError, "a member's name is some text, not ' '"),
        (lambda room: room.leave("dan"), NotInLobbyError, "'dan' is not in the lobby"),
        (lambda room: room.subscribe("ann", ""), LobbyError, "a topic is some text"),
        (lambda room: room.subscribe("dan", "t"), NotInLobbyError, "'dan' is not in the lobby"),
        (lambda room: room.unsubscribe("dan", "t"), NotInLobbyError, "'dan' is not in the lobby"),
        (lambda room: room.say("dan", HELLO), NotInLobbyError, "enter it first"),
        (lambda room: room.say("eve", HELLO), LobbyError, "'eve' is an observer"),
        (lambda room: room.say("ann", HELLO, to="ann"), LobbyError, "nobody hears themselves"),
        (lambda room: room.say("ann", HELLO, to="bob", topic="t"), LobbyError, "not both"),
        (lambda room: room.say("ann", HELLO, topic=""), LobbyError, "a topic is some text"),
        (lambda room: room.hears("dan", None), NotInLobbyError, "'dan' is not in the lobby"),
    ],
)
def test_what_is_illegal_raises_and_changes_nothing(room, act, error, told):
    before = room.number, dict(room.members)
    with pytest.raises(error, match=told):
        act(room)
    assert (room.number, dict(room.members)) == before


def test_a_room_made_of_its_records_hears_as_the_old_one_did(room):
    room.subscribe("bob", "t")
    said = room.say("ann", HELLO, topic="t").message
    room.unsubscribe("bob", "t")
    records = [
        Presence(1, "ann", "entered", session="ann's"),
        Presence(2, "bob", "entered", session="bob's"),
        Presence(3, "cy", "entered", session="cy's"),
        Presence(4, "eve", "entered", observer=True, session="eve's"),
        Presence(5, "bob", "subscribed", "t"),
        Presence(7, "bob", "unsubscribed", "t"),
    ]
    again = Room.restore("hall", records, room.number)
    again.validate()
    assert again.members == room.members
    assert again.number == room.number
    assert again.hears("bob", said)
    assert not again.hears("cy", said)


def test_who_enters_again_has_no_claim_on_what_was_before(room):
    said = room.say("ann", HELLO).message
    room.leave("bob")
    room.enter("bob", session="new")
    assert not room.hears("bob", said)
    assert room.hears("cy", said)


def test_a_message_of_every_part_goes_through_json_and_back():
    parts = parts_of(
        [
            "look:",
            Code(language="python", text="x = 1"),
            Image(media_type="image/png", data=b"\xff\x00"),
            File(name="notes.pdf", media_type="application/pdf", data=b"%PDF\xff"),
        ]
    )
    message = LobbyMessage(3, "h-3", "ann", parts, to="bob", reply_to="h-1", kind="reply")
    adapter = TypeAdapter(LobbyMessage)
    assert adapter.validate_json(adapter.dump_json(message)) == message
    assert message.text == "look:x = 1"


def test_a_message_says_something_and_of_known_parts():
    with pytest.raises(LobbyError, match="a message says something"):
        parts_of([])
    with pytest.raises(LobbyError, match="not of int: 7"):
        parts_of(["x", 7])


def test_a_message_that_was_said_is_frozen_and_equal_to_one_that_was_made(room):
    said = room.say("ann", HELLO, to="bob", reply_to="h", kind="reply", handle="mine").message
    assert said == LobbyMessage(5, "mine", "ann", HELLO, "bob", None, "h", "reply")
    assert type(said) is LobbyMessage
    with pytest.raises(AttributeError):
        said.number = 7
    assert replace(said, number=7).number == 7
