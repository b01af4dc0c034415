import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backedge import END, START, Graph
from backedge.engine.definition import usable_name
from backedge.engine.render import OUTPUTS, RenderError, render, stack
from backedge.engine.render import svg as module
from backedge.engine.render.dot import dot_source
from backedge.engine.render.picture import Box, Kind, Picture, Ring, Status
from backedge.engine.render.svg import laid_out
from backedge.engine.render.theme import DARK, TINTS
from backedge.engine.render.wording import clean, wrap

from ..sizes import examples
from .samples import SVG, Counts, fan_out, group, loop, nested, picture, ran, svg, texts, until

NASTY = [*"<>&\"'{}|\\;%$`=*é漢🙂\u202e", "&lt;", "&#65;", "\\N", "\\l", "<b>", "]]>", "-->", "nGLET"]
names = st.lists(st.sampled_from(NASTY), min_size=1, max_size=8).map("".join).filter(usable_name)
labels = st.lists(
    st.sampled_from([*NASTY, "\n", "\t", " ", "\x00", "\x1b", "\ud800", "x" * 50]), max_size=10
).map("".join)


async def test_the_picture_of_a_run_says_everything_at_its_place(tmp_path: Path):
    flow = loop(passes=3)
    root = svg(flow, tmp_path, await ran(flow, {"spec": "x"}))
    coder = texts(group(root, "coder"))
    assert coder == [
        "coder",
        "async",
        "reads spec, feedback",
        "writes code",
        "✓ done",
        "4× · 20 s · last 5 s",
    ]
    assert texts(group(root, "checker->coder")) == ["not report.passed", "↻ 3 of 8"]
    assert texts(group(root, "loop coder · 4 rounds")) == ["↻ loop coder · 4 rounds"]
    everything = texts(root)
    assert "Build" in everything
    assert "✓ completed" in everything
    assert any(line.startswith("run demo · 1 min 32 s · 12 activations") for line in everything)
    assert everything.count("✓ done") == 4  # three nodes and the legend


async def test_tooltips_tell_each_activation(tmp_path: Path):
    flow = loop(passes=2)
    root = svg(flow, tmp_path, await ran(flow, {"spec": "x"}))
    tooltip = group(root, "coder").findtext(f"{SVG}title", "").split("\n")
    assert tooltip[-3:] == ["coder@0 ✓ done · 5 s", "coder@1 ✓ done · 5 s", "coder@2 ✓ done · 5 s"]


async def test_of_very_many_activations_the_tooltip_tells_the_first_and_the_last(tmp_path: Path):
    flow = fan_out(100)
    root = svg(flow, tmp_path, await ran(flow))
    (pile,) = [
        title.text.split("\n")
        for title in root.iter(f"{SVG}title")
        if title.text.startswith("100 nodes: w0, w1")
    ]
    assert pile[-13:] == ["… 82 more …", *(f"w{number} ✓ done · 3 s" for number in range(88, 100))]


def test_the_picture_has_a_name_and_a_description_for_those_who_cannot_see_it(tmp_path: Path):
    root = svg(loop(), tmp_path)
    assert root.get("role") == "img"
    ids = root.get("aria-labelledby").split()
    first, second = root[0], root[1]
    assert [first.tag, second.tag] == [f"{SVG}title", f"{SVG}desc"]
    assert [first.get("id"), second.get("id")] == ids
    assert first.text.strip() == "Build"
    assert second.text == "5 nodes; 5 edges; inputs: spec; loop coder"


async def test_every_colour_has_a_counterpart_for_dark_viewers(tmp_path: Path):
    flow = fan_out(3, broken=1)
    root = svg(flow, tmp_path, await ran(flow))
    used = {each.get(what) for each in root.iter() for what in ("fill", "stroke")} - {
        None,
        "none",
        "transparent",
    }
    assert used <= set(DARK), "a colour without a role"
    assert len(used) > 10
    style = root.find(f"{SVG}style").text
    assert "prefers-color-scheme:dark" in style
    for colour in used:
        assert f'[fill="{colour}"]{{fill:{DARK[colour]}}}' in style


def test_every_status_has_colours_of_its_own_and_a_symbol_of_its_own():
    assert len({status.symbol for status in Status}) == len(Status)
    assert len({TINTS[status] for status in Status}) == len(Status)
    assert all({tint.ground, tint.border, tint.text} <= set(DARK) for tint in TINTS.values())


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_stands_out_from_its_ground_by_the_accessibility_guidelines():
    for tint in TINTS.values():
        assert _contrast(tint.text, tint.ground) >= 4.0
        assert _contrast(DARK[tint.text], DARK[tint.ground]) >= 4.0


