"""Agents, assistants, user proxies and functions in one talk: what each hears, and what each says."""

import asyncio
import dataclasses
from contextlib import nullcontext

import pytest
from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt

from backedge import GraphError, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Again, Agent, KeepTurns, NoAnswerError, RefusedError, Replace, Summarise
from backedge.nodes.chat import (
    Assistant,
    MaxTurns,
    Member,
    OnHandoff,
    Spoken,
    TextMention,
    UserProxy,
    group_chat,
)
from backedge.nodes.handoff import Handoff, last
from backedge.nodes.tools import tool
from backedge.providers import (
    Image,
    Message,
    ModelResponse,
    Reasoning,
    ScriptedModel,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from backedge.providers.errors import BadToolCallError, OverloadedError

from .talks import answered, call, calls, lines, order, saying, says, talked


@tool(permission="read")
async def add(one: int, other: int = 1) -> int:
    """Add numbers."""
    return one + other


@tool(permission="write")
async def erase(path: str) -> str:
    """Erase a file."""
    return f"erased {path}"


def proxy(*tools, name="user", **more):
    return UserProxy(name, human="never", tools=tools, **more)


# ---------------------------------------------------------------------- each from its own side


async def test_each_member_hears_itself_as_itself_and_others_by_name():
    coder, critic = ScriptedModel(["x = 1", "x = 2"]), ScriptedModel(["too small"])
    graph = group_chat(
        [Agent(coder, instructions="You write.", name="coder"), Assistant(critic, name="critic")],
        until=MaxTurns(3),
    )
    await talked(graph, "a number")
    assert saying(coder) == [
        ["user: admin: a number"],
        ["user: admin: a number", "assistant: x = 1", "user: critic: too small"],
    ]
    assert saying(critic) == [["user: admin: a number", "user: coder: x = 1"]]
    system = coder.requests[0].messages[0]
    assert (system.role, system.text.splitlines()[0]) == ("system", "You write.")
    assert "You are coder and talk with others." in system.text
    assert "\n- critic\n- admin\n" in system.text


async def test_descriptions_are_told_to_the_others():
    model = ScriptedModel(["x"])
    members = [Assistant(model, name="ann"), Member(says("bob"), description="Knows\nall.")]
    await talked(group_chat(members, until=MaxTurns(1), admin=None))
    assert "- bob: Knows all." in model.requests[0].messages[0].text
    assert "admin" not in model.requests[0].messages[0].text


async def test_a_member_that_speaks_twice_or_first_is_told_to_go_on_and_remembers_it():
    for make in (lambda model: Agent(model, name="ann"), lambda model: Assistant(model, name="ann")):
        model = ScriptedModel(["one", "two"])
        await talked(group_chat([make(model)], until=MaxTurns(2)), "")
        go_on = "user: You have the floor. Go on."
        assert saying(model) == [[go_on], [go_on, "assistant: one", go_on]]


async def test_pictures_go_along_and_thoughts_do_not():
    picture = Image(media_type="image/png", url="https://example.org/x.png")
    thought = Message.of("assistant", Reasoning(text="hm", origin="chat"), Text(text="look"), picture)
    one, other = ScriptedModel([thought, "again"]), ScriptedModel([Message.of("assistant", "nice", picture)])
    graph = group_chat([Assistant(one, name="ann"), Agent(other, name="bob")], until=MaxTurns(3))
    await talked(graph, Message.of("user", "what is", picture))
    task, heard = other.requests[0].messages[1:]
    assert (task.text, task.parts[-1]) == ("admin: what is", picture)
    assert [part.kind for part in heard.parts] == ["text", "image"]
    assert [part.kind for part in one.requests[1].messages[2].parts] == ["reasoning", "text", "image"]
    assert [part.kind for part in one.requests[1].messages[3].parts] == ["text", "image"], "an agent's too"


async def test_an_agent_remembers_its_tools_and_others_hear_the_answer_alone():
    model, other = (
        ScriptedModel([calls(call("add", '{"one": 1}')), "two", "still two"]),
        ScriptedModel(["ok"]),
    )
    graph = group_chat([Agent(model, [add], name="ann"), Assistant(other, name="bob")], until=MaxTurns(3))
    state = (await talked(graph)).state
    assert lines(state)[1:] == [("ann", "two"), ("bob", "ok"), ("ann", "still two")]
    assert [m.role for m in model.requests[2].messages[1:]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert saying(other) == [["user: admin: go", "user: ann: two"]]


async def test_an_agent_with_another_output_says_it_as_json():
    class Verdict(BaseModel):
        good: bool

    model, other = ScriptedModel(['{"good": true}']), ScriptedModel(["ok"])
    graph = group_chat(
        [Agent(model, output=Verdict, name="ann"), Assistant(other, name="bob")], until=MaxTurns(2)
    )
    await talked(graph)
    assert saying(other)[0][-1] == 'user: ann: {\n "good": true\n}'


async def test_what_a_guard_replaces_stays_replaced_and_what_it_sends_back_is_not_heard():
    def masked(message):
        return Replace(Message.of("user", message.text.replace("4711", "****")))

    def polite(answer):
        return None if "please" in answer else Again("Say please.")

    model, other = ScriptedModel(["no", "please", "please again"]), ScriptedModel(["ok"])
    agent = Agent(model, name="ann", input_guards=[masked], output_guards=[polite])
    await talked(group_chat([agent, Assistant(other, name="bob")], until=MaxTurns(3)), "pin 4711")
    assert all("4711" not in line for request in saying(model) for line in request)
    assert saying(model)[-1][0] == "user: admin: pin ****"
    assert saying(other) == [["user: admin: pin 4711", "user: ann: please"]]


async def test_a_long_talk_is_cut_as_the_memory_of_each_says():
    one, other = ScriptedModel(lambda r: "x"), ScriptedModel(lambda r: "y")
    members = [Agent(one, name="ann", memory=KeepTurns(1)), Assistant(other, name="bob", memory=KeepTurns(2))]
    await talked(group_chat(members, until=MaxTurns(10)))
    assert saying(one)[-1] == ["user: bob: y", "assistant: x", "user: bob: y"]
    assert saying(other)[-1] == [
        "user: ann: x",
        "assistant: y",
        "user: ann: x",
        "assistant: y",
        "user: ann: x",
    ]


@pytest.mark.parametrize("kind", ["agent", "assistant"])
async def test_a_summary_is_made_once_and_stands_for_the_beginning_ever_after(kind):
    summaries = ScriptedModel([f"summary {number}" for number in range(9)])
    policy = Summarise(over=KeepTurns(3), keep=KeepTurns(1), model=summaries)
    model = ScriptedModel(lambda r: f"a{len(model.requests)}")
    who = (
        Agent(model, name="ann", memory=policy)
        if kind == "agent"
        else Assistant(model, name="ann", memory=policy)
    )
    await talked(group_chat([who, says("bob")], until=MaxTurns(17)))
    assert len(summaries.requests) == 2
    head = "user: What was said before, in short:\nsummary"
    assert saying(model)[4] == [f"{head} 0", "user: bob: bob 6", "assistant: a4", "user: bob: bob 8"]
    assert saying(model)[5] == [*saying(model)[4], "assistant: a5", "user: bob: bob 10"]
    assert saying(model)[-1] == [
        f"{head} 1",
        "user: bob: bob 12",
        "assistant: a7",
        "user: bob: bob 14",
        "assistant: a8",
        "user: bob: bob 16",
    ]


# ---------------------------------------------------------------------- calls of tools


async def test_an_assistant_proposes_a_call_those_who_have_the_tool_answer_it_and_it_goes_on():
    model = ScriptedModel([calls("let me see", call("add", '{"one": 2}')), "it is 3"])
    other = ScriptedModel(["nice"])
    members = [Assistant(model, name="ann"), Assistant(other, name="bob"), proxy(add)]
    state = (await talked(group_chat(members, until=TextMention("nice")))).state
    assert order(state) == ["ann", "user", "ann", "bob"]
    assert [spec.name for spec in model.requests[0].tools] == ["add"]
    result = model.requests[1].messages[-1]
    assert (result.role, result.parts[0].text) == ("tool", "3")
    assert saying(other)[0][1:] == [
        'user: ann: let me see\n[calls add with {"one": 2}]',
        "user: user: [result: 3]",
        "user: ann: it is 3",
    ]


async def test_only_members_who_have_the_called_tool_are_candidates_whatever_the_way_of_choosing():
    asked = []

    def choose(chat):
        asked.append(chat.turns)
        return "ann"

    model = ScriptedModel([calls(call("erase", '{"path": "x"}')), "done"])
    members = [
        Assistant(model, name="ann"),
        says("bob"),
        proxy(add, name="adder"),
        proxy(erase, name="eraser", allow="write"),
    ]
    graph = group_chat(members, until=TextMention("done"), speaker=choose, transitions={"ann": ["bob"]})
    state = (await talked(graph)).state
    assert order(state) == ["ann", "eraser", "ann"]
    assert asked == [0] * len(asked), "nothing is chosen where a call is answered"


async def test_among_several_who_have_the_tool_the_way_of_choosing_counts():
    seen = []

    def choose(chat):
        seen.append(chat.turns)
        return "two" if chat.turns else "ann"

    model = ScriptedModel([calls(call("add", '{"one": 2}')), "done"])
    members = [Assistant(model, name="ann"), proxy(add, name="one"), proxy(add, name="two")]
    state = (await talked(group_chat(members, until=TextMention("done"), speaker=choose))).state
    assert order(state) == ["ann", "two", "ann"]


async def test_calls_of_one_answer_are_carried_out_by_whoever_has_each_tool():
    wanted = [
        call("add", '{"one": 2}', "a"),
        call("erase", '{"path": "x"}', "b"),
        call("add", '{"one": 5}', "c"),
    ]
    model = ScriptedModel([calls(*wanted), "done"])
    members = [
        Assistant(model, name="ann"),
        proxy(add, name="adder"),
        proxy(erase, name="eraser", allow="write"),
    ]
    state = (await talked(group_chat(members, until=TextMention("done")))).state
    assert order(state) == ["ann", "adder", "eraser", "ann"]
    answers = {
        part.id: part.text
        for message in model.requests[1].messages
        for part in message.parts
        if isinstance(part, ToolResult)
    }
    assert answers == {"a": "3", "c": "6", "b": "erased x"}


async def test_a_call_of_a_tool_that_nobody_has_comes_back_with_what_there_is():
    wanted = [call("fly", "{}", "a"), call("add", '{"one": 2}', "b")]
    model = ScriptedModel([calls(*wanted), calls(call("swim")), "done"])
    members = [Assistant(model, name="ann"), proxy(add)]
    state = (await talked(group_chat(members, until=TextMention("done")))).state
    assert order(state) == ["ann", "user", "ann", "ann"]
    told = [
        part for message in model.requests[1].messages if message.role == "tool" for part in message.parts
    ]
    assert [(part.id, part.text, part.failed) for part in told] == [
        ("a", "nobody here has a tool 'fly'; there are: add", True),
        ("b", "3", False),
    ]
    assert model.requests[2].messages[-1].parts[0].text == "nobody here has a tool 'swim'; there are: add"


async def test_arguments_that_do_not_fit_are_told_to_the_caller():
    model = ScriptedModel([calls(call("add", '{"one": "x"}')), "done"])
    await talked(group_chat([Assistant(model, name="ann"), proxy(add)], until=TextMention("done")))
    told = model.requests[1].messages[-1].parts[0]
    assert told.failed
    assert told.text.startswith("add was not called, its arguments do not fit:")


async def test_an_assistant_is_offered_only_the_tools_that_it_may_call():
    one, other = ScriptedModel(["x"]), ScriptedModel(["y"])
    members = [
        Assistant(one, name="ann", calls=["add"]),
        Assistant(other, name="bob", calls=()),
        proxy(add, erase),
    ]
    await talked(group_chat(members, until=MaxTurns(2)))
    assert [spec.name for spec in one.requests[0].tools] == ["add"]
    assert other.requests[0].tools == ()


async def test_a_person_is_asked_before_a_dangerous_tool_and_their_leave_lasts():
    model = ScriptedModel(
        [calls(call("erase", '{"path": "x"}')), calls(call("erase", '{"path": "y"}')), "done"]
    )
    graph = group_chat([Assistant(model, name="ann"), proxy(erase)], until=TextMention("done"))
    asked = []

    def answer(text):
        asked.append(text)
        return "always"

    state = (await talked(graph, answers=answer)).state
    assert order(state) == ["ann", "user", "ann", "user", "ann"]
    assert asked == ['user wants to call erase, which may write, with {"path": "x"}']


async def test_an_agent_is_a_tool_that_a_proxy_carries_out_with_the_model_it_names():
    expert = Agent("big", [add], name="expert")
    big = ScriptedModel([calls(call("add", '{"one": 2}')), "three"])
    model = ScriptedModel([calls(call("expert", '{"request": "2 + 1?"}')), "done"])
    graph = group_chat([Assistant(model, name="ann"), proxy(expert)], until=TextMention("done"))
    await talked(graph, big=big)
    assert model.requests[1].messages[-1].parts[0].text == "three"


async def test_equal_ids_of_calls_are_answered_each():
    model = ScriptedModel([calls(call("add", '{"one": 1}', "x"), call("add", '{"one": 2}', "x")), "done"])
    members = [Assistant(model, name="ann"), proxy(add)]
    state = (await talked(group_chat(members, until=TextMention("done")))).state
    assert [part.text for part in state.talk[2].message.parts] == ["2", "3"]


# ---------------------------------------------------------------------- assistants


async def test_an_assistant_hands_the_floor_to_another():
    model = ScriptedModel([calls("your turn", call("transfer_to_cy")), "back"])
    other = ScriptedModel(["heard"])
    members = [Assistant(model, name="ann", handoffs=["cy"]), says("bob"), Assistant(other, name="cy")]
    graph = group_chat(members, until=MaxTurns(3), transitions={"ann": ["bob"]})
    state = (await talked(graph)).state
    assert order(state) == ["ann", "cy", "ann"]
    assert saying(other)[0][-1] == "user: ann: your turn\n[hands over to cy]"
    roles = [message.role for message in model.requests[1].messages[1:]]
    assert roles == ["user", "assistant", "tool", "user"]
    assert model.requests[1].messages[3].parts[0].text == "cy has the floor"


async def test_a_handoff_to_somebody_outside_ends_the_talk_where_that_is_wanted():
    model = ScriptedModel([calls(call("transfer_to_human"), call("add", "{}", "2"))])
    members = [Assistant(model, name="ann", handoffs=["human"]), proxy(add)]
    state = (await talked(group_chat(members, until=OnHandoff("human")))).state
    assert (order(state), state.ended) == (["ann"], "ann handed over to human")
    results = [
        part
        for entry in state.talk[-1].own
        for part in getattr(entry, "parts", ())
        if isinstance(part, ToolResult)
    ]
    assert [one.failed for one in results] == [False, True]


async def test_an_agent_hands_the_floor_over_with_the_handoffs_among_its_tools():
    reason = '{"reason": "you know it"}'
    model = ScriptedModel([calls("well", call("transfer_to_cy", reason)), "back"])
    other = ScriptedModel(["heard"])
    agent = Agent(model, [add, Handoff(to="cy").tool()], name="agent")
    members = [Member(agent, name="ann"), says("bob"), Assistant(other, name="cy")]
    state = (await talked(group_chat(members, until=MaxTurns(3), transitions={"ann": ["bob"]}))).state
    assert order(state) == ["ann", "cy", "ann"]
    assert saying(other)[0][-1] == "user: ann: well\nyou know it\n[hands over to cy]"
    roles = [message.role for message in model.requests[1].messages[1:]]
    assert roles == ["user", "assistant", "tool", "user"]
    assert [spec.name for spec in model.requests[0].tools] == ["add", "transfer_to_cy"]
    assert agent.tools.keys() == {"add", "transfer_to_cy"}, "the agent itself stays as it was"


async def test_a_handoff_of_an_agent_to_somebody_outside_ends_the_talk_where_that_is_wanted():
    class Ticket(BaseModel):
        number: int

    model = ScriptedModel(
        [answered("", tokens=5), calls(call("transfer_to_human", '{"details": {"number": 3}}'))]
    )
    agent = Agent(model, [Handoff(to="human", input=Ticket).tool()], name="ann")
    state = (await talked(group_chat([agent], until=OnHandoff("human")))).state
    assert (order(state), state.ended) == (["ann"], "ann handed over to human")
    assert '"number": 3' in state.talk[-1].text
    assert state.spent.tokens == 5, "what the turn took counts, as of any turn"


@pytest.mark.parametrize(
    ("handoff", "told"),
    [
        (Handoff(to="bob", returns=True), "leave returns= and context= out of its handoff to bob"),
        (Handoff(to="bob", context=last(3)), "leave returns= and context= out of its handoff to bob"),
        (Handoff(to="ann"), "ann hands over to itself"),
    ],
)
def test_a_handoff_that_means_nothing_in_a_talk_is_told(handoff, told):
    agent = Agent(ScriptedModel([]), [handoff.tool()], name="ann")
    with pytest.raises(GraphError, match=told):
        group_chat([agent, says("bob")], until=MaxTurns(1))


async def test_a_turn_that_fails_is_tried_again_as_often_as_its_member_says_and_its_model_asked_anew():
    model = ScriptedModel(["", "", "", OverloadedError("full"), "ok"])
    thrice = AsyncRetrying(stop=stop_after_attempt(3))
    graph = group_chat([Member(Agent(model, name="ann"), retry=thrice)], until=MaxTurns(1))
    assert lines((await talked(graph)).state)[1:] == [("ann", "ok")]


async def test_a_turn_takes_no_longer_than_its_member_may():
    async def slow(chat, context):
        await asyncio.Event().wait()

    graph = group_chat([says("ann"), Member(slow, timeout=0.01)], until=MaxTurns(2))
    with pytest.raises(RunFailedError, match=r"slow@1: took longer than its timeout of 0\.01 s"):
        await graph.compile().run({})


async def test_an_answer_that_is_empty_goes_back_and_too_often_is_the_end():
    broken = BadToolCallError("no JSON", usage=Usage(output_tokens=100))
    model = ScriptedModel(["", broken, "ok", "", "", ""])
    spent = []

    def until(chat):
        spent.append(chat.spent.tokens)
        return False

    flow = group_chat([Assistant(model, name="ann")], until=until).compile()
    with pytest.raises(RunFailedError, match="ann has no answer that can be used: it is empty") as failed:
        await flow.run({"task": "go"})
    assert isinstance(failed.value.__cause__, NoAnswerError)
    assert saying(model)[2][1:] == [
        "user: Your answer could not be used: it is empty. Answer again.",
        "user: Your answer could not be used: no JSON. Answer again.",
    ]
    assert spent[-1] > 100, "what could not be used was paid for too"
    assert saying(model)[3][-2:] == ["assistant: ok", "user: You have the floor. Go on."]


@pytest.mark.parametrize(
    ("finish", "error", "told"),
    [
        ("refusal", RefusedError, "its model refused"),
        ("filtered", RefusedError, "its provider filtered the answer"),
        ("length", NoAnswerError, "it was cut off at the token limit"),
    ],
)
async def test_an_answer_that_asking_again_would_not_mend_fails_at_once(finish, error, told):
    model = ScriptedModel([ModelResponse(message=Message.of("assistant", "no"), finish=finish)])
    with pytest.raises(RunFailedError, match=told) as failed:
        await group_chat([Assistant(model, name="ann")], until=MaxTurns(2)).compile().run({})
    assert isinstance(failed.value.__cause__, error)


async def test_a_talk_whose_model_could_not_be_reached_goes_on_where_it_was():
    model, other = ScriptedModel(["a", OverloadedError("full"), "c"]), ScriptedModel(["b"])
    flow = group_chat([Assistant(model, name="ann"), Agent(other, name="bob")], until=MaxTurns(3)).compile()
    journal = MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    state = (await flow.resume("r", journal=journal)).state
    assert lines(state) == [("ann", "a"), ("bob", "b"), ("ann", "c")]
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_an_agent_whose_second_call_failed_goes_on_with_that_one():
    model = ScriptedModel([calls(call("add", '{"one": 1}')), OverloadedError("full"), "two"])
    flow, journal = (
        group_chat([Agent(model, [add], name="ann")], until=MaxTurns(1)).compile(),
        MemoryJournal(),
    )
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    assert lines((await flow.resume("r", journal=journal)).state) == [("ann", "two")]
    assert len(model.requests) == 3
    assert model.requests[2].messages == model.requests[1].messages, "its first answer is not asked for again"


async def test_models_may_be_resources_of_the_graph():
    one, other = ScriptedModel(["a"]), ScriptedModel(["b"])
    graph = group_chat([Assistant("small", name="ann"), Agent("big", name="bob")], until=MaxTurns(2))
    assert lines((await talked(graph, small=one, big=other)).state)[1:] == [("ann", "a"), ("bob", "b")]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Assistant("openai:gpt-5"), "say backedge.model"),
        (lambda: Assistant(3), "3 is neither"),
        (lambda: Assistant(ScriptedModel([]), repairs=-1), "a whole number from 0"),
        (lambda: Assistant(ScriptedModel([]), repairs="x"), "a whole number from 0"),
        (lambda: Assistant(ScriptedModel([]), handoffs=[3]), "identifiers, not 3"),
        (lambda: Assistant(ScriptedModel([]), calls="add"), r"takes several names, as in \['add'\]"),
        (lambda: Assistant(ScriptedModel([]), handoffs="bob"), r"takes several names, as in \['bob'\]"),
        (lambda: Assistant(ScriptedModel([]), handoffs=["my boss"]), "identifiers, not 'my boss'"),
        (lambda: UserProxy(human="sometimes"), "'always', 'at_end' or 'never'"),
        (lambda: UserProxy(tools=[add, add]), "two tools called 'add'"),
        (lambda: UserProxy(allow="everything"), "allow= takes"),
    ],
)
def test_members_that_cannot_be_are_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


