"""The manager: jobs as runs, a few at a time, through stops, silences, failures and other managers."""

import asyncio
import time
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    BackedgeError,
    Context,
    Graph,
    GraphChangedError,
    InputError,
    JournalError,
    RunCancelledError,
    RunExistsError,
    RunFailedError,
    RunInterruptedError,
    RunNotFoundError,
    RunOwnedError,
    RunStatus,
    answer,
    extend,
)
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import RunResumed
from backedge.nodes.registry import AgentCard, AgentState, Manager, NoticeKind, Registry, RegistryError
from backedge.nodes.registry.jobs import set_aside

from ...virtual import run_virtual


class Job(BaseModel):
    name: str
    seconds: float = 1.0
    said: str = ""
    log: Annotated[list[str], extend] = []


class Desk:
    """What happened in the agents' nodes."""

    def __init__(self):
        self.now, self.most, self.begun, self.done = 0, 0, [], []


DESK = Desk()


@pytest.fixture(autouse=True)
def clean_desk():
    DESK.__init__()


async def work(name: str, seconds: float, ctx: Context) -> list[str]:
    """Works for so long; what it is called says what goes wrong."""
    DESK.begun.append(name)
    DESK.now += 1
    DESK.most = max(DESK.most, DESK.now)
    try:
        if name.startswith("broken"):
            raise ValueError("no paper left")
        if name.startswith("beats"):
            for _ in range(int(seconds)):
                await asyncio.sleep(1)
                ctx.emit("still here")
        else:
            await asyncio.sleep(seconds)
    finally:
        DESK.now -= 1
    DESK.done.append(name)
    return [name]


async def say(name: str, ctx: Context) -> str:
    if name.startswith("nap"):
        await ctx.sleep(1000)
    return str(await ctx.ask("What?")) if name.startswith("ask") else "nothing"


def flow():
    graph = Graph(Job, name="work")
    first = graph.node(work, name="work", writes="log")
    graph.chain(START, first, graph.node(say, name="say", writes="said"), END)
    return graph.compile()


FLOW = flow()


def registry(**more):
    return Registry(AgentCard("ann", FLOW, role="worker", **more))


def managing(body, *, cards=None, journal=None, **options):
    """Run `body(manager, journal)` on virtual time; nothing may be left behind."""

    async def go():
        store = journal or MemoryJournal()
        async with Manager(cards or registry(), journal=store, **options) as manager:
            result = await body(manager, store)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return run_virtual(go(), thorough=True)


def status_of(journal):
    return {run.header.run_id: run.status for run in asyncio.run(journal.runs())}


def test_jobs_are_done_in_order_two_at_a_time_and_each_is_a_run_in_the_journal():
    async def body(manager, journal):
        jobs = [await manager.submit("ann", {"name": f"j{number}"}, job=f"j{number}") for number in range(5)]
        now = manager.status("ann")
        assert (now.running, now.queued) == (("j0", "j1"), ("j2", "j3", "j4"))
        assert manager.queue_lengths() == {"ann": 3}
        results = [await job.result() for job in jobs]
        assert [result.state.log for result in results] == [[f"j{number}"] for number in range(5)]
        assert all(job.over for job in jobs)
        await manager.idle()
        assert DESK.begun == [f"j{number}" for number in range(5)]
        for job in jobs:
            assert await FLOW.replay(job.run_id, journal=journal, rerun="all")
        return manager.status("ann")

    done = managing(body)
    assert DESK.most == 2
    assert (done.running, done.queued, done.ended) == ((), (), {RunStatus.COMPLETED: 5})
    assert done.alive
    assert time.time() - done.heard < 60


def test_jobs_keep_the_order_in_which_they_were_given_whatever_they_are_called():
    async def body(manager, _):
        for name in ("z", "m", "a", "k"):
            await manager.submit("ann", {"name": name}, job=name)
        await manager.idle()

    managing(body, cards=registry(concurrency=1))
    assert DESK.begun == ["z", "m", "a", "k"]