async def test_the_node_at_work_is_marked_by_more_than_colour(tmp_path: Path):
    flow = loop()
    root = svg(flow, tmp_path, until(await ran(flow, {"spec": "x"}), "coder", times=2))
    assert "▶ running in round 1" in texts(group(root, "interpreter"))
    widths = {
        name: group(root, name).find(f".//{SVG}path").get("stroke-width") for name in ("coder", "interpreter")
    }
    assert widths == {"coder": None, "interpreter": "2.4"}


def test_feedback_is_dashed_errors_are_dotted_and_the_rest_is_solid(tmp_path: Path):
    graph = Graph(Counts)

    @graph.node
    async def risky() -> None: ...

    @graph.node
    async def mend(error: OSError) -> None: ...

    graph.chain(START, risky)
    graph.edge(risky, END, when=lambda inner: inner > 2)
    graph.on_error(risky, mend, error=OSError)
    graph.feedback(risky, risky, when=lambda inner: inner < 3, limit=2)
    graph.chain(mend, END)
    root = svg(graph.compile(), tmp_path)

    def dashes(name: str) -> str | None:
        return group(root, name).find(f".//{SVG}path").get("stroke-dasharray")

    assert dashes("risky->END") is None
    assert dashes("risky->risky") is not None
    assert dashes("risky->mend!OSError") is not None
    assert dashes("risky->risky") != dashes("risky->mend!OSError")


def test_feedback_leads_upwards(tmp_path: Path):
    root = svg(loop(), tmp_path)
    heights = {
        name: float(next(iter(group(root, name).iter(f"{SVG}text"))).get("y"))
        for name in ("coder", "interpreter", "checker")
    }
    assert heights["coder"] < heights["interpreter"] < heights["checker"]
    tip = group(root, "checker->coder").find(f".//{SVG}polygon").get("points").split()
    assert abs(float(tip[0].split(",")[1]) - heights["coder"]) < abs(
        float(tip[0].split(",")[1]) - heights["checker"]
    )


def test_nothing_but_nodes_edges_and_loops_has_a_tooltip(tmp_path: Path):
    root = svg(loop(), tmp_path)
    parts = [each for each in root.iter(f"{SVG}g") if each.find(f"{SVG}title") is not None]
    assert len(parts) == 5 + 5 + 1
    assert root.find(f"{SVG}g").find(f"{SVG}title") is None


def test_loops_are_frames_within_frames(tmp_path: Path):
    root = svg(nested(), tmp_path)

    def extent(name: str) -> tuple[float, float]:
        numbers = [
            float(n) for n in re.findall(r"-?[\d.]+", group(root, name).find(f"{SVG}path").get("d"))[1::2]
        ]
        return min(numbers), max(numbers)

    outer, inner = extent("loop begin"), extent("loop turn")
    assert outer[0] < inner[0] < inner[1] < outer[1]


def test_no_trace_of_the_layout_program_is_left_that_would_change_with_its_version(tmp_path: Path):
    render(loop().graph, tmp_path / "x.svg")
    assert "graphviz" not in (tmp_path / "x.svg").read_text().lower()


# --------------------------------------------------------------------------- escaping


titles = labels.filter(lambda text: "\ud800" not in text)  # a title that cannot be stored is refused


@given(names, labels, titles, st.sampled_from([".svg", ".mmd", ".txt", ".json", ".dot"]))
@settings(
    max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_written_on_a_node_or_an_edge_can_be_drawn(
    tmp_path: Path, name: str, label: str, title: str, suffix: str
):
    graph = Graph(Counts, name=title or "g")
    node = graph.node(lambda inner: 1, name=name, writes="inner")
    graph.chain(START, node)
    graph.edge(node, END, when=lambda inner: inner > 2, label=label)
    graph.feedback(node, node, when=lambda inner: inner < 3, limit=2, label=label)
    flow = graph.compile()
    if suffix != ".svg":
        render(flow.graph, tmp_path / f"x{suffix}")
        return
    root = svg(flow, tmp_path)
    shown = "".join(texts(group(root, clean(name)))).replace("\u200b", "")
    assert shown.startswith("".join(wrap(name, 30)))
    edge = "".join(texts(group(root, clean(f"{name}->END")))).replace("\u200b", "").replace("\xa0", " ")
    expected = "".join(wrap(label, 28, 4)) if label else "inner > 2"
    assert edge.split() == expected.split()


def test_names_that_look_like_entities_are_shown_as_they_are(tmp_path: Path):
    graph = Graph(Counts)
    node = graph.node(lambda: None, name="&lt;&amp;&quot;")
    graph.chain(START, node, END)
    root = svg(graph.compile(), tmp_path)
    assert texts(group(root, "&lt;&amp;&quot;"))[0].replace("\u200b", "") == "&lt;&amp;&quot;"


@given(names)
@settings(max_examples=examples(6), deadline=None)
def test_tooltips_of_dot_files_are_taken_literally(name: str):
    box = Box(name, (name,), Kind.ASYNC)
    source = dot_source(Picture("t", None, "", (), (box,), (), ()))
    drawn = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True)
    assert drawn.stderr == b""
    found = {each.get("{http://www.w3.org/1999/xlink}title") for each in ET.fromstring(drawn.stdout).iter()}
    assert clean(name).replace("\\", "∖") in {(each or "").split("\n")[0] for each in found}


