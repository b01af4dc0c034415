"""Tools that are more dangerous than an agent may be ask a person first."""

import json

import pytest

from backedge import RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent, Leave
from backedge.nodes.agents.asking import allowed
from backedge.nodes.tools import tool
from backedge.providers import ScriptedModel

from .scripts import call, calls, flow_of, ran, told_last


def writer(made, **more):
    @tool(name="write", **more)
    async def write(path: str) -> str:
        """Write."""
        made.append(path)
        return f"wrote {path}"

    return write


def wants(*paths):
    return calls(*(call("write", json.dumps({"path": path}), path) for path in paths))


async def test_a_tool_that_is_too_dangerous_runs_when_a_person_says_so():
    made = []
    model = ScriptedModel([wants("a"), "ok"])
    flow = flow_of(Agent(model, [writer(made, permission="write")], name="ann"))
    journal = MemoryJournal()
    result = await flow.run({}, journal=journal, run_id="r")
    assert result.status is RunStatus.SUSPENDED
    assert [q.text for q in result.questions] == [
        'ann wants to call write, which may write, with {"path": "a"}'
    ]
    assert not made
    result = await flow.resume("r", journal=journal, answers={"ann": True})
    assert (made, result.state.answer) == (["a"], "ok")
    assert await flow.replay("r", journal=journal, rerun="all")
    assert made == ["a"]


async def test_a_tool_that_says_nothing_of_itself_asks_whatever_the_agent_may():
    made = []
    model = ScriptedModel([wants("a"), "ok"])
    result = await ran(Agent(model, [writer(made)], allow="execute"), answers=lambda text: "once")
    assert made == ["a"]
    made.clear()
    model = ScriptedModel([wants("a"), "ok"])
    assert (await ran(Agent(model, [writer(made)], allow="anything"))).status is RunStatus.COMPLETED
    assert made == ["a"]
    assert result.state.answer == "ok"


async def test_a_rejection_and_its_reason_are_told_to_the_model():
    made = []
    model = ScriptedModel([wants("a", "b"), "ok"])
    said = {"a": {"approve": False, "reason": "not there"}, "b": False}

    def answers(text):
        return said["a" if '"a"' in text else "b"]

    await ran(Agent(model, [writer(made, permission="write")]), answers=answers)
    one, other = told_last(model)
    assert one.failed
    assert one.text == "write was not called, a person said no: not there"
    assert other.text == "write was not called, a person said no"
    assert not made


async def test_who_says_always_is_not_asked_again_in_this_turn_in_later_ones_and_in_later_rounds():
    made, asked = [], []
    model = ScriptedModel([wants("a", "b"), wants("c"), "ok", wants("d"), "ok"])
    agent = Agent(model, [writer(made, permission="execute")])

    def answers(text):
        asked.append(text)
        return "always"

    result = await ran(agent, answers=answers)
    assert (len(asked), made) == (1, ["a", "b", "c"])
    assert Leave(agent="agent", tool="write") in result.state.chat
    result = await ran(agent, {"chat": result.state.chat}, answers=answers)
    assert (len(asked), made) == (1, ["a", "b", "c", "d"])
    assert [entry for entry in result.state.chat if isinstance(entry, Leave)] == [
        Leave(agent="agent", tool="write")
    ]


async def test_leave_for_one_agent_is_none_for_another():
    made = []
    model = ScriptedModel([wants("a"), "ok"])
    agent = Agent(model, [writer(made, permission="write")], name="bob")
    result = await flow_of(agent).run(
        {"chat": [Leave(agent="ann", tool="write")]}, journal=MemoryJournal(), run_id="r"
    )
    assert result.status is RunStatus.SUSPENDED


async def test_tools_that_need_no_leave_are_done_while_a_person_is_asked():
    made, read = [], []

    @tool(permission="read")
    async def look(page: int) -> str:
        """Look."""
        read.append(page)
        return f"page {page}"

    wanted = [
        call("write", '{"path": "a"}', "1"),
        call("look", '{"page": 1}', "2"),
        call("write", '{"path": "b"}', "3"),
    ]
    model = ScriptedModel([calls(*wanted), "ok"])
    flow, journal = flow_of(Agent(model, [writer(made, permission="write"), look])), MemoryJournal()
    result = await flow.run({}, journal=journal, run_id="r")
    assert (read, made, len(result.questions)) == ([1], [], 1)
    result = await flow.resume("r", journal=journal, answers={result.questions[0].id: True})
    assert (read, made) == ([1], [])
    result = await flow.resume("r", journal=journal, answers={result.questions[0].id: False})
    assert (read, made) == ([1], ["a"])
    assert [(one.id, one.failed) for one in told_last(model)] == [("1", False), ("2", False), ("3", True)]


async def test_nobody_is_asked_about_arguments_that_do_not_fit():
    model = ScriptedModel([calls(call("write", '{"file": "a"}')), "ok"])
    assert (await ran(Agent(model, [writer([], permission="write")]))).status is RunStatus.COMPLETED


async def test_a_person_sees_all_of_what_is_called_and_nothing_that_can_be_read_in_two_ways():
    seen = []

    def answers(text):
        seen.append(text)
        return False

    long = "x" * 10_000
    wanted = [
        call("write", json.dumps({"path": f"a{long}b"}), "1"),
        call("write", '{\n\n"path":\n\n"ab\u202ec\u00e9"}', "2"),
        call("write", '{"path": "safe", "path": "evil"}', "3"),
    ]
    model = ScriptedModel([calls(*wanted), "ok"])
    await ran(Agent(model, [writer([], permission="write")]), answers=answers)
    assert f'{{"path": "a{long}b"}}' in seen[0]
    assert seen[1].endswith('with {"path": "ab\\u202ecé"}')
    assert len(seen) == 2
    assert told_last(model)[2].text == "write was not called, of its arguments: the key 'path' comes twice"


def test_one_permission_holds_those_that_are_less_dangerous_and_several_are_exactly_these():
    assert allowed("read") == {"read"}
    assert allowed("network") == {"read", "write", "network"}
    assert allowed(("network", "read")) == {"read", "network"}
    assert allowed(()) == frozenset()
    assert allowed("anything") == {"read", "write", "network", "execute", None}
    with pytest.raises(ValueError, match="'all'"):
        allowed(("read", "all"))
