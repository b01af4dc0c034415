"""Nodes that begin again: because of a check, a peer, a person, an error, or a function; and what is written down of that."""

import asyncio

import pytest
from pydantic import BaseModel, create_model

from backedge import END, START, Context, Graph, GraphError, RunFailedError, RunStatus, send
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent, Conversation
from backedge.nodes.restarting import (
    Begun,
    Custom,
    Failed,
    Ignored,
    OnError,
    PeerAnswer,
    Restart,
    Restarts,
    Settled,
    UserInput,
    ValidationFeedback,
    asking,
    past_answers,
    prompt,
    restartable,
)
from backedge.providers import Model, ScriptedModel
from backedge.providers.errors import OverloadedError

from ...virtual import run_virtual


class State(BaseModel):
    question: str = "How long is the bridge?"
    answer: str = ""
    problem: str = ""
    problems: list[str] = []
    critique: str = ""
    restarts: Restarts = []
    chat: Conversation = []


class Scene:
    """A node that gives its answers one after the other, and begins again by a policy; the last one over and over."""

    def __init__(self, restart, *answers, check=None, peer=None, resources=None):
        self.answers, self.journal, self.times = list(answers), MemoryJournal(), []
        self.resources = resources or {}
        graph = Graph(State, resources=dict.fromkeys(self.resources, Model))

        @graph.node(writes="answer")
        async def writer(restarts: list, ctx: Context) -> str:
            self.times.append(ctx.now())
            said = self.answers[min(sum(isinstance(one, Begun) for one in restarts), len(self.answers) - 1)]
            if isinstance(said, Exception):
                raise said
            return said

        graph.edge(START, writer)
        after, again = [], []
        if check is not None:
            after.append(graph.node(check, name="check", writes="problem"))
            graph.edge(writer, after[0])
        if peer is not None:
            again.append(graph.node(peer, name="peer", writes="critique"))
            graph.edge(START, again[0])
            after += [writer, again[0]]
        loop = restartable(
            graph, writer, restart, answer="answer", restarts="restarts", after=after, again=again
        )
        graph.edge(loop.settled, END)
        self.flow = graph.compile()

    async def run(self, *, run_id="r"):
        result = await self.flow.run({}, journal=self.journal, run_id=run_id, resources=self.resources)
        return await self._replayed(result)

    async def told(self, signal, *values):
        """Go on with what was said meanwhile."""
        for value in values:
            await send("r", signal, value, journal=self.journal)
        return await self._replayed(
            await self.flow.resume("r", journal=self.journal, resources=self.resources)
        )

    async def _replayed(self, result):
        if result.status is RunStatus.COMPLETED:
            report = await self.flow.replay("r", journal=self.journal, rerun="all", resources=self.resources)
            assert report, str(report)
            return result.state
        return result


def kinds(state):
    return [type(entry) for entry in state.restarts]


def begun(state):
    return [entry for entry in state.restarts if isinstance(entry, Begun)]


def in_metres(answer: str) -> str:
    return "" if answer.endswith(" m") else f"{answer!r} is no length in metres"


def test_an_answer_that_a_check_finds_wrong_is_given_anew_until_it_stands():
    async def main():
        scene = Scene(Restart(on=[ValidationFeedback("problem")]), "long", "3 km", "3000 m", check=in_metres)
        state = await scene.run()
        assert state.answer == "3000 m"
        assert past_answers(state.restarts) == ["long", "3 km"]
        assert [one.triggers[0].text for one in begun(state)] == [
            "'long' is no length in metres",
            "'3 km' is no length in metres",
        ]
        assert [one.number for one in begun(state)] == [1, 2]
        assert state.restarts[-1].why == "nothing makes it stale"

    run_virtual(main())


def test_at_the_limit_the_answer_stands_as_it_is():
    async def main():
        state = await Scene(
            Restart(on=[ValidationFeedback("problem")], limit=2), "long", check=in_metres
        ).run()
        assert kinds(state) == [Begun, Begun, Ignored, Settled]
        assert state.restarts[-2].why == state.restarts[-1].why == "limit=2 is reached"

    run_virtual(main())


