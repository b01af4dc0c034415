import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backedge.nodes.repair.models import Candidate, Replacement, replaced
from backedge.nodes.repair.patch import patch, unified
from backedge.nodes.repair.search import difference

from .samples import DOUBLE, spec_of

LINES = st.lists(st.sampled_from(["a", "b", "", "  c"]), max_size=6).map("\n".join)


def test_a_patch_keeps_what_it_does_not_touch():
    source = 'x = {  # odd   spacing\n  "a":1 }\n\n\ndef f( n ):\n    return n+1   # wrong\n'
    start = source.index("n+1")
    candidate = Candidate("0.0.0", (Replacement(start, start + 3, "n - 1"),), 6, "operator", 1.0)
    assert patch(spec_of(source, "f"), candidate).splitlines()[-2:] == [
        "-    return n+1   # wrong",
        "+    return n - 1   # wrong",
    ]


@settings(deadline=None, max_examples=15)
@given(LINES, LINES)
def test_git_applies_a_patch_to_the_original(tmp_path_factory, before, after):
    assume(before != after and before)
    folder = tmp_path_factory.mktemp("patched")
    (folder / "program.py").write_text(before)
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=unified(before, after, "program.py"),
        text=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "program.py").read_text() == after


@given(LINES, LINES)
def test_a_difference_turns_one_text_into_the_other(before, after):
    assert replaced(before, difference(before, after)) == after
    assert len(difference(before, after)) <= 1


def test_replacements_may_come_in_any_order():
    changes = [Replacement(4, 5, "c"), Replacement(0, 1, "long")]
    assert replaced("a + b", changes) == "long + c"
    assert Candidate("x", tuple(changes), 1, "variable", 1.0).source("a + b") == "long + c"


def test_the_file_may_be_called_otherwise():
    candidate = Candidate("0.0.0", (Replacement(27, 28, "2"),), 2, "constant", 1.0)
    text = patch(spec_of(DOUBLE, "double"), candidate, name="src/double.py")
    assert text.startswith("--- a/src/double.py\n+++ b/src/double.py\n")


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_missing_line_break_at_the_end_is_told(ending):
    assert ("No newline" in unified("a", f"b{ending}", "x")) is True
