"""What a run is given to begin with: checked, all problems told at once, and encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel

from ..compiler.compile import CompiledGraph
from ..errors import InputError, UpdateError
from . import outcome

Inputs: TypeAlias = Mapping[str, Any] | BaseModel


def checked_inputs(graph: CompiledGraph, inputs: Inputs | None) -> outcome.Update:
    """The inputs as an update of the state's defaults; of a model those fields count that are set.

    Raises:
        InputError: They do not fit, or some are missing.
    """
    given = _given(inputs)
    fields = graph.schema.fields
    problems = [
        f"{name!r} is no field of the state ({', '.join(fields)})" for name in given if name not in fields
    ]
    missing = [name for name in graph.inputs if name not in given]
    if missing:
        problems.append(f"{', '.join(map(repr, missing))} must be given: read before any node writes it")
    encoded: dict[str, bytes] = {}
    values: dict[str, object] = {}
    for name in [name for name in fields if name in given]:
        try:
            update = outcome.encode(graph, {name: given[name]}, "input")
        except UpdateError as error:
            problems.append(str(error))
            continue
        encoded |= update.encoded
        values |= update.values
    if problems:
        raise InputError(f"cannot run {graph.definition.name}: {'; '.join(problems)}")
    return outcome.Update(encoded, values)


def _given(inputs: Inputs | None) -> dict[str, Any]:
    if isinstance(inputs, BaseModel):
        return {name: getattr(inputs, name) for name in inputs.model_fields_set}
    if inputs is None or isinstance(inputs, Mapping):
        return dict(inputs or {})
    raise InputError(f"inputs are a mapping of fields or a model, not {type(inputs).__name__}")
