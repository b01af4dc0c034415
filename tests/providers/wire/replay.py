"""Recorded traffic as test data: its pairs of request and answer, and transports that play them to the real clients.

The recordings are not part of the repository; tests that need them are marked with `needs_recordings`.
"""

import inspect
import json
import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

WIRE = Path(__file__).parents[4] / "shared" / "wire"
needs_recordings = pytest.mark.skipif(not WIRE.is_dir(), reason=f"there are no recordings in {WIRE}")


@dataclass(frozen=True)
class Pair:
    """A recorded request and its answer. `body` is the request's JSON, `answer` the text that came back."""

    file: str
    number: int
    uri: str
    body: dict = field(repr=False)
    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    answer: str = field(repr=False)

    @property
    def id(self):
        """Names the pair in a test's name and in tables: the file without its ending, and the place in it."""
        return f"{self.file.removesuffix('.json')}#{self.number}"

    @property
    def provider(self):
        return self.file.partition("/")[0]

    @property
    def streamed(self):
        return bool(self.body.get("stream"))


def read_pairs(path):
    """The pairs of one recording; `path` is relative to the folder, such as ``groq/x.json``."""
    interactions = json.loads((WIRE / path).read_text(encoding="utf-8"))["interactions"]
    return [_pair(path, number, one) for number, one in enumerate(interactions)]


def _pair(path, number, one):
    request, response = one["request"], one["response"]
    return Pair(
        file=path,
        number=number,
        uri=request["uri"],
        body=json.loads(request["body"]) if request["body"] else {},
        status=response["status"]["code"],
        headers=tuple((name, value) for name, values in response["headers"].items() for value in values),
        answer=response["body"]["string"],
    )


@cache
def pairs(endpoint):
    """All pairs whose address ends with `endpoint` (``chat/completions``, ``responses``, ``messages``), in order."""
    if not WIRE.is_dir():
        return ()
    index = json.loads((WIRE / "index.json").read_text(encoding="utf-8"))
    files = [one["file"] for one in index if any(address.endswith(endpoint) for address in one["ep"])]
    found = [pair for file in files for pair in read_pairs(file)]
    return tuple(pair for pair in found if urlsplit(pair.uri).path.endswith(endpoint))


def each_of(found):
    """Makes of a test of one pair a test for each provider: of what it streamed, and of what came in one piece.

    To run each pair as a test of its own takes longer than the pair. All that fail are told, with their names.
    """
    groups = {}
    for pair in found:
        groups.setdefault(f"{pair.provider}-{'streamed' if pair.streamed else 'whole'}", []).append(pair)

    def decorated(check):
        async def test(group, **more):
            failures = []
            for pair in groups[group]:
                try:
                    await check(pair, **more)
                except (Exception, pytest.fail.Exception) as failure:
                    failure.add_note(f"in the recording {pair.id}")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(groups[group])} recordings", failures)

        given = inspect.signature(check).parameters.values()
        named = [one.replace(name="group") if one.name == "pair" else one for one in given]
        test.__signature__ = inspect.Signature(named)
        test.__name__, test.__module__ = check.__name__, check.__module__
        test.check, test.pairs = check, tuple(found)
        return pytest.mark.parametrize("group", groups)(test)

    return decorated


class Body(httpx2.AsyncByteStream):
    """A response's body that comes in given pieces, and remembers that it was closed.

    An exception among the pieces is raised in its place; a callable is awaited (such as an event's `wait`).
    """

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.given = 0
        self.closed = False

    async def __aiter__(self):
        for piece in self.pieces:
            if isinstance(piece, BaseException):
                raise piece
            if callable(piece):
                await piece()
                continue
            self.given += 1
            yield piece

    async def aclose(self):
        self.closed = True


def answering(status=200, content=b"", headers=(), body=None):
    """A transport that gives this answer to every request, and the list of requests that came.

    With `body` (a `Body`) the answer is streamed.
    """
    sent = []

    def handler(request):
        sent.append(request)
        if body is not None:
            return httpx2.Response(status, headers=list(headers), stream=body)
        data = content if isinstance(content, bytes) else content.encode()
        return httpx2.Response(status, headers=list(headers), content=data)

    return httpx2.MockTransport(handler), sent


def playing(pair, *, seed=None):
    """A transport that answers with the pair's answer, and the list of requests that came.

    With a `seed` the body comes in pieces that are cut at random places.
    """
    data = pair.answer.encode()
    body = None if seed is None else Body(cut(data, seed))
    return answering(pair.status, data, pair.headers, body)


def replay(path):
    """A transport that answers the n-th request with the n-th recorded answer of a file, and what was sent."""
    todo = iter(read_pairs(path))
    sent = []

    def handler(request):
        sent.append(request)
        pair = next(todo)
        return httpx2.Response(pair.status, content=pair.answer.encode(), headers=list(pair.headers))

    return httpx2.MockTransport(handler), sent


def cut(data, seed, most=40):
    """The bytes in up to `most` pieces, cut at random places: inside characters and line ends too."""
    chance = random.Random(seed)
    places = sorted(chance.sample(range(1, len(data)), min(most, len(data)) - 1)) if len(data) > 1 else []
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def sse(*payloads, done=True):
    """A body of server-sent events as Chat Completions writes them; a dict is written as JSON."""
    lines = [f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in payloads]
    return "".join(lines) + ("data: [DONE]\n\n" if done else "")


def read_sse(text):
    """The events of a recorded stream as (name, parsed data), comments and the end marker left out.

    A reading of its own, that shares nothing with the code under test.
    """
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        name, data = "", []
        for line in block.split("\n"):
            key, _, value = line.partition(":")
            if key == "event":
                name = value.strip()
            elif key == "data":
                data.append(value.removeprefix(" "))
        joined = "\n".join(data)
        if joined and not joined.startswith("[DONE]"):
            found.append((name, json.loads(joined)))
    return found
