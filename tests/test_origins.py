"""What is noted about where tasks come from still says what is needed to find the place."""

import asyncio
import traceback

import pytest

from .virtual import Complaints, run_virtual


async def broken():
    raise ValueError("nobody asked")


def test_the_error_of_a_task_that_nobody_looked_at_comes_with_the_line_that_made_the_task():
    async def work():
        asyncio.create_task(broken())  # noqa: RUF006 - that it is let go of is the point
        await asyncio.sleep(1)

    with pytest.raises(Complaints) as raised:
        run_virtual(work(), thorough=True)
    [[complaint]] = raised.value.args
    told = "".join(traceback.format_list(complaint["source_traceback"]))
    assert f'File "{__file__}", line' in told
    assert "in work\n    asyncio.create_task(broken())" in told


def test_a_stack_is_noted_from_the_outside_inwards_and_is_not_deep():
    def outer(depth):
        return outer(depth - 1) if depth else traceback.extract_stack()

    names = [frame.name for frame in outer(2)]
    assert names[-3:] == ["outer", "outer", "outer"]
    assert len(outer(50)) < 20
