"""A recorded session plays back without the model, and what was not recorded is told by how it differs."""

import asyncio
import json
from contextlib import aclosing
from typing import ClassVar

import pytest

from backedge.providers import (
    Finished,
    Image,
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    Reasoning,
    ScriptedModel,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)
from backedge.providers.cassette import RecordingModel, ReplayModel, UnrecordedError
from backedge.providers.errors import Attempt, ModelError, QuotaError, RateLimitError, StreamBrokenError
from backedge.providers.recorded import Recordable
from backedge.providers.tape import CassetteError

PICTURE = Image(media_type="image/png", data=bytes(range(256)) * 20)


def ask(*parts, **more):
    return ModelRequest(messages=(Message.of("user", *parts),), **more)


class Streaming(Recordable):
    """Gives the pieces it is told, and fails with the errors among them."""

    name = "streaming"

    def __init__(self, *pieces: StreamEvent | ModelError) -> None:
        self.pieces = pieces
        self.closed = False

    async def respond(self, request):
        async for event in self.stream(request):
            if isinstance(event, Finished):
                return event.response
        return None

    async def stream(self, request):
        for piece in self.pieces:
            if isinstance(piece, ModelError):
                raise piece
            await asyncio.sleep(0)
            yield piece

    async def aclose(self):
        self.closed = True


async def events_of(model, request):
    async with aclosing(model.stream(request)) as events:
        return [event async for event in events]


async def test_a_session_plays_back_in_any_order(tmp_path):
    path = tmp_path / "session.jsonl"
    call = Message.of(
        "assistant", Reasoning(text="hm", origin="chat"), ToolCall(id="1", name="look", arguments="{}")
    )
    told = ModelResponse(
        message=call, usage=Usage(input_tokens=3), finish="tool_calls", raw={"a": [1.5, None]}
    )
    tool = ToolSpec(name="look", description="looks", parameters={"type": "object"})
    requests = [
        ask("one"),
        ask("two", PICTURE, tools=(tool,), temperature=0.5),
        ModelRequest(
            messages=(Message.of("tool", ToolResult(id="1", content="é\u2028\n")),), extra={"seed": 1}
        ),
    ]
    recording = RecordingModel(ScriptedModel(["first", told, "third"], name="real"), path)
    assert isinstance(recording, Model)
    given = [await recording.respond(request) for request in requests]
    replay = ReplayModel(path)
    assert isinstance(replay, Model)
    assert (replay.name, replay.unused) == ("real", 3)
    for index in (2, 0, 1):
        assert await replay.respond(requests[index]) == given[index]
    assert replay.unused == 0


async def test_equal_requests_get_their_answers_in_the_recorded_order(tmp_path):
    recording = RecordingModel(ScriptedModel(["first", "other", "second"]), tmp_path / "c")
    for text in ("same", "else", "same"):
        await recording.respond(ask(text))
    replay = ReplayModel(tmp_path / "c", name="played")
    answers = await asyncio.gather(*(replay.respond(ask(text)) for text in ("same", "same", "else")))
    assert [answer.text for answer in answers] == ["first", "second", "other"]
    with pytest.raises(UnrecordedError, match="was recorded 2 times, and all its answers have been given"):
        await replay.respond(ask("same"))
    assert replay.name == "played"


async def test_each_exchange_is_on_disk_when_it_is_over(tmp_path):
    path = tmp_path / "c"
    recording = RecordingModel(ScriptedModel(["a", "b"]), path)
    for lines in (2, 3):
        await recording.respond(ask("x"))
        assert len(path.read_text().splitlines()) == lines
    assert json.loads(path.read_text().splitlines()[1]) == {
        "request": {"messages": [{"role": "user", "parts": [{"kind": "text", "text": "x"}]}]},
        "response": {
            "message": {"role": "assistant", "parts": [{"kind": "text", "text": "a"}]},
            "usage": {"output_tokens": 1},
            "model": "scripted",
            "by": "scripted",
        },
    }


