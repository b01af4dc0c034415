"""What a model is told, and how much of it."""

from backedge.nodes.repair.lessons import Lessons, lessons
from backedge.nodes.repair.memory import Attempt, Base, Memory, Tally
from backedge.nodes.repair.models import Observed, Replacement, Survey
from backedge.nodes.repair.patch import unified
from backedge.nodes.repair.prompting import MOST_PROMPT, cut, prompt
from backedge.nodes.repair.search import difference
from backedge.nodes.repair.spec import Case, Specification

SOURCE = '''def sign(x):
    """Of a number."""
    if x > 1:
        return 1
    return -1
'''
SPEC = Specification(
    program="sign.py",
    source=SOURCE,
    docstring="Of a number.",
    function="sign",
    cases=tuple(
        Case(arguments=f"[{x}]", expected=y) for x, y in [("5", "1"), ("-5", "-1"), ("1", "1"), ("0", "0")]
    ),
)
SURVEY = Survey(
    cases=(
        Observed(code="p", text="1", seconds=0.0, lines=(1, 3, 4)),
        Observed(code="p", text="-1", seconds=0.0, lines=(1, 3, 5)),
        Observed(code="f", text="-1", seconds=0.0, lines=(1, 3, 5)),
        Observed(code="e", text="ValueError: no", seconds=0.0, lines=(1, 3, 5)),
    )
)
FIRST = Memory(round=1)


def attempt(old, new, **more):
    return Attempt(replacements=difference(SOURCE, SOURCE.replace(old, new)), **more)


def test_program_docstring_suspects_and_cases_are_told():
    assert prompt(SPEC, SURVEY, FIRST) == (
        "The program sign.py:\n```python\n"
        '1 | def sign(x):\n2 |     """Of a number."""\n3 |     if x > 1:\n4 |         return 1\n5 |     return -1\n```\n\n'
        "What it should do: Of a number.\n\n"
        "The most suspicious lines (Ochiai's coefficient of who runs them, 1 is most):\n"
        "- line 5 (0.82): run by 2 of 2 failing and 1 of 2 passing cases: return -1\n"
        "- line 3 (0.71): run by 2 of 2 failing and 2 of 2 passing cases: if x > 1:\n\n"
        "2 of 4 cases fail:\n"
        "- sign(1) == 1, but it gives -1\n"
        "- sign(0) == 0, but it raises ValueError: no\n"
        "These pass, and have to stay so:\n"
        "- sign(5) == 1\n"
        "- sign(-5) == -1"
    )


def test_an_earlier_answer_is_told_with_what_it_mended_and_broke():
    memory = Memory(attempts=(attempt("> 1", "< 1", case=0, text="-1", outcomes="fppf"),))
    told = prompt(SPEC, SURVEY, memory)
    assert "An earlier answer:\n```diff\n--- a/sign.py" in told
    assert "-    if x > 1:\n+    if x < 1:\n" in told
    assert (
        "It did not pass sign(5) == 1: -1.\nIt made 1 of 2 failing cases pass, and broke sign(5) == 1."
        in told
    )
    assert told.endswith("Do not give an earlier answer again.")


def test_an_answer_that_did_not_run_is_told_so():
    told = prompt(SPEC, SURVEY, Memory(attempts=(attempt("> 1", "< 1", case=-1, text="NameError: y"),)))
    assert "It did not run: NameError: y" in told


def test_an_answer_that_could_not_be_used_is_told_with_the_reason():
    memory = Memory(attempts=(Attempt(refused="there is no code in it", said="Well, …"),))
    assert "could not be used: there is no code in it. It began:\nWell, …" in prompt(SPEC, SURVEY, memory)


def test_what_refuted_most_candidates_is_shown_first():
    told = prompt(SPEC, SURVEY, FIRST, Lessons(candidates=9, refuting=(3, 1)))
    assert told.index("- sign(0) == 0, but") < told.index("- sign(1) == 1, but")
    assert told.index("- sign(-5)") < told.index("- sign(5)")
    assert "most candidates were refuted by sign(0) == 0" in told
    own = prompt(SPEC, SURVEY, Memory(kills=(0, 0, 1, 3)))
    assert own.index("- sign(0) == 0, but") < own.index("- sign(1) == 1, but")


