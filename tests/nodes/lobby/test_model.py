"""Lobbies against a naive model: nothing lost in silence, nothing doubled, in order, nobody hears themselves, lag exact.

The second machine's log is a file, and its process ends and comes back: then nothing is lost at all.
"""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backedge.nodes.lobby import Lobby, MemoryLog, SqliteLog
from backedge.nodes.lobby.inbox import Gap
from backedge.nodes.lobby.message import parts_of

NAMES = {"ann", "bob", "cy", "dan"}
TOPICS = st.sampled_from(["tea", "rust"])
BUFFER, KEPT = 2, 9


@dataclass
class Known:
    """What the model knows of a member."""

    observer: bool
    notices: bool
    topics: set = field(default_factory=set)
    unread: list = field(default_factory=list)  # (number, what) in order
    blind: int = 0  # what came up to here is gone, and was not counted
    cursor: int = 0
    seat: object = None


class Talk(RuleBasedStateMachine):
    keep = KEPT

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner(debug=False)
        self.members = {}
        self.records = []
        self.count = 0
        self.lobby = self.made()

    def made(self):
        return Lobby(buffer=BUFFER, log=MemoryLog(self.keep))

    def teardown(self):
        self.runner.run(self.lobby.close())
        self.runner.close()

    @property
    def lost(self):
        return self.records[-self.keep - 1] if self.keep and len(self.records) > self.keep else 0

    def next_number(self):
        return self.lobby._room.number + 1 if self.lobby._room else 1

    def heard(self, number, what, names):
        self.records.append(number)
        for name in names:
            self.members[name].unread.append((number, what))

    def noticing(self, but):
        return [name for name, one in self.members.items() if one.notices and name != but]

    async def take_seat(self, name, **options):
        return await self.lobby.attach(name, session=name, **options)

    def among(self, test):
        return sorted(name for name, one in self.members.items() if test(one))

    # ------------------------------------------------------------------ coming and going

    @initialize(notices=st.booleans())
    def some_are_there(self, notices):
        self.comes("ann", observer=False, notices=notices)
        self.comes("bob", observer=False, notices=not notices)

    @precondition(lambda self: len(self.members) < len(NAMES))
    @rule(data=st.data(), observer=st.booleans(), notices=st.booleans())
    def enters(self, data, observer, notices):
        self.comes(data.draw(st.sampled_from(sorted(NAMES - self.members.keys()))), observer, notices)

    def comes(self, name, observer, notices):
        number = self.next_number()
        seat = self.runner.run(self.take_seat(name, observer=observer, notices=notices))
        self.heard(number, ("entered", name), self.noticing(name))
        self.members[name] = Known(observer, notices, cursor=number, seat=seat)

    @precondition(lambda self: len(self.members) > 2)
    @rule(data=st.data())
    def leaves(self, data):
        name = data.draw(st.sampled_from(sorted(self.members)))
        one = self.members[name]
        in_buffer = {message.number for message in one.seat._inbox.buffer} if one.seat else set()
        lost = self.lost
        number = self.next_number()
        self.runner.run(self.lobby.remove(name))
        del self.members[name]
        self.heard(number, ("left", name), self.noticing(name))
        for told, what in one.unread:
            if what[0] == "direct" and (told > lost or told in in_buffer):
                number += 1
                senders = [what[1]] if what[1] in self.members else []
                self.heard(number, ("returned", what[1], what[2]), senders)

    @precondition(lambda self: len(self.among(lambda one: one.seat)) > 2)
    @rule(data=st.data())
    def goes_away(self, data):
        one = self.members[data.draw(st.sampled_from(self.among(lambda one: one.seat)))]
        self.lobby.detach(one.seat)
        one.seat = None

    @precondition(lambda self: self.among(lambda one: not one.seat))
    @rule(data=st.data())
    def comes_back(self, data):
        self.back(data.draw(st.sampled_from(self.among(lambda one: not one.seat))))

    def back(self, name):
        one = self.members[name]
        one.seat = self.runner.run(
            self.take_seat(name, observer=one.observer, notices=one.notices, after=one.cursor)
        )
        one.blind = self.lost

    @precondition(lambda self: self.among(lambda one: one.seat))
    @rule(data=st.data(), topic=TOPICS, on=st.booleans())
    def changes_topics(self, data, topic, on):
        one = self.members[data.draw(st.sampled_from(self.among(lambda one: one.seat)))]
        if (topic in one.topics) == on:
            return
        number = self.next_number()
        self.runner.run(one.seat.subscribe(topic) if on else one.seat.unsubscribe(topic))
        self.records.append(number)
        (one.topics.add if on else one.topics.discard)(topic)

    # ------------------------------------------------------------------ talking

    @precondition(lambda self: self.among(lambda one: one.seat and not one.observer))
    @rule(data=st.data(), topic=st.none() | TOPICS, times=st.integers(1, 6))
    def speaks(self, data, topic, times):
        name = data.draw(st.sampled_from(self.among(lambda one: one.seat and not one.observer)))
        to = None if topic else data.draw(st.none() | st.sampled_from(sorted(NAMES - {name})))
        for _ in range(times):
            self.says(name, to, topic)

    def says(self, name, to, topic):
        self.count += 1
        text = str(self.count)
        made = self.runner.run(self.members[name].seat.say(parts_of([text]), to=to, topic=topic))
        if to is not None and to not in self.members:
            assert made.returned
            return
        assert not made.returned
        names = [
            each
            for each, other in self.members.items()
            if each != name and to in (None, each) and (topic is None or topic in other.topics)
        ]
        self.heard(made.number, ("direct" if to else "message", name, text), names)

    @precondition(lambda self: self.among(lambda one: one.seat and one.unread))
    @rule(data=st.data(), times=st.integers(1, 9))
    def reads(self, data, times):
        one = self.members[data.draw(st.sampled_from(self.among(lambda one: one.seat and one.unread)))]
        for _ in range(times):
            if not one.unread:
                return
            found = self.runner.run(self.read(one.seat))
            if isinstance(found, Gap):
                gone = [number for number, _ in one.unread if number <= found.upto]
                assert max(gone, default=0) <= self.lost, "what is called gone is not there"
                assert found.missed in (None, len(gone))
                one.unread = one.unread[len(gone) :]
                one.cursor, one.blind = found.upto, 0
                continue
            number, what = one.unread.pop(0)
            assert (found.number, said(found)) == (number, what)
            one.seat.take(found)
            one.cursor = number

    async def read(self, seat):
        async with asyncio.timeout(5):
            return await seat.head_or_gap()

    @invariant()
    def everything_fits(self):
        if self.lobby._room:
            self.lobby._room.validate()
        assert set(self.lobby.members) == set(self.members)
        for one in self.members.values():
            if one.seat is not None:
                one.seat._inbox.validate()
                counted = [number for number, _ in one.unread if number > one.blind]
                assert one.seat.lag == len(counted)


def said(message):
    if message.kind in ("entered", "left"):
        return (message.kind, message.sender)
    kind = "returned" if message.returned else "direct" if message.to else "message"
    return (kind, message.sender, message.text)


class LastingTalk(Talk):
    keep = 0  # all

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        super().__init__()

    def made(self):
        return Lobby(buffer=BUFFER, log=SqliteLog(self.folder / "lobby.db"))

    def teardown(self):
        super().teardown()
        shutil.rmtree(self.folder)

    @rule()
    def the_process_ends_and_comes_back(self):
        for one in self.members.values():
            one.seat = None
        self.runner.run(self.lobby.close())
        self.lobby = self.made()
        self.runner.run(self.lobby.open())
        for name in list(self.members):
            self.back(name)


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=15, stateful_step_count=30)
TestLastingTalk = LastingTalk.TestCase
TestLastingTalk.settings = settings(max_examples=6, stateful_step_count=20)
