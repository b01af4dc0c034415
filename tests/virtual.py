"""An event loop whose clock jumps to the next timer as soon as nothing else is to do: no test sleeps for real."""

import asyncio
import selectors


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer; advances the clock instead. Waits for real only where no timer is set."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            return super().select(None)
        events = super().select(0)
        if not events:
            self.now += max(timeout, 0)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time, which starts at 0."""

    def __init__(self):
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self):
        return self._jumping.now


def run_virtual(work):
    """Run a coroutine to its end on virtual time, in asyncio's debug mode; gives its result."""
    with asyncio.Runner(loop_factory=VirtualLoop, debug=True) as runner:
        return runner.run(work)
