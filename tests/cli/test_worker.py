"""A worker goes on with runs by itself."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from backedge import answer
from backedge.engine.execution import ledger
from backedge.engine.execution.durability import LaggingLog

from .asking import ASKING
from .kit import begun, call, process, ran

DEADLY = """\
import os
import signal
from pathlib import Path

from backedge import END, START, Graph
from pydantic import BaseModel


class State(BaseModel):
    begun: int = 0
    done: str = ""


graph = Graph(State, name="deadly")


@graph.node(writes="begun")
async def first() -> int:
    return 1


@graph.node(writes="done")
async def boom(begun: int) -> str:
    with Path("booms.txt").open("a") as file:
        file.write("boom ")
    if not Path("mended").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return "yes"


graph.chain(START, first, boom, END)
"""
"""A graph whose second node ends its process."""


@pytest.fixture
def asking(here: Path) -> Path:
    (here / "asking.py").write_text(ASKING)
    return here


def start(what: str, run_id: str, code: int = 3, target: str = "asking.py:graph") -> None:
    result = call("run", target, "--input", json.dumps({"what": what}), "--run-id", run_id)
    assert result.exit_code == code, result.output


def statuses() -> dict[str, str]:
    return {run["run_id"]: run["status"] for run in json.loads(ran("runs", "--json").stdout)["runs"]}


def lines(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def until(what, child) -> None:
    """Wait for something that a worker is about to do."""
    end = time.monotonic() + 60
    while not what():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def killed(what: str, run_id: str, folder: Path) -> None:
    """A run whose process was killed in its node."""
    (folder / "began.txt").unlink(missing_ok=True)
    with begun(
        "run", "asking.py:graph", "--input", json.dumps({"what": what}), "--run-id", run_id, cwd=folder
    ) as child:
        until((folder / "began.txt").exists, child)
        child.kill()
        child.communicate()
    (folder / "began.txt").unlink()


def test_once_goes_on_with_what_should_be_and_ends(asking: Path):
    start("text", "answered")
    start("signal", "signalled")
    start("signal", "waiting")
    start("fail", "failed", 1)
    killed("slow", "crashed", asking)
    ran("answer", "answered", "yes")
    ran("send", "signalled", "go")
    ran("send", "waiting", "other")
    (asking / "gate").touch()
    (asking / "mended").touch()
    told = lines(ran("worker", "asking.py:graph", "--once", "--json").stdout)
    assert {(line["run_id"], line["cause"], line["status"]) for line in told} == {
        ("answered", "letters", "completed"),
        ("signalled", "letters", "completed"),
        ("crashed", "crashed", "completed"),
    }
    assert statuses()["waiting"] == "suspended"
    assert statuses()["failed"] == "failed"
    assert ran("worker", "asking.py:graph", "--once", "--json").stdout == ""


def test_an_answer_that_is_refused_is_told(asking: Path):
    start("number", "demo")
    question = json.loads(ran("show", "demo", "--json").stdout)["questions"][0]["id"]
    asyncio.run(answer("demo", question, "many", journal="backedge.db"))
    (line,) = lines(ran("worker", "asking.py:graph", "--once", "--json").stdout)
    assert line["status"] == "suspended"
    assert list(line["refused"]) == [question]
    asyncio.run(answer("demo", question, "some", journal="backedge.db"))
    told = ran("worker", "asking.py:graph", "--once").stderr
    assert f"run demo: what was sent for {question} was refused: " in told
    assert "the last answer was refused: " in ran("show", "demo").stdout


def test_an_answer_that_is_refused_is_told_to_who_gave_it_and_goes_on(asking: Path):
    start("number", "demo")
    question = json.loads(ran("show", "demo", "--json").stdout)["questions"][0]["id"]
    asyncio.run(answer("demo", question, "many", journal="backedge.db"))
    result = call("resume", "demo", "asking.py:graph")
    assert result.exit_code == 3
    assert "the last answer was refused: " in result.stderr


def test_it_tells_people_what_it_did(asking: Path):
    start("text", "demo")
    ran("answer", "demo", "yes")
    told = ran("worker", "asking.py:graph", "--once").stderr
    assert "working on asking, journal backedge.db" in told
    assert "run demo of asking (letters): completed" in told


def test_runs_that_fail_are_told_and_make_the_exit_code(asking: Path):
    start("text", "demo")
    ran("answer", "demo", "yes")
    (asking / "asking.py").write_text(
        ASKING.replace('return await ctx.ask("well?")', 'raise ValueError("no")')
    )
    result = call("worker", "asking.py:graph", "--once", "--json")
    assert result.exit_code == 1
    (line,) = lines(result.stdout)
    assert line["status"] == "failed"
    assert "ValueError: no" in line["error"]["message"]


def test_runs_of_a_graph_that_changed_are_told_and_left(asking: Path):
    start("text", "demo")
    ran("answer", "demo", "yes")
    (asking / "asking.py").write_text(
        ASKING.replace('@graph.node(writes="got")', '@graph.node(writes="got", version="2")')
    )
    result = call("worker", "asking.py:graph", "--once")
    assert result.exit_code == 1
    assert "run demo of asking (letters): left: the graph changed" in result.stderr
    assert statuses() == {"demo": "suspended"}
    told = lines(ran("worker", "asking.py:graph", "--once", "--on-change", "continue", "--json").stdout)
    assert [line["status"] for line in told] == ["completed"]


def test_several_graphs_are_worked_on(asking: Path):
    start("text", "demo")
    start("ab", "guarded", target="asking.py:careful")
    ran("answer", "demo", "yes")
    ran("answer", "guarded", "--approve")
    told = lines(ran("worker", "asking.py:graph", "asking.py:careful", "--once", "--json").stdout)
    assert {(line["graph"], line["status"]) for line in told} == {
        ("asking", "completed"),
        ("careful", "completed"),
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_works_until_it_is_stopped_and_hands_over_what_is_under_way(asking: Path, number: int):
    start("text", "demo")
    killed("slow", "slow", asking)
    with begun("worker", "asking.py:graph", "--poll", "0.1", "--json", cwd=asking) as child:
        until((asking / "began.txt").exists, child)
        ran("answer", "demo", "yes")
        until(lambda: statuses()["demo"] == "completed", child)
        child.send_signal(number)
        output, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors
        assert b"handing runs over" in errors
    told = {line["run_id"]: line["status"] for line in lines(output.decode())}
    assert told == {"demo": "completed", "slow": "interrupted"}
    (asking / "gate").touch()
    told = lines(ran("worker", "asking.py:graph", "--once", "--json").stdout)
    assert [(line["run_id"], line["status"]) for line in told] == [("slow", "completed")]


def test_a_run_under_way_is_cancelled_from_outside(asking: Path):
    killed("slow", "slow", asking)
    with begun("worker", "asking.py:graph", "--poll", "0.1", cwd=asking) as child:
        until((asking / "began.txt").exists, child)
        ran("cancel", "slow")
        until(lambda: statuses()["slow"] == "cancelled", child)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)


def test_resources_are_handed_to_the_graphs_that_declare_them(here: Path):
    (here / "asking.py").write_text(
        ASKING.replace(
            'Graph(State, name="asking")', 'Graph(State, name="asking", resources={"prefix": str})'
        )
        .replace(
            "async def node(what: str, ctx: Context)", "async def node(what: str, ctx: Context, prefix: str)"
        )
        .replace('return await ctx.ask("well?")', 'return prefix + await ctx.ask("well?")')
        + "\n\ndef made() -> str:\n    return 'oh '\n"
    )
    given = ["--resource", "prefix=asking.py:made"]
    result = call("run", "asking.py:graph", "--input", '{"what": "text"}', "--run-id", "demo", *given)
    assert result.exit_code == 3
    ran("answer", "demo", "yes")
    targets = ["asking.py:graph", "asking.py:careful"]
    assert "add --resource prefix=" in call("worker", *targets, "--once").stderr
    unknown = call("worker", *targets, "--once", *given, "--resource", "suffix=asking.py:made")
    assert "'suffix' is no resource of these graphs; there is prefix" in unknown.stderr
    ran("worker", *targets, "--once", *given)
    assert json.loads(ran("resume", "demo", "asking.py:graph", *given).stdout)["got"] == "oh yes"


def test_what_cannot_be_is_told(asking: Path):
    assert call("worker").exit_code == 2
    assert call("worker", "asking.py:graph").exit_code == 4, "there is no journal"
    start("text", "demo")
    result = call("worker", "asking.py:graph", "asking.py:graph", "--once")
    assert result.exit_code == 2
    assert "two graphs of one name" in result.stderr


def test_durability_is_for_the_runs_that_it_goes_on_with(asking: Path, monkeypatch: pytest.MonkeyPatch):
    made = []

    def lagging(log, *, eager, begun):
        made.append(eager)
        return LaggingLog(log, eager=eager, begun=begun)

    monkeypatch.setattr(ledger, "LaggingLog", lagging)
    for durability, expected in (("step", []), ("batched", [True]), ("exit", [True, False])):
        start("text", durability)
        ran("answer", durability, "yes")
        ran("worker", "asking.py:graph", "--once", "--durability", durability)
        assert made == expected
        assert statuses()[durability] == "completed"


def test_a_run_that_was_cancelled_cannot_be_resumed_and_says_what_can(asking: Path):
    start("text", "demo")
    ran("cancel", "demo")
    assert call("worker", "asking.py:graph", "--once").exit_code == 0
    result = call("resume", "demo", "asking.py:graph")
    assert result.exit_code == 1
    assert "run 'demo' was cancelled, which is final; fork it to go on from a checkpoint" in result.stderr


@pytest.fixture
def deadly(here: Path) -> Path:
    """A run that ended its process and those of three workers."""
    (here / "deadly.py").write_text(DEADLY)
    assert process("run", "deadly.py:graph", "--run-id", "demo", cwd=here).returncode == -signal.SIGKILL
    for _ in range(3):
        assert process("worker", "deadly.py:graph", "--once", cwd=here).returncode == -signal.SIGKILL
    return here


def test_a_run_that_ends_its_workers_is_left_alone_and_told(deadly: Path):
    for _ in range(2):
        done = process("worker", "deadly.py:graph", "--once", cwd=deadly)
        assert done.returncode == 1
        said = [line for line in done.stderr.decode().splitlines() if "demo" in line]
        assert said == [
            "run demo of deadly (crashed): left: 3 processes in a row died at boom without a new record: find out "
            "why, then go on by hand with 'backedge resume demo TARGET', or raise --attempts"
        ]
    assert (deadly / "booms.txt").read_text().split() == ["boom"] * 4


def test_a_run_that_ends_its_workers_is_seen_in_lists(deadly: Path):
    assert "gone on with 3 times in a row" in " ".join(ran("runs").stdout.split())
    assert json.loads(ran("runs", "--json").stdout)["runs"][0]["deaths"] == 3
    assert (
        "gone on with 3 times in a row and crashed again without a new record" in ran("show", "demo").stdout
    )
    assert json.loads(ran("show", "demo", "--json").stdout)["deaths"] == 3


def test_a_run_that_ended_its_workers_goes_on_when_more_attempts_are_allowed(deadly: Path):
    (deadly / "mended").touch()
    (line,) = lines(ran("worker", "deadly.py:graph", "--once", "--json", "--attempts", "4").stdout)
    assert (line["status"], line["error"]) == ("completed", None)
    assert "gone on with" not in ran("show", "demo").stdout


def test_a_run_that_is_left_alone_goes_on_by_hand(deadly: Path):
    (deadly / "mended").touch()
    result = ran("resume", "demo", "deadly.py:graph")
    assert json.loads(result.stdout) == {"begun": 1, "done": "yes"}
