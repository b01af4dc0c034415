"""What a model is shown of a long conversation: never a torn pair, always the question, and summaries made once."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backedge.nodes.agents import Agent, Everything, KeepTokens, KeepTurns, NoAnswerError, Summarise, Summary
from backedge.nodes.agents.conversation import messages_of, tokens_of, turns_of
from backedge.nodes.tools import tool
from backedge.providers import Message, ScriptedModel, ToolResult

from .scripts import call, calls, failure, flow_of, ran


async def nobody(request, model):
    raise AssertionError("nobody should be asked")


async def shown(policy, entries, question, ask=nobody):
    return (await policy.recall(entries, question, ask)).messages


def exchange(number, *, turns):
    """A question, turns with two calls each, and an answer."""
    said = [Message.of("user", f"Q{number}")]
    for turn in range(turns):
        ids = [f"{number}.{turn}{x}" for x in "ab"]
        said.append(calls(*(call("x", json.dumps({"t": "y" * 10}), one) for one in ids)))
        said.append(Message.of("tool", *(ToolResult(id=one, content="z" * 50) for one in ids)))
    return [*said, Message.of("assistant", f"A{number}")]


EXCHANGES = st.lists(st.integers(0, 4), max_size=5)
CUTS = st.one_of(
    st.builds(KeepTurns, st.integers(1, 12)),
    st.builds(KeepTokens, st.integers(1, 900)),
    st.just(Everything()),
)


def conversation(earlier, turns_now):
    past = [message for number, turns in enumerate(earlier) for message in exchange(number, turns=turns)]
    return [*past, *exchange("now", turns=turns_now)[:-1]], len(past)


def check(messages, entries, question):
    """What any provider wants of a conversation, and what a model needs."""
    assert entries[question] in messages
    assert entries[-1] in messages, "the last turn is there"
    assert messages[0].role == "user"
    open_calls = []
    for message in messages:
        results = [part.id for part in message.parts if part.kind == "tool_result"]
        assert results == open_calls, "results follow their calls, and calls their results"
        open_calls = [one.id for one in message.tool_calls]
    assert not open_calls


@settings(deadline=None)
@given(EXCHANGES, st.integers(0, 6), CUTS)
async def test_no_call_is_torn_from_its_result_and_the_question_is_always_there(earlier, now, policy):
    entries, question = conversation(earlier, now)
    messages = await shown(policy, entries, question)
    check(messages, entries, question)
    places = [entries.index(message) for message in messages]
    assert places == sorted(places)
    without = [place for place in places if place != question]
    if without:
        assert without == [p for p in range(without[0], len(entries)) if p != question], "there is no gap"


@settings(deadline=None)
@given(EXCHANGES, st.integers(0, 6), st.integers(1, 900))
async def test_what_is_shown_keeps_the_bound_or_is_the_question_and_the_last_turn(earlier, now, most):
    entries, question = conversation(earlier, now)
    messages = await shown(KeepTokens(most), entries, question)
    turns = {entries.index(message) for message in messages}
    least = {question, len(entries) - 1, len(entries) - 2 if now else question}
    assert tokens_of(messages) <= most or turns == least


@settings(deadline=None)
@given(EXCHANGES, st.integers(0, 6))
async def test_what_just_fits_is_shown_whole(earlier, now):
    entries, question = conversation(earlier, now)
    most = sum(turn.tokens for turn in turns_of(entries))
    assert await shown(KeepTokens(most), entries, question) == tuple(entries)


async def test_a_result_without_its_call_is_summarised_with_what_follows_it():
    entries = [
        Message.of("tool", ToolResult(id="0", content="lost")),
        *exchange(1, turns=0),
        Message.of("user", "Q2"),
    ]

    async def ask(request, model):
        return "short"

    recalled = await Summarise(over=KeepTokens(1)).recall(entries, 3, ask)
    assert recalled.added == (Summary(covers=3, text="short"),)
    assert [message.text for message in recalled.messages][1:] == ["Q2"]


@settings(deadline=None)
@given(EXCHANGES, st.integers(0, 6), st.integers(1, 12))
async def test_as_many_answers_are_shown_as_are_to_be_kept_or_as_the_rest_of_an_exchange_allows(
    earlier, now, most
):
    entries, question = conversation(earlier, now)
    messages = await shown(KeepTurns(most), entries, question)
    answers = sum(message.role == "assistant" for message in messages)
    assert answers <= most
    if now >= most:
        assert answers == most


async def test_the_last_turns_come_with_what_was_asked_before_them():
    entries = [*exchange(1, turns=0), *exchange(2, turns=0), Message.of("user", "Q3")]
    messages = await shown(KeepTurns(1), entries, 4)
    assert [message.text for message in messages] == ["Q2", "A2", "Q3"]


async def test_in_a_long_run_of_one_question_the_question_stays_before_the_last_turns():
    entries, question = conversation([], 5)
    messages = await shown(KeepTurns(2), entries, question)
    assert messages == (entries[0], *entries[-4:])


@settings(deadline=None)
@given(EXCHANGES, st.integers(0, 6), CUTS, CUTS)
async def test_behind_a_summary_the_same_holds_and_nothing_is_both_summarised_and_shown(
    earlier, now, over, keep
):
    entries, question = conversation(earlier, now)
    told = []

    async def ask(request, model):
        told.append(request.messages[-1].text)
        return f"summary {len(told)}"

    policy = Summarise(over=over, keep=keep)
    recalled = await policy.recall(entries, question, ask)
    kept = [message for message in recalled.messages if not message.text.startswith("What was said before")]
    check(kept, entries, question)
    if recalled.added:
        (summary,) = recalled.added
        rest = [m for m in entries[summary.covers :] if m is not entries[question]]
        assert [m for m in kept if m != entries[question]] == rest
        again = await Everything().recall([*entries, summary], question, nobody)
        assert again.messages == recalled.messages
        more = [*entries, summary, *exchange("more", turns=1)]
        later = await policy.recall(more, question, ask)
        check([m for m in later.messages if m.text[:4] != "What"], messages_of(more), question)
        if later.added:
            rest = [m for m in messages_of(more)[later.added[0].covers :] if m is not entries[question]]
            assert [m for m in later.messages if m.text[:4] != "What" and m != entries[question]] == rest
            assert "summary 1" in told[1], "a summary of a summary holds what that held"
    else:
        assert kept == entries


async def test_an_agent_summarises_what_is_old_once_and_goes_on_with_it():
    @tool(permission="read")
    async def read(page: int) -> str:
        """Read a page."""
        return f"page {page} " + "word " * 40

    main = ScriptedModel([*(calls(call("read", json.dumps({"page": n}))) for n in range(4)), "read all"])
    short = ScriptedModel(["pages 0 to 1 were read", "pages 0 to 3 were read"], name="short")
    memory = Summarise(over=KeepTokens(300), keep=KeepTokens(200), model=short)
    result = await ran(Agent(main, [read], "Read.", memory=memory))
    assert result.state.answer == "read all"
    summaries = [entry for entry in result.state.chat if isinstance(entry, Summary)]
    assert [one.text for one in summaries] == [f"pages 0 to {n} were read" for n in (1, 3)[: len(summaries)]]
    last = main.requests[-1].messages
    assert last[1].text == f"What was said before, in short:\n{summaries[-1].text}"
    assert last[2].text == "why?"
    assert "page 0" in short.requests[0].messages[1].text
    assert tokens_of(last[1:]) < 300


async def test_a_summary_of_an_earlier_round_is_not_made_again():
    main = ScriptedModel(["one", "two"])
    short = ScriptedModel(["they greeted"])
    agent = Agent(main, memory=Summarise(over=KeepTurns(1), keep=KeepTurns(1), model=short))
    chat = [*exchange(1, turns=0), *exchange(2, turns=0)]
    first = (await ran(agent, {"chat": chat})).state.chat
    assert len(short.requests) == 1
    assert [m.text for m in main.requests[0].messages][1:] == ["Q2", "A2", "why?"]
    assert "Q1" in short.requests[0].messages[-1].text
    flow = flow_of(Agent(main, memory=Everything()))
    await flow.run({"chat": first, "question": "and?"})
    assert [m.text for m in main.requests[1].messages][1:] == ["Q2", "A2", "why?", "one", "and?"]


async def test_an_empty_summary_ends_the_agent_instead_of_its_memory():
    agent = Agent(ScriptedModel(["one"]), memory=Summarise(over=KeepTurns(1), model=ScriptedModel([" "])))
    chat = [*exchange(1, turns=0), *exchange(2, turns=0)]
    error = await failure(agent, NoAnswerError, {"chat": chat})
    assert "summary" in error.why


@pytest.mark.parametrize("policy", [KeepTurns, KeepTokens])
def test_nothing_is_no_memory(policy):
    with pytest.raises(ValueError, match="at least"):
        policy(0)
