"""The loop of four roles: one says what to build, one builds it, one runs it, and one looks for what is wrong with it.

What the checker finds goes back to the coder over a feedback edge, until it finds nothing or the limit is reached.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel

from backedge.engine.compiler.signatures import is_async, read_signature
from backedge.engine.graph import END, START, Graph
from backedge.engine.node import Node
from backedge.engine.state.reducers import extend
from backedge.nodes.cases import Trial, program_in
from backedge.nodes.sandbox import Sandbox
from backedge.providers import Model

from .agent import Agent
from .conversation import Conversation
from .roles import Report, Review, check_report, checker_agent, code_interpreter, review_prompt
from .wiring import as_node

Role: TypeAlias = Callable[..., Any] | Agent[Any] | Model | str
"""Who fills a role: a function of fields of `Work`, an agent, a model, or the name of the resource that is the model."""

_SPECIFY: Final = """Write a specification of the program that is asked for: what it takes, what it gives, what it does in
cases at the edge, and examples. Do not write the program."""
_WRITE: Final = "You write programs. Answer with the whole program in one fenced code block, each time anew."
_INTERPRET: Final = """You are an interpreter. Carry out the program you are given, step by step, and say what it prints and
whether it fails. Judge nothing."""


class Work(BaseModel):
    """The state of the loop.

    Attributes:
        task: What is wanted, for a role that makes a specification of it.
        specification: What to build.
        code: The last program.
        report: What the interpreter saw of it.
        passed: Whether the checker found nothing.
        feedback: What was wrong, a text for each round.
        talk: The coder's conversation, where it is an agent.
    """

    task: str = ""
    specification: str
    code: str = ""
    report: Report = Report()
    passed: bool = False
    feedback: Annotated[list[str], extend] = []
    talk: Conversation = []


def adversarial_loop(
    *,
    coder: Role,
    interpreter: Role | Sandbox,
    spec: Role | None = None,
    checker: Role = check_report,
    limit: int = 8,
    at_limit: Literal["end", "fail"] = "end",
    name: str = "adversarial_loop",
) -> Graph[Work]:
    """Build the loop of four roles, as a graph that may be added to.

    Args:
        coder: Writes the program: of the specification, and in later rounds of what was wrong. A function gives it as text.
        interpreter: Runs it: a sandbox, or a function that gives a `Report`, a `Trial` or a text.
        spec: Makes a specification of the task; without it the run is given the specification. A text is the
            specification itself.
        checker: Judges it: a function that gives a `Review`, a bool, or what is wrong as a text.
        limit: How often a program may be sent back.
        at_limit: What happens then: the run ends with ``passed`` false, or it fails.
        name: The graph's name.

    Raises:
        TypeError: Something cannot fill its role.

    Example::

        graph = adversarial_loop(spec="A program that prints the first ten primes.", coder=model,
                                 interpreter=open_sandbox(), checker=other_model)
        state = (await graph.compile().run(journal="runs.db")).state
        state.passed, state.code
    """
    roles = {"coder": coder, "interpreter": interpreter, "checker": checker}
    named = {role: Model for role in roles.values() if isinstance(role, str)}
    agents = [role for role in (spec, *roles.values()) if isinstance(role, Agent)]
    resources = named | {model: Model for agent in agents for model in agent.models}
    graph: Graph[Work] = Graph(Work, name=name, resources=resources)
    write, run, judge = (
        _coder(graph, coder),
        _interpreter(graph, interpreter),
        _checker(graph, checker),
    )
    first = write if spec is None else _spec(graph, spec)
    graph.edge(START, first)
    if spec is not None:
        graph.edge(first, write)
    graph.chain(write, run, judge)
    beyond = END if at_limit == "end" else None
    graph.feedback(judge, write, when=_wrong, limit=limit, otherwise=beyond, label="wrong")
    graph.edge(judge, END, when=_right, label="passed")
    return graph


def _wrong(passed: bool) -> bool:
    return not passed


def _right(passed: bool) -> bool:
    return passed


# ---------------------------------------------------------------------- the roles


def _spec(graph: Graph[Work], role: Role) -> Node[..., Any]:
    if isinstance(role, str):
        text = role

        def given() -> str:
            return text

        return graph.node(given, name="spec", writes="specification", inline=True)
    agent = _agent(role, "spec", lambda model: Agent(model, instructions=_SPECIFY, name="spec"))
    return _node(graph, "spec", agent or role, reads="task", writes="specification", shape=_text)


def _coder(graph: Graph[Work], role: Role) -> Node[..., Any]:
    agent = _agent(role, "coder", lambda model: Agent(model, instructions=_WRITE, name="coder"))
    return _node(
        graph, "coder", agent or role, reads=_coder_prompt, writes="code", shape=_program, talks=True
    )


def _interpreter(graph: Graph[Work], role: Role | Sandbox) -> Node[..., Any]:
    if isinstance(role, Sandbox):
        return graph.node(code_interpreter(role), name="interpreter", writes="report")
    agent = _agent(
        role,
        "interpreter",
        lambda model: Agent(model, instructions=_INTERPRET, output=Report, name="interpreter"),
    )
    reads = ("specification", "code")
    return _node(graph, "interpreter", agent or role, reads=reads, writes="report", shape=_report)


def _checker(graph: Graph[Work], role: Role) -> Node[..., Any]:
    agent = _agent(role, "checker", checker_agent)
    writes = ("passed", "feedback")
    return _node(graph, "checker", agent or role, reads=review_prompt, writes=writes, shape=_judged)


def _node(
    graph: Graph[Work],
    name: str,
    role: Any,
    *,
    reads: str | tuple[str, ...] | Callable[..., Any],
    writes: str | tuple[str, ...],
    shape: Callable[[Any], Any],
    talks: bool = False,
) -> Node[..., Any]:
    """A role as a node: an agent that is asked with what it reads, or a function that reads what it likes."""
    if not isinstance(role, Agent):
        return graph.node(_filled(name, role, shape), name=name, writes=writes)
    conversation = "talk" if talks else ""
    function = as_node(role, reads=reads, writes=writes, conversation=conversation, shape=shape)
    own = (writes,) if isinstance(writes, str) else writes
    return graph.node(function, name=name, writes=(*own, conversation) if talks else writes, reuse="all")


def _coder_prompt(specification: str, code: str, feedback: list[str]) -> str:
    """In the first round the specification; later only what was wrong, since the conversation holds the rest."""
    if not feedback:
        return specification if not code else f"{specification}\n\nYour program:\n```\n{code}\n```"
    return f"That program is wrong:\n{feedback[-1]}\n\nWrite the whole program anew."


def _agent(role: Any, name: str, make: Callable[[Any], Agent[Any]]) -> Agent[Any] | None:
    """The agent of a role; None where a function fills it."""
    if isinstance(role, Agent):
        return role
    if isinstance(role, str | Model):
        return make(role)
    if callable(role):
        return None
    raise TypeError(f"{name}= wants a function, an agent or a model, not {role!r}")


def _filled(role: str, function: Any, shape: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function whose result is brought into the form that the loop writes."""
    told = read_signature(function, {})
    parameters = [
        parameter.replace(annotation=told.hints.get(name, parameter.annotation))
        for name, parameter in told.parameters.items()
        if name not in told.bound
    ]
    made: Any
    if is_async(function):

        async def awaited(*args: Any, **fields: Any) -> Any:
            return shape(await function(*args, **fields))

        made = awaited
    else:

        def called(*args: Any, **fields: Any) -> Any:
            return shape(function(*args, **fields))

        made = called
    if inspect.isroutine(function):
        functools.update_wrapper(made, function)
    made.__name__ = role
    made.__signature__ = inspect.Signature(parameters)
    return made  # type: ignore[no-any-return]  # one of the two above


