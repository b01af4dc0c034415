import pytest

from backedge.nodes.repair.memory import (
    MORE_PATIENCE,
    MOST_BASES,
    MOST_PATIENCE,
    MOST_SLOW,
    Memory,
    Tally,
    gain,
    learn,
    marked,
)
from backedge.nodes.repair.models import Candidate, Confirmed, Replacement, Report, Result

from .samples import DOUBLE, spec_of, survey_of

SPEC = spec_of(DOUBLE, "double", ([0], 0), ([1], 2), ([2], 4), ([3], 6))
SURVEY = survey_of("p", "f", "f", "t")


def candidate(place, line=2, kind="constant", **more):
    return Candidate(f"0.0.{place}", (Replacement(27, 28, str(place)),), line, kind, 1.0, **more)


def after(memory, *results, batch=None, guided=True, confirmed=(), seconds=1.0):
    batch = batch or [candidate(number) for number in range(len(results))]
    report = Report(results=results, confirmed=confirmed, seconds=seconds, elapsed=seconds + 0.25)
    return learn(memory, SPEC, SURVEY, batch, report, guided=guided)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("pppp", 1.0),
        ("-fff", 0.0),
        ("ppff", 1 / 3),
        ("pppf", 2 / 3),
        ("fpff", 0.0),
        ("fppf", 2 / 3 - 0.5),
        ("-ff-", 0.0),
    ],
)
def test_gain_is_the_share_of_mended_cases_less_half_the_broken_ones(outcomes, expected):
    assert gain(SURVEY, Result("0.0.0", outcomes)) == pytest.approx(expected, abs=1e-6)


def test_what_was_tried_is_noted_by_stream_and_place():
    tried = marked({"0.0": "1"}, ["0.0.3", "0.1.0", "2.3.64", "model"])
    assert {stream: int(bits, 16) for stream, bits in tried.items()} == {
        "0.0": 0b1001,
        "0.1": 1,
        "2.3": 1 << 64,
    }


def test_candidates_without_a_result_count_as_not_tried():
    memory = after(Memory(), Result("0.0.0", "-fff"), batch=[candidate(0), candidate(1)])
    assert memory.tried == {"0.0": "1"}
    assert memory.candidates == 1


def test_rounds_candidates_time_and_pace_add_up():
    memory = after(
        after(Memory(), Result("0.0.0", "-fff")),
        *[Result(f"0.0.{n}", "-fff") for n in (0, 1, 2)],
        seconds=0.5,
    )
    assert (memory.round, memory.candidates, memory.seconds, memory.rate) == (2, 4, 2.0, 6.0)


def test_lines_and_kinds_are_credited_with_gains():
    batch = [candidate(0), candidate(1, line=3, kind="variable")]
    memory = after(Memory(), Result("0.0.0", "ppff", True), Result("0.0.1", "-fff"), batch=batch)
    assert memory.lines == {
        2: Tally(tried=1, changed=1, gained=0.111111),
        3: Tally(tried=1),
    }
    assert set(memory.kinds) == {"constant", "variable"}


def test_only_the_first_of_those_that_behave_alike_is_credited():
    alike = [Result(f"0.0.{n}", "ppff", True, 2, "5") for n in range(9)]
    assert after(Memory(), *alike).lines[2] == Tally(tried=9, changed=9, gained=0.111111)


def test_a_base_knows_how_many_edits_made_it():
    first = after(Memory(), Result("0.0.0", "ppff", True, 2, "5"))
    second = after(first, Result("1.0.7", "pppf", True, 3, "6"), batch=[candidate(0)._replace(id="1.0.7")])
    assert [base.edits for base in second.bases] == [1, 2]


def test_cases_that_refute_are_counted():
    memory = after(
        Memory(),
        Result("0.0.0", "-f--", False, 1),
        Result("0.0.1", "fppp", True, 0),
        Result("0.0.2", "-f--", False, 1),
    )
    assert memory.kills == (1, 2, 0, 0)


