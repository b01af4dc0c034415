import json
from pathlib import Path

import pytest

from backedge.cli.runs import ancestry
from backedge.engine.records import RunHeader, RunStatus, RunSummary

from .kit import FINAL, LOOP, call, contents, ran

SPEC = '{"spec": "ab"}'


@pytest.fixture
def demo(here: Path) -> Path:
    """A journal with a completed run."""
    ran("run", "loop.py:graph", "--input", SPEC, "--run-id", "demo")
    return here


def test_a_fork_runs_on_with_its_edit(demo: Path):
    result = ran("fork", "demo", "loop.py:graph", "--at", "2", "--edit", '{"goal": 2}', "--run-id", "two")
    assert json.loads(result.stdout) == {
        **FINAL,
        "goal": 2,
        "code": "abab",
        "tries": 2,
        "notes": FINAL["notes"][:2],
    }
    assert "run two of Build" in result.stderr
    assert "forked from run demo at record 2" in ran("show", "two").stdout


def test_a_fork_before_an_activation_edits_its_input_alone(demo: Path):
    (demo / "edit.json").write_text('{"spec": "x"}')
    told = json.loads(
        ran("fork", "demo", "loop.py:graph", "--before", "coder@1", "--edit", "@edit.json", "--json").stdout
    )
    assert (told["status"], told["state"]["code"]) == ("completed", "xxx")
    assert told["state"]["notes"] == ["2 letters", "2 letters", "3 letters"]


def test_a_fork_may_be_made_only_and_resumed_later(demo: Path):
    result = ran("fork", "demo", "loop.py:graph", "--at", "4", "--no-start", "--run-id", "later")
    assert result.stdout == "later\n"
    assert "resume later loop.py:graph --journal backedge.db" in result.stderr
    assert json.loads(ran("resume", "later", "loop.py:graph").stdout) == FINAL
    told = json.loads(ran("fork", "demo", "loop.py:graph", "--at", "4", "--no-start", "--json").stdout)
    assert set(told) == {"run_id", "journal", "resume"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "say where to fork: --at N, or --before ACTIVATION"),
        (["--at", "99"], 2, "no record 99; its records go from 0 to 7"),
        (["--at", "1", "--edit", "{"], 2, "--edit: this is no JSON"),
        (["--at", "1", "--edit", '{"goal": "x"}'], 2, "field 'goal' takes int"),
        (["--before", "coder@7"], 2, "no such activation"),
        (["--at", "1", "--run-id", ""], 2, "at least one character"),
        (["--at", "1", "--run-id", "demo"], 4, "there is a run 'demo' already"),
    ],
)
def test_a_fork_that_cannot_be_is_refused_and_nothing_is_stored(demo: Path, arguments, code, told):
    before = contents(demo)
    result = call("fork", "demo", "loop.py:graph", *arguments)
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    assert len(ran("runs").stdout.splitlines()) == 2
    if code == 2:
        assert contents(demo).keys() == before.keys()


def test_the_tree_of_runs_shows_forks_below_their_parents(demo: Path):
    ran("fork", "demo", "loop.py:graph", "--at", "2", "--run-id", "a")
    ran("fork", "a", "loop.py:graph", "--at", "4", "--run-id", "b")
    ran("fork", "demo", "loop.py:graph", "--at", "6", "--run-id", "c")
    lines = [line.split("  Build")[0].rstrip() for line in ran("runs", "--tree").stdout.splitlines()[1:]]
    assert lines == ["demo", "  c (from record 6)", "  a (from record 2)", "    b (from record 4)"]
    assert [line.split()[0] for line in ran("runs").stdout.splitlines()[1:]] == ["c", "b", "a", "demo"]


def test_a_fork_whose_parent_is_not_listed_stands_at_the_top():
    def summary(name, parent):
        return RunSummary(RunHeader(name, "g", "", b"{}", 0.0, parent), RunStatus.COMPLETED, 1, 0.0)

    listed = [summary("b", ("a", 1)), summary("a", ("gone", 3))]
    assert [(depth, run.header.run_id) for depth, run in ancestry(listed)] == [(0, "a"), (1, "b")]


def test_replay_says_that_all_is_as_recorded(demo: Path):
    assert (
        ran("replay", "demo", "loop.py:graph").stdout == "replay of run 'demo' (8 records): all as recorded\n"
    )
    told = json.loads(
        ran("replay", "demo", "loop.py:graph", "--conditions", "--rerun", "coder", "--json").stdout
    )
    assert (told["same"], told["records"], told["conditions"], told["rerun"]) == (True, 8, 7, 3)


def test_replay_says_what_differs_and_fails(demo: Path):
    (demo / "loop.py").write_text(LOOP.replace("letters", "signs").replace("tries < goal", "tries < 2"))
    assert call("replay", "demo", "loop.py:graph").exit_code == 0
    result = call("replay", "demo", "loop.py:graph", "--rerun-all", "--conditions")
    assert result.exit_code == 1
    assert "record 2, checker@0: field 'notes'" in result.stdout
    assert "record 4, checker@1: edges" in result.stdout
    told = json.loads(call("replay", "demo", "loop.py:graph", "--rerun-all", "--json").stdout)
    assert told["mismatches"][0] == {
        "seq": 2,
        "activation": "checker@0",
        "what": "field 'notes'",
        "recorded": '["2 letters"]',
        "now": '["2 signs"]',
    }


def test_replay_refuses_what_it_does_not_know(demo: Path):
    assert "there is no node nobody" in call("replay", "demo", "loop.py:graph", "--rerun", "nobody").stderr
    assert call("replay", "nope", "loop.py:graph").exit_code == 4
    result = call("replay", "demo", "loop.py:graph", "--resource", "model=loop.py:Build")
    assert (result.exit_code, "no resource of this graph" in result.stderr) == (2, True)


def test_diff_says_where_two_runs_part(demo: Path):
    ran("fork", "demo", "loop.py:graph", "--at", "2", "--run-id", "same")
    assert ran("diff", "demo", "same", "loop.py:graph").stdout == "runs 'demo' and 'same' do not differ\n"
    ran("run", "loop.py:graph", "--input", '{"spec": "xyz"}', "--run-id", "other")
    result = call("diff", "demo", "other", "loop.py:graph")
    assert result.exit_code == 1
    assert "part at record 0 of 'demo' and record 0 of 'other': START, the inputs" in result.stdout
    told = json.loads(call("diff", "demo", "other", "loop.py:graph", "--json").stdout)
    assert (told["same"], told["parting"]["seqs"], told["only"]) == (False, [0, 0], [[], []])
    assert {each["field"] for each in told["final"]} == {"spec", "code", "notes"}
    assert call("diff", "demo", "nope", "loop.py:graph").exit_code == 4
