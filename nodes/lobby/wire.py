"""What a lobby and its members in other processes say to each other: frames of JSON over a WebSocket.

One text frame is one JSON object, whose ``frame`` says which of the classes below it is. Bytes of images and attachments
are base64 inside of it, a third larger than they are. A connection goes like this:

* The client says `Hello`: the version, a name, and a *session*, which is a secret of its own. The server answers `Welcome`
  or `Refused`.
* Each `Post` and each `Topic` is answered by `Done` or `Denied`, in order. What is not answered when the connection is lost
  is sent again over the next one, under the same handle, and the lobby drops the double.
* The server sends `Deliver` for what the member hears, and `Missed` where messages are gone; both count against the
  client's `window`, which the client opens again by `Heard`. So a slow reader fills the server's bounded buffer of this
  member, and nothing else.
* `Await` asks for the reply to a request. It is answered by `Answer`, or by `Denied` if none can come.
* After a reconnection `Hello` says what was received, and the server goes on behind it.
* `Leave` is answered by `Gone`, once all that was posted before it is answered; `Gone` without it says that the server has
  ended the seat.

Frames of an unknown sort, or that are no JSON, end the connection with a close code, as do frames that are too large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from .errors import LobbyError
from .message import LobbyMessage, LobbyPart

VERSION: Final = 1
"""Of the frames. A server refuses other versions, and says which one it speaks."""

MAX_MESSAGE: Final = 2**20
"""Bytes that a frame may have unless said otherwise."""

LARGEST: Final = 2**26
"""Bytes that a frame may have at most."""

HELLO: Final = 2**24
"""Bytes that a first frame may have: it names all the requests of a node that is resumed."""

WINDOW: Final = 32
"""Messages under way in one direction that the other side has not answered for."""

PIPELINE: Final = 64
"""Posts that a client may send before the first of them is answered."""

REQUESTS: Final = 1000
"""Requests whose replies a client may wait for at once."""

GARBAGE: Final = 1007
TOO_LARGE: Final = 1009
VIOLATED: Final = 1008
FAILED: Final = 1011
"""Close codes of WebSockets: what came is not a frame, is too large, breaks a rule; the server failed."""

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
Said: TypeAlias = Literal["message", "request", "reply"]
Code: TypeAlias = Literal["version", "name", "lobby"]


class WireError(LobbyError):
    """What came over the wire is no frame, or not one that may come now."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A client enters, or comes back.

    Attributes:
        version: Of its frames.
        name: Under which name.
        session: Its secret: whoever says it may come back as this member.
        ident: The lobby it was in before; empty if it was in none.
        observer: It hears only.
        notices: It hears of others' coming and going, too.
        heard: The number of the last message that its reader has taken; None if it has no memory of any.
        unread: The numbers of what it has received after that, and its reader has not taken.
        window: How many deliveries it holds that its reader has not taken.
        had: The numbers of replies after `heard` that it had out of turn.
        pending: The handles of requests whose replies it waits for: these go into no buffer.
        topics: What it is subscribed to: taken up again if it had to leave meanwhile.
        leaving: It comes back only to say that it leaves.
        settled: The handles of requests that are over; replies to all others are kept for `Await`. None: all but the
            pending ones are over.
    """

    version: int
    name: Name
    session: Name
    ident: str = ""
    observer: bool = False
    notices: bool = False
    heard: Count | None = None
    unread: Annotated[tuple[Count, ...], Field(max_length=10_000)] = ()
    window: Annotated[int, Field(ge=1, le=10_000)] = WINDOW
    had: tuple[Count, ...] = ()
    pending: tuple[str, ...] = ()
    topics: tuple[Name, ...] = ()
    leaving: bool = False
    settled: tuple[str, ...] | None = None
    frame: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True)
class Post:
    """A member says something; see `LobbyMessage`."""

    handle: Name
    parts: tuple[LobbyPart, ...]
    to: str | None = None
    topic: str | None = None
    reply_to: str | None = None
    kind: Said = "message"
    frame: Literal["post"] = "post"


@dataclass(frozen=True, slots=True)
class Topic:
    """A member takes up a topic, or gives it up."""

    handle: Name
    topic: str
    subscribe: bool = True
    frame: Literal["topic"] = "topic"


@dataclass(frozen=True, slots=True)
class Await:
    """A member waits for the reply to a request: its handle, and its number."""

    handle: Name
    number: Count
    frame: Literal["await"] = "await"


@dataclass(frozen=True, slots=True)
class Forget:
    """A member waits no longer for a reply: one that comes is a message like any, but for the one that it has."""

    handle: Name
    had: Count | None = None
    frame: Literal["forget"] = "forget"


@dataclass(frozen=True, slots=True)
class Heard:
    """The reader has taken everything up to this number."""

    number: Count
    frame: Literal["heard"] = "heard"


@dataclass(frozen=True, slots=True)
class Leave:
    """A member leaves, whose reader has taken everything up to this number."""

    heard: Count
    frame: Literal["leave"] = "leave"


@dataclass(frozen=True, slots=True)
class Welcome:
    """The client is in.

    Attributes:
        version: Of the server's frames.
        lobby: What the lobby is called.
        ident: Names the lobby for ever.
        heard: The client hears what comes after this number.
        max_message: Bytes that a frame may have.
        grace: Seconds for which a member that is gone is waited for.
    """

    version: int
    lobby: str
    ident: str
    heard: Count
    max_message: int
    grace: float
    frame: Literal["welcome"] = "welcome"


@dataclass(frozen=True, slots=True)
class Refused:
    """The client is not let in: why, for programs and for people."""

    code: Code
    why: str
    frame: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Done:
    """The lobby has it: with a log on disk, it is there.

    Attributes:
        handle: Of the `Post` or `Topic`.
        number: The number that the message has.
        returned: Why it came back at once; empty if it did not.
    """

    handle: str
    number: Count
    returned: str = ""
    frame: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Denied:
    """The lobby did not take it, and nothing changed: the name of the error, and what it says."""

    handle: str
    error: str
    why: str
    frame: Literal["denied"] = "denied"


@dataclass(frozen=True, slots=True)
class Deliver:
    """A message that the member hears, and how many wait behind it."""

    message: LobbyMessage
    waiting: Count = 0
    frame: Literal["deliver"] = "deliver"

    @property
    def number(self) -> int:
        """Its place in the lobby's order."""
        return self.message.number


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to the request with this handle. It counts against no window: who waits for a reply may read nothing else."""

    handle: str
    message: LobbyMessage
    frame: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages wait at the server, said while the window is full."""

    waiting: Count
    frame: Literal["waiting"] = "waiting"