async def test_a_picture_is_written_once_however_often_it_is_shown(tmp_path):
    path = tmp_path / "c"
    await RecordingModel(ScriptedModel(["a"]), path).respond(ask("x", PICTURE))
    before = path.stat().st_size
    again = RecordingModel(ScriptedModel(["b"]), path, existing="append")
    await again.respond(ask("y", PICTURE))
    assert path.stat().st_size - before < 500
    replay = ReplayModel(path)
    assert [(await replay.respond(ask(text, PICTURE))).text for text in "yx"] == ["b", "a"]


async def test_a_stream_plays_back_piece_by_piece_and_answers_whole_requests_too(tmp_path):
    whole = ModelResponse(message=Message.of("assistant", "Hello"), usage=Usage(output_tokens=2))
    pieces = (TextDelta(text="Hel"), TextDelta(text="lo"), Finished(response=whole))
    recording = RecordingModel(Streaming(*pieces), tmp_path / "c")
    assert await events_of(recording, ask("x")) == list(pieces)
    assert await events_of(ReplayModel(tmp_path / "c"), ask("x")) == list(pieces)
    assert await ReplayModel(tmp_path / "c").respond(ask("x")) == whole


async def test_an_answer_that_was_not_streamed_can_be_streamed(tmp_path):
    response = await RecordingModel(ScriptedModel(["Hello"]), tmp_path / "c").respond(ask("x"))
    expected = [TextDelta(text="Hello"), Finished(response=response)]
    assert await events_of(ReplayModel(tmp_path / "c"), ask("x")) == expected


class OwnError(RateLimitError):
    """An error of somebody else's making."""


@pytest.mark.parametrize(
    ("error", "kind"), [(QuotaError, QuotaError), (OwnError, RateLimitError), (ModelError, ModelError)]
)
async def test_an_error_is_raised_again_as_what_it_was(tmp_path, error, kind):
    facts = {
        "model": "openai:x",
        "status": 429,
        "code": "slow",
        "retry_after": 0.0,
        "usage": Usage(input_tokens=4),
        "request_id": "r1",
        "attempts": (Attempt(model="a", error="server", seconds=1.5),),
    }
    cut = Streaming(TextDelta(text="Hel"), error("slow down", **facts))
    recording = RecordingModel(cut, tmp_path / "c")
    with pytest.raises(error):
        await recording.respond(ask("whole"))
    with pytest.raises(error):
        await events_of(recording, ask("pieces"))
    replay = ReplayModel(tmp_path / "c")
    with pytest.raises(ModelError) as whole:
        await replay.respond(ask("whole"))
    assert type(whole.value) is kind
    assert whole.value.message == "slow down"
    assert {name: getattr(whole.value, name) for name in facts} == facts
    seen = []

    async def listen():
        async for event in replay.stream(ask("pieces")):
            seen.append(event)  # what came before the error counts

    with pytest.raises(kind, match="slow down"):
        await listen()
    assert seen == [TextDelta(text="Hel")]


async def test_a_stream_that_nobody_heard_out_ends_where_it_was_left(tmp_path):
    recording = RecordingModel(Streaming(TextDelta(text="a"), TextDelta(text="b")), tmp_path / "c")
    async with aclosing(recording.stream(ask("x"))) as events:
        async for _ in events:
            break
    replayed = ReplayModel(tmp_path / "c").stream(ask("x"))
    assert await anext(replayed) == TextDelta(text="a")
    with pytest.raises(StreamBrokenError, match="nobody waited for more"):
        await anext(replayed)


