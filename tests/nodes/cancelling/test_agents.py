"""Agents that are cancelled: between turns, in the middle of a call, and what can be done with what they had."""

import asyncio

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, GraphError, RunCancelledError, RunStatus, cancel, send
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent, AgentPartial, Conversation
from backedge.nodes.cancelling import CancelToken, Stopped, ask, cancellable_agent, partial_results
from backedge.nodes.tools import tool
from backedge.providers import Finished, Message, Model, ScriptedModel, ToolCall
from backedge.providers.recorded import pieces_of

from ...virtual import run_virtual


class State(BaseModel):
    question: str = "why?"
    answer: str = ""
    stopped: Stopped | None = None
    chat: Conversation = []


class Slow(ScriptedModel):
    """A script that stays in the calls named until it is let go, and notes what became of them."""

    def __init__(self, script, *slow):
        super().__init__(script)
        self.slow = slow
        self.inside, self.go = asyncio.Event(), asyncio.Event()
        self.closed = []

    async def respond(self, request):
        answer = await super().respond(request)
        if len(self.requests) in self.slow:
            self.inside.set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.closed.append(len(self.requests))
                raise
        return answer

    async def stream(self, request):
        response = await self.respond(request)
        for piece in pieces_of(response):
            yield piece
        yield Finished(response=response)


def call(ident="1", name="look"):
    return Message.of("assistant", f"I look ({ident}).", ToolCall(id=ident, name=name, arguments="{}"))


@tool(permission="read")
async def look() -> str:
    """Look."""
    return "nothing there"


def flow_of(agent, **options):
    graph = Graph(State, resources={"cancel": CancelToken, "model": Model})
    how = {"token": "cancel", "signal": "stop", "conversation": "chat", **options}
    node = cancellable_agent(graph, agent, reads="question", writes="answer", stopped="stopped", **how)
    graph.chain(START, node, END)
    return graph.compile()


async def stopped_in(flow, model, act, *, journal=None):
    """Run it, and act once its model is inside of a slow call; what was done is the same when it is run anew."""
    journal, token = journal or MemoryJournal(), CancelToken()
    resources = {"cancel": token, "model": model}
    async with flow.start({}, journal=journal, run_id="r", resources=resources) as run:
        await model.inside.wait()
        await act(token, run)
        result = await run.result()
    asked = len(model.requests)
    again = {"cancel": CancelToken(), "model": model}
    report = await flow.replay("r", journal=journal, rerun="all", resources=again)
    assert report, str(report)
    assert len(model.requests) == asked
    return result.state


@pytest.mark.parametrize("stream", [False, True])
def test_at_once_ends_the_call_of_its_model(stream):
    async def main():
        model = Slow([call("1"), call("2"), "done"], 2)

        async def act(token, run):
            token.cancel("enough")

        state = await stopped_in(flow_of(Agent(model, [look], stream=stream)), model, act)
        assert (state.answer, state.stopped.reason) == ("", "enough")
        assert (state.stopped.agent, state.stopped.said) == ("agent", "I look (1).")
        assert (state.stopped.turns, state.stopped.calls) == (1, 1)
        assert model.closed == [2], "the connection of the call is closed"
        assert [message.role for message in state.chat] == ["user", "assistant", "tool"]

    run_virtual(main())


def test_graceful_lets_it_end_its_turn_with_the_calls_of_its_tools():
    async def main():
        model = Slow([call("1"), call("2"), "done"], 2)

        async def act(token, run):
            token.cancel("enough", how="graceful")
            await asyncio.sleep(1)
            model.go.set()

        state = await stopped_in(flow_of(Agent(model, [look])), model, act)
        assert (state.stopped.said, state.stopped.turns, state.stopped.calls) == ("I look (2).", 2, 2)
        assert (len(model.requests), model.closed) == (2, [])

    run_virtual(main())


def test_an_answer_that_comes_before_its_next_turn_counts():
    async def main():
        model = Slow([call("1"), "done"], 2)

        async def act(token, run):
            token.cancel("too late", how="graceful")
            await asyncio.sleep(1)
            model.go.set()

        state = await stopped_in(flow_of(Agent(model, [look])), model, act)
        assert (state.answer, state.stopped) == ("done", None)

    run_virtual(main())


