"""How many tokens a request will take, guessed from its size before it is sent.

There is one tokenizer for each model, and most are not public. So bytes are counted: three to a token is above what
today's tokenizers make of most languages and of code (English takes about four, Chinese about three). Pictures and
documents are counted with what providers document as usual; a document may take much more.
"""

from __future__ import annotations

from typing import Final

from ..messages import AnyPart, Code, File, Image, Reasoning, Text, ToolCall, ToolResult, Usage
from ..protocol import ModelRequest

PER_MESSAGE: Final = 8
"""Tokens for a message's role and marks."""
PER_PICTURE: Final = 1600
"""Tokens for a picture."""
PER_FILE: Final = 3000
"""Tokens for a document, and one more for each of `BYTES_OF_FILE`."""
BYTES_OF_FILE: Final = 30


_WORDS: Final = (Text, Code)


def expected(request: ModelRequest, *, output: int) -> Usage:
    """What a call will take at most, as far as one can tell.

    Args:
        request: What will be sent.
        output: What to expect to be written where the request does not say how much may be.
    """
    size = 0
    for message in request.messages:
        for part in message.parts:
            size += len(part.text) if type(part) is Text and part.text.isascii() else _bytes(part)
    read = size // 3 + PER_MESSAGE * len(request.messages) + 1
    if request.tools:
        size = 0
        for tool in request.tools:
            size += len(repr(tool.parameters)) + len(tool.description) + 40
        read += size // 3
    if request.output is not None:
        read += len(repr(request.output.parameters)) // 3
    written = output if request.max_tokens is None else request.max_tokens
    return Usage(input_tokens=read, output_tokens=written)


def _bytes(part: AnyPart) -> int:
    """A part's size, as if it were text."""
    if isinstance(part, _WORDS):
        return _length(part.text)
    if isinstance(part, Image):
        return 3 * PER_PICTURE
    if isinstance(part, File):
        return 3 * (PER_FILE + len(part.data or b"") // BYTES_OF_FILE)
    if isinstance(part, ToolCall):
        return _length(part.name) + _length(part.arguments)
    if isinstance(part, ToolResult):
        return sum(_bytes(one) for one in part.content)
    return len(repr(part.raw)) + (_length(part.text) if isinstance(part, Reasoning) else 0)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