async def test_a_call_that_was_cancelled_is_recorded_as_that(tmp_path):
    class Slow(Streaming):
        async def respond(self, request):
            await asyncio.Event().wait()

    recording = RecordingModel(Slow(), tmp_path / "c")
    task = asyncio.ensure_future(recording.respond(ask("x")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(StreamBrokenError, match="nobody waited"):
        await ReplayModel(tmp_path / "c").respond(ask("x"))


async def test_what_was_not_recorded_is_compared_with_what_is_nearest(tmp_path):
    recording = RecordingModel(ScriptedModel(["a", "b"]), tmp_path / "c")
    await recording.respond(ask("something else entirely"))
    long = "the red car stands in front of the big house with the green door"
    await recording.respond(ask(long, max_tokens=100))
    with pytest.raises(UnrecordedError) as caught:
        await ReplayModel(tmp_path / "c").respond(ask(long.replace("red", "blue"), max_tokens=200))
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'c'}: this request was not recorded; the nearest of 2 is number 2, from which it differs:",
        "  messages[0] (user).parts[0].text: the [-red-]{+blue+} car stands in front...",
        "  max_tokens: recorded 100, asked 200",
        "record the session again if the change is meant",
    ]


async def test_an_empty_cassette_says_that_it_is(tmp_path):
    RecordingModel(ScriptedModel([]), tmp_path / "c")
    with pytest.raises(UnrecordedError, match="holds no exchange"):
        await ReplayModel(tmp_path / "c").respond(ask("x"))


async def test_a_cassette_is_not_written_over_unless_told(tmp_path):
    path = tmp_path / "c"
    await RecordingModel(ScriptedModel(["a"]), path).respond(ask("x"))
    with pytest.raises(CassetteError, match="is there already"):
        RecordingModel(ScriptedModel([]), path)
    assert ReplayModel(path).unused == 1
    RecordingModel(ScriptedModel([]), path, existing="append")
    assert ReplayModel(path).unused == 1
    RecordingModel(ScriptedModel([]), path, existing="replace")
    assert ReplayModel(path).unused == 0
    with pytest.raises(CassetteError, match="cannot be written"):
        RecordingModel(ScriptedModel([]), tmp_path / "none" / "c")


HEAD = '{"cassette": 1, "model": "m"}\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read"),
        ("", "no cassette of this version"),
        ("hello", "line 1 is not JSON"),
        ('{"cassette": 2}', "no cassette of this version"),
        (HEAD + "[1]\n", "line 2 should be a JSON object"),
        (HEAD + "{}\n", "line 2 is no exchange"),
        (HEAD + '{"request": {"messages": [{"role": "king", "parts": []}]}}\n', "line 2 is no exchange"),
        (HEAD + '{"request": {"messages": []}, "response": {"text": 1}}\n', "line 2 is no exchange"),
        (HEAD + '{"request": {"mess', "line 2 is not JSON"),
    ],
)
def test_a_file_that_is_no_cassette_is_refused(tmp_path, text, why):
    if text is not None:
        (tmp_path / "c").write_text(text)
    with pytest.raises(CassetteError, match=why):
        ReplayModel(tmp_path / "c")


async def test_closing_a_recording_closes_the_model(tmp_path):
    inner = Streaming()
    async with RecordingModel(inner, tmp_path / "c"):
        assert not inner.closed
    assert inner.closed
    async with RecordingModel(ScriptedModel([]), tmp_path / "d"):
        pass


async def test_the_recorded_model_is_told_whom_its_calls_are_for(tmp_path):
    class Told(Streaming):
        labels: ClassVar = {}

        def labelled(self, **labels):
            self.labels.update(labels)
            return self

    RecordingModel(Told(), tmp_path / "c").labelled(node="coder")
    assert Told.labels == {"node": "coder"}


async def test_keys_do_not_get_into_a_cassette_and_it_still_matches(tmp_path, monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "qwertyuiop123")
    shaped = "sk-" + "a" * 24
    script = [f"use {shaped}", "fine"]
    recording = RecordingModel(ScriptedModel(script), tmp_path / "c")
    requests = [ask("my key is qwertyuiop123", extra={"auth": f"Bearer {'z' * 12}"}), ask(Text(text=shaped))]
    for request in requests:
        await recording.respond(request)
    written = (tmp_path / "c").read_text()
    for secret in ("qwertyuiop123", shaped, "z" * 12):
        assert secret not in written
    replay = ReplayModel(tmp_path / "c")
    assert [(await replay.respond(request)).text for request in requests] == ["use [key]", "fine"]
