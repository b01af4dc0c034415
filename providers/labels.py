"""Whom a call is for: the labels by which costs are summed and budgets are kept.

They are handed along explicitly, from a wrapper to the model inside it, by `labelled`. Nothing looks them up behind a
caller's back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypeVar

M = TypeVar("M")

Label: TypeAlias = Literal["run", "node", "activation", "agent"]


@dataclass(frozen=True, slots=True)
class Labels:
    """Whom a call is for; what is not known is empty.

    Attributes:
        run: The id of the run.
        node: The node's name.
        activation: Which activation of it, such as ``checker@2``.
        agent: Who asks, such as ``coder``.
    """

    run: str = ""
    node: str = ""
    activation: str = ""
    agent: str = ""

    def told(self, labels: Mapping[str, str]) -> Labels:
        """These, with some of them replaced."""
        return replace(self, **labels)


def labelled(model: M, labels: Mapping[str, str]) -> M:
    """The model, told whom its calls are for; one that does not care is given as it is.

    For wrappers, whose own `labelled` hands the labels on to what they wrap::

        def labelled(self, **labels: str) -> Self:
            told = copy.copy(self)
            told._model = labelled(self._model, labels)
            return told
    """
    tell = getattr(model, "labelled", None)
    told: M = model if tell is None else tell(**labels)
    return told


def labels_of(context: object) -> dict[str, str]:
    """The labels an activation's context gives: run, node and activation, as far as it knows them."""
    activation = getattr(context, "activation", None)
    found = {
        "run": getattr(context, "run_id", None),
        "node": getattr(activation, "node", None),
        "activation": None if activation is None else str(activation),
    }
    return {name: str(value) for name, value in found.items() if value}
