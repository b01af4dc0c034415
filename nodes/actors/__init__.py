"""Actors: long-lived agents, or functions with a state, each with a mailbox.

`actor` builds the graph of one; each run of it is an actor, and the run's id its address. `tell`, `ask`, `stop` and `waiting`
reach it from any process, a `Mailer` from inside of nodes.
"""

from __future__ import annotations

from .actor import actor
from .errors import ActorFailingError, AskError, AskTimeoutError, MailboxFullError
from .mail import DeadLetter, Mail
from .mailer import Mailer
from .outside import ask, stop, tell, waiting
from .state import SAME, ActorState, Next
from .supervision import Directive, Supervision

__all__ = [
    "SAME",
    "ActorFailingError",
    "ActorState",
    "AskError",
    "AskTimeoutError",
    "DeadLetter",
    "Directive",
    "Mail",
    "MailboxFullError",
    "Mailer",
    "Next",
    "Supervision",
    "actor",
    "ask",
    "stop",
    "tell",
    "waiting",
]