def test_a_concurrency_of_its_own_is_kept():
    async def body(manager, _):
        jobs = [await manager.submit("ann", {"name": "j"}) for _ in range(7)]
        for job in jobs:
            await job.result()

    managing(body, cards=registry(concurrency=3))
    assert DESK.most == 3


def test_agents_do_not_wait_for_each_other():
    async def body(manager, _):
        for who in ("ann", "bob"):
            for _ in range(2):
                await manager.submit(who, {"name": who})
        await asyncio.sleep(0.5)
        assert DESK.now == 2
        assert [each.running for each in manager.list()] == [
            manager.status("ann").running,
            manager.status("bob").running,
        ]
        await manager.idle()

    managing(body, cards=Registry(*(AgentCard(who, FLOW, concurrency=1) for who in ("ann", "bob"))))
    assert sorted(DESK.begun[:2]) == ["ann", "bob"]


def test_what_an_agent_is_given_must_fit_and_have_a_name_of_its_own():
    async def body(manager, journal):
        await manager.submit("ann", {"name": "x"}, job="x")
        with pytest.raises(RunExistsError):
            await manager.submit("ann", {"name": "x"}, job="x")
        with pytest.raises(InputError, match="'name' must be given"):
            await manager.submit("ann", {})
        with pytest.raises(InputError, match="no field of the state"):
            await manager.submit("ann", {"name": "x", "colour": "red"})
        with pytest.raises(InputError, match="the id of a job"):
            await manager.submit("ann", {"name": "x"}, job="")
        with pytest.raises(RegistryError, match="no agent 'dan'"):
            await manager.submit("dan", {"name": "x"})
        await manager.idle()
        assert len(await journal.runs()) == 1

    managing(body)
    assert DESK.begun == ["x"]


def test_a_job_that_is_in_the_journal_is_done_though_who_gave_it_was_cancelled():
    class Slow(MemoryJournal):
        async def create(self, *records):
            log = await super().create(*records)
            await asyncio.sleep(1)
            return log

    async def body(manager, _):
        giving = asyncio.ensure_future(manager.submit("ann", {"name": "j"}))
        await asyncio.sleep(0.5)
        giving.cancel()
        await asyncio.wait([giving])
        await asyncio.sleep(3)
        assert DESK.done == ["j"]
        await manager.submit("ann", {"name": "x"}, job="x")
        twice = asyncio.ensure_future(manager.submit("ann", {"name": "x"}, job="x"))
        late = asyncio.ensure_future(manager.submit("ann", {"name": "late"}, job="late"))
        await asyncio.sleep(0)
        twice.cancel()  # and its refusal is heard by nobody
        await asyncio.sleep(0.5)
        return late

    late = managing(body, journal=Slow())
    assert late.done()


def test_a_job_of_a_graph_that_has_changed_is_left_and_told():
    journal, told = MemoryJournal(), []

    async def old(manager, _):
        await manager.stop()
        await manager.submit("ann", {"name": "j"}, job="j")

    managing(old, journal=journal)
    graph = Graph(Job, name="work")
    graph.chain(START, graph.node(work, name="other", writes="log"), END)

    async def new(manager, _):
        job = manager.job("ann", "j")
        with pytest.raises(GraphChangedError):
            await job.result()
        assert manager.status("ann").ended == {}

    managing(new, journal=journal, cards=Registry(AgentCard("ann", graph.compile())), tell=told.append)
    assert [notice.kind for notice in told] == [NoticeKind.LEFT]


