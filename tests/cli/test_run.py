import json
import sys
from pathlib import Path

import pytest

from .kit import FINAL, LOOP, call, process, ran, whole

SPEC = '{"spec": "ab"}'
STORED = """
import sqlite3
from contextlib import closing


def stored():
    with closing(sqlite3.connect("runs.db")) as db:
        return str(db.execute("SELECT count(*) FROM records").fetchone()[0])
"""


def test_the_final_state_goes_to_stdout_and_the_rest_to_stderr(here: Path):
    backedge = [sys.executable, "-m", "backedge"]
    done = whole(*backedge, "run", "loop.py:graph", "--input", SPEC, "--run-id", "demo", cwd=here)
    assert done.returncode == 0
    assert json.loads(done.stdout) == FINAL
    told = done.stderr.decode().splitlines()
    assert told[0] == "run demo of Build, journal backedge.db"
    assert told[1].startswith("run demo completed in ")


def test_json_is_one_object_with_the_whole_result(here: Path):
    result = ran(
        "run", "loop.py:graph", "--input", SPEC, "--run-id", "demo", "--journal", "runs.db", "--json"
    )
    told = json.loads(result.stdout)
    assert told.pop("seconds") > 0
    assert told == {
        "run_id": "demo",
        "graph": "Build",
        "status": "completed",
        "journal": "runs.db",
        "state": FINAL,
        "questions": [],
        "error": None,
        "resume": None,
    }
    assert result.stderr == ""


@pytest.mark.parametrize("target", ["loop.py:graph", "loop.py:flow", "./loop.py:graph", "loop:graph"])
def test_a_target_is_a_graph_or_a_flow_in_a_file_or_module(here: Path, target: str):
    assert json.loads(ran("run", target, "--input", SPEC).stdout) == FINAL


def test_a_file_may_import_what_lies_beside_it(here: Path):
    (here / "sub").mkdir()
    (here / "sub" / "helper_of_loop.py").write_text("SUFFIX = '!'\n")
    (here / "sub" / "inner.py").write_text(
        LOOP.replace("return spec *", "from helper_of_loop import SUFFIX\n    return (spec + SUFFIX) *")
    )
    told = json.loads(ran("run", "sub/inner.py:graph", "--input", SPEC).stdout)
    assert told["code"] == "ab!ab!ab!"


def test_input_comes_from_a_file_or_from_stdin(here: Path):
    (here / "in.json").write_text(SPEC)
    assert json.loads(ran("run", "loop.py:graph", "--input", "@in.json").stdout) == FINAL
    result = call("run", "loop.py:graph", "--input", "@-", input=SPEC)
    assert json.loads(result.stdout) == FINAL


def test_without_a_journal_nothing_is_left_behind(here: Path):
    before = sorted(here.iterdir())
    done = process("run", "loop.py:graph", "--input", SPEC, "--no-journal", cwd=here)
    assert done.returncode == 0
    assert sorted(here.iterdir()) == before  # no bytecode either
    assert b"no journal" in done.stderr


def test_what_nodes_and_their_programs_print_stays_out_of_json(here: Path):
    (here / "loud.py").write_text(
        "import subprocess, sys\nprint('at import')\n"
        + LOOP.replace(
            "    return spec *",
            "    print('in a node')\n    subprocess.run(['echo', 'from a child'])\n    return spec *",
        )
    )
    done = process("run", "loud.py:graph", "--input", SPEC, "--json", cwd=here)
    assert json.loads(done.stdout)["state"] == FINAL
    for text in (b"at import", b"in a node", b"from a child"):
        assert text in done.stderr


FAILING = LOOP.replace(
    "    return spec *", "    if len(notes) == 1:\n        raise ValueError('no luck')\n    return spec *"
)


def test_a_failed_run_names_the_activation_and_the_command_that_goes_on(here: Path):
    (here / "failing.py").write_text(FAILING)
    result = call("run", "failing.py:graph", "--input", SPEC, "--run-id", "demo")
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[1] == "error: run 'demo' failed: coder@1: ValueError: no luck"
    assert lines[2].startswith("go on with: ")
    assert lines[2].endswith(" resume demo failing.py:graph --journal backedge.db")
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback_of_the_node(here: Path):
    (here / "failing.py").write_text(FAILING)
    for arguments in (["--debug", "run"], ["run", "--debug"]):
        result = call(*arguments, "failing.py:graph", "--input", SPEC, "--no-journal")
        assert result.exit_code == 1
        assert "Traceback" in result.stderr
        assert "raise ValueError('no luck')" in result.stderr


def test_a_failed_run_as_json_has_its_failures(here: Path):
    (here / "failing.py").write_text(FAILING)
    result = call("run", "failing.py:graph", "--input", SPEC, "--run-id", "demo", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["status"], told["state"]) == ("failed", None)
    assert told["error"]["type"] == "RunFailedError"
    assert told["error"]["failures"] == [
        {"activation": "coder@1", "type": "ValueError", "message": "no luck"}
    ]
    assert " resume demo failing.py:graph " in told["resume"]


def test_a_failed_run_without_a_journal_says_that_it_cannot_go_on(here: Path):
    (here / "failing.py").write_text(FAILING)
    result = call("run", "failing.py:graph", "--input", SPEC, "--no-journal")
    assert result.exit_code == 1
    assert "cannot be resumed" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(("durability", "kept"), [("step", "6"), ("exit", "1")])
