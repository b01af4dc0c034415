"""The loop: turns, parallel calls, limits, forms of answers, and what a model does that it should not."""

import asyncio
import json

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, CustomEvent, Graph, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import GraphError
from backedge.nodes.agents import (
    Agent,
    Conversation,
    NoAnswerError,
    RefusedError,
    ToolEnded,
    ToolStarted,
    TurnLimitError,
)
from backedge.nodes.tools import ToolError, tool
from backedge.providers import CallDelta, Image, Message, Model, ScriptedModel, ToolResult
from backedge.providers.errors import BadToolCallError, OverloadedError

from .scripts import call, calls, failure, finished, flow_of, ran, results_in, told_last


@tool(permission="read")
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


class Trip(BaseModel):
    to: str
    days: int


TRIP = '{"to": "Rome", "days": 3}'


async def test_an_agent_calls_tools_until_it_answers_and_sees_what_they_gave():
    model = ScriptedModel([calls(call("double", '{"number": 4}')), "eight"])
    result = await ran(Agent(model, [double], "Be brief."))
    assert result.state.answer == "eight"
    first, second = model.requests
    assert [message.text for message in first.messages] == ["Be brief.", "why?"]
    assert [message.role for message in second.messages] == ["system", "user", "assistant", "tool"]
    assert told_last(model) == [ToolResult(id="1", content="8")]
    assert [spec.name for spec in first.tools] == ["double"]


async def test_functions_are_made_tools_and_an_agent_without_tools_answers_at_once():
    async def shout(text: str) -> str:
        """Shout."""
        return text.upper()

    assert list(Agent(ScriptedModel([]), [shout]).tools) == ["shout"]
    model = ScriptedModel(["hi"])
    assert (await ran(Agent(model))).state.answer == "hi"
    assert [message.role for message in model.requests[0].messages] == ["user"]


async def test_calls_of_one_turn_are_made_at_once_and_their_results_are_in_the_order_of_the_calls():
    meeting = asyncio.Barrier(2)

    @tool(permission="read")
    async def meet(name: str) -> str:
        """Wait for the other one."""
        await asyncio.wait_for(meeting.wait(), 5)
        await asyncio.sleep(0.01 if name == "a" else 0)
        return name

    model = ScriptedModel(
        [calls(call("meet", '{"name":"a"}', "1"), call("meet", '{"name":"b"}', "2")), "met"]
    )
    assert (await ran(Agent(model, [meet]))).state.answer == "met"
    assert [(one.id, one.text) for one in told_last(model)] == [("1", "a"), ("2", "b")]


async def test_one_call_that_fails_does_not_touch_the_others_and_the_model_is_told():
    @tool(permission="read")
    async def divide(by: int) -> float:
        """Divide one."""
        if by == 1:
            raise ToolError("one is boring")
        await asyncio.sleep(0.01)
        return 1 / by

    wanted = [call("divide", json.dumps({"by": by}), str(by)) for by in (0, 1, 2)]
    model = ScriptedModel([calls(*wanted), "done"])
    await ran(Agent(model, [divide]))
    zero, one, two = told_last(model)
    assert zero.failed
    assert zero.text == "divide failed with ZeroDivisionError: division by zero"
    assert (one.failed, one.text) == (True, "one is boring")
    assert (two.failed, two.text) == (False, "0.5")


async def test_an_error_that_is_told_is_bounded():
    @tool(permission="read")
    async def burst() -> str:
        """Burst."""
        raise ValueError("x" * 1_000_000)

    model = ScriptedModel([calls(call("burst")), "done"])
    await ran(Agent(model, [burst]))
    assert len(told_last(model)[0].text) <= 2000
    assert "characters left out" in told_last(model)[0].text


async def test_unknown_tools_and_arguments_that_do_not_fit_are_told_to_the_model_and_nothing_is_called():
    wanted = [
        call("dubble", "{}", "1"),
        call("double", "{", "2"),
        call("double", '{"n": 1}', "3"),
        call("double", '["number"]', "4"),
    ]
    model = ScriptedModel([calls(*wanted), "sorry"])
    journal, flow = MemoryJournal(), flow_of(Agent(model, [double]))
    await flow.run({}, journal=journal, run_id="r")
    told = told_last(model)
    assert all(one.failed for one in told)
    assert told[0].text == "there is no tool 'dubble'; did you mean double? there are: double"
    assert "no JSON" in told[1].text
    assert "number: is missing" in told[2].text
    assert "one JSON object" in told[3].text
    assert not [one for one in await journal.read("r") if getattr(one, "name", "") == "double"]


