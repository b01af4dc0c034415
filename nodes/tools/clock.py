"""A tool that tells the date and the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field

from .errors import ToolError
from .tool import AnyTool, tool


def _now() -> datetime:
    return datetime.now(UTC)


def clock_tool(now: Callable[[], datetime] = _now) -> AnyTool:
    """``date_and_time``: the time now, or a given one, in any time zone.

    Args:
        now: The time, with a zone; another clock for tests.

    Example::

        Agent(model, tools=[clock_tool()], instructions="...")
    """

    @tool(permission="read")
    async def date_and_time(
        zone: Annotated[str, Field(description="IANA name, such as Europe/Berlin")] = "UTC",
        at: Annotated[
            datetime | None,
            Field(description="A time to tell in that zone instead of now; without an offset it is UTC"),
        ] = None,
    ) -> str:
        """Tell the date, the time and the weekday, in any time zone."""
        time = now() if at is None else at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        try:
            local = time.astimezone(_zone(zone))
        except OverflowError:
            raise ToolError(f"{time.isoformat()} is too far away to be told in {zone}") from None
        return f"{local:%A}, {local.isoformat(timespec='seconds')} ({zone}, {local:%Z})"

    return date_and_time


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name, or a folder of names
        near = get_close_matches(name, sorted(available_timezones()), 3)
        meant = f"did you mean {' or '.join(near)}?" if near else "give one such as Europe/Berlin or UTC"
        raise ToolError(f"there is no time zone {name!r}; {meant}") from None
