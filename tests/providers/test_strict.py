"""Schemas of pydantic types in the form that strict modes accept."""

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge
from pydantic import BaseModel, Field, TypeAdapter

from backedge.providers.strict import as_object, strict
from backedge.providers.wire.schemas import is_strict

ACCEPTED = {
    "type",
    "description",
    "enum",
    "const",
    "format",
    "$ref",
    "$defs",
    "anyOf",
    "items",
    "properties",
    "required",
    "additionalProperties",
}


class Colour(Enum):
    RED = "red"


class Leaf(BaseModel):
    kind: Literal["leaf"]
    size: Annotated[int, Ge(0)] = 3


class Tree(BaseModel):
    """A tree."""

    kind: Literal["tree"]
    below: list[Annotated["Tree | Leaf", Field(discriminator="kind")]] = []
    colour: Colour | None = None
    when: date = Field(description="A day")
    place: tuple[int, int] = (0, 0)
    first: Leaf = Field(description="Beside a reference")


class Empty(BaseModel):
    pass


def schema_of(kind):
    return strict(as_object(TypeAdapter(kind).json_schema())[0])


def subschemas(schema):
    yield schema
    for one in [*schema.get("$defs", {}).values(), *schema.get("properties", {}).values()]:
        yield from subschemas(one)
    for one in [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]:
        yield from subschemas(one)


@pytest.mark.parametrize(
    "kind", [Tree, Leaf, Empty, int, list[Tree], Tree | Leaf, Literal["a", "b"], str | None]
)
def test_only_what_every_strict_mode_knows_is_in_a_schema(kind):
    schema = schema_of(kind)
    assert is_strict(schema)  # or the wire would not ask for the strict mode
    assert schema["type"] == "object"
    for one in subschemas(schema):
        assert one.keys() <= ACCEPTED
        assert one.keys() & {"type", "anyOf", "$ref", "enum", "const"}
        if "$ref" in one:
            assert one.keys() == {"$ref"}
            assert one["$ref"].removeprefix("#/$defs/") in schema["$defs"]
        if one.get("type") == "object":
            assert one["additionalProperties"] is False
            assert one["required"] == list(one["properties"])


def test_what_the_schema_cannot_say_stands_in_the_description():
    assert schema_of(Leaf)["properties"]["size"] == {
        "type": "integer",
        "description": "(default: 3, minimum: 0)",
    }
    place = schema_of(Tree)["properties"]["place"]
    assert place["items"] == {"type": "integer"}
    assert 'items in this order: ["integer", "integer"]' in place["description"]
    assert schema_of(Tree)["properties"]["when"] == {
        "type": "string",
        "format": "date",
        "description": "A day",
    }
    path = strict({"type": "string", "format": "path"})
    assert path == {"type": "string", "description": '(format: "path")'}


def test_a_value_that_is_no_object_is_wrapped_and_one_that_is_is_not():
    found, wrapped = as_object(TypeAdapter(list[int]).json_schema())
    assert wrapped
    assert strict(found)["properties"] == {"value": {"type": "array", "items": {"type": "integer"}}}
    found, wrapped = as_object(TypeAdapter(Tree).json_schema())
    assert not wrapped
    assert strict(found)["properties"].keys() == Tree.model_fields.keys()


def test_a_list_of_one_and_of_one_schema_is_that_schema():
    found = strict({"allOf": [{"type": "string"}], "description": "words"})
    assert found == {"type": "string", "description": "words"}


class Bag(BaseModel):
    inner: list[dict[str, int]]


class Loose(BaseModel):
    thing: Any


class Looser(BaseModel):
    things: list


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Bag, r"^inner\[\] is a mapping with free keys.*mode='tool'"),
        (Loose, "^thing has no type"),
        (Looser, "^things is a list of anything"),
        (dict[str, int], "^the type is a mapping"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_place(kind, why):
    with pytest.raises(TypeError, match=why):
        schema_of(kind)
