"""The admin takes over: at Ctrl-C and SIGTERM, by a signal from elsewhere, with words, a next speaker, or the end."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backedge import InputError, RunFailedError, RunInterruptedError, RunStatus, send
from backedge.checkpoints import MemoryJournal
from backedge.nodes.chat import (
    Assistant,
    Auto,
    Chat,
    MaxTurns,
    UserProxy,
    Words,
    converse,
    converse_sync,
    group_chat,
)
from backedge.nodes.chat.driving import _taking_over as taking_over
from backedge.nodes.tools import tool
from backedge.providers import ScriptedModel
from backedge.providers.errors import OverloadedError

from ... import forking
from .talks import call, calls, lines, order, says, talked

PROGRAM = Path(__file__).parent / "talking.py"
CALLS = ["choice-1", "ann-1", "choice-2", "bob-1", "choice-3", "ann-2", "choice-4", "bob-2"]
HEARD = ["admin: go", "ann: turn after admin: go", "bob: turn by bob"]


class Talk:
    """A talk in processes of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "account"

    def arguments(self, *more):
        return [PROGRAM, str(self.folder / "runs.db"), str(self.file), *more]

    def begun(self, slow):
        """A process that is inside of a call."""
        process = forking.start(*self.arguments(slow))
        assert process.stdout.readline() == b"inside\n"
        return process

    def go_on(self):
        """Let it, and every later process, out of that call."""
        self.file.with_suffix(".go").touch()

    def resumed(self, *more):
        done = forking.run(*self.arguments(*more))
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().splitlines()

    @property
    def account(self):
        return self.file.read_text().split()


@pytest.fixture
def talk(tmp_path):
    return Talk(tmp_path)


def test_at_a_signal_the_turn_ends_the_run_is_suspended_and_the_admin_speaks_next(talk):
    process = talk.begun("bob-1")
    process.send_signal(signal.SIGTERM)  # the other test, and the one of the example, begin with SIGINT
    assert process.stderr.readline() == b"\n"
    assert process.stderr.readline() == b"after this turn you have the floor (once more: stop at once) ...\n"
    talk.go_on()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.decode().splitlines() == [
        "suspended",
        "question admin, you have the floor. Say something to all, or nothing to let them go on.",
        "signal admin",
    ]
    assert talk.account == CALLS[:4]
    told = talk.resumed("--words", "be brief")
    assert told == [
        "completed",
        *HEARD,
        "admin: be brief",
        "ann: turn after admin: be brief",
        "bob: turn by bob",
    ]
    assert talk.account == CALLS, "nothing is done twice, and everybody goes on"