def test_what_the_search_has_learned_is_told():
    known = Lessons(
        candidates=120, lines=(3, 5), kinds=("constant",), best="--- a\n+++ b\n", mends=1, breaks=(0,)
    )
    told = prompt(SPEC, SURVEY, FIRST, known)
    assert "A search has tried 120 small edits without success:\n" in told
    assert "- edits of these lines made failing cases pass: 3, 5\n" in told
    assert "- these kinds of edits did: constant\n" in told
    assert (
        "makes 1 of 2 failing cases pass, but breaks 1 that passed; it is not right:\n```diff\n--- a" in told
    )


def test_a_search_that_has_tried_nothing_yet_is_not_mentioned():
    assert prompt(SPEC, SURVEY, FIRST, Lessons()) == prompt(SPEC, SURVEY, FIRST)


def test_tests_are_shown_by_their_names_and_their_text():
    spec = SPEC.model_copy(
        update={"cases": (), "tests": "test_sign.py", "files": {"test_sign.py": "def test_one(): ...\n"}}
    )
    survey = SURVEY.model_copy(update={"names": ("test_five", "test_minus", "test_one", "test_zero")})
    told = prompt(spec, survey, FIRST)
    assert "- test_one, but it fails: -1" in told
    assert "The tests test_sign.py:\n```python\ndef test_one(): ...\n```" in told


def test_a_prompt_is_bounded_whatever_there_is_to_tell():
    body = "".join(f"    x += {n}  # {'long ' * 20}\n" for n in range(800))
    source = f"def f(x):\n{body}    return x\n\n\n" + "".join(
        f"def g{n}(x):\n    return {n}\n\n\n" for n in range(500)
    )
    spec = SPEC.model_copy(
        update={
            "source": source,
            "docstring": "word " * 9_000,
            "tests": "t.py",
            "files": {"t.py": "x" * 90_000},
            "cases": tuple(Case(arguments=f'["{"a" * 5_000}"]', expected="1") for _ in range(40)),
        }
    )
    lines = tuple(range(2, 800))
    survey = Survey(
        cases=tuple(Observed(code="fp"[n % 2], text="b" * 900, seconds=0, lines=lines) for n in range(40))
    )
    memory = Memory(
        attempts=tuple(
            Attempt(
                replacements=(Replacement(0, 9_000, "y" * 9_000),), case=0, text="c" * 900, outcomes="f" * 40
            )
            for _ in range(6)
        )
    )
    known = Lessons(candidates=5, best="d" * 1_500, refuting=(1,))
    assert len(prompt(spec, survey, memory, known)) <= MOST_PROMPT


def test_of_a_long_program_the_functions_under_suspicion_are_shown_whole_and_others_by_their_heads():
    others = "".join(f"def other{n}(x):\n    return {'x + ' * 20}{n}\n\n\n" for n in range(200))
    spec = SPEC.model_copy(update={"source": SOURCE + "\n\n" + others})
    told = prompt(spec, SURVEY, FIRST)
    assert "The program sign.py (parts of it):" in told
    assert "5 |     return -1\n…\n" in told
    assert "def other7(x):" in told
    assert "x + 7" not in told


def test_cutting_leaves_out_the_middle():
    assert cut("0123456789", 10) == "0123456789"
    assert cut("0123456789", 9) == "0123 … 89"


# ---------------------------------------------------------------------------- lessons


def base(new, outcomes, gain):
    changes = difference(SOURCE, SOURCE.replace("> 1", new))
    return Base(replacements=changes, outcomes=outcomes, text="", gain=gain, size=1.0)


def test_lessons_are_what_helped_what_refuted_and_the_best_candidate():
    memory = Memory(
        candidates=70,
        lines={3: Tally(tried=9, gained=0.5), 4: Tally(tried=9), 5: Tally(tried=2, gained=1.0)},
        kinds={"constant": Tally(tried=3, gained=0.1), "call": Tally(tried=3)},
        kills=(4, 0, 9, 0),
        bases=(base("> 0", "pfp-", 0.3), base(">= 1", "ppp-", 0.5)),
    )
    assert lessons(SPEC, SURVEY, memory) == Lessons(
        candidates=70,
        lines=(5, 3),
        kinds=("constant",),
        refuting=(2, 0),
        best=unified(SOURCE, SOURCE.replace("> 1", ">= 1"), "sign.py"),
        mends=1,
    )
    worse = memory.model_copy(update={"bases": memory.bases[:1]})
    assert lessons(SPEC, SURVEY, worse).breaks == (1,)


def test_there_are_no_lessons_before_there_is_a_candidate():
    assert lessons(SPEC, SURVEY, Memory()) == Lessons()
