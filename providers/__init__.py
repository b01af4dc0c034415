"""Models behind one protocol. Nothing here knows of graphs or journals.

What wraps models is in `backedge.providers.wrappers`, what can go wrong in `backedge.providers.errors`.
"""

from .calls import CallAttempt, CallDelta, CallEnded, CallEvent, CallFailed, CallStarted
from .cassette import RecordingModel, ReplayModel, UnrecordedError
from .errors import Attempt, ModelError
from .messages import (
    AnyPart,
    Code,
    File,
    Image,
    Message,
    Other,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from .names import model
from .protocol import (
    Finished,
    Model,
    ModelRequest,
    ModelResponse,
    OutputSpec,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from .recorded import Recordable
from .scripted import ScriptedModel, ScriptError
from .shielded import NamedModel
from .structured import Structured, respond_as
from .tape import CassetteError

__all__ = [
    "AnyPart",
    "Attempt",
    "CallAttempt",
    "CallDelta",
    "CallEnded",
    "CallEvent",
    "CallFailed",
    "CallStarted",
    "CassetteError",
    "Code",
    "File",
    "Finished",
    "Image",
    "Message",
    "Model",
    "ModelError",
    "ModelRequest",
    "ModelResponse",
    "NamedModel",
    "Other",
    "OutputSpec",
    "Part",
    "Reasoning",
    "ReasoningDelta",
    "Recordable",
    "RecordingModel",
    "ReplayModel",
    "Role",
    "ScriptError",
    "ScriptedModel",
    "StreamEvent",
    "Structured",
    "Text",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolResult",
    "ToolSpec",
    "UnrecordedError",
    "Usage",
    "model",
    "respond_as",
]
