"""The pure part of a remote seat against a server of a few lines, over connections that are lost at any moment."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backedge.nodes.lobby import LobbyMessage
from backedge.nodes.lobby.exchange import Exchange
from backedge.nodes.lobby.links import QuietLogger, is_loopback, quiet
from backedge.nodes.lobby.wire import (
    VERSION,
    Deliver,
    Denied,
    Done,
    Gone,
    Heard,
    Hello,
    Leave,
    Missed,
    Post,
    Topic,
    Welcome,
    WireError,
    read_client,
    read_server,
    written,
)
from backedge.providers import Code, File, Image, Text

WINDOW = 3


class Talk(RuleBasedStateMachine):
    """A server with an endless log, a wire that loses what is on it, and an exchange with its reader."""

    def __init__(self):
        super().__init__()
        self.exchange = Exchange(
            "ann", "s", observer=False, notices=False, after=None, settled=None, had=(), window=WINDOW
        )
        self.log = []  # numbers for ann
        self.said = []  # handles, as the lobby has them
        self.number = 0
        self.read = []
        self.posted = 0
        self.to_client, self.to_server = [], []
        self.connected = False
        self.connect()

    @rule()
    def connect(self):
        """Whatever was on the wire is lost."""
        hello = read_client(written(self.exchange.hello()).decode())
        begin = 0 if hello.heard is None else max((hello.heard, *hello.unread))
        self.unread = sorted(hello.unread)
        self.sent = begin
        welcome = Welcome(VERSION, "hall", "id", begin, 1000, 1.0)
        self.to_client, self.to_server = [], list(self.exchange.welcomed(welcome))

    @rule(more=st.integers(1, 5))
    def others_talk(self, more):
        for _ in range(more):
            self.number += 2
            self.log.append(self.number)

    @rule()
    def ann_posts(self):
        post = Post(f"h{self.posted}", (Text(text="x"),))
        self.posted += 1
        self.exchange.owed[post.handle] = post
        self.to_server.append(post)

    @rule()
    def server_delivers(self):
        """As much as the window lets it."""
        for number in self.log:
            if number > self.sent and len(self.unread) < WINDOW:
                self.unread.append(number)
                self.sent = number
                self.to_client.append(Deliver(LobbyMessage(number, f"m{number}", "bob"), 7))

    @precondition(lambda self: self.to_server)
    @rule()
    def server_hears(self):
        frame = self.to_server.pop(0)
        if isinstance(frame, Heard):
            self.unread = [number for number in self.unread if number > frame.number]
        elif isinstance(frame, Post):
            if frame.handle not in self.said:
                self.said.append(frame.handle)
            self.to_client.append(Done(frame.handle, 1))

    @precondition(lambda self: self.to_client)
    @rule()
    def client_hears(self):
        frame = self.to_client.pop(0)
        if isinstance(frame, Deliver):
            assert self.exchange.arrived(frame)
            assert not self.exchange.arrived(frame), "a double is dropped"
        else:
            self.exchange.answered(frame.handle)

    @precondition(lambda self: self.exchange.inbox)
    @rule()
    def ann_reads(self):
        number = self.exchange.inbox[0].number
        self.exchange.take(number)
        self.exchange.take(number)
        self.read.append(number)

    @precondition(lambda self: self.exchange.untold)
    @rule()
    def client_tells(self):
        self.to_server.append(self.exchange.tell())
        assert not self.exchange.untold

    @invariant()
    def what_was_read_is_what_was_said(self):
        self.exchange.validate()
        assert self.read == self.log[: len(self.read)]
        assert self.said == [f"h{number}" for number in range(len(self.said))]

    def teardown(self):
        self.connect()
        for _ in range(500):
            self.server_delivers()
            while self.to_server:
                self.server_hears()
            while self.to_client:
                self.client_hears()
            while self.exchange.inbox:
                self.ann_reads()
            if self.exchange.untold:
                self.client_tells()
            if len(self.read) == len(self.log) and not self.exchange.owed:
                break
        assert self.read == self.log, "all of it, in order"
        assert self.said == [f"h{number}" for number in range(self.posted)]


TestTalk = Talk.TestCase


def test_what_is_missed_is_read_in_its_place():
    exchange = Exchange("ann", "s", observer=False, notices=False, after=4, settled=None, had=(), window=3)
    exchange.welcomed(Welcome(VERSION, "hall", "id", 9, 1000, 1.0))
    assert exchange.arrived(Missed(9, None, "gone"))
    assert exchange.arrived(Deliver(LobbyMessage(10, "m", "bob"), 2))
    assert exchange.lag == 4
    exchange.take(9)
    assert exchange.hello().unread == (10,)
    assert exchange.hello().heard == 9


def test_replies_that_were_had_out_of_turn_are_told_until_the_reader_has_passed_them():
    exchange = Exchange("ann", "s", observer=False, notices=False, after=4, settled=set(), had=(7,), window=3)
    exchange.replied(9)
    exchange.replied(3)
    assert sorted(exchange.hello().had) == [7, 9]
    exchange.take(8)
    assert exchange.hello().had == (9,)
    exchange.take(10)
    assert exchange.hello().had == ()


def test_a_reply_that_nobody_waits_for_is_read_without_passing_what_is_still_at_the_server():
    exchange = Exchange("ann", "s", observer=False, notices=False, after=4, settled=None, had=(), window=1)
    exchange.welcomed(Welcome(VERSION, "hall", "id", 4, 1000, 1.0))
    exchange.arrived(Deliver(LobbyMessage(5, "m5", "bob"), 3))
    exchange.late(LobbyMessage(9, "m9", "bob"))
    exchange.validate()
    assert (exchange.hello().heard, exchange.hello().unread, exchange.hello().had) == (4, (5,), (9,))
    exchange.take(5)
    assert exchange.untold
    for _ in range(2):
        exchange.take(9)
    assert (exchange.hello().heard, exchange.hello().unread, exchange.hello().had) == (5, (), (9,))
    assert exchange.arrived(Deliver(LobbyMessage(7, "m7", "bob"), 0)), "what came before it is still to come"
    exchange.validate()


def test_topics_are_known_as_the_server_has_them():
    exchange = Exchange("ann", "s", observer=False, notices=False, after=4, settled=None, had=(), window=3)
    for handle, topic, on in (("1", "a", True), ("2", "b", True), ("3", "a", False), ("4", "c", False)):
        exchange.owed[handle] = Topic(handle, topic, on)
        exchange.answered(handle)
        exchange.answered(handle)
    assert exchange.hello().topics == ("b",)


# ---------------------------------------------------------------------- frames

text = st.text(max_size=20)
parts = st.one_of(
    st.builds(Text, text=text),
    st.builds(Code, language=text, text=text),
    st.builds(Image, media_type=st.just("image/png"), data=st.binary(max_size=50)),
    st.builds(File, name=text, media_type=st.just("a/b"), data=st.binary(max_size=50)),
)
names = st.text(min_size=1, max_size=20)
numbers = st.integers(0, 2**62)
messages = st.builds(
    LobbyMessage,
    numbers,
    names,
    names,
    st.lists(parts, max_size=3).map(tuple),
    st.none() | names,
    st.none() | names,
)
clients = st.one_of(
    st.builds(Hello, st.integers(0, 9), names, names, unread=st.lists(numbers, max_size=3).map(tuple)),
    st.builds(Post, names, st.lists(parts, max_size=3).map(tuple), st.none() | names),
    st.builds(Topic, names, text, st.booleans()),
    st.builds(Heard, numbers),
    st.builds(Leave, numbers),
)
servers = st.one_of(
    st.builds(Deliver, messages, numbers),
    st.builds(Missed, numbers, st.none() | numbers, text),
    st.builds(Done, names, numbers, text),
    st.builds(Denied, names, text, text),
    st.builds(Gone, st.sampled_from(["left", "session", "lobby"]), text),
)


@given(clients)
def test_a_client_s_frame_is_one_json_object_and_comes_back_as_it_was(frame):
    assert json.loads(written(frame))["frame"] == frame.frame
    assert read_client(written(frame).decode()) == frame


@given(servers)
def test_a_server_s_frame_comes_back_as_it_was(frame):
    assert read_server(written(frame).decode()) == frame


@given(
    st.text(max_size=100)
    | st.recursive(st.none() | st.integers() | text, lambda x: st.dictionaries(text, x)).map(json.dumps)
)
def test_what_is_no_frame_is_refused_without_repeating_it(sent):
    for read in (read_client, read_server):
        with pytest.raises(WireError) as caught:
            read(sent)
        assert len(str(caught.value)) < 600


def test_bytes_are_base64_on_the_wire():
    frame = Post("h", (File(name="a", media_type="a/b", data=b"\x00\xff"),))
    assert json.loads(written(frame))["parts"][0]["data"] == "AP8="


@pytest.mark.parametrize(
    ("host", "loops"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
    ],
)
def test_loopback_is_known_from_what_others_reach(host, loops):
    assert is_loopback(host) is loops


def test_the_logger_keeps_what_is_said_in_debugging_to_itself():
    logger = quiet("backedge.test")
    assert isinstance(logger, QuietLogger)
    assert [logger.isEnabledFor(level) for level in (10, 30)] == [False, True]