# ---------------------------------------------------------------------- people


async def test_a_person_is_asked_whenever_the_proxy_has_the_floor():
    asked = []

    def answer(text):
        asked.append(text)
        return ["hello", "bye"][len(asked) - 1]

    graph = group_chat([UserProxy("eva"), says("bob")], until=TextMention("bye", by="eva"))
    result = await talked(graph, answers=answer)
    assert lines(result.state)[1:] == [("eva", "hello"), ("bob", "bob 2"), ("eva", "bye")]
    assert asked == ["admin: go\n\neva, you have the floor.", "bob: bob 2\n\neva, you have the floor."]


async def test_a_person_who_says_nothing_lets_the_proxy_carry_out_the_calls_and_words_prevent_them():
    def members():
        return [
            Assistant(ScriptedModel([calls(call("add", '{"one": 1}')), "done"]), name="ann"),
            UserProxy(tools=[add]),
        ]

    state = (await talked(group_chat(members(), until=TextMention("done")), answers=[""])).state
    assert [one.message.role for one in state.talk] == ["user", "assistant", "tool", "assistant"]
    asked = []

    def answer(text):
        asked.append(text)
        return "do not"

    state = (await talked(group_chat(members(), until=TextMention("done")), answers=answer)).state
    assert lines(state)[2] == ("user", "do not")
    assert asked[0].endswith("user, you have the floor (nothing: carry out add).")


