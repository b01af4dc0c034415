"""What cannot work is told when the graph is built, all at once, with what to do."""

import functools

import pytest
from pydantic import BaseModel

from backedge import BlockingContext, Context, GraphError
from backedge.nodes.agents import Agent
from backedge.nodes.orchestra import Answer, Choice, Number, Perspective, orchestra
from backedge.providers import ScriptedModel

from .stage import all_saying, result_of, saying

TWO = tuple(all_saying(a="x", b="y"))
MODEL = ScriptedModel([])
NO_MODEL = (Perspective("a"), Perspective("b"))


def problems(perspectives, **options):
    with pytest.raises(GraphError) as error:
        orchestra(perspectives, **{"synthesis": "none", **options})
    return error.value.problems


@pytest.mark.parametrize(
    ("perspectives", "told"),
    [
        ([], "an orchestra needs perspectives: give [Perspective('law', '...'), ...] or balanced_analysis()"),
        (["law"], "a perspective is made by Perspective(name, instructions), not 'law'"),
        ([saying("a b", "x")], "a perspective's name is an identifier, such as 'law', not 'a b'"),
        (
            [saying("a", "x"), saying("a", "y")],
            "two perspectives are called 'a': give one of them another name",
        ),
        (
            [saying("synthesis", "x")],
            "a perspective cannot be called 'synthesis', as a part of the orchestra itself is: give it another name",
        ),
        ([saying(["a"], "x")], "a perspective's name is an identifier, such as 'law', not ['a']"),
        (
            [saying("END", "x")],
            "a perspective cannot be called 'END', as a part of the orchestra itself is: give it another name",
        ),
        (saying("a", "x"), f"perspectives are given as a list, not as {saying('a', 'x')!r:.40}"),
        ([Perspective("a", None, by=MODEL)], "perspective 'a': instructions are a text, not None"),
        ([saying("a", "x", weight=0)], "perspective 'a': weight= is a number above 0, up to 1e12, not 0"),
        (
            [saying("a", "x", weight=1e13)],
            "perspective 'a': weight= is a number above 0, up to 1e12, not 10000000000000.0",
        ),
        (
            [saying("a", "x", weight=float("nan"))],
            "perspective 'a': weight= is a number above 0, up to 1e12, not nan",
        ),
        ([saying("a", "x", deadline=-1)], "perspective 'a': deadline= is seconds above 0, not -1"),
        ([Perspective("a")], "perspective 'a' has nobody who answers: give it by=, or the orchestra model="),
        (
            [Perspective("a", by="openai:gpt-5")],
            "perspective 'a': a text is the name of the resource that is the model, an identifier, not 'openai:gpt-5': "
            "for a provider's model say backedge.model('openai:gpt-5')",
        ),
        (
            [Perspective("a", by=7)],
            "perspective 'a': give a function, an agent, a model, or the name of a resource, not 7",
        ),
    ],
)
def test_perspectives_that_cannot_be_asked(perspectives, told):
    (found,) = problems(perspectives)
    assert found.startswith(told)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "chaos"}, "mode= is one of parallel, sequential, waves, not 'chaos'"),
        ({"waves": 2}, 'waves= is for mode="waves": say that, or leave it out'),
        ({"mode": "waves", "waves": 3}, "waves= is a number from 1 to 2, the number of perspectives, not 3"),
        (
            {"mode": "waves"},
            'mode="waves" wants waves= with their number, or a list of lists of names, not None',
        ),
        ({"mode": "waves", "waves": [["a", "b"], []]}, "waves= has an empty wave: leave it out"),
        ({"mode": "waves", "waves": [["a", "b", "c"]]}, "waves= names 'c', and there is no such perspective"),
        (
            {"mode": "waves", "waves": [["a", "b", "a"]]},
            "waves= names 'a' twice in one wave: a perspective that is to answer again belongs into a later one",
        ),
        (
            {"mode": "waves", "waves": [["a", "b", ["a"]]]},
            "waves= names ['a'], and there is no such perspective",
        ),
        (
            {"kind": Choice},
            f"kind= is Text(), Number(...), Choice(...) or a kind of your own, not {Choice!r}",
        ),
        ({"kind": "number"}, "kind= is Text(), Number(...), Choice(...) or a kind of your own, not 'number'"),
        (
            {"absent": TimeoutError},
            "absent= is a tuple of classes of exceptions, such as (TimeoutError,), not <class 'TimeoutError'>",
        ),
        ({"mode": "waves", "waves": [["a"]]}, "perspective 'b' is in no wave: add it to waves="),
        (
            {"synthesis": "poetry"},
            "synthesis= is one of comprehensive, consensus, best_of, weighted, debate, none, not 'poetry'",
        ),
        ({"quorum": 3}, "quorum= is a number from 1 to 2, the number of perspectives, not 3"),
        ({"quorum": True}, "quorum= is a number from 1 to 2, the number of perspectives, not True"),
        ({"quorum": 0}, "quorum= is a number from 1 to 2, the number of perspectives, not 0"),
        ({"threshold": 1.5}, "threshold= is an agreement from 0 to 1, not 1.5"),
        ({"deadline": 0}, "deadline= is seconds above 0, not 0"),
        ({"rounds": 2}, 'rounds= is for synthesis="debate": say that, or leave it out'),
        ({"synthesis": "debate", "rounds": 0}, "rounds= is a number from 1, not 0"),
    ],
)
def test_options_that_make_no_sense(options, told):
    assert problems(TWO, **options) == (told,)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"synthesis": "comprehensive"},
            "synthesis='comprehensive' of such answers cannot be computed: give conductor= who writes it, or model=",
        ),
        (
            {"synthesis": "comprehensive", "kind": Choice("x", "y")},
            "synthesis='comprehensive' of such answers cannot be computed: give conductor= who writes it, or model=",
        ),
        (
            {"synthesis": "weighted"},
            "synthesis='weighted' of such answers cannot be computed: give conductor= who writes it, or model=",
        ),
        (
            {"synthesis": "best_of"},
            "synthesis='best_of' of such answers cannot be computed: give conductor= who scores them, or \"peers\", or model=",
        ),
        ({"synthesis": "none", "conductor": MODEL}, "synthesis='none' is computed: leave conductor= out"),
        (
            {"synthesis": "weighted", "kind": Number(), "conductor": MODEL},
            "synthesis='weighted' is computed: leave conductor= out",
        ),
        (
            {"synthesis": "consensus", "kind": Number(), "conductor": MODEL},
            "synthesis='consensus' is computed: leave conductor= out",
        ),
        (
            {"synthesis": "debate", "conductor": "peers"},
            'conductor="peers" is for synthesis="best_of", where perspectives score each other',
        ),
        (
            {"synthesis": "debate", "conductor": 7},
            "conductor=: give a function, an agent, a model, or the name of a resource, not 7",
        ),
    ],
)
def test_what_needs_a_model_says_so_and_so_does_what_needs_none(options, told):
    assert problems(TWO, **options) == (told,)


