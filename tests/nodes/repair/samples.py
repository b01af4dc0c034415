"""Small specifications and what was seen of them, made by hand."""

import json
import warnings

from backedge.nodes.repair.models import Observed, Survey
from backedge.nodes.repair.spec import Case, Specification

DOUBLE = "def double(x):\n    y = x * 3\n    return y\n"


def spec_of(source, function, *cases, **more):
    """A specification from a source text and pairs of arguments and expected result."""
    told = tuple(
        Case(arguments=json.dumps(list(given)), expected=json.dumps(wanted)) for given, wanted in cases
    )
    return Specification(program="program.py", source=source, function=function, cases=told, **more)


def survey_of(*codes, lines=(1, 2, 3), types=None):
    """A survey whose cases went as the codes say and executed the same lines; or lines for each case."""
    per_case = lines if lines and isinstance(lines[0], tuple) else [lines] * len(codes)
    cases = tuple(
        Observed(code=code, text="", seconds=0.0001, lines=tuple(own))
        for code, own in zip(codes, per_case, strict=True)
    )
    return Survey(cases=cases, types=types or {})


def compiles(text):
    """Whether a text is a program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "candidate", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return False
    return True
