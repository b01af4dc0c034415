from math import sqrt

import pytest

from backedge.nodes.repair.localise import line_map, suspicion

from .samples import survey_of


def test_suspicion_is_ochiais_coefficient():
    survey = survey_of("f", "e", "p", "p", lines=((1, 2, 3), (1, 3), (1, 2), (1,)))
    assert suspicion(survey) == {
        1: pytest.approx(2 / sqrt(2 * 4)),
        2: pytest.approx(1 / sqrt(2 * 2)),
        3: pytest.approx(1.0),
    }


def test_a_line_that_no_failing_case_executes_is_above_suspicion():
    assert 9 not in suspicion(survey_of("f", "p", lines=((1,), (1, 9))))


def test_a_failing_case_that_was_not_watched_says_nothing():
    assert suspicion(survey_of("f", "t", lines=((1, 2), ()))) == {1: 1.0, 2: 1.0}


def test_without_failing_cases_nothing_is_suspicious():
    assert suspicion(survey_of("p", "p")) == {}


def test_lines_of_a_changed_program_stand_for_those_of_the_original():
    original = "a\nb\nc\nd\n"
    assert line_map(original, "a\nb\nnew\nc\nd\n") == {1: 1, 2: 2, 3: 3, 4: 3, 5: 4}
    assert line_map(original, "a\nc\nd\n") == {1: 1, 2: 3, 3: 4}
    assert line_map(original, "a\nB\nc\nd\n") == {1: 1, 2: 2, 3: 3, 4: 4}