@dataclass(frozen=True, slots=True)
class Missed:
    """Messages are gone that the member has not heard, up to this number: how many, if somebody counted, and why."""

    number: Count
    missed: Count | None = None
    why: str = ""
    frame: Literal["missed"] = "missed"


@dataclass(frozen=True, slots=True)
class Gone:
    """The member is out of the lobby, or this connection no longer is its own.

    Attributes:
        code: ``left``: it said so itself, or was let go. ``session``: it came back over another connection. ``lobby``:
            the lobby was closed.
        why: For people.
    """

    code: Literal["left", "session", "lobby"]
    why: str
    frame: Literal["gone"] = "gone"


FromClient: TypeAlias = Hello | Post | Topic | Await | Forget | Heard | Leave
FromServer: TypeAlias = Welcome | Refused | Done | Denied | Deliver | Answer | Waiting | Missed | Gone

T = TypeVar("T", bound=FromClient | FromServer)


@dataclass(frozen=True, slots=True)
class _Versioned:
    """As much of a `Hello` as all versions have."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    frame: Literal["hello"]
    version: int


_LATER: Final = ConfigDict(defer_build=True)  # until the first frame: each side reads frames of one sort only
_VERSIONED: Final = TypeAdapter(_Versioned)
_ANY: Final[TypeAdapter[FromClient | FromServer]] = TypeAdapter(
    Annotated[FromClient | FromServer, Field(discriminator="frame")], config=_LATER
)
_CLIENTS: Final[TypeAdapter[FromClient]] = TypeAdapter(
    Annotated[FromClient, Field(discriminator="frame")], config=_LATER
)
_SERVERS: Final[TypeAdapter[FromServer]] = TypeAdapter(
    Annotated[FromServer, Field(discriminator="frame")], config=_LATER
)


def written(frame: FromClient | FromServer) -> bytes:
    """A frame as it is sent, in UTF-8."""
    return _ANY.dump_json(frame)


def read_version(data: str | bytes) -> int:
    """The version that a client's first frame says.

    Raises:
        WireError: It is no `Hello`.
    """
    try:
        return _VERSIONED.validate_json(data).version
    except ValidationError as error:
        raise WireError(f"the first frame is a hello with a version: {_said(error)}") from None


def read_client(data: str | bytes) -> FromClient:
    """A frame that a client sent.

    Raises:
        WireError: It is none.
    """
    return _read(_CLIENTS, data)


def read_server(data: str | bytes) -> FromServer:
    """A frame that a server sent.

    Raises:
        WireError: It is none.
    """
    return _read(_SERVERS, data)


def _read(adapter: TypeAdapter[T], data: str | bytes) -> T:
    if isinstance(data, bytes):
        raise WireError("frames are text, and this one is binary")
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise WireError(f"no frame of version {VERSION}: {_said(error)}") from None


def _said(error: ValidationError) -> str:
    """What is wrong, without what was sent: that may be secret, or large."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
