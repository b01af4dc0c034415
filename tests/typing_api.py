"""The types of the public API, for a type checker: this file is checked by `make types` and never run.

`assert_type` pins what a call gives; an ignored error pins a misuse that must stay one (an ignore that is not needed
is an error too).
"""

# Bodies and awaits would only hide what is pinned:
# mypy: disable-error-code="empty-body, unused-coroutine"

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal, assert_type

from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt

from backedge import (
    END,
    START,
    BackedgeError,
    Context,
    Event,
    Flow,
    Goto,
    Graph,
    GraphError,
    ItemError,
    Marker,
    Node,
    Recovery,
    Run,
    RunFailedError,
    RunOptions,
    RunResult,
    RunStatus,
    Share,
    StepError,
    extend,
    model,
)
from backedge.nodes.actors import ActorState, Next, actor
from backedge.nodes.agents import Agent, AgentResult, KeepTokens, Work, adversarial_loop
from backedge.nodes.cancelling import CancelToken
from backedge.nodes.chat import (
    Assistant,
    Chat,
    External,
    MaxTurns,
    TextMention,
    UserProxy,
    group_chat,
)
from backedge.nodes.crew import Crew, Role, Task
from backedge.nodes.handoff import Limits, SwarmState, swarm
from backedge.nodes.lobby import Lobby, LobbyMessage
from backedge.nodes.orchestra import Number, Performance, Perspective, orchestra, technical_review
from backedge.nodes.registry import AgentCard, Manager, Registry
from backedge.nodes.tools import tool
from backedge.nodes.tracking import Tracker
from backedge.nodes.voting import Election, Result, count, veto
from backedge.providers import Image, ModelRequest, NamedModel, RecordingModel, Structured, respond_as


class Report(BaseModel):
    passed: bool


class Model:
    async def ask(self, question: str) -> str: ...


class Build(BaseModel):
    spec: str
    code: str
    report: Report
    verdict: Literal["good", "bad"] = "bad"
    feedback: Annotated[list[str], extend] = []


graph = Graph(Build, resources={"model": Model}, name="build")
assert_type(graph, Graph[Build])
assert_type(graph.state, type[Build])
assert_type(START, Marker)
assert_type(END, Marker)


# --------------------------------------------------------------------------- nodes keep the signature of their function


@graph.node(writes="code")
async def coder(spec: str, feedback: list[str], model: Model, ctx: Context, retries: int = 3) -> str: ...


@graph.node
def bare(code: str) -> None: ...


@graph.node()
def called(code: str) -> None: ...


@graph.node(
    name="everything",
    writes=("report", "verdict"),
    inline=False,
    retry=AsyncRetrying(stop=stop_after_attempt(3)),
    timeout=2.5,
    concurrency=4,
    uses=("sandbox", "gpu"),
    may_stop=True,
    version="2",
)
def everything(code: str) -> dict[str, Any]: ...


assert_type(bare, Node[[str], None])  # type: ignore[assert-type]  # its parameter has a name, too
assert_type(bare("x"), None)
assert_type(bare(code="x"), None)
assert_type(called("x"), None)
assert_type(everything("x"), dict[str, Any])
assert_type(coder.name, str)


async def call_it_as_the_plain_function(model: Model, ctx: Context) -> None:
    assert_type(coder("spec", [], model, ctx), Coroutine[Any, Any, str])
    assert_type(await coder("spec", [], model, ctx, retries=1), str)
    await coder("spec", [], model)  # type: ignore[call-arg]
    await coder(5, [], model, ctx)  # type: ignore[arg-type]


class Linter:
    def lint(self, code: str, strict: bool = False) -> Report: ...

    def __call__(self, code: str) -> Report: ...


assert_type(graph.node(Linter().lint, name="lint", writes="report")("x", strict=True), Report)
assert_type(graph.node(Linter(), writes="report")("x"), Report)
assert_type(graph.node(functools.partial(Linter().lint, strict=True), writes="report")("x"), Report)
assert_type(graph.node(lambda code: len(code), name="size")("x"), int)
assert_type(graph.node(bare, name="again")("x"), None)  # a node is as good as its function
assert_type(graph.node(len, name="len")([]), int)
assert_type(graph.node(Report, writes="report")(passed=True), Report)

graph.node("coder")  # type: ignore[call-overload]
graph.node(bare, writes=5)  # type: ignore[call-overload]
graph.node(bare, wirtes="code")  # type: ignore[call-overload]
graph.node(bare, "name")  # type: ignore[call-overload]

Graph(dict)  # type: ignore[type-var]
Graph(Build, {"model": Model})  # type: ignore[call-arg]

# --------------------------------------------------------------------------- edges


def good(report: Report) -> bool:
    return report.passed


assert_type(graph.chain(START, coder, bare, END), None)
graph.edge(coder, END, when=lambda report: report.passed, label="passed")
graph.edge(coder, END, when=good)
graph.edge(coder, END, good)  # type: ignore[call-arg]
graph.edge(coder, "END")  # type: ignore[arg-type]
graph.edge(good, END)  # type: ignore[arg-type]
graph.edge(coder, END, when=True)  # type: ignore[arg-type]

