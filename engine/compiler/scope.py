"""What the functions of a graph can name: fields, resources, and types without importing them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, get_args

from ..context import BlockingContext, Context
from ..state.fields import StateSchema
from .signatures import Known


@dataclass(frozen=True, slots=True)
class Scope:
    """Fields and resources.

    Attributes:
        schema: The state.
        resources: Names of resources and their types.
        prefix: What the names of its fields begin with in the whole graph.
        renamed: Names that are others in the whole graph.
        types: Types that annotations may name though the function's module does not hold them: the state's class,
            `Context`, and whatever fields and resources are declared with. So a state may be defined in a function,
            and imports may stand under ``TYPE_CHECKING``.
    """

    schema: StateSchema
    resources: Mapping[str, Any]
    prefix: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Any] = field(init=False, repr=False)
    # What annotations that name these types were found to mean.
    known: Known = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        annotations = [info.annotation for info in self.schema.model.model_fields.values()]
        found = {kind.__name__: kind for kind in _classes([*annotations, *self.resources.values()])}
        object.__setattr__(
            self,
            "types",
            found
            | {
                "Context": Context,
                "BlockingContext": BlockingContext,
                self.schema.model.__name__: self.schema.model,
            },
        )

    def full(self, name: str) -> str:
        """What a field is called in the whole graph, such as ``build/code``."""
        return self.renamed.get(name, self.prefix + name)

    def local(self, name: str) -> str:
        """What a field of the whole graph is called here."""
        return name.removeprefix(self.prefix)

    def is_broken(self, name: str) -> bool:
        """Whether it is a field that cannot be used, which is a problem of its own."""
        return name in self.schema.names and name not in self.schema.fields

    def is_ambiguous(self, name: str) -> bool:
        """Whether it is a field and a resource, which is a problem of its own."""
        return name in self.resources and name in self.schema.names

    def like(self, name: str) -> str | None:
        """A field or resource whose name is nearly this one."""
        found = get_close_matches(name, [*self.schema.fields, *self.resources], n=1)
        return found[0] if found else None


def _classes(annotations: list[Any]) -> Iterator[type]:
    """All classes that annotations mention."""
    for annotation in annotations:
        if isinstance(annotation, type):
            yield annotation
        yield from _classes(list(get_args(annotation)))
