"""What a node emitted, as a line of a log: calls of models and of tools in a few words, all else as it shows itself."""

from __future__ import annotations

from backedge.nodes.agents.events import ToolEnded, ToolStarted
from backedge.providers.calls import CallAttempt, CallDelta, CallEnded, CallFailed, CallStarted


def line_of_emitted(data: object) -> str | None:
    """A line; None for what is not worth one, such as each piece of an answer."""
    match data:
        case CallStarted() | CallDelta() | CallAttempt() | ToolStarted():
            return None
        case CallEnded():
            tokens = f"{data.usage.input_tokens} tokens read, {data.usage.output_tokens} written"
            return f"{data.model} answered in {data.seconds:.2f} s: {tokens}"
        case CallFailed():
            return f"{data.model} failed after {data.seconds:.2f} s: {data.error} {data.message}".rstrip()
        case ToolEnded():
            wrong = f": {data.error}" if data.error else ""
            return f"tool {data.tool} {'failed' if wrong else 'done'} in {data.seconds:.2f} s{wrong}"
        case _:
            return shown(data)


def shown(data: object) -> str:
    """It as a text, whatever it is."""
    try:
        return str(data)
    except Exception as error:  # another's code
        return f"({type(data).__name__}, which cannot be shown: {type(error).__name__})"
