"""The ledger adds up by every label, and says what it does not know."""

import pytest

from backedge.providers import Usage
from backedge.providers.labels import Labels
from backedge.providers.wrappers.ledger import Ledger, Spent

USAGE = Usage(input_tokens=10, output_tokens=5, cached_tokens=4, cache_write_tokens=3, reasoning_tokens=2)


@pytest.fixture
def ledger():
    made = Ledger()
    made.add(Labels(run="r1", node="coder", agent="a"), "m1", USAGE, 0.5)
    made.add(Labels(run="r1", node="coder", agent="a", activation="coder@1"), "m1", USAGE, 0.25)
    made.add(Labels(run="r1", node="checker", agent="a"), "m2", USAGE, None)
    made.add(Labels(run="r2", node="coder"), "m1", Usage(), 0.0, failed=True)
    return made


def test_the_total_is_everything(ledger):
    usage = USAGE + USAGE + USAGE
    assert ledger.total == Spent(calls=4, failed=1, cost=0.75, unpriced=1, usage=usage)


@pytest.mark.parametrize(
    ("what", "costs"),
    [
        ("run", {"r1": (3, 0.75), "r2": (1, 0)}),
        ("node", {"coder": (3, 0.75), "checker": (1, 0)}),
        ("agent", {"a": (3, 0.75), "": (1, 0)}),
        ("model", {"m1": (3, 0.75), "m2": (1, 0)}),
    ],
)
def test_it_is_summed_by_each_label(ledger, what, costs):
    found = ledger.by(what)
    assert {name: (spent.calls, spent.cost) for name, spent in found.items()} == costs


def test_labels_can_be_combined(ledger):
    assert ledger.of(run="r1", node="coder").cost == 0.75
    assert ledger.of(run="r1", model="m2") == Spent(calls=1, unpriced=1, usage=USAGE)
    assert ledger.of(agent="nobody") == Spent()
    assert ledger.of() == ledger.total


def test_a_run_can_be_forgotten(ledger):
    ledger.forget("r1")
    assert ledger.by("run").keys() == {"r2"}


def test_what_is_unknown_is_said():
    assert str(Spent(calls=1, cost=0.5)) == "$0.5000 for 1 call"
    assert str(Spent(calls=3, cost=0.5, unpriced=1)) == (
        "$0.5000 and more for 3 calls (1 without a known price)"
    )
    assert str(Spent(calls=2, unpriced=2)) == "unknown for 2 calls (2 without a known price)"


def test_each_of_run_node_and_agent_together_has_its_sum(ledger):
    found = ledger.by_labels()
    assert sum(one.calls for one in found.values()) == ledger.total.calls
    for labels, one in found.items():
        assert one == ledger.of(run=labels.run, node=labels.node, agent=labels.agent)
    assert len(found) == len({(labels.run, labels.node, labels.agent) for labels in found}) > 1
