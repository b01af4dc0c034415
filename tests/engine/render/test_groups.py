import json
import re
from pathlib import Path
from typing import Literal

import pytest

from backedge import END, START, Goto, Graph
from backedge.engine.records import ActivationCancelled, ActivationId, NodeFinished, RunEnded
from backedge.engine.render import outline, render
from backedge.engine.render.dot import dot_source
from backedge.engine.render.groups import tallied
from backedge.engine.render.mermaid import mermaid_source
from backedge.engine.render.picture import ArrowKind, Kind, Status

from .composed import Build, Log, crawl, deep, halves, lint, raced, repaired, twice
from .samples import picture, ran, svg, texts


def box(drawn, name):
    return next(each for each in drawn.boxes if each.id == name)


def groups(drawn):
    return {each.name: each for each in drawn.groups}


# --------------------------------------------------------------------------- the graph


def test_a_subgraph_is_a_frame_around_its_nodes_and_its_loops():
    drawn = picture(twice())
    assert [(each.name, each.title, each.around) for each in drawn.groups] == [
        ("tidy", "tidy · lint", "loop coder"),
        ("polish", "polish · lint", "loop coder"),
    ]
    assert box(drawn, "tidy/fix").around == "loop tidy/fix"
    rings = {ring.name: ring for ring in drawn.rings}
    assert (rings["tidy/fix"].around, rings["tidy/fix"].title) == ("tidy", "loop fix")
    assert (box(drawn, "tidy").around, box(drawn, "coder").around) == ("tidy", "loop coder")


def test_what_is_inside_is_called_without_the_path_and_its_ways_in_and_out_are_small():
    drawn = picture(twice())
    fix = box(drawn, "tidy/fix")
    assert (fix.title, fix.reads, fix.writes, fix.small) == ("fix", ("code",), ("code",), False)
    assert [(box(drawn, name).title, box(drawn, name).kind) for name in ("tidy", "tidy/END")] == [
        ("START", Kind.PORT),
        ("END", Kind.PORT),
    ]


def test_a_map_says_what_it_goes_over_and_what_becomes_of_the_results():
    (worker,) = picture(crawl()).groups
    assert worker.title == "worker · page · each url of urls · into pages · errors collected"
    half = box(picture(halves()), "half")
    assert (half.title, half.reads, half.writes) == ("half", ("number",), ("found",))


def test_drawings_leave_out_what_only_the_engine_needs_and_data_does_not(tmp_path: Path):
    drawn = picture(crawl())
    assert "worker/ERROR" in {each.id for each in drawn.boxes}
    left = drawn.drawn()
    assert "worker/ERROR" not in {each.id for each in left.boxes}
    assert not any((each.source, each.target) == ("worker/MAP", "worker/JOIN") for each in left.arrows)
    assert not any(arrow.kind is ArrowKind.ERROR for arrow in left.arrows)
    render(crawl().graph, tmp_path / "x.json")
    assert "worker/ERROR" in {each["id"] for each in json.loads((tmp_path / "x.json").read_text())["boxes"]}


def test_the_errors_of_a_whole_subgraph_are_one_arrow():
    drawn = picture(repaired())
    (out,) = [arrow for arrow in drawn.arrows if arrow.kind is ArrowKind.ERROR]
    assert (out.leaves, out.source, out.target, out.label, len(out.ids)) == (
        "tidy",
        "tidy/END",
        "mend",
        "on Exception",
        2,
    )
    source = dot_source(drawn)
    assert "compound=true" in source
    assert re.search(r"ltail=cluster_g0", source)
    assert "group0 -.->" in mermaid_source(drawn)
    assert "□ tidy · lint\n      ✗ mend  on Exception" in outline(drawn)


def test_a_loop_that_holds_a_part_of_a_subgraph_is_called_like_it():
    ring = next(each for each in picture(repaired()).rings if each.name == "tidy")
    assert (ring.title, ring.around, ring.framed) == ("loop tidy", "", True)