def test_what_cannot_be_gone_on_with_is_told_once_and_not_tried_again_and_again():
    journal, told = MemoryJournal(), []
    graph = Graph(Job, name="work")
    graph.chain(START, graph.node(work, name="other", writes="log"), END)

    async def make():
        await set_aside(FLOW, {"name": "j"}, journal, "jobs/ann/crashed", time.time())
        log = await journal.acquire("jobs/ann/crashed")
        await log.append(RunResumed(2, time.time(), log.epoch))
        await log.release()
        await set_aside(FLOW, {"name": "ask"}, journal, "jobs/ann/answered", time.time())
        await FLOW.resume("jobs/ann/answered", journal=journal)
        await answer("jobs/ann/answered", "say", "hello", journal=journal)

    run_virtual(make())

    async def body(manager, _):
        await asyncio.sleep(20)
        assert len(told) == 2
        with pytest.raises(GraphChangedError):
            await (await manager.retry("ann", "crashed")).result()

    managing(body, journal=journal, cards=Registry(AgentCard("ann", graph.compile())), tell=told.append)
    assert [(notice.kind, notice.job) for notice in told[:2]] == [
        (NoticeKind.LEFT, "crashed"),
        (NoticeKind.LEFT, "answered"),
    ]
    assert len(told) == 3


# --------------------------------------------------------------------------- stopping


def test_a_graceful_stop_lets_running_jobs_finish_and_keeps_the_queue():
    async def body(manager, _):
        for number in range(4):
            await manager.submit("ann", {"name": f"j{number}"}, job=f"j{number}")
        await manager.stop("ann")
        now = manager.status("ann")
        assert (now.state, now.queued, now.alive) == (AgentState.STOPPED, ("j2", "j3"), False)
        late = await manager.submit("ann", {"name": "late"}, job="late")
        await asyncio.sleep(5)
        assert DESK.done == ["j0", "j1"]
        await manager.start("ann")
        await late.result()

    managing(body)
    assert DESK.done == ["j0", "j1", "j2", "j3", "late"]


def test_a_drain_does_what_is_queued_and_then_stops():
    async def body(manager, _):
        for number in range(5):
            await manager.submit("ann", {"name": f"j{number}"})
        await manager.stop(how="drain")
        assert manager.status("ann").state is AgentState.STOPPED

    managing(body)
    assert len(DESK.done) == 5


def test_a_stop_at_once_interrupts_jobs_that_later_go_on():
    async def body(manager, journal):
        job = await manager.submit("ann", {"name": "j", "seconds": 10}, job="j")
        await asyncio.sleep(1)
        await manager.stop(how="now")
        assert (DESK.begun, DESK.done) == (["j"], [])
        assert manager.status("ann").queued == ("j",)
        assert not job.over
        await manager.start("ann")
        assert (await job.result()).state.log == ["j"]

    managing(body)
    assert DESK.begun == ["j", "j"]


def test_a_graceful_stop_that_takes_too_long_interrupts():
    async def body(manager, _):
        await manager.submit("ann", {"name": "slow", "seconds": 100}, job="slow")
        await manager.submit("ann", {"name": "fast", "seconds": 1}, job="fast")
        await asyncio.sleep(0.5)
        await manager.stop(within=2)
        assert manager.status("ann").queued == ("slow",)

    managing(body)
    assert DESK.done == ["fast"]


class SlowToOpen(MemoryJournal):
    async def acquire(self, *args, **options):
        await asyncio.sleep(1)
        return await super().acquire(*args, **options)


def test_a_job_that_is_stopped_while_its_run_is_opened_does_not_begin():
    async def body(manager, _):
        await manager.submit("ann", {"name": "j", "seconds": 10}, job="j")
        await asyncio.sleep(0.5)
        await manager.stop(how="now")
        assert manager.status("ann").queued == ("j",)

    managing(body, journal=SlowToOpen())
    assert DESK.done == []


def test_a_stop_ends_its_waiting_when_somebody_starts_the_agent_again():
    async def body(manager, _):
        await manager.submit("ann", {"name": "slow", "seconds": 100})
        stopping = asyncio.ensure_future(manager.stop())
        await asyncio.sleep(1)
        await manager.start("ann")
        await stopping
        assert manager.status("ann").state is AgentState.STARTED

    managing(body)


