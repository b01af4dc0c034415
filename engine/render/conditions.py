"""What to call a condition: its label, the text of its lambda, or its function's name."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

from ..definition import Case, Chosen, EdgeSpec
from ..loops import natural

Span = tuple[int, int, int, int]
"""First line and column, last line and column; lines count from 1, columns in bytes."""


class ConditionTexts:
    """Names conditions. Keep one for a whole graph: each source file is parsed once."""

    def __init__(self) -> None:
        # File name to its text and the lambdas in it; an empty text where there is none to be had.
        self._files: dict[str, tuple[str, list[ast.Lambda]]] = {}

    def of(self, edge: EdgeSpec) -> str:
        """What pictures write at the edge: "" for one without condition."""
        if isinstance(edge.when, Case):
            return _case(edge.when)
        if isinstance(edge.when, Chosen):
            return edge.label or "chosen"
        if edge.label:
            return edge.label
        return "" if edge.when is None else self.of_function(edge.when)

    def of_function(self, function: Callable[..., Any]) -> str:
        """The body of a lambda where its source can be had, else what the function is called."""
        while isinstance(function, functools.partial):
            function = function.func
        code = getattr(function, "__code__", None)
        name = getattr(function, "__name__", "") or type(function).__name__
        if name != "<lambda>" or not isinstance(code, CodeType):
            return name
        return self._body(code, getattr(function, "__globals__", {})) or f"lambda {_parameters(code)}".strip()

    def _body(self, code: CodeType, namespace: dict[str, Any]) -> str:
        text, lambdas = self._lambdas(code.co_filename, namespace)
        span = _span(code)
        if span is None:
            return ""
        fitting = [
            one for one in lambdas if one.lineno == code.co_firstlineno and _within(span, _place(one.body))
        ]
        fitting = [one for one in fitting if _is_source_of(one, code)]
        if not fitting:
            return ""
        body = max(fitting, key=lambda one: _place(one.body)[:2]).body  # the innermost begins last
        written = ast.get_source_segment(text, body) or ""
        return written if written and "\n" not in written else ast.unparse(body)

    def _lambdas(self, filename: str, namespace: dict[str, Any]) -> tuple[str, list[ast.Lambda]]:
        if filename not in self._files:
            linecache.checkcache(filename)
            text = "".join(linecache.getlines(filename, namespace))
            try:
                tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError):
                self._files[filename] = "", []
            else:
                self._files[filename] = (
                    text,
                    [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)],
                )
        return self._files[filename]


def _case(case: Case) -> str:
    if case.values is None:
        return "otherwise"
    return " or ".join(sorted((_value(value) for value in case.values), key=natural))


def _value(value: Any) -> str:
    return value if isinstance(value, str) else str(getattr(value, "name", repr(value)))


def _parameters(code: CodeType) -> str:
    return ", ".join(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _span(code: CodeType) -> Span | None:
    """Where the lambda's body stands, as its instructions tell."""
    found = [
        (line, column, end_line, end_column)
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and end_line is not None and column is not None and end_column is not None
        if end_column > column or end_line > line
    ]
    if not found:
        return None
    return (*min(place[:2] for place in found), *max(place[2:] for place in found))


def _place(node: ast.expr) -> Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _within(inner: Span, outer: Span) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def _is_source_of(one: ast.Lambda, code: CodeType) -> bool:
    """Whether the file still holds what was compiled: it may have been edited since."""
    arguments = [*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs]
    if [argument.arg for argument in arguments] != list(code.co_varnames[: len(arguments)]):
        return False
    return {*code.co_names, *code.co_freevars} <= set(_identifiers(one.body))


def _identifiers(body: ast.expr) -> Iterable[str]:
    for node in ast.walk(body):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
