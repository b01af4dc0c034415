"""What a call of a model costs beside the official client, and a thousand streams at once: ``python -m benchmarks.models``."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from backedge.providers import Finished, Message, Model, ModelRequest, TextDelta, ToolSpec
from backedge.providers.shielded import NamedModel, Shielded
from backedge.providers.wire.anthropic import AnthropicModel
from backedge.providers.wire.chat import ChatModel
from backedge.providers.wire.responses import ResponsesModel
from backedge.providers.wrappers.audit import Audited
from backedge.providers.wrappers.breaker import CircuitBreaker
from backedge.providers.wrappers.buckets import Limit
from backedge.providers.wrappers.budget import Budgeted
from backedge.providers.wrappers.budgets import Budget
from backedge.providers.wrappers.cache import Cached
from backedge.providers.wrappers.cost import Priced
from backedge.providers.wrappers.fallback import Fallback
from backedge.providers.wrappers.limiter import Limits
from backedge.providers.wrappers.limits import RateLimited
from backedge.providers.wrappers.retry import Retrying
from backedge.providers.wrappers.routing import Router

from . import loopback

BAR: Final = 150e-6
TASK: Final = 5.3e-6  # a bare task on the machine that the bar is for
CALLS: Final = 1000
WAVES: Final = 4
OPENING: Final = 50
WIRES: Final = ("chat", "responses", "anthropic")
TOOL: Final = ToolSpec(name="look", description="Looks.", parameters={"type": "object", "properties": {}})


def made(wire: str, url: str) -> Any:
    """A model of a wire."""
    kind: Any = {"chat": ChatModel, "responses": ResponsesModel, "anthropic": AnthropicModel}[wire]
    base = url if wire == "anthropic" else f"{url}/v1"
    return kind("openai:gpt-5", model="gpt-5", key="sk-0", base_url=base)


def in_everything(model: NamedModel) -> Model:
    """The model with all wrappers on, each with something to do."""
    much = Limit(amount=10**9)
    limits = Limits(requests=much, tokens=much, cost=much, concurrency=2 * CALLS)
    inner = Priced(Retrying(CircuitBreaker(Shielded(model))))
    limited = RateLimited(Budgeted(inner, budget=Budget(dollars=10**6, tokens=10**12)), limits=limits)
    return Audited(Cached(Router([Fallback([limited])])), lambda event: None)


def requests(count: int, *, of: str) -> list[ModelRequest]:
    """Different requests of a usual form: none may be answered from the cache."""
    said = Message.of("system", "You are brief. " * 10)
    return [
        ModelRequest(messages=(said, Message.of("user", f"Question {of} {number}?")), tools=(TOOL,))
        for number in range(count)
    ]


class Client:
    """An official client that does nothing: it has been answered."""

    def __init__(self, wire: str) -> None:
        import httpx2

        path = {"chat": loopback.chat, "responses": loopback.responses, "anthropic": loopback.messages}[wire]
        said = [b"".join(chunk.split(b"\r\n")[1:-1]).partition(b"data: ")[2] for chunk in path()]
        self._events = [event for event in said if b"[DONE]" not in event]
        self._headers = httpx2.Headers({"content-type": "text/event-stream"})
        whole = httpx2.Headers({"content-type": "application/json"})
        self._whole = SimpleNamespace(content=WHOLE[wire], headers=whole, status_code=200)

    def here(self) -> Client:
        """The client of every event loop."""
        return self

    async def post(self, path: str, **given: Any) -> Any:
        """The answer."""
        return Events(self._events, self._headers) if given.get("stream") else self._whole


class Events:
    """A stream of the official client's, without the client: parsing JSON is its work, so it is done before."""

    def __init__(self, events: list[bytes], headers: Any) -> None:
        import json

        self.response = SimpleNamespace(headers=headers, status_code=200)
        self._events = iter([json.loads(event) for event in events])

    async def __anext__(self) -> Any:
        for event in self._events:
            return event
        raise StopAsyncIteration

    async def __aenter__(self) -> Events:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass


WHOLE: Final = {
    "chat": b'{"id": "a", "model": "gpt-5", "choices": [{"index": 0, "finish_reason": "stop", "message": '
    b'{"role": "assistant", "content": "It is warm."}}], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}',
    "responses": b'{"id": "a", "model": "gpt-5", "status": "completed", "output": [{"type": "message", "content": '
    b'[{"type": "output_text", "text": "It is warm."}]}], "usage": {"input_tokens": 11, "output_tokens": 7}}',
    "anthropic": b'{"id": "a", "model": "gpt-5", "type": "message", "stop_reason": "end_turn", "content": '
    b'[{"type": "text", "text": "It is warm."}], "usage": {"input_tokens": 11, "output_tokens": 7}}',
}


async def heard(model: Model, request: ModelRequest) -> None:
    """Listen to a stream to its end."""
    async with aclosing(model.stream(request)) as events:  # type: ignore[type-var]  # all of ours close
        last = [event async for event in events][-1]
    assert isinstance(last, Finished)


async def asked(model: Model, request: ModelRequest) -> None:
    """Ask for a whole answer."""
    assert (await model.respond(request)).text


class Cost(NamedTuple):
    """What a call costs: processor seconds, and how many bare tasks could have run instead."""

    seconds: float
    tasks: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.seconds - other.seconds, self.tasks - other.tasks)

    def __str__(self) -> str:
        return f"{self.seconds * 1e6:>4.0f} us {self.tasks:>5.1f} t"


async def each(model: Model, call: Callable[[Model, ModelRequest], Awaitable[None]], of: str) -> Cost:
    """What a call costs, the medians of 24 series, each beside bare tasks: what the machine can do changes all the time."""
    found = []
    for series in range(25):
        given = requests(80, of=f"{of} {series}")
        gc.collect()
        bare_task = await task()
        began = time.process_time()
        for request in given:
            await call(model, request)
        took = (time.process_time() - began) / len(given)
        found.append((took, took / bare_task))
    return Cost(*map(median, zip(*found[1:], strict=True)))


async def bare(model: Any, call: Any) -> Cost:
    """The client double alone."""

    async def nothing(model: Any, request: ModelRequest) -> None:
        answer = await model._clients.post("/", stream=call is heard)
        if call is heard:
            async with answer:
                while await anext(answer, None) is not None:
                    pass

    return await each(model, nothing, "bare")


async def task() -> float:
    """Processor seconds of a bare task that does nothing: what the machine can do at this moment."""

    async def nothing() -> None:
        pass

    began = time.process_time()
    for _ in range(400):
        await asyncio.create_task(nothing())
    return (time.process_time() - began) / 400


async def overhead() -> None:
    """What our layer costs a call."""
    most = BAR / TASK
    print(f"a bare asyncio task now: {await task() * 1e6:.1f} us of processor time; t: so many of these")
    print(f"{'a call without its client':<26} {'wire':>15} {'wrappers':>15} {'all':>15}")
    for wire in WIRES:
        for call, what in ((asked, "whole"), (heard, f"{loopback.PIECES} pieces")):
            model = made(wire, "http://localhost")
            model._clients.here()  # loads the client's package
            model._clients = Client(wire)
            floor = await bare(model, call)
            alone = await each(model, call, "alone") - floor
            every = await each(in_everything(model), call, "all") - floor
            verdict = ("ok" if every.tasks <= most else "ABOVE") if call is asked else "no bar"
            spelled = f"{alone!s:>15} {every - alone!s:>15} {every!s:>15}"
            print(
                f"{f'{wire}, {what}':<26} {spelled}  (bar {BAR * 1e6:.0f} us, {most:.0f} t) {verdict}",
                flush=True,
            )