@pytest.mark.parametrize("how", ["graceful", "drain"])
def test_a_stop_that_takes_too_long_leaves_alone_who_was_started_again(how):
    async def body(manager, _):
        for who in ("ann", "ann", "bob"):
            await manager.submit(who, {"name": "slow", "seconds": 100})
        stopping = asyncio.ensure_future(manager.stop(how=how, within=5))
        await asyncio.sleep(1)
        await manager.start("ann")
        await stopping
        assert [each.state for each in manager.list()] == [AgentState.STARTED, AgentState.STOPPED]
        assert len(manager.status("ann").running) == 2
        return asyncio.get_running_loop().time()

    assert managing(body, cards=Registry(*(AgentCard(who, FLOW) for who in ("ann", "bob")))) == 5
    assert DESK.begun == ["slow"] * 3


def test_who_waits_for_the_end_of_all_work_is_told_when_the_manager_is_left_before():
    async def go():
        async with Manager(registry(), journal=MemoryJournal()) as manager:
            for _ in range(3):
                await manager.submit("ann", {"name": "slow", "seconds": 100})
            idle, stopped = asyncio.ensure_future(manager.idle()), asyncio.ensure_future(manager.stop())
            await asyncio.sleep(1)
        with pytest.raises(BackedgeError, match="the manager was left before that"):
            await idle
        await stopped

    run_virtual(go())


def test_an_unknown_way_to_stop_is_refused():
    async def body(manager, _):
        with pytest.raises(InputError, match="how= is"):
            await manager.stop(how="gently")
        for within in (-1, "5", float("nan")):
            with pytest.raises(InputError, match="within= is"):
                await manager.stop(within=within)
        with pytest.raises(RegistryError):
            await manager.stop("dan")

    managing(body)


# --------------------------------------------------------------------------- one manager after another


def test_the_next_manager_goes_on_with_all_that_is_not_over():
    journal = MemoryJournal()

    async def first(manager, _):
        for number in range(4):
            job = await manager.submit("ann", {"name": f"j{number}", "seconds": 3}, job=f"j{number}")
        await asyncio.sleep(1)
        return job

    left = managing(first, journal=journal)

    async def told():
        with pytest.raises(RunInterruptedError, match="its manager was left"):
            await left.result()

    run_virtual(told())

    async def second(manager, _):
        assert manager.status("ann").running == ("j0", "j1")
        assert (await manager.job("ann", "j3").result()).state.log == ["j3"]
        await manager.idle()
        with pytest.raises(InputError, match="not over"):
            manager.job("ann", "j3")

    managing(second, journal=journal)
    assert DESK.begun == ["j0", "j1", "j0", "j1", "j2", "j3"]
    assert set(status_of(journal).values()) == {RunStatus.COMPLETED}


def test_two_managers_of_one_name_do_nothing_twice():
    async def go():
        cards, journal, told = registry(), MemoryJournal(), []
        async with Manager(cards, journal=journal, tell=told.append) as one:
            await one.stop()
            for number in range(4):
                await one.submit("ann", {"name": f"j{number}"}, job=str(number))
            async with Manager(cards, journal=journal) as two:
                handle = one.job("ann", "0")
                await one.start("ann")
                with pytest.raises(RunOwnedError):
                    await handle.result()
                async with Manager(cards, journal=journal) as three:
                    assert three.status("ann").running == (), "what others are at is theirs"
                await asyncio.gather(one.idle(), two.idle())
                await asyncio.sleep(3)
        assert told == [], "that somebody else does it is no trouble"
        assert one.list() == ()

    run_virtual(go())
    assert sorted(DESK.begun) == ["j0", "j1", "j2", "j3"]


def test_managers_of_other_names_and_runs_of_others_are_left_alone():
    journal = MemoryJournal()

    async def other(manager, _):
        await manager.stop()
        await manager.submit("ann", {"name": "theirs"}, job="1")

    managing(other, journal=journal, name="others")

    async def body(manager, _):
        assert manager.queue_lengths() == {"ann": 0}
        await asyncio.sleep(5)

    managing(body, journal=journal)
    assert DESK.begun == []


