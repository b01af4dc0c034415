"""A program against cases; programs run without isolation here, since they are our own."""

import pytest
from pydantic import ValidationError

from backedge.nodes.cases import Case, Trial, program_in, try_program

CASES = (Case(arguments="[2]", expected="4"), Case(arguments=" [3] ", expected="6"))


@pytest.fixture
def tried(unisolated):

    async def on_cases(source):
        return await try_program(unisolated, source, function="double", cases=CASES)

    return on_cases


async def test_a_right_program_passes(tried):
    trial = await tried("def double(x): return x + x")
    assert trial.passed
    assert trial.failing == ()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def double(x): return 4", "double(3) should give 6, but: 4"),
        (
            "def double(x): return x + x if x < 3 else x.y",
            "AttributeError: 'int' object has no attribute 'y'",
        ),
        ("import os\ndef double(x): return 4 if x == 2 else os._exit(0)", "the process died"),
        ("def double(x):\n    while x > 2: pass\n    return 4", "more than"),
    ],
)
async def test_each_case_fails_for_itself_and_says_how(tried, source, told):
    trial = await tried(source)
    assert not trial.passed
    assert [one.passed for one in trial.outcomes] == [True, False]
    assert told in str(trial.failing[0])


@pytest.mark.parametrize("source", ["def other(x): return 4", "", "raise SystemExit(0)"])
async def test_a_program_without_the_function_passes_nothing(tried, source):
    assert [one.passed for one in (await tried(source)).outcomes] == [False, False]


@pytest.mark.parametrize("source", ["def double(x: return", "x = '\0'"])
async def test_what_is_no_python_is_not_run(tried, source):
    trial = await tried(source)
    assert not trial.passed
    assert trial.outcomes == ()
    assert trial.problem.startswith("it is no Python: ")


def test_nothing_tried_is_nothing_passed():
    assert not Trial().passed


@pytest.mark.parametrize(("arguments", "expected"), [("2", "4"), ("[2", "4"), ("[2]", "four")])
def test_a_case_is_json_and_its_arguments_a_list(arguments, expected):
    with pytest.raises(ValidationError):
        Case(arguments=arguments, expected=expected)


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        ("```python\nx = 1\n```\nand\n```\nx = 12\n```", "x = 12\n"),
        ("x = 1", "x = 1\n"),
        ("I would rather not.", None),
        ("", None),
        ("# nothing", None),
    ],
)
def test_the_program_in_an_answer_is_its_longest_block_or_all_of_it(answer, program):
    assert program_in(answer) == program
