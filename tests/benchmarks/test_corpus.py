"""The programs that the repair is measured on are what they claim to be."""

import json

import pytest

from benchmarks.corpus import answers, defects, outcomes

DEFECTS = list(defects())
PROGRAMS = {defect.name.partition(":")[0]: defect for defect in DEFECTS}
DEFECTS_OF = {
    name: [defect for defect in DEFECTS if defect.name.partition(":")[0] == name] for name in PROGRAMS
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_right_program_does_all_it_should(name):
    one = PROGRAMS[name]
    seen, unseen = one.seen(one.right), one.unseen(one.right)
    assert seen
    assert unseen
    if one.tests is None:
        assert len([json.loads(text) for text in seen]) == len(one.inputs)  # nothing is raised
    else:
        assert set(seen + unseen) == {"passed"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_defect_of_a_program_fails_a_case_that_the_search_sees(name):
    right = PROGRAMS[name].seen(PROGRAMS[name].right)
    for defect in DEFECTS_OF[name]:
        compile(defect.source, defect.name, "exec")
    assert [defect.name for defect in DEFECTS_OF[name] if defect.seen(defect.source) == right] == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_defect_of_a_program_is_one_small_change(name):
    for defect in DEFECTS_OF[name]:
        before, after = defect.right.splitlines(), defect.source.splitlines()
        same = [line for line in after if line in before]
        assert len(after) - len(same) <= 5, defect.name
        assert abs(len(before) - len(after)) <= 5, defect.name


def test_a_program_that_runs_for_ever_is_stopped():
    assert answers("def f(x):\n    while x:\n        pass\n    return x\n", "f", [[1], [0]]) == [
        "TooManyLinesError",
        "0",
    ]


def test_a_test_file_sees_the_program_and_its_files():
    tests = "from program import f\nfrom part import one\n\ndef test_f():\n    assert f() == one\n"
    files = {"part.py": "one = 1\n"}
    assert outcomes("from part import one\ndef f():\n    return one\n", tests, files) == ["passed"]
    assert outcomes("def f():\n    return 2\n", tests, files) == ["AssertionError"]
    assert outcomes("def g():\n    return 2\n", tests, files) == ["ImportError"]
