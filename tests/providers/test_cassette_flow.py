"""A recorded run of a graph plays back from its cassette, whichever of its parallel nodes asks first."""

import asyncio
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Graph, extend
from backedge.providers import Message, Model, ModelRequest, RecordingModel, ReplayModel, ScriptedModel


class State(BaseModel):
    said: Annotated[list[str], extend] = []
    rounds: int = 0


def debate(first):
    """Two who speak at once, three rounds; `first` asks before the other."""
    graph = Graph(State, resources={"m": Model})

    async def speak(name, rounds, m):
        for _ in range(0 if name == first else 5):
            await asyncio.sleep(0)
        request = ModelRequest(
            messages=(Message.of("user", f"{name}, round {rounds}"), Message.of("user", "Go on."))
        )
        return [(await m.respond(request)).text]

    @graph.node(writes="said")
    async def one(rounds: int, m: Model) -> list[str]:
        return await speak("one", rounds, m)

    @graph.node(writes="said")
    async def two(rounds: int, m: Model) -> list[str]:
        return await speak("two", rounds, m)

    @graph.node(writes="rounds")
    def count(rounds: int) -> int:
        return rounds + 1

    @graph.node
    def begin() -> None:
        pass

    graph.chain(START, begin, one, count)
    graph.chain(begin, two, count)
    graph.feedback(count, begin, when=lambda rounds: rounds < 3, limit=3)
    graph.edge(count, END, when=lambda rounds: rounds >= 3)
    return graph.compile()


async def test_a_run_plays_back_in_any_order_of_its_parallel_nodes(tmp_path):
    path = tmp_path / "session.jsonl"
    loud = ScriptedModel(lambda request: request.messages[0].text.upper())
    recorded = await debate("one").run({}, resources={"m": RecordingModel(loud, path)})
    assert len(recorded.state.said) == 6
    for first in ("one", "two"):
        replay = ReplayModel(path)
        journal = str(tmp_path / f"{first}.db")
        played = await debate(first).run({}, resources={"m": replay}, journal=journal)
        assert (played.state, replay.unused) == (recorded.state, 0)