def test_the_same_complaint_comes_again_and_counts_again():
    async def main():
        scene = Scene(Restart(on=[ValidationFeedback("problem")]), "x", "x", "3 m", check=in_metres)
        assert kinds(await scene.run()) == [Begun, Begun, Settled]

    run_virtual(main())


def test_of_a_list_that_grows_what_was_added_is_the_trigger():
    found = [["one"], ["one", "two"], ["one", "two"]]

    def look(restarts: list) -> list[str]:
        return found[sum(isinstance(one, Begun) for one in restarts)]

    async def main():
        state = await Scene(Restart(on=[ValidationFeedback(look)]), "a", "b", "c").run()
        assert [one.triggers[0].text for one in begun(state)] == ["one", "two"]
        assert (state.answer, kinds(state)[-1]) == ("c", Settled)

    run_virtual(main())


def test_a_function_may_find_an_answer_stale():
    def short(answer: str) -> bool:
        return len(answer) < 3

    async def main():
        state = await Scene(Restart(on=[Custom(short)]), "a", "ab", "abc").run()
        assert (state.answer, [one.triggers[0].text for one in begun(state)]) == ("abc", ["short", "short"])

    run_virtual(main())


def test_a_peer_who_says_something_new_makes_it_stale_and_one_who_agrees_does_not():
    said = ["The bridge is 3 km long.", "Ships pass below it.", "Ships pass below it."]

    async def peer(restarts: list) -> str:
        return said[sum(isinstance(one, Begun) for one in restarts)]

    async def main():
        scene = Scene(Restart(on=[PeerAnswer("critique")]), "The bridge is 3000 m long.", peer=peer)
        assert kinds(await scene.run()) == [Ignored, Settled]
        del said[0]
        scene = Scene(Restart(on=[PeerAnswer("critique")]), "The bridge is 3000 m long.", peer=peer)
        state = await scene.run()
        assert kinds(state) == [Begun, Settled], "what it says again is nothing new"
        assert begun(state)[0].triggers[0].source == "critique"

    run_virtual(main())


def test_a_peer_who_says_the_same_in_other_words_says_nothing_new_and_begins_again_too():
    said = ["Ships pass below it.", "SHIPS pass below it", "never asked"]
    asked = []

    async def peer(restarts: list) -> str:
        asked.append(len(restarts))
        return said[sum(isinstance(one, Begun) for one in restarts)]

    async def main():
        scene = Scene(Restart(on=[PeerAnswer("critique")]), "It is 3 km long.", peer=peer)
        state = await scene.run()
        assert kinds(state) == [Begun, Ignored, Settled]
        assert asked[:2] == [0, 1], "it is named in again="

    run_virtual(main())


def test_what_a_function_takes_beside_fields_is_left_to_its_default():
    def short(answer: str, least: int = 3) -> str:
        return f"shorter than {least}" if len(answer) < least else ""

    async def main():
        state = await Scene(Restart(on=[Custom(short)]), "ab", "abc").run()
        assert [one.triggers[0].text for one in begun(state)] == ["shorter than 3"]

    run_virtual(main())


def test_an_error_begins_it_again_and_at_the_limit_fails_the_run():
    async def main():
        restart = Restart(on=[OnError(OverloadedError)], limit=2)
        state = await Scene(restart, OverloadedError("full"), OverloadedError("full"), "done").run()
        assert kinds(state) == [Failed, Begun, Failed, Begun, Settled]
        assert (state.answer, past_answers(state.restarts)) == ("done", [])
        assert "full" in begun(state)[0].triggers[0].text
        with pytest.raises(RunFailedError, match=r"writer failed with .*full.*: limit=2 is reached"):
            await Scene(restart, OverloadedError("full")).run()
        with pytest.raises(RunFailedError, match="KeyError"):
            await Scene(restart, KeyError("another")).run()

    run_virtual(main())


# ---------------------------------------------------------------------- what people say


async def test_what_a_person_says_begins_it_again_until_that_was_all():
    scene = Scene(Restart(on=[UserInput()], limit=5), "3000 m", "3 km", "1.9 miles")
    result = await scene.run()
    assert (result.status, result.questions[0].text) == (RunStatus.SUSPENDED, "note")
    assert (await scene.told("note", "in kilometres")).status is RunStatus.SUSPENDED
    state = await scene.told("note", "in miles, rather", None)
    assert (state.answer, past_answers(state.restarts)) == ("1.9 miles", ["3000 m", "3 km"])
    assert state.restarts[-1].why == "that was all"


