"""Runs candidates in this process, counting executed lines instead of time: the same outcomes on every machine.

Only for programs whose candidates are known to be harmless.
"""

import json
import sys
import warnings
from contextlib import contextmanager, suppress
from types import ModuleType

from backedge.nodes.repair.inside.observe import Observer
from backedge.nodes.repair.inside.trial import HOPELESS, REGRESSIONS
from backedge.nodes.repair.inside.values import as_json, same, shown
from backedge.nodes.repair.memory import Memory, learn
from backedge.nodes.repair.models import Observed, Report, Result, Survey
from backedge.nodes.repair.search import Search

FILE = "candidate.py"
MOST_LINES = 3000


class TooManyLinesError(BaseException):
    """The case executed more lines than it may."""


@contextmanager
def line_limit(most):
    """Raise in the body once it has executed so many lines of the candidate."""
    left = most

    def trace(frame, event, _argument):
        nonlocal left
        if frame.f_code.co_filename != FILE:
            return None
        left -= 1
        if left < 0:
            raise TooManyLinesError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


class Watcher(Observer):
    """An observer that does not wait for the end of an endless case."""

    def __init__(self):
        super().__init__(FILE)
        self._left = MOST_LINES

    def _local(self, frame, event, argument):
        self._left -= 1
        if self._left < 0:
            raise TooManyLinesError
        return super()._local(frame, event, argument)


def loaded(source, function):
    """The function of a program."""
    module = ModuleType("candidate")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(source, FILE, "exec", dont_inherit=True)
    exec(code, module.__dict__)
    return getattr(module, function)


def run(call, case):
    """How a case goes: its code and what it gave."""
    try:
        with line_limit(MOST_LINES):
            actual = as_json(call(*json.loads(case.arguments)))
    except TooManyLinesError:
        return "t", "more lines than it may"
    except Exception as error:
        return "e", f"{type(error).__name__}: {error}"
    return ("p" if same(json.loads(case.expected), actual) else "f"), shown(actual)


def surveyed(spec):
    """The survey of a program that ends on all its cases."""
    observed, types = [], {}
    for case in spec.cases:
        code, text = run(loaded(spec.source, spec.function), case)
        watch = Watcher()
        with suppress(Exception, TooManyLinesError), watch.watching():
            as_json(loaded(spec.source, spec.function)(*json.loads(case.arguments)))
        for name, seen in watch.types.items():
            types.setdefault(name, set()).update(seen)
        observed.append(Observed(code=code, text=text, seconds=0.0001, lines=tuple(sorted(watch.lines))))
    return Survey(
        cases=tuple(observed), types={name: tuple(sorted(seen)) for name, seen in sorted(types.items())}
    )


def tried(spec, survey, candidate):
    """The result of a candidate; given up as in the sandbox."""
    outcomes, told = ["-"] * len(spec.cases), None
    changed = False

    def judge(case):
        nonlocal told, changed
        code, text = run(call, spec.cases[case])
        outcomes[case] = code
        seen = survey.cases[case]
        changed |= seen.code != "p" and (seen.code, seen.text) != (code, text)
        if code != "p" and told is None:
            told = case, text
        return code

    try:
        with line_limit(MOST_LINES):
            call = loaded(candidate.source(spec.source), spec.function)
    except (Exception, TooManyLinesError):
        return Result(candidate.id, "e" + "-" * (len(spec.cases) - 1), True, 0)
    passed = wrong = broken = 0
    for case in survey.failing:
        code = judge(case)
        passed += code == "p"
        wrong += code != "p"
        if code == "t" or (wrong >= HOPELESS and not passed):
            break
    for case in survey.passing if passed else ():
        code = judge(case)
        broken += code != "p"
        if code == "t" or broken >= REGRESSIONS:
            break
    case, text = told or (-1, "")
    telling = any(outcomes[number] == "p" for number in survey.failing)
    return Result(candidate.id, "".join(outcomes), changed, case, text if telling else "")


def candidates_needed(spec, *, guided, most, size=40):
    """How many candidates run until one passes all cases; None when that takes more than `most`."""
    survey = surveyed(spec)
    search, memory = Search(spec, survey), Memory(round=1, best=len(survey.passing))
    while memory.candidates < most:
        batch = search.propose(memory, size)
        if not batch:
            return None
        results = []
        for candidate in batch:
            results.append(tried(spec, survey, candidate))
            if results[-1].passed:
                return memory.candidates + len(results)
        memory = learn(
            memory, spec, survey, batch, Report(results=tuple(results), seconds=1.0), guided=guided
        )
    return None