async def test_a_call_that_a_provider_refuses_is_told_to_the_model_as_what_it_is():
    model = ScriptedModel([BadToolCallError("it calls the tool 'x', which it was not offered"), "better"])
    assert (await ran(Agent(model, [double]))).state.answer == "better"
    assert "'x', which it was not offered" in model.requests[1].messages[-1].text


async def test_a_result_may_be_a_picture():
    picture = Image(media_type="image/png", data=b"\x89PNG\x00\xff")

    @tool(permission="read")
    async def look() -> list[object]:
        """Look."""
        return ["this:", picture]

    model = ScriptedModel([calls(call("look")), "a cat"])
    result = await ran(Agent(model, [look]))
    assert told_last(model)[0].content[1] == picture
    assert results_in(result.state.chat[2])[0].content[1] == picture


async def test_the_answer_of_the_last_allowed_turn_counts_and_no_tool_may_be_called_in_it():
    model = ScriptedModel([calls(call("double", '{"number": 1}')), "two"])
    assert (await ran(Agent(model, [double], max_turns=2))).state.answer == "two"
    assert [request.tool_choice for request in model.requests] == ["auto", "none"]


async def test_a_model_that_never_stops_calling_is_stopped_and_what_it_did_is_told():
    model = ScriptedModel(
        lambda request: calls("hm", call("double", json.dumps({"number": len(request.messages)})))
    )
    error = await failure(Agent(model, [double], max_turns=3), TurnLimitError)
    assert len(model.requests) == 3
    assert error.done == ('double({"number": 1}) gave: 2', 'double({"number": 3}) gave: 6')
    assert (error.agent, error.limit, error.said) == ("agent", "max_turns=3", "hm")
    assert str(error).startswith(
        "agent gave no answer within max_turns=3: allow more, or ask for less; it had done:"
    )


async def test_calls_may_be_bounded_too_and_none_of_a_turn_that_goes_beyond_is_made():
    two = calls(call("double", '{"number": 1}', "1"), call("double", '{"number": 2}', "2"))
    model = ScriptedModel([two, two])
    error = await failure(Agent(model, [double], max_calls=3), TurnLimitError)
    assert error.limit == "max_calls=3"
    assert len(error.done) == 2


@pytest.mark.parametrize("empty", ["", " \n", finished("stop")], ids=["nothing", "blank", "no parts"])
async def test_an_empty_answer_is_asked_for_again_and_only_so_often(empty):
    model = ScriptedModel([empty, "yes"])
    assert (await ran(Agent(model))).state.answer == "yes"
    assert (
        model.requests[1].messages[-1].text
        == "That answer cannot be used: the answer is empty. Answer again."
    )
    assert all(message.parts for message in model.requests[1].messages), (
        "no provider takes a message of nothing"
    )
    error = await failure(Agent(ScriptedModel([empty] * 9), repairs=2), NoAnswerError)
    assert error.why == "the answer is empty"


async def test_answers_that_cannot_be_used_are_counted_in_a_row():
    again = calls(call("double", '{"number": 1}'))
    model = ScriptedModel(["", again, "", again, "", "at last"])
    assert (await ran(Agent(model, [double], repairs=1))).state.answer == "at last"


async def test_an_empty_answer_in_the_last_turn_is_no_limit_but_an_answer_that_cannot_be_used():
    error = await failure(Agent(ScriptedModel([""]), max_turns=1), NoAnswerError)
    assert error.why == "the answer is empty"


@pytest.mark.parametrize("how", ["refusal", "filtered"])
async def test_a_refusal_ends_the_agent_and_says_what_was_said(how):
    error = await failure(Agent(ScriptedModel([finished(how, "I will not.")])), RefusedError)
    assert error.said == "I will not."
    assert str(error).endswith(": I will not.")


async def test_an_answer_that_was_cut_off_is_none():
    error = await failure(Agent(ScriptedModel([finished("length", "Once up")])), NoAnswerError)
    assert "raise max_tokens" in error.why


async def test_a_turn_that_the_provider_paused_goes_on():
    model = ScriptedModel([finished("pause", "let me"), "done"])
    assert (await ran(Agent(model))).state.answer == "done"
    assert model.requests[1].messages[-1].text == "let me"


async def test_settings_are_in_every_request():
    model = ScriptedModel([calls(call("double", '{"number": 1}')), "two"])
    await ran(Agent(model, [double], max_tokens=50, temperature=0.5, parallel_tools=False))
    assert {(one.max_tokens, one.temperature, one.parallel_tools) for one in model.requests} == {
        (50, 0.5, False)
    }


# ---------------------------------------------------------------------- answers of a type