async def test_at_its_end_a_person_may_let_the_talk_go_on_and_conditions_count_anew():
    asked = []

    def answer(text):
        asked.append(text)
        return ["more", ""][len(asked) - 1]

    members = [says("ann"), says("bob"), UserProxy("eva", human="at_end")]
    state = (await talked(group_chat(members, until=MaxTurns(2)), answers=answer)).state
    assert [one.speaker for one in state.talk] == ["admin", "ann", "bob", "eva", "ann", "bob", "eva"]
    assert lines(state)[3] == ("eva", "more")
    assert (state.ended, state.turns) == ("2 turns were taken", 4)
    assert asked[0] == (
        "bob: bob 2\n\nThe talk is about to end: 2 turns were taken. Say something to go on, or nothing to end it."
    )


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        (["", ""], ["ann", "eva", "max"]),
        (["more", "", ""], ["ann", "eva", "ann", "eva", "max"]),
        (["", "more", "", ""], ["ann", "eva", "max", "ann", "eva", "max"]),
    ],
)
async def test_all_people_are_asked_at_the_end_until_one_says_something(answers, names):
    people = [UserProxy(name, human="at_end") for name in ("eva", "max")]
    state = (await talked(group_chat([says("ann"), *people], until=MaxTurns(1)), answers=answers)).state
    assert [one.speaker for one in state.talk[1:]] == names
    assert (state.ended, state.closing) == ("1 turn was taken", "")