def test_candidates_that_mend_something_become_bases_one_of_each_behaviour():
    memory = after(
        Memory(),
        Result("0.0.0", "ppff", True, 2, "5"),
        Result("0.0.1", "ppff", True, 2, "5"),
        Result("0.0.2", "ppff", True, 2, "6"),
        Result("0.0.3", "-fff", True, 1),
        Result("0.0.4", "pppp", True),
    )
    assert [base.replacements[0].text for base in memory.bases] == ["0", "2"]


def test_the_number_of_bases_is_bounded_but_better_ones_get_in():
    results = [Result(f"0.0.{n}", "ppff", True, 2, str(n)) for n in range(200)]
    memory = after(Memory(), *results)
    assert len(memory.bases) == MOST_BASES
    better = after(memory, Result("0.0.0", "pppf", True, 3, "x"))
    assert better.bases[:-1] == memory.bases
    assert better.bases[-1].gain == pytest.approx(2 / 3, abs=1e-5)


def test_without_guidance_only_what_was_tried_is_noted():
    memory = after(Memory(), Result("0.0.0", "ppff", True, 2, "5"), guided=False)
    assert (memory.lines, memory.kinds, memory.bases, memory.kills) == ({}, {}, (), ())
    assert memory.tried == {"0.0": "1"}
    assert memory.best == 2


def test_a_candidate_that_only_lacked_time_gets_more_and_once_more_at_the_end():
    memory = after(Memory(), Result("0.0.0", "pppt", True, 3), Result("0.0.1", "pptf", True, 2))
    assert [(one.id, one.patience) for one in memory.slow] == [("0.0.0", MORE_PATIENCE)]
    memory = after(memory, Result("0.0.0", "pppt", True, 3), batch=[memory.slow[0]])
    assert memory.slow == ()
    assert [(one.id, one.patience) for one in memory.late] == [("0.0.0", MOST_PATIENCE)]
    memory = after(memory, Result("0.0.0", "pppt", True, 3), batch=[memory.late[0]])
    assert memory.late == memory.slow == ()


def test_a_candidate_that_hangs_where_the_original_did_gets_more_time_only_at_the_end():
    memory = after(Memory(), Result("0.0.0", "---t", True, 3), Result("0.0.1", "-t--", True, 1))
    assert [one.id for one in memory.slow] == ["0.0.1"]
    assert memory.doubted == {"0.0": "1"}
    again = after(memory, Result("0.0.0", "---t", True, 3), batch=[candidate(0, patience=MORE_PATIENCE)])
    assert (again.doubted, again.late) == ({}, ())


def test_a_candidate_whose_process_died_is_in_doubt_until_it_was_tried_again():
    memory = after(Memory(), Result("0.0.0", "-ppc", True, 3), Result("0.0.1", "-fc-", True, 1))
    assert (memory.doubted, memory.slow) == ({"0.0": "1"}, ())
    assert (
        after(memory, Result("0.0.0", "-ppc", True, 3), batch=[candidate(0, patience=MORE_PATIENCE)]).doubted
        == {}
    )


def test_however_many_candidates_lack_time_none_is_forgotten():
    most = MOST_SLOW + 5
    batch = [candidate(place) for place in range(most)]
    memory = after(Memory(), *(Result(one.id, "-t--", True, 1) for one in batch), batch=batch)
    assert [one.id for one in memory.slow] == [one.id for one in batch[:MOST_SLOW]]
    assert int(memory.doubted["0.0"], 16) == (1 << most) - (1 << MOST_SLOW)


def test_winners_are_kept_with_the_round_of_the_first():
    memory = after(Memory(round=4), Result("0.0.0", "pppp", True), confirmed=(Confirmed("0.0.0"),))
    assert [winner.candidate.id for winner in memory.winners] == ["0.0.0"]
    assert memory.first_success == 5
    again = after(memory, Result("0.0.0", "-fff"))
    assert (again.winners, again.first_success) == (memory.winners, 5)


def test_a_candidate_that_passed_but_was_not_confirmed_is_no_winner():
    assert after(Memory(), Result("0.0.0", "pppp", True)).winners == ()


def test_memory_survives_being_written_down():
    memory = after(Memory(), Result("0.0.0", "ppff", True, 2, "5"), Result("0.0.1", "pppt", True, 3))
    assert Memory.model_validate_json(memory.model_dump_json()) == memory
