"""The harness from outside: requests through a sandbox, as the runner sends them.

What an interpreter that was just started must do for it is tried with a `whole` one.
"""

import pytest

from backedge.nodes.repair.inside.children import STEP
from backedge.nodes.repair.inside.observe import Observer, type_name
from backedge.nodes.repair.models import Candidate, Replacement
from backedge.nodes.repair.runner import HarnessError, Runner, UnusableTestsError, case_limits
from backedge.nodes.repair.search import difference
from backedge.nodes.repair.spec import Specification
from backedge.nodes.sandbox import Ended, Outcome

from .samples import DOUBLE, spec_of, survey_of


def candidate(spec, source, number=0):
    """A candidate by its whole source."""
    return Candidate(f"0.0.{number}", difference(spec.source, source), 1, "whole", 1.0)


async def outcomes(runner, spec, *sources):
    """How candidates did, by letters."""
    survey = (await runner.survey(spec)).survey
    batch = [candidate(spec, source, number) for number, source in enumerate(sources)]
    found = {}
    while len(found) < len(batch):  # a busy machine may not get through all of them in one trial
        report = await runner.trial(spec, survey, [one for one in batch if one.id not in found])
        assert report.results
        found |= {result.id: result.outcomes for result in report.results}
    return [found[one.id] for one in batch]


HOSTILE = {
    "loops": "def double(x):\n    while True:\n        pass\n",
    "swallows the alarm": "def double(x):\n    while True:\n        try:\n            pass\n        except BaseException:\n            pass\n",
    "hangs in C": "def double(x):\n    return sum(range(10**14))\n",
    "recurses": "def double(x):\n    return double(x)\n",
    "exits": "import sys\ndef double(x):\n    sys.exit(0)\n",
    "leaves at once": "import os\ndef double(x):\n    os._exit(0)\n",
    "dies": "import os\ndef double(x):\n    os.kill(os.getpid(), 9)\n",
    "yields for ever": "def double(x):\n    while True:\n        yield x\n",
    "prints": 'def double(x):\n    print(\'{"case": 0, "code": "p"}\' * 100)\n    return -1\n',
    "reads": "def double(x):\n    return input()\n",
    "closes everything": "import os\ndef double(x):\n    os.closerange(0, 100)\n    return 2 * x\n",
    "writes everywhere": "import os\ndef double(x):\n    for fd in range(100):\n        try:\n            os.write(fd, b'[{\"next\": true}]\\n')\n        except OSError:\n            pass\n    return -1\n",
    "is no program": "def double(x:\n",
    "fails to load": "raise KeyError('at once')\n",
    "hangs while loading": "while True: pass\n",
    "returns nothing JSON": "def double(x):\n    return object()\n",
    "lost its function": "def other(x):\n    return 2 * x\n",
}


async def test_hostile_candidates_fail_and_leave_their_neighbours_alone(whole):
    spec = spec_of(DOUBLE, "double", ([1], 2), ([2], 4), ([0], 0))
    right = DOUBLE.replace("3", "2")
    one_by_one = Runner(sandbox=whole.sandbox, workers=1)
    between = [source for hostile in HOSTILE.values() for source in (hostile, right)]
    first, *found = await outcomes(one_by_one, spec, right, *between)
    assert first == "ppp"
    assert dict(zip(HOSTILE, found[1::2], strict=True)) == dict.fromkeys(HOSTILE, "ppp")
    assert [name for name, codes in zip(HOSTILE, found[::2], strict=True) if set(codes) == {"p"}] == []


async def test_a_survey_tells_verdicts_lines_and_types(whole):
    source = "def f(x):\n    if x > 1:\n        return [x]\n    return x / 0\n"
    survey = (await whole.survey(spec_of(source, "f", ([2], [2]), ([3], [4]), ([0], 0)))).survey
    assert [(case.code, case.text) for case in survey.cases] == [
        ("p", "[2]"),
        ("f", "[3]"),
        ("e", "ZeroDivisionError: division by zero"),
    ]
    assert [case.lines for case in survey.cases] == [(1, 2, 3), (1, 2, 3), (1, 2, 4)]
    assert survey.types["f:x"] == ("int",)
    assert survey.types["f:return"] == ("list[int]",)


