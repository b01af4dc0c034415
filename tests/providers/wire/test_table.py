"""The conformance table: the page holds what the command gives, and what fails shows."""

import re

import pytest

from . import table, test_chat_recordings, test_responses_recordings
from .replay import needs_recordings

pytestmark = needs_recordings

NONE_FAILS = {api: {} for api in table.MODULES}


def test_the_page_holds_what_the_command_gives():
    # What the command tries beyond this, that no pair fails, these tests try themselves.
    page = table.PAGE.read_text(encoding="utf-8")
    assert table.put_into(page, "\n".join(table.lines(NONE_FAILS)) + "\n") == page


def test_every_recorded_pair_is_counted_or_named_with_its_reason():
    told = "\n".join(table.lines(NONE_FAILS))
    whole, passed = map(int, re.search(r"\*\*all\*\* \|  \| \*\*(\d+)\*\* \| \*\*(\d+)\*\*", told).groups())
    assert whole - passed == len(test_responses_recordings.REFUSED)
    assert all(f"`{pair}`: " in told for pair in test_responses_recordings.REFUSED)
    assert whole + sum(table.left_over().values()) == 441


def test_every_pair_is_taken_by_a_test():
    for module in table.MODULES.values():
        assert {pair.id for pair, *_ in table.checks(module)} == {pair.id for pair in module.PAIRS}


async def test_what_the_command_tries_are_the_tests(monkeypatch):
    module = test_chat_recordings
    stream = module.STREAMS[0]
    tried = [one for one in table.checks(module) if one[0] is stream]
    assert {function.__name__ for _, function, _ in tried} == {
        "test_a_recorded_answer_is_read_as_it_was_recorded",
        "test_the_pieces_of_a_recorded_stream_add_up_to_its_answer",
        "test_a_recorded_stream_is_the_same_wherever_the_network_cuts_it",
        "test_what_we_send_says_what_the_recorded_request_said",
    }
    monkeypatch.setattr(table, "checks", lambda module: tried)
    assert await table.failing(module) == {}
    monkeypatch.setattr(module, "recorded_text", lambda found: "something else")
    assert (await table.failing(module)).keys() == {stream.id}


async def test_a_pair_that_fails_a_test_does_not_pass_and_is_named(monkeypatch):
    pair = test_chat_recordings.PAIRS[0]

    @pytest.mark.parametrize("pair", [pair])
    async def test_it(pair):
        assert pair is None, "not as it was"

    monkeypatch.setattr(table, "MODULES", {"Chat Completions": test_chat_recordings})
    monkeypatch.setattr(table, "checks", lambda module: [(pair, test_it, {"pair": pair})])
    failed = await table.failing(test_chat_recordings)
    assert failed.keys() == {pair.id}
    told = "\n".join(table.lines({"Chat Completions": failed}))
    assert f"* `{pair.id}`: test_it: AssertionError: not as it was" in told
    assert "| **248** | **0** |" in told  # what no test takes does not pass either


@pytest.mark.parametrize("page", ["", table.BEGIN, table.END])
def test_a_page_without_a_place_for_the_table_is_an_error(page):
    with pytest.raises(ValueError, match="no place for the table"):
        table.put_into(page, "x")
