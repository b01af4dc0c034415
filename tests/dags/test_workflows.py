"""Graphs shaped like scientific workflows run as fast as their longest way allows, each node once, parents first."""

import asyncio
from collections import Counter
from functools import cache
from itertools import accumulate, pairwise

import networkx as nx
import pytest

from backedge import Graph
from backedge.checkpoints import MemoryJournal
from benchmarks.dags import graph_of
from benchmarks.workflows import SHAPES, random_layers

from ..virtual import run_virtual


def longest_way(workflow):
    """Its critical path in seconds, found by somebody else's code."""
    graph = nx.DiGraph()
    graph.add_nodes_from(workflow.seconds)
    graph.add_weighted_edges_from((a, b, workflow.seconds[b]) for a, b in workflow.edges)
    graph.add_weighted_edges_from(
        ("begin", task, workflow.seconds[task]) for task in workflow.seconds if not graph.in_degree(task)
    )
    way = nx.dag_longest_path(graph)
    return sum(workflow.seconds[task] for task in way[1:])


class Watch:
    """Notes when each task of a workflow begins and ends."""

    def __init__(self, workflow):
        self.workflow = workflow
        self.began, self.ended, self.half = [], [], asyncio.Event()
        self.flow = graph_of(workflow, self.work).compile()

    async def work(self, task, seconds):
        now = asyncio.get_running_loop().time
        self.began.append((task, now()))
        await asyncio.sleep(seconds)
        self.ended.append((task, now()))
        if len(self.ended) >= len(self.workflow.seconds) / 2:
            self.half.set()

    async def run(self, **options):
        """Run the whole; how long it took."""
        self.began.clear()
        self.ended.clear()
        return await self.timed(self.flow.run(**options))

    async def timed(self, running):
        start = asyncio.get_running_loop().time()
        result = await running
        assert result.state.done == set(self.workflow.seconds)
        return asyncio.get_running_loop().time() - start

    def check(self):
        """Each task was done once, and began the last time when its parents were done."""
        began, ended = dict(self.began), dict(self.ended)
        assert Counter(task for task, _ in self.ended) == dict.fromkeys(self.workflow.seconds, 1)
        assert all(ended[parent] <= began[child] for parent, child in self.workflow.edges)

    def most_at_once(self):
        """How many tasks ran at the same time; one that ends when another begins does not count."""
        changes = sorted([(when, 1) for _, when in self.began] + [(when, -1) for _, when in self.ended])
        return max(accumulate(change for _, change in changes))


@cache
def watch(shape, size):
    """A workflow whose longest way takes 100 seconds. To compile it is most of what a test costs."""
    return Watch(SHAPES[shape](size, seed=size).lasting(100))


SMALL, MEDIUM, LARGE = 150, 600, 5_000
SIZES = [SMALL, MEDIUM, *[pytest.param(size, marks=pytest.mark.soak) for size in (1_700, LARGE)]]
SOME = [(shape, SMALL) for shape in SHAPES]
SOME += [("Montage", MEDIUM), *[pytest.param(shape, LARGE, marks=pytest.mark.soak) for shape in SHAPES]]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_takes_as_long_as_its_longest_way(shape, size):
    its = watch(shape, size)
    took = run_virtual(its.run(), debug=False)
    its.check()
    assert len(its.began) == len(its.workflow.seconds)
    assert longest_way(its.workflow) == pytest.approx(100)
    assert took == pytest.approx(100)


@pytest.mark.parametrize(("shape", "size"), SOME)
def test_a_run_on_few_places_leaves_none_idle_while_something_could_run(shape, size):
    """Graham's bound: any schedule of that sort, whatever it prefers, is at most so long."""
    its, places = watch(shape, size), 16
    took = run_virtual(its.run(concurrency=places), debug=False)
    its.check()
    work, way = sum(its.workflow.seconds.values()), longest_way(its.workflow)
    assert its.most_at_once() == places
    assert took >= max(work / places, way) * (1 - 1e-9)
    assert took <= (work / places + way * (1 - 1 / places)) * (1 + 1e-9)


@pytest.mark.parametrize(("shape", "size"), SOME)
def test_a_run_that_was_stopped_in_the_middle_goes_on_and_does_nothing_twice(shape, size):
    its = watch(shape, size)

    async def go():
        journal = MemoryJournal()
        its.half.clear()
        run = asyncio.create_task(its.run(journal=journal, run_id="r"))
        await its.half.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        done, begun = len(its.ended), len(its.began)
        return done, begun, await its.timed(its.flow.resume("r", journal=journal))

    done, begun, took = run_virtual(go(), debug=False)
    its.check()
    assert done < begun < len(its.workflow.seconds)
    again = len(its.began) - len(its.workflow.seconds)
    assert again == begun - done  # those that were under way when it was stopped
    assert took <= 1.05 * 100


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_workflow_is_what_its_literature_says(shape, size):
    """Shape and times depend on nothing but size and seed; parents come first; there are about as many as asked for."""
    make = SHAPES[shape]
    workflow = make(size, seed=3)
    assert workflow == make(size, seed=3)
    assert workflow.seconds != make(size, seed=4).seconds
    assert workflow.edges == make(size, seed=4).edges
    assert 0.8 * size <= len(workflow.seconds) <= 1.1 * size
    place = {task: number for number, task in enumerate(workflow.seconds)}
    assert all(place[parent] < place[child] for parent, child in workflow.edges)
    assert len(set(workflow.edges)) == len(workflow.edges)
    assert workflow.critical_path() == pytest.approx(longest_way(workflow))


STAGES = {
    "Montage": "mProject mDiffFit mConcatFit mBgModel mBackground mImgtbl mAdd mViewer",
    "Epigenomics": "fastqSplit filterContams sol2sanger fast2bfq map mapMerge maqIndex pileup",
    "1000Genome": "individuals individuals_merge frequency",
    "Cycles": "baseline_cycles cycles cycles_output_summary cycles_plots",
    "Seismology": "sG1IterDecon siftSTFByMisfit",
}
JOINS = {"Montage": 342, "Epigenomics": 60, "1000Genome": 61, "Cycles": 12, "Seismology": 1_699}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_stages_of_a_workflow_follow_each_other_and_meet_in_wide_joins(shape):
    workflow = SHAPES[shape](1_700)
    stages = {tuple(task.rpartition("_")[0] for task in edge) for edge in workflow.edges}
    assert stages.issuperset(pairwise(STAGES[shape].split()))
    assert max(Counter(child for _, child in workflow.edges).values()) == JOINS[shape]


def test_a_graph_of_no_meaning_has_as_many_tasks_and_edges_as_asked_for():
    workflow = random_layers(300, 900, seed=1)
    assert (len(workflow.seconds), len(set(workflow.edges))) == (300, 900)
    assert isinstance(graph_of(workflow), Graph)
    its = Watch(workflow)
    assert run_virtual(its.run(), debug=False) == pytest.approx(workflow.critical_path())
    its.check()
