"""The picture as JSON, for tools: boxes, arrows and loops as `picture` describes them, nothing stacked."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import Enum
from typing import Any

from .picture import Picture


def as_json(picture: Picture) -> str:
    """The picture as one JSON object whose members are the attributes of `Picture`, plus ``"version": 1``."""
    return json.dumps({"version": 1, **asdict(picture)}, indent=1, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"a picture holds no {type(value).__name__}")
