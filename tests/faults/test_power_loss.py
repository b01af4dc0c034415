"""The power goes at any moment of a real run: what was acknowledged is there, and the run goes on to its end."""

import asyncio
import random
import shutil

import pytest

from .disk import OPTIONS, Disk, calls
from .kit import Ended, Place, needs_strace, recovers, soak

pytestmark = needs_strace

RESUMED = 0.08  # the share of the images that are gone on with; all are read


class Film:
    """A traced run, call by call: the disk, and what was told and done outside by then."""

    def __init__(self, trace, place):
        self._trace = trace
        self.place = place
        self.told = ""
        self.effects = b""

    def moments(self):
        """After each call that changed the disk."""
        disk = Disk(self.place.folder)
        for call in calls(self._trace):
            changed = disk.apply(call)
            if call.name == "write" and call.numbers[0] == 1:
                self.told += call.texts[0].decode()
            log = disk.names.get(self.place.log.name)
            if log is not None and log.since:
                log.sync()  # effects are outside: no power cut takes them back
                self.effects = log.safe
            elif changed:
                yield disk


@pytest.fixture(scope="session")
def films(warm, tmp_path_factory):
    made = {}

    def film(setting):
        if setting not in made:
            place = Place(tmp_path_factory.mktemp(setting))
            ended = warm.run(place, trace=OPTIONS, more=[setting])
            assert ended.code == 0, ended.errors
            made[setting] = ended.calls, place
        return Film(*made[setting])

    return film


def developed(image, film, folder):
    """The image as files."""
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(folder)
    for name, content in image.items():
        (folder / name).write_bytes(content)
    if film.effects:
        place.log.write_bytes(film.effects)
    else:
        place.log.unlink(missing_ok=True)
    return place


def checks(setting, expected):
    async def check(place, film, *, go_on):
        told = film.told if setting == "full" else ""
        if go_on and setting == "full":
            await recovers(place, Ended(0, told, ""), expected)
            return
        there = [record.seq for record in await place.records()]
        assert there == list(range(len(there)))
        assert Ended(0, told, "").kept <= set(there), "an acknowledged record is gone"
        if go_on:
            assert await place.go_on() == expected[0]
        assert not there or place.intact()

    return check


def images(film, chance, ways):
    """Each moment's images: each way is how likely a write that was not synced is to be there."""
    for moment, disk in enumerate(film.moments()):
        for keep in ways(moment):
            yield f"moment {moment}, keep {keep}", disk.image(chance, keep)


def cut(film, folder, check, *, share, ways):
    """Cut the power at every moment; how many images there were."""
    seed = random.randrange(2**32)
    chance, count = random.Random(seed), 0
    for where, image in images(film, chance, ways):
        count += 1
        place = developed(image, film, folder / "image")
        try:
            asyncio.run(check(place, film, go_on=chance.random() < share))
        except Exception as error:
            raise AssertionError(f"seed {seed}, {where}: {error!r}") from error
    return count


def one_way(moment):
    return ((0, 0.5, 1, 0.5)[moment % 4],)


def many_ways(moment):
    return (0, 1, *[0.5] * 6)


def test_a_power_cut_at_any_moment_takes_nothing_that_was_acknowledged(films, expected, tmp_path):
    check = checks("full", expected)
    assert cut(films("full"), tmp_path, check, share=RESUMED, ways=one_way) > 100


def test_without_the_syncs_a_power_cut_leaves_a_whole_beginning(films, expected, tmp_path):
    check = checks("normal", expected)
    assert cut(films("normal"), tmp_path, check, share=RESUMED, ways=one_way) > 100


def test_without_the_syncs_a_power_cut_takes_what_was_acknowledged(films, expected, tmp_path):
    with pytest.raises(AssertionError, match="an acknowledged record is gone"):
        cut(films("normal"), tmp_path, checks("full", expected), share=0, ways=lambda _: (0,))


@pytest.mark.parametrize("setting", ["full", "normal"])
def test_a_disk_on_which_all_is_written_is_the_real_one(films, setting):
    film = films(setting)
    *_, (_, image) = images(film, random, lambda _: (1,))
    real = {path.name: path.read_bytes() for path in film.place.folder.iterdir() if path != film.place.log}
    image.pop(film.place.log.name)
    assert image == real


@soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("setting", ["full", "normal"])
def test_a_power_cut_at_each_moment_in_many_ways(films, expected, tmp_path, setting):
    check = checks(setting, expected)
    assert cut(films(setting), tmp_path, check, share=1, ways=many_ways) > 1000
