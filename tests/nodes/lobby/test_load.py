"""Many agents in one process, each answering: every message has its answer, and no answer is one too many."""

import asyncio

import pytest

from benchmarks.lobby import Agents


def check(load, agents, rounds):
    assert (load.missing, load.wrong) == (0, 0)
    assert load.answers == (rounds,) * agents
    assert load.sent == agents * rounds


def test_two_hundred_agents_answer_everything():
    check(asyncio.run(Agents(200, 12, 0.01).run()), 200, 12)


@pytest.mark.soak
def test_ten_thousand_agents_answer_everything_for_a_minute():
    load = asyncio.run(Agents(10_000, 180, 1 / 3).run())
    check(load, 10_000, 180)
    assert load.memory / load.agents < 10_000
