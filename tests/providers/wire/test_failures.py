import asyncio
import json
from contextlib import asynccontextmanager

import httpx2
import pytest

from backedge.providers.errors import (
    AuthenticationError,
    BadAnswerError,
    BadRequestError,
    BadToolCallError,
    ContextLengthError,
    ModelConnectionError,
    ModelError,
    ModelTimeoutError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    TooLargeError,
    UnsupportedError,
)
from backedge.providers.messages import Usage
from backedge.providers.wire.clients import anthropic_clients, openai_clients
from backedge.providers.wire.failures import failure, failure_in, translated
from backedge.providers.wire.hiding import hider

from .replay import WIRE, Body, answering, needs_recordings, pairs, playing

KEY = "canary-0123456789"
URL = "http://test.invalid/v1"


@asynccontextmanager
async def client_of(provider, transport):
    async with httpx2.AsyncClient(transport=transport) as http_client:
        if provider == "anthropic":
            yield anthropic_clients("a:x", key=KEY, base_url=URL, http_client=http_client).here()
        else:
            yield openai_clients("o:x", key=KEY, base_url=URL, http_client=http_client).here()


async def failed(provider, transport, *, streaming=False):
    """Our error for what the official client raises."""
    import anthropic
    import openai

    streams = {"anthropic": anthropic.AsyncStream[object]}.get(provider, openai.AsyncStream[object])
    more = {"stream": True, "stream_cls": streams} if streaming else {}
    async with client_of(provider, transport) as client:

        async def call():
            answer = await client.post("/x", cast_to=object, body={}, **more)
            async for _ in answer if streaming else ():
                pass

        with pytest.raises(ModelError) as caught:
            await translated(
                call(),
                lambda error: failure(error, model=f"{provider}:x", hide=hider(KEY), streaming=streaming),
            )
    return caught.value


BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])

BY_STATUS = {
    307: NotFoundError,
    400: BadRequestError,
    401: AuthenticationError,
    402: QuotaError,
    403: AuthenticationError,
    404: NotFoundError,
    408: ModelTimeoutError,
    409: BadRequestError,
    410: NotFoundError,
    413: TooLargeError,
    418: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
    498: OverloadedError,
    500: ServerError,
    502: ServerError,
    503: OverloadedError,
    504: ServerError,
    524: ServerError,
    529: OverloadedError,
}


@BOTH
@pytest.mark.parametrize("status", BY_STATUS)
@pytest.mark.parametrize("content", ['{"error": {"message": "no"}}', "<html><title>no</title>", ""])
async def test_each_status_has_its_type_whatever_the_body_is(provider, status, content):
    transport, sent = answering(
        status, content, [("content-type", "application/json"), ("request-id", "req_1")]
    )
    error = await failed(provider, transport)
    assert type(error) is BY_STATUS[status]
    assert error.status == status
    assert error.request_id == "req_1"
    assert error.model == f"{provider}:x"
    assert len(sent) == 1


REPORTED = {
    "anthropic-529-overloaded": OverloadedError,
    "anthropic-500-api_error": ServerError,
    "anthropic-429-per-minute": RateLimitError,
    "anthropic-429-spend-limit": QuotaError,
    "anthropic-413-request-too-large": TooLargeError,
    "anthropic-400-image-too-large": BadRequestError,
    "anthropic-400-sampling-params": BadRequestError,
    "anthropic-stream-error-after-200": OverloadedError,
    "openai-429-tpm": RateLimitError,
    "openai-429-request-too-large": TooLargeError,
    "openai-429-insufficient-quota": QuotaError,
    "openai-500-server-error": ServerError,
    "openai-400-chat-tools-on-gpt6": BadRequestError,
    "gemini-503-unavailable": OverloadedError,
    "openrouter-402-credits": QuotaError,
    "openrouter-502-provider": ServerError,
    "openrouter-200-error-in-body": ServerError,
}
WAITS = {"anthropic-429-per-minute": 12.0, "openai-429-tpm": 0.644}


def reported():
    path = WIRE / "errors-reported.json"
    return json.loads(path.read_text(encoding="utf-8"))["errors"] if path.is_file() else []


@needs_recordings
def test_every_reported_error_has_an_expected_type():
    assert {one["id"] for one in reported()} == REPORTED.keys()


@needs_recordings
@pytest.mark.parametrize("one", reported(), ids=lambda one: one["id"])
async def test_a_reported_error_becomes_one_of_ours(one):
    headers = [("content-type", "application/json"), *one.get("headers", {}).items()]
    if one["status"] != 200:
        transport, _ = answering(one["status"], json.dumps(one["body"]), headers)
        error = await failed(one["provider"], transport)
    elif "sse" in one:
        transport, _ = answering(200, one["sse"], [("content-type", "text/event-stream")])
        error = await failed(one["provider"], transport, streaming=True)
    else:
        error = failure_in(one["body"], status=200, model="m")
    assert type(error) is REPORTED[one["id"]]
    assert error.retry_after == WAITS.get(one["id"])
    words = (one.get("body") or {"error": {"message": "Overloaded"}})["error"]["message"]
    assert words in error.message
    no = one["retry"].lower().startswith("no")
    assert error.retryable is not no