def test_an_agent_that_was_registered_later_is_started_by_hand():
    cards = registry()

    async def body(manager, _):
        cards.add(AgentCard("bob", FLOW))
        with pytest.raises(RegistryError, match=r"start\('bob'\) it"):
            manager.status("bob")
        job = await manager.submit("bob", {"name": "j"})
        assert manager.status("bob").state is AgentState.STOPPED
        await manager.start("bob")
        await job.result()
        with pytest.raises(RegistryError, match="no agent 'dan'"):
            await manager.start("dan")

    managing(body, cards=cards)


def test_an_agent_that_was_registered_later_goes_on_with_its_jobs_of_before():
    journal, cards = MemoryJournal(), registry()

    async def before(manager, _):
        await manager.stop()
        await manager.submit("bob", {"name": "j"}, job="j")

    async def body(manager, _):
        cards.add(AgentCard("bob", FLOW))
        await manager.start("bob")
        assert (await manager.job("bob", "j").result()).state.log == ["j"]

    managing(before, journal=journal, cards=Registry(AgentCard("bob", FLOW)))
    managing(body, journal=journal, cards=cards)


def test_a_card_that_takes_the_place_of_another_counts_once_its_agent_is_started():
    cards = registry(concurrency=1)

    async def body(manager, _):
        jobs = [await manager.submit("ann", {"name": f"j{number}"}) for number in range(5)]
        cards.remove("ann")
        cards.add(AgentCard("ann", FLOW, role="foreman", concurrency=4))
        assert manager.status("ann").role == "worker"
        await manager.start("ann")
        assert manager.status("ann").role == "foreman"
        assert len(manager.status("ann").running) == 4
        for job in jobs:
            await job.result()
        cards.remove("ann")
        with pytest.raises(RegistryError, match="no agent 'ann'"):
            await manager.start("ann")

    managing(body, cards=cards)


# --------------------------------------------------------------------------- what goes wrong


def test_a_job_that_fails_is_told_and_may_be_tried_again():
    told = []

    async def body(manager, _):
        job = await manager.submit("ann", {"name": "broken"}, job="b")
        with pytest.raises(RunFailedError, match="no paper left"):
            await job.result()
        assert manager.status("ann").ended == {RunStatus.FAILED: 1}
        again = await manager.retry("ann", "b")
        assert (again.run_id, again.over) == (job.run_id, False)
        with pytest.raises(RunFailedError):
            await again.result()
        fine = await manager.submit("ann", {"name": "fine"}, job="f")
        await fine.result()
        with pytest.raises(InputError, match="is completed"):
            await manager.retry("ann", "f")
        with pytest.raises(RunNotFoundError):
            await manager.retry("ann", "never")
        return [line.text for line in manager.logs("ann") if line.job == "b"]

    lines = managing(body, tell=told.append)
    assert [(notice.kind, notice.job) for notice in told] == [(NoticeKind.FAILED, "b")] * 2
    assert "no paper left" in told[0].text
    assert lines[0] == "queued"
    assert "work began" in lines
    assert any("no paper left" in line for line in lines)


def test_the_log_of_an_agent_is_bounded():
    async def body(manager, _):
        job = await manager.submit("ann", {"name": "beats", "seconds": 50})
        await job.result()
        return manager.logs("ann")

    lines = managing(body, lines=10)
    assert len(lines) == 10
    assert lines[0].text == "work: still here"


def test_who_is_silent_is_reported_and_gone_on_with_as_often_as_it_may():
    told = []

    async def body(manager, _):
        await manager.submit("ann", {"name": "silent", "seconds": 1000}, job="s")
        await manager.submit("ann", {"name": "beats", "seconds": 100}, job="b")
        await asyncio.sleep(9)
        assert manager.status("ann").alive
        await asyncio.sleep(31)
        now = manager.status("ann")
        assert not now.alive
        assert now.silent_since is not None
        assert now.running == ("b", "s") or now.running == ("s", "b")

    managing(body, tell=told.append, cards=registry(silent_after=10, restarts=1))
    assert [(notice.kind, notice.job) for notice in told] == [
        (NoticeKind.RESTARTED, "s"),
        (NoticeKind.SILENT, "s"),
    ]
    assert DESK.begun == ["silent", "beats", "silent"]