async def test_what_a_person_says_that_the_answer_says_already_is_ignored_and_others_are_still_heard():
    scene = Scene(Restart(on=[UserInput()]), "It is 3000 m long.", "It is 3 km long.")
    await scene.run()
    state = await scene.told("note", "3000 m", {"unit": "km"}, None)
    assert kinds(state) == [Ignored, Begun, Settled]
    assert begun(state)[0].triggers[0].text == '{\n "unit": "km"\n}'


async def test_at_the_limit_nobody_is_waited_for():
    scene = Scene(Restart(on=[UserInput()], limit=1), "a", "b")
    await scene.run()
    state = await scene.told("note", "again")
    assert (state.answer, state.restarts[-1].why) == ("b", "limit=1 is reached")


def test_a_person_is_waited_for_as_long_as_it_says():
    async def main():
        scene = Scene(Restart(on=[UserInput(wait=30)]), "a", "b")
        loop = asyncio.get_running_loop()
        began = loop.time()
        state = await scene.run()
        assert loop.time() - began == pytest.approx(30, abs=1)
        assert state.restarts[-1].why == "nothing came in time"

    run_virtual(main())


async def test_a_peer_elsewhere_and_a_person_are_told_apart():
    scene = Scene(Restart(on=[UserInput(), PeerAnswer(signal="critic")]), "a", "b", "c")
    await scene.run()
    await scene.told("critic", "rather something else")
    await scene.told("note", "or this")
    await scene.told("critic", None)
    state = await scene.told("note", None)
    assert [(one.triggers[0].kind, one.triggers[0].source) for one in begun(state)] == [
        ("peer", "critic"),
        ("input", "note"),
    ]


# ---------------------------------------------------------------------- the cooldown


def test_the_cooldown_lies_between_two_beginnings_and_not_before_the_first():
    async def main():
        restart = Restart(on=[ValidationFeedback("problem")], cooldown=3600, limit=2)
        scene = Scene(restart, "long", "3 km", "3000 m", check=in_metres)
        loop = asyncio.get_running_loop()
        began = loop.time()
        state = await scene.run()
        assert state.answer == "3000 m"
        assert loop.time() - began == pytest.approx(3600, abs=5)

    run_virtual(main())


async def test_what_is_said_in_the_cooldown_is_kept_and_considered_at_its_end():
    scene = Scene(Restart(on=[UserInput()], cooldown=0.4), "a", "b", "c")
    await scene.run()
    await send("r", "note", "second", journal=scene.journal)
    await send("r", "note", "third", journal=scene.journal)
    state = await scene.told("note", "first", None)
    one, other = begun(state)
    assert [it.text for it in one.triggers] == ["second"]
    assert [it.text for it in other.triggers] == ["third", "first"]
    assert (other.at - one.at).total_seconds() >= 0.4
    assert state.restarts[-1].why == "that was all", "who said so in the cooldown is not asked again"


# ---------------------------------------------------------------------- relevance


def about_length(text, answer):
    return 0.9 if "length" in text else 0.1


async def about_length_too(text: str, answer: str) -> float:
    return 0.9 if "length" in text else 0.1


@pytest.mark.parametrize("how", [about_length, about_length_too])
async def test_a_function_says_what_is_relevant(how):
    scene = Scene(Restart(on=[UserInput()], relevance=how), "a", "b")
    await scene.run()
    state = await scene.told("note", "the weather", "the length", None)
    assert kinds(state) == [Ignored, Begun, Settled]
    assert state.restarts[0].why == "irrelevant: its relevance is 0.1 of at least 0.5"