def test_at_once_ends_a_tool_and_an_agent_among_the_tools():
    async def main():
        inner = Slow(["never said"], 1)
        helper = Agent(inner, instructions="Help.", name="helper")
        wants = Message.of("assistant", ToolCall(id="1", name="helper", arguments='{"request": "go"}'))
        boss = Agent(ScriptedModel([wants, "done"]), [helper], name="boss")

        async def act(token, run):
            token.cancel("enough")

        state = await stopped_in(flow_of(boss), inner, act)
        assert (state.stopped.agent, state.stopped.turns, state.stopped.calls) == ("boss", 1, 0)
        assert inner.closed == [1]

    run_virtual(main())


def test_one_with_a_guard_ends_its_turn_however_urgent_it_is():
    async def main():
        model = Slow([call("1"), call("2"), "done"], 2)

        async def act(token, run):
            token.cancel("at once")
            await asyncio.sleep(1)
            model.go.set()

        state = await stopped_in(flow_of(Agent(model, [look]), guard="graceful"), model, act)
        assert (state.stopped.said, model.closed) == ("I look (2).", [])

    run_virtual(main())


@pytest.mark.parametrize("who", ["run", "letter", "node"])
async def test_whatever_ends_its_node_ends_the_call_of_its_model(who):
    model, journal = Slow([call("1"), "done"], 2), MemoryJournal()
    graph = Graph(State)
    fields = {"reads": "question", "writes": "answer", "stopped": "stopped"}
    node = cancellable_agent(graph, Agent(model, [look]), **fields, signal="stop")

    @graph.node
    async def other() -> None:
        await model.inside.wait()
        if who != "node":
            await asyncio.Event().wait()

    graph.chain(START, node, END)
    graph.chain(START, other, END)
    graph.cancel(other, node)
    async with graph.compile().start({}, journal=journal, run_id="r") as run:
        await model.inside.wait()
        if who == "run":
            run.cancel()
        elif who == "letter":
            await cancel("r", journal=journal)
        if who == "node":
            await run.result()
        else:
            with pytest.raises(RunCancelledError):
                await run.result()
    assert model.closed == [2]
    (left,) = await partial_results("r", journal=journal)
    assert (left.activation, left.said) == ("agent", ("I look (1).",))


async def test_a_signal_from_anywhere_reaches_it():
    model = Slow([call("1"), "done"], 2)

    async def act(token, run):
        await send("r", "stop", "says another process", journal=journal)

    journal = MemoryJournal()
    state = await stopped_in(flow_of(Agent(model, [look])), model, act, journal=journal)
    assert state.stopped.reason == "says another process"


async def test_a_person_who_is_asked_need_not_answer_any_more():
    @tool(permission="write")
    async def delete() -> str:
        """Delete."""
        raise AssertionError("nobody gave leave")

    model = ScriptedModel([call("1", "delete"), "done"])
    flow = flow_of(Agent(model, [delete]), token="")
    journal, resources = MemoryJournal(), {"cancel": CancelToken(), "model": model}
    result = await flow.run({}, journal=journal, run_id="r", resources=resources)
    assert result.status is RunStatus.SUSPENDED
    await send("r", "stop", "leave it", journal=journal)
    state = (await flow.resume("r", journal=journal, resources=resources)).state
    assert (state.stopped.reason, state.stopped.said) == ("leave it", "I look (1).")


