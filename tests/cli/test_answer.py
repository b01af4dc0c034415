"""Telling a run what it waits for, from the command line."""

import json
from pathlib import Path

import pytest

from .asking import ASKING
from .kit import begun, call, process, ran


@pytest.fixture
def asking(here: Path) -> Path:
    (here / "asking.py").write_text(ASKING)
    return here


def rested(what: str, target: str = "asking.py:graph") -> str:
    """The id of a question of a run ``demo`` that waits for `what`."""
    result = call("run", target, "--input", json.dumps({"what": what}), "--run-id", "demo")
    assert result.exit_code == 3, result.output
    return questions()[0]["id"]


def questions() -> list[dict]:
    return json.loads(ran("answer", "demo", "--json").stdout)["questions"]


def state(target: str = "asking.py:graph") -> dict:
    return json.loads(ran("resume", "demo", target).stdout)


def refused(*arguments: str) -> str:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    return result.stderr


def test_without_a_value_what_the_run_waits_for_is_listed(asking: Path):
    name = rested("text")
    listed = ran("answer", "demo").stdout
    assert "question" in listed
    assert name in listed
    assert "well?" in listed
    (question,) = questions()
    assert (question["kind"], question["text"], question["activation"]) == ("question", "well?", "node")


@pytest.mark.parametrize(
    ("what", "typed", "got"),
    [
        ("text", "yes", "yes"),
        ("text", '"yes"', "yes"),
        ("text", "12", "12"),
        ("number", "12", "12"),
        ("choice", "blue", "blue"),
        ("choice", "7", "7"),
    ],
)
def test_an_answer_is_json_or_plain_text_where_text_is_asked_for(
    asking: Path, what: str, typed: str, got: str
):
    rested(what)
    ran("answer", "demo", typed)
    assert state()["got"] == got


def test_a_question_is_named_by_its_id_or_its_activation(asking: Path):
    name = rested("text")
    told = json.loads(ran("answer", "demo", name, "yes", "--json").stdout)
    assert told == {"run_id": "demo", "question": name, "value": "yes"}
    assert state()["got"] == "yes"
    (asking / "backedge.db").unlink()
    rested("text")
    ran("answer", "demo", "node", "no")
    assert state()["got"] == "no"


def test_one_of_several_questions_has_to_be_named(asking: Path):
    rested("two")
    first, second = (question["id"] for question in questions())
    assert f"say which: {first}, {second}" in refused("answer", "demo", "yes")
    assert "asks several things" in refused("answer", "demo", "node", "yes")
    ran("answer", "demo", first, "one")
    ran("answer", "demo", second, "two")
    assert state()["got"] == "['one', 'two']"


def test_what_cannot_be_the_answer_is_refused_at_once(asking: Path):
    rested("number")
    assert "expected a whole number, as JSON, found 'many'" in refused("answer", "demo", "many")
    (asking / "backedge.db").unlink()
    rested("choice")
    assert "'green' is none of the answers: red, blue, 7" in refused("answer", "demo", "green")


def test_an_answer_that_the_run_refuses_leaves_the_question_open_and_says_why(asking: Path):
    rested("number")
    ran("answer", "demo", "1.5")
    assert call("resume", "demo", "asking.py:graph").exit_code == 3
    assert "the last answer was refused" in ran("answer", "demo").stdout
    ran("answer", "demo", "2")
    assert state()["got"] == "2"


def test_it_goes_on_at_once_where_a_target_is_named(asking: Path):
    rested("text")
    result = ran("answer", "demo", "yes", "--resume", "asking.py:graph")
    assert json.loads(result.stdout)["got"] == "yes"


def test_a_run_that_is_worked_on_gets_its_answer_from_outside(asking: Path):
    with begun(
        "run", "asking.py:graph", "--input", '{"what": "busy"}', "--run-id", "demo", cwd=asking
    ) as child:
        while not (asking / "began.txt").exists() or not questions():
            assert child.poll() is None
        result = ran("answer", "demo", "yes", "--resume", "asking.py:graph")
        assert f"being worked on by pid {child.pid}" in result.stderr
        (asking / "gate").touch()
        output, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors
        assert json.loads(output)["got"] == "yes"


def test_leave_to_run_is_given_or_refused(asking: Path):
    rested("ab", "asking.py:careful")
    assert "--approve, or --reject" in refused("answer", "demo", "guarded", "yes")
    ran("answer", "demo", "--approve")
    assert state("asking.py:careful")["got"] == "abab"
    (asking / "backedge.db").unlink()
    rested("ab", "asking.py:careful")
    ran("answer", "demo", "--reject", "too expensive")
    result = call("resume", "demo", "asking.py:careful")
    assert result.exit_code == 1
    assert "too expensive" in result.stderr


def test_what_a_node_is_to_run_on_is_edited_with_the_approval(asking: Path):
    rested("ab", "asking.py:careful")
    ran("answer", "demo", "guarded", "--approve", "--edit", '{"what": "xy"}')
    assert state("asking.py:careful")["got"] == "xyxy"


