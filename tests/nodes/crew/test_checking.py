"""What can be wrong with a crew is told at once, each with what to do."""

import math
from dataclasses import replace

import pytest
from pydantic import BaseModel

from backedge import Context, GraphError
from backedge.engine.shown import shown
from backedge.nodes.agents import Agent, Review
from backedge.nodes.crew import Crew, Job, Role, Task
from backedge.providers import ScriptedModel

from .members import Topic, told


def problems_of(tasks, roles=None, **options):
    with pytest.raises(GraphError) as caught:
        Crew(tasks, roles={"x": told} if roles is None else roles, **options)
    return list(caught.value.problems)


def test_all_options_that_cannot_be_are_told_together():
    assert problems_of([], {}, limit=0, rejections=-1, at_limit="wait", inputs=dict, name="") == [
        "name= wants a text, not ''",
        "inputs= wants a class that inherits pydantic.BaseModel, not <class 'dict'>",
        "limit= wants a whole number from 1 or None, not 0",
        'limit= is of no use where tasks are done one after the other: say process="parallel", or drop it',
        "rejections= wants a whole number from 0, not -1",
        'at_limit= wants "accept" or "fail", not \'wait\'',
        "a crew has something to do: give it tasks, as in tasks=[Task('draft', 'Write it.', role='writer')]",
        "a crew has roles, who do its tasks: give it some, as in roles={'writer': Role(model)}",
    ]
    assert problems_of([Task("a", "x")], process="chaos") == [
        'process= wants "sequential", "parallel" or "hierarchical", not \'chaos\''
    ]


def test_names_that_cannot_be_and_those_that_clash_are_told():
    tasks = [Task(name, "x") for name in ("a b", "topic", "a", "a", "copy", "reviews", "_a", "model_dump_x")]
    assert problems_of([*tasks, Task("d", "")], inputs=Topic) == [
        "two tasks are called 'a': give one of them another name",
        "task 'a b': its name becomes a field: use an identifier, such as 'draft'",
        "task 'topic' is called like an input; rename one of them",
        "no task can be called 'copy', which results of a crew have already; rename it",
        "no task can be called 'reviews', which results of a crew have already; rename it",
        "task '_a': its name becomes a field: use an identifier, such as 'draft'",
        "no task can be called 'model_dump_x', which results of a crew have already; rename it",
        "task 'd': description= wants a text that says what to do, not ''",
    ]


def test_options_of_tasks_that_cannot_be_are_told():
    options = {"timeout": 0, "retry": 3, "version": 3, "optional": 1, "approve": "no"}
    tasks = [Task("a", "x", **options), Task("b", "x", timeout="1"), Task("c", "x", timeout=math.inf)]
    tasks += [Task("d", "x", timeout=True), Task("e", "x", timeout=0.1)]
    assert problems_of(tasks) == [
        "task 'a': timeout= wants a number of seconds above 0, not 0",
        "task 'a': retry= wants a tenacity object such as AsyncRetrying(...), not 3",
        "task 'a': version= wants a text, not 3",
        "task 'a': optional= wants True or False, not 1",
        "task 'a': approve= wants True or False, not 'no'",
        "task 'b': timeout= wants a number of seconds above 0, not '1'",
        "task 'c': timeout= wants a number of seconds above 0, not inf",
        "task 'd': timeout= wants a number of seconds above 0, not True",
    ]


def test_tasks_that_are_called_like_something_else_that_inputs_have_are_told():
    class Given(BaseModel):
        @property
        def draft(self) -> str: ...

    assert problems_of([Task("draft", "x")], inputs=Given) == [
        "task 'draft' is called like something that inputs=Given has; rename one of them"
    ]


def test_inputs_that_are_no_class_are_told_and_nothing_that_would_follow():
    tasks = [Task("topic", "x", needs="title")]
    wanted = "inputs= wants a class that inherits pydantic.BaseModel, not "
    for inputs in (Topic(), dict):
        assert problems_of(tasks, {"x": "mind"}, inputs=inputs) == [
            f"{wanted}{inputs!r}",
            "task 'topic' needs 'title', which is no task and no input; there are 'topic'",
        ]


def test_a_crew_is_not_called_like_the_threads():
    assert problems_of([Task("a", "x")], name="threads") == [
        "no crew can be called 'threads', which are slots of every run; give it another name="
    ]


