"""What a model reads when its arguments do not fit, and what a schema says in the first place."""

import warnings
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field

from backedge.nodes.tools import ToolArgumentsError, tool
from backedge.nodes.tools.docstrings import read_docstring


class Unit(Enum):
    METRIC = "metric"
    IMPERIAL = "imperial"


class Stop(BaseModel):
    """Where to stay."""

    city: str
    nights: int = Field(ge=1, description="How many nights")


def even(value: int) -> int:
    if value % 2:
        raise ValueError("an even number, please")
    return value


@tool
async def plan(
    stops: list[Stop],
    unit: Unit,
    size: Annotated[int, Field(ge=1, le=9)] = 3,
    mode: Literal["car", "train"] | None = None,
    start: date | None = None,
    ratio: float = 1.0,
    pairs: Annotated[int, AfterValidator(even)] = 0,
    tags: dict[str, int] = {},  # noqa: B006
) -> None:
    """Plan a trip.

    It is quick.

    Args:
        stops: Where to
            stay on the way.
        unit (Unit): For distances: metric or not.
        size: Of the car.

    Returns:
        Nothing.
    """


def wrong(arguments: Any, made=plan) -> str:
    with pytest.raises(ToolArgumentsError) as caught:
        made.check(arguments)
    return str(caught.value)


FINE = '"stops": [{"city": "Ulm", "nights": 1}], "unit": "metric"'


def test_the_schema_holds_what_signature_and_docstring_say():
    assert plan.description == "Plan a trip.\n\nIt is quick."
    schema = plan.parameters
    assert schema["required"] == ["stops", "unit"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["stops"]["description"] == "Where to stay on the way."
    assert properties["stops"]["items"] == {"$ref": "#/$defs/Stop"}
    assert properties["unit"]["description"] == "For distances: metric or not."
    assert properties["size"] == {
        "default": 3,
        "description": "Of the car.",
        "maximum": 9,
        "minimum": 1,
        "type": "integer",
    }
    assert properties["mode"]["anyOf"][0]["enum"] == ["car", "train"]
    assert properties["start"]["anyOf"][0] == {"format": "date", "type": "string"}
    assert schema["$defs"]["Unit"]["enum"] == ["metric", "imperial"]
    assert schema["$defs"]["Stop"]["properties"]["nights"]["description"] == "How many nights"
    assert schema["$defs"]["Stop"]["description"] == "Where to stay."


def test_what_a_field_says_goes_before_the_docstring():
    @tool
    async def look(
        a: Annotated[int, Field(description="from the annotation")],
        b: int = Field(5, ge=2, description="from the default"),
        c: int = Field(ge=3),
    ) -> None:
        """Look.

        Args:
            a: from the docstring
            b: from the docstring
            c: from the docstring
        """

    properties = look.parameters["properties"]
    assert properties["a"]["description"] == "from the annotation"
    assert properties["b"] == {
        "default": 5,
        "description": "from the default",
        "minimum": 2,
        "type": "integer",
    }
    assert properties["c"] == {"description": "from the docstring", "minimum": 3, "type": "integer"}
    assert look.parameters["required"] == ["a", "c"]
    assert look.check('{"a": 1, "c": 3}') == {"a": 1, "b": 5, "c": 3}
    assert "b: should be greater than or equal to 2; found 1" in wrong('{"a": 1, "b": 1, "c": 3}', look)


def test_an_alias_of_a_field_does_not_hide_the_parameter():
    @tool
    async def look(a: Annotated[int, Field(alias="other")], b: int = Field(1, alias="another")) -> None:
        """Look."""

    assert look.check('{"a": 1, "b": 2}') == {"a": 1, "b": 2}


def test_a_tool_without_parameters_takes_an_empty_object():
    @tool
    async def now() -> None:
        """Now."""

    assert now.parameters == {"additionalProperties": False, "properties": {}, "type": "object"}


def test_a_default_that_json_cannot_hold_is_no_trouble():
    @dataclass
    class Place:
        x: int

    missing = object()
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        @tool
        async def go(to: Place | None = missing, start: Place = Place(3)) -> None:  # noqa: B008
            """Go."""

    assert go.check("{}")["to"] is missing
    assert go.check('{"to": {"x": 1}}')["to"] == Place(1)


# ---------------------------------------------------------------------- complaints


def test_every_complaint_says_where_what_was_found_and_what_is_expected():
    text = wrong(
        '{"stops": [{"city": "Ulm", "nights": 0}, {"nights": 1}], "unit": "miles", "size": "ten", "mode": "boat"}'
    )
    assert text.splitlines()[:6] == [
        "plan was not called, its arguments do not fit:",
        "- stops[0].nights: should be greater than or equal to 1; found 0",
        "- stops[1].city: is missing",
        "- unit: should be 'metric' or 'imperial'; found \"miles\"",
        '- size: should be a valid integer, unable to parse string as an integer; found "ten"',
        "- mode: should be 'car' or 'train'; found \"boat\"",
    ]
    assert 'size takes {"default": 3, "description": "Of the car.", "maximum": 9, "minimum": 1' in text
    assert '"enum": ["metric", "imperial"]' in text  # what a reference refers to


def test_unknown_arguments_are_named_with_those_there_are():
    text = wrong("{" + FINE + ', "sise": 3}')
    assert "- sise: there is no such argument; did you mean size? there are: stops, unit, size, mode" in text
    text = wrong("{" + FINE + ', "zzz": 3}')
    assert "- zzz: there is no such argument; there are: stops" in text


def test_a_validator_of_the_tools_own_is_heard():
    assert "- pairs: an even number, please; found 3" in wrong("{" + FINE + ', "pairs": 3}')


def test_places_in_lists_and_mappings_are_told_without_what_pydantic_adds_for_unions():
    @tool
    async def look(items: list[dict[str, int | list[int]]]) -> None:
        """Look."""

    @tool
    async def choose(places: list[Stop | int]) -> None:
        """Choose."""

    text = wrong('{"items": [{"a": 1}, {"b": [1, "x"]}]}', look)
    assert "- items[1].b[1]: should be a valid integer" in text
    assert "places[0].nights: should be a valid integer" in wrong(
        '{"places": [{"city": "Ulm", "nights": "x"}]}', choose
    )
    assert "list[int]" not in text.split("items takes")[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('{"stops": [', "are no JSON (EOF while parsing a list"),
        ("stops=1", "are no JSON (expected value at line 1 column 1"),
        ("```json\n{}\n```", "are no JSON"),
        ('{"unit": "\ud800"}', "are no JSON"),
        ('{"unit": "\\ud800"}', "are no JSON"),
        ("[" * 5000, "are no JSON (recursion limit exceeded"),
        ("[1]", "takes one JSON object"),
        ("[1]", "but the arguments are a list"),
        ('"{}"', "but the arguments are a text"),
        ("null", "but the arguments are null"),
        ("3", "but the arguments are a number"),
        ("true", "but the arguments are a truth value"),
    ],
)
def test_what_is_no_json_object_is_told_with_the_form_that_is_wanted(arguments, words):
    text = wrong(arguments)
    assert words in text
    assert '{"stops": …, "unit": …' in text


