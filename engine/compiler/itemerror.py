"""What stands for the result of an item that failed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ItemError(BaseModel):
    """Stands for the result of an item that failed, where a map collects errors.

    Attributes:
        type: The error's class.
        message: What it said.
    """

    model_config = ConfigDict(frozen=True)

    type: str
    message: str