graph.feedback(bare, coder, limit=8, when=lambda report: not report.passed, otherwise=END, label="again")
graph.feedback(bare, coder, limit=None, when=good)
graph.feedback(bare, coder)  # type: ignore[call-arg]
graph.feedback(bare, coder, limit="8")  # type: ignore[arg-type]

graph.switch(everything, {"good": END, "bad": coder}, on="verdict", default=bare)
graph.switch(bare, {True: END, False: coder})
graph.switch(bare, {"good": "END"})  # type: ignore[dict-item]
graph.switch(bare, [END])  # type: ignore[arg-type]

graph.on_error(coder, bare)
graph.on_error(coder, bare, error=TimeoutError, label="slow")
graph.on_error(coder, bare, error=KeyboardInterrupt)  # type: ignore[arg-type]
graph.on_error(coder, bare, error=ValueError())  # type: ignore[arg-type]

# --------------------------------------------------------------------------- flows and runs know their state

flow = graph.compile()
assert_type(flow, Flow[Build])
assert_type(flow.name, str)
assert_type(flow.inputs, dict[str, Any])
assert_type(flow.warnings, tuple[str, ...])


async def runs() -> None:
    result = await flow.run({"spec": "x"}, journal="runs.db", run_id="demo", resources={"model": Model()})
    assert_type(result, RunResult[Build])
    assert_type(result.state, Build)
    assert_type(result.state.report.passed, bool)
    assert_type(result.status, RunStatus)
    assert_type(result.run_id, str)
    await flow.run(Build(spec="x", code="", report=Report(passed=True)), journal=Path("runs.db"))
    await flow.run()
    await flow.run(
        {"spec": "x"}, concurrency=2, slots={"sandbox": 1}, limits={"a->b": 3}, deadline=5, grace=1
    )
    await flow.run(spec="x")  # type: ignore[call-arg]
    await flow.run({"spec": "x"}, concurrency="2")  # type: ignore[arg-type]
    await flow.run("x")  # type: ignore[arg-type]

    assert_type(await flow.resume("demo", journal="runs.db"), RunResult[Build])
    await flow.resume("demo")  # type: ignore[call-arg]
    assert_type(await flow.recover(journal="runs.db", at_once=3, concurrency=2), list[Recovery])
    await flow.recover("demo", journal="runs.db")  # type: ignore[misc]
    assert_type(await flow.state_at("demo", 3, journal="runs.db"), Build)

    async with flow.start({"spec": "x"}) as run:
        assert_type(run, Run[Build])
        async for event in run.events():
            assert_type(event, Event)
        assert_type(await run.result(), RunResult[Build])


def runs_without_async(options: RunOptions) -> None:
    assert_type(flow.run_sync({"spec": "x"}, **options), RunResult[Build])
    assert_type(flow.resume_sync("demo", journal="runs.db"), RunResult[Build])
    assert_type(graph.render("loop.svg", run="demo", journal="runs.db"), None)
    assert_type(flow.render(Path("loop.svg")), None)


def errors_tell_what_they_know() -> None:
    try:
        graph.compile()
    except GraphError as error:
        assert_type(error.problems, tuple[str, ...])
    try:
        flow.run_sync()
    except RunFailedError as error:
        assert_type(error.failures, dict[str, StepError])
        assert_type(error.run_id, str)
        as_any_other: BackedgeError = error
        raise as_any_other from None


async def models_answer_with_values(request: ModelRequest) -> None:
    async with model("openai:gpt-5") as named:
        assert_type(named, NamedModel)
        answer = await respond_as(named, request, Report)
        assert_type(answer, Structured[Report])
        assert_type((await respond_as(named, request, list[int])).value, list[int])
        recording = RecordingModel(named, "session.jsonl")
        respond_as(recording, request, Report, mode="words")  # type: ignore[arg-type]


# --------------------------------------------------------------------------- what users write around it


def build(make: Callable[[str], str]) -> Flow[Build]:
    """A flow's type is that of its state, so that it can be handed around."""
    small = Graph(Build)
    node: Node[[str], str] = small.node(make, name="make", writes="code")
    small.chain(START, node, END)
    other: Flow[Report] = small.compile()  # type: ignore[assignment]
    assert other
    return small.compile()


# --------------------------------------------------------------------------- maps, subgraphs, routing


@graph.map(over="feedback", item="note", into="feedback", concurrency=2, errors="collect")
async def each_note(note: str, model: Model) -> str: ...


def some(feedback: list[str]) -> list[str]: ...


