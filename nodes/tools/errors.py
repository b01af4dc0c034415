"""What can go wrong with a tool, in words for whoever can do something about it.

``ToolDefinitionError`` is the programmer's and is raised when the tool is made. The others are for the model::

    ToolError                  the tool could not do it; raise it in your own tools, its text is what the model reads
    ├── ToolArgumentsError     the model's arguments do not fit: what, where, and what is expected
    └── ToolTimeoutError       it took too long and was given up

Each of these is made from its text alone, so that one that was recorded comes back as it was.
"""

from __future__ import annotations


class ToolDefinitionError(TypeError):
    """A function that cannot be made a tool; the message says what to change."""


class ToolError(Exception):
    """A tool could not do what it was asked. The model reads the text and may try something else.

    Example::

        raise ToolError(f"there is no city {city!r}; ask for one of {', '.join(known)}")
    """


class ToolArgumentsError(ToolError):
    """The arguments of a call do not fit. The function was not called; the model should call again with others."""


class ToolTimeoutError(ToolError):
    """A tool took longer than its timeout. An asynchronous one was cancelled, the thread of another goes on."""
