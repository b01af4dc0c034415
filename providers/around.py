"""What models around other models have in common: all but what they do about a call."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Self

from .labels import Labels, labelled
from .past import Past, remembering
from .protocol import Model
from .recorded import Recordable
from .watching import Watch, watched


class Around(Recordable):
    """A model around one model: called as it is, closed with it, and telling it whom its calls are for.

    Args:
        model: The model within.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._name = model.name
        self._labels = Labels()
        self._watch: Watch | None = None

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

    def watched(self, watch: Watch) -> Self:
        """The same, with all that it keeps shared, which tells of each try that fails; so does the model within."""
        told = copy.copy(self)
        told._model = watched(self._model, watch)
        told._watch = watch
        return told

    def remembering(self, past: Past) -> Self:
        """The same, with all that it keeps shared, told of its run's past; so is the model within."""
        told = copy.copy(self)
        told._model = remembering(self._model, past)
        return told

    async def aclose(self) -> None:
        """Close what the model within has open."""
        await close(self._model)


class Among(Recordable):
    """A model around several models: it hands on to them what it is told, and closes them all.

    Args:
        models: The models within.
        name: What to call it.
    """

    def __init__(self, models: Sequence[Model], *, name: str) -> None:
        self._name = name
        self._watch: Watch | None = None
        self._seat(models)

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    def labelled(self, **labels: str) -> Self:
        """The same, with the models within told whom the calls are for."""
        told = copy.copy(self)
        told._seat([labelled(model, labels) for model in self._models])
        return told

    def watched(self, watch: Watch) -> Self:
        """The same, which tells of each try that fails; so do the models within."""
        told = copy.copy(self)
        told._seat([watched(model, watch) for model in self._models])
        told._watch = watch
        return told

    def remembering(self, past: Past) -> Self:
        """The same, with the models within told of their run's past."""
        told = copy.copy(self)
        told._seat([remembering(model, past) for model in self._models])
        return told

    async def aclose(self) -> None:
        """Close what the models within have open."""
        await close(*self._models)

    def _seat(self, models: Sequence[Model]) -> None:
        """These are the models within."""
        self._models = tuple(models)


async def close(*models: Model) -> None:
    """Close what models have open, all of them, even when one cannot be closed."""
    async with AsyncExitStack() as stack:
        for model in models:
            if (end := getattr(model, "aclose", None)) is not None:
                stack.push_async_callback(end)
