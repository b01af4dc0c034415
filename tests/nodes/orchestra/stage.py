"""Orchestras on scripts: perspectives that say what they are told to, and a run that is run anew from its records."""

from typing import Any

from backedge.checkpoints import MemoryJournal
from backedge.nodes.orchestra import OrchestraResult, Perspective, orchestra
from backedge.providers import ModelRequest, ScriptedModel


def saying(name: str, said: Any, **more: Any) -> Perspective:
    """A perspective that always says the same."""
    return Perspective(name, by=lambda: said, **more)


def all_saying(**told: Any) -> list[Perspective]:
    return [saying(name, said) for name, said in told.items()]


def in_rounds(name: str, *said: Any, **more: Any) -> Perspective:
    """A perspective that says one thing after the other, by how often it was asked; an exception is raised."""

    async def answer(answers: list, missing: list) -> Any:
        number = sum(one.perspective == name for one in (*answers, *missing))
        if isinstance(said[number], Exception):
            raise said[number]
        return said[number]

    return Perspective(name, by=answer, **more)


async def state_of(perspectives: Any, resources: Any = None, question: str = "why?", **options: Any) -> Any:
    """The state that an orchestra ends with; what it did is done again from its records, and has to be the same."""
    flow, journal = orchestra(perspectives, **options).compile(), MemoryJournal()
    given = resources or {}
    result = await flow.run({"question": question}, journal=journal, run_id="r", resources=given)
    report = await flow.replay("r", journal=journal, rerun="all", resources=given)
    assert report, str(report)
    return result.state


async def result_of(perspectives: Any, resources: Any = None, **options: Any) -> OrchestraResult:
    return (await state_of(perspectives, resources, **options)).result


def asked(model: ScriptedModel, place: int = -1) -> str:
    """What a model was asked last."""
    return model.requests[place].messages[-1].text


def instructed(model: ScriptedModel, place: int = -1) -> str:
    """The instructions that it was asked with."""
    return model.requests[place].messages[0].text


def by_instructions(**told: str) -> ScriptedModel:
    """A model that says what belongs to the first of these words that its instructions hold."""

    def answer(request: ModelRequest) -> str:
        instructions = request.messages[0].text
        return next(said for word, said in told.items() if word in instructions)

    return ScriptedModel(answer)
