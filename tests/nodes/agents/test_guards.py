"""Guards let pass, stop, replace, answer, and send back; on questions and on answers."""

import pytest
from pydantic import BaseModel

from backedge import RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Again, Agent, Answer, GuardError, NoAnswerError, Replace, Stop
from backedge.providers import Message, ScriptedModel

from .scripts import failure, flow_of, ran


def no_secrets(message):
    return Stop("it holds a secret") if "secret" in message.text else None


async def test_a_guard_of_the_input_stops_the_agent_before_its_model_is_asked():
    model = ScriptedModel(["fine"])
    agent = Agent(model, input_guards=[no_secrets], name="ann")
    error = await failure(agent, GuardError, {"question": "my secret"})
    assert (error.agent, error.guard, error.why, error.where) == (
        "ann",
        "no_secrets",
        "it holds a secret",
        "input",
    )
    assert str(error) == "guard 'no_secrets' stopped ann at its input: it holds a secret"
    assert not model.requests
    assert (await ran(agent)).state.answer == "fine"


async def test_guards_see_what_those_before_them_made_of_it():
    model = ScriptedModel(lambda request: request.messages[-1].text)
    guards = [
        lambda message: Replace(f"{message.text}!"),
        lambda message: Replace(Message.of("user", message.text * 2)),
    ]
    result = await ran(Agent(model, input_guards=guards))
    assert result.state.answer == "why?!why?!"
    assert result.state.chat[0].text == "why?!why?!"


async def test_a_guard_of_the_input_may_answer_itself():
    model = ScriptedModel([])
    result = await ran(Agent(model, output=int, input_guards=[lambda message: Answer("42")]))
    assert result.state.answer == 42
    assert [entry.text for entry in result.state.chat] == ["why?", "42"]


async def test_a_guard_of_the_output_stops_or_replaces_and_the_conversation_holds_what_it_made_of_it():
    def short(answer):
        return Replace(answer[:3]) if len(answer) > 3 else None

    result = await ran(Agent(ScriptedModel(["too long"]), output_guards=[short]))
    assert result.state.answer == "too"
    assert result.state.chat[-1] == Message.of("assistant", "too")
    error = await failure(Agent(ScriptedModel(["x"]), output_guards=[lambda answer: Stop("no")]), GuardError)
    assert error.where == "output"


async def test_an_answer_that_is_sent_back_is_given_again_and_only_so_often():
    def polite(answer):
        return None if "please" in answer else Again("say please")

    model = ScriptedModel(["give", "please give"])
    assert (await ran(Agent(model, output_guards=[polite]))).state.answer == "please give"
    assert "say please" in model.requests[1].messages[-1].text
    error = await failure(
        Agent(ScriptedModel(["give"] * 5), output_guards=[polite], repairs=1), NoAnswerError
    )
    assert (error.why, error.said) == ("say please", "give")


class Sum(BaseModel):
    total: int


async def test_a_guard_that_is_asynchronous_is_an_effect_and_is_asked_once():
    asked = []

    async def even(answer: Sum):
        asked.append(answer)
        if len(asked) == 1:
            return Again("make it even")
        return None if answer.total == 4 else Replace(Sum(total=4))

    async def pass_on(message: Message):
        return Replace(f"{message.text} now")

    model = ScriptedModel(['{"total": 3}', '{"total": 6}'])
    result = await ran(Agent(model, output=Sum, input_guards=[pass_on], output_guards=[even]))
    assert result.state.answer == Sum(total=4)
    assert asked == [Sum(total=3), Sum(total=6)], "when the body ran anew nobody asked it"
    assert model.requests[0].messages[0].text == "why? now"


@pytest.mark.parametrize("said", [Stop("no"), Answer(Sum(total=1))])
async def test_what_an_asynchronous_guard_of_the_input_says_counts(said):
    async def guard(message):
        return said

    agent = Agent(ScriptedModel([]), output=Sum, input_guards=[guard])
    if isinstance(said, Stop):
        assert (await failure(agent, GuardError)).guard == "guard"
    else:
        assert (await ran(agent)).state.answer == Sum(total=1)


@pytest.mark.parametrize("said", [True, "no", Again("of an input")])
async def test_a_guard_that_says_something_else_is_a_defect_and_is_named(said):
    def guard(message):
        return said

    with pytest.raises(RunFailedError, match="guard 'guard' of agent should return None, Stop"):
        await flow_of(Agent(ScriptedModel([]), input_guards=[guard])).run({}, journal=MemoryJournal())


async def test_a_replacement_of_another_type_is_refused():
    agent = Agent(
        ScriptedModel(['{"total": 3}']), output=Sum, output_guards=[lambda answer: Replace("three")]
    )
    with pytest.raises(RunFailedError, match="Sum"):
        await flow_of(agent).run({})
