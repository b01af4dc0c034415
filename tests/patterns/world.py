"""What surrounds a run: its steps' work, which lasts as long as chance says, and what is sent to it from outside."""

import asyncio
from contextlib import suppress
from itertools import count

from backedge import InputError, cancel, send

from .parts import Work

RUN = "r"
"""What every run is called."""

_SECONDS = (0, 0, 1, 1, 2, 3, 5, 8, 13)


class Witness(Work):
    """Work that lasts as long as chance says, and an account of it that survives kills."""

    def __init__(self, chance):
        self.chance = chance
        self.clock = count()
        self.began = []
        self.spans = {}
        self.over = set()
        self._news = asyncio.Event()

    async def takes_a_while(self, activation):
        assert activation not in self.over, f"{activation} had finished and runs again"
        begin = next(self.clock)
        self.began.append(activation)
        self._tell()
        await asyncio.sleep(self.chance.choice(_SECONDS))
        self.spans[activation] = (begin, next(self.clock))
        self._tell()

    async def until(self, condition):
        """Wait until it holds of what began and what is done."""
        while not condition():
            await self._news.wait()

    def _tell(self):
        news, self._news = self._news, asyncio.Event()
        news.set()


class World:
    """What is outside of a run: sends it signals, ends it; does not notice when the run's process dies."""

    def __init__(self, journal, witness):
        self._journal, self._witness = journal, witness
        self.told = asyncio.Event()

    async def wait(self, most=20):
        """Let some time go by, up to so many seconds."""
        await asyncio.sleep(self._witness.chance.uniform(0, most))

    async def until_begun(self, activation):
        await self._witness.until(lambda: activation in self._witness.began)

    async def until_done(self, activation):
        await self._witness.until(lambda: activation in self._witness.spans)

    async def send(self, signal, value=None, **options):
        """Send a signal; nobody cares when the run is over already."""
        with suppress(InputError):
            await send(RUN, signal, value, journal=self._journal, **options)
        self.told.set()

    async def cancel(self):
        """End the run for good, if it is not over already."""
        with suppress(InputError):
            await cancel(RUN, journal=self._journal)
        self.told.set()