@contextmanager
def served() -> Iterator[int]:
    """A server in a process of its own; gives its port."""
    command = [sys.executable, "-m", "benchmarks.loopback"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def resident() -> int:
    """Bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def go(port: int) -> None:
    """Tell the server to go on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /go HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def wave(listen: Callable[[ModelRequest], AsyncIterator[Any]], port: int, count: int, of: str) -> int:
    """So many streams at once, all to their end; gives the memory when all are half-way.

    They are begun fifty at a time, so that no connection waits for the work of all others.
    """
    missing, all_in, opening = count, asyncio.Event(), asyncio.Semaphore(OPENING)

    async def one(request: ModelRequest) -> None:
        nonlocal missing
        text = ""
        await opening.acquire()
        async for piece in listen(request):
            if not text:
                opening.release()
                missing -= 1
                if not missing:
                    all_in.set()
            text += piece
        assert text == loopback.WORD * loopback.PIECES

    async with asyncio.TaskGroup() as tasks:
        for request in requests(count, of=of):
            tasks.create_task(one(request))
        await all_in.wait()
        memory = resident()
        await go(port)
    return memory


def ours(model: Model) -> Callable[[ModelRequest], AsyncIterator[str]]:
    """Listens through our layer."""

    async def listen(request: ModelRequest) -> AsyncIterator[str]:
        async with aclosing(model.stream(request)) as events:  # type: ignore[type-var]  # all of ours close
            async for event in events:
                if isinstance(event, TextDelta):
                    yield event.text

    return listen


def theirs(model: Any) -> Callable[[ModelRequest], AsyncIterator[str]]:
    """Listens through OpenAI's client alone."""
    from openai import AsyncStream

    async def listen(request: ModelRequest) -> AsyncIterator[str]:
        body = {"model": "m", "messages": [{"role": "user", "content": request.messages[-1].text}]}
        client, more = model._clients.here(), {"stream": True, "stream_cls": AsyncStream[object]}
        events = await client.post("/chat/completions", cast_to=object, body={**body, "stream": True}, **more)
        async with events:
            async for event in events:
                if event["choices"] and (text := event["choices"][0]["delta"].get("content")):
                    yield text

    return listen


async def crowd(what: str, port: int) -> None:
    """Waves of streams; memory of each call, and whether anything stays."""
    wire, _, how = what.partition(" ")
    async with made(wire, f"http://127.0.0.1:{port}") as model:
        kinds = {"": ours, "wrapped": lambda one: ours(in_everything(one)), "client alone": theirs}
        listen: Any = kinds[how](model)
        await wave(listen, port, 20, "warm")
        gc.collect()
        before, began = resident(), time.perf_counter()
        open_, things = [], []
        for number in range(WAVES):
            open_.append(await wave(listen, port, CALLS, str(number)))
            await asyncio.sleep(0.5)  # connections that are not kept are closed one after the other
            gc.collect()
            things.append(len(gc.get_objects()))
        seconds = (time.perf_counter() - began) / WAVES
    each_one = (open_[0] - before) / CALLS / 1024
    grown = (open_[-1] - open_[1]) / 2**20
    objects = (things[-1] - things[1]) / (WAVES - 2)
    print(
        f"{what:<24} {each_one:>6.0f} KB a call {seconds:>6.1f} s a wave; from wave 2 to {WAVES} "
        f"{grown:+.1f} MB of {open_[1] / 2**20:.0f}, objects {objects:+.0f} a wave",
        flush=True,
    )


def main() -> None:
    if len(sys.argv) > 1:
        asyncio.run(crowd(sys.argv[1], int(sys.argv[2])))
        return
    load = os.getloadavg()[0]
    print(f"load of the machine before: {load:.1f} on {os.cpu_count()} processors")
    asyncio.run(overhead())
    print(f"\n{CALLS:,} streams at once, {WAVES} waves, each in a process of its own:")
    with served() as port:
        whats = ["chat client alone", *WIRES, "chat wrapped"]
        for what in whats:
            command = [sys.executable, "-m", "benchmarks.models", what, str(port)]
            subprocess.run(command, check=True, timeout=300)


if __name__ == "__main__":
    main()
