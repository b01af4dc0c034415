"""A traced run played again call by call, with the power cut wherever one likes."""

import asyncio
import random
import shutil

from .disk import Disk, File, calls
from .kit import Ended, Place


class Film:
    """A traced run, call by call: the disk, and what was told and done outside by then."""

    def __init__(self, trace, place, first=()):
        self._trace = trace
        self._first = dict(first)  # what lay on the disk before
        self.place = place
        self.told = ""
        self.effects = b""

    @property
    def kept(self):
        """The records that were acknowledged by now."""
        return Ended(0, self.told, "").kept

    def moments(self):
        """After each call that changed the disk."""
        disk = Disk(self.place.folder, {name: File(content) for name, content in self._first.items()})
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