def test_functions_that_cannot_vote_are_told_and_one_alone_has_no_peers():
    assert problems(TWO, synthesis="best_of", conductor="peers") == (
        "perspective 'a' is a function, which cannot score others: give it votes=",
        "perspective 'b' is a function, which cannot score others: give it votes=",
    )
    assert problems([Perspective("a", by=MODEL)], synthesis="best_of", conductor="peers") == (
        'conductor="peers" wants two perspectives at least: nobody scores their own answer',
    )


def test_an_agent_that_answers_in_words_cannot_score():
    agent = Agent(MODEL, name="ann")
    told = "<agent ann> answers in words, and answers are to be scored: say Agent(..., output=Scores)"
    assert problems(TWO, synthesis="best_of", conductor=agent) == (f"conductor=: {told}",)
    voting = [saying("a", "x", votes=agent), saying("b", "x", votes=agent)]
    assert problems(voting, synthesis="best_of", conductor="peers") == (
        f"the vote of 'a': {told}",
        f"the vote of 'b': {told}",
    )


def test_all_problems_are_told_at_once():
    found = problems([*NO_MODEL, saying("a", "x", weight=-1)], mode="x", synthesis="y", threshold=2, quorum=9)
    assert len(found) == 8


def test_functions_that_cannot_be_called_are_told_all_at_once():
    def generator():
        yield "x"

    def blocking(ctx: BlockingContext) -> str:
        return ""

    def plain(ctx: Context) -> str:
        return ""

    def positional(question: str, /) -> str:
        return question

    class Secret:
        __signature__ = "none of your business"

        def __call__(self) -> str:
            return ""

    functions = (generator, blocking, plain, positional, Secret())
    sides = [Perspective(f"p{n}", by=by) for n, by in enumerate(functions)]
    *found, secret = problems(sides)
    assert secret.startswith("perspective 'p4': it does not tell its parameters (")
    assert tuple(found) == (
        "perspective 'p0': a generator gives no answer: write a function that returns one",
        "perspective 'p1': it wants a context ('ctx'): write 'async def', and annotate it Context",
        "perspective 'p2': it wants a context ('ctx'): write 'async def', and annotate it Context",
        "perspective 'p3': its parameter 'question' cannot be given by name: drop the '/'",
    )


