import pytest

from backedge.nodes.repair.judge import Rules, first_judgement, judgement
from backedge.nodes.repair.memory import Memory
from backedge.nodes.repair.models import Batch, Candidate, Confirmed, Replacement, Report, Result

from .samples import DOUBLE, spec_of, survey_of

SPEC = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
SURVEY = survey_of("p", "f", lines=((1, 2), (1, 2, 3)))
ONE = Candidate("0.0.0", (Replacement(27, 28, "2"),), 2, "constant", 1.0)


def judged(memory, *results, batch=(ONE,), rules=None, confirmed=(), seconds=1.0):
    report = Report(results=results, confirmed=confirmed, seconds=seconds, elapsed=seconds)
    return judgement(SPEC, SURVEY, memory, Batch(candidates=batch), report, rules or Rules())


def test_the_first_look_tells_failing_cases_and_suspicious_lines():
    judged = first_judgement(SPEC, Report(survey=SURVEY, elapsed=2.0), Rules())
    assert judged.survey == SURVEY
    assert judged.verdict.status == "searching"
    assert judged.verdict.message.startswith("1 of 2 cases fail")
    assert "line 1, 2, 3" in judged.verdict.message
    assert (judged.memory.round, judged.memory.best, judged.memory.seconds) == (1, 1, 2.0)


def test_a_program_that_passes_has_nothing_to_repair():
    judged = first_judgement(SPEC, Report(survey=survey_of("p", "p")), Rules())
    assert judged.verdict.status == "nothing to repair"
    assert judged.verdict.message == "all 2 cases pass already"


def test_without_cases_there_is_nothing_to_repair():
    assert first_judgement(SPEC, Report(survey=survey_of()), Rules()).verdict.message == "there are no cases"


def test_after_the_first_success_one_more_round_looks_for_better():
    first = judged(Memory(round=3), Result("0.0.0", "pp", True), confirmed=(Confirmed("0.0.0"),))
    assert first.verdict.status == "searching"
    second = judged(first.memory, Result("0.0.0", "-f"))
    assert second.verdict.status == "repaired"
    assert [winner.candidate for winner in second.memory.winners] == [ONE]


def test_the_first_success_is_the_end_where_no_further_round_is_wanted():
    found = judged(
        Memory(round=3),
        Result("0.0.0", "pp", True),
        confirmed=(Confirmed("0.0.0"),),
        rules=Rules(further=0),
    )
    assert found.verdict.status == "repaired"


def test_more_patches_are_looked_for_when_more_are_wanted():
    first = judged(
        Memory(round=3),
        Result("0.0.0", "pp", True),
        confirmed=(Confirmed("0.0.0"),),
        rules=Rules(alternatives=2),
    )
    second = judged(first.memory, Result("0.0.0", "-f"), rules=Rules(alternatives=2))
    assert second.verdict.status == "searching"


@pytest.mark.parametrize(("winners", "status"), [(0, "exhausted"), (1, "repaired")])
def test_an_empty_batch_ends_the_search(winners, status):
    memory = Memory(round=3)
    if winners:
        memory = judged(memory, Result("0.0.0", "pp", True), confirmed=(Confirmed("0.0.0"),)).memory
    assert judged(memory, batch=()).verdict.status == status


@pytest.mark.parametrize(("winners", "status"), [(0, "out of time"), (1, "repaired")])
def test_the_time_ends_the_search(winners, status):
    memory = Memory(round=3, seconds=59.5)
    confirmed = (Confirmed("0.0.0"),) if winners else ()
    assert (
        judged(memory, Result("0.0.0", "pp" if winners else "-f", True), confirmed=confirmed).verdict.status
        == status
    )


def test_the_message_tells_what_a_round_taught():
    better = judged(Memory(round=1, best=1), Result("0.0.0", "pp", True))
    assert better.verdict.message == "a candidate passes 2 of 2 cases"
    worse = judged(Memory(round=1, best=1), Result("0.0.0", "-f", False, 1))
    assert worse.verdict.message == "case 2 refutes most"
    promising = judged(Memory(round=1, best=2), Result("0.0.0", "fp", True, 0, "1"))
    assert promising.verdict.message == "more cases can pass; promising: line 2"