async def test_after_a_person_let_it_go_on_those_who_may_follow_them_speak():
    members = [says("ann"), UserProxy("eva", human="at_end", reply="And?"), says("bob")]
    state = (await talked(group_chat(members, until=MaxTurns(1)), answers=["more", ""])).state
    assert [one.speaker for one in state.talk] == ["admin", "ann", "eva", "bob", "eva"]


async def test_no_person_lets_a_talk_pass_the_most_turns_there_may_be():
    members = [says("ann"), UserProxy("eva", human="at_end")]
    graph = group_chat(members, until=MaxTurns(2), max_turns=5)
    state = (await talked(graph, answers=lambda text: "more")).state
    assert (state.turns, state.ended) == (5, "5 turns were taken, the most there may be")


async def test_a_proxy_says_its_reply_when_there_is_nothing_else():
    members = [says("ann"), UserProxy(human="never", reply="And?")]
    assert lines((await talked(group_chat(members, until=MaxTurns(2)))).state)[2] == ("user", "And?")


async def test_a_proxy_runs_the_programs_that_others_write(unisolated):
    program = "First\n```python\nx = 2\n```\nthen\n```py\nprint(x * 21)\n```\nand\n```sh\nrm -rf /\n```\n"
    model = ScriptedModel(["no program", program, "```python\n1 / 0\n```", "no program"])
    members = [Assistant(model, name="ann"), UserProxy("runner", human="never", sandbox=unisolated)]
    flow, journal = group_chat(members, until=MaxTurns(8)).compile(), MemoryJournal()
    state = (await flow.run({"task": "```python\nnot this\n```"}, journal=journal, run_id="r")).state
    assert lines(state)[4] == ("runner", "The program ran.\noutput:\n42\n\nended: exit status 0")
    assert lines(state)[6][1].startswith("The program failed.\nerrors:\n")
    assert "ZeroDivisionError" in lines(state)[6][1]
    for place in (2, 8):
        assert (state.talk[place].speaker, state.talk[place].message.parts) == ("runner", ())
    assert await flow.replay("r", journal=journal, rerun="all")


