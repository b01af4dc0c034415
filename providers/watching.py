"""Telling of a call's tries as they fail: whoever keeps records cannot wait until the call has ended.

Handed along explicitly, from a wrapper to the model inside it, by `watched`, as labels are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from .errors import Attempt, ModelError

M = TypeVar("M")

Watch: TypeAlias = Callable[[Attempt, ModelError, object], Awaitable[None]]
"""Told of a try that failed, before the next one is begun: what is noted of it, its error, and who tells.

An error that is raised on as it is may be told again by another one further out, who cannot know that it was told.
"""


def watched(model: M, watch: Watch) -> M:
    """The model, which tells of each try that fails; one that never tries again is given as it is."""
    tell = getattr(model, "watched", None)
    told: M = model if tell is None else tell(watch)
    return told
