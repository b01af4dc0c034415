"""What a schedule holds does not grow with the rounds, where joins do not wait and where maps go round."""

import pytest

from backedge.engine.activation import Phase
from backedge.engine.facts import CancelNode, NodeCancelled, NodeSucceeded
from backedge.engine.schedule import Schedule

from .graphs import read_graph
from .many import Early, World
from .many_drive import ADDED, FIELDS, NOTHING, OVER, plan_of, rules_of
from .oracle import END, START
from .sizes import SOAKING, grows

STRAGGLER = read_graph("START>h START>slow h>a slow>j a>j j>t t<h t>END")
MAPPED = read_graph("START>w/MAP w/MAP>w w/MAP>w/JOIN w>w/JOIN w/JOIN>t t<w/MAP t>END")
ROUNDS = 10_000 if SOAKING else 200
FAN, ASIDE = "w/MAP>w", "w/MAP>w/JOIN"
MAPS = {FAN: ("w", frozenset("w"), "w/JOIN")}


@pytest.mark.parametrize(
    "world",
    [
        World(STRAGGLER, early={"j": Early(1)}),
        World(MAPPED, maps=MAPS),
        *(World(MAPPED, maps=MAPS, early={"w/JOIN": Early(2, rest, ASIDE)}) for rest in ("drop", "cancel")),
    ],
    ids=["straggler", "map", "map of two", "map of two, rest cancelled"],
)
@grows
def test_what_is_held_after_many_rounds_is_what_is_held_after_a_few(world):
    held = []
    for schedule in rounds_of(world, slow=world.graph is STRAGGLER):
        held.append(entries(schedule))
        if len(held) == ROUNDS:
            break
    assert len(held) == ROUNDS
    assert len(set(held[10:])) == 1


def entries(schedule):
    """How much a schedule holds: the entries of all its collections, and of those in them."""
    own = [each for each in vars(schedule).values() if isinstance(each, dict | set | list)]
    inner = [each for one in own if isinstance(one, dict) for each in one.values()]
    return sum(map(len, own)) + sum(len(each) for each in inner if isinstance(each, dict | set | list))


def rounds_of(world, *, slow):
    """Drive a loop for ever; what is slow does not finish. The schedule at the end of each round."""
    plan = plan_of(world)
    schedule = Schedule(
        plan,
        FIELDS.root(NOTHING),
        start=plan.number[START],
        end=plan.number[END],
        rules=rules_of(world, plan),
    )
    while True:
        running = [(n, r) for n, r, phase in schedule.live() if phase is Phase.RUNNING]
        going = [key for key in running if not (slow and plan.nodes[key[0]] == "slow")]
        if not going:
            return
        node, rounds = going[0]
        name = plan.nodes[node]
        taken = tuple(way for way in plan.outgoing[node] if plan.edges[way].target != plan.number[END])
        updates = {OVER: (0, 1, 2)} if name == "w/MAP" else {}
        if name == "w" and len(rounds[-1]) == 1:
            updates = {ADDED: [0]}
        for order in schedule.apply(NodeSucceeded(node, rounds, updates, taken)):
            if isinstance(order, CancelNode):
                schedule.apply(NodeCancelled(order.node, order.rounds))
        if name == "t":
            yield schedule
