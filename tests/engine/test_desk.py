"""The desk of a run: which letter goes to whom."""

import asyncio

from backedge.engine.execution.desk import Desk
from backedge.engine.records import ActivationId, EffectKind, EffectOpened, Letter, LetterKind


class Name(str):
    """A name that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Name.compared += 1
        return str.__eq__(self, other)


def signal(number, name):
    return Letter(LetterKind.SIGNAL, name, b"1", 0.0, number=number)


def opened(name, path="0"):
    return EffectOpened(
        seq=1,
        activation=ActivationId("work", (), ()),
        attempt=1,
        path=path,
        name=name,
        digest="",
        kind=EffectKind.SIGNAL,
        at=0.0,
        detail=b"{}",
    )


async def test_what_has_not_come_is_not_looked_for_among_all_that_has():
    desk = Desk(lambda: 0.0, letters=[signal(number, Name("mail")) for number in range(1, 1001)])
    Name.compared = 0
    assert not desk.expect(opened("abort")).done()
    assert Name.compared == 0
    assert desk.expect(opened("mail")).result().number == 1
    assert Name.compared < 10


async def test_letters_of_a_name_come_in_order_and_those_given_back_come_again():
    desk = Desk(lambda: 0.0)
    desk.deliver([signal(1, "mail"), signal(2, "other"), signal(3, "mail")])
    first, second = (desk.expect(opened("mail")).result() for _ in range(2))
    assert (first.number, second.number) == (1, 3)
    waiting = desk.expect(opened("mail"))
    assert not waiting.done()
    waiting.cancel()
    await asyncio.sleep(0)
    desk.give_back([second, first])
    assert [desk.expect(opened("mail")).result().number for _ in range(2)] == [1, 3]