inner = Graph(Build, end="first").compile()
assert_type(each_note.name, str)
assert_type(graph.map(bare, over="feedback", item="code")(code="x"), None)
assert_type(graph.map(inner, over=some, item="spec", into="feedback", result="code"), Node[..., Any])
assert_type(
    graph.subgraph(inner, name="inner", reads={"spec": "spec"}, writes={"code": "code"}), Node[..., Any]
)
assert_type(graph.subgraph(graph, limit=3, uses="sandbox", join="first", rest="cancel"), Node[..., Any])
graph.map(bare, item="code")  # type: ignore[call-overload]
graph.map(bare, over="feedback", item="code", errors="ignore")  # type: ignore[call-overload]
graph.subgraph(bare)  # type: ignore[arg-type]
graph.node(bare, join="some")  # type: ignore[call-overload]
graph.cancel(bare, each_note, when=lambda code: True, complete=True)
graph.saga((bare, called), everything, failed=bare)


@graph.node
def router(code: str) -> Goto[Literal["coder", "END"]]:
    return Goto("coder", value=None)


Goto[Literal["coder"]]("elsewhere")  # type: ignore[arg-type]


async def add_items(ctx: Context, live: Run[Build]) -> None:
    ctx.add("one", 2)
    assert_type(await live.send("signal", 3, keep=False), bool)
    assert_type(ItemError(type="ValueError", message="").message, str)


# --------------------------------------------------------------------------- agents


@tool(permission="read")
async def look_up(word: str) -> int: ...


def with_agents(asked: NamedModel) -> None:
    agent = Agent(
        asked, [look_up], "You look things up.", output=Report, memory=KeepTokens(1000), max_tokens=100
    )
    words = Agent("model", [agent, agent.as_tool("checker", "Checks."), look_up])
    assert_type(agent, Agent[Report])
    assert_type(words, Agent[str])
    assert_type(agent.node(graph, reads=("spec", "code"), writes="report", timeout=60), Node[..., Any])
    assert_type(adversarial_loop(coder=words, interpreter=coder, checker=agent), Graph[Work])
    agent.node(graph, reads="spec", writes="report", inline=True)  # type: ignore[call-arg]
    Agent(asked, max_token=100)  # type: ignore[call-overload]
    Agent(asked, allow="everything")  # type: ignore[arg-type]


async def inside(agent: Agent[Report], ctx: Context) -> None:
    result = await agent.run(["Judge this:", Image(media_type="image/png", url="https://host/a.png")], ctx)
    assert_type(result, AgentResult[Report])
    assert_type(result.output, Report)
    assert_type(result.cost, float | None)


# --------------------------------------------------------------------------- agents together


class Say(BaseModel):
    text: str


async def greeter(message: Say, state: int) -> Next: ...


def graphs_of_agents(asked: NamedModel, agent: Agent[Report]) -> None:
    until = MaxTurns(10) & TextMention("DONE") | External("stop")
    chat = group_chat(
        [Assistant(asked, name="ann"), UserProxy(human="never"), agent],
        until=until,
        speaker="auto",
        model=asked,
    )
    assert_type(chat, Graph[Chat])
    group_chat([agent], until=3)  # type: ignore[arg-type]
    group_chat([agent], until=until, speaker="loudest")  # type: ignore[arg-type]
    assert_type(swarm([agent, agent], handoffs="all", limits=Limits(handoffs=3)), Graph[SwarmState])
    assert_type(actor(greeter, message=Say, state=int, initial=0), Graph[ActorState])
    tasks = [Task("facts", "Look."), Task("text", "Write.", role="writer", needs=["facts"], output=Report)]
    crew = Crew(tasks, roles={"writer": Role(agent, count=3), "reader": asked}, process="parallel", limit=4)
    assert_type(crew.nodes["text"], Node[..., Any])
    Crew(tasks, roles={}, process="chaotic")  # type: ignore[arg-type]
    views = [Perspective("law", "Is it allowed?", by=agent, weight=2), *technical_review(asked)]
    assert_type(orchestra(views, synthesis="debate", kind=Number("$"), conductor=asked), Graph[Performance])
    orchestra(views, synthesis="shouting")  # type: ignore[arg-type]
    election = Election(options={"ship": "now"}, voters=["ann"], vetoes={"ann"})
    assert_type(count(election, [veto("ann", "ship", seen=election.stamps)]), Result)
    assert_type(Graph(Build, slots={"coder": Share(3, of="crew"), "crew": 4}), Graph[Build])


async def rooms(ctx: Context) -> None:
    lobby = Lobby("hall")
    async with lobby.enter("ann") as seat, lobby.enter("bob", ctx) as own:
        assert_type(await seat.post("hello", Image(media_type="image/png", data=b"")), LobbyMessage)
        assert_type(await own.receive(timeout=1), LobbyMessage)
        async for message in seat:
            assert_type(message, LobbyMessage)


async def watching(flow: Flow[Build], live: Run[Build]) -> None:
    tracker = Tracker(flow)
    async for event in live.events():
        tracker.feed(event)
    assert_type(tracker.progress().fraction, float | None)
    registry = Registry(AgentCard("ann", flow, role="coder", functions=("write",)))
    assert_type(registry.by_role("coder"), tuple[AgentCard, ...])
    async with Manager(registry, journal="jobs.db") as manager:
        assert_type(manager.queue_lengths(), dict[str, int])


def cancelling() -> None:
    token = CancelToken()
    assert_type(token.child(), CancelToken)
    assert_type(token.cancelled, bool)
