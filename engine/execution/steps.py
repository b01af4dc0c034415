"""A durable call: how a function is called once, and what is done when nobody knows whether it was."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from ..compiler.signatures import name_of_callable
from ..effects.identity import EffectKey, digest_of
from ..effects.results import UNTOLD, codec_for, key_parameter, result_type, told
from ..errors import InputError
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
    kind: EffectKind,
) -> Any:
    """See `Context.step`."""
    if safety not in ("idempotent", "unsafe"):
        raise InputError(f'{effects.activation}: safety= is "idempotent" or "unsafe", not {safety!r}')
    digest = digest_of(*args)
    request = effects.request(kind, name, digest)
    codec = codec_for(result_type(function) if returns is UNTOLD else returns)
    careful = safety == "unsafe" or query is not None

    def run(key: EffectKey) -> Awaitable[Any]:
        wanted = key_parameter(function)
        return effects.call(function if wanted is None else partial(function, **{wanted: key}), *args)

    def intent(key: EffectKey, occurrence: int) -> bytes:
        about = {"step": name, "function": name_of_callable(function), "key": key, "occurrence": occurrence}
        return json.dumps(about).encode()

    async def doubt(opened: EffectOpened) -> Verdict:
        if query is None:
            return await _asked(effects, opened, codec)
        found = await effects.call(query, *args)
        return Verdict(done=False) if found is NOT_DONE else Verdict(done=True, value=found)

    return await effects.perform(
        request,
        run,
        codec,
        raises=raises,
        intent=intent if careful else None,
        doubt=doubt if careful else None,
    )


async def _asked(effects: Effects, opened: EffectOpened, codec: Codec) -> Verdict:
    """What a person says of a step that may have been done: its result, that it was not done, or why it failed."""
    while True:
        letter = await effects.take(opened)
        why = 'say {"done": RESULT}, {"not_done": true} or {"fail": "WHY"}'
        try:
            match json.loads(letter.value):
                case {"done": value}:
                    result = codec.decode(json.dumps(value).encode())
                    return Verdict(done=True, value=result, letter=letter)
                case {"not_done": True}:
                    return Verdict(done=False, letter=letter)
                case {"fail": str(reason)}:
                    return Verdict(done=True, error=ErrorInfo("Failed", reason), letter=letter)
        except ValueError as error:
            why = told(error)
        opened = await effects.refuse(opened, letter, why)