def test_models_that_are_called_like_a_field_are_told():
    tasks = [Task("a", "x", role="x", needs="topic"), Task("b", "x", role="y", needs="a")]
    roles = {"x": "topic", "y": Agent("a")}
    told_of = "is called like a field of the crew; give that resource another name"
    expected = [f"role 'x': its model 'topic' {told_of}", f"role 'y': its model 'a' {told_of}"]
    assert problems_of(tasks, roles, inputs=Topic) == expected
    managed = {"process": "hierarchical", "manager": "boss", "inputs": Topic}
    for name in ("result", "feedback", "role", "passed", "reviews", "missed", "given_a", "given_topic"):
        roles = {"x": name, "y": told, "boss": Role(None, reviews=lambda job, result: True)}
        assert problems_of(tasks, roles, **managed) == [f"role 'x': its model {name!r} {told_of}"]
    Crew(tasks, roles={"x": "result", "y": "given_a"}, inputs=Topic).compile()


def test_tools_that_are_none_are_told():
    model = ScriptedModel([])
    roles = {
        "one": Role(model, tools=told),
        "no": Role(model, tools=[7]),
        "two": Role(model, tools=[told, told]),
        "said": Role(model, instructions=7),
    }
    assert problems_of([Task("a", "x", role="one")], roles) == [
        "role 'said': instructions= wants a text, not 7",
        f"role 'one': tools= wants several tools, as in [search], not {shown(told)}",
        "role 'no': tools=: tool 'int': 7 does not tell its parameters: 7 is not a callable object",
        "role 'two': tools=: agent has two tools called 'told': give one of them another name=",
    ]


def test_a_role_that_does_nothing_is_looked_at_too():
    assert problems_of([Task("a", "x", role="x")], {"x": told, "idle": 7, "named": "a b"}) == [
        "role 'idle' wants an agent, a model or a function, not 7",
        "role 'named': 'a b' is no name of a resource; for a provider's model say backedge.model('a b')",
    ]


@pytest.mark.parametrize("manager", [None, ["boss"]])
def test_a_manager_is_named(manager):
    found = problems_of([Task("a", "x", role="x")], process="hierarchical", manager=manager)
    assert found == [f"manager= wants the name of a role, not {manager!r}"]


def test_roles_that_keep_more_places_than_there_are_are_told():
    tasks = [Task("one", "x", role="a"), Task("two", "x", role="b")]

    def kept(a, b=0):
        return {"a": Role(told, count=2, least=a), "b": Role(told, least=b), "idle": Role(told, least=1)}

    def problems_with(limit, **least):
        return problems_of(tasks, kept(**least), process="parallel", limit=limit)

    advice = "lower least=, or say a higher limit="
    assert problems_with(2, a=2) == [
        f"limit= is 2, but the roles keep 2 for themselves, which leaves none for the others; {advice}"
    ]
    assert problems_with(2, a=2, b=1) == [f"limit= is 2, but the roles keep 3 for themselves; {advice}"]
    for limit, least in ((3, {"a": 2}), (3, {"a": 2, "b": 1})):
        Crew(tasks, roles=kept(**least), process="parallel", limit=limit).compile()


def test_a_function_whose_result_no_field_can_hold_is_told():
    async def odd(job: Job) -> Crew: ...

    assert problems_of([Task("a", "x")], {"x": odd}) == [
        "task 'a' gives Crew, which is no type of a field: say output= what it gives"
    ]


def test_inputs_that_are_called_like_what_a_crew_tells_are_told():
    class Given(BaseModel):
        missed: str

    assert problems_of([Task("a", "x")], inputs=Given) == [
        "no input can be called 'missed', which results of a crew have already; rename it"
    ]


def test_roles_that_cannot_be_are_told():
    roles = {
        "a b": told,
        "none": Role(told, count=0),
        "keeps": Role(told, count=1, least=2),
        "few": Role(told, count=2, least=2, most=1),
        "armed": Role(told, tools=[told]),
        "agent": Role(Agent(ScriptedModel([])), instructions="Be good."),
        "low": Role(told, reports_to="none", reviews=told),
    }
    assert problems_of([Task("a", "x", role="low")], roles, manager="none") == [
        "role 'a b': use an identifier, such as 'writer'",
        "role 'none': count= wants a whole number from 1, not 0",
        "role 'keeps': least= wants a whole number from 0 to its count, 1, not 2",
        "role 'few': most= wants a whole number from 2 or None, not 1",
        "role 'armed': tools= is for a model; an agent has its own, and a function has none",
        "role 'agent': instructions= is of no use, since an agent has its own",
        "role 'low': reports_to= is for a hierarchy: say process=\"hierarchical\", or drop it",
        "role 'low': reviews= is for a hierarchy: say process=\"hierarchical\", or drop it",
        'manager= is for a hierarchy: say process="hierarchical", or drop it',
    ]


