"""A server that streams answers of all three wires and holds them half-way until it is told to go on.

``python -m benchmarks.loopback`` prints its port. A request for ``/go`` releases all streams that are held.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

PIECES = 20
WORD = "some words of it "
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def packed(events: list[tuple[str, Any]], *, named: bool) -> list[bytes]:
    """Events as chunks of a body."""
    found = []
    for name, data in events:
        head = f"event: {name}\n" if named else ""
        event = f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
        found.append(b"%x\r\n%s\r\n" % (len(event), event))
    return found


def chat() -> list[bytes]:
    """Chat Completions."""

    def chunk(delta: Any, finish: str | None = None) -> Any:
        return {"id": "a1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    events = [("", chunk({"content": WORD})) for _ in range(PIECES)]
    events += [("", chunk({}, "stop")), ("", {"id": "a1", "choices": [], "usage": usage}), ("", "[DONE]")]
    return packed(events, named=False)


def responses() -> list[bytes]:
    """OpenAI's Responses."""
    said = {"type": "output_text", "text": WORD * PIECES}
    item = {"type": "message", "id": "i1", "role": "assistant", "content": [said]}
    usage = {"input_tokens": 11, "output_tokens": 7}
    answer = {"id": "a1", "model": "m", "status": "completed", "output": [item], "usage": usage}
    delta = {"type": "response.output_text.delta", "output_index": 0, "delta": WORD}
    events = [{**delta, "sequence_number": number} for number in range(PIECES)]
    events.append({"type": "response.completed", "response": answer})
    return packed([(event["type"], event) for event in events], named=True)


def messages() -> list[bytes]:
    """Anthropic's Messages."""
    usage = {"input_tokens": 11, "output_tokens": 1}
    message = {
        "type": "message",
        "id": "a1",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": usage,
    }
    begun = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "text_delta", "text": WORD}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}, begun]
    events += [{"type": "content_block_delta", "index": 0, "delta": delta} for _ in range(PIECES)]
    events.append(
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
    )
    events.append({"type": "message_stop"})
    return packed([(event["type"], event) for event in events], named=True)


class Server:
    """Answers by the last word of the path."""

    def __init__(self) -> None:
        self._streams = {b"completions": chat(), b"responses": responses(), b"messages": messages()}
        self._gate = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
                await reader.readexactly(int(length or 0))
                await self._answer(head.split(b" ", 2)[1].rpartition(b"/")[2], writer)
        writer.close()

    async def _answer(self, what: bytes, writer: asyncio.StreamWriter) -> None:
        if what == b"go":
            self._gate.set()
            self._gate = asyncio.Event()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        else:
            gate, events = self._gate, self._streams[what]
            writer.write(HEAD + b"".join(events[: PIECES // 2]))
            await writer.drain()
            await gate.wait()
            for event in events[PIECES // 2 :]:
                writer.write(event)
                await asyncio.sleep(0)  # a packet of its own, as from a model that writes
            writer.write(b"0\r\n\r\n")
        await writer.drain()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(Server().serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
