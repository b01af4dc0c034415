import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from backedge import END, START, Graph
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.render import OUTPUTS, RenderError, outline, render, stack

from .samples import Counts, fan_out, loop, nested, picture, ran


def test_an_unknown_suffix_lists_those_known(tmp_path: Path):
    for name in ("x.jpeg", "x", ".svg"):
        with pytest.raises(
            RenderError, match=r"use one of \.svg, \.png, \.pdf, \.dot, \.gv, \.mmd, \.txt, \.json"
        ) as caught:
            render(loop().graph, tmp_path / name)
        assert name in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_suffixes_may_be_written_large_and_paths_as_text(tmp_path: Path):
    render(loop().graph, str(tmp_path / "X.TXT"))
    assert (tmp_path / "X.TXT").read_text().startswith("Build")


def test_a_path_that_cannot_be_written_is_one_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.txt").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "ring.txt").symlink_to(tmp_path / "ring.txt")
    before = sorted(tmp_path.iterdir())
    for name, why in (
        ("no/x.txt", "there is no folder"),
        ("file/x.txt", "there is no folder"),
        ("folder.txt", "it is a folder"),
        ("n" * 300 + ".txt", "File name too long"),
        ("pipe.txt", "it is a device or a pipe"),
        ("ring.txt", "Symlink loop"),
        ("a\0.txt", "null"),
    ):
        with pytest.raises(RenderError, match=why) as caught:
            render(loop().graph, tmp_path / name)
        assert repr(name)[1:-1] in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "pipe.txt").is_fifo()


