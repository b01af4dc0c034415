"""Models behind one protocol. Nothing here knows of graphs or journals."""

from .messages import AnyPart, Image, Message, Part, Role, Text, ToolCall, ToolResult, Usage
from .model import Model, ModelRequest, ModelResponse, ToolSpec
from .scripted import ScriptedModel, ScriptError

__all__ = [
    "AnyPart",
    "Image",
    "Message",
    "Model",
    "ModelRequest",
    "ModelResponse",
    "Part",
    "Role",
    "ScriptError",
    "ScriptedModel",
    "Text",
    "ToolCall",
    "ToolResult",
    "ToolSpec",
    "Usage",
]
