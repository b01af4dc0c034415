from pathlib import Path

import pytest

from backedge.nodes.repair.memory import MORE_PATIENCE, Base, Memory, Tally, learn, marked
from backedge.nodes.repair.models import Candidate, Report, Result
from backedge.nodes.repair.search import FIRST_BATCH, MOST_BATCH, Search, batch_size
from backedge.nodes.repair.spec import Specification

from .samples import DOUBLE, compiles, spec_of, survey_of

FOLDER = Path(__file__).parent / "programs"
SPEC = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
SURVEY = survey_of("p", "f")
UNION = Specification.from_cases(FOLDER / "intervals.py", "union", FOLDER / "intervals.jsonl")
LINES = (6, 7, 8, 9, 11, 12)
SEEN = survey_of("p", "f", "f", lines=(LINES[:4], LINES, LINES))


def everything(search, memory=None, size=500):
    """All candidates there are, in the order in which they are proposed."""
    memory = memory or Memory(round=1)
    while batch := search.propose(memory, size):
        yield from batch
        report = Report(results=tuple(Result(one.id, "-f") for one in batch), seconds=1.0)
        memory = learn(memory, search.spec, search.survey, batch, report)


def test_the_right_edit_of_a_small_program_is_among_the_first():
    sources = [one.source(DOUBLE) for one in Search(SPEC, SURVEY).propose(Memory(), 10)]
    assert DOUBLE.replace("3", "2") in sources


def test_no_candidate_comes_twice_and_all_are_programs():
    found = list(everything(Search(SPEC, SURVEY)))
    assert len({one.replacements for one in found}) == len(found) > 100
    assert all(compiles(one.source(DOUBLE)) for one in found)


def test_the_search_ends_when_everything_was_tried():
    search = Search(SPEC, SURVEY)
    memory = Memory(round=1)
    count = 0
    while batch := search.propose(memory, 400):
        count += len(batch)
        report = Report(results=tuple(Result(one.id, "-f") for one in batch), seconds=1.0)
        memory = learn(memory, SPEC, SURVEY, batch, report)
    assert memory.candidates == count
    assert search.propose(memory, 1) == []


def test_it_goes_on_from_the_memory_alone():
    one = Search(UNION, SEEN)
    memory = Memory(round=1)
    for _ in range(4):
        batch = one.propose(memory, 90)
        results = tuple(
            Result(each.id, "ppf" if place % 7 == 0 else "-ff", True, 2, str(place))
            for place, each in enumerate(batch)
        )
        memory = learn(memory, UNION, SEEN, batch, Report(results=results, seconds=1.0))
    written = Memory.model_validate_json(memory.model_dump_json())
    assert Search(UNION, SEEN).propose(written, 300) == one.propose(memory, 300)


def test_cheap_edits_come_before_rich_ones():
    tiers = [int(one.id.split(".")[1]) for one in everything(Search(SPEC, SURVEY), size=40)]
    firsts = [tiers.index(tier) for tier in sorted(set(tiers))]
    assert firsts == sorted(firsts)
    assert sum(tier == 0 for tier in tiers[:20]) > 10


def test_suspicious_lines_come_first():
    batch = Search(UNION, SEEN).propose(Memory(), 60)
    assert {one.line for one in batch} <= set(LINES)
    early = [one.line for one in batch[:20]]
    assert early.count(8) + early.count(11) > early.count(6) + early.count(7)


def test_a_line_where_edits_helped_is_preferred_afterwards():
    fresh = Memory(round=1)
    taught = fresh.model_copy(update={"lines": {7: Tally(tried=5, changed=5, gained=1.5)}})
    search = Search(UNION, SEEN)
    before = [one.line for one in search.propose(fresh, 60)].count(7)
    assert [one.line for one in search.propose(taught, 60)].count(7) > before


def test_a_kind_that_was_tried_in_vain_steps_back():
    search = Search(UNION, SEEN)
    kind = search.propose(Memory(), 1)[0].kind
    bored = Memory(kinds={kind: Tally(tried=5000)})
    assert search.propose(bored, 1)[0].kind != kind


def test_second_edits_start_from_candidates_that_helped():
    spec = spec_of("def f(x):\n    a = x + 1\n    b = a * 3\n    return b\n", "f", ([1], 0))
    survey = survey_of("f", lines=(1, 2, 3, 4))
    search = Search(spec, survey)
    first = next(one for one in everything(search) if one.source(spec.source).count("x - 1"))
    base = Base(replacements=first.replacements, outcomes="f", text="", gain=0.5, size=1.0)
    sources = [
        one.source(spec.source) for one in everything(Search(spec, survey), Memory(round=1, bases=(base,)))
    ]
    assert "def f(x):\n    a = x - 1\n    b = a * 2\n    return b\n" in sources
    assert "def f(x):\n    a = x + 1\n    b = a * 2\n    return b\n" in sources


def test_candidates_that_lacked_time_are_tried_again_first():
    slow = Candidate("0.0.0", (), 1, "constant", 1.0, 10.0)
    late = slow._replace(id="0.0.1", patience=200.0)
    batch = Search(SPEC, SURVEY).propose(Memory(slow=(slow,), late=(late,)), 5)
    assert batch[0] == slow
    assert late not in batch


def all_tried():
    """A mask for each stream that says that all its places were tried."""
    tried = marked({}, (one.id for one in everything(Search(SPEC, SURVEY))))
    assert not Search(SPEC, SURVEY).propose(Memory(tried=tried), 5)
    return tried


def test_candidates_that_need_very_long_come_when_nothing_else_is_left():
    late = Candidate("0.0.0", (), 1, "constant", 1.0, 200.0)
    memory = Memory(tried=all_tried(), late=(late,), doubted={"0.0": "1"})
    assert Search(SPEC, SURVEY).propose(memory, 5) == [late]


def test_candidates_given_up_for_lack_of_time_come_again_with_more_of_it_at_the_very_end():
    memory = Memory(tried=all_tried(), doubted={"0.0": "3", "0.1": "1", "model": "4"})
    search = Search(SPEC, SURVEY)
    chosen = search.propose(memory, 500)
    assert {one.id for one in chosen} == {"0.0.0", "0.0.1", "0.1.0"}
    assert {one.patience for one in chosen} == {MORE_PATIENCE}
    assert [one.id for one in search.propose(memory, 2)] == [one.id for one in chosen[:2]]
    hung = Report(results=tuple(Result(one.id, "-t") for one in chosen), seconds=1.0)
    assert search.propose(learn(memory, SPEC, SURVEY, chosen, hung), 500) == []


@pytest.mark.parametrize(
    ("memory", "size"),
    [
        (Memory(), FIRST_BATCH),
        (Memory(round=1), FIRST_BATCH),
        (Memory(round=2, rate=5000.0), 2 * FIRST_BATCH),
        (Memory(round=2, rate=100.0), 77),
        (Memory(round=90, rate=100.0), 200),
        (Memory(round=9, rate=1.0), 40),
        (Memory(round=20, rate=90000.0), MOST_BATCH),
    ],
)
def test_batches_grow_with_the_pace(memory, size):
    assert batch_size(memory) == size