async def test_a_survey_of_an_endless_program_ends_and_knows_its_lines(runner, monkeypatch):
    for name, seconds in (("SHORT", 0.05), ("LONG", 0.2), ("SURVEY_BUDGET", 0.2)):
        monkeypatch.setattr(f"backedge.nodes.repair.runner.{name}", seconds)
    source = "def f(x):\n    while x:\n        x = 1\n    return x\n"
    survey = (await runner.survey(spec_of(source, "f", ([0], 0), ([1], 0), ([2], 0)))).survey
    assert [case.code for case in survey.cases] == ["p", "t", "t"]
    assert survey.cases[1].lines == (1, 2, 3)


async def test_what_holds_a_case_up_once_does_not_count_whether_it_passes_or_not(runner):
    source = "import time\nseen = []\ndef f(x):\n    seen or time.sleep(0.03)\n    seen.append(x)\n    return 1 / x\n"
    survey = (await runner.survey(spec_of(source, "f", ([1], 1), ([2], 1), ([0], 1)))).survey
    assert [case.code for case in survey.cases] == ["p", "f", "e"]
    assert max(case.seconds for case in survey.cases) < STEP


async def test_arguments_are_made_anew_for_each_case_and_candidate(runner):
    source = "def f(items):\n    items.append(1)\n    return len(items)\n"
    spec = spec_of("def f(items):\n    return None\n", "f", ([[]], 1), ([[5]], 2))
    assert await outcomes(runner, spec, source, source, source) == ["pp", "pp", "pp"]


async def test_nothing_stays_behind_in_modules_of_the_standard_library(runner):
    source = "import sys\ndef f(x):\n    sys.setrecursionlimit(60)\n    return 0\n"
    deep = "def f(x):\n    return 1 if not x else f(x - 1)\n"
    spec = spec_of(source, "f", ([100], 1), ([0], 1))
    one_by_one = Runner(sandbox=runner.sandbox, workers=1)
    assert await outcomes(one_by_one, spec, source, deep) == ["ff", "pp"]


async def test_random_numbers_are_the_same_for_everyone(runner):
    source = "import random\ndef f(x):\n    return random.random()\n"
    first = (await runner.survey(spec_of(source, "f", ([0], 0)))).survey
    again = (await runner.survey(spec_of(source, "f", ([0], 0)))).survey
    assert first.cases[0].text == again.cases[0].text


async def test_sets_of_texts_have_the_same_order_every_time(whole):
    source = "def f(x):\n    return ''.join(set(x))\n"
    seen = {
        (await whole.survey(spec_of(source, "f", (["abcdefgh"], "")))).survey.cases[0].text for _ in range(3)
    }
    assert len(seen) == 1


async def test_a_candidate_that_mends_nothing_is_not_run_on_passing_cases(runner):
    spec = spec_of(DOUBLE, "double", ([0], 0), ([1], 2), ([2], 4))
    assert await outcomes(runner, spec, DOUBLE, DOUBLE.replace("* 3", "* 4")) == ["-ff", "-ff"]


async def test_a_candidate_that_changes_nothing_is_told_from_one_that_does(runner):
    spec = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
    survey = (await runner.survey(spec)).survey
    batch = [candidate(spec, DOUBLE.replace("y", "z"), 0), candidate(spec, DOUBLE.replace("3", "5"), 1)]
    report = await runner.trial(spec, survey, batch)
    assert [result.changed for result in report.results] == [False, True]


async def test_a_candidate_with_patience_gets_more_time(runner):
    source = "def f(x):\n    return 0\n"
    slow = "import time\ndef f(x):\n    end = time.process_time() + 0.05\n    while time.process_time() < end:\n        pass\n    return 1\n"
    spec = spec_of(source, "f", ([0], 1), ([1], 0))
    survey = survey_of("f", "p")
    hasty = candidate(spec, slow)
    report = await runner.trial(spec, survey, [hasty, hasty._replace(id="0.0.1", patience=20.0)])
    assert [result.outcomes for result in report.results] == ["t-", "pf"]


async def test_only_winners_are_confirmed_and_without_the_expected_results(runner):
    requests = []

    class Spy:
        async def run(self, program):
            requests.append(program.stdin)
            return await runner.sandbox.run(program)

        async def close(self): ...

    spec = spec_of(DOUBLE, "double", ([1], 1234567), ([0], 0))
    spy = Runner(sandbox=Spy(), workers=1)
    survey = (await spy.survey(spec)).survey
    requests.clear()
    right = candidate(spec, "def double(x):\n    return x * 1234567 if x else 0\n", 1)
    report = await spy.trial(spec, survey, [candidate(spec, DOUBLE), right])
    assert [one.id for one in report.confirmed] == ["0.0.1"]
    assert len(report.confirmed[0].behaviour) == len(report.original) > 0
    trial, confirm, nearby = requests
    assert b"1234567" not in nearby.replace(b"x * 1234567", b"")
    assert b'"expected": [1234567, 0]' in trial
    assert b'"expected": null' in confirm


