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
    assert told.splitlines()[-1] == "activations   unbounded: loop coder has no limit"


def test_as_json(here: Path):
    told = json.loads(ran("check", "loop.py:graph", "--json").stdout)
    assert (told["ok"], told["problems"], told["inputs"]) == (True, [], {"spec": "str"})
    assert told["loops"][0]["limits"] == {"checker->coder": 5}
    assert told["most_activations"] == 12
    assert told["activations"] == "at most 12"


COMPOSED = """
from backedge import END, START, Graph
from pydantic import BaseModel

class Page(BaseModel):
    url: str
    words: int = 0

class Site(BaseModel):
    urls: list[str]
    counts: list[int] = []
    total: int = 0

page = Graph(Page, name="page")
fetch = page.node(lambda url: len(url), name="fetch", writes="words")
again = page.subgraph(page, name="again", limit=20)
page.chain(START, fetch)
page.edge(fetch, again, when=lambda words: words > 100)
page.edge(fetch, END, when=lambda words: words <= 100)
page.edge(again, END)

def enough(urls: list[str]) -> int:
    return len(urls) // 2

graph = Graph(Site, name="site")
visit = graph.map(
    page, over="urls", item="url", into="counts", result="words", name="visit", join=JOIN, errors=ERRORS
)
add = graph.node(lambda counts: len(counts), name="add", writes="total")
graph.chain(START, visit, add)
graph.feedback(add, visit, when=lambda total: total < 3, limit=2)
graph.edge(add, END, when=lambda total: total >= 3)
"""


def composed(join: str, errors: str = '"fail"') -> str:
    return COMPOSED.replace("JOIN", join).replace("ERRORS", errors)


def test_subgraphs_and_maps_are_told_with_what_they_are_made_of(here: Path):
    (here / "site.py").write_text(composed('"first"', '"collect"'))
    lines = ran("check", "site.py:graph").stdout.splitlines()
    maps = lines.index("map           visit, graph page: fetch, again")
    assert lines[maps + 1 : maps + 3] == [
        "                once for each url of urls, results into counts, errors among them",
        "                1 result is enough",
    ]
    assert "loop          visit: visit, add" in lines
    assert "                add->visit, at most 2 times" in lines
    assert "subgraph      visit/again, graph page: fetch, again" in lines
    assert "                and 7 more subgraphs" in lines
    path = next(line for line in lines if line.startswith("longest path"))
    assert path.startswith("longest path  START -> visit/fetch -> visit/again/fetch -> ")
    assert path.endswith(" -> add -> END")
    most = next(line for line in lines if line.startswith("activations"))
    assert most.startswith("activations   at most 9 + ")
    assert most.endswith(" per item of urls")


@pytest.mark.parametrize(
    ("join", "line"),
    [
        ("3", "3 results are enough"),
        ("enough", "enough() results are enough"),
        ('"none"', "nothing waits for them"),
    ],
)
def test_how_many_results_a_map_waits_for_is_told(here: Path, join: str, line: str):
    (here / "site.py").write_text(composed(join))
    assert f"                {line}" in ran("check", "site.py:graph").stdout.splitlines()
    assert "are enough" not in ran("check", "loop.py:graph").stdout


def test_as_json_there_is_what_each_item_adds(here: Path):
    (here / "site.py").write_text(composed("2"))
    told = json.loads(ran("check", "site.py:graph", "--json").stdout)
    (each,) = told["maps"]
    assert (each["name"], each["over"], each["into"], each["join"]) == ("visit", "urls", "counts", 2)
    assert told["most_activations"] is None
    assert [term["maps"] for term in told["bound"]["terms"]] == [[], ["visit"]]
    assert len(told["subgraphs"]) == 19


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
