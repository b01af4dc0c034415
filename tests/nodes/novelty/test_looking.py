"""Novelty and diversity as nodes."""

import threading
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError, RunStatus, extend
from backedge.nodes.novelty import Diversity, Judgement, Measure, Novelty, Survey

VECTORS = {"rail": [1.0, 0.0], "train": [1.0, 0.1], "boat": [0.0, 1.0]}


class Ideas(BaseModel):
    given: Annotated[list[str], extend] = []
    answer: str
    judgement: Judgement
    approval: str = ""


class Set(BaseModel):
    answers: list[str]
    found: Survey


def embedding(asked):
    async def embed(texts: list[str]) -> list[list[float]]:
        asked.append(texts)
        return [VECTORS[text] for text in texts]

    return embed


def judging(**options):
    graph = Graph(Ideas)
    judged = graph.node(Novelty(**options), name="judge", writes="judgement")
    graph.chain(START, judged, END)
    return graph.compile()


def test_an_answer_is_judged_by_its_words():
    flow = judging(topics=["cost"])
    found = flow.run_sync({"answer": "Go by train.", "given": ["go by TRAIN!"]}).state.judgement
    assert not found.new
    assert found.topics.missing == ("cost",)


def test_an_embedding_is_asked_once_for_all_texts_and_a_measure_goes_with_it():
    asked = []
    flow = judging(embed=embedding(asked), measure=Measure(least=0.001))
    found = flow.run_sync({"answer": "rail", "given": ["train", "boat", "train"]}).state.judgement
    assert asked == [["boat", "rail", "train"]]
    assert (found.new, found.nearest) == (True, "train")
    assert (
        not judging(embed=embedding([])).run_sync({"answer": "rail", "given": ["train"]}).state.judgement.new
    )


def test_a_plain_function_may_embed():
    def embed(texts: list[str]) -> list[list[float]]:
        return [VECTORS[text] for text in texts]

    assert judging(embed=embed).run_sync({"answer": "rail", "given": ["boat"]}).state.judgement.new


def test_too_few_vectors_are_an_error_that_says_so():
    flow = judging(embed=lambda texts: [])
    with pytest.raises(RunFailedError, match="gave 0 vectors for 2 texts: it should give one for each"):
        flow.run_sync({"answer": "rail", "given": ["boat"]})


def test_a_run_that_goes_on_does_not_embed_again(tmp_path):
    asked, journal = [], tmp_path / "ideas.db"
    node = Novelty(embed=embedding(asked))
    graph = Graph(Ideas)

    @graph.node(writes=("judgement", "approval"))
    async def judged(answer: str, given: list[str], ctx: Context) -> dict[str, object]:
        found = await node(answer, given, ctx)
        return {"judgement": found, "approval": await ctx.ask(f"{found.reason}. Right?")}

    graph.chain(START, judged, END)
    flow = graph.compile()
    inputs = {"answer": "rail", "given": ["boat"]}
    assert flow.run_sync(inputs, journal=journal, run_id="it").status is RunStatus.SUSPENDED
    state = flow.resume_sync("it", journal=journal, answers={"judged": "yes"}).state
    assert (state.approval, state.judgement.novelty) == ("yes", 1)
    assert asked == [["boat", "rail"]]


def test_a_set_is_surveyed():
    for options, answers, dropped in (
        ({}, ["Go by train.", "Go by train", "Stay."], ("Go by train.",)),
        ({"embed": embedding([])}, ["rail", "train", "boat"], ("train",)),
        ({"embed": embedding([])}, [], ()),
    ):
        graph = Graph(Set)
        looked = graph.node(Diversity(**options, topics=["cost"]), name="look", writes="found")
        graph.chain(START, looked, END)
        found = graph.compile().run_sync({"answers": answers}).state.found
        assert found.drop == dropped
        assert found.topics.missing == ("cost",)


@pytest.mark.parametrize(("node", "field"), [(Novelty, "judgement"), (Diversity, "found")])
def test_other_nodes_go_on_while_texts_are_compared(node, field):
    gone_on = threading.Event()

    class Both(BaseModel):
        answer: str = "rail"
        given: list[str] = ["boat"]
        answers: list[str] = ["rail", "boat"]
        judgement: Judgement | None = None
        found: Survey | None = None

    graph = Graph(Both)
    waiting = Measure(similarity=lambda one, other: float(gone_on.wait(5)))
    looked = graph.node(node(measure=waiting), name="look", writes=field)

    @graph.node
    async def other() -> None:
        gone_on.set()

    graph.chain(START, looked, END)
    graph.chain(START, other, END)
    state = graph.compile().run_sync({}).state
    assert (state.judgement.novelty if state.judgement else state.found.diversity) == 0, (
        "all were as similar as 1"
    )