def test_at_the_second_signal_the_run_stops_at_once_and_goes_on_with_the_turn_and_the_words(talk):
    process = talk.begun("bob-1")
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == b"\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.startswith(b"run 'talk' was interrupted; go on with resume('talk'")
    talk.go_on()
    told = talk.resumed("--words", "be brief")
    assert told[:5] == ["completed", *HEARD, "admin: be brief"]
    assert talk.account == [*CALLS[:4], "bob-1", *CALLS[4:]], "only what was broken off is done again"


@pytest.mark.parametrize("call", ["ann-2", "choice-3"])
def test_a_killed_talk_goes_on_with_the_call_it_was_killed_in_and_repeats_no_other(talk, call):
    process = talk.begun(call)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    talk.go_on()
    assert talk.resumed()[1:] == [*HEARD, "ann: turn after bob: turn by bob", "bob: turn by bob"]
    place = CALLS.index(call)
    assert talk.account == [*CALLS[: place + 1], *CALLS[place:]]


# ---------------------------------------------------------------------- words from elsewhere


def members(*names):
    return [says(name) for name in names]


def waiting():
    """A member that asks somebody in its first turn, so that the run rests."""

    async def eva(chat: Chat, ctx) -> str:
        return await ctx.ask("well?") if chat.turns == 0 else f"eva {chat.turns + 1}"

    return eva


async def test_words_that_are_sent_are_said_next_and_everybody_hears_them():
    model = ScriptedModel(["x"])
    graph = group_chat([waiting(), Assistant(model, name="bob")], until=MaxTurns(2), admin="ann")
    signals = [("admin", "one"), ("admin", {"say": "two"})]
    state = (await talked(graph, signals=signals, answers=["well"])).state
    assert lines(state) == [("ann", "go"), ("eva", "well"), ("ann", "one"), ("ann", "two"), ("bob", "x")]
    assert [message.text for message in model.requests[0].messages[-2:]] == ["ann: one", "ann: two"]
    assert [said.turn for said in state.talk] == [0, 1, 0, 0, 2]


async def test_the_admin_says_who_speaks_next_and_when_it_is_over():
    graph = group_chat([waiting(), *members("bob", "cy")], until=MaxTurns(9), transitions={"eva": ["bob"]})
    signals = [("admin", {"speaker": "cy"})]
    flow, journal = graph.compile(), MemoryJournal()
    result = await flow.run({}, journal=journal, run_id="r")
    for name, value in signals:
        await send("r", name, value, journal=journal)
    await send("r", "admin", {"say": "enough", "end": True}, journal=journal)
    state = (await flow.resume("r", journal=journal, answers={result.questions[0].id: "well"})).state
    assert (state.ended, lines(state)) == ("admin ended it", [("eva", "well"), ("admin", "enough")])

    state = (await talked(graph, signals=signals, answers=["well"])).state
    assert order(state)[:3] == ["eva", "cy", "eva"]


async def test_an_admin_who_names_nobody_is_asked_again():
    graph = group_chat([waiting(), *members("bob")], until=MaxTurns(2))
    asked = []

    def answer(text):
        asked.append(text)
        return ["well", {"say": "you!", "speaker": "bob"}][len(asked) - 1]

    state = (await talked(graph, signals=[("admin", {"speaker": "dan"})], answers=answer)).state
    assert asked[1].startswith("There is no member 'dan'; there are eva, bob.\nadmin, you have the floor.")
    assert lines(state)[2:] == [("admin", "you!"), ("bob", "bob 2")]


async def test_nothing_said_lets_them_go_on():
    graph = group_chat([waiting(), *members("bob")], until=MaxTurns(2))
    state = (await talked(graph, signals=[("admin", None)], answers=["well", ""])).state
    assert order(state) == [said.speaker for said in state.talk[1:]] == ["eva", "bob"]


async def test_an_admin_who_asks_for_the_floor_twice_is_asked_once():
    graph = group_chat([waiting(), *members("bob")], until=MaxTurns(2))
    signals = [("admin", None), ("admin", None)]
    state = (await talked(graph, signals=signals, answers=["well", "hear"])).state
    assert lines(state)[2:] == [("admin", "hear"), ("bob", "bob 2")]


async def test_an_admin_who_is_asked_may_also_send_the_words():
    flow, journal = group_chat([waiting(), *members("bob")], until=MaxTurns(2)).compile(), MemoryJournal()
    result = await flow.run({"task": "go"}, journal=journal, run_id="r")
    await send("r", "admin", journal=journal)
    result = await flow.resume("r", journal=journal, answers={result.questions[0].id: "well"})
    assert result.status is RunStatus.SUSPENDED
    assert result.questions[0].text.startswith("admin, you have the floor.")
    await send("r", "admin", "sent", journal=journal)
    state = (await flow.resume("r", journal=journal)).state
    assert lines(state)[2:] == [("admin", "sent"), ("bob", "bob 2")]
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_words_end_a_call_of_tools_that_nobody_answered_yet():
    @tool(permission="read")
    async def look() -> str:
        """Look."""
        raise AssertionError("nobody looks")

    journal = MemoryJournal()

    class Model(ScriptedModel):
        async def respond(self, request):
            if not self.requests:
                await send("r", "admin", "stop that", journal=journal)
            return await super().respond(request)

    model = Model([calls(call("look")), "as you say"])
    graph = group_chat(
        [Assistant(model, name="ann"), UserProxy(human="never", tools=[look])], until=MaxTurns(2)
    )
    state = (await graph.compile().run({"task": "go"}, journal=journal, run_id="r")).state
    assert lines(state)[2:] == [("admin", "stop that"), ("ann", "as you say")]
    roles = [message.role for message in model.requests[1].messages[1:]]
    assert roles == ["user", "assistant", "tool", "user"]
    assert "never carried out" in model.requests[1].messages[3].parts[0].text


async def test_words_are_not_lost_when_what_follows_them_fails():
    model = ScriptedModel(["eva", OverloadedError("full"), "bob"])
    flow = group_chat([waiting(), *members("bob")], until=MaxTurns(2), speaker=Auto(model)).compile()
    journal = MemoryJournal()
    result = await flow.run({}, journal=journal, run_id="r")
    await send("r", "admin", "hear", journal=journal)
    with pytest.raises(RunFailedError, match="full"):
        await flow.resume("r", journal=journal, answers={result.questions[0].id: "well"})
    state = (await flow.resume("r", journal=journal)).state
    assert lines(state) == [("eva", "well"), ("admin", "hear"), ("bob", "bob 2")]
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_what_is_sent_and_is_no_words_is_refused_and_the_talk_goes_on():
    signals = [("admin", 5), ("admin", {"said": "x"}), ("admin", "hear")]
    graph = group_chat([waiting(), *members("bob")], until=MaxTurns(2))
    state = (await talked(graph, signals=signals, answers=["well"])).state
    assert lines(state)[2:] == [("admin", "hear"), ("bob", "bob 2")]


async def test_a_talk_without_an_admin_hears_nobody():
    graph = group_chat([waiting(), *members("bob")], until=MaxTurns(2), admin=None)
    state = (await talked(graph, signals=[("admin", "hear")], answers=["well"])).state
    assert lines(state) == [("user", "go"), ("eva", "well"), ("bob", "bob 2")]


# ---------------------------------------------------------------------- converse


async def test_converse_begins_goes_on_and_says_words():
    graph, journal = group_chat([waiting(), *members("bob")], until=MaxTurns(2)), MemoryJournal()
    result = await converse(graph, {"task": "go"}, journal=journal, run_id="r")
    assert result.questions[0].text == "well?"
    answers = {result.questions[0].id: "well"}
    result = await converse(graph, journal=journal, run_id="r", answers=answers, words="and now?")
    assert lines(result.state)[2:] == [("admin", "and now?"), ("bob", "bob 2")]
    with pytest.raises(InputError, match="is completed: it takes no signal any more"):
        await converse(graph, journal=journal, run_id="r", words="too late")


async def test_words_that_nobody_could_say_are_refused():
    journal = MemoryJournal()
    with pytest.raises(InputError, match="there is no run 'r' yet to say something in"):
        await converse(group_chat(members("ann"), until=MaxTurns(1)), journal=journal, run_id="r", words="x")
    graph = group_chat(members("ann"), until=MaxTurns(1), admin=None)
    with pytest.raises(InputError, match="'group_chat' has none: build it with admin="):
        await converse(graph, journal=journal, run_id="r", words="x")
    assert not await journal.runs()


def test_converse_sync_asks_as_long_as_there_is_something_to_ask(tmp_path):
    async def eva(chat: Chat, ctx) -> str:
        return await ctx.ask(f"turn {chat.turns + 1}?")

    asked = []

    def ask(question):
        asked.append(question.text)
        return question.text.upper()

    graph = group_chat([eva], until=MaxTurns(2))
    result = converse_sync(graph, {}, journal=tmp_path / "runs.db", run_id="r", ask=ask)
    assert asked == ["turn 1?", "turn 2?"]
    assert lines(result.state) == [("eva", "TURN 1?"), ("eva", "TURN 2?")]


def test_converse_leaves_signal_handlers_as_they_were(tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    during = []

    async def ann(chat: Chat, ctx) -> str:
        during.append(signal.getsignal(signal.SIGTERM))
        return "x"

    converse_sync(group_chat([ann], until=MaxTurns(1)), journal=tmp_path / "runs.db", run_id="r")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert during[0] != before[1]


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    during = []

    async def ann(chat: Chat, ctx) -> str:
        during.append(signal.getsignal(signal.SIGTERM))
        return "x"

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        converse_sync(group_chat([ann], until=MaxTurns(1)), journal=tmp_path / "runs.db", run_id="r")
        assert [*during, signal.getsignal(signal.SIGTERM)] == [signal.SIG_IGN] * 2
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_where_the_floor_cannot_be_asked_for_the_run_stops():
    stopped = asyncio.Event()

    class Deaf:
        async def send(self, name):
            raise InputError("nobody hears")

        def interrupt(self):
            stopped.set()

    with taking_over(Deaf(), heard=True):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stopped.wait(), 10)


def test_words_are_said_once_however_many_questions_follow(tmp_path):
    async def eva(chat: Chat, ctx) -> str:
        return await ctx.ask("?")

    flow = group_chat([eva], until=MaxTurns(3)).compile()
    where = {"journal": tmp_path / "runs.db", "run_id": "r"}
    converse_sync(flow, **where)
    state = converse_sync(flow, **where, words="hear", ask=lambda question: "y").state
    assert [said.text for said in state.talk] == ["y", "hear", "y", "y"]


def test_nobody_is_asked_where_a_talk_waits_for_a_signal(tmp_path):
    async def eva(chat: Chat, ctx) -> str:
        return await ctx.receive("mail")

    def ask(question):
        raise AssertionError("a signal is no question")

    graph = group_chat([eva], until=MaxTurns(1))
    result = converse_sync(graph, journal=tmp_path / "runs.db", run_id="r", ask=ask)
    assert [question.kind for question in result.questions] == ["signal"]


def test_words_are_a_type_of_their_own():
    assert Words(say="x").end is False
    with pytest.raises(ValueError, match="Extra inputs"):
        Words(said="x")


@pytest.mark.parametrize("admin", [None, "admin"])
def test_signals_stop_a_talk_at_once_where_there_is_no_admin_and_else_at_the_second(tmp_path, admin):
    async def ann(chat: Chat, ctx) -> str:
        if chat.turns == 1 and not (tmp_path / "stopped").exists():
            (tmp_path / "stopped").touch()
            for _ in range(1 if admin is None else 2):
                os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        return f"x{chat.turns}"

    flow = group_chat([ann], until=MaxTurns(2), admin=admin).compile()
    with pytest.raises(RunInterruptedError):
        converse_sync(flow, journal=tmp_path / "runs.db", run_id="r")
    result = converse_sync(flow, journal=tmp_path / "runs.db", run_id="r", ask=lambda question: "")
    assert lines(result.state) == [("ann", "x0"), ("ann", "x1")]


def test_in_another_thread_no_signals_are_taken(tmp_path):
    graph, before = group_chat(members("ann"), until=MaxTurns(1)), signal.getsignal(signal.SIGTERM)
    during = []
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(
            converse_sync,
            graph,
            {},
            journal=tmp_path / "runs.db",
            run_id="r",
            tell=lambda said: during.append(signal.getsignal(signal.SIGTERM)),
        )
        assert lines(done.result(60).state) == [("ann", "ann 1")]
    assert during == [before]


async def test_what_is_said_is_told_as_it_is_said():
    told = []
    graph, journal = group_chat([waiting(), *members("bob")], until=MaxTurns(2)), MemoryJournal()
    result = await converse(graph, {"task": "go"}, journal=journal, run_id="r", tell=told.append)
    assert [said.text for said in told] == ["go"]
    answers = {result.questions[0].id: "well"}
    result = await converse(
        graph, journal=journal, run_id="r", words="hear", answers=answers, tell=told.append
    )
    assert told == result.state.talk


WORDS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["eva", "send"])), max_size=6)


