"""What a node may ask for."""

import pytest

from backedge.engine.context import Context
from backedge.engine.records import ActivationId


def test_the_round_is_that_of_the_innermost_loop_or_of_the_loop_named():
    emitted = []
    context = Context("r", ActivationId("lint", (("outer", 2), ("inner", 5))), 3, emitted.append)
    assert (context.run_id, str(context.activation), context.attempt) == ("r", "lint@2.5", 3)
    assert (context.round(), context.round("outer"), context.round("inner")) == (5, 2, 5)
    with pytest.raises(KeyError):
        context.round("other")
    context.emit({"a": 1})
    assert emitted == [{"a": 1}]


def test_outside_of_loops_the_round_is_0():
    assert Context("r", ActivationId("node", ()), 1, print).round() == 0