def test_very_long_texts_are_cut_and_stay_whole_in_the_tooltip(tmp_path: Path):
    graph = Graph(Counts, name="T" * 500)
    node = graph.node(lambda: None, name="n" * 200)
    graph.chain(START, node)
    graph.edge(node, END, label="l" * 500, when=lambda: True)
    root = svg(graph.compile(), tmp_path)
    assert max(map(len, texts(root))) <= 90
    assert group(root, "n" * 200) is not None
    assert float(root.get("width").removesuffix("pt")) < 900


# --------------------------------------------------------------------------- the program


def test_a_missing_dot_is_one_error_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for suffix in (".svg", ".png", ".pdf"):
        with pytest.raises(RenderError, match=r"needs Graphviz.*apt install graphviz.*\.mmd, \.dot"):
            render(loop().graph, tmp_path / f"x{suffix}")
    for suffix in (".mmd", ".dot", ".gv", ".txt", ".json"):
        render(loop().graph, tmp_path / f"x{suffix}")


def _fake_dot(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "dot").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_dot_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _fake_dot(tmp_path, "cat >/dev/null; echo 'Error: out of paper' >&2; exit 3", monkeypatch)
    with pytest.raises(
        RenderError, match="could not draw 5 nodes and 5 edges: Error: out of paper; render to .txt"
    ):
        render(loop().graph, tmp_path / "x.svg")
    _fake_dot(tmp_path, "cat >/dev/null; exit 3", monkeypatch)
    with pytest.raises(RenderError, match="exit status 3"):
        render(loop().graph, tmp_path / "x.svg")
    assert not (tmp_path / "x.svg").exists()


def test_a_dot_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _fake_dot(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(module, "LAYOUT_SECONDS", 0.05)
    with pytest.raises(RenderError, match="did not lay out 5 nodes and 5 edges within 0.05 s"):
        render(loop().graph, tmp_path / "x.svg")


def test_a_dot_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "dot").write_text("no program")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RenderError, match="cannot be started: Exec format error"):
        render(loop().graph, tmp_path / "x.svg")


# --------------------------------------------------------------------------- size


async def test_a_wide_fan_out_is_a_small_picture(tmp_path: Path):
    flow = fan_out(400)
    svg(flow, tmp_path, await ran(flow))
    assert (tmp_path / "x.svg").stat().st_size < 20_000


def test_a_graph_of_many_different_nodes_is_drawn_whole(tmp_path: Path):
    graph = Graph(Counts)
    nodes = [graph.node(lambda: None, name=f"n{number}", timeout=number + 1) for number in range(210)]
    for node in nodes:
        graph.chain(START, node, END)
    drawn = picture(graph.compile())
    assert stack(drawn) is drawn
    root = svg(graph.compile(), tmp_path)
    assert sum(each.get("class") == "node" for each in root.iter(f"{SVG}g")) == 212


def test_other_formats_are_what_their_suffix_says(tmp_path: Path):
    magic = {".png": b"\x89PNG", ".pdf": b"%PDF", ".dot": b"digraph", ".gv": b"digraph"}
    for suffix, begin in magic.items():
        render(loop().graph, tmp_path / f"x{suffix}")
        assert (tmp_path / f"x{suffix}").read_bytes().startswith(begin)
    assert set(magic) < set(OUTPUTS)


def test_a_node_of_an_inner_loop_alone_is_drawn():
    box = Box("a", ("a",), Kind.ASYNC, loops=("o", "i"), around="loop i")
    rings = (Ring("o", None, ("o",), key="loop o"), Ring("i", "o", ("i",), key="loop i", around="loop o"))
    drawn = laid_out(Picture("t", None, "", (), (box,), (), rings), "svg")
    assert b">a</text>" in drawn
