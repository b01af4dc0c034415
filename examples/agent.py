"""An agent with tools, one of which asks a person first; and another agent among them.

    python examples/agent.py                       # a scripted model, no key needed
    python examples/agent.py --model openai:gpt-5  # any name that `backedge models` lists

What it costs and what it says is told as it goes on. The question is answered with yes or no; with --yes nobody is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Annotated

from pydantic import BaseModel, Field

from backedge import END, START, CustomEvent, Graph, RunStatus, model, spent
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent, Conversation, KeepTokens, Stop, ToolEnded, ToolStarted
from backedge.nodes.tools import ToolError, tool
from backedge.providers import CallDelta, Message, Model, ModelRequest, ScriptedModel, ToolCall

DAYS = {"Rome": [31, 29, 33], "Oslo": [12, 9, 14]}
BOOKED: list[str] = []


@tool(permission="read")
async def weather(city: str, days: Annotated[int, Field(ge=1, le=3)] = 1) -> list[int]:
    """Look up the highest temperatures of the next days, in degrees.

    Args:
        city: Its name in English.
        days: How many days from today on.
    """
    if city not in DAYS:
        raise ToolError(f"there is no city {city!r}; there are {', '.join(DAYS)}")
    return DAYS[city][:days]


@tool(permission="write")
async def book(city: str, nights: int) -> str:
    """Book a hotel."""
    BOOKED.append(f"{nights} nights in {city}")
    return "booked"


class Trip(BaseModel):
    """What the planner answers."""

    city: str
    nights: int
    why: str


class State(BaseModel):
    """The state of the graph."""

    wish: str
    trip: Trip | None = None
    chat: Conversation = []


def free_of_cards(message: Message) -> Stop | None:
    """A guard: what looks like the number of a card goes to no model."""
    digits = sum(map(str.isdigit, message.text))
    return Stop("it looks as if it held the number of a card") if digits >= 13 else None


def planner(asked: Model) -> Agent[Trip]:
    scout = Agent(
        asked, [weather], "You compare the weather of cities. Answer in one sentence.", name="scout"
    )
    return Agent(
        asked,
        [scout.as_tool(description="Compares the weather of cities."), book],
        "You plan trips to Rome or Oslo, and book the hotel.",
        output=Trip,
        name="planner",
        memory=KeepTokens(20_000),
        input_guards=[free_of_cards],
        stream=True,
    )


def build(agent: Agent[Trip]) -> Graph[State]:
    graph = Graph(State)
    plan = agent.node(graph, reads="wish", writes="trip", conversation="chat")
    graph.chain(START, plan, END)
    return graph


def scripted() -> ScriptedModel:
    """Answers for one wish: who asks is told by the instructions, how far they are by the length of what was said."""

    def call(ident: str, name: str, **arguments: object) -> ToolCall:
        return ToolCall(id=ident, name=name, arguments=json.dumps(arguments))

    def answer(request: ModelRequest) -> Message | str:
        turn = sum(message.role == "assistant" for message in request.messages)
        if "compare" in request.messages[0].text:
            wanted = [call(city, "weather", city=city, days=3) for city in ("Rome", "Oslo", "Bergen")]
            return (Message.of("assistant", *wanted), "Rome has up to 33 degrees, Oslo no more than 14.")[
                turn
            ]
        said = (
            Message.of(
                "assistant", "First the weather.", call("1", "scout", request="Rome or Oslo, three days?")
            ),
            Message.of("assistant", call("2", "book", city="Oslo", nights=2)),
            Trip(city="Oslo", nights=2, why="Rome is too hot").model_dump_json(),
        )
        return said[turn]

    return ScriptedModel(answer)


def tell(data: object) -> None:
    match data:
        case CallDelta(part="text", text=text):
            print(text, end="", flush=True)
        case ToolStarted(agent=agent, tool=name, arguments=arguments):
            print(f"\n{agent} calls {name} {arguments}")
        case ToolEnded(tool=name, error=error) if error and not error.startswith("CancelledError"):
            print(f"{name}: {error}")


async def carry_out(typed: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        asked = await stack.enter_async_context(model(typed.model) if typed.model else scripted())
        flow, journal, answers = build(planner(asked)).compile(), MemoryJournal(), None
        run = flow.start({"wish": typed.wish}, journal=journal, run_id="trip")
        while True:
            async with run:
                async for event in run.events():
                    if isinstance(event, CustomEvent):
                        tell(event.data)
                result = await run.result()
            if result.status is not RunStatus.SUSPENDED:
                break
            question = result.questions[0]
            print(f"\n{question.text}")
            said = "yes" if typed.yes else await asyncio.to_thread(input, "yes or no? ")
            answers = {question.id: said.strip().lower().startswith("y")}
            run = flow.reopen("trip", journal=journal, answers=answers)
        ledger = await spent("trip", journal=journal)
    print(f"\n{result.state.trip}\nbooked: {', '.join(BOOKED) or 'nothing'}")
    for agent, sums in ledger.by("agent").items():
        print(f"{agent}: {sums.calls} calls of the model")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="An agent that plans a trip.")
    parser.add_argument("wish", nargs="?", default="Two nights somewhere cool.")
    parser.add_argument("--model", help="such as openai:gpt-5; without it a scripted model answers")
    parser.add_argument("--yes", action="store_true", help="say yes to every question")
    return asyncio.run(carry_out(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