@pytest.mark.parametrize(
    ("written", "program"),
    [
        ("```python\r\nif x:\r\n    y\r\n```", "if x:\n    y\n"),
        ("1. Run\n   ```Python\n   if x:\n       y\n   ```", "if x:\n    y\n"),
        ('``` py title="x"\ny\n```', "y\n"),
        ("```python3\ny\n```", "y\n"),
        ("```pycon\ny\n```", None),
        ("```\ny\n```", None),
    ],
)
async def test_programs_are_found_however_they_are_fenced(written, program):
    ran = []

    class Sandbox:
        async def run(self, given):
            ran.append(given.files["program.py"].decode())
            raise RuntimeError("it ran")

    members = [says("ann", written), UserProxy("runner", human="never", sandbox=Sandbox())]
    flow = group_chat(members, until=MaxTurns(2)).compile()
    with nullcontext() if program is None else pytest.raises(RunFailedError, match="it ran"):
        await flow.run({})
    assert ran == ([] if program is None else [program])


# ---------------------------------------------------------------------- functions


async def test_functions_say_texts_messages_or_nothing():
    def plain(chat):
        return None if chat.turns else "a text"

    async def later(chat, context):
        return Message.of("assistant", "a message") if chat.turns < 2 else ""

    model = ScriptedModel(["x", "y"])
    members = [plain, later, Assistant(model, name="ann")]
    state = (await talked(group_chat(members, until=MaxTurns(6)))).state
    assert [text for _, text in lines(state)] == ["go", "a text", "a message", "x", "", "", "y"]
    assert saying(model)[1][-1] == "user: You have the floor. Go on.", "nobody hears nothing"
    assert order(state) == ["plain", "later", "ann"] * 2


