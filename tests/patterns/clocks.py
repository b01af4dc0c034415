"""Virtual clocks for whole runs, with their timers and their journals."""

import asyncio
import selectors

from ..virtual import VirtualLoop, _JumpingSelector


class Clock(VirtualLoop):
    """A virtual clock that never quite stands still, as no clock does: else rounding may leave a timer never due."""

    def _run_once(self):
        self._jumping.now += 1e-6
        super()._run_once()


class _PatientSelector(_JumpingSelector):
    """Gives the journal's thread some real time before the clock jumps."""

    def select(self, timeout=None):
        events = selectors.DefaultSelector.select(self, 0.001) if timeout else ()
        return events or super().select(timeout)


class PatientClock(Clock):
    """A virtual clock for a journal on disk."""

    def __init__(self):
        self._jumping = _PatientSelector()
        asyncio.SelectorEventLoop.__init__(self, self._jumping)
