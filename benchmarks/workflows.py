"""Graphs shaped like published scientific workflows, of any size, with seeded running times: plain data.

The stages, who waits for whom, and the range of each stage's running time follow what the Pegasus project publishes:
the generators of the workflows themselves (montage-workflow-v3, 1000genome-workflow, pegasus-cycles,
seismology-workflow; for Epigenomics the synthetic generator of Bharathi et al., "Characterization of Scientific
Workflows", WORKS 2008) and the statistics of recorded executions in the recipes of WfCommons (Coleman et al., "WfCommons:
A Framework for Enabling Scientific Workflow Research and Development", FGCS 2022). Recorded times are far from normal:
most tasks of a stage are short, some take very long. They are drawn from a beta distribution over the stage's range.

What cannot be had from there is simplified: Montage's images lie on a grid and overlap with their eight neighbours, as
tiles of a survey do; in Cycles each set of parameters is parsed and then summed up for its place and crop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product


@dataclass(frozen=True, slots=True)
class Workflow:
    """A directed acyclic graph of tasks.

    Attributes:
        name: What it is shaped like.
        seconds: Task to how long it takes; parents come before their children.
        edges: Parent and child.
    """

    name: str
    seconds: Mapping[str, float]
    edges: tuple[tuple[str, str], ...]

    def critical_path(self) -> float:
        """The longest way through it in seconds: no run can be faster."""
        parents: dict[str, list[str]] = {}
        for parent, child in self.edges:
            parents.setdefault(child, []).append(parent)
        done: dict[str, float] = {}
        for task, seconds in self.seconds.items():
            done[task] = seconds + max((done[parent] for parent in parents.get(task, ())), default=0.0)
        return max(done.values())

    def lasting(self, seconds: float) -> Workflow:
        """The same with running times scaled so that its critical path takes `seconds`."""
        factor = seconds / self.critical_path()
        return Workflow(self.name, {task: each * factor for task, each in self.seconds.items()}, self.edges)


@dataclass(slots=True)
class _Draft:
    """A workflow in the making."""

    chance: random.Random
    times: Mapping[str, tuple[float, float]]
    seconds: dict[str, float] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def task(self, stage: str, *parents: str) -> str:
        number = self.counts[stage] = self.counts.get(stage, 0) + 1
        name = f"{stage}_{number}"
        shortest, longest = self.times[stage]
        self.seconds[name] = shortest + (longest - shortest) * self.chance.betavariate(0.8, 2.4)
        self.edges += [(parent, name) for parent in parents]
        return name

    def made(self, name: str) -> Workflow:
        return Workflow(name, self.seconds, tuple(self.edges))


MONTAGE = {
    "mProject": (5.0, 1263.5),
    "mDiffFit": (0.01, 46.5),
    "mConcatFit": (0.13, 12.4),
    "mBgModel": (0.39, 110.5),
    "mBackground": (0.12, 114.1),
    "mImgtbl": (0.05, 1.8),
    "mAdd": (0.5, 23.2),
    "mViewer": (0.5, 68.4),
}


def montage(size: int, seed: int = 0) -> Workflow:
    """A mosaic of the sky in three colours: wide stages that are joined by single tasks, twice over.

    In each colour every image is projected, every pair of images that overlap is fitted to each other (two parents
    each), one task gathers all fits, one makes the model of the background; every image is corrected by that model, all
    are added, and the mosaics of the three colours become one picture.
    """
    draft = _Draft(random.Random(seed), MONTAGE)
    side = max(2, round((size / 18) ** 0.5))
    mosaics = []
    for _ in range(3):
        images = {place: draft.task("mProject") for place in product(range(side), repeat=2)}
        fits = [
            draft.task("mDiffFit", images[x, y], images[x + right, y + down])
            for x, y in images
            for right, down in ((1, 0), (0, 1), (1, 1), (-1, 1))
            if (x + right, y + down) in images
        ]
        model = draft.task("mBgModel", draft.task("mConcatFit", *fits))
        corrected = [draft.task("mBackground", image, model) for image in images.values()]
        mosaics.append(draft.task("mAdd", draft.task("mImgtbl", *corrected), *corrected))
        draft.task("mViewer", mosaics[-1])
    draft.task("mViewer", *mosaics)
    return draft.made("Montage")


EPIGENOMICS = {
    "fastqSplit": (1.3, 878.5),
    "filterContams": (0.07, 47.4),
    "sol2sanger": (0.02, 28.6),
    "fast2bfq": (0.03, 10.5),
    "map": (24.8, 122.6),
    "mapMerge": (1.6, 37.3),
    "maqIndex": (2.1, 120.3),
    "pileup": (23.1, 99.6),
}


def epigenomics(size: int, seed: int = 0) -> Workflow:
    """Reading genomes: lanes that are each split into many long chains, merged by lane and then all together."""
    draft = _Draft(random.Random(seed), EPIGENOMICS)
    lanes = 2 if size < 400 else 7
    splits = max(1, round((size - 3 - 2 * lanes) / (4 * lanes)))
    merged = []
    for _ in range(lanes):
        split, ends = draft.task("fastqSplit"), []
        for _ in range(splits):
            last = split
            for stage in ("filterContams", "sol2sanger", "fast2bfq", "map"):
                last = draft.task(stage, last)
            ends.append(last)
        merged.append(draft.task("mapMerge", *ends))
    draft.task("pileup", draft.task("maqIndex", draft.task("mapMerge", *merged)))
    return draft.made("Epigenomics")


GENOME = {
    "individuals": (48.8, 192.2),
    "individuals_merge": (34.5, 157.3),
    "sifting": (0.3, 22.7),
    "mutation_overlap": (1.6, 92.2),
    "frequency": (76.0, 238.3),
}


def genome(size: int, seed: int = 0) -> Workflow:
    """1000Genome: for each chromosome many parts that are merged, then two analyses for each of seven populations.

    Both wait for the merged individuals and for the sifted mutations of their chromosome. Nothing joins the chromosomes.
    """
    draft = _Draft(random.Random(seed), GENOME)
    chromosomes = 4 if size < 400 else 22
    parts = max(1, round(size / chromosomes) - 16)
    for _ in range(chromosomes):
        merged = draft.task("individuals_merge", *[draft.task("individuals") for _ in range(parts)])
        sifted = draft.task("sifting")
        for _ in range(7):
            draft.task("mutation_overlap", merged, sifted)
            draft.task("frequency", merged, sifted)
    return draft.made("1000Genome")


CYCLES = {
    "baseline_cycles": (1.6, 110.6),
    "cycles": (1.3, 101.6),
    "fertilizer_increase_cycles": (1.3, 101.2),
    "fertilizer_increase_output_parser": (0.035, 1.24),
    "cycles_output_summary": (0.048, 0.39),
    "fertilizer_increase_output_summary": (0.045, 0.54),
    "cycles_plots": (123.4, 514.6),
}


def cycles(size: int, seed: int = 0) -> Workflow:
    """Simulated harvests: for each place and crop many sets of parameters, each simulated three times.

    The second and third simulation start from what the first left; a summary of all is plotted.
    """
    draft = _Draft(random.Random(seed), CYCLES)
    settings = 9 if size < 400 else 12
    for _ in range(max(1, round(size / (4 * settings + 3)))):  # places and crops
        grown, parsed = [], []
        for _ in range(settings):
            baseline = draft.task("baseline_cycles")
            grown.append(draft.task("cycles", baseline))
            more = draft.task("fertilizer_increase_cycles", baseline)
            parsed.append(draft.task("fertilizer_increase_output_parser", grown[-1], more))
        draft.task("fertilizer_increase_output_summary", *parsed)
        draft.task("cycles_plots", draft.task("cycles_output_summary", *grown))
    return draft.made("Cycles")


SEISMOLOGY = {"sG1IterDecon": (0.087, 5.62), "siftSTFByMisfit": (0.089, 1.35)}


def seismology(size: int, seed: int = 0) -> Workflow:
    """Seismic cross correlation: one wide stage, and one task that waits for all of it."""
    draft = _Draft(random.Random(seed), SEISMOLOGY)
    draft.task("siftSTFByMisfit", *[draft.task("sG1IterDecon") for _ in range(max(1, size - 1))])
    return draft.made("Seismology")


SHAPES: Mapping[str, Callable[..., Workflow]] = {
    "Montage": montage,
    "Epigenomics": epigenomics,
    "1000Genome": genome,
    "Cycles": cycles,
    "Seismology": seismology,
}
"""Each takes about how many tasks there are to be and a seed."""


def random_layers(tasks: int, edges: int, seed: int = 0) -> Workflow:
    """A graph of no meaning with exactly so many tasks and edges: most parents are near, some are far."""
    chance = random.Random(seed)
    names = [f"task_{number}" for number in range(tasks)]
    found: dict[tuple[int, int], None] = {}
    while len(found) < edges:
        child = chance.randrange(1, tasks)
        found[max(0, child - 1 - int(chance.expovariate(1 / 200))), child] = None
    pairs = tuple((names[parent], names[child]) for parent, child in found)
    return Workflow("random layers", {name: chance.uniform(1, 2) for name in names}, pairs)