@settings(max_examples=4)
@given(WORDS, st.sets(st.integers(0, 5)))
async def test_no_word_is_lost_doubled_or_out_of_order_wherever_the_run_rests(planned, rests):
    """Words are sent at any turn, in turns that suspend the run and in others; the run is resumed until it is over."""
    journal, spoken = MemoryJournal(), []

    async def eva(chat: Chat, ctx) -> str:
        turn = chat.turns
        for number, (when, _) in enumerate(planned):
            if when == turn:
                await ctx.step("say", say, number)
        return await ctx.ask("?") if turn in rests else "x"

    async def say(number: int) -> None:
        spoken.append(f"w{number}")
        await send("r", "admin", f"w{number}", journal=journal)

    flow = group_chat([eva], until=MaxTurns(6)).compile()
    result = await flow.run({}, journal=journal, run_id="r")
    while result.questions:
        result = await flow.resume("r", journal=journal, answers={result.questions[0].id: "y"})
    heard = [said.text for said in result.state.talk if not said.turn]
    late = {f"w{number}" for number, (when, _) in enumerate(planned) if when == 5}
    assert heard == [word for word in spoken if word in heard]
    assert set(spoken) - set(heard) <= late, "only words in the last turn may come too late"
    assert [said.turn for said in result.state.talk if said.turn] == [1, 2, 3, 4, 5, 6]
    assert await flow.replay("r", journal=journal, rerun="all")
