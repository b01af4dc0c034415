"""Bodies of answers without their requests, and reported failures, as pairs that can be played."""

import json
import re

from .replay import WIRE, Pair


def body_pair(path, status=200):
    """A body as a pair; `path` is relative to the folder of bodies. Streams get the ends of events they lack."""
    text = (WIRE / "bodies" / path).read_text(encoding="utf-8")
    if path.endswith(".chunks.txt"):
        lines = [line for line in text.splitlines() if line.strip()]
        text = "".join(f"event: {json.loads(line)['type']}\ndata: {line}\n\n" for line in lines)
    elif not path.endswith(".json") and not text.endswith("\n\n"):
        text += "\n\n"
    return pair_of(path, text, status=status, streamed=not path.endswith(".json"))


def pair_of(name, text, *, status=200, streamed=True, headers=()):
    kind = "text/event-stream" if streamed else "application/json"
    return Pair(
        file=name,
        number=0,
        uri="https://example.com/v1/responses",
        body={"model": "m", "stream": streamed},
        status=status,
        headers=(("content-type", kind), *headers),
        answer=text,
    )


def offered(text):
    """Tools with all the names that stand in a body."""
    return [{"name": name} for name in sorted(set(re.findall(r'"name":\s*"([^"]+)"', text)))]


def reported(provider):
    """The failures that were reported of a provider, by their ids."""
    path = WIRE / "errors-reported.json"
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))["errors"]
    return {one["id"]: one for one in found if one["provider"] == provider}


def reported_pair(known):
    """A reported failure as a pair."""
    one = reported(known.partition("-")[0])[known]
    headers = tuple(one.get("headers", {}).items())
    streamed = "sse" in one
    text = one["sse"] if streamed else json.dumps(one["body"])
    return pair_of(known, text, status=one["status"], streamed=streamed, headers=headers)
