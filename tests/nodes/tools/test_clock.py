"""Date and time in any zone."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from backedge.nodes.tools import ToolArgumentsError, ToolError, clock_tool, text_of

NOON = datetime(2026, 7, 1, 12, 0, 0, 999, tzinfo=UTC)


async def tell(**arguments):
    return text_of(await clock_tool(lambda: NOON).call(arguments))


async def test_the_time_is_told_with_weekday_zone_and_offset():
    assert await tell() == "Wednesday, 2026-07-01T12:00:00+00:00 (UTC, UTC)"
    assert await tell(zone="Europe/Berlin") == "Wednesday, 2026-07-01T14:00:00+02:00 (Europe/Berlin, CEST)"
    assert (await tell(zone="Pacific/Kiritimati")).startswith("Thursday, 2026-07-02T02:00:00+14:00")


async def test_a_given_time_is_told_in_another_zone():
    shown = await tell(zone="America/New_York", at="2026-01-31T23:30:00+01:00")
    assert shown == "Saturday, 2026-01-31T17:30:00-05:00 (America/New_York, EST)"
    assert (await tell(at="2026-01-31T23:30:00")).endswith("23:30:00+00:00 (UTC, UTC)")


async def test_the_hour_that_summer_time_skips_is_skipped():
    assert "01:59:59+01:00" in await tell(zone="Europe/Berlin", at="2026-03-29T00:59:59Z")
    assert "03:00:00+02:00" in await tell(zone="Europe/Berlin", at="2026-03-29T01:00:00Z")


async def test_a_time_without_an_offset_is_utc_wherever_the_machine_stands(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert (await tell(at="2026-01-31T23:30:00")).endswith("23:30:00+00:00 (UTC, UTC)")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "zone", ["", "Nowhere", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b", "x" * 5000]
)
async def test_a_zone_that_there_is_not_is_told(zone):
    with pytest.raises(ToolError, match="there is no time zone"):
        await tell(zone=zone)


async def test_a_zone_that_was_nearly_right_is_suggested():
    with pytest.raises(ToolError, match="did you mean Europe/Berlin"):
        await tell(zone="Europe/Berlinn")


async def test_times_at_the_end_of_the_calendar_are_told_or_refused():
    with pytest.raises(ToolError, match="too far away"):
        await tell(zone="Asia/Tokyo", at="9999-12-31T23:59:59Z")
    with pytest.raises(ToolArgumentsError, match="at: should be a valid datetime"):
        await tell(at="yesterday")


async def test_by_default_it_is_now():
    shown = text_of(await clock_tool().call("")).split()[1]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(shown)) < timedelta(minutes=5)
