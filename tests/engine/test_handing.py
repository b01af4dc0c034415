"""Until when what is done keeps its places, where they are lent."""

from backedge.engine.execution.handing import Handing


def test_what_is_done_keeps_its_places_until_it_is_known_what_came_of_it():
    handing = Handing()
    handing.begun((1, ()))
    assert handing.keeps((1, ()))
    assert handing.over((2, ()), None) == []
    assert handing.over((1, ()), None) == [1]
    assert handing.over((1, ()), None) == []


def test_what_is_known_already_when_it_is_done_keeps_nothing():
    handing = Handing()
    handing.begun((1, ()))
    assert handing.over((1, ()), None) == []
    assert not handing.keeps((1, ()))


def test_places_go_with_what_does_no_work_of_its_own_to_its_end():
    handing = Handing()
    for key in ((1, (0,)), (2, (0,)), (5, ())):
        handing.begun(key)
        assert handing.keeps(key)
    assert handing.over((1, (0,)), (5, ())) == ()
    assert handing.over((5, ()), (6, ())) == ()
    assert handing.over((2, (0,)), (6, ())) == ()
    assert handing.over((6, ()), None) == [5, 1, 2]
