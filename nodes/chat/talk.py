"""What was said, by whom, and where a talk stands: the state of a group chat.

The talk only ever grows at its end, so a journal stores of each turn what that turn said. Everything that decides (who
speaks next, whether it is over) is worked out of this state alone, so a run that is resumed decides as it would have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from backedge.engine.state.copiers import itself
from backedge.engine.state.reducers import add, extend
from backedge.nodes.agents import Entry
from backedge.providers import Message, Usage
from backedge.providers.messages import Frozen

NOTES: Final = "chat"
"""Who says what no member and no person said, such as that nobody has a tool."""


def _message(given: Any) -> Any:
    return Message.of("assistant", given) if isinstance(given, str) else given


def takes(function: Callable[..., Any], number: int) -> bool:
    """Whether a function can be called with so many arguments; true also of one that does not tell."""
    try:
        inspect.signature(function).bind(*[None] * number)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


class Spent(Frozen):
    """What calls of models took.

    Attributes:
        tokens: Read and written, together.
        cost: In US dollars, as far as the models say.
        unpriced: Calls, or turns of several calls, of which no cost is known.
    """

    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0

    @classmethod
    def of(cls, usage: Usage, cost: float | None) -> Spent:
        """What one call took, or a turn of several."""
        tokens = usage.input_tokens + usage.output_tokens
        return cls(tokens=tokens, cost=cost or 0.0, unpriced=int(cost is None))

    def __add__(self, other: Spent) -> Spent:
        """The two together."""
        return Spent(
            tokens=self.tokens + other.tokens,
            cost=self.cost + other.cost,
            unpriced=self.unpriced + other.unpriced,
        )


class Said(Frozen):
    """What somebody said, once.

    Attributes:
        speaker: Who: a member, the admin, or ``chat`` for what nobody said.
        message: What, as its speaker said it: an answer may call tools, and the results of calls are a message too. Without
            parts its speaker had the floor and said nothing.
        turn: Which turn of a member this was, from 1; 0 for the task, and for what was said out of turn.
        handoff: Whom its speaker handed the floor to, if anybody.
        own: What only its speaker remembers of the turn, in place of the message: the tools it called, summaries.
        instead: Whether `own` begins with what stands in place of what was said last, as a guard of its agent had it.
    """

    speaker: str
    message: Annotated[Message, BeforeValidator(_message)]
    turn: int = 0
    handoff: str = ""
    own: tuple[Entry, ...] = ()
    instead: bool = False

    __deepcopy__ = itself  # else each turn would copy the whole talk for its readers, or look through it

    @property
    def text(self) -> str:
        """Its words and code."""
        return self.message.text


Talk: TypeAlias = Annotated[list[Said], extend]
"""The type of a field that keeps a talk; what is written to it is added at its end."""


class Mark(Frozen):
    """From where on conditions count: behind the task, or where a person let the talk go on.

    Attributes:
        said: How much had been said.
        turns: How many turns had been taken.
        at: When that was.
        spent: What had been spent.
        signals: How many signals had come.
    """

    said: int = 0
    turns: int = 0
    at: AwareDatetime | None = None
    spent: Spent = Spent()
    signals: int = 0


class Words(BaseModel):
    """What a person says who takes over; a plain text is the words alone.

    Attributes:
        say: The words, which everybody hears. Without any the talk just goes on.
        speaker: Who is to speak next, whatever the rules; by default whoever would.
        end: Whether the talk is to end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    say: str = ""
    speaker: str = ""
    end: bool = False


class Chat(BaseModel):
    """The state of a group chat.

    Attributes:
        task: How it begins: words or a whole message; it is said by the admin. Empty: somebody just begins.
        talk: All that was said, in order. A run that is given one goes on with it.
        speaker: Who has the floor; empty when it is over.
        chosen_by: Why that one, in words.
        ended: Why it is over, in words; empty until then.
        closing: Why it will be over, unless the person who is being asked says something.
        now: The time of the last choice, as recorded.
        spent: What the members' turns and the choices of speakers took.
        signals: Signals from outside that came, in order.
        mark: From where on conditions count.
        before: How many turns had been taken before this run, of a talk that was handed to it.
    """

    task: str | Message = ""
    talk: Talk = []
    speaker: str = ""
    chosen_by: str = ""
    ended: str = ""
    closing: str = ""
    now: AwareDatetime | None = None
    spent: Annotated[Spent, add] = Spent()
    signals: Annotated[list[str], extend] = []
    mark: Mark = Field(default_factory=Mark)
    before: int = 0

    @property
    def turns(self) -> int:
        """How many turns members have taken."""
        return next((said.turn for said in reversed(self.talk) if said.turn), 0)

    @property
    def last(self) -> Said | None:
        """What was said last; None before the first word."""
        return self.talk[-1] if self.talk else None

    @property
    def seconds(self) -> float:
        """How long it has gone on since the mark, by the times that are recorded."""
        began: datetime | None = self.mark.at
        return 0.0 if began is None or self.now is None else (self.now - began).total_seconds()

    @property
    def transcript(self) -> str:
        """The talk in words, a paragraph for each who said something."""
        return "\n\n".join(f"{said.speaker}: {said.text}" for said in self.talk if said.text.strip())

    def handed_out(self) -> Chat:
        """A copy for a function, which may do with it what it likes."""
        return self.model_copy(update={"talk": [*self.talk], "signals": [*self.signals]})

    def marked(self) -> Mark:
        """A mark here and now."""
        return Mark(
            said=len(self.talk), turns=self.turns, at=self.now, spent=self.spent, signals=len(self.signals)
        )
