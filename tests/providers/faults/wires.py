"""The three wires: their models, and what a server of each says, letter by letter."""

import json

from backedge.providers import Usage
from backedge.providers.wire.anthropic import AnthropicModel
from backedge.providers.wire.chat import ChatModel
from backedge.providers.wire.responses import ResponsesModel

KEY = "sk-canary-0123456789abcdef"
USAGE = Usage(input_tokens=11, output_tokens=7)
NOTHING = Usage()


def written(body, calls=()):
    """A body as JSON; the arguments of calls come into it letter by letter."""
    text = json.dumps(body, ensure_ascii=False)
    for number, (_, _, arguments) in enumerate(calls):
        text = text.replace(f'"@{number}@"', arguments)
    return text.encode()


def named(event):
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), written(event))


class Chat:
    """Chat Completions."""

    name = "chat"
    early = NOTHING  # what is known to be spent before the end of a stream
    numbered = False

    def model(self, url, **given):
        return ChatModel("chat:m", model="m", base_url=url, key=KEY, **given)

    def whole(self, text="", calls=()):
        message = {"role": "assistant", "content": text, "tool_calls": [*map(self._call, calls)]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        return written({"id": "a1", "model": "m-1", "choices": [choice], "usage": usage})

    def _call(self, call):
        function = {"name": call[1], "arguments": call[2]}
        return {"id": call[0], "type": "function", "function": function}

    def _chunk(self, delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: %s\n\n" % written({"id": "a1", "model": "m-1", "choices": [choice]})

    def stream(self, *texts, calls=()):
        found = [self._chunk({"role": "assistant"}), *(self._chunk({"content": text}) for text in texts)]
        for number, call in enumerate(calls):
            found.append(self._chunk({"tool_calls": [{"index": number, **self._call(call)}]}))
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        counted = b"data: %s\n\n" % written({"id": "a1", "choices": [], "usage": usage})
        return [*found, self._chunk({}, "tool_calls" if calls else "stop"), counted, b"data: [DONE]\n\n"]

    def unended(self, *texts):
        return self.stream(*texts)[:-3]

    def error(self, kind, message):
        return {"error": {"message": message, "type": kind, "code": kind}}

    def told(self, kind, message):
        return b"data: %s\n\n" % written(self.error(kind, message))


class Responses:
    """OpenAI's Responses."""

    name = "responses"
    early = NOTHING
    numbered = True

    def model(self, url, **given):
        return ResponsesModel("responses:m", model="m", base_url=url, key=KEY, **given)

    def _answer(self, text, calls, status="completed"):
        items = [self._call(call) for call in calls]
        if text:
            said = [{"type": "output_text", "text": text, "annotations": []}]
            items = [{"type": "message", "id": "i1", "role": "assistant", "content": said}, *items]
        usage = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
        return {"id": "a1", "model": "m-1", "status": status, "error": None, "output": items, "usage": usage}

    def _call(self, call):
        return {"type": "function_call", "call_id": call[0], "name": call[1], "arguments": call[2]}

    def whole(self, text="", calls=()):
        return written(self._answer(text, calls))

    def stream(self, *texts, calls=()):
        begun = {**self._answer("", (), "in_progress"), "usage": None}
        found = [{"type": "response.created", "response": begun}]
        for text in texts:
            found.append({"type": "response.output_text.delta", "output_index": 0, "delta": text})
        for place, call in enumerate(calls, 1):
            item = self._call(call)
            found += [
                {
                    "type": "response.output_item.added",
                    "output_index": place,
                    "item": {**item, "arguments": ""},
                },
                {"type": "response.function_call_arguments.delta", "output_index": place, "delta": call[2]},
                {"type": "response.output_item.done", "output_index": place, "item": item},
            ]
        found.append({"type": "response.completed", "response": self._answer("".join(texts), calls)})
        return [named({**event, "sequence_number": number}) for number, event in enumerate(found)]

    def unended(self, *texts):
        return self.stream(*texts)[:-1]

    def error(self, kind, message):
        return {"error": {"message": message, "type": kind, "code": kind}}

    def told(self, kind, message):
        return named({"type": "error", "code": kind, "message": message})


class Anthropic:
    """Anthropic's Messages."""

    name = "anthropic"
    early = Usage(input_tokens=11, output_tokens=1)
    numbered = True

    def model(self, url, **given):
        return AnthropicModel("anthropic:m", model="m", base_url=url.removesuffix("/v1"), key=KEY, **given)

    def _message(self, blocks, reason, output):
        usage = {"input_tokens": 11, "output_tokens": output}
        return {
            "type": "message",
            "id": "a1",
            "role": "assistant",
            "model": "m-1",
            "content": blocks,
            "stop_reason": reason,
            "usage": usage,
        }

    def whole(self, text="", calls=()):
        blocks = [{"type": "text", "text": text}] if text else []
        for number, call in enumerate(calls):
            blocks.append({"type": "tool_use", "id": call[0], "name": call[1], "input": f"@{number}@"})
        return written(self._message(blocks, "tool_use" if calls else "end_turn", 7), calls)

    def stream(self, *texts, calls=()):
        found = [{"type": "message_start", "message": self._message([], None, 1)}]
        begun = {"type": "content_block_start", "index": 0}
        found.append({**begun, "content_block": {"type": "text", "text": ""}})
        piece = {"type": "content_block_delta", "index": 0}
        found += [{**piece, "delta": {"type": "text_delta", "text": text}} for text in texts]
        for place, call in enumerate(calls, 1):
            block = {"type": "tool_use", "id": call[0], "name": call[1], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": call[2]}
            found += [
                {**begun, "index": place, "content_block": block},
                {**piece, "index": place, "delta": delta},
            ]
        reason = {"stop_reason": "tool_use" if calls else "end_turn"}
        found.append({"type": "message_delta", "delta": reason, "usage": {"output_tokens": 7}})
        return [named(event) for event in (*found, {"type": "message_stop"})]

    def unended(self, *texts):
        return self.stream(*texts)[:-2]

    def error(self, kind, message):
        return {"type": "error", "error": {"type": kind, "message": message}}

    def told(self, kind, message):
        return named(self.error(kind, message))


WIRES = (Chat(), Responses(), Anthropic())