def test_unknown_roles_and_needs_are_told_with_what_there_is():
    tasks = [Task("a", "x", role="y", needs=["z", "b"]), Task("b", "x", role="x"), Task("c", "x")]
    roles = {"x": told, "w": told}
    assert problems_of(tasks, roles, process="parallel", inputs=Topic) == [
        "task 'a' needs 'z', which is no task and no input; there are 'topic', 'a', 'b', 'c'",
        "task 'a': role= names 'y', which is no role; there are 'x', 'w'",
        "task 'c': say role= who does it; only in a hierarchy (process=\"hierarchical\") a manager chooses",
    ]
    assert problems_of([Task("a", "x", role=["x", "w"])], roles) == [
        "task 'a': one role does it; only in a hierarchy (process=\"hierarchical\") a manager chooses"
    ]


def test_circles_are_named_each_once():
    needs = {"a": ["c"], "b": ["a"], "c": ["b", "d"], "d": ["d"], "e": ["a"]}
    tasks = [Task(name, "x", needs=before) for name, before in needs.items()]
    for process in ("sequential", "parallel"):
        assert problems_of(tasks, process=process) == [
            "the tasks d -> d need each other in a circle: drop one of these needs",
            "the tasks a -> c -> b -> a need each other in a circle: drop one of these needs",
        ] or problems_of(tasks, process=process) == [
            "the tasks a -> c -> b -> a need each other in a circle: drop one of these needs",
            "the tasks d -> d need each other in a circle: drop one of these needs",
        ]


def test_a_long_row_of_needs_is_no_circle():
    tasks = [Task(f"t{n}", "x", needs=[f"t{n + 1}"] if n < 1199 else []) for n in range(1200)]
    assert len(problems_of(tasks)) == 1199


def test_a_sequence_in_which_a_task_comes_before_what_it_needs_is_told():
    tasks = [Task("draft", "x", needs=["facts"]), Task("facts", "x")]
    assert problems_of(tasks) == [
        "task 'draft' needs 'facts', which comes later: in a sequence tasks are done in the order given"
    ]
    Crew(tasks, roles={"x": told}, process="parallel")


def test_who_cannot_do_a_task_is_told():
    def plain(job: Job, ctx: Context) -> str: ...
    def nothing() -> str: ...
    async def more(job: Job, ctx: Context, third: int) -> str: ...

    roles = {
        "nobody": Role(None),
        "seven": 7,
        "plain": plain,
        "nothing": nothing,
        "more": more,
        "dear": "openai:gpt-5",
    }
    tasks = [Task(name, "x", role=name) for name in roles]
    wants = "wants a function of the job, and of the context if it likes, not <function "
    found = problems_of(tasks, roles)
    assert [one.partition(wants)[0] + one.partition(wants)[1] for one in found] == [
        "role 'nobody' does tasks, but there is nobody: give it an agent, a model or a function",
        "role 'seven' wants an agent, a model or a function, not 7",
        "role 'plain' takes the context, so it has to be an async def",
        f"role 'nothing' {wants}",
        f"role 'more' {wants}",
        "role 'dear': 'openai:gpt-5' is no name of a resource; for a provider's model say "
        "backedge.model('openai:gpt-5')",
    ]


def test_a_hierarchy_that_is_none_is_told():
    tasks = [Task("a", "x", role="low")]
    roles = {
        "low": Role(told, reports_to="mid"),
        "mid": Role(told, reports_to="high"),
        "high": Role(told, reports_to="mid"),
        "boss": Role(told, reports_to="low"),
        "lost": Role(told, reports_to="nobody"),
    }
    hierarchical = {"process": "hierarchical"}
    assert problems_of(tasks, roles, **hierarchical) == [
        "a hierarchy has somebody at the top: say manager=, the name of a role"
    ]
    assert problems_of(tasks, roles, **hierarchical, manager="chief") == [
        "manager= names 'chief', which is no role; there are 'low', 'mid', 'high', 'boss', 'lost'"
    ]
    assert problems_of(tasks, roles, **hierarchical, manager="boss") == [
        "role 'lost' reports to 'nobody', which is no role; there are 'low', 'mid', 'high', 'boss', 'lost'",
        "role 'boss' is the manager and reports to nobody: drop its reports_to=",
    ]
    del roles["lost"]
    roles["boss"] = told
    assert problems_of(tasks, roles, **hierarchical, manager="boss") == [
        "the roles mid -> high -> mid report to each other in a circle: let one of them report to 'boss'"
    ]


def test_who_cannot_review_or_choose_is_told():
    model = ScriptedModel([])
    roles = {
        "low": Role(model, reports_to="mid"),
        "other": Role(model, reports_to="writer"),
        "mid": Role(told),
        "writer": Role(Agent(model)),
        "boss": Role(Agent(model, output=Review), reviews=lambda job: None),
    }
    found = problems_of([Task("a", "x")], roles, process="hierarchical", manager="boss")
    assert [one.partition(", and of the context")[0] for one in found] == [
        "role 'mid' reviews: give it a model, or say reviews= how",
        "role 'boss': reviews= wants a function of the job and its result",
        "role 'writer' reviews: let its agent answer with output=Review, or say reviews=",
        "role 'boss' chooses who does a task: give it a model, say assigns= how, or give each task its role=",
    ]