# ---------------------------------------------------------------------- what they give


def _text(given: Any) -> str:
    if isinstance(given, str):
        return given
    raise TypeError(f"spec should give a text, not {given!r}")


def _program(given: Any) -> str:
    """The program in what a coder gave: its longest code block, or where there is none all of it."""
    if not isinstance(given, str):
        raise TypeError(f"coder should give a program as text, not {given!r}")
    return (program_in(given) if "```" in given else None) or given


def _report(given: Any) -> Report:
    if isinstance(given, Report):
        return given
    if isinstance(given, Trial):
        return Report(
            ok=given.passed, text=given.problem or "\n".join(map(str, given.failing)) or "all cases pass"
        )
    if isinstance(given, str):
        return Report(ok=True, text=given)
    raise TypeError(f"interpreter should give a Report, a Trial or a text, not {given!r}")


def _judged(given: Any) -> Mapping[str, Any]:
    """What is written of a verdict; a text is what is wrong, an empty one and None are nothing."""
    if isinstance(given, Review):
        review = given
    elif isinstance(given, bool):
        review = Review(passed=given)
    elif given is None or isinstance(given, str):
        review = Review(passed=not (given or "").strip(), feedback=given or "")
    else:
        raise TypeError(f"checker should give a Review, a bool or what is wrong as a text, not {given!r}")
    if review.passed:
        return {"passed": True}
    return {"passed": False, "feedback": [review.feedback or "it does not do what is asked"]}
