"""The loop of four roles, whoever fills them."""

from functools import partial

import pytest

from backedge import LoopLimitError, NodeRaisedError, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import (
    Agent,
    Report,
    Review,
    adversarial_loop,
    check_report,
    checker_agent,
    code_interpreter,
)
from backedge.nodes.cases import Outcome, Trial
from backedge.nodes.sandbox import Limits
from backedge.nodes.tools import tool
from backedge.providers import ScriptedModel
from backedge.providers.errors import OverloadedError

from .scripts import call, calls

TEST = "from program import double\nassert double(4) == 8, double(4)\n"


def block(code):
    return f"Here it is:\n```python\n{code}\n```\n"


def review(wrong=""):
    return Review(passed=not wrong, feedback=wrong).model_dump_json()


async def done(graph, inputs=None, **resources):
    flow, journal = graph.compile(), MemoryJournal()
    result = await flow.run(inputs or {}, journal=journal, run_id="r", resources=resources)
    again = [name for name in flow.definition.nodes if name != "interpreter"]  # which may print where it ran
    report = await flow.replay("r", journal=journal, rerun=again, resources=resources)
    assert report, str(report)
    return result.state


async def test_models_fill_the_roles_and_what_is_wrong_goes_back_to_the_coder(unisolated):
    coder = ScriptedModel([block("print(1 / 0)"), block("print(2)"), block("print(3)")])
    checker = ScriptedModel([review("do not divide"), review("print three"), review()])
    spec = ScriptedModel(["It prints three."])
    graph = adversarial_loop(spec=spec, coder=coder, interpreter=unisolated, checker=checker)
    state = await done(graph, {"task": "three"})
    assert (state.passed, state.code, state.feedback) == (
        True,
        "print(3)\n",
        ["do not divide", "print three"],
    )
    assert (state.report.ok, state.specification) == (True, "It prints three.")
    assert spec.requests[0].messages[-1].text == "three"
    said = [message.text for message in coder.requests[-1].messages]
    assert said[1] == "It prints three."
    assert said[-1].startswith("That program is wrong:\nprint three")
    assert len(said) == 6, "the coder's conversation goes on"
    assert "ZeroDivisionError" in checker.requests[0].messages[-1].text


async def test_functions_fill_the_roles_and_read_what_they_like():
    rounds = []

    def spec(task: str) -> str:
        return task.upper()

    async def coder(specification: str, feedback: list[str], prefix: str) -> str:
        return f"{prefix}{specification} {len(feedback)}"

    def interpreter(code: str) -> str:
        rounds.append(code)
        return f"ran {code}"

    def checker(report: Report) -> str:
        return "" if report.text.endswith("2") else f"not two: {report.text}"

    graph = adversarial_loop(
        spec=spec, coder=partial(coder, prefix="x "), interpreter=interpreter, checker=checker
    )
    state = await done(graph, {"task": "two"})
    assert rounds == ["x TWO 0", "x TWO 1", "x TWO 2"]
    assert state.feedback == ["not two: ran x TWO 0", "not two: ran x TWO 1"]
    assert (state.passed, state.report.ok) == (True, True)


async def test_agents_with_tools_fill_the_roles():
    @tool(permission="read")
    async def look_up(word: str) -> str:
        """Look up."""
        return "three is 3"

    coder = Agent(
        ScriptedModel([calls(call("look_up", '{"word": "three"}')), block("print(3)")]), [look_up], name="ann"
    )
    sees = Agent(ScriptedModel(['{"ok": true, "text": "prints 3"}']), output=Report, name="eve")
    graph = adversarial_loop(
        spec="three",
        coder=coder,
        interpreter=sees,
        checker=checker_agent(ScriptedModel([review()]), name="bob"),
    )
    state = await done(graph)
    assert (state.passed, state.report.text) == (True, "prints 3")


async def test_models_may_be_resources_of_the_graph():
    graph = adversarial_loop(
        spec="three", coder="writer", interpreter="runner", checker=Agent("judge", output=Review)
    )
    writer, runner = ScriptedModel([block("x")]), ScriptedModel(['{"ok": true, "text": "x"}'])
    judge = ScriptedModel([review()])
    assert (await done(graph, writer=writer, runner=runner, judge=judge)).passed
    assert set(graph.resources) == {"writer", "runner", "judge"}