RECORDED = {
    (
        "responses",
        "deepseek/pai__test_deepseek_responses-test_deepseek_responses_rejects_interleaved_function_calls#0",
    ): BadRequestError,
    (
        "responses",
        "openai-responses/ruby_llm__chat_error_handling_with_openai_gpt-5-nano_raises_appropriate_auth_error#0",
    ): AuthenticationError,
    (
        "responses",
        "openai-responses/ruby_llm__chat_real_error_scenarios_openai_gpt-5-nano_handles_context_length_exceeded_errors#0",
    ): ContextLengthError,
    ("messages", "anthropic/braintrust__test_anthropic_client_error#0"): NotFoundError,
    ("messages", "anthropic/ddtrace__anthropic_completion_error#0"): BadRequestError,
    (
        "messages",
        "anthropic/ruby_llm__chat_error_handling_with_anthropic_claude-haiku-4-5_raises_appropriate_auth_error#0",
    ): AuthenticationError,
}


@needs_recordings
@pytest.mark.parametrize(("endpoint", "name"), RECORDED, ids=lambda value: value)
async def test_a_recorded_error_of_another_api_becomes_one_of_ours(endpoint, name):
    (pair,) = (one for one in pairs(endpoint) if one.id == name)
    error = await failed("anthropic" if endpoint == "messages" else "openai", playing(pair)[0])
    assert type(error) is RECORDED[endpoint, name]
    assert error.status == pair.status


def said(message="no", **more):
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, said("This model's maximum context length is 8192 tokens."), ContextLengthError),
        (400, said("prompt is too long: 210000 tokens > 200000 maximum"), ContextLengthError),
        (
            400,
            said("The input token count (9) exceeds the maximum number of tokens allowed (8)."),
            ContextLengthError,
        ),
        (
            400,
            said("the request exceeds the available context size", type="exceed_context_size_error"),
            ContextLengthError,
        ),
        (413, said("no", code="context_length_exceeded"), ContextLengthError),
        (
            400,
            said("max_tokens is too large: 5000. This model supports at most 4096 completion tokens"),
            BadRequestError,
        ),
        (400, said("Your credit balance is too low to access the API."), QuotaError),
        (402, said("Insufficient Balance"), QuotaError),
        (403, said("You have used all available credits or reached your spending limit."), QuotaError),
        (429, said("You exceeded your current quota, please check your plan."), QuotaError),
        (429, said("You exceeded your current quota. Please retry in 48.9s."), RateLimitError),
        (429, said("no", code="insufficient_quota"), QuotaError),
        (429, said("Request too large for gpt-x: Limit 30000, Requested 30601."), TooLargeError),
        (429, said("Limit 30,000, Requested 30,601"), TooLargeError),
        (429, said("Limit 30000, Used 29937, Requested 385. Please try again in 644ms."), RateLimitError),
        (400, said("API key not valid. Please pass a valid API key."), AuthenticationError),
        (400, {"code": "x", "error": "Incorrect API key provided: ab***yz"}, AuthenticationError),
        (400, said("nope is not a valid model ID"), NotFoundError),
        (400, said("no", code="model_not_found"), NotFoundError),
        (400, said("no", code="tool_use_failed"), BadToolCallError),
        (200, said("no", type="overloaded_error"), OverloadedError),
        (200, said("no", type="rate_limit_error"), RateLimitError),
        (200, said("no", type="authentication_error"), AuthenticationError),
        (200, said("no", type="invalid_request_error"), BadRequestError),
        (200, said("no", type="insufficient_quota"), QuotaError),
        (200, said("no", code=503), OverloadedError),
        (200, said("no"), BadAnswerError),
        (200, "<html>", BadAnswerError),
        (None, said("no", type="server_error"), ServerError),
        (None, None, BadAnswerError),
    ],
)
def test_words_and_names_tell_the_kind_where_the_status_does_not(status, body, expected):
    assert type(failure_in(body, status=status, model="m")) is expected


def test_a_402_that_says_when_to_come_back_is_a_rate_limit():
    error = failure_in(said(), status=402, headers={"retry-after": "30"}, model="m")
    assert type(error) is RateLimitError
    assert error.retry_after == 30.0


def test_a_redirect_names_where_to():
    error = failure_in(None, status=308, headers={"location": "https://new.invalid/v1"}, model="m")
    assert "https://new.invalid/v1" in error.message


