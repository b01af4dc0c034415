import functools
import linecache
from enum import Enum
from operator import attrgetter
from pathlib import Path

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph
from backedge.engine.render.conditions import ConditionTexts


def passed(report):
    return report


class Policy:
    def __call__(self, report):
        return report

    def decide(self, report):
        return report


def text(function):
    return ConditionTexts().of_function(function)


def test_a_lambda_is_told_by_its_body():
    assert text(lambda report: not report.passed) == "not report.passed"


def test_of_several_lambdas_on_a_line_each_gets_its_own_text():
    # fmt: off
    one, two, three = (lambda a: a > 1), (lambda a: a > 2), (lambda a: a > 3 and a < 5)
    # fmt: on
    assert [text(f) for f in (one, two, three)] == ["a > 1", "a > 2", "a > 3 and a < 5"]


def test_a_lambda_within_a_lambda_is_told_apart_from_the_one_around_it():
    outer = lambda a: lambda a: a == "in"  # noqa: E731
    assert text(outer) == 'lambda a: a == "in"'
    assert text(outer("x")) == 'a == "in"'


def test_a_lambda_over_several_lines_is_told_on_one():
    def call(*, when):
        return when

    found = call(
        when=lambda a, b: (
            a  # the first
            and "two  blanks" in b
        )
    )
    assert text(found) == "a and 'two  blanks' in b"


def test_a_lambda_with_names_from_around_it_and_non_ascii_text_is_told():
    limit = 3
    # fmt: off
    assert [text(f) for f in ("é", lambda ü: ü > limit and ü != "ß", lambda ü: ü)[1:]] == ['ü > limit and ü != "ß"', "ü"]
    # fmt: on


def test_a_lambda_whose_body_is_a_constant_is_told():
    assert text(lambda: True) == "True"


def test_other_functions_are_told_by_name():
    assert text(passed) == "passed"
    assert text(functools.partial(functools.partial(passed), report=1)) == "passed"
    assert text(Policy()) == "Policy"
    assert text(Policy().decide) == "decide"
    assert text(attrgetter("x")) == "attrgetter"


def test_a_lambda_without_source_is_told_by_its_parameters():
    assert text(eval("lambda report, k=1: report")) == "lambda report, k"
    assert text(eval("lambda: 1 + passed(2)")) == "lambda"


def test_a_lambda_whose_file_was_edited_since_is_not_told_by_another_text(tmp_path: Path):
    file = tmp_path / "conditions.py"
    file.write_text("f = lambda report: report.passed\n")
    space = {"__name__": "conditions"}
    exec(compile(file.read_text(), str(file), "exec"), space)
    assert text(space["f"]) == "report.passed"
    file.write_text("f = lambda report: report.failed_and_more\n")
    assert text(space["f"]) == "lambda report"
    file.write_text("f = lambda other: other.passed\n")
    assert text(space["f"]) == "lambda report"
    file.write_text("f = lambda report: (\n")
    assert text(space["f"]) == "lambda report"
    linecache.clearcache()


def test_each_file_is_parsed_once(monkeypatch: pytest.MonkeyPatch):
    import ast

    parsed = []
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda *args: parsed.append(args) or parse(*args))
    texts = ConditionTexts()
    functions = [lambda a: a, lambda a: a + 1]
    assert [texts.of_function(f) for f in functions] == ["a", "a + 1"]
    assert len(parsed) == 1


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class State(BaseModel):
    colour: Colour = Colour.RED
    level: int = 0


def test_cases_of_a_switch_show_their_values_in_one_order():
    labels = []
    for order in ([10, 9, 1], [1, 10, 9]):
        graph = Graph(State)
        first = graph.node(lambda: None, name="first")
        second = graph.node(lambda: None, name="second")
        third = graph.node(lambda: None, name="third")
        graph.chain(START, first)
        graph.switch(first, dict.fromkeys(order, second), on="level", default=END)
        graph.switch(second, {Colour.RED: third, Colour.BLUE: END}, on="colour")
        graph.chain(third, END)
        texts = ConditionTexts()
        labels.append([texts.of(edge) for edge in graph.compile().graph.edges])
    assert labels[0] == labels[1] == ["", "1 or 9 or 10", "otherwise", "RED", "BLUE", ""]


def test_a_label_goes_before_the_source():
    graph = Graph(State)
    first = graph.node(lambda: None, name="first")
    graph.chain(START, first)
    graph.edge(first, END, when=lambda level: level > 0, label="high")
    assert [ConditionTexts().of(edge) for edge in graph.compile().graph.edges] == ["", "high"]
