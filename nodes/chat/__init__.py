"""Group chats: members who speak in turn until a condition ends them.

`group_chat` builds the graph of a talk; who takes part are agents, `Assistant`, `UserProxy` and functions.

Example:
    >>> from backedge.nodes.chat import MaxTurns, group_chat
    >>> def tick(chat): return "tick"
    >>> def tock(chat): return "tock"
    >>> graph = group_chat([tick, tock], until=MaxTurns(3))
    >>> state = graph.compile().run_sync({"task": "What does a clock say?"}).state
    >>> [(said.speaker, said.text) for said in state.talk[1:]], state.ended
    ([('tick', 'tick'), ('tock', 'tock'), ('tick', 'tick')], '3 turns were taken')
"""

from __future__ import annotations

from .assistant import Assistant
from .building import Speaker, group_chat
from .choosing import Auto, Choice, Choosing, Chosen, Manual, Random, RoundRobin, Selection, SpeakerError
from .driving import converse, converse_sync
from .ending import (
    ADMIN,
    Condition,
    External,
    MaxCost,
    MaxTime,
    MaxTokens,
    MaxTurns,
    OnHandoff,
    TextMention,
    Until,
    When,
)
from .members import Member, Speaks
from .proxy import UserProxy
from .speaking import Scene, Spoken, Voice
from .talk import Chat, Mark, Said, Spent, Talk, Words

__all__ = [
    "ADMIN",
    "Assistant",
    "Auto",
    "Chat",
    "Choice",
    "Choosing",
    "Chosen",
    "Condition",
    "External",
    "Manual",
    "Mark",
    "MaxCost",
    "MaxTime",
    "MaxTokens",
    "MaxTurns",
    "Member",
    "OnHandoff",
    "Random",
    "RoundRobin",
    "Said",
    "Scene",
    "Selection",
    "Speaker",
    "SpeakerError",
    "Speaks",
    "Spent",
    "Spoken",
    "Talk",
    "TextMention",
    "Until",
    "UserProxy",
    "Voice",
    "When",
    "Words",
    "converse",
    "converse_sync",
    "group_chat",
]
