"""Recorded runs as regression tests."""

from typing import Any

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, InputError, JournalError, RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.testing import Unused, UnusedResourceError, assert_replays, record


class State(BaseModel):
    question: str
    answer: str = ""
    short: bool = False


class Model:
    def __init__(self) -> None:
        self.calls = 0

    async def say(self, text: str) -> str:
        self.calls += 1
        return f"answer to {text}"


def build(*, polish=str.upper, most=50, bare=False) -> Graph[State]:
    graph = Graph(State, resources={"model": Any})

    @graph.node(writes="answer")
    async def think(question: str, model: Any, ctx: Context) -> str:
        if bare:
            return await model.say(question)

        async def call(text: str) -> str:
            return await model.say(text)

        return await ctx.step("say", call, question)

    @graph.node(writes="answer")
    async def style(answer: str) -> str:
        return polish(answer)

    @graph.node(writes="short")
    async def praise() -> bool:
        return True

    graph.chain(START, think, style)
    graph.edge(style, praise, when=lambda answer: len(answer) <= most)
    graph.edge(style, END, when=lambda answer: len(answer) > most)
    graph.edge(praise, END)
    return graph


@pytest.fixture
def recording(tmp_path):
    model, file = Model(), tmp_path / "demo.jsonl"
    result = record(build(), {"question": "why"}, file, resources={"model": model})
    assert (result.state.answer, model.calls) == ("ANSWER TO WHY", 1)
    return file


def test_code_that_does_what_it_did_passes_without_the_model(recording):
    report = assert_replays(build(), recording)
    assert (report.rerun, report.conditions) == (3, 4)
    assert assert_replays(build().compile(), str(recording), rerun=(), conditions=False).rerun == 0


def test_code_that_does_something_else_fails_with_a_readable_difference(recording):
    with pytest.raises(AssertionError) as caught:
        assert_replays(build(polish=str.title), recording)
    told = str(caught.value)
    assert "record 3, style: field 'answer'" in told
    assert 'recorded: "ANSWER TO WHY"' in told
    assert 'now:      "Answer To Why"' in told
    assert "record the run anew" in told


def test_a_condition_that_decides_otherwise_fails(recording):
    with pytest.raises(AssertionError, match="recorded: style->praise\n *now: *style->END"):
        assert_replays(build(most=5), recording)
    assert_replays(build(most=5), recording, conditions=False)


def test_a_resource_that_is_used_outside_of_an_effect_is_named(recording):
    with pytest.raises(AssertionError, match=r"UnusedResourceError: resource 'model' was used \(model.say\)"):
        assert_replays(build(bare=True), recording)
    with pytest.raises(UnusedResourceError):
        Unused("model")()
    assert repr(Unused("model")) == "Unused('model')"


def test_only_some_nodes_may_be_run_and_doubles_handed_over(recording):
    assert assert_replays(build(polish=str.title), recording, rerun={"think"}).rerun == 1
    model = Model()
    with pytest.raises(AssertionError, match="without asking for 'say'"):
        assert_replays(build(bare=True), recording, resources={"model": model})
    assert model.calls == 1


def test_a_run_of_a_journal_is_as_good(tmp_path):
    path = tmp_path / "runs.db"
    flow = build().compile()
    flow.run_sync({"question": "x"}, journal=path, run_id="r", resources={"model": Model()})
    assert_replays(flow, path, run_id="r")
    with pytest.raises(TypeError, match="run_id"):
        assert_replays(flow, MemoryJournal())


def test_a_run_that_failed_is_kept_and_fails_the_same_way(tmp_path):
    def broken(text):
        raise ValueError("broken")

    file = tmp_path / "failed.jsonl"
    with pytest.raises(RunFailedError):
        record(build(polish=broken), {"question": "x"}, file, resources={"model": Model()})
    assert_replays(build(polish=broken), file)
    with pytest.raises(AssertionError, match="recorded: raised ValueError: broken"):
        assert_replays(build(), file)


def test_what_cannot_be_recorded_leaves_no_file(tmp_path):
    with pytest.raises(InputError):
        record(build(), {}, tmp_path / "none.jsonl", resources={"model": Model()})
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_recording_is_refused(tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_text("{}\n")
    with pytest.raises(JournalError):
        assert_replays(build(), file)


async def test_it_works_where_an_event_loop_runs(recording):
    assert assert_replays(build(), recording)
