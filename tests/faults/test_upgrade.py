"""A journal of the first schema is opened and used, and the power goes at any moment of it: nothing is lost."""

import pytest

from backedge.checkpoints import SqliteJournal

from ..checkpoints.samples import BIG, finished, started
from ..checkpoints.test_migrations import make_first_version
from .disk import OPTIONS
from .film import Film, cut, many_ways, one_way
from .kit import Place, needs_strace, soak

pytestmark = needs_strace

VALUES = [BIG, b'"small"', BIG, b'"' + b"c" * 20_000 + b'"']
OLD = [started(), *[finished(seq, value) for seq, value in enumerate(VALUES, 1)]]


@pytest.fixture(scope="module")
def film(warm, tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("upgraded"))
    make_first_version(place.database, VALUES)
    first = {place.database.name: place.database.read_bytes()}
    ended = warm.run(place, trace=OPTIONS)
    assert ended.code == 0, ended.errors
    return lambda: Film(ended.calls, place, first)


async def check(place, film, *, go_on):
    async with await SqliteJournal.open(place.database) as journal:
        assert await journal.read("demo") == OLD
        log = await journal.acquire("demo")
        await log.append(finished(len(OLD)))
    there = [record.seq for record in await place.records()]
    assert there == list(range(len(there)))
    assert film.kept <= set(there)
    if go_on:
        await place.go_on()
    assert place.intact()


def test_a_power_cut_amid_an_upgrade_loses_nothing(film, tmp_path):
    def seldom(moment):
        return one_way(moment // 5) if moment % 5 == 0 else ()

    assert cut(film(), tmp_path, check, share=0, ways=seldom) > 30


@soak
@pytest.mark.timeout(1200)
def test_a_power_cut_at_each_moment_of_an_upgrade_in_many_ways(film, tmp_path):
    assert cut(film(), tmp_path, check, share=0.2, ways=many_ways) > 1000
