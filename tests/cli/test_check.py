import json
from pathlib import Path

import pytest

from .kit import LOOP, call, ran


def test_a_graph_without_problems_is_summed_up(here: Path):
    assert ran("check", "loop.py:graph").stdout.splitlines() == [
        "loop.py:graph: no problem",
        "",
        "graph         Build: 2 nodes, 4 edges",
        "inputs        spec: str",
        "loop          coder: coder, checker",
        "                checker->coder, at most 5 times",
        "longest path  START -> coder -> checker -> END",
        "activations   at most 12",
    ]


def test_a_loop_without_limit_has_no_bound(here: Path):
    (here / "endless.py").write_text(LOOP.replace("limit=5", "limit=None"))
    told = ran("check", "endless.py:graph").stdout
    assert "checker->coder, no limit" in told
    assert "as many as its loops go round" in told


def test_as_json(here: Path):
    told = json.loads(ran("check", "loop.py:graph", "--json").stdout)
    assert (told["ok"], told["problems"], told["inputs"]) == (True, [], {"spec": "str"})
    assert told["loops"][0]["limits"] == {"checker->coder": 5}
    assert told["most_activations"] == 12


@pytest.mark.parametrize("target", ["wrong.py:graph", "wrong.py:flow"])
def test_every_problem_is_listed(here: Path, target: str):
    text = LOOP.replace("spec: str, notes", "spek: str, notes").replace("limit=5", "limit=-1")
    (here / "wrong.py").write_text(
        text if target.endswith("flow") else text.replace("flow = graph.compile()", "")
    )
    result = call("check", target)
    assert result.exit_code == 1
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == f"{target}: 2 problems"
    assert [line[:5] for line in lines[1:]] == ["  1. ", "  2. "]
    assert "'spek'" in result.stdout
    told = json.loads(call("check", target, "--json").stdout)
    assert told["ok"] is False
    assert len(told["problems"]) == 2


def test_warnings_are_no_problems(here: Path):
    (here / "both.py").write_text(
        "from backedge import END, START, Graph\nfrom pydantic import BaseModel\n"
        "class S(BaseModel):\n    x: int = 0\n"
        "graph = Graph(S)\n"
        "a = graph.node(lambda: 1, name='a', writes='x')\nb = graph.node(lambda: 1, name='b', writes='x')\n"
        "c = graph.node(lambda: None, name='c')\n"
        "graph.chain(START, a, c, END)\ngraph.chain(START, b, c)\n"
    )
    lines = ran("check", "both.py:graph").stdout.splitlines()
    assert lines[0] == "both.py:graph: no problem, but see the warnings"
    assert lines[-1].startswith("warning: field 'x' is written by")


def test_render_draws_a_graph_and_a_run(here: Path):
    ran("render", "loop.py:graph", "graph.mmd")
    assert "coder" in (here / "graph.mmd").read_text()
    ran("run", "loop.py:graph", "--input", '{"spec": "ab"}', "--run-id", "demo")
    result = ran("render", "loop.py:graph", "run.txt", "--run", "demo")
    assert result.stderr == "wrote run.txt\n"
    assert "run demo" in (here / "run.txt").read_text()
    assert json.loads(ran("render", "loop.py:graph", "run.txt", "--run", "demo", "--json").stdout) == {
        "file": "run.txt"
    }
