"""A clock that goes only when told, models that fail and stream as told, and short words for requests."""

import asyncio
from contextlib import aclosing

from backedge.providers import Finished, Message, ModelRequest, ModelResponse, TextDelta, Usage
from backedge.providers.recorded import Recordable


class Clock:
    """Time that passes only by `sleep` and `pass_by`; what was slept is kept."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def pass_by(self, seconds):
        self.now += seconds


def ask(text="hello", **more):
    return ModelRequest(messages=(Message.of("user", text),), **more)


def says(text, *, tokens=0, **more):
    return ModelResponse(message=Message.of("assistant", text), usage=Usage(output_tokens=tokens), **more)


class Played(Recordable):
    """A model each call of which plays the next list: texts are pieces, numbers are seconds, and exceptions are raised.

    A response, or the end of the list with `whole`, ends the stream properly. ``None`` waits for ever.
    """

    def __init__(self, *plays, clock=None, name="played", whole=True):
        self.plays = list(plays)
        self.clock = clock
        self.name = name
        self.whole = whole
        self.asked = 0
        self.closed = 0
        self.labels = []
        self.pasts = []

    def labelled(self, **labels):
        self.labels.append(labels)
        return self

    def remembering(self, past):
        self.pasts.append(past)
        return self

    async def respond(self, request):
        async with aclosing(self.stream(request)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event.response
        raise AssertionError("no end")

    async def stream(self, request):
        play = self.plays[min(self.asked, len(self.plays) - 1)]
        self.asked += 1
        said = ""
        try:
            for one in play if isinstance(play, list) else [play]:
                if isinstance(one, BaseException):
                    raise one
                if one is None:
                    await asyncio.Event().wait()
                elif isinstance(one, int | float):
                    self.clock.pass_by(one)
                elif isinstance(one, str):
                    said += one
                    yield TextDelta(text=one)
                else:
                    yield Finished(response=one)
                    return
            if self.whole:
                yield Finished(response=says(said, tokens=1))
        finally:
            self.closed += 1


async def heard(stream):
    """The texts of a stream's pieces, and the response of its one last event."""
    events = [event async for event in stream]
    assert [isinstance(event, Finished) for event in events] == [False] * (len(events) - 1) + [True]
    return [event.text for event in events[:-1]], events[-1].response


async def listen(stream, into):
    """Put the texts of a stream's pieces into a list: it has them even if the stream breaks."""
    async for event in stream:
        into.append(event.text)