async def test_an_answer_of_a_type_is_validated_and_sent_back_when_it_does_not_fit():
    model = ScriptedModel([calls(call("double", '{"number": 1}')), '{"to": "Rome"}', TRIP])
    result = await ran(Agent(model, [double], output=Trip))
    assert result.state.answer == Trip(to="Rome", days=3)
    assert all(request.output is not None for request in model.requests)
    assert "days: Field required" in model.requests[2].messages[-1].text
    assert [entry.role for entry in result.state.chat].count("user") == 2


async def test_an_answer_may_be_the_call_of_a_tool_and_the_conversation_stays_whole():
    given = calls(call("Trip", '{"to": "Rome"}', "1"), call("double", '{"number": 1}', "2"))
    model = ScriptedModel([calls(call("double", '{"number": 1}')), given, calls(call("Trip", TRIP))])
    result = await ran(Agent(model, [double], output=Trip, mode="tool", max_turns=3))
    assert result.state.answer == Trip(to="Rome", days=3)
    assert [request.tool_choice for request in model.requests] == ["required", "required", "Trip"]
    wrong, beside = told_last(model)
    assert wrong.failed
    assert "days: Field required" in wrong.text
    assert beside.text == "it was not carried out: the answer was given with it"
    assert results_in(result.state.chat[-1]) == [ToolResult(id="1", content="received")]


async def test_a_tool_that_is_called_as_the_answer_is_refused():
    with pytest.raises(ValueError, match="two tools called 'Trip'"):
        Agent(ScriptedModel([]), [tool(double.function, name="Trip")], output=Trip, mode="tool")


async def test_an_answer_that_never_fits_ends_with_the_reason():
    error = await failure(Agent(ScriptedModel(["no"] * 5), output=Trip, repairs=1), NoAnswerError)
    assert "no JSON object" in error.why


# ---------------------------------------------------------------------- in graphs


class Build(BaseModel):
    spec: str = "a sort"
    tries: int = 0
    code: str = ""
    chat: Conversation = []


def looping(model, **more):
    graph = Graph(Build, resources={"coder": Model})
    agent = Agent("coder", [double], name="ann")

    def prompt(spec: str, tries: int) -> str:
        return f"{spec}, try {tries}"

    node = agent.node(graph, reads=prompt, writes="code", conversation="chat", **more)

    @graph.node(writes="tries")
    async def check(code: str, tries: int) -> int:
        return tries + 1

    graph.chain(START, node, check)
    graph.feedback(check, node, when=lambda tries: tries < 2, limit=5)
    graph.edge(check, END, when=lambda tries: tries >= 2)
    return graph.compile()


async def test_in_the_next_round_of_a_loop_the_conversation_goes_on():
    model = ScriptedModel([calls(call("double", '{"number": 1}')), "first", "second"])
    flow, journal = looping(model), MemoryJournal()
    state = (await flow.run({}, journal=journal, run_id="r", resources={"coder": model})).state
    said = [message.text for message in model.requests[-1].messages]
    assert said == ["a sort, try 0", "", "", "first", "a sort, try 1"]
    assert [entry.text for entry in state.chat] == [*said, "second"]
    assert await flow.replay("r", journal=journal, rerun="all", resources={"coder": model})


async def test_what_a_round_adds_is_all_that_the_journal_stores_of_it():
    model = ScriptedModel([calls(call("double", '{"number": 1}')), "first", "second"])
    flow, journal = looping(model), MemoryJournal()
    await flow.run({}, journal=journal, run_id="r", resources={"coder": model})
    written = [
        one.writes
        for one in await journal.read("r")
        if str(getattr(one, "activation", "")) == "ann@1" and hasattr(one, "writes")
    ]
    assert b"try 1" in str(written).encode()
    assert b"try 0" not in str(written).encode()


async def test_a_node_is_told_several_fields_under_their_names_and_a_picture_as_it_is():
    class State(BaseModel):
        picture: Image
        wish: str = "bigger"
        sizes: list[int] = [1, 2]
        answer: str = ""

    model = ScriptedModel(["ok"])
    graph = Graph(State)
    node = Agent(model).node(graph, reads=("wish", "picture", "sizes"), writes="answer")
    graph.chain(START, node, END)
    picture = Image(media_type="image/png", data=b"x")
    assert (await graph.compile().run({"picture": picture})).state.answer == "ok"
    message = model.requests[0].messages[0]
    assert picture in message.parts
    assert message.text == "wish:\nbigger\n\npicture:\nsizes:\n[\n 1,\n 2\n]\n\n"


