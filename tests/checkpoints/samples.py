"""Records to store, and one of each kind."""

from backedge.engine.records import (
    ActivationCancelled,
    ActivationId,
    AttemptFailed,
    EffectKind,
    EffectOpened,
    EffectRecorded,
    ErrorInfo,
    InputEdited,
    Letter,
    LetterKind,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunEnded,
    RunForked,
    RunHeader,
    RunResumed,
    RunStarted,
    RunStatus,
)

CODER = ActivationId("coder", (("coder", 3), ("lint", 0)), ("17", "x"))
ERROR = ErrorInfo("builtins.ValueError", "bad\nthing \udc80", "Traceback …\n", b'["bad"]')
BIG = b'"' + b"b" * 20_000 + b'"'
TALK = b'[{"kind":"image","data":' + BIG + b'},{"again":' + BIG + b',"text":"\\"so\\""}]'
"""A value with the same large string inside it twice."""


def header(
    run_id: str = "demo", *, created: float = 1000.0, parent: tuple[str, int] | None = None
) -> RunHeader:
    return RunHeader(run_id, "loop", "digest", b'{"nodes":["coder"]}', created, parent)


def started(seq: int = 0) -> RunStarted:
    return RunStarted(seq, 1000.5, {"spec": b'"do it"'}, ("START->coder",))


def forked(seq: int, value: bytes = b'"another"') -> RunForked:
    return RunForked(seq, 1001.75, {"spec": value})


def letter(name: str = "go on?", value: bytes = b'"yes"', kind: LetterKind = LetterKind.ANSWER) -> Letter:
    return Letter(kind, name, value, 1000.75)


def finished(seq: int, value: bytes = b'"code"') -> NodeFinished:
    return NodeFinished(seq, ActivationId("coder"), 1, 1001.25, 1002.5, {"code": value}, ("coder->checker",))


def ended(seq: int, status: RunStatus = RunStatus.COMPLETED) -> RunEnded:
    return RunEnded(seq, 1003.0 + seq, status)


def every_kind() -> list[Record]:
    """One run that has a record of each kind, with and without what may be missing."""
    return [
        started(),
        RunStarted(1, 1.5, {}, None, {"checker->coder": 8, "other": None}),
        NodeFinished(2, CODER, 2, 1.0, 2.0, {"a": b"1", "b": BIG, "c": TALK}, (), None, b'{"tokens":3}'),
        NodeFinished(3, CODER, 1, 1.0, 2.0, {}, ("coder->fix",), ERROR, b"{}"),
        NodeFinished(4, CODER, 1, 1.0, 2.0, {"a": b""}, None),
        AttemptFailed(5, CODER, 1, 1.0, 2.0, ERROR, False),
        AttemptFailed(6, CODER, 2, 1.0, 2.0, ErrorInfo("E", "", args=BIG), True),
        RoutingFailed(7, CODER, 1.0, ErrorInfo("E", "m")),
        Routed(8, CODER, 1.0, ("coder->checker", "coder->END")),
        EffectRecorded(9, CODER, 1, "gather.0", "model", "d1", 1.0, BIG),
        EffectRecorded(10, CODER, 1, "gather.1", "tool", "d2", 1.0, None, ERROR),
        EffectRecorded(11, CODER, 1, "gather.1", "tool", "d2", 1.0, b"null"),
        RunResumed(12, 1.0, 2, {"checker->coder": 8, "other": None}),
        RunResumed(13, 1.0, 3),
        EffectRecorded(14, CODER, 1, "0", "ask", "d", 1.0, b"1", None, EffectKind.QUESTION, 0.5, b"{}"),
        EffectOpened(15, CODER, 1, "0", "ask", "d", 1.0, EffectKind.QUESTION, b'{"due":1}'),
        InputEdited(16, CODER, 1.0, {"a": TALK, "b": b"1"}),
        RunForked(17, 1.0, {"a": BIG}, CODER),
        RunForked(18, 1.0, {}),
        ActivationCancelled(19, CODER, 1.5),
        ended(20, RunStatus.SUSPENDED),
    ]