@pytest.mark.parametrize("named", [False, True])
async def test_a_model_says_what_is_relevant_and_is_asked_once(named):
    model = ScriptedModel(['{"relevant": false, "why": "small talk"}', '{"relevant": true}'])
    how = asking("judge") if named else model
    scene = Scene(
        Restart(on=[UserInput()], relevance=how), "a", "b", resources={"judge": model} if named else None
    )
    await scene.run()
    state = await scene.told("note", "nice weather", "how wide?", None)
    assert (kinds(state), state.restarts[0].why) == ([Ignored, Begun, Settled], "irrelevant: small talk")
    assert len(model.requests) == 2
    assert "nice weather" in model.requests[0].messages[-1].text


async def test_each_trigger_may_have_a_relevance_of_its_own():
    scene = Scene(Restart(on=[UserInput(relevance=None)]), "It is 3 km long.", "b")
    await scene.run()
    assert kinds(await scene.told("note", "3 km", None)) == [Begun, Settled]
    checked = Scene(
        Restart(on=[ValidationFeedback("problem", relevance=lambda text, answer: False)]),
        "long",
        check=in_metres,
    )
    assert kinds(await checked.run()) == [Ignored, Settled]


async def test_a_function_that_says_neither_yes_nor_no_is_told():
    scene = Scene(Restart(on=[UserInput()], relevance=lambda text, answer: "yes"), "a")
    await scene.run()
    with pytest.raises(RunFailedError, match="relevance= should give a bool or a number, not 'yes'"):
        await scene.told("note", "hello")


# ---------------------------------------------------------------------- agents, and what they are shown


async def test_an_agent_is_shown_what_it_had_answered_and_why_that_is_stale():
    model, journal = ScriptedModel(["3000 m", "3 km"]), MemoryJournal()
    graph = Graph(State)
    agent = Agent(model, name="surveyor")
    node = agent.node(graph, reads=lambda question, restarts: prompt(question, restarts), writes="answer")
    loop = restartable(graph, node, Restart(on=[UserInput()]), answer="answer", restarts="restarts")
    graph.edge(START, node)
    graph.edge(loop.settled, END)
    flow = graph.compile()
    await flow.run({}, journal=journal, run_id="r")
    await send("r", "note", "in kilometres", journal=journal)
    await send("r", "note", None, journal=journal)
    assert (await flow.resume("r", journal=journal)).state.answer == "3 km"
    assert model.requests[0].messages[-1].text == "How long is the bridge?"
    assert model.requests[1].messages[-1].text == (
        "How long is the bridge?\n\nYour answer was:\n3000 m\n\n"
        "Since then:\n- The user said: in kilometres\n\nGive the whole answer anew."
    )
    assert await flow.replay("r", journal=journal, rerun="all")


def test_one_that_failed_is_told_so():
    async def main():
        state = await Scene(Restart(on=[OnError(OverloadedError)]), OverloadedError("full"), "done").run()
        told = prompt("How long?", state.restarts)
        assert told.startswith("How long?\n\nYou have tried to answer this before.\n- It failed: ")
        assert told.endswith("\n\nAnswer it now.")

    run_virtual(main())


def test_a_fork_in_the_middle_begins_again_from_there():
    async def main():
        scene = Scene(Restart(on=[ValidationFeedback("problem")]), "long", "3 km", "3000 m", check=in_metres)
        await scene.run()
        forked = await scene.flow.fork(
            "r", before="writer_watch@1", edit={"problem": ""}, journal=scene.journal
        )
        assert forked.state.answer == "3 km"

    run_virtual(main())


# ---------------------------------------------------------------------- what cannot be built


def test_what_cannot_work_is_told_when_it_is_built():
    class Bare(BaseModel):
        text: str

    graph = Graph(Bare)

    @graph.node(writes="text")
    async def writer() -> str:
        return "x"

    with pytest.raises(GraphError) as caught:
        restartable(graph, writer, Restart(on=[OnError()]), answer="text", restarts="history")
    assert "Bare has no field 'history': say history: Restarts = []" in str(caught.value)
    assert "'text' needs a default" in str(caught.value)

    async def slow(text: str) -> str:
        return ""

    graph = Graph(create_model("Whole", __base__=Bare, history=(Restarts, [])))
    node = graph.node(writer.function, name="writer", writes="text")
    with pytest.raises(GraphError, match="slow takes a plain function"):
        restartable(graph, node, Restart(on=[Custom(slow)]), answer="text", restarts="history")