async def test_an_async_function_may_leave_the_context_out():
    async def short(chat):
        return f"{chat.turns}"

    assert lines((await talked(group_chat([short], until=MaxTurns(2)))).state)[1:] == [
        ("short", "0"),
        ("short", "1"),
    ]


async def test_a_plain_function_is_called_once_and_not_on_the_loop():
    import threading

    threads = []

    def slow(chat):
        threads.append(threading.current_thread())
        return "x"

    await talked(group_chat([slow], until=MaxTurns(2)))
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_a_function_that_says_something_else_fails_the_run():
    async def odd(chat, context):
        return 3

    with pytest.raises(
        RunFailedError, match="odd should say a text, a Message of the role 'assistant', or None, not 3"
    ):
        await group_chat([odd], until=MaxTurns(2)).compile().run({})


async def test_the_state_holds_who_said_what_and_stays_the_same_when_run_anew():
    result = await talked(group_chat([says("ann"), says("bob")], until=MaxTurns(2)))
    assert result.status is RunStatus.COMPLETED
    assert result.state.transcript == "admin: go\n\nann: ann 1\n\nbob: bob 2"
    assert isinstance(result.state.talk[0].message, Message)
    assert not [part for one in result.state.talk for part in one.message.parts if isinstance(part, ToolCall)]