def test_durability_says_when_steps_are_on_disk(here: Path, durability: str, kept: str):
    code = LOOP.replace('f"{len(code)} letters"', "stored()") + STORED
    (here / "looking.py").write_text(code)
    options = ["--journal", "runs.db", "--run-id", "demo", "--durability", durability]
    result = ran("run", "looking.py:graph", "--input", SPEC, *options)
    assert json.loads(result.stdout)["notes"][-1] == kept
    assert json.loads(ran("show", "demo", "--journal", "runs.db", "--json").stdout)["log"][-1]["seq"] == 7


def test_the_command_that_goes_on_repeats_the_durability(here: Path):
    result = call("run", "gated.py:graph", "--run-id", "late", "--deadline", "0.2", "--durability", "exit")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].endswith("--durability exit")


def test_a_deadline_interrupts_the_run(here: Path):
    result = call("run", "gated.py:graph", "--run-id", "late", "--deadline", "0.2")
    assert result.exit_code == 3
    assert "run 'late' was interrupted" in result.stderr
    assert "--deadline" not in result.stderr.splitlines()[-1]


def test_a_loop_limit_is_set_by_option_and_the_command_that_goes_on_raises_it(here: Path):
    result = call("run", "loop.py:graph", "--input", SPEC, "--run-id", "demo", "--limit", "checker->coder=1")
    assert result.exit_code == 1
    assert "raise it with --limit 'checker->coder=2'" in result.stderr
    assert result.stderr.splitlines()[-1].endswith("--limit 'checker->coder=2'")


def test_limit_none_lifts_a_limit(here: Path):
    given = ["run", "loop.py:graph", "--input", '{"spec": "ab", "goal": 9}', "--no-journal"]
    assert call(*given).exit_code == 1
    assert json.loads(ran(*given, "--limit", "checker->coder=none").stdout)["tries"] == 9


RESOURCES = (
    LOOP.replace("Graph(Build)", "Graph(Build, resources={'unit': str})")
    .replace("async def coder(spec: str,", "async def coder(unit: str, spec: str,")
    .replace("return spec *", "return unit + spec *")
)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("THING = 'x'", "xababab"),
        ("def THING():\n    return 'made'", "madeababab"),
        ("class THING(str): pass", "ababab"),
    ],
    ids=["object", "function", "class"],
)
def test_a_resource_is_an_object_or_what_a_factory_makes(here: Path, made: str, expected: str):
    (here / "needy.py").write_text(RESOURCES)
    (here / "things.py").write_text(made + "\n")
    result = ran("run", "needy.py:graph", "--input", SPEC, "--resource", "unit=things.py:THING")
    assert json.loads(result.stdout)["code"] == expected


def test_a_function_is_not_called_where_a_callable_is_declared(here: Path):
    (here / "needy.py").write_text(
        "from collections.abc import Callable\n"
        + RESOURCES.replace("'unit': str", "'unit': Callable[[], str]")
        .replace("unit: str", "unit: Callable[[], str]")
        .replace("return unit + ", "return unit() + ")
        + "def greet(): return 'hi '\n"
    )
    result = ran("run", "needy.py:graph", "--input", SPEC, "--resource", "unit=needy.py:greet")
    assert json.loads(result.stdout)["code"] == "hi ababab"


def test_the_command_that_goes_on_repeats_what_the_run_needs(here: Path):
    (here / "needy.py").write_text(RESOURCES.replace("return unit +", "raise ValueError\n    return unit +"))
    (here / "things.py").write_text("THING = 'x'\n")
    options = ["--resource", "unit=things.py:THING", "--slots", "threads=2", "--concurrency", "3"]
    result = call(
        "run", "needy.py:graph", "--input", SPEC, "--run-id", "a b", "--journal", "j k.db", *options
    )
    assert result.stderr.splitlines()[-1].endswith(
        " resume 'a b' needy.py:graph --journal 'j k.db' --resource unit=things.py:THING --slots threads=2 "
        "--concurrency 3"
    )


def test_warnings_of_the_graph_are_told_on_one_line_each(here: Path):
    (here / "both.py").write_text(
        "from backedge import END, START, Graph\nfrom pydantic import BaseModel\n"
        "class S(BaseModel):\n    x: int = 0\n"
        "graph = Graph(S)\n"
        "a = graph.node(lambda: 1, name='a', writes='x')\nb = graph.node(lambda: 1, name='b', writes='x')\n"
        "c = graph.node(lambda: None, name='c')\n"
        "graph.chain(START, a, c, END)\ngraph.chain(START, b, c)\n"
    )
    result = call("run", "both.py:graph", "--no-journal")
    assert result.stderr.splitlines()[0].startswith("warning: field 'x' is written by 'a'")
    assert "ConflictError" in result.stderr
    assert result.exit_code == 1


def test_a_run_that_ends_elsewhere_than_at_the_end_has_no_state(here: Path):
    (here / "stops.py").write_text(
        "from backedge import END, START, Graph\nfrom pydantic import BaseModel\n"
        "class S(BaseModel):\n    x: int = 0\n"
        "graph = Graph(S)\na = graph.node(lambda: None, name='a', may_stop=True)\n"
        "graph.edge(START, a)\ngraph.edge(a, END, when=lambda x: x > 0)\n"
    )
    told = json.loads(ran("run", "stops.py:graph", "--json").stdout)
    assert (told["status"], told["state"]) == ("completed", None)
    assert "without reaching END" in ran("run", "stops.py:graph").stderr


def test_progress_as_lines_tells_every_step(here: Path):
    (here / "failing.py").write_text(FAILING)
    result = call("run", "failing.py:graph", "--input", SPEC, "--progress", "lines")
    lines = result.stderr.splitlines()
    assert lines[1].startswith("coder@0 finished in ")
    assert lines[1].endswith(" -> checker")
    assert lines[3].startswith("coder@1 failed (attempt 1, ")
    assert lines[3].endswith("): ValueError: no luck")
