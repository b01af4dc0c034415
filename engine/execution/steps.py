"""A durable call: how a function is called once, and what is done when nobody knows whether it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ..compiler.signatures import name_of_callable
from ..effects.identity import digest_of
from ..effects.results import UNTOLD, codec_for, key_parameter, result_type, told
from ..errors import RejectedError
from ..records import EffectKind, EffectOpened, ErrorInfo
from ..state.values import Codec
from .effects import Effects, Verdict


class NotDone:
    """What a step's `query` returns when the step was not done."""

    def __repr__(self) -> str:
        return "NOT_DONE"


NOT_DONE: Final = NotDone()


async def step(
    effects: Effects,
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    returns: Any,
    raises: tuple[type[Exception], ...],
    safety: str,
    query: Callable[..., Any] | None,
    kind: EffectKind = EffectKind.STEP,
) -> Any:
    """See `Context.step`."""
    if safety not in ("idempotent", "unsafe"):
        raise ValueError(f'safety is "idempotent" or "unsafe", not {safety!r}')
    digest = digest_of(*args)
    request = effects.request(kind, name, digest)
    codec = codec_for(result_type(function) if returns is UNTOLD else returns)
    key, call = effects.key(name, digest), function
    if (wanted := key_parameter(function)) is not None:
        call = partial(function, **{wanted: key})
    careful = safety == "unsafe" or query is not None
    intent = None
    if careful:
        about = {"step": name, "function": name_of_callable(function), "key": key}
        intent = json.dumps(about).encode()

    async def doubt(opened: EffectOpened) -> Verdict:
        if query is None:
            return await _asked(effects, opened, codec)
        found = await effects.call(query, *args)
        return Verdict(done=False) if found is NOT_DONE else Verdict(done=True, value=found)

    return await effects.perform(
        request,
        partial(effects.call, call, *args),
        codec,
        raises=raises,
        intent=intent,
        doubt=doubt if careful else None,
    )


async def _asked(effects: Effects, opened: EffectOpened, codec: Codec) -> Verdict:
    """What a person says of a step that may have been done: its result, that it was not done, or why it failed."""
    while True:
        letter = await effects.expect(opened)
        why = 'say {"done": RESULT}, {"not_done": true} or {"fail": "WHY"}'
        try:
            match json.loads(letter.value):
                case {"done": value}:
                    result = codec.decode(json.dumps(value).encode())
                    return Verdict(done=True, value=result, number=letter.number)
                case {"not_done": True}:
                    return Verdict(done=False, number=letter.number)
                case {"fail": str(reason)}:
                    return Verdict(done=True, error=ErrorInfo("Failed", reason), number=letter.number)
        except ValueError as error:
            why = told(error)
        opened = await effects.refuse(opened, letter, why)


class Decision(BaseModel):
    """What a person says of a node that is about to run."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    reason: str = ""


async def approval(effects: Effects, node: str) -> None:
    """Wait for leave to run the node. Raises RejectedError."""
    with effects.named("approval"):
        request = effects.request(EffectKind.APPROVAL, node, "")
        detail = json.dumps({"question": f"run {effects.activation}?"}).encode()
        decision = await effects.wait(request, lambda: detail, codec_for(bool | Decision))
    if isinstance(decision, bool):
        decision = Decision(approve=decision)
    if not decision.approve:
        raise RejectedError(str(effects.activation), decision.reason)