async def test_what_functions_do_to_the_chat_they_are_given_changes_nothing():
    def wild(chat):
        chat.talk.clear()
        chat.signals.append("stop")
        chat.task = "other"
        return "wild"

    async def spoken(chat, context):
        return wild(chat)

    async def choose(chat):
        return wild(chat)

    def until(chat):
        wild(chat)
        return False

    for speaker in ("round_robin", choose):
        members = [Member(spoken, name="wild"), says("bob")]
        rules = {"wild": ["bob", "wild"]} if speaker is choose else {"wild": ["bob"]}
        graph = group_chat(members, until=until, speaker=speaker, max_turns=2, transitions=rules)
        state = (await talked(graph)).state
        assert order(state) == ["wild", "wild" if speaker is choose else "bob"]
        assert (state.talk[0].text, state.signals) == ("go", [])


async def says_nothing():
    return Spoken(Message(role="assistant", parts=()))


async def test_a_member_of_ones_own_kind_takes_part_and_one_that_lacks_something_is_told():
    class Echo:
        name, description = "echo", "Repeats."
        silent = asks_at_end = False
        tools, models, handoffs = {}, frozenset(), ()

        async def speak(self, chat, scene):
            return Spoken(Message.of("assistant", f"{scene.others}: {chat.last.text}"))

    state = (await talked(group_chat([Echo()], until=MaxTurns(1)))).state
    assert state.talk[-1].text == "{'admin': ''}: go"
    Echo.tools, offered = {"add": add}, []
    Echo.speak = lambda self, chat, scene: offered.append([*scene.offered]) or says_nothing()
    await group_chat([Echo(), proxy(erase)], until=MaxTurns(1)).compile().run({})
    assert offered == [["erase"]], "it is offered what others have"
    del Echo.silent, Echo.models
    with pytest.raises(GraphError, match="has a method speak but no silent, models: see Voice"):
        group_chat([Echo()], until=MaxTurns(1))
    Echo.silent, Echo.models = False, frozenset()
    with pytest.raises(GraphError, match="has a name and a description of its own"):
        group_chat([Member(Echo(), name="x")], until=MaxTurns(1))


