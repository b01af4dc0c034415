"""Labels are handed along explicitly, and a context gives those it knows."""

from types import SimpleNamespace

import pytest

from backedge.engine.records import ActivationId
from backedge.providers import ScriptedModel
from backedge.providers.labels import Labels, labelled, labels_of


def test_later_labels_replace_earlier_ones():
    labels = Labels(run="a", agent="b").told({"run": "c", "node": "d"})
    assert labels == Labels(run="c", node="d", agent="b")


def test_a_label_there_is_not_is_refused():
    with pytest.raises(TypeError, match="colour"):
        Labels().told({"colour": "red"})


def test_a_model_that_does_not_care_is_given_as_it_is():
    model, thing = ScriptedModel([]), object()
    assert labelled(model, {"run": "a"}) is model
    assert labelled(thing, {"run": "a"}) is thing


def test_an_activations_context_gives_run_node_and_activation():
    context = SimpleNamespace(run_id="r", activation=ActivationId("checker", (("loop", 2),)))
    assert labels_of(context) == {"run": "r", "node": "checker", "activation": "checker@2"}


def test_what_a_context_does_not_know_is_left_out():
    assert labels_of(object()) == {}
    assert labels_of(SimpleNamespace(run_id="r", activation="checker@2")) == {
        "run": "r",
        "activation": "checker@2",
    }