def test_silence_is_heard_in_time_however_seldom_the_journal_is_looked_at():
    told = []

    async def body(manager, _):
        await manager.submit("ann", {"name": "silent", "seconds": 1000})
        await asyncio.sleep(5.1)
        assert len(told) == 1

    managing(body, tell=told.append, cards=registry(silent_after=4), poll=600)


def test_a_loop_that_was_held_makes_nobody_silent():
    told = []

    async def body(manager, _):
        for name in ("one", "two"):
            await manager.submit("ann", {"name": name, "seconds": 100})
        await asyncio.sleep(1)
        asyncio.get_running_loop()._jumping.now += 60  # as a node that keeps it, or a stopped process
        await asyncio.sleep(8)
        assert told == []
        await asyncio.sleep(5)
        assert len(told) == 2, "what is silent after that is told"

    managing(body, tell=told.append, cards=registry(silent_after=10, restarts=1))
    assert DESK.begun == ["one", "two"] * 2


def test_who_must_be_heard_often_does_not_make_the_journal_be_looked_at_more_often():
    class Watched(MemoryJournal):
        looks = 0

        async def pending(self, *args, **options):
            self.looks += 1
            return await super().pending(*args, **options)

    async def body(_, journal):
        await asyncio.sleep(125)
        return journal.looks

    assert managing(body, journal=Watched(), cards=registry(silent_after=1), poll=60) == 2


def test_a_job_that_sleeps_long_holds_no_place():
    async def body(manager, _):
        for number in range(3):
            await manager.submit("ann", {"name": f"nap{number}"}, job=str(number))
        await manager.idle()
        assert manager.status("ann").waiting == ("0", "1", "2")

    managing(body)


def test_a_journal_that_cannot_be_looked_at_for_a_while_stops_nothing():
    class Blind(MemoryJournal):
        looks = 0

        async def pending(self, *args, **options):
            self.looks += 1
            if self.looks < 4:
                raise JournalError("memory", "the disk is busy")
            return await super().pending(*args, **options)

    async def body(manager, journal):
        job = await manager.submit("ann", {"name": "ask"}, job="a")
        await manager.idle()
        await answer(job.run_id, "say", "hello", journal=journal)
        assert (await job.result()).state.said == "hello"

    managing(body, journal=Blind())


def test_a_defect_in_a_look_ends_no_look_and_is_raised_in_the_end():
    class Broken(MemoryJournal):
        looks = 0

        async def pending(self, *args, **options):
            self.looks += 1
            raise KeyError(f"look {self.looks}")

    async def body(_, journal):
        await asyncio.sleep(3.5)
        assert journal.looks == 3

    with pytest.raises(KeyError, match="look 1"):
        managing(body, journal=Broken())


def only_short(value: list[str], more: list[str]) -> list[str]:
    if len(more) > 1:
        raise ValueError("too many")
    return value + more


def test_inputs_that_a_reducer_refuses_are_refused_before_anything_is_queued():
    class Short(BaseModel):
        log: Annotated[list[str], only_short] = []

    graph = Graph(Short, name="short")
    graph.edge(START, END)

    async def body(manager, journal):
        with pytest.raises(InputError, match="too many"):
            await manager.submit("ann", {"log": ["a", "b"]})
        assert await journal.runs() == []

    managing(body, cards=Registry(AgentCard("ann", graph.compile())))


