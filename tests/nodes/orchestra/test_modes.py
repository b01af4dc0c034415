"""Who hears whom before answering."""

import asyncio

import pytest

from backedge.nodes.orchestra import (
    Choice,
    Perspective,
    balanced_analysis,
    business_strategy,
    orchestra,
    technical_review,
)
from backedge.nodes.orchestra.building import parted
from backedge.providers import ScriptedModel

from ...virtual import run_virtual
from .stage import asked, by_instructions, instructed, result_of, state_of

NAMES = ("ann", "bob", "cy", "dan")


def listening(*names):
    """Perspectives that answer with whose answers they saw."""

    def perspective(name):
        async def answer(answers: list) -> str:
            return f"{name} saw " + (", ".join(one.perspective for one in answers) or "nobody")

        return Perspective(name, by=answer)

    return [perspective(name) for name in names]


async def heard(**options):
    result = await result_of(listening(*NAMES), synthesis="none", **options)
    assert list(result.answers) == list(NAMES)
    return {name: one.text.removeprefix(f"{name} saw ") for name, one in result.answers.items()}


async def test_in_parallel_nobody_sees_anothers_answer():
    assert await heard() == dict.fromkeys(NAMES, "nobody")


async def test_one_after_the_other_each_sees_those_before():
    seen = await heard(mode="sequential")
    assert seen == {"ann": "nobody", "bob": "ann", "cy": "ann, bob", "dan": "ann, bob, cy"}


async def test_a_number_of_waves_parts_them_in_order_and_a_wave_sees_those_before():
    seen = await heard(mode="waves", waves=3)
    assert seen == {"ann": "nobody", "bob": "nobody", "cy": "ann, bob", "dan": "ann, bob, cy"}


async def test_waves_may_be_named_in_any_order():
    seen = await heard(mode="waves", waves=[["dan", "bob"], ["ann", "cy"]])
    assert seen == {"dan": "nobody", "bob": "nobody", "ann": "bob, dan", "cy": "bob, dan"}


@pytest.mark.parametrize(
    "options", [{}, {"mode": "waves", "waves": 2}, {"mode": "waves", "waves": [NAMES, NAMES]}]
)
def test_who_is_faster_does_not_matter(options):
    def slow(name, order):
        async def answer(answers: list) -> str:
            await asyncio.sleep(order.index(name))
            return "yes" if name < "c" or len(answers) >= 8 else "no"

        return Perspective(name, by=answer)

    def ended(order):
        graph = orchestra(
            [slow(name, order) for name in NAMES], synthesis="debate", kind=Choice("yes", "no"), **options
        )
        return run_virtual(graph.compile().run({"question": "?"})).state

    state = ended(NAMES)
    assert state.result.status == "done"
    assert state == ended(("dan", "ann", "cy", "bob"))


async def test_a_perspective_in_several_waves_answers_anew_and_its_last_answer_counts():
    state = await state_of(
        listening("ann", "bob"),
        mode="waves",
        waves=[["ann", "bob"], ["ann", "bob"], ["ann"]],
        synthesis="none",
    )
    assert [(one.perspective, one.round) for one in state.answers] == [
        ("ann", 0), ("bob", 0), ("ann", 1), ("bob", 1), ("ann", 2),
    ]  # fmt: skip
    assert state.result.answers["ann"].text == "ann saw ann, bob, ann, bob"
    assert state.result.answers["bob"].text == "bob saw ann, bob"
    assert state.result.rounds == 3


async def test_a_model_is_told_its_view_the_question_and_what_others_said_and_what_it_said_itself():
    model = by_instructions(lawyer="It is allowed.", engineer="It can be built.")
    both = [Perspective("law", "You are a lawyer."), Perspective("craft", "You are an engineer.")]
    waves = [["law"], ["craft"], ["law"]]
    await result_of(both, question="A bridge?", model=model, mode="waves", waves=waves, synthesis="none")
    live = model.requests[:3]
    assert [one.messages[0].text for one in live] == [
        "You are a lawyer.", "You are an engineer.", "You are a lawyer.",
    ]  # fmt: skip
    assert [one.messages[1].text for one in live] == [
        "A bridge?",
        "A bridge?\n\nWhat others answered so far:\n\n[law]\nIt is allowed.",
        "A bridge?\n\nWhat others answered so far:\n\n[craft]\nIt can be built.\n\nWhat you answered so far:\n"
        "It is allowed.\n\nAnswer anew: keep what holds, and change what the others convinced you of.",
    ]


async def test_perspectives_are_filled_by_functions_agents_models_and_resources():
    from backedge.nodes.agents import Agent

    own, other, named = (
        ScriptedModel(["an agent's"]),
        ScriptedModel(["a model's"]),
        ScriptedModel(["a resource's"]),
    )

    def plain(question: str, prefix: str = "a function's") -> str:
        return f"{prefix} {question}"

    result = await result_of(
        [
            Perspective("one", by=plain),
            Perspective("two", "Be short.", by=Agent(own, instructions="I am an agent.", name="mine")),
            Perspective("three", by=other),
            Perspective("four", "Be kind.", by="speaker"),
        ],
        {"speaker": named},
        synthesis="none",
    )
    assert [one.text for one in result.answers.values()] == [
        "a function's why?", "an agent's", "a model's", "a resource's",
    ]  # fmt: skip
    assert instructed(own) == "I am an agent."
    assert asked(own) == "Be short.\n\nwhy?", "an agent has instructions of its own"
    assert instructed(named) == "Be kind."


@pytest.mark.parametrize("count", range(1, 8))
def test_waves_by_number_differ_in_size_by_one_at_most(count):
    names = list("abcdefg")
    waves = parted(names, count)
    assert [name for wave in waves for name in wave] == names
    assert len(waves) == count
    assert max(map(len, waves)) - min(map(len, waves)) <= 1


@pytest.mark.parametrize("preset", [balanced_analysis, technical_review, business_strategy])
async def test_presets_are_answered_by_any_model_each_under_its_own_instructions(preset):
    model = ScriptedModel(lambda request: f"seen as: {request.messages[0].text[:60]}")
    result = await result_of(preset(model), synthesis="none")
    told = [one.instructions for one in preset()]
    assert len(set(told)) == len(told) >= 4
    assert [one.text for one in result.answers.values()] == [f"seen as: {one[:60]}" for one in told]
    assert all(len(one) > 150 and "\n" not in one for one in told)


def test_an_orchestra_is_drawn_with_one_node_between_two_waves(tmp_path):
    graph = orchestra(
        listening(*NAMES), mode="waves", waves=2, synthesis="debate", conductor=lambda: "so be it"
    )
    graph.render(tmp_path / "graph.txt")
    drawn = (tmp_path / "graph.txt").read_text()
    for line in (
        "  wave-2 · inline",
        "↻ round  when they differ  (≤ 2)",
        "→ synthesis  when they agree",
        "⇥ synthesis  at the limit",
    ):
        assert line in drawn
    assert drawn.count("→ wave-2") == 2
