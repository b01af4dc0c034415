"""When a talk is over: each condition, and what `&` and `|` make of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backedge import Context, RunStatus, send
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.chat import (
    Assistant,
    Chat,
    Condition,
    External,
    Mark,
    MaxCost,
    MaxTime,
    MaxTokens,
    MaxTurns,
    OnHandoff,
    Spent,
    TextMention,
    When,
    group_chat,
)
from backedge.providers import ScriptedModel, ToolResult

from .talks import answered, order, said, says, talked

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ABC = [says("ann"), says("bob"), says("cy")]


def ended(condition: Condition, **fields) -> bool:
    return condition.check(Chat(**fields)) is not None


def turns(number: int):
    return [said("ann", "x", turn=turn) for turn in range(1, number + 1)]


# ---------------------------------------------------------------------- each


def test_turns_count_from_the_mark_and_out_of_turn_words_do_not():
    talk = [said("admin", "go", role="user"), *turns(3), said("admin", "faster", role="user")]
    assert not ended(MaxTurns(4), talk=talk)
    assert ended(MaxTurns(3), talk=talk)
    assert not ended(MaxTurns(3), talk=talk, mark=Mark(turns=1))
    assert MaxTurns(2).check(Chat(talk=talk)) == "3 turns were taken"


def test_a_text_counts_in_any_turn_but_not_in_the_task_nor_in_results():
    over = TextMention("DONE")
    task = said("admin", "say DONE", role="user")
    result = said("user", ToolResult(id="1", content="DONE"), role="tool", turn=1)
    assert not ended(over, talk=[task, result, said("ann", "done", turn=2)])
    assert ended(over, talk=[task, said("ann", "all DONE.", turn=1), *turns(3)])
    assert not ended(over, talk=[said("ann", "DONE", turn=1), *turns(1)], mark=Mark(said=1))
    assert over.check(Chat(talk=[said("ann", "DONE", turn=1)])) == "ann said 'DONE'"


def test_only_the_words_of_those_named_count_and_the_admin_may_be_named():
    talk = [said("admin", "task DONE", role="user"), said("ann", "DONE", turn=1)]
    assert not ended(TextMention("DONE", by="bob"), talk=talk)
    assert not ended(TextMention("DONE", by="admin"), talk=talk, mark=Mark(said=1)), (
        "the mark is behind the task"
    )
    talk.append(said("admin", "DONE", role="user"))
    assert ended(TextMention("DONE", by=["bob", "admin"]), talk=talk, mark=Mark(said=1))


def test_time_goes_by_the_recorded_times():
    at = {"now": NOON + timedelta(seconds=60), "mark": Mark(at=NOON)}
    assert ended(MaxTime(60), **at)
    assert not ended(MaxTime(60.5), **at)
    assert MaxTime(9).check(Chat(**at)) == "60 seconds have passed"
    short = {"now": NOON + timedelta(seconds=0.25), "mark": Mark(at=NOON)}
    assert MaxTime(0.2).check(Chat(**short)) == "0.25 seconds have passed"
    assert not ended(MaxTime(1))


def test_tokens_and_dollars_count_from_the_mark():
    spent = {"spent": Spent(tokens=10, cost=2.0), "mark": Mark(spent=Spent(tokens=4, cost=0.5))}
    assert ended(MaxTokens(6), **spent)
    assert not ended(MaxTokens(7), **spent)
    assert ended(MaxCost(1.5), **spent)
    assert not ended(MaxCost(1.6), **spent)


def test_what_costs_nobody_knows_what_ends_it_unless_that_is_ignored():
    spent = Spent(unpriced=1)
    assert MaxCost(9).check(Chat(spent=spent)) == "what it costs is not known"
    assert not ended(MaxCost(9, unknown="ignore"), spent=spent)
    assert not ended(MaxCost(9), spent=spent, mark=Mark(spent=spent))


def test_a_handoff_to_the_one_that_is_named_or_to_anybody():
    talk = [said("ann", "over to you", handoff="user", turn=1)]
    assert OnHandoff("user").check(Chat(talk=talk)) == "ann handed over to user"
    assert ended(OnHandoff(), talk=talk)
    assert not ended(OnHandoff("bob"), talk=talk)
    assert not ended(OnHandoff("user"), talk=talk, mark=Mark(said=1))


def test_a_signal_that_came_since_the_mark():
    assert ended(External(), signals=["x", "stop"])
    assert not ended(External("halt"), signals=["x", "stop"])
    assert not ended(External("x"), signals=["x", "stop"], mark=Mark(signals=1))
    assert (External("a") & External("b") | MaxTurns(1)).signals == {"a", "b"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [(True, "a function said so"), ("late", "late"), (False, None), (None, None), ("", None)],
)
def test_a_function_gives_a_reason_or_whether_it_is_over(given, reason):
    assert When(lambda chat: given).check(Chat()) == reason


def test_a_function_that_gives_something_else_is_told_so():
    with pytest.raises(
        TypeError, match="until=<lambda> should give a reason, or whether the talk is over, not 3"
    ):
        When(lambda chat: 3).check(Chat())


@pytest.mark.parametrize(
    "make",
    [
        lambda: MaxTurns(0),
        lambda: MaxTurns(True),
        lambda: MaxTurns(2.5),
        lambda: MaxTime(0),
        lambda: MaxTime(float("inf")),
        lambda: MaxTokens("9"),
        lambda: MaxCost(-1),
        lambda: MaxCost(1, unknown="guess"),
        lambda: MaxCost(True),
        lambda: TextMention(""),
        lambda: TextMention("x", by=[]),
        lambda: External(""),
        lambda: External("admin"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(make):
    with pytest.raises(ValueError, match="wants|unknown="):
        make()


# ---------------------------------------------------------------------- composed


class Fixed(Condition):
    """Holds, or does not."""

    def __init__(self, name, holds):
        self.name, self.holds = name, holds

    def check(self, chat):
        return self.name if self.holds else None


TREES = st.recursive(
    st.booleans(), lambda inner: st.tuples(st.sampled_from("&|"), inner, inner), max_leaves=12
)


def built(tree, functions):
    """The condition of a tree, and whether it holds."""
    if isinstance(tree, bool):
        return (lambda chat: tree) if functions else Fixed("x", tree), tree
    sign, left, right = tree
    (one, first), (other, second) = built(left, functions), built(right, False)
    return (one & other, first and second) if sign == "&" else (one | other, first or second)


@given(TREES, st.booleans())
def test_compositions_hold_as_their_truth_tables_say_of_functions_too(tree, functions):
    condition, holds = built(("|", tree, False), functions)
    assert (condition.check(Chat()) is not None) is holds


def test_the_reason_is_that_of_the_first_that_holds_or_of_all():
    yes, no, also = Fixed("yes", True), Fixed("no", False), Fixed("also", True)
    assert (no | yes | also).check(Chat()) == "yes"
    assert (yes & also).check(Chat()) == "yes and also"
    assert (no | yes & no).check(Chat()) is None
    assert (lambda chat: "said so") | no != no
    assert ((lambda chat: "said so") & yes).check(Chat()) == "said so and yes"


def test_what_is_no_condition_is_refused():
    async def later(chat):
        return True

    for wrong in (3, "DONE", int, later):
        with pytest.raises(TypeError, match="until= takes conditions such as MaxTurns"):
            MaxTurns(1) | wrong


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_once_a_condition_holds_it_goes_on_holding(most, tokens, length, both):
    one, other = MaxTurns(most), MaxTokens(tokens)
    condition = one & other if both else one | other
    held = [
        condition.check(Chat(talk=turns(number), spent=Spent(tokens=2 * number))) is not None
        for number in range(length)
    ]
    assert held == sorted(held)


# ---------------------------------------------------------------------- in talks


@pytest.mark.parametrize(
    ("until", "names", "reason"),
    [
        (
            TextMention("bob 2") & MaxTurns(4),
            ["ann", "bob", "cy", "ann"],
            "bob said 'bob 2' and 4 turns were taken",
        ),
        (TextMention("bob 2") | MaxTurns(4), ["ann", "bob"], "bob said 'bob 2'"),
        (MaxTurns(9) | (lambda chat: len(chat.talk) == 4), ["ann", "bob", "cy"], "a function said so"),
    ],
)
async def test_a_talk_ends_as_soon_as_its_condition_holds_and_says_why(until, names, reason):
    state = (await talked(group_chat(ABC, until=until))).state
    assert (order(state), state.ended, state.speaker) == (names, reason, "")


@settings(max_examples=8)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.sampled_from("&|"))
async def test_limits_are_never_passed(most, hard, tokens, sign):
    model = ScriptedModel(lambda request: answered("x", tokens=2))
    one, other = MaxTurns(most), MaxTokens(tokens)
    until = one & other if sign == "&" else one | other
    graph = group_chat([Assistant(model)], until=until, max_turns=hard, admin=None)
    state = (await graph.compile().run({"task": "go"})).state
    by_tokens = -(-tokens // 2)
    wanted = max(most, by_tokens) if sign == "&" else min(most, by_tokens)
    assert state.turns == min(wanted, hard)
    if hard < wanted:
        assert state.ended.endswith("taken, the most there may be")


async def test_a_condition_that_holds_at_once_lets_nobody_speak():
    state = (await talked(group_chat(ABC, until=lambda chat: True))).state
    assert (order(state), [one.speaker for one in state.talk]) == ([], ["admin"])


async def test_the_task_does_not_end_it_whoever_says_it():
    state = (await talked(group_chat(ABC, until=TextMention("x", by="admin") | MaxTurns(2)), "x")).state
    assert state.ended == "2 turns were taken"


async def test_a_talk_that_is_handed_to_a_run_goes_on_and_conditions_count_from_there():
    flow = group_chat(ABC, until=MaxTurns(2) | TextMention("ann 1"), max_turns=2, admin=None).compile()
    first = (await flow.run({"task": "go"})).state
    assert first.ended == "ann said 'ann 1'"
    second = (await flow.run({"task": "more", "talk": first.talk})).state
    assert [(one.speaker, one.turn) for one in second.talk] == [
        ("user", 0),
        ("ann", 1),
        ("user", 0),
        ("bob", 2),
        ("cy", 3),
    ]
    assert second.ended == "2 turns were taken, the most there may be"


async def test_a_function_that_raises_fails_the_run_with_its_own_error():
    with pytest.raises(Exception, match="ZeroDivisionError"):
        await group_chat(ABC, until=lambda chat: 1 // 0).compile().run({})


async def test_tokens_and_dollars_of_agents_and_assistants_count():
    agent = Agent(
        ScriptedModel([answered("a", tokens=5, cost=1.0), answered("b", tokens=5, cost=1.0)]), name="ann"
    )
    other = Assistant(ScriptedModel([answered("c", tokens=1, cost=0.5)]), name="bob")
    state = (await talked(group_chat([agent, other], until=MaxCost(2.5)))).state
    assert (state.turns, state.spent) == (3, Spent(tokens=11, cost=2.5))
    assert state.ended == "2.5 dollars were spent"


async def test_a_call_whose_price_is_not_known_ends_a_talk_with_a_budget():
    agent = Agent(ScriptedModel(["a"]), name="ann")
    state = (await talked(group_chat([agent], until=MaxCost(2.5)))).state
    assert (state.turns, state.ended) == (1, "what it costs is not known")


async def test_time_does_not_start_anew_when_a_run_is_resumed():
    times = []

    async def asks(chat: Chat, ctx: Context) -> str:
        times.append(chat.seconds)
        return await ctx.ask("well?") if chat.turns == 1 else "x"

    flow, journal = group_chat([asks], until=MaxTurns(3)).compile(), MemoryJournal()
    result = await flow.run({}, journal=journal, run_id="r")
    result = await flow.resume("r", journal=journal, answers={result.questions[0].id: "well"})
    began = {
        checkpoint.after.mark.at
        for checkpoint in await flow.history("r", journal=journal)
        if checkpoint.after
    }
    assert len(began - {None}) == 1
    assert times == sorted(times)
    assert result.state.seconds > 0


async def test_a_signal_from_outside_ends_it_between_turns():
    async def asks(chat: Chat, ctx: Context) -> str:
        return await ctx.ask("well?")

    until = External("enough") | MaxTurns(9)
    result = await talked(group_chat([asks], until=until), answers=["one"], signals=[("enough", None)])
    assert (result.status, result.state.ended) == (RunStatus.COMPLETED, "signal 'enough' came")
    assert result.state.turns == 1


async def test_a_signal_ends_a_talk_that_is_under_way():
    journal = MemoryJournal()

    async def ann(chat: Chat, ctx: Context) -> str:
        if chat.turns == 2:
            await send("r", "enough", journal=journal)
        return "x"

    until = External("enough") | MaxTurns(50)
    state = (await group_chat([ann], until=until).compile().run({}, journal=journal, run_id="r")).state
    assert state.ended == "signal 'enough' came"
    assert state.turns < 6


async def test_without_a_journal_no_signal_can_come_and_that_is_said():
    with pytest.raises(Exception, match="waits for 'stop', which only a run with a journal can"):
        await group_chat(ABC, until=External()).compile().run({})