def test_a_job_that_waits_for_a_person_holds_no_place_and_goes_on_with_the_answer():
    async def body(manager, journal):
        jobs = [await manager.submit("ann", {"name": f"ask{n}"}, job=str(n)) for n in range(3)]
        await manager.idle()
        assert manager.status("ann").waiting == ("0", "1", "2")
        assert not jobs[0].over
        await answer(jobs[1].run_id, "say", "hello", journal=journal)
        assert (await jobs[1].result()).state.said == "hello"
        assert manager.status("ann").waiting == ("0", "2")
        await answer(jobs[2].run_id, "say", "bye", journal=journal)
        assert (await jobs[2].result()).state.said == "bye"
        return journal

    journal = managing(body)

    async def next_one(manager, _):
        assert manager.status("ann").waiting == ("0",)
        job = manager.job("ann", "0")
        await answer(job.run_id, "say", "at last", journal=journal)
        assert (await job.result()).state.said == "at last"

    managing(next_one, journal=journal)
    assert len(DESK.begun) == 3


def test_a_cancelled_job_ends_for_good_wherever_it_is():
    async def body(manager, journal):
        running = await manager.submit("ann", {"name": "r", "seconds": 50}, job="r")
        waiting = await manager.submit("ann", {"name": "ask", "seconds": 0}, job="w")
        await asyncio.sleep(1)
        queued = [await manager.submit("ann", {"name": f"q{n}", "seconds": 50}, job=f"q{n}") for n in (1, 2)]
        for job in ("r", "w", "q2"):
            await manager.cancel("ann", job)
        for job in (running, waiting, queued[1]):
            with pytest.raises(RunCancelledError):
                await job.result()
        with pytest.raises(InputError, match="is cancelled"):
            await manager.retry("ann", "r")
        await queued[0].result()
        return manager.status("ann").ended

    told = []
    ended = managing(body, tell=told.append)
    assert told == []
    assert ended == {RunStatus.CANCELLED: 3, RunStatus.COMPLETED: 1}
    assert "q2" not in DESK.begun


def test_a_job_with_a_deadline_of_its_own_is_not_begun_again_and_again():
    async def body(manager, _):
        job = await manager.submit("ann", {"name": "slow", "seconds": 50})
        with pytest.raises(RunInterruptedError):
            await job.result()
        await asyncio.sleep(20)

    managing(body, cards=registry(options={"deadline": 2.0}))
    assert DESK.begun == ["slow"]


def test_a_job_that_ends_its_processes_is_left_and_told_until_somebody_tries_it_again():
    journal, told = MemoryJournal(), []

    async def kill(job):
        await set_aside(FLOW, {"name": "ask"}, journal, f"jobs/ann/{job}", time.time())
        for number in range(3):
            log = await journal.acquire(f"jobs/ann/{job}")
            await log.append(RunResumed(2 + number, time.time(), log.epoch))
            await log.release()

    run_virtual(kill("k"))

    async def body(manager, _):
        await kill("late")  # while the manager is at work
        await asyncio.sleep(5)
        assert DESK.begun == []
        await manager.cancel("ann", "late")
        await asyncio.sleep(2)
        assert manager.status("ann").ended == {RunStatus.CANCELLED: 1}, "who says so ends it for good"
        assert DESK.begun == []
        again = await manager.retry("ann", "k")
        await manager.idle()
        await answer(again.run_id, "say", "hello", journal=journal)
        assert (await again.result()).state.said == "hello", "it is minded like any other from then on"

    managing(body, journal=journal, tell=told.append)
    assert [(notice.kind, notice.text) for notice in told] == [
        (
            NoticeKind.LEFT,
            f"job {job} of ann ended 3 processes in a row: find out why, then retry() it",
        )
        for job in ("k", "late")
    ]


def test_what_the_listener_raises_of_a_silence_does_not_keep_others_from_being_heard():
    def tell(notice):
        raise KeyError(notice.job)

    async def body(manager, journal):
        await manager.submit("ann", {"name": "silent", "seconds": 8}, job="s")
        ask = await manager.submit("ann", {"name": "ask"}, job="a")
        await asyncio.sleep(6)
        await answer(ask.run_id, "say", "hello", journal=journal)
        assert (await ask.result()).state.said == "hello"

    with pytest.raises(KeyError, match="s"):
        managing(body, tell=tell, cards=registry(silent_after=4))


