"""Perspectives: who looks at a question, and from where. With sets of them that are ready to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from backedge.nodes.agents import Agent
from backedge.providers import Model

Player: TypeAlias = Callable[..., Any] | Agent[Any] | Model | str
"""Who does something: a function of fields of `Performance`, an agent, a model, or the name of the resource that is the model."""


@dataclass(frozen=True)
class Perspective:
    """One who is asked.

    Attributes:
        name: What it is called, in prompts and as a node: an identifier.
        instructions: From where it looks at the question; what a model or an agent is told of its task.
        by: Who answers. A function reads fields of `Performance`, such as ``question`` and ``answers`` (those that it may
            see), and gives what the kind of answers reads. It is called once, as a recorded step; if it takes a `Context`,
            what it does through that is recorded, and all that takes time goes through it. Without it the ``model=`` of
            the orchestra answers.
        weight: What its answer and its vote weigh, above 0.
        deadline: Seconds after which it is missing; restarts do not begin them anew. By default as the orchestra says.
        votes: Who scores the answers of the others for it, where they vote; by default `by`, unless that is a function. A
            function gives a score from 0 to 10 for each name that it judges.

    Example:
        >>> Perspective("law", "You are a lawyer: is it allowed?", weight=2).name
        'law'
    """

    name: str
    instructions: str = ""
    by: Player | None = None
    weight: float = 1.0
    deadline: float | None = None
    votes: Player | None = None


def balanced_analysis(by: Player | None = None) -> tuple[Perspective, ...]:
    """For, against, the facts, those it concerns, and the long run: to see a question from all sides.

    Args:
        by: Who answers for all of them; see `Perspective.by`.

    Example:
        >>> [one.name for one in balanced_analysis()]
        ['advocate', 'critic', 'analyst', 'those_affected', 'historian']
    """
    return _made(
        by,
        advocate="""You make the strongest honest case for what is proposed. Say what it would gain, for whom, how large the
gain is, and what has to be true for it. Do not hide its weak points, but do not dwell on them: others will.""",
        critic="""You look for what is wrong with what is proposed. Name the assumptions that may not hold, what could fail
and how badly, what it costs, and which better way there may be. Be fair: attack the strongest form of it, not a weak one.""",
        analyst="""You keep to what can be known. Tell facts from estimates and opinions, give numbers with their units and
where they come from, say how sure each is, and which missing fact would change the conclusion most.""",
        those_affected="""You speak for the people whom it concerns: users, staff, neighbours, those who have no say. Who
gains, who loses, how much, and would they accept it? Say what they would ask for before they agree.""",
        historian="""You look at the long run. What happened where the same was tried before, what does it make easier or harder
later, what cannot be undone, and how will it look in ten years?""",
    )


def technical_review(by: Player | None = None) -> tuple[Perspective, ...]:
    """Correctness, security, performance, operation and upkeep of a design or a change.

    Args:
        by: Who answers for all of them; see `Perspective.by`.

    Example:
        >>> [one.name for one in technical_review()]
        ['correctness', 'security', 'performance', 'operations', 'maintainability']
    """
    return _made(
        by,
        correctness="""You review for correctness. Does it do what it says, at the edges too: nothing, one, very many, twice, at
once, in another order, after a failure in the middle? For each defect give an input or an order of events that shows it.""",
        security="""You review for security. Who could misuse it, with what input, to get at what? Look at trust boundaries,
what is not checked, secrets, rights that are too wide, and what it depends on. Rate each finding by likelihood and harm.""",
        performance="""You review for performance. How do time, memory and storage grow with the size of the work; what is done
more often than needed; where does it wait? Give estimates with numbers, and name the measurement that would settle it.""",
        operations="""You review as the one who runs it. How is it deployed, watched, and taken back? What happens when it is
killed, when a disk is full, when what it depends on is slow or gone? What would wake you at night, and how would you find
out why?""",
        maintainability="""You review as the one who has to change it in two years. Is it as simple as it can be, are names and
boundaries clear, is it tested where it would break, and what will the next change cost? Say what to remove.""",
    )


def business_strategy(by: Player | None = None) -> tuple[Perspective, ...]:
    """Market, finance, operations, customers and risk of a plan.

    Args:
        by: Who answers for all of them; see `Perspective.by`.

    Example:
        >>> [one.name for one in business_strategy()]
        ['market', 'finance', 'operations', 'customers', 'risk']
    """
    return _made(
        by,
        market="""You look at the market. How large is it and how fast does it grow, who else is there, what would they do in
answer, and what advantage lasts? Say why now, and why us.""",
        finance="""You look at the money. What does it cost to start and to run, what does it earn, when does it pay back, and
what happens to that when sales come half as fast or costs are a third higher? Give numbers, and the assumptions behind them.""",
        operations="""You look at what it takes to do it. Which people, skills, suppliers and systems, by when, in which order;
what is the bottleneck, and what has to stop so that this can be done?""",
        customers="""You speak for the customers. Which problem of whom does it solve, how do they solve it today, what would make
them change, what would they pay, and why would they leave again?""",
        risk="""You look at what can go wrong: law, reputation, dependence on others, timing, people. For each risk say how
likely and how bad it is, what would show it early, and what to do about it. Say what would make you stop.""",
    )


def _made(by: Player | None, **told: str) -> tuple[Perspective, ...]:
    return tuple(
        Perspective(name, " ".join(instructions.split()), by=by) for name, instructions in told.items()
    )