def test_a_function_that_reads_what_there_is_not_is_told_when_it_is_compiled():
    def odd(weather: str) -> str:
        return weather

    with pytest.raises(GraphError, match="weather"):
        orchestra([Perspective("a", by=odd)], synthesis="none").compile()


def test_a_model_is_no_resource_of_the_name_of_a_field_and_the_result_cannot_be_read():
    taken = "is called like a field of Performance: give it another name"
    sides = [Perspective("a", by="answers"), Perspective("b", by=Agent("question", name="ann"))]
    sides.append(Perspective("c", by=lambda result: "x"))
    assert problems(sides) == (
        f"perspective 'a': the resource 'answers' {taken}",
        f"perspective 'b': the resource 'question' {taken}",
        "perspective 'c': it reads 'result', which is not there before the end: drop that parameter",
    )
    assert problems(TWO, synthesis="debate", conductor="ballots") == (
        f"conductor=: the resource 'ballots' {taken}",
    )


async def test_partials_methods_and_callable_objects_are_functions():
    class Oracle:
        def __call__(self, question: str) -> str:
            return f"object {question}"

        async def method(self, *rest: int, question: str, mood: str = "kind", **more: int) -> str:
            return f"{mood} method {question}"

    def function(tone: str, question: str) -> str:
        return f"{tone} partial {question}"

    result = await result_of(
        [
            Perspective("a", by=Oracle()),
            Perspective("b", by=Oracle().method),
            Perspective("c", by=functools.partial(function, "soft")),
            Perspective("d", by=functools.partial(function, tone="loud")),
            Perspective("e", by=functools.partial(function, "own", question="question")),
        ],
        synthesis="none",
    )
    assert [one.text for one in result.answers.values()] == [
        "object why?", "kind method why?", "soft partial why?", "loud partial why?", "own partial question",
    ]  # fmt: skip


async def test_an_answer_may_be_given_as_data_and_a_structured_one_of_an_agent_is_told_as_json():
    class Plan(BaseModel):
        days: int

    planner = Agent(ScriptedModel(['{"days": 3}']), output=Plan)
    said = Answer(perspective="somebody else", text="three days", round=7)
    result = await result_of(
        [Perspective("a", by=planner), Perspective("b", by=lambda: said)], synthesis="none"
    )
    assert [(one.perspective, one.text, one.round) for one in result.answers.values()] == [
        ("a", '{\n "days": 3\n}', 0), ("b", "three days", 0),
    ]  # fmt: skip


async def test_one_perspective_alone_is_an_orchestra():
    for synthesis in ("none", "consensus", "debate"):
        result = await result_of([saying("a", "x")], synthesis=synthesis)
        assert (result.status, result.agreement, list(result.answers)) == ("done", 1, ["a"])
