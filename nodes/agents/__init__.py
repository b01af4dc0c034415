"""Agents: models that call tools until they have an answer, as nodes of a graph and as tools of each other."""

from __future__ import annotations

from .adversarial import Role, Work, adversarial_loop
from .agent import Agent, Settings
from .asking import Allow, Decision
from .conversation import Conversation, Entry, Leave, Summary
from .errors import AgentError, GuardError, NoAnswerError, RefusedError, TurnLimitError
from .events import ToolEnded, ToolStarted
from .guards import Again, Answer, Guard, Replace, Stop
from .memory import Everything, KeepTokens, KeepTurns, Memory, Recalled, Summarise
from .prompts import Prompt
from .result import AgentExit, AgentResult
from .roles import Report, Review, check_report, checker_agent, code_interpreter, review_prompt
from .stopping import AgentPartial, Stopping

__all__ = [
    "Again",
    "Agent",
    "AgentError",
    "AgentExit",
    "AgentPartial",
    "AgentResult",
    "Allow",
    "Answer",
    "Conversation",
    "Decision",
    "Entry",
    "Everything",
    "Guard",
    "GuardError",
    "KeepTokens",
    "KeepTurns",
    "Leave",
    "Memory",
    "NoAnswerError",
    "Prompt",
    "Recalled",
    "RefusedError",
    "Replace",
    "Report",
    "Review",
    "Role",
    "Settings",
    "Stop",
    "Stopping",
    "Summarise",
    "Summary",
    "ToolEnded",
    "ToolStarted",
    "TurnLimitError",
    "Work",
    "adversarial_loop",
    "check_report",
    "checker_agent",
    "code_interpreter",
    "review_prompt",
]
