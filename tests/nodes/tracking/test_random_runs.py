"""The tracker against a naive count, on the events of random runs, live and out of the journal."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backedge import ActivationCancelled, ActivationFailed, ActivationFinished, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.activation import Phase
from backedge.engine.execution.events import ActivationsReady, ActivationStarted
from backedge.engine.recovery import recover
from backedge.nodes.tracking import Tracker, events_of, tracked

from ...virtual import run_virtual
from .random_runs import Chance, flows


@dataclass
class FlowOf:
    """As much of a flow as a tracker needs."""

    graph: object


class Naive:
    """Counts by sets of names, and nothing else."""

    def __init__(self):
        self.known, self.over, self.running = set(), set(), set()

    def feed(self, event):
        if isinstance(event, ActivationsReady):
            self.known |= set(map(str, event.activations)) - {"END"}
        elif hasattr(event, "activation") and event.activation.node != "START":
            name = str(event.activation)
            self.known.add(name)
            self.running.discard(name)
            if isinstance(event, ActivationStarted):
                self.running.add(name)
            elif isinstance(event, ActivationFinished | ActivationCancelled) or (
                isinstance(event, ActivationFailed) and event.taken
            ):
                self.over.add(name)


async def followed(flow, seed, trouble, concurrency):
    """Run, resumed while it fails; each event checked as it comes. The tracker and the journal."""
    journal, chance, naive = MemoryJournal(), Chance(seed), Naive()
    tracker, last, count = Tracker(flow), 0.0, 0
    chance.trouble = trouble
    options = {"resources": {"chance": chance}, "concurrency": concurrency, "buffer": 100_000}
    run = flow.start({}, journal=journal, run_id="r", **options)
    for _ in range(4):
        try:
            async with run:
                async for event in run.events():
                    tracker.feed(event)
                    naive.feed(event)
                    count += 1
                    if count < 100 or count % 20 == 0:  # long runs say the same again and again
                        last = check(tracker.progress(), naive, last)
        except RunFailedError:
            chance.trouble = 0.0
            run = flow.reopen("r", journal=journal, **options)
        else:
            break
    return tracker, journal


def check(progress, naive, last):
    assert progress.known == len(naive.known)
    assert progress.done == len(naive.over)
    assert set(progress.running) <= naive.running
    assert progress.done <= progress.known
    if progress.most is None:
        return last
    assert progress.known <= progress.most
    assert last <= progress.fraction <= 1.0
    return progress.fraction


@given(flows(), st.integers(0, 2**32), st.sampled_from([0.0, 0.1]), st.sampled_from([None, 1, 2]))
@settings(max_examples=20, deadline=None)
def test_progress_counts_what_is_known_and_neither_falls_nor_goes_beyond_all(
    flow, seed, trouble, concurrency
):
    assume(flow is not None)

    async def go():
        tracker, journal = await followed(flow, seed, trouble, concurrency)
        live = tracker.progress()
        if live.status is RunStatus.COMPLETED:
            assert live.fraction == 1.0
            assert live.done == live.known == live.most
        past = (await tracked(flow, "r", journal=journal)).progress()
        assert (past.status, past.done, past.known, past.most) == (
            live.status,
            live.done,
            live.known,
            live.most,
        )
        assert past.failed.keys() == live.failed.keys()
        states = {name: Counter(node.states) for name, node in live.nodes.items()}
        assert {name: Counter(node.states) for name, node in past.nodes.items()} == states
        check_prefixes(flow.graph, await journal.read("r"))

    run_virtual(go(), debug=False)


def check_prefixes(graph, records):
    """Wherever a run breaks off, what the tracker takes for alive is what the engine would go on with."""
    last = 0.0
    for size in range(1, len(records) + 1, 1 + len(records) // 6):
        part = records[:size]
        progress = Tracker(FlowOf(graph)).feed_all(events_of(graph, "r", part)).progress()
        schedule = recover(graph, part).schedule
        alive = {
            str(schedule.activation_id(node, rounds))
            for node, rounds, phase in schedule.live()
            if phase is not Phase.WAITING
        }
        if progress.status is RunStatus.RUNNING:  # else what had failed is over, or what ran is stopped
            told = {*progress.running, *progress.ready, *progress.retrying, *progress.failed}
            assert told == alive - {"START", "END"}
        if progress.most is not None:
            assert progress.done <= progress.known <= progress.most
            assert last <= progress.fraction
            last = progress.fraction
