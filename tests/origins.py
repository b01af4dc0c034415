"""Where a task or a future came from, told at a tenth of the cost.

In debug mode asyncio notes the stack at which each task, future and callback was made. For a task that is the whole
stack with its lines of source, and each file is looked up on the disk to see whether it changed: several times what
most tests do themselves. Here the innermost frames are noted as file, line and name; the source is read when told.
"""

import asyncio.constants
import itertools
import traceback

DEPTH = 5


def _brief(summary, frames, *, limit=None, **_):
    """`StackSummary.extract`, with which `traceback.extract_stack` and asyncio look at a stack."""
    return summary(
        traceback.FrameSummary(frame.f_code.co_filename, line, frame.f_code.co_name, lookup_line=False)
        for frame, line in itertools.islice(frames, limit or DEPTH)
    )


def note_briefly():
    """From now on stacks are noted so."""
    asyncio.constants.DEBUG_STACK_DEPTH = DEPTH
    traceback.StackSummary.extract = classmethod(_brief)