async def test_without_a_role_for_it_the_specification_is_given_and_a_program_that_runs_passes(unisolated):
    coder = ScriptedModel([block("def double(x): return 7"), block("def double(x): return 2 * x")])
    run = code_interpreter(unisolated, test=TEST)
    graph = adversarial_loop(coder=coder, interpreter=run)
    state = await done(graph, {"specification": "double() doubles"})
    assert state.passed
    assert "AssertionError: 7" in state.feedback[0]
    assert state.feedback[0].endswith("ended: exit status 1")


@pytest.mark.parametrize(
    ("given", "ok", "text"),
    [
        (Trial(problem="no Python"), False, "no Python"),
        (
            Trial(outcomes=(Outcome(call="f(1)", expected="2", found="3", passed=False),)),
            False,
            "f(1) should give 2",
        ),
        (
            Trial(outcomes=(Outcome(call="f(1)", expected="2", found="2", passed=True),)),
            True,
            "all cases pass",
        ),
        ("hm", True, "hm"),
    ],
)
async def test_an_interpreter_may_give_a_trial_or_a_text(given, ok, text):
    seen = []

    def checker(report: Report) -> bool:
        seen.append(report)
        return True

    await done(adversarial_loop(spec="x", coder=lambda: "x", interpreter=lambda: given, checker=checker))
    assert seen[0].ok is ok
    assert seen[0].text.startswith(text)


@pytest.mark.parametrize(
    ("given", "feedback"),
    [
        (False, "it does not do what is asked"),
        ("wrong", "wrong"),
        (Review(passed=False, feedback="no"), "no"),
    ],
)
async def test_a_checker_may_say_it_in_several_ways_and_at_the_limit_the_run_ends(given, feedback):
    graph = adversarial_loop(
        spec="x", coder=lambda: "x", interpreter=lambda: "", checker=lambda: given, limit=2
    )
    state = await done(graph)
    assert (state.passed, state.feedback) == (False, [feedback] * 3)


@pytest.mark.parametrize("given", [True, None, " ", Review(passed=True)])
async def test_a_checker_that_finds_nothing_ends_the_loop(given):
    graph = adversarial_loop(spec="x", coder=lambda: "x", interpreter=lambda: "", checker=lambda: given)
    assert (await done(graph)).feedback == []


async def test_the_limit_may_be_a_failure():
    graph = adversarial_loop(
        spec="x", coder=lambda: "x", interpreter=lambda: "", checker=lambda: False, limit=1, at_limit="fail"
    )
    with pytest.raises(RunFailedError) as caught:
        await graph.compile().run({})
    assert isinstance(next(iter(caught.value.failures.values())), LoopLimitError)


@pytest.mark.parametrize(
    ("role", "what"),
    [
        ("coder", "a program as text"),
        ("interpreter", "a Report"),
        ("checker", "a Review"),
        ("spec", "a text"),
    ],
)
async def test_a_role_that_gives_something_else_is_named(role, what):
    roles = {"spec": lambda: "x", "coder": lambda: "x", "interpreter": lambda: "x", "checker": lambda: True}
    with pytest.raises(RunFailedError, match=f"{role} should give {what}") as caught:
        await adversarial_loop(**{**roles, role: lambda: 7}).compile().run({"task": ""})
    assert isinstance(next(iter(caught.value.failures.values())), NodeRaisedError)


def test_what_cannot_fill_a_role_is_refused():
    with pytest.raises(TypeError, match="coder= wants a function, an agent or a model, not 7"):
        adversarial_loop(coder=7, interpreter=lambda: "")


async def test_a_run_whose_checker_could_not_be_reached_goes_on_with_the_checker(unisolated):
    coder = ScriptedModel([block("print(1)")])
    checker = ScriptedModel([OverloadedError("full"), review()])
    flow = adversarial_loop(spec="one", coder=coder, interpreter=unisolated, checker=checker).compile()
    journal = MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    result = await flow.resume("r", journal=journal)
    assert (result.status, result.state.passed) == (RunStatus.COMPLETED, True)
    assert len(coder.requests) == 1


async def test_an_interpreter_tells_how_a_program_ended_and_bounds_what_it_printed(unisolated):
    run = code_interpreter(unisolated, stdin="abc", limits=Limits(wall=0.5))
    assert (await run(code="print(input())")) == Report(ok=True, text="output:\nabc\n\nended: exit status 0")
    assert (await run(code="while True: pass")).text == "ended: wall limit"
    long = await run(code="print('x' * 100_000)")
    assert long.ok
    assert len(long.text) < 5000
    assert check_report(Report(ok=False, text="why")) == Review(passed=False, feedback="why")