async def test_a_leave_that_an_agent_was_given_lasts_for_the_talk():
    model = ScriptedModel(
        [calls(call("erase", '{"path": "x"}')), "one", calls(call("erase", '{"path": "y"}')), "two"]
    )
    asked = []

    def answer(text):
        asked.append(text)
        return "always"

    graph = group_chat([Member(Agent(model, [erase]), name="ann")], until=MaxTurns(2))
    assert lines((await talked(graph, answers=answer)).state)[1:] == [("ann", "one"), ("ann", "two")]
    assert asked == ['ann wants to call erase, which may write, with {"path": "x"}']


async def test_assistants_and_proxies_are_renamed_and_changed_as_values():
    who = dataclasses.replace(UserProxy(human="never", tools=[add]), description="Adds.")
    model = ScriptedModel([calls(call("add", '{"one": 1}')), "done"])
    members = [Member(Assistant(model), name="ann", description="Asks."), Member(who, name="adder")]
    state = (await talked(group_chat(members, until=TextMention("done")))).state
    assert order(state) == ["ann", "adder", "ann"]
    assert "- adder: Adds." in model.requests[0].messages[0].text


async def test_a_resource_may_be_called_as_anything():
    model = ScriptedModel(["x"])
    assert order(
        (await talked(group_chat([Assistant("chat", name="ann")], until=MaxTurns(1)), chat=model)).state
    )


async def test_the_admin_may_be_the_person_behind_a_proxy():
    model = ScriptedModel(["hello"])
    members = [UserProxy("eva"), Assistant(model, name="ann")]
    state = (await talked(group_chat(members, until=MaxTurns(1), admin="eva"))).state
    assert lines(state) == [("eva", "go"), ("ann", "hello")], "who said the task does not speak next in order"
    assert model.requests[0].messages[0].text.count("- eva") == 1