def test_graphs_within_graphs_are_frames_in_frames():
    drawn = picture(deep(2))
    assert [(each.name, each.around) for each in drawn.groups] == [("again", ""), ("again/again", "again")]
    assert box(drawn, "again/again/again").title == "again (no deeper)"
    text = outline(drawn)
    assert "\n□ again · deep\n" in text
    assert "\n  □ again · deep\n" in text


def test_how_a_node_joins_is_told_in_a_few_words():
    graph = Graph(Log)
    sources = [graph.node(lambda: None, name=name, inline=True) for name in "abc"]
    joins = {
        "first": {"join": "first", "rest": "wait"},
        "two": {"join": 2},
        "each": {"join": "each"},
        "all": {"join": "all"},
    }
    for name, options in joins.items():
        node = graph.node(lambda: None, name=name, inline=True, **options)
        for source in sources:
            graph.edge(source, node)
        graph.edge(node, END)
    for source in sources:
        graph.edge(START, source)
    drawn = picture(graph.compile())
    assert {name: box(drawn, name).traits[1:] for name in joins} == {
        "first": ("first of 3, rest awaited",),
        "two": ("first 2 of 3",),
        "each": ("once for each arrival",),
        "all": (),
    }


def test_an_end_that_the_first_one_reaches_says_so():
    graph = Graph(Log, end="first")
    for name in "ab":
        graph.chain(START, graph.node(lambda: None, name=name, inline=True), END)
    assert box(picture(graph.compile()), "END").title == "END (first)"


def test_what_cancels_what_has_a_line_of_its_own_that_moves_nothing():
    drawn = picture(raced())
    cancels = {arrow.to: arrow for arrow in drawn.arrows if arrow.kind is ArrowKind.CANCEL}
    assert (cancels["watch"].enters, cancels["slow"].enters) == ("watch", "")
    assert cancels["watch"].label == "len(log) > 1"
    lines = [line for line in dot_source(drawn).splitlines() if "constraint=false" in line]
    assert len(lines) == 2
    assert all("style=dotted" in line and "arrowhead=none" in line and "×" in line for line in lines)
    assert sum("lhead=cluster_g0" in line for line in lines) == 1
    assert mermaid_source(drawn).count("-.-x") == 2
    assert "⊘ slow\n" in outline(drawn)
    assert "⊘ watch  when len(log) > 1" in outline(drawn)
    assert ArrowKind.CANCEL in drawn.legend


def test_a_map_that_is_completed_says_so():
    cancels = [arrow for arrow in picture(raced(complete=True)).arrows if arrow.enters == "watch"]
    assert [arrow.label for arrow in cancels] == ["completes: len(log) > 1"]


def test_edges_that_goto_chooses_look_like_those_of_a_switch():
    graph = Graph(Log)

    def triage(log: list[str]) -> Goto[Literal["yes", "no"]]:
        return Goto("yes")

    route = graph.node(triage, inline=True)
    graph.edge(START, route)
    for name in ("yes", "no"):
        graph.chain(route, graph.node(lambda: None, name=name, inline=True), END)
    drawn = picture(graph.compile())
    chosen = [arrow for arrow in drawn.arrows if arrow.source == "triage"]
    assert [(arrow.kind, arrow.label) for arrow in chosen] == [(ArrowKind.CONDITION, "chosen")] * 2
    assert box(drawn, "triage").writes == ()


@pytest.mark.parametrize("flow", [twice, crawl, halves, repaired, deep, raced])
def test_every_frame_and_every_box_is_drawn_once(flow, tmp_path: Path):
    drawn = picture(flow()).drawn()
    root = svg(flow(), tmp_path)
    ids = [each.get("id") for each in root.iter("{http://www.w3.org/2000/svg}g") if each.get("id")]
    assert sum(name.startswith("node") for name in ids) == len(drawn.boxes)
    assert sum(name.startswith("group") for name in ids) == len(drawn.groups)
    source = mermaid_source(drawn)
    opened = [line for line in source.splitlines() if line.lstrip().startswith("subgraph ")]
    assert len(opened) == len([line for line in source.splitlines() if line.strip() == "end"])
    assert len(opened) == len(drawn.groups) + len(drawn.rings)


