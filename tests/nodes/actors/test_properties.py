"""No letter is lost, handled twice, or handled before an earlier one, wherever processes die and whenever actors are ended."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backedge import Context, JournalError, RunError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.actors import Next, Supervision, actor, stop, tell, waiting

from ...engine.journals import FaultyJournal

NUMBERS = st.integers(1, 60)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(["ok", "ok", "ok", "bad"])),
        st.just(("again", "")),
        st.just(("wake", "")),
        st.tuples(st.just("die"), NUMBERS, st.sampled_from(["raise", "future", "late"])),
        st.tuples(st.just("die"), NUMBERS, st.sampled_from(["raise", "future", "late"])),
    ),
    max_size=9,
)


@given(actions=ACTIONS, ending=st.sampled_from(["drain", "abort", ""]))
def test_letters_are_handled_once_and_in_order_wherever_a_process_dies(actions, ending):
    asyncio.run(lived(actions, ending))


async def lived(actions: list[Any], ending: str) -> None:
    journal, outside = MemoryJournal(), []

    async def handle(done: list[str], message: str, ctx: Context) -> Next:
        await ctx.step("outside", outside.append, message, returns=None)
        if message.startswith("bad"):
            raise ValueError(message)
        return Next(state=[*done, message])

    flow = actor(handle, initial=[], supervision=Supervision(directive="resume", most=None)).compile()
    await flow.run(journal=journal, run_id="r")
    sent: list[str] = []
    for number, action in enumerate(actions):
        match action:
            case ("send", kind):
                sent.append(f"{kind} {number}")
                await tell("r", sent[-1], journal=journal, key=sent[-1])
            case ("again", _) if sent:
                await tell("r", sent[0], journal=journal, key=sent[0])
            case ("wake", _):
                await flow.resume("r", journal=journal)
            case ("die", place, how):
                await died(flow, FaultyJournal(journal, place, how))
    waited = [mail.message for mail in await waiting("r", journal=journal)]
    if ending:
        await stop("r", journal=journal, drain=ending == "drain")
        await tell("r", "too late", journal=journal)
    result = await flow.resume("r", journal=journal)
    dead = list(dict.fromkeys(mail.message for mail in await waiting("r", journal=journal)))
    if not ending:
        assert (result.status, dead) == (RunStatus.SUSPENDED, [])
        await stop("r", journal=journal)
        result = await flow.resume("r", journal=journal)
    state = result.state
    taken = [one for one in sent if one in state.state or one in [each.mail.message for each in state.dead]]
    assert state.state == [one for one in taken if one.startswith("ok")], "in order, each once"
    assert [one.mail.message for one in state.dead] == [one for one in taken if one.startswith("bad")]
    assert taken == sent[: len(taken)], "none before an earlier one"
    left = [one for one in sent if one not in taken]
    assert set(left) == set(dead) - {"too late"} - set(taken), "what was not taken is still there"
    assert ending == "abort" or not left
    if ending == "abort":
        assert set(left) <= set(waited)
    assert state.handled == len(state.state)
    assert list(dict.fromkeys(outside)) == taken
    assert await flow.replay("r", journal=journal, rerun="all")


async def died(flow: Any, journal: FaultyJournal) -> None:
    """Go on with the actor until the process dies, with the n-th thing it asks of the journal; perhaps it never does."""
    try:
        await flow.resume("r", journal=journal)
    except (JournalError, RunError):
        return
