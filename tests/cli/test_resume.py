import json
from pathlib import Path

from .kit import FINAL, LOOP, call, ran

SPEC = '{"spec": "ab"}'
FAILING = LOOP.replace(
    "    return spec *",
    "    if not Path('mended').exists() and notes:\n        raise ValueError('no luck')\n    return spec *",
)


def failed(here: Path) -> None:
    (here / "failing.py").write_text(FAILING)
    assert call("run", "failing.py:graph", "--input", SPEC, "--run-id", "demo").exit_code == 1


def test_a_failed_run_goes_on_where_it_failed(here: Path):
    failed(here)
    assert call("resume", "demo", "failing.py:graph").exit_code == 1
    (here / "mended").touch()
    assert json.loads(ran("resume", "demo", "failing.py:graph").stdout) == FINAL
    kinds = [record["kind"] for record in json.loads(ran("show", "demo", "--json").stdout)["log"]]
    assert kinds.count("AttemptFailed") == 2
    assert kinds.count("RunResumed") == 2
    assert kinds.count("NodeFinished") == 6


def test_a_completed_run_gives_its_result_at_once(here: Path):
    ran("run", "loop.py:graph", "--input", SPEC, "--run-id", "demo")
    records = ran("show", "demo").stdout
    told = json.loads(ran("resume", "demo", "loop.py:graph", "--json").stdout)
    assert (told["status"], told["state"], told["resume"]) == ("completed", FINAL, None)
    assert ran("show", "demo").stdout == records


def test_a_changed_graph_goes_on_when_told_to(here: Path):
    failed(here)
    (here / "mended").touch()
    (here / "failing.py").write_text(FAILING.replace('writes="code"', 'writes="code", version="2"'))
    result = call("resume", "demo", "failing.py:graph")
    assert result.exit_code == 4
    assert "node 'coder': version was '', is '2'" in result.stderr
    assert json.loads(ran("resume", "demo", "failing.py:graph", "--on-change", "continue").stdout) == FINAL


def test_the_limit_that_stopped_a_run_is_raised(here: Path):
    limited = ["--run-id", "demo", "--limit", "checker->coder=1"]
    assert call("run", "loop.py:graph", "--input", SPEC, *limited).exit_code == 1
    assert json.loads(ran("resume", "demo", "loop.py:graph", "--limit", "checker->coder=2").stdout) == FINAL


def test_without_a_target_the_command_is_spelled_out(here: Path):
    failed(here)
    result = call("resume", "demo")
    assert result.exit_code == 2
    assert "run 'demo' is of graph 'Build'" in result.stderr
    assert "resume demo path/to/file.py:graph --journal backedge.db" in result.stderr
