"""What wrappers of one model have in common: all but what they do about a call."""

from __future__ import annotations

import copy
from typing import Self

from ..labels import Labels, labelled
from ..protocol import Model
from ..recorded import Recordable
from .tries import close


class Around(Recordable):
    """A model around one model: called as it is, closed with it, and telling it whom its calls are for.

    Args:
        model: The model within.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._name = model.name
        self._labels = Labels()

    @property
    def name(self) -> str:
        """The name of the model within."""
        return self._name

    def labelled(self, **labels: str) -> Self:
        """The same, with all that it keeps shared, told whom its calls are for; so is the model within."""
        told = copy.copy(self)
        told._model = labelled(self._model, labels)
        told._labels = self._labels.told(labels)
        return told

    async def aclose(self) -> None:
        """Close what the model within has open."""
        await close(self._model)
