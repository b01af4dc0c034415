"""Leave to run: a node that waits until somebody has said that it may, perhaps on other values."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ..effects.results import codec_for, told
from ..errors import RejectedError
from ..records import EffectKind, EffectRecorded, ErrorInfo, Letter
from .effects import Effects, Request


class Decision(BaseModel):
    """What a person says of a node that is about to run.

    Attributes:
        approve: Whether it may.
        reason: Why not.
        edit: Field to the value that the node is to run on instead.
    """

    model_config = ConfigDict(extra="forbid")

    approve: StrictBool
    reason: str = ""
    edit: dict[str, Any] = Field(default_factory=dict)


class Host(Protocol):
    """The run, as approvals see it."""

    def encoded(self, edit: Mapping[str, Any]) -> dict[str, bytes]:
        """An edit as records hold it. ValueError says what is wrong with it."""

    async def edited(
        self, edits: Mapping[str, bytes], make: Callable[[int], EffectRecorded], letter: Letter
    ) -> None:
        """Record an edit of what the activation runs on together with the effect that caused it."""


async def approval(effects: Effects, host: Callable[[], Host], node: str) -> None:
    """Wait for leave to run the node.

    A rejection is recorded as a failure: what runs after it, in a next attempt, asks anew.

    Raises:
        RejectedError: Somebody refused.
    """
    with effects.named("approval"):
        request = effects.request(EffectKind.APPROVAL, node, "")
    known = effects.find(request)
    if isinstance(known, EffectRecorded):
        if known.error is not None:
            raise RejectedError(str(effects.activation), known.error.message)
        return
    question = {
        "question": f"run {effects.activation}?",
        "schema": {"anyOf": [{"type": "boolean"}, Decision.model_json_schema()]},
    }
    opened = await effects.opened(request, known, lambda: json.dumps(question).encode())
    while True:
        letter = await effects.take(opened)
        try:
            decision, edits = _decided(letter, host())
        except ValueError as error:
            opened = await effects.refuse(opened, letter, told(error).removeprefix("what is stored, "))
            continue
        if not decision.approve:
            refusal = ErrorInfo("RejectedError", decision.reason)
            await effects.record(request, opened.at, error=refusal, letter=letter)
            raise RejectedError(str(effects.activation), decision.reason)
        if edits:
            effects.keep(letter)
            await host().edited(edits, partial(_approved, effects, request, opened.at), letter)
        else:
            await effects.record(request, opened.at, result=b"true", letter=letter)
        return


def _decided(letter: Letter, host: Host) -> tuple[Decision, Mapping[str, bytes]]:
    said = codec_for(StrictBool | Decision).decode(letter.value)
    decision = said if isinstance(said, Decision) else Decision(approve=said)
    if decision.edit and not decision.approve:
        raise ValueError("an edit goes with an approval: say approve, or leave edit out")
    return decision, host.encoded(decision.edit)


def _approved(effects: Effects, request: Request, since: float, seq: int) -> EffectRecorded:
    now = time.time()
    what = (request.place.path, request.name, request.digest, now, b"true", None, request.kind)
    return EffectRecorded(seq, effects.activation, effects.attempt, *what, max(now - since, 0.0))
