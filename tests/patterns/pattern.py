"""What the docs tell of a pattern besides its workflow."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """One of the 43.

    Attributes:
        number: Its number in the catalogue.
        name: What the catalogue calls it.
        intent: What it is for, in one sentence.
        langgraph: Whether LangGraph can express it (``yes:``, ``partly:`` or ``no:``), and why.
        pydantic_graph: The same of pydantic-graph.
        agent_framework: The same of Microsoft's agent-framework.
    """

    number: int
    name: str
    intent: str
    langgraph: str
    pydantic_graph: str
    agent_framework: str
