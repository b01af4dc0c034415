"""Agents by id, role and function."""

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph
from backedge.nodes.registry import CONCURRENCY, AgentCard, Registry, RegistryError


class State(BaseModel):
    text: str = ""


def flow():
    graph = Graph(State)
    graph.edge(START, END)
    return graph.compile()


FLOW = flow()


def card(name, **more):
    return AgentCard(name, FLOW, **more)


REGISTRY = Registry(
    card("ann", role="coder", functions=("write", "mend")),
    card("bob", role="coder", functions=("write",)),
    card("cy", role="checker", functions=("check",)),
)


def ids(cards):
    return [each.id for each in cards]


def test_agents_are_found_by_id_role_and_function_in_order_of_registration():
    assert REGISTRY.by_id("bob").id == "bob"
    assert ids(REGISTRY.by_role("coder")) == ["ann", "bob"]
    assert ids(REGISTRY.by_function("mend")) == ["ann"]
    assert ids(REGISTRY.by_function("write")) == ["ann", "bob"]
    assert (REGISTRY.by_role("painter"), REGISTRY.by_function("paint")) == ((), ())
    assert (REGISTRY.roles, REGISTRY.functions) == (("coder", "checker"), ("write", "mend", "check"))
    assert ids(REGISTRY) == ["ann", "bob", "cy"]
    assert (len(REGISTRY), "ann" in REGISTRY, "dan" in REGISTRY) == (3, True, False)


def test_two_jobs_at_once_are_what_an_agent_does_unless_told_otherwise():
    assert card("ann").concurrency == CONCURRENCY == 2


def test_who_is_not_there_is_told_with_those_who_are_and_who_may_be_meant():
    with pytest.raises(RegistryError) as caught:
        REGISTRY.by_id("anne")
    assert str(caught.value) == "there is no agent 'anne'; there is ann, bob, cy; did you mean 'ann'?"
    with pytest.raises(RegistryError, match="the registry is empty"):
        Registry().by_id("ann")


def test_an_id_is_taken_once_and_nothing_is_registered_where_anything_is_wrong():
    registry = Registry(card("ann"))
    with pytest.raises(RegistryError) as caught:
        registry.add(card("bob"), card("ann"), card("bob"), card("x", concurrency=0))
    assert caught.value.problems == (
        "there is an agent 'ann': each needs an id of its own",
        "there is an agent 'bob': each needs an id of its own",
        "agent 'x': concurrency= is a whole number from 1, not 0",
    )
    assert ids(registry) == ["ann"]


def test_who_is_removed_is_gone_and_may_come_back():
    registry = Registry(card("ann"), card("bob"))
    registry.add(registry.remove("ann"))
    assert ids(registry) == ["bob", "ann"]
    with pytest.raises(RegistryError):
        registry.remove("dan")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"id": ""}, "the id of an agent is a text"),
        ({"id": "a/b"}, "without '/'"),
        ({"id": 7}, "not 7"),
        ({"flow": Graph(State)}, "flow= is a compiled graph, not Graph"),
        ({"role": None}, "role= is a text, not None"),
        ({"functions": "write"}, "functions= is a tuple of texts"),
        ({"functions": ("",)}, "functions= is a tuple of texts"),
        ({"concurrency": True}, "concurrency= is a whole number from 1, not True"),
        ({"silent_after": 0}, "silent_after= is seconds above 0"),
        ({"silent_after": float("nan")}, "silent_after= is seconds above 0"),
        ({"restarts": -1}, "restarts= is a whole number from 0"),
        ({"restarts": 1}, "say silent_after= too"),
        ({"id": "\ud800"}, "the id of an agent is a text"),
        ({"options": {"deadlin": 3}}, "agent 'ann': options=: unknown option 'deadlin'"),
        ({"options": {"journal": "x.db"}}, "unknown option 'journal'"),
        ({"options": {"resources": {"chance": 1}}}, "declares no resource 'chance'"),
        ({"options": None}, "options= maps names to values"),
    ],
)
def test_a_card_that_cannot_be_is_told(wrong, told):
    with pytest.raises(RegistryError, match=told):
        Registry(AgentCard(**{"id": "ann", "flow": FLOW, **wrong}))


def test_what_is_no_card_is_told_and_all_problems_of_one_come_together():
    with pytest.raises(RegistryError, match="registered as an AgentCard, not as str"):
        Registry("ann")
    with pytest.raises(RegistryError) as caught:
        Registry(card("", role=1, concurrency=0))
    assert len(caught.value.problems) == 3


def test_cards_can_be_told_apart_in_sets():
    assert len({card("ann"), card("ann"), card("bob")}) == 2
