"""Who speaks next: in order, by chance, by a person, by a model, by a function."""

from collections import Counter
from itertools import pairwise

import pytest

from backedge import RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.chat import Auto, MaxTurns, Member, Random, SpeakerError, TextMention, group_chat
from backedge.providers import ScriptedModel, Usage
from backedge.providers.errors import BadToolCallError, OverloadedError

from .talks import answered, order, says, talked

ABC = [says("ann"), says("bob"), says("cy")]


async def test_round_robin_goes_in_the_order_of_the_members():
    result = await talked(group_chat(ABC, until=MaxTurns(5)))
    assert order(result.state) == ["ann", "bob", "cy", "ann", "bob"]
    assert result.state.ended == "5 turns were taken"
    assert [one.turn for one in result.state.talk] == [0, 1, 2, 3, 4, 5]


async def test_round_robin_passes_over_who_may_not_follow():
    result = await talked(
        group_chat(ABC, until=MaxTurns(4), transitions={"ann": ["cy"], "cy": ["cy", "bob"]})
    )
    assert order(result.state) == ["ann", "cy", "bob", "cy"]


async def test_members_that_are_forbidden_do_not_follow():
    result = await talked(group_chat(ABC, until=MaxTurns(4), forbidden={"ann": ["bob"], "cy": ["ann"]}))
    assert order(result.state) == ["ann", "cy", "bob", "cy"]


async def test_chance_is_the_same_for_the_same_seed_and_asks_everybody():
    async def by(seed):
        graph = group_chat(ABC, until=MaxTurns(10), admin=None, speaker="random", seed=seed)
        return order((await talked(graph)).state)

    one, again, other = await by(1), await by(1), await by(2)
    assert one == again
    assert one != other
    assert set(one) == {"ann", "bob", "cy"}
    assert any(left == right for left, right in pairwise(one)), "repeats are allowed"


async def test_without_repeats_chance_never_names_the_same_member_twice_in_a_row():
    graph = group_chat(ABC, until=MaxTurns(12), admin=None, speaker=Random(3), repeat=False)
    names = order((await talked(graph)).state)
    assert all(left != right for left, right in pairwise(names))


async def test_chance_without_a_seed_is_recorded():
    graph = group_chat(ABC, until=MaxTurns(10), speaker="random", admin=None)
    flow, journal = graph.compile(), MemoryJournal()
    names = {tuple(order((await flow.run({}, journal=journal, run_id=f"{n}")).state)) for n in range(3)}
    assert len(names) > 1
    for number in range(2):
        assert await flow.replay(f"{number}", journal=journal, rerun="all")


async def test_a_person_is_asked_among_those_who_may_speak():
    asked = []

    def answer(text):
        asked.append(text)
        return "cy" if len(asked) == 1 else "ann"

    graph = group_chat(
        ABC, until=MaxTurns(3), speaker="manual", transitions={"cy": ["ann", "bob"], "ann": ["ann"]}
    )
    result = await talked(graph, answers=answer)
    assert order(result.state) == ["cy", "ann", "ann"]
    assert asked == [
        "admin: go\n\nWho speaks next? (ann, bob, cy)",
        "cy: cy 1\n\nWho speaks next? (ann, bob)",
    ], "not where one is left"


async def test_a_person_who_names_nobody_who_may_speak_is_asked_again():
    flow, journal = group_chat(ABC, until=MaxTurns(1), speaker="manual").compile(), MemoryJournal()
    result = await flow.run({"task": "go"}, journal=journal, run_id="r")
    assert (result.status, result.questions[0].detail["choices"]) == (
        RunStatus.SUSPENDED,
        ["ann", "bob", "cy"],
    )
    with pytest.raises(ValueError, match="dan") as refused:
        await _answered(flow, journal, "dan")
    assert "'ann', 'bob' or 'cy'" in str(refused.value)
    assert order((await _answered(flow, journal, "bob")).state) == ["bob"]


async def _answered(flow, journal, name):
    try:
        return await flow.resume("r", journal=journal, answers={"select_speaker@0": name})
    except Exception as error:
        raise ValueError(str(error)) from error


# ---------------------------------------------------------------------- a model


def described():
    return [Member(says("ann"), description="Writes.\nA lot."), Member(says("bob"), description="Reads.")]


async def test_a_model_chooses_by_names_descriptions_and_what_was_said():
    model = ScriptedModel(["bob", "**Ann**.", "I would let bob go on"])
    result = await talked(group_chat(described(), until=MaxTurns(3), speaker="auto", model=model))
    assert order(result.state) == ["bob", "ann", "bob"]
    asked = model.requests[1].messages[-1].text
    assert "- ann: Writes. A lot.\n- bob: Reads.\n" in asked
    assert "admin: go\n\nbob: bob 1" in asked
    assert asked.endswith("Answer with one of these names alone: ann, bob.")


async def test_a_model_that_names_nobody_is_told_what_was_wrong_and_asked_again():
    model = ScriptedModel(["ann and bob", "", "dan", "bob"])
    graph = group_chat(described(), until=MaxTurns(1), speaker=Auto(model, retries=3))
    assert order((await talked(graph)).state) == ["bob"]
    told = [request.messages[-1].text for request in model.requests[1:]]
    assert told == [
        "That names several. Answer with one of these names alone: ann, bob.",
        "That was empty. Answer with one of these names alone: ann, bob.",
        "That is none of those who may speak. Answer with one of these names alone: ann, bob.",
    ]
    assert [message.role for message in model.requests[-1].messages].count("assistant") == 2


