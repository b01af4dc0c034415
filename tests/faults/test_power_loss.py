"""The power goes at any moment of a real run: what was acknowledged is there, and the run goes on to its end."""

import random

import pytest

from backedge.engine.records import EffectOpened

from .disk import OPTIONS
from .film import Film, cut, images, many_ways, one_way
from .kit import Ended, Place, asked_first, needs_strace, recovers, soak

pytestmark = needs_strace

RESUMED = 0.08  # the share of the images that are gone on with; all are read


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


def checks(setting, expected):
    async def check(place, film, *, go_on):
        if go_on and setting == "full":
            await recovers(place, Ended(0, film.told, ""), expected)
            return
        records = await place.records()
        there = [record.seq for record in records]
        assert there == list(range(len(there)))
        assert setting != "full" or film.kept <= set(there), "an acknowledged record is gone"
        opened = {f"{each.activation}/{each.name}" for each in records if isinstance(each, EffectOpened)}
        begun = {effect for effect in place.effects if effect.endswith(("/asked", "/unsafe"))}
        assert begun <= opened, "an effect was begun, and what was to be done is gone"
        if go_on:
            assert await place.go_on() == expected[0]
            asked_first(place)
        assert not there or place.intact()

    return check


def test_a_power_cut_at_any_moment_takes_nothing_that_was_acknowledged(films, expected, tmp_path):
    check = checks("full", expected)
    assert cut(films("full"), tmp_path, check, share=RESUMED, ways=one_way) > 100


@pytest.mark.soak
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
