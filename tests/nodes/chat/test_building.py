"""What is wrong with a talk is told when it is built, all at once; and what its graph is like."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Graph, GraphError
from backedge.checkpoints import MemoryJournal
from backedge.engine.state.fields import StateSchema
from backedge.nodes.chat import (
    Assistant,
    Auto,
    Chat,
    MaxTurns,
    Member,
    OnHandoff,
    RoundRobin,
    Talk,
    TextMention,
    UserProxy,
    group_chat,
)
from backedge.nodes.tools import tool
from backedge.providers import ScriptedModel

from .talks import lines, order, says, talked

MODEL = ScriptedModel([])
ANN, BOB = says("ann"), says("bob")


def problems(members=(ANN, BOB), **options):
    with pytest.raises(GraphError) as found:
        group_chat(members, **{"until": MaxTurns(3), **options})
    return list(found.value.problems)


def two_tools():
    @tool(permission="read")
    async def look(path: str) -> str:
        """Look."""
        return path

    @tool(permission="read", name="look")
    async def other(place: int) -> int:
        """Look elsewhere."""
        return place

    @tool(permission="read", name="transfer_to_bob")
    async def move() -> str:
        """Move."""
        return ""

    return look, other, move


LOOK, OTHER, MOVE = two_tools()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([], "a talk has somebody who speaks: give it members, as in [coder, critic]"),
        ("ann", "members= takes several members, as in [coder, critic], not 'ann'"),
        (
            [ANN, ANN],
            "2 members are called 'ann': give one of them another name, as in Member(agent, name=...)",
        ),
        (
            [lambda chat: "x"],
            "a member's name is an identifier, such as 'coder', not '<lambda>': see Member(..., name=...)",
        ),
        (
            [Member(ANN, name="END")],
            "a member's name is an identifier, such as 'coder', not 'END': see Member(..., name=...)",
        ),
        ([Member(ANN, name="chat")], "no member can be called 'chat': the talk itself uses that name"),
        (
            [Member(ANN, name="select_speaker")],
            "no member can be called 'select_speaker': the talk itself uses that name",
        ),
        (
            [Member(Member(ANN), name="x")],
            f"a Member is put into a Member: say what is to be said of {ANN!r} in one",
        ),
        ([Member(ANN, description=3)], "a member's description is a text, not 3"),
        (
            [Member(lambda: "x", name="x")],
            "x cannot be called with a chat: a member is an `async def x(chat, context)`, "
            "or without the context, or a `def x(chat)`",
        ),
        (
            [Member(lambda chat, context: "x", name="x")],
            "x cannot be called with a chat: a member is an `async def x(chat, context)`, "
            "or without the context, or a `def x(chat)`",
        ),
        ([ANN, 3], "a member is an Agent, an Assistant, a UserProxy or a function, not 3"),
        (
            [ANN, Assistant],
            f"a member is an Agent, an Assistant, a UserProxy or a function, not {Assistant!r}",
        ),
        (
            [UserProxy(human="never", tools=[LOOK])],
            "no member speaks by itself: all of them only carry out calls of tools",
        ),
        (
            [ANN, UserProxy("x", human="never", tools=[LOOK]), UserProxy("y", human="never", tools=[OTHER])],
            "x and y have a tool 'look' each that takes other arguments: give one of them another name=",
        ),
        (
            [ANN, UserProxy(human="never", tools=[MOVE])],
            "user: a tool cannot be called 'transfer_to_bob': names that begin so hand over the floor",
        ),
        (
            [Assistant(MODEL, calls=["look", "jump"]), UserProxy(tools=[LOOK])],
            "assistant may call 'jump', which nobody has; there are: look",
        ),
        (
            [Assistant(MODEL, name="x", handoffs=["x"])],
            "x hands over to itself: leave that out of its handoffs=",
        ),
        (
            [Assistant(MODEL, name="x", handoffs=["user"]), UserProxy(human="never", tools=[LOOK])],
            "x hands over to user, who only carries out calls of tools",
        ),
        (
            [Member(ANN, name="admin")],
            "admin='admin' is a person, and so is not 'admin': give one of them another name",
        ),
    ],
)
def test_members_that_cannot_be_are_told(members, told):
    assert problems(members) == [told]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"transitions": {"ann": ["dan"], "eve": ["bob"]}},
            [
                "transitions= names 'dan', who is no member; there are ann, bob",
                "transitions= names 'eve', who is no member; there are ann, bob",
            ],
        ),
        ({"forbidden": {"ann": ["dan"]}}, ["forbidden= names 'dan', who is no member; there are ann, bob"]),
        (
            {"transitions": {"ann": "bob"}},
            ["transitions= maps a member to several, as in {'coder': ['critic']}, not {'ann': 'bob'}"],
        ),
        (
            {"transitions": {"ann": None}},
            ["transitions= maps a member to several, as in {'coder': ['critic']}, not {'ann': None}"],
        ),
        (
            {"forbidden": {"ann": [["bob"]]}},
            ["forbidden= maps a member to several, as in {'coder': ['critic']}, not {'ann': [['bob']]}"],
        ),
        (
            {"until": TextMention("x", by=["bob", "dan"]) | MaxTurns(3)},
            ["until= waits for words of 'dan', who is not there; there are ann, bob, admin"],
        ),
        (
            {"until": TextMention("x", by="admin") & MaxTurns(3), "admin": None},
            ["until= waits for words of 'admin', who is not there; there are ann, bob"],
        ),
        (
            {"until": MaxTurns(3) | OnHandoff("dan")},
            [
                "until= waits for a handoff to 'dan', which nobody makes: "
                "see handoffs= of an Assistant, and Handoff among the tools of an Agent"
            ],
        ),
        (
            {"until": OnHandoff()},
            [
                "until= waits for a handoff to anybody, which nobody makes: "
                "see handoffs= of an Assistant, and Handoff among the tools of an Agent"
            ],
        ),
        (
            {"speaker": "auto", "model": "openai:gpt-5"},
            [
                "Auto: model= takes a model, or the name of a resource of the graph; 'openai:gpt-5' is neither: "
                "for a provider's model say backedge.model('openai:gpt-5')"
            ],
        ),
        (
            {"transitions": {"ann": []}},
            ["nobody may speak after ann: allow somebody, in transitions=, forbidden= or repeat="],
        ),
        (
            {"forbidden": {"bob": ["ann"]}, "repeat": False},
            ["nobody may speak after bob: allow somebody, in transitions=, forbidden= or repeat="],
        ),
        (
            {"transitions": {}, "forbidden": {}},
            ["transitions= says who may follow whom, and forbidden= who may not: give one of them"],
        ),
        (
            {"until": 3},
            ["until= takes conditions such as MaxTurns(20), or plain functions of the chat, not 3"],
        ),
        ({"max_turns": 0}, ["max_turns= wants a whole number from 1, or None, not 0"]),
        ({"max_turns": True}, ["max_turns= wants a whole number from 1, or None, not True"]),
        ({"admin": ""}, ["admin= is the name of a person, or None, not ''"]),
        ({"speaker": "auto"}, ["speaker='auto' lets a model choose: give it model="]),
        ({"model": MODEL}, ["model= is who chooses with speaker='auto'; leave it out"]),
        ({"seed": 1}, ["seed= is what chance goes by with speaker='random'; leave it out"]),
        (
            {"speaker": Auto(MODEL, fallback="dan")},
            ["Auto: fallback= is 'round_robin', 'fail' or the name of a member, not 'dan'"],
        ),
        (
            {"speaker": "robin"},
            [
                "speaker= takes one of round_robin, random, manual, auto, a way such as Auto(...), or a function, "
                "not 'robin'"
            ],
        ),
    ],
)
def test_options_that_cannot_be_are_told(options, told):
    assert problems(**options) == told


def test_all_problems_are_told_at_once():
    found = problems(
        [ANN, ANN, 3], until=None, speaker="x", transitions={"dan": ["ann"]}, max_turns=-1, admin=4
    )
    assert len(found) == 7


@pytest.mark.parametrize("make", [lambda: Auto(MODEL, retries=-1), lambda: Auto(MODEL, shown="x")])
def test_a_choosing_model_that_cannot_be_asked_is_refused(make):
    with pytest.raises(ValueError, match="wants a whole number from"):
        make()


def test_functions_that_cannot_be_called_with_a_chat_are_told():
    assert "speaker= takes one of" in problems(speaker=lambda: "ann")[0]
    assert "until= takes conditions" in problems(until=lambda: True)[0]


def test_a_way_of_choosing_is_a_value_not_its_class():
    assert "speaker= takes one of" in problems(speaker=RoundRobin)[0]


# ---------------------------------------------------------------------- the graph


def test_each_turn_is_a_round_of_one_loop_that_is_drawn(tmp_path):
    flow = group_chat([ANN, BOB], until=MaxTurns(3), name="talk").compile()
    assert not flow.warnings
    flow.run_sync({"task": "go"}, journal=tmp_path / "runs.db", run_id="r")
    flow.render(tmp_path / "talk.txt", run="r", journal=tmp_path / "runs.db")
    drawn = (tmp_path / "talk.txt").read_text()
    for line in (
        "↻ loop select_speaker · 4 rounds",
        "→ ann  when ann  (2×)",
        "→ bob  when bob  (1×)",
        "→ END  when over  (1×)",
        "↻ select_speaker  when goes_on  (2×)",
    ):
        assert line in drawn


async def test_a_talk_is_a_part_of_a_larger_graph():
    class Work(BaseModel):
        question: str
        talk: Talk = []
        answer: str = ""

    graph = Graph(Work)
    inner = group_chat([ANN, BOB], until=MaxTurns(2))
    chat = graph.subgraph(inner, name="talking", reads={"task": "question"}, writes={"talk": "talk"})

    @graph.node(writes="answer")
    async def conclude(talk: list) -> str:
        return talk[-1].text

    graph.chain(START, chat, conclude, END)
    flow, journal = graph.compile(), MemoryJournal()
    state = (await flow.run({"question": "why?"}, journal=journal, run_id="r")).state
    assert (state.answer, [said.speaker for said in state.talk]) == ("bob 2", ["admin", "ann", "bob"])
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_a_fork_goes_on_with_another_word():
    flow, journal = group_chat([ANN, BOB], until=MaxTurns(4)).compile(), MemoryJournal()
    await flow.run({"task": "go"}, journal=journal, run_id="r")
    history = await flow.history("r", journal=journal)
    place = next(point.seq for point in history if str(point.activation) == "bob@1")
    talk = (await flow.state_at("r", place, journal=journal)).talk
    edited = [*talk[:-1], talk[-1].model_copy(update={"message": talk[0].message})]
    result = await flow.fork("r", at=place, edit={"talk": edited}, journal=journal)
    assert lines(result.state) == [
        ("admin", "go"),
        ("ann", "ann 1"),
        ("bob", "go"),
        ("ann", "ann 3"),
        ("bob", "bob 4"),
    ]


async def test_what_a_turn_stores_does_not_grow_with_the_talk():
    flow, journal = group_chat([says("ann", "x" * 100)], until=MaxTurns(12)).compile(), MemoryJournal()
    await flow.run({"task": "go"}, journal=journal, run_id="r")
    sizes = {}
    for record in await journal.read("r"):
        number = getattr(getattr(record, "activation", None), "rounds", ((None, 0),))
        turn = number[0][1] if number else 0
        sizes[turn] = sizes.get(turn, 0) + len(repr(record))
    assert sizes[10] < 1.05 * sizes[3], "what was said by then is 700 characters more"


async def test_what_was_said_is_shared_by_those_who_read_it_and_not_copied_for_each():
    seen = []

    async def ann(chat, context):
        seen.append(chat.talk)
        return "x"

    await group_chat([ann], until=MaxTurns(3)).compile().run({"task": "go"})
    assert seen[2][0] is seen[1][0] is seen[0][0]
    assert seen[2] is not seen[1]
    fields = StateSchema(Chat).fields
    assert fields["talk"].value.facts.copier is list, "however long it is, nothing is looked at one by one"


async def test_a_resumed_run_goes_by_the_conditions_of_the_new_graph():
    journal = MemoryJournal()
    await group_chat([ANN, BOB], until=MaxTurns(2)).compile().run({"task": "go"}, journal=journal, run_id="r")
    longer = group_chat([ANN, BOB], until=MaxTurns(4)).compile()
    last = [
        point.seq for point in await longer.history("r", journal=journal) if str(point.activation) == "bob@1"
    ]
    result = await longer.fork("r", at=last[0], journal=journal)
    assert order(result.state) == ["ann", "bob", "ann", "bob"]


NAMES = ("ann", "bob", "cy", "dan")


@settings(max_examples=6)
@given(
    st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(NAMES), min_size=1, unique=True) for name in NAMES}
    ),
    st.sampled_from(["round_robin", "random"]),
    st.booleans(),
)
async def test_nobody_speaks_who_may_not_follow_the_last_speaker(rules, speaker, forbid):
    options = {"transitions": rules}
    if forbid:
        options = {"forbidden": {name: [one for one in NAMES if one not in rules[name]] for name in NAMES}}
    graph = group_chat(
        [says(name) for name in NAMES], until=MaxTurns(6), speaker=speaker, admin=None, **options
    )
    names = order((await graph.compile().run({})).state)
    assert len(names) == 6
    assert all(after in rules[before] for before, after in pairwise(names))


async def test_a_talk_of_one_goes_on_alone():
    assert order((await talked(group_chat([ANN], until=MaxTurns(2)))).state) == ["ann", "ann"]
