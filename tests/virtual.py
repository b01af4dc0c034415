"""An event loop whose clock jumps to the next timer as soon as nothing else is to do: no test sleeps for real.

A run on it fails when something was left behind that the loop had to complain about: an exception in a task that
nobody looked at, an error in a callback.
"""

import asyncio
import gc
import selectors


class Deadlock(BaseException):
    """Nothing is ready, no timer is set: the loop would wait for ever."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer; advances the clock instead. Waits for real only where no timer is set."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.alone = False

    def select(self, timeout=None):
        if timeout is None:
            if self.alone:
                raise Deadlock
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


class SteppingLoop(VirtualLoop):
    """A virtual loop that calls back before the iterations named. It must not use threads: then nothing can wait."""

    def __init__(self, *calls):
        super().__init__()
        self._jumping.alone = True
        self.steps = 0
        self.calls = dict(calls)

    def _run_once(self):
        self.steps += 1
        if call := self.calls.get(self.steps):
            call()
        super()._run_once()


class Complaints(AssertionError):
    """What the loop's exception handler was told."""


def run_virtual(work, *, loop=VirtualLoop, debug=True, thorough=False):
    """Run a coroutine to its end on virtual time, in asyncio's debug mode unless told otherwise; gives its result.

    Raises Complaints when the loop's exception handler was called; `thorough` collects garbage first.
    """
    complaints = []
    with asyncio.Runner(loop_factory=loop, debug=debug) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: complaints.append(context))
        result = runner.run(work)
        if thorough:
            gc.collect()
    if complaints:
        raise Complaints(complaints)
    return result