def test_ways_to_review_and_to_choose_that_are_no_functions_of_what_they_are_given_are_told():
    def problem(**boss):
        roles = {"x": told, "y": told, "boss": Role(ScriptedModel([]), **boss)}
        return problems_of([Task("a", "x")], roles, process="hierarchical", manager="boss")

    def more(job, roles, *, mood): ...
    def several(job, roles, context, mood): ...

    given = "the job and the names of roles, and of the context if it likes"
    assert problem(reviews=7) == ["role 'boss': reviews= wants a function, not 7"]
    assert problem(assigns=7) == ["role 'boss': assigns= wants a function, not 7"]
    for assigns in (more, several, lambda job: job):
        assert problem(assigns=assigns) == [
            f"role 'boss': assigns= wants a function of {given}, not {shown(assigns)}"
        ]
    for assigns in (
        lambda *all_of_it: "x",
        lambda job, roles, mood=1: "x",
        lambda job, roles, *, mood=1: "x",
    ):
        Crew(
            [Task("a", "x")],
            roles={"x": told, "y": told, "boss": Role(ScriptedModel([]), assigns=assigns)},
            process="hierarchical",
            manager="boss",
        )


def test_roles_that_give_something_else_than_the_task_wants_are_told():
    class Page(BaseModel):
        text: str

    model = ScriptedModel([])
    roles = {"agent": Agent(model, output=Page), "model": model}
    assert problems_of([Task("a", "x", role="agent", output=int)], roles) == [
        "task 'a' gives int, but role 'agent' gives Page: say output= at the task, and give an agent that type of output, "
        "or the role a model with tools and instructions"
    ]
    manager = {"boss": model, **roles}
    found = problems_of(
        [Task("a", "x", role=["agent", "model"])], manager, process="hierarchical", manager="boss"
    )
    assert len(found) == 1
    assert found[0].startswith("task 'a' gives")
    Crew(
        [Task("a", "x", role=["agent", "model"], output=Page)],
        roles=manager,
        process="hierarchical",
        manager="boss",
    )


def test_what_is_no_task_no_name_and_no_role_is_told_at_once():
    draft = Task("draft", "x")
    assert problems_of(["a", draft, Task("b", "x", needs=[draft]), Task(7, "x", role=None)], [told]) == [
        "tasks= wants tasks, as in Task('draft', 'Write it.'), not 'a'",
        f"task 'b': needs= wants one name or several, not {shown([draft])}",
        "task 7: its name wants a text, not 7",
        "task 7: role= wants one name or several, not None",
        f"roles= wants a mapping of names to who fills the role, as in {{'writer': model}}, not {shown([told])}",
    ]
    assert problems_of(draft) == [
        f"tasks= wants several tasks, as in [Task('draft', 'Write it.')], not {shown(draft)}"
    ]


def test_outputs_that_are_no_types_are_told():
    tasks = [Task("a", "x", output="Page"), Task("b", "x", output=7), Task("c", "x", output=list[int] | None)]
    tasks = [replace(task, role="agent" if task.name == "a" else "x") for task in tasks]
    assert problems_of(tasks, {"x": told, "agent": Agent(ScriptedModel([]))}) == [
        "task 'a': output= wants a type, not 'Page'",
        "task 'b': output= wants a type, not 7",
    ]


def test_problems_of_all_sorts_are_told_together():
    tasks = [Task("a", "x", output=7), Task("b", "x", needs="c"), Task("d", "x", role="y")]
    assert problems_of(tasks, {"x": 7}, limit=0, process="parallel") == [
        "limit= wants a whole number from 1 or None, not 0",
        "task 'b' needs 'c', which is no task and no input; there are 'a', 'b', 'd'",
        "task 'd': role= names 'y', which is no role; there are 'x'",
        "task 'a': output= wants a type, not 7",
    ]


def test_names_that_are_said_twice_count_once():
    tasks = [Task("a", "x", role=["x", "x"]), Task("b", "x", needs=["a", "a"])]
    assert [
        edge.id for edge in Crew(tasks, roles={"x": told}, process="parallel").graph.definition.edges
    ] == [
        "START->a",
        "a->b",
        "b->END",
    ]


@pytest.mark.parametrize("name", ["END", "START", "a-b"])
def test_a_role_that_no_node_could_be_called_is_told(name):
    assert problems_of([Task("a", "x")], {name: told}) == [
        f"role {name!r}: use an identifier, such as 'writer'"
    ]