async def test_a_candidate_that_reads_the_expected_results_is_not_confirmed(runner):
    spec = spec_of(DOUBLE, "double", ([1], "secret"), ([0], 0))
    thief = """
import gc

def double(x):
    for held in gc.get_objects():
        if isinstance(held, list) and len(held) == 2 and held[0] == "secret" and held[1] == 0:
            return held[1 - x]
    return None
"""
    survey = (await runner.survey(spec)).survey
    report = await runner.trial(spec, survey, [candidate(spec, thief)])
    assert report.confirmed == ()


async def test_tests_run_as_cases(whole, tmp_path):
    (tmp_path / "program.py").write_text(DOUBLE)
    (tmp_path / "helper.py").write_text("ONE = 1\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\nfrom helper import ONE\nfrom program import double\n"
        "@pytest.mark.parametrize('x', [0, ONE])\n"
        "def test_a(x):\n    assert double(x) == 2 * x\n"
    )
    spec = Specification.from_tests(tmp_path / "program.py", tmp_path / "test_it.py")
    survey = (await whole.survey(spec)).survey
    assert survey.names == ("test_a[0]", "test_a[1]")
    assert [(case.code, case.text) for case in survey.cases] == [("p", ""), ("f", "3 against 2")]
    assert survey.cases[1].lines == (1, 2, 3)
    batch = [candidate(spec, DOUBLE), candidate(spec, DOUBLE.replace("3", "2"), 1)]
    report = await whole.trial(spec, survey, batch)
    assert [result.outcomes for result in report.results] == ["-f", "pp"]
    assert [one.id for one in report.confirmed] == ["0.0.1"]


async def test_a_test_file_that_cannot_be_imported_is_an_error_that_says_why(whole, tmp_path):
    (tmp_path / "program.py").write_text(DOUBLE)
    (tmp_path / "test_it.py").write_text("import nowhere_to_be_found\n")
    spec = Specification.from_tests(tmp_path / "program.py", tmp_path / "test_it.py")
    with pytest.raises(UnusableTestsError, match=r"test_it.py: .*nowhere_to_be_found"):
        await whole.survey(spec)


async def test_a_sandbox_that_gives_no_answer_is_an_error():
    class Silent:
        async def run(self, program):
            return Outcome(ended=Ended.EXITED, exit_status=3, stdout=b"", stderr=b"no python here\n")

        async def close(self): ...

    with pytest.raises(HarnessError, match="no python here"):
        await Runner(sandbox=Silent()).survey(spec_of(DOUBLE, "double", ([1], 2)))


def test_limits_follow_the_time_that_passing_cases_take():
    survey = survey_of("p", "p", "f")
    cases = [
        case.model_copy(update={"seconds": seconds})
        for case, seconds in zip(survey.cases, (0.0001, 0.01, 2.0), strict=True)
    ]
    assert case_limits(survey.model_copy(update={"cases": tuple(cases)})) == [0.008, 0.2, 0.2]
    slow = [case.model_copy(update={"seconds": 3.0}) for case in cases]
    assert case_limits(survey.model_copy(update={"cases": tuple(slow)})) == [7.0, 7.0, 7.0]


def test_an_observer_sees_attributes_and_container_items():
    class Node:
        def __init__(self, value):
            self.value = value

    def work(node, names):
        total = node.value
        return [total, names]

    observer = Observer(__file__)
    with observer.watching():
        work(Node(3), {"a"})
    first = work.__code__.co_firstlineno
    assert observer.lines >= {first + 1, first + 2}
    assert observer.types["work:names"] == {"set[str]"}
    assert observer.types["Node.value"] == {"int"}
    assert observer.types["work:return"] == {"list[int]"}


@pytest.mark.parametrize(
    ("value", "name"),
    [(1, "int"), ([], "list"), ([None], "list[NoneType]"), ({"a": 1}, "dict[str]"), ((), "tuple")],
)
def test_types_are_named_with_what_is_in_them(value, name):
    assert type_name(value) == name


def test_a_candidates_source_is_the_original_with_its_replacements():
    one = Candidate("0.0.0", (Replacement(27, 28, "2"),), 2, "constant", 1.0)
    assert one.source(DOUBLE) == DOUBLE.replace("3", "2")