@pytest.mark.parametrize(
    ("typed", "got"),
    [(["--done", '"as told"'], "as told"), (["--not-done"], "paid again"), (["--fail", "lost"], None)],
)
def test_a_step_in_doubt_is_told_what_became_of_it(asking: Path, typed: list[str], got: str | None):
    killed = process(
        "run", "asking.py:graph", "--input", '{"what": "unsafe"}', "--run-id", "demo", cwd=asking
    )
    assert killed.returncode == -9
    assert call("resume", "demo", "asking.py:graph").exit_code == 3
    assert "in_doubt" in ran("runs").stdout
    assert "was 'pay' done?" in ran("answer", "demo").stdout
    assert "--done RESULT, --not-done" in refused("answer", "demo", "node", "yes")
    ran("answer", "demo", *typed)
    if got is None:
        result = call("resume", "demo", "asking.py:graph")
        assert result.exit_code == 1
        assert "lost" in result.stderr
    else:
        assert state()["got"] == got


def test_options_that_exclude_each_other_are_refused(asking: Path):
    assert "exclude each other" in refused("answer", "demo", "--approve", "--reject", "no")
    assert "--edit goes with --approve" in refused("answer", "demo", "--edit", "{}")


def test_a_run_that_asks_nothing_or_something_else_says_so(asking: Path):
    ran("run", "asking.py:graph", "--input", '{"what": "nothing"}', "--run-id", "over")
    assert "waits for nothing" in ran("answer", "over").stderr
    assert "asks nothing" in refused("answer", "over", "yes")
    name = rested("signal")
    assert "backedge send demo go VALUE" in refused("answer", "demo", name, "yes")
    assert "no open question 'other'" in refused("answer", "demo", "other", "yes")
    assert "too many words" in refused("answer", "demo", "a", "b", "c")
    assert "say the answer too" in refused("answer", "demo", "node")


@pytest.mark.parametrize("command", [["answer", "demo"], ["send", "demo", "go"], ["cancel", "demo"]])
def test_a_journal_or_run_that_is_not_there_is_told_and_nothing_is_made(asking: Path, command: list[str]):
    result = call(*command)
    assert result.exit_code == 4
    assert not (asking / "backedge.db").exists()
    ran("run", "asking.py:graph", "--input", '{"what": "nothing"}', "--run-id", "demi")
    result = call(*command)
    assert result.exit_code == 4
    assert "did you mean demi?" in result.stderr


@pytest.mark.parametrize(
    ("typed", "got"), [(["now"], "now"), (['{"a": 1}'], "{'a': 1}"), ([], "None"), (["3"], "3")]
)
def test_a_signal_carries_json_or_text(asking: Path, typed: list[str], got: str):
    rested("signal")
    ran("send", "demo", "go", *typed)
    assert state()["got"] == got


def test_what_was_sent_is_told_as_json(asking: Path):
    rested("signal")
    told = json.loads(ran("send", "demo", "go", "[1]", "--json").stdout)
    assert told == {"run_id": "demo", "signal": "go", "value": [1], "sent": True}
    lost = ran("send", "demo", "elsewhere", "--now", "--json")
    assert json.loads(lost.stdout) == {"run_id": "demo", "signal": "elsewhere", "value": None, "sent": False}
    assert json.loads(ran("cancel", "demo", "--json").stdout) == {"run_id": "demo", "asked": "cancel"}


def test_a_run_is_cancelled_by_whoever_works_on_it(asking: Path):
    with begun(
        "run", "asking.py:graph", "--input", '{"what": "slow"}', "--run-id", "demo", cwd=asking
    ) as child:
        while not (asking / "began.txt").exists():
            assert child.poll() is None
        ran("cancel", "demo")
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 1, errors
        assert b"cancelled" in errors
    assert "cancelled" in ran("runs").stdout
    assert call("cancel", "demo").exit_code == 2


def test_runs_and_show_tell_what_a_run_waits_for(asking: Path):
    name = rested("text")
    assert f"answer {name}" in ran("runs").stdout
    assert f"waits for question {name}: well?" in ran("show", "demo").stdout
    shown = json.loads(ran("show", "demo", "--json").stdout)
    assert [question["id"] for question in shown["questions"]] == [name]
    (run,) = json.loads(ran("runs", "--json").stdout)["runs"]
    assert {"kind": "answer", "name": name} in run["waits"]["letters"]
    (asking / "backedge.db").unlink()
    call("run", "asking.py:graph", "--input", '{"what": "signal"}', "--run-id", "demo")
    assert "signal go" in ran("runs").stdout


def test_a_run_that_waits_tells_so_and_how_to_answer(asking: Path):
    result = call("run", "asking.py:graph", "--input", '{"what": "text"}', "--run-id", "demo", "--json")
    told = json.loads(result.stdout)
    assert told["status"] == "suspended"
    assert [question["text"] for question in told["questions"]] == ["well?"]
    result = call("run", "asking.py:graph", "--input", '{"what": "text"}', "--run-id", "other")
    assert "waits for question node:" in result.stderr
    assert "answer other --journal backedge.db" in result.stderr