def test_when_writing_fails_the_old_picture_stays_and_nothing_else_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    target = tmp_path / "x.txt"
    target.write_text("old")

    def full(self: Path, other: Path) -> Path:
        assert other == target
        assert self.read_text().startswith("Build")  # it was whole before it was put in place
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RenderError, match="No space left on device"):
        render(loop().graph, target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    render(loop().graph, tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text().startswith("Build")


# --------------------------------------------------------------------------- the same picture each time


def shuffled(seed: int) -> Graph[Counts]:
    """The same graph, declared in another order."""
    order = random.Random(seed)
    graph = Graph(Counts, name="shuffled")
    names = ["b", "a10", "a9", "c", "d", "e"]
    nodes = {name: graph.node(lambda inner: None, name=name, inline=True) for name in order.sample(names, 6)}
    declare = [
        lambda: graph.edge(START, nodes["b"]),
        lambda: graph.edge(nodes["b"], nodes["a10"]),
        lambda: graph.edge(nodes["b"], nodes["a9"]),
        lambda: graph.edge(nodes["a10"], nodes["c"]),
        lambda: graph.edge(nodes["a9"], nodes["c"]),
        lambda: graph.feedback(nodes["c"], nodes["b"], when=lambda inner: inner < 3, limit=3),
        lambda: graph.edge(nodes["c"], nodes["d"], when=lambda inner: inner > 3),
        lambda: graph.switch(
            nodes["d"], dict.fromkeys(order.sample([1, 2, 3], 3), nodes["e"]), on="inner", default=END
        ),
        lambda: graph.edge(nodes["e"], END),
    ]
    for step in order.sample(declare, len(declare)):
        step()
    return graph


@pytest.mark.parametrize("suffix", [suffix for suffix in OUTPUTS if suffix != ".pdf"])  # which tells the time
def test_the_order_of_declaration_does_not_change_a_byte(suffix: str, tmp_path: Path):
    drawn = set()
    for seed in range(3):
        render(shuffled(seed).compile().graph, tmp_path / f"x{suffix}")
        drawn.add((tmp_path / f"x{suffix}").read_bytes())
    assert len(drawn) == 1


async def test_a_run_is_drawn_the_same_from_any_journal(tmp_path: Path):
    flow = loop()
    async with MemoryJournal() as memory:
        await flow.run({"spec": "x"}, journal=memory, run_id="demo")
        flow.render(tmp_path / "memory.svg", run="demo", journal=memory)
        records = await memory.read("demo")
    render(flow.graph, tmp_path / "records.svg", run_id="demo", records=records)
    assert (tmp_path / "memory.svg").read_bytes() == (tmp_path / "records.svg").read_bytes()
    async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
        await flow.run({"spec": "x"}, journal=journal, run_id="demo")
    flow.render(tmp_path / "sqlite.txt", run="demo", journal=tmp_path / "runs.db")
    assert "coder  (3 of 8)" in (tmp_path / "sqlite.txt").read_text().replace("when not report.passed  ", "")


def test_importing_backedge_loads_neither_graphviz_nor_networkx():
    code = (
        "import sys, backedge, backedge.engine.render, backedge.engine.analysis; print(sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'backedge.engine.render.dot'" in loaded
    assert "'graphviz'" not in loaded
    assert "'networkx'" not in loaded


# --------------------------------------------------------------------------- outlines


async def test_the_outline_tells_nodes_runs_and_where_edges_lead():
    flow = loop(passes=1)
    text = outline(stack(picture(flow, await ran(flow, {"spec": "x"}))))
    assert (
        text
        == """\
Build ✓ completed
run demo · 46 s · 6 activations · began 1970-01-12 13:46:40 UTC

✓ START
    → coder  (1×)
↻ loop coder · 2 rounds
  ✓ coder · async
      reads spec, feedback; writes code
      done · 2× · 10 s · last 5 s
      → interpreter  (2×)
  ✓ interpreter · async
      reads code; writes report
      done · 2× · 22 s · last 11 s
      → checker  (2×)
  ✓ checker · async
      reads report; writes feedback
      done · 2× · 14 s · last 7 s
      ↻ coder  when not report.passed  (1 of 8)
      → END  when report.passed  (1×)
✓ END
"""
    )


def test_the_outline_of_a_graph_without_a_run_tells_the_graph_alone():
    text = outline(picture(nested()))
    assert "↻ loop begin\n  begin · inline\n" in text
    assert "  ↻ loop turn\n    turn · inline\n" in text
    assert "↻ turn  when inner % 3 != 0  (≤ 5)" in text
    assert "✓" not in text
    assert "×" not in text


async def test_the_outline_tells_what_was_not_taken_and_what_failed():
    flow = fan_out(2, broken=1)
    text = outline(picture(flow, await ran(flow)))
    assert (
        "✗ w1 · inline\n    writes inner\n    failed · 1× · 2 s · 1 failed attempt · ZeroDivisionError: none\n"
        in text
    )
    assert "→ join  (not taken)" in text


# --------------------------------------------------------------------------- mermaid and JSON


async def test_mermaid_source_has_a_node_a_link_and_a_class_for_each(tmp_path: Path):
    flow = loop(passes=1)
    render(flow.graph, tmp_path / "x.mmd", run_id="demo", records=await ran(flow, {"spec": "x"}))
    lines = (tmp_path / "x.mmd").read_text().splitlines()
    assert lines[:3] == ["---", 'title: "Build · ✓ completed"', "---"]
    assert "flowchart TD" in lines
    assert '  subgraph loop0 ["loop coder · 2 rounds"]' in lines
    assert (
        '    n1("coder<br/>async<br/>reads spec, feedback<br/>writes code<br/>✓ done<br/>2× · 10 s · last 5 s")'
        in lines
    )
    assert '  n3 -.->|"not report.passed<br/>↻ 1 of 8"| n1' in lines
    assert "  class n1 done" in lines
    assert "  linkStyle 3 stroke:#6d3fc4,stroke-width:2px" in lines
    links = [line for line in lines if "->" in line]
    assert links.index('  n3 -.->|"not report.passed<br/>↻ 1 of 8"| n1') == 3  # what linkStyle counts


def test_mermaid_texts_hold_nothing_that_means_something_there(tmp_path: Path):
    graph = Graph(Counts, name='a"b\n---\n{')
    node = graph.node(lambda: None, name='x"|end<script>`%%{;')
    graph.chain(START, node)
    graph.edge(node, END, when=lambda: True, label='"|a<b>#quot;')
    render(graph.compile().graph, tmp_path / "x.mmd")
    text = (tmp_path / "x.mmd").read_text()
    assert 'n1("x#34;#124;end#60;script#62;#96;#37;#37;#123;#59;<br/>' in text
    assert '|"#34;#124;a#60;b#62;#35;quot#59;"|' in text
    assert text.splitlines()[:3] == ["---", 'title: "a\\x22b --- \\x7b"', "---"]


def test_mermaid_texts_are_not_taken_for_markdown(tmp_path: Path):
    graph = Graph(Counts)
    node = graph.node(lambda: None, name="_a_b_")
    graph.chain(START, node)
    graph.edge(node, END, when=lambda: True, label="1. one")
    render(graph.compile().graph, tmp_path / "x.mmd")
    text = (tmp_path / "x.mmd").read_text()
    assert '("#95;a_b#95;<br/>' in text
    assert '|"1#46; one"|' in text


async def test_json_holds_the_whole_picture_unstacked(tmp_path: Path):
    flow = fan_out(20)
    render(flow.graph, tmp_path / "x.json", run_id="demo", records=await ran(flow))
    told = json.loads((tmp_path / "x.json").read_text())
    assert told["version"] == 1
    assert told["status"] == "done"
    assert told["run"] == "completed"
    assert len(told["boxes"]) == 24
    worker = next(box for box in told["boxes"] if box["id"] == "w7")
    assert (worker["kind"], worker["status"], worker["runs"], worker["seconds"]) == ("inline", "done", 1, 2.0)
    assert told["arrows"][0]["kind"] == "plain"