def test_numbers_that_json_does_not_have_are_refused():
    assert "- ratio: should be a finite number" in wrong("{" + FINE + ', "ratio": NaN}')


def test_a_mapping_that_is_no_json_is_told_too():
    assert "- size: should be a valid integer; found <object" in wrong(
        {"unit": "metric", "stops": [], "size": object()}
    )


def test_many_complaints_and_large_values_are_cut():
    text = wrong({"unit": "metric", "stops": [{"city": "x" * 100_000}] * 50})
    assert "and 40 more" in text
    assert len(text) < 4000


def complaint_of(arguments):
    try:
        plan.check(arguments)
    except ToolArgumentsError as error:
        return str(error)
    return "plan takes it"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["stops", "unit", "city", "x"]), inner)
        ),
        max_leaves=8,
    )
)
def test_whatever_a_model_writes_is_either_taken_or_told(value):
    """No argument makes anything else than arguments or a complaint of bounded size."""
    import json

    for arguments in (json.dumps(value), value if isinstance(value, dict) else {"stops": value}):
        assert len(complaint_of(arguments)) < 6000


@given(st.text())
def test_any_text_is_either_taken_or_told(text):
    assert complaint_of(text).startswith("plan ")


# ---------------------------------------------------------------------- docstrings


@pytest.mark.parametrize(
    ("text", "description", "parameters"),
    [
        (None, "", {}),
        ("Do.", "Do.", {}),
        ("Do.\n\nMore: a colon.\n\nArgs:\n    a: One.", "Do.\n\nMore: a colon.", {"a": "One."}),
        (
            "Do.\n\nArgs:\n  a (list[int], optional): One: two.\n  *b: Three.",
            "Do.",
            {"a": "One: two.", "b": "Three."},
        ),
        ("Do.\n\nArgs:\n    a:\n        Below.\n\n        Far below.", "Do.", {"a": "Below. Far below."}),
        ("Do.\n\nReturns:\n    x: no parameter.\n\nArgs:\n    a: One.", "Do.", {"a": "One."}),
        ("Do.\n\nArgs:\n    a: One.\n\nExample:\n    b: none.\n\nNo more.", "Do.", {"a": "One."}),
        ("Do.\n\nArgs:\n    nothing at all", "Do.", {}),
        ("Example::\n\n    code", "", {}),
    ],
)
def test_docstrings_are_taken_apart(text, description, parameters):
    assert read_docstring(text) == (description, parameters)
