"""Where a task or a future came from, told at a tenth of the cost.

In debug mode asyncio notes the stack at which each task, future and callback was made. For a task that is the whole
stack with its lines of source, and each file is looked up on the disk to see whether it changed: several times what
most tests do themselves. Here the innermost frames are noted as file, line and name; the source is read when told.
"""

import asyncio.constants
import itertools
import sys
import traceback
from asyncio import format_helpers

DEPTH = 5


def _brief(summary, frames, *, limit=None, **_):
    """`StackSummary.extract`, with which `traceback.extract_stack` and asyncio look at a stack."""
    return summary(
        traceback.FrameSummary(frame.f_code.co_filename, line, frame.f_code.co_name, lookup_line=False)
        for frame, line in itertools.islice(frames, limit or DEPTH)
    )


def _of_a_callback(frame=None, limit=None):
    """`asyncio.format_helpers.extract_stack`, called for each callback: as tuples, of which asyncio asks no more."""
    frame = frame or sys._getframe(1)
    found = []
    while frame is not None and len(found) < DEPTH:
        code = frame.f_code
        found.append((code.co_filename, frame.f_lineno, code.co_name, None))
        frame = frame.f_back
    found.reverse()
    return found


def note_briefly():
    """From now on stacks are noted so."""
    asyncio.constants.DEBUG_STACK_DEPTH = DEPTH
    traceback.StackSummary.extract = classmethod(_brief)
    format_helpers.extract_stack = _of_a_callback