async def test_an_agent_runs_inside_of_a_node_and_says_what_it_took():
    model = ScriptedModel([calls(call("double", '{"number": 1}')), "one two three"])
    agent = Agent(model, [double])

    class State(BaseModel):
        answer: str = ""

    graph, seen = Graph(State), []

    @graph.node(writes="answer")
    async def node(ctx: Context) -> str:
        result = await agent.run("go", ctx)
        seen.append(result)
        return result.output

    graph.chain(START, node, END)
    await graph.compile().run({})
    (result,) = seen
    assert (result.turns, result.calls, result.usage.output_tokens, result.cost) == (2, 1, 3, None)
    assert [message.role for message in result.conversation] == ["user", "assistant", "tool", "assistant"]


async def test_the_same_agent_may_run_several_times_at_once():
    model = ScriptedModel(lambda request: request.messages[-1].text.upper())
    agent = Agent(model)

    class State(BaseModel):
        answer: list[str] = []

    graph = Graph(State)

    @graph.node(writes="answer")
    async def node(ctx: Context) -> list[str]:
        found = await ctx.gather(*(agent.run(text, ctx) for text in "abc"))
        return [one.output for one in found]

    graph.chain(START, node, END)
    flow, journal = graph.compile(), MemoryJournal()
    assert (await flow.run({}, journal=journal, run_id="r")).state.answer == ["A", "B", "C"]
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_pieces_of_answers_and_calls_of_tools_are_events_that_name_the_agent():
    model = ScriptedModel([calls(call("double", '{"number": 1}')), "two at last"])
    agent = Agent(model, [double], name="ann", stream=True)
    async with flow_of(agent).start({}) as run:
        told = [event.data async for event in run.events() if isinstance(event, CustomEvent)]
        assert (await run.result()).state.answer == "two at last"
    deltas = [one for one in told if isinstance(one, CallDelta) and one.part == "text"]
    assert [one.text for one in deltas] == ["two ", "at ", "last"]
    assert {one.labels.agent for one in deltas} == {"ann"}
    started, ended = [one for one in told if isinstance(one, ToolStarted | ToolEnded)]
    assert started == ToolStarted("ann", "1", "double", '{"number": 1}')
    assert (ended.tool, ended.call, ended.error) == ("double", "1", "")


async def test_a_run_that_failed_at_a_call_of_the_model_goes_on_with_that_call():
    made = []

    @tool(permission="write")
    async def note(text: str) -> str:
        """Note."""
        made.append(text)
        return "noted"

    script = [calls(call("note", '{"text": "a"}')), OverloadedError("full"), "done"]
    model = ScriptedModel(script)
    flow, journal = flow_of(Agent(model, [note], allow="write")), MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    result = await flow.resume("r", journal=journal)
    assert (result.status, result.state.answer) == (RunStatus.COMPLETED, "done")
    assert made == ["a"]
    assert len(model.requests) == 3


def test_what_cannot_be_used_is_refused_when_the_agent_is_made():
    model = ScriptedModel([])
    for wrong, why in (
        ({"name": "a b"}, "identifier"),
        ({"max_turns": 0}, "max_turns"),
        ({"repairs": -1}, "repairs"),
        ({"allow": "all"}, "allow="),
        ({"tools": [double, double]}, "two tools called 'double'"),
    ):
        with pytest.raises(ValueError, match=why):
            Agent(model, **wrong)
    with pytest.raises(ValueError, match="backedge.model"):
        Agent("openai:gpt-5")
    with pytest.raises(GraphError, match="names the model 'coder'"):
        Agent("coder").node(Graph(Build), reads="spec", writes="code")


def test_what_it_is_asked_is_made_by_a_plain_function():
    async def prompt(spec: str) -> str:
        return spec

    with pytest.raises(TypeError, match="plain function"):
        Agent(ScriptedModel([])).node(Graph(Build), reads=prompt, writes="code")


def test_the_node_of_an_agent_reads_what_it_says_and_writes_what_it_answers():
    graph = Graph(Build)
    node = Agent(ScriptedModel([]), output=int, name="ann").node(graph, reads="spec", writes="code")
    graph.chain(START, node, END)
    assert node.name == "ann"
    with pytest.raises(GraphError, match="code"):
        graph.compile()


async def test_a_message_may_be_what_it_is_asked():
    class State(BaseModel):
        said: Message
        answer: str = ""

    model, graph = ScriptedModel(["ok"]), Graph(State)
    graph.chain(START, Agent(model).node(graph, reads="said", writes="answer"), END)
    await graph.compile().run({"said": Message.of("user", "a", "b")})
    assert model.requests[0].messages[0] == Message.of("user", "a", "b")