# --------------------------------------------------------------------------- a run


async def test_rounds_and_laps_in_a_subgraph_count_for_each_entry():
    flow = twice()
    drawn = picture(flow, await ran(flow, {"spec": "x"}))
    rings = {ring.name: ring.title for ring in drawn.rings}
    assert rings["coder"] == "loop coder · 2 rounds"
    assert rings["tidy/fix"] == "loop fix · 4 rounds in 2 entries"
    (back,) = [
        arrow for arrow in drawn.arrows if arrow.target == "tidy/fix" and arrow.kind is ArrowKind.FEEDBACK
    ]
    assert back.tally == "1 of 3 at most, 2 in all"


async def test_a_map_tells_what_became_of_its_instances():
    flow = crawl()
    drawn = picture(flow, await ran(flow, {"urls": ["a", "bb"]}))
    (worker,) = drawn.groups
    assert worker.figures == ("✓ 4 done · ! 3 errors collected of 7 in 2 rounds",)
    assert worker.instances == 7
    (fan,) = [arrow for arrow in drawn.arrows if (arrow.source, arrow.target) == ("worker/MAP", "worker")]
    assert fan.tally == "7×"
    assert box(drawn, "worker/count").figures[1].endswith("· slowest 12 s")
    assert "✓ 4 done" in outline(drawn)


async def test_a_loop_in_a_map_is_entered_by_each_instance():
    graph = Graph(Build)
    many = graph.map(lint(), over=lambda: ["a", "b."], item="code", name="many", result="clean")
    graph.chain(START, many, END)
    flow = graph.compile()
    drawn = picture(flow, await ran(flow, {"spec": "x"}))
    (ring,) = drawn.rings
    assert ring.title == "loop fix · 3 rounds in 2 entries"
    (back,) = [arrow for arrow in drawn.arrows if arrow.kind is ArrowKind.FEEDBACK]
    assert (back.laps, back.entries) == (1, 1)


async def test_a_map_under_way_tells_who_still_runs_and_who_failed():
    flow = halves(broken=3)
    records = await ran(flow, {"numbers": [1, 2, 3]})
    drawn = picture(flow, records)
    (half,) = drawn.groups
    assert half.figures[0].endswith("✗ 1 failed of 3")
    begun = [r for r in records if not isinstance(r, RunEnded)][:2]
    assert isinstance(begun[1], NodeFinished)
    drawn = picture(flow, begun)
    assert drawn.groups[0].figures == ("▶ 3 running of 3",)
    assert box(drawn, "half").figures == ("▶ running in 3 instances",)


async def test_cancelled_instances_are_counted():
    flow = halves()
    records = await ran(flow, {"numbers": [1, 2]})
    gone = ActivationId("half", (), ("1",))
    changed = [
        ActivationCancelled(r.seq, gone, r.ended)
        if isinstance(r, NodeFinished) and r.activation == gone
        else r
        for r in records
    ]
    drawn = picture(flow, changed)
    assert drawn.groups[0].figures == ("✓ 1 done · ⊘ 1 cancelled of 2",)


async def test_a_map_of_an_empty_list_says_so_and_one_not_reached_says_nothing():
    flow = halves()
    assert picture(flow, await ran(flow, {"numbers": []})).groups[0].figures == ("no items",)
    assert picture(flow, [(await ran(flow, {"numbers": []}))[0]]).groups[0].instances == 0


def test_instances_are_tallied_by_status():
    assert tallied([Status.DONE]) == "✓ 1 of 1 done"
    assert tallied([Status.DONE] * 2000) == "✓ all 2,000 done"
    assert tallied([Status.HANDLED, Status.DONE]) == "✓ 1 done · ! 1 error handled of 2"


async def test_the_picture_of_a_map_says_it_in_its_first_and_last_box(tmp_path: Path):
    flow = halves()
    root = svg(flow, tmp_path, await ran(flow, {"numbers": [4, 6]}))
    shown = "".join(texts(root)).replace("\u00a0", " ")
    assert "each number of numbers" in shown
    assert "✓ all 2 done" in shown
    assert "into found" in shown
