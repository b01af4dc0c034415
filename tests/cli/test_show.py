import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .kit import LOOP, call, ran

SPEC = '{"spec": "ab"}'


@pytest.fixture
def demo(here: Path) -> Path:
    """A journal with a completed run."""
    ran("run", "loop.py:graph", "--input", SPEC, "--run-id", "demo")
    return here


def test_runs_lists_the_newest_first(demo: Path):
    assert (
        call(
            "run", "loop.py:graph", "--input", SPEC, "--run-id", "other", "--limit", "checker->coder=0"
        ).exit_code
        == 1
    )
    lines = ran("runs").stdout.splitlines()
    titles = "run graph status records started last record owner waits for"
    assert lines[0].split() == titles.split()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["other", "Build", "failed", "5"],
        ["demo", "Build", "completed", "8"],
    ]
    assert ran("runs", "--status", "failed").stdout.splitlines()[1].startswith("other")
    assert len(ran("runs", "--status", "failed", "--status", "completed").stdout.splitlines()) == 3


def test_runs_of_a_status_that_none_has_are_none(demo: Path):
    result = ran("runs", "--status", "crashed")
    assert result.stdout == ""
    assert "holds no runs of this status" in result.stderr
    assert json.loads(ran("runs", "--status", "crashed", "--json").stdout)["runs"] == []


def test_runs_as_json(demo: Path):
    told = json.loads(ran("runs", "--json").stdout)
    assert told["journal"] == "backedge.db"
    (run,) = told["runs"]
    assert (run["run_id"], run["graph"], run["status"], run["records"]) == ("demo", "Build", "completed", 8)
    assert run["created"] <= run["updated"] <= time.time()
    assert (run["owner"], run["parent"]) == (None, None)


def test_show_has_a_line_for_each_record(demo: Path):
    head, about, blank, columns, *rows = ran("show", "demo").stdout.splitlines()
    assert head == "run demo of Build: completed"
    assert about.startswith("8 records since ")
    assert blank == ""
    assert columns.split() == ["seq", "at", "activation", "took", "led", "to", "outcome"]
    assert rows[0].split()[2:] == ["(run", "started)", "coder", 'spec="ab"']
    assert rows[3].split()[2] == "coder@1"
    assert rows[3].endswith('checker  code="abab"')
    assert rows[6].endswith('END      tries=3, notes=["6 letters"]')
    assert rows[7].endswith(["(run", "ended)", "completed"][-1])
    assert [int(row.split()[0]) for row in rows] == list(range(8))


def test_show_last_shows_the_end(demo: Path):
    rows = ran("show", "demo", "--last", "2").stdout.splitlines()[4:]
    assert [row.split()[0] for row in rows] == ["6", "7"]
    assert [one["seq"] for one in json.loads(ran("show", "demo", "--last", "2", "--json").stdout)["log"]] == [
        6,
        7,
    ]


def test_show_as_json_has_every_record_decoded(demo: Path):
    told = json.loads(ran("show", "demo", "--json").stdout)
    assert (told["run_id"], told["status"], told["journal"]) == ("demo", "completed", "backedge.db")
    assert [one["kind"] for one in told["log"]] == ["RunStarted", *["NodeFinished"] * 6, "RunEnded"]
    record = told["log"][2]
    assert record["activation"] == "checker@0"
    assert record["writes"] == {"tries": 1, "notes": ["2 letters"]}
    assert record["taken"] == ["checker->coder"]
    assert json.loads(ran("show", "demo", "--seq", "2", "--json").stdout) == record
    assert json.loads(ran("show", "demo", "--seq", "2").stdout) == record


def test_show_tells_errors_and_attempts(here: Path):
    (here / "failing.py").write_text(
        "from tenacity import AsyncRetrying, stop_after_attempt\n"
        + LOOP.replace(
            "    return spec *", "    raise ValueError('no\\nluck\\x1b[31m')\n    return spec *"
        ).replace('writes="code"', 'writes="code", retry=AsyncRetrying(stop=stop_after_attempt(2))')
    )
    assert call("run", "failing.py:graph", "--input", SPEC, "--run-id", "demo").exit_code == 1
    rows = ran("show", "demo").stdout.splitlines()[5:]
    assert rows[0].endswith("ValueError: no\\nluck\\x1b[31m; tried again")
    assert rows[1].split()[2:4] == ["coder@0", "#2"]
    assert rows[1].endswith("ValueError: no\\nluck\\x1b[31m")
    record = json.loads(ran("show", "demo", "--seq", "1", "--json").stdout)
    assert record["error"]["message"] == "no\nluck\x1b[31m"
    assert "Traceback" in record["error"]["traceback"] or "line" in record["error"]["traceback"]


def test_show_state_is_the_state_after_a_record(demo: Path):
    told = json.loads(ran("show", "demo", "loop.py:graph", "--state", "3").stdout)
    assert told == {"spec": "ab", "code": "abab", "tries": 1, "goal": 3, "notes": ["2 letters"]}
    as_json = json.loads(ran("show", "demo", "loop.py:graph", "--state", "0", "--json").stdout)
    assert as_json == {
        "run_id": "demo",
        "seq": 0,
        "state": {"spec": "ab", "tries": 0, "goal": 3, "notes": []},
    }


def test_values_that_json_lacks_are_told_as_strings(here: Path):
    (here / "odd.py").write_text(
        "from backedge import END, START, Graph\nfrom pydantic import BaseModel\n"
        "class S(BaseModel):\n    x: float = 0\n    xs: list[float] = []\n"
        "graph = Graph(S)\n"
        "a = graph.node(lambda: {'x': float('inf'), 'xs': [float('nan')]}, name='a', writes=('x', 'xs'))\n"
        "graph.chain(START, a, END)\n"
    )

    def no_constants(name: str) -> None:
        raise AssertionError(name)

    told = ran("run", "odd.py:graph", "--run-id", "demo", "--json").stdout
    assert json.loads(told, parse_constant=no_constants)["state"] == {"x": "Infinity", "xs": ["NaN"]}
    told = ran("show", "demo", "--json").stdout
    assert json.loads(told, parse_constant=no_constants)["log"][1]["writes"] == {
        "x": "Infinity",
        "xs": ["NaN"],
    }


def test_show_says_what_the_calls_of_models_took(here: Path):
    program = here / "asking.py"
    program.write_text(
        """
import asyncio
from pydantic import BaseModel
from backedge import END, START, Graph
from backedge.providers import Message, Model, ModelRequest, ModelResponse, ScriptedModel, Usage


class State(BaseModel):
    said: str = ""


graph = Graph(State, resources={"model": Model})


@graph.node(writes="said")
async def asker(model: Model) -> str:
    return (await model.respond(ModelRequest(messages=(Message.of("user", "?"),)))).text


graph.chain(START, asker, END)
answer = ModelResponse(message=Message.of("assistant", "ok"), usage=Usage(input_tokens=1200, output_tokens=34))
model = ScriptedModel([answer], name="own:x")
asyncio.run(graph.compile().run({}, journal="backedge.db", run_id="asked", resources={"model": model}))
"""
    )
    subprocess.run([sys.executable, str(program)], cwd=here, check=True)
    lines = ran("show", "asked").stdout.splitlines()
    unknown = "unknown for 1 call (1 without a known price)"
    assert lines[2:6] == [
        f"models: {unknown}, 1,200 tokens read, 34 written",
        f"  asker: {unknown}",
        f"  own:x: {unknown}",
        "",
    ]