def test_the_time_now_is_asked_for_a_date():
    headers = {"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}
    error = failure_in(said(), status=429, headers=headers, model="m", now=lambda: 1_700_000_000.0)
    assert error.retry_after == 30.0


@BOTH
async def test_a_key_that_a_provider_repeats_is_in_no_part_of_the_error(provider):
    body = json.dumps(said(f"the key {KEY} is wrong, and sk-other-0123456789", code=f"bad-{KEY}"))
    transport, _ = answering(401, body, [("content-type", "application/json")])
    error = await failed(provider, transport)
    shown = f"{error} {error!r} {vars(error)} {error.args}"
    assert KEY not in shown
    assert "sk-other" not in shown
    assert "[key] is wrong" in error.message
    assert error.__cause__ is None
    assert error.__context__ is None


def raising(error):
    def handler(request):
        raise error

    return httpx2.MockTransport(handler)


@BOTH
@pytest.mark.parametrize(
    ("raised", "expected", "words"),
    [
        (httpx2.ConnectTimeout("slow"), ModelTimeoutError, "no connection in time"),
        (httpx2.PoolTimeout("slow"), ModelTimeoutError, "no connection in time"),
        (httpx2.ReadTimeout("slow"), ModelTimeoutError, "no answer in time"),
        (httpx2.WriteTimeout("slow"), ModelTimeoutError, "no answer in time"),
        (httpx2.ConnectError("refused here"), ModelConnectionError, "refused here"),
        (httpx2.ReadError("reset"), ModelConnectionError, "reset"),
        (httpx2.RemoteProtocolError("garbage"), ModelConnectionError, "garbage"),
    ],
)
async def test_trouble_with_the_connection_is_told_apart(provider, raised, expected, words):
    error = await failed(provider, raising(raised))
    assert type(error) is expected
    assert words in error.message
    assert error.status is None
    assert error.retryable


@BOTH
@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (httpx2.RemoteProtocolError("peer closed"), StreamBrokenError),
        (httpx2.ReadError("reset"), StreamBrokenError),
        (httpx2.ReadTimeout("stalled"), ModelTimeoutError),
        (b"data: \xe2\x82", StreamBrokenError),
        (b"event: completion\ndata: {\n\n", BadAnswerError),
        (b"event: completion\ndata: " + b"[" * 200_000 + b"\n\n", BadAnswerError),
    ],
)
async def test_trouble_in_the_middle_of_a_stream_is_told_apart(provider, piece, expected):
    first = b'event: completion\ndata: {"type": "completion"}\n\n'
    transport, _ = answering(body=Body([first, piece]), headers=[("content-type", "text/event-stream")])
    error = await failed(provider, transport, streaming=True)
    assert type(error) is expected
    assert error.retryable


def test_what_was_spent_is_kept():
    usage = Usage(input_tokens=3)
    assert failure(httpx2.ReadError("reset"), model="m", streaming=True, usage=usage).usage == usage
    assert failure_in(said(), status=500, model="m", usage=usage).usage == usage


def test_a_request_that_cannot_be_written_is_not_blamed_on_the_provider():
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()
    error = failure(caught.value, model="m")
    assert type(error) is UnsupportedError
    assert not error.retryable
    assert type(failure(ValueError("not JSON compliant"), model="m")) is UnsupportedError


def test_what_nobody_foresaw_is_named_and_stays_ours():
    error = failure(TypeError("odd"), model="m")
    assert type(error) is ModelError
    assert error.message == "the client failed: TypeError: odd"


def test_an_error_of_ours_stays_what_it_is():
    ours = QuotaError("no")
    assert failure(ours, model="m") is ours


async def test_an_error_of_ours_is_not_translated_again():
    async def call():
        raise QuotaError("no")

    with pytest.raises(QuotaError):
        await translated(call(), lambda error: ModelError("never"))


def test_an_exception_that_leads_to_itself_does_not_hang():
    first, second = httpx2.ReadError("a"), httpx2.ReadError("b")
    first.__context__, second.__context__ = second, first
    assert type(failure(first, model="m")) is ModelConnectionError


async def test_cancelling_is_no_failure():
    started = asyncio.Event()

    async def call():
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(translated(call(), lambda error: ModelError("never")))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_a_call_gives_is_passed_on():
    async def call():
        return 7

    assert await translated(call(), lambda error: ModelError("never")) == 7


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_key_as_the_number_of_a_request_is_hidden(where):
    headers = {"x-request-id": KEY} if where == "headers" else {}
    body = {"error": {"message": "no"}, "request_id": "" if headers else KEY}
    error = failure_in(body, status=500, headers=headers, model="m", hide=hider(KEY))
    assert error.request_id == "[key]"