def test_what_the_listener_raises_of_one_silence_does_not_keep_another_from_being_ended():
    def tell(notice):
        raise KeyError(notice.job)

    async def body(manager, _):
        for name in ("one", "two"):
            await manager.submit("ann", {"name": name, "seconds": 8}, job=name)
        await asyncio.sleep(7)

    with pytest.raises(KeyError, match="one"):
        managing(body, tell=tell, cards=registry(silent_after=4, restarts=1))
    assert DESK.begun == ["one", "two"] * 2


def test_what_the_listener_raises_stops_no_job_and_is_raised_in_the_end():
    def tell(notice):
        raise KeyError(notice.job)

    async def body(manager, _):
        await manager.submit("ann", {"name": "broken"}, job="b")
        await (await manager.submit("ann", {"name": "fine"})).result()

    with pytest.raises(KeyError, match="b"):
        managing(body, tell=tell)
    assert DESK.done == ["fine"]


def test_an_error_of_the_body_counts_more_than_what_the_listener_raised():
    def tell(notice):
        raise ValueError(notice.job)

    async def body(manager, _):
        await manager.submit("ann", {"name": "broken"}, job="b")
        await manager.idle()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        managing(body, tell=tell)


def test_a_manager_that_could_not_begin_may_be_entered_again():
    class Hidden(MemoryJournal):
        hidden = True

        async def runs(self):
            if self.hidden:
                raise JournalError("memory", "the disk is busy")
            return await super().runs()

    async def go():
        journal = Hidden()
        manager = Manager(registry(), journal=journal)
        with pytest.raises(JournalError):
            await manager.__aenter__()
        journal.hidden = False
        async with manager:
            assert manager.status("ann").state is AgentState.STARTED

    run_virtual(go())


def test_leaving_by_an_error_or_a_cancellation_leaves_nothing_behind():
    async def body(manager, _):
        await manager.submit("ann", {"name": "slow", "seconds": 50})
        await asyncio.sleep(1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        managing(body)

    async def cancelled():
        async def inside():
            async with Manager(registry(), journal=MemoryJournal()) as manager:
                await (await manager.submit("ann", {"name": "slow", "seconds": 50})).result()

        task = asyncio.ensure_future(inside())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(cancelled(), thorough=True)
    assert DESK.now == 0


def test_leaving_that_is_cancelled_again_and_again_still_waits_for_what_runs():
    async def stubborn(name: str) -> str:
        DESK.now += 1
        for seconds in (50, 2):
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                DESK.begun.append("cancelled")
        DESK.now -= 1
        return name

    graph = Graph(Job, name="stubborn")
    graph.chain(START, graph.node(stubborn, name="stubborn", writes="said"), END)

    async def inside():
        cards = Registry(AgentCard("ann", graph.compile()))
        async with Manager(cards, journal=MemoryJournal()) as manager:
            await manager.submit("ann", {"name": "j"})
            await asyncio.sleep(1)

    async def go():
        task = asyncio.ensure_future(inside())
        for _ in range(2):
            await asyncio.sleep(1.5)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert DESK.now == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(go(), thorough=True)
    assert DESK.begun == ["cancelled"]


def test_a_manager_that_is_not_at_work_says_so_and_one_that_is_cannot_be_entered_again():
    async def go():
        manager = Manager(registry(), journal=MemoryJournal())
        with pytest.raises(BackedgeError, match="not at work"):
            await manager.submit("ann", {"name": "x"})
        async with manager:
            with pytest.raises(BackedgeError, match="make another one"):
                await manager.__aenter__()

    run_virtual(go())


async def told_later(notice):
    """No plain function."""


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a/b"},
        {"name": ""},
        {"name": "\ud800"},
        {"poll": 0},
        {"poll": True},
        {"lines": 0},
        {"tell": told_later},
        {"tell": "me"},
    ],
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))}="):
        Manager(registry(), journal=MemoryJournal(), **wrong)


def test_a_manager_is_made_with_a_registry():
    with pytest.raises(InputError, match="with a Registry of agents, not with list"):
        Manager([AgentCard("ann", FLOW)], journal=MemoryJournal())