async def test_a_choosing_model_that_calls_a_tool_in_a_broken_way_is_asked_again_and_what_it_took_counts():
    model = ScriptedModel([BadToolCallError("no JSON", usage=Usage(output_tokens=5)), "bob"])
    state = (await talked(group_chat(described(), until=MaxTurns(1), speaker=Auto(model)))).state
    assert (order(state), state.spent.tokens) == (["bob"], 6)
    assert model.requests[-1].messages[-1].text.startswith("That could not be used: no JSON. Answer with one")


async def test_a_model_that_names_who_may_not_speak_is_told_so():
    model = ScriptedModel(["ann", "ann", "cy"])
    graph = group_chat(ABC, until=MaxTurns(2), speaker=Auto(model), transitions={"ann": ["bob", "cy"]})
    assert order((await talked(graph)).state) == ["ann", "cy"]
    assert model.requests[-1].messages[-1].text.startswith("ann may not speak now.")


@pytest.mark.parametrize(
    ("fallback", "who"), [("round_robin", "bob"), ("cy", "cy"), ("ann", "bob")], ids=["next", "one", "barred"]
)
async def test_when_all_answers_are_useless_the_fallback_speaks(fallback, who):
    model = ScriptedModel(["ann", *["nobody"] * 3])
    rules = {"ann": ["bob", "cy"]}
    graph = group_chat(
        ABC, until=MaxTurns(2), speaker=Auto(model, fallback=fallback), transitions=rules, admin=None
    )
    flow, journal = graph.compile(), MemoryJournal()
    result = await flow.run({"task": "go"}, journal=journal, run_id="r")
    assert order(result.state) == ["ann", who]
    states = [checkpoint.after for checkpoint in await flow.history("r", journal=journal)]
    assert any(
        state is not None and "nobody who may speak in 3 answers" in state.chosen_by for state in states
    )


async def test_without_a_fallback_the_run_fails_and_asks_anew_when_it_is_resumed():
    model = ScriptedModel(["nobody", "nobody", "cy"])
    flow = group_chat(ABC, until=MaxTurns(1), speaker=Auto(model, retries=1, fallback="fail")).compile()
    journal = MemoryJournal()
    with pytest.raises(
        RunFailedError, match="the model named nobody who may speak in 2 answers; there are ann"
    ):
        await flow.run({}, journal=journal, run_id="r")
    assert order((await flow.resume("r", journal=journal)).state) == ["cy"]


async def test_a_model_that_cannot_be_reached_fails_the_run_and_no_choice_is_made_up():
    model = ScriptedModel([OverloadedError("full"), "cy"])
    flow, journal = group_chat(ABC, until=MaxTurns(1), speaker="auto", model=model).compile(), MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    assert order((await flow.resume("r", journal=journal)).state) == ["cy"]


async def test_what_choosing_takes_counts_and_its_model_may_be_a_resource():
    model = ScriptedModel(
        [answered("bob", tokens=7, cost=0.5), answered("?", tokens=3, cost=0.25), answered("cy")]
    )
    graph = group_chat(ABC, until=MaxTurns(2), speaker="auto", model="boss")
    spent = (await talked(graph, boss=model)).state.spent
    assert (spent.tokens, spent.cost, spent.unpriced) == (10, 0.75, 1)


async def test_of_a_long_talk_the_model_is_shown_the_task_and_the_end():
    model = ScriptedModel(lambda request: "ann")
    graph = group_chat(ABC, until=MaxTurns(6), speaker=Auto(model, shown=2))
    await talked(graph, "the task")
    shown = model.requests[-1].messages[-1].text
    assert "admin: the task\n\nann: ann 4\n\nann: ann 5\n" in shown


# ---------------------------------------------------------------------- a function


async def test_a_function_chooses_by_the_state():
    def choose(chat):
        return {0: "cy", 1: "ann", 2: "ann"}.get(chat.turns)

    result = await talked(group_chat(ABC, until=MaxTurns(9), speaker=choose))
    assert order(result.state) == ["cy", "ann", "ann"]
    assert result.state.ended == "nobody was named to speak next"


async def test_an_async_function_is_called_once_for_each_turn():
    asked = Counter()

    async def choose(chat):
        asked[chat.turns] += 1
        return "bob"

    result = await talked(group_chat(ABC, until=MaxTurns(3), speaker=choose))
    assert order(result.state) == ["bob"] * 3
    assert asked == {0: 1, 1: 1, 2: 1}, "a replay does not call it"


@pytest.mark.parametrize("wrong", ["dan", "ann", 3, True])
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_that_names_nobody_who_may_speak_fails_the_run(wrong, is_async):
    def plain(chat):
        return wrong if chat.turns else "ann"

    async def later(chat):
        return plain(chat)

    graph = group_chat(
        ABC, until=MaxTurns(3), speaker=later if is_async else plain, transitions={"ann": ["bob", "cy"]}
    )
    with pytest.raises(RunFailedError) as failed:
        await graph.compile().run({})
    assert f"should name one of bob, cy, or None to end the talk, not {wrong!r}" in str(failed.value)
    assert isinstance(failed.value.__cause__, SpeakerError)


async def test_a_way_of_ones_own_chooses():
    from backedge.nodes.chat import Chosen

    class Last:
        models = frozenset()

        async def choose(self, chat, among):
            return Chosen(among.names[-1], "the last")

    result = await talked(group_chat(ABC, until=TextMention("cy 2"), speaker=Last()))
    assert order(result.state) == ["cy", "cy"]