async def test_one_that_was_stopped_goes_on_in_the_next_round_with_what_it_had():
    model = Slow([call("1"), "never said", "done at last"], 2)
    graph, agent = Graph(State), Agent(model, [look])
    fields = {"reads": "question", "writes": "answer", "stopped": "stopped", "conversation": "chat"}
    node = cancellable_agent(graph, agent, **fields, signal="stop")

    @graph.node(writes="question")
    async def hint(stopped: Stopped | None) -> str:
        return f"You were stopped ({stopped.reason}). Go on."

    graph.chain(START, node)
    graph.edge(node, hint, when=lambda stopped: stopped is not None)
    graph.feedback(hint, node, limit=2)
    graph.edge(node, END, when=lambda stopped: stopped is None)
    flow, journal = graph.compile(), MemoryJournal()
    async with flow.start({}, journal=journal, run_id="r") as run:
        await model.inside.wait()
        await run.send("stop", "to think again")
        state = (await run.result()).state
    assert (state.answer, state.stopped) == ("done at last", None)
    shown = [message.text for message in model.requests[-1].messages]
    assert shown[:2] == ["why?", "I look (1)."]
    assert shown[-1] == "You were stopped (to think again). Go on."
    assert await flow.replay("r", journal=journal, rerun="all")


def test_inside_a_node_what_it_had_is_handed_to_its_next_run():
    async def main():
        model = Slow([call("1"), "never said", "done at last"], 2)
        agent, token = Agent(model, [look]), CancelToken()
        graph = Graph(State)

        @graph.node(writes="answer")
        async def node(question: str, ctx: Context) -> str:
            outcome = await ask(agent, question, ctx, token=token)
            assert isinstance(outcome.partial, AgentPartial)
            again = await ask(
                agent, "Go on.", ctx, token=CancelToken(), conversation=outcome.partial.conversation
            )
            return again.result().output

        graph.chain(START, node, END)
        flow, journal = graph.compile(), MemoryJournal()
        async with flow.start({}, journal=journal, run_id="r") as run:
            await model.inside.wait()
            token.cancel()
            assert (await run.result()).state.answer == "done at last"
        assert await flow.replay("r", journal=journal, rerun="all")

    run_virtual(main())


def test_its_model_may_be_a_resource_like_its_token():
    async def main():
        model = Slow([call("1"), "done"], 2)

        async def act(token, run):
            token.cancel("enough")

        assert (await stopped_in(flow_of(Agent("model", [look])), model, act)).stopped.reason == "enough"

    run_virtual(main())


def test_without_a_conversation_what_it_said_last_is_left():
    async def main():
        model = Slow([call("1"), "done"], 2)

        async def act(token, run):
            token.cancel("enough")

        state = await stopped_in(flow_of(Agent(model, [look]), conversation=""), model, act)
        assert (state.stopped.said, state.chat) == ("I look (1).", [])

    run_virtual(main())


def test_what_cannot_work_is_told_when_it_is_built():
    agent, fields = Agent("model"), {"reads": "question", "writes": "answer", "stopped": "stopped"}
    with pytest.raises(ValueError, match="agent: say what may cancel it"):
        cancellable_agent(Graph(State), agent, **fields)
    with pytest.raises(GraphError, match=r"resources=\{'cancel': CancelToken, 'model': Model\}"):
        cancellable_agent(Graph(State), agent, **fields, token="cancel")


def test_one_that_is_stopped_again_and_again_has_all_that_was_said_before_it():
    async def main():
        model = Slow([call("1"), "never said", call("2"), "never said", "done at last"], 2, 4)
        agent, tokens = Agent(model, [look]), [CancelToken() for _ in range(4)]
        tokens[0].cancel("before it began")
        graph = Graph(State)

        @graph.node(writes="answer")
        async def node(question: str, ctx: Context) -> str:
            said = []
            for number, token in enumerate(tokens):
                outcome = await ask(agent, f"Go on ({number}).", ctx, token=token, conversation=said)
                if outcome.cancelled:
                    said += outcome.partial.conversation
            return outcome.result().output

        graph.chain(START, node, END)
        flow, journal = graph.compile(), MemoryJournal()
        async with flow.start({}, journal=journal, run_id="r") as run:
            for token in tokens[1:3]:
                await model.inside.wait()
                model.inside.clear()
                token.cancel()
            assert (await run.result()).state.answer == "done at last"
        shown = [message.text for message in model.requests[-1].messages if message.role != "tool"]
        assert shown == ["Go on (1).", "I look (1).", "Go on (2).", "I look (2).", "Go on (3)."]
        assert await flow.replay("r", journal=journal, rerun="all")

    run_virtual(main())
