"""``backedge repair`` with a model as coder, or with a model and the search."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from backedge.cli import repairing
from backedge.cli.repair_progress import DOING, Progress, bill_line
from backedge.engine.execution.events import ActivationStarted
from backedge.engine.records import ActivationId
from backedge.nodes.repair.contest import contest_graph
from backedge.nodes.repair.graph import Coder
from backedge.nodes.repair.models import Bill

from ..nodes.repair.warm import Open, warm_sandbox
from .kit import call, typed
from .test_repair import OPTIONS, WRONG, interrupted, rounds_of

RIGHT = WRONG.replace("-", "+")
PATCH = (
    '--- a/add.py\n+++ b/add.py\n@@ -1,3 +1,3 @@\n def add(a, b):\n     """The sum."""\n'
    "-    return a - b\n+    return a + b\n"
)


def block(source: str) -> str:
    return f"So:\n```python\n{source}```\n"


def priced(text: str, cost: float | None) -> dict[str, object]:
    message = {"role": "assistant", "parts": [{"kind": "text", "text": text}]}
    usage = {"input_tokens": 1200, "output_tokens": 30}
    return {"message": message, "usage": usage, "cost": cost}


@pytest.fixture(scope="module", autouse=True)
def harness_is_loaded() -> Iterator[None]:
    """What is called in this process need not load the harness for each run; other processes do."""
    with warm_sandbox() as sandbox, pytest.MonkeyPatch.context() as patched:
        patched.setattr(repairing, "open_sandbox", lambda _name: Open(sandbox))
        yield


@pytest.fixture
def there(here: Path) -> Path:
    """The current folder, with a program to repair in it."""
    (here / "add.py").write_text(WRONG)
    (here / "add.jsonl").write_text("[[0, 0], 0]\n[[1, 2], 3]\n[[5, 5], 10]\n")
    return here


def answers(folder: Path, *given: object) -> tuple[str, str]:
    (folder / "answers.json").write_text(json.dumps(given))
    return "--model", "scripted:answers.json"


def test_a_model_is_the_coder_where_one_is_named(there: Path):
    given = answers(there, priced("Well.", 0.01), priced(block(RIGHT), 0.02))
    result = call("repair", "add.py", *OPTIONS, *given)
    assert result.exit_code == 0, result.output
    assert result.stdout == PATCH
    first, second = re.findall(r"^round +[12]  (.*)$", result.stderr, re.MULTILINE)
    asked = "scripted:answers.json: 1 call, 1,200 tokens read, 30 written, "
    assert first == f"{asked}$0.0100  best 1/3  an answer of no use: there is no code in it"
    assert second == f"{asked}$0.0200  best 3/3  a patch found, all 3 cases pass"
    told = "model: scripted:answers.json, 2 calls, 2,400 tokens read, 60 written, $0.0300"
    assert told in result.stderr


def test_a_cost_that_is_not_known_is_said_to_be_unknown(there: Path):
    result = call("repair", "add.py", *OPTIONS, *answers(there, priced(block(RIGHT), None)))
    assert (
        "model: scripted:answers.json, 1 call, 1,200 tokens read, 30 written, cost unknown" in result.stderr
    )


def test_search_and_model_compete(there: Path):
    given = answers(there, priced(block(RIGHT), 0.02))
    result = call("repair", "add.py", *OPTIONS, *given, "--coder", "both", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["patches"] == [PATCH]
    assert told["found_by"][0] in ("model", "search")
    assert told["model"]["name"] == "scripted:answers.json"
    assert told["model"]["calls"] == 1


def test_each_of_several_patches_says_whose_it_is(there: Path):
    given = answers(there, *(block(RIGHT) for _ in range(9)))
    result = call("repair", "add.py", *OPTIONS, *given, "--coder", "both", "--all", "2")
    assert re.search(r"^patch 1 by the (model|search):$", result.stderr, re.MULTILINE), result.stderr
    assert re.search(r"^answer +1  scripted:answers.json: ", result.stderr, re.MULTILINE)


def test_json_tells_what_a_model_took(there: Path):
    result = call("repair", "add.py", *OPTIONS, *answers(there, priced(block(RIGHT), None)), "--json")
    told = json.loads(result.stdout)
    assert told["model"] == {
        "name": "scripted:answers.json",
        "calls": 1,
        "input_tokens": 1200,
        "output_tokens": 30,
        "cost": None,
    }
    assert told["found_by"] == ["model"]


def test_a_model_of_no_use_ends_with_1(there: Path):
    result = call("repair", "add.py", *OPTIONS, *answers(there, "No.", "No.", "No."))
    assert result.exit_code == 1
    assert "exhausted: scripted:answers.json gave nothing to try 3 times in a row" in result.stderr


def test_a_budget_ends_it(there: Path):
    given = answers(there, priced(block("def add(a, b):\n    return b\n"), 0.02), "never asked for")
    result = call("repair", "add.py", *OPTIONS, *given, "--budget", "$0.01")
    assert result.exit_code == 1
    assert "the budget of $0.01 is spent: $0.0200" in result.stderr
    result = call("repair", "add.py", *OPTIONS, *given, "--budget", "1k tokens")
    assert "the budget of 1,000 tokens is spent: 1,230" in result.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--coder", "both"), "--coder both needs a model: add --model NAME"),
        (("--coder", "model"), "--coder model needs a model: add --model NAME"),
        (("--budget", "1"), "--budget is for a model"),
        (("--model", "scripted:answers.json", "--coder", "search"), "--coder search asks no model"),
        (("--model", "gpt"), "there is no model 'gpt'; a name is one of openai:NAME"),
        (("--model", "scripted:nowhere.json"), "nowhere.json cannot be read as a script"),
        (("--model", "openai:gpt-5"), "there is no key: set OPENAI_API_KEY"),
        (("--model", "ollama:nobody-knows", "--budget", "1"), "costs is unknown: give the budget in tokens"),
        (("--model", "scripted:answers.json", "--budget", "much"), "'much' is no amount"),
        (("--model", "scripted:answers.json", "--budget", "0"), "'0' is no amount"),
    ],
)
def test_what_does_not_go_together_is_one_line_before_anything_begins(
    there: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: str
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    answers(there, block(RIGHT))
    result = call("repair", "add.py", *OPTIONS, *options)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line]
    assert told in line
    assert not (there / "backedge.db").exists()


def test_a_resumed_repair_goes_on_with_its_model_and_does_not_ask_again(there: Path):
    wrong = [block(f"def add(a, b):\n    return a * {number}\n") for number in range(2, 60)]
    given = answers(there, *wrong)
    rounds, line = interrupted(["repair", "add.py", *OPTIONS, *given], there, 2)
    answers(there, block(RIGHT))  # a script that is read anew begins with its first answer
    done = typed(line, there)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == PATCH
    rounds += rounds_of(done.stderr)
    assert rounds == list(range(len(rounds)))
    calls = re.search(rb"model: scripted:answers.json, (\d+) calls", done.stderr)
    assert calls
    assert int(calls[1]) == len(rounds) - 1


def test_a_contest_is_resumed_as_one(there: Path):
    (there / "add.jsonl").write_text("[[0, 0], 0]\n[[1, 2], 3]\n[[1, 2], 4]\n")
    wrong = [block(f"def add(a, b):\n    return a * {number}\n") for number in range(2, 60)]
    given = answers(there, *wrong)
    _, line = interrupted(
        ["repair", "add.py", *OPTIONS, *given, "--coder", "both", "--seconds", "4"], there, 2
    )
    answers(there, "No.", "No.", "No.")
    words = shlex.split(line)
    done = typed(shlex.join(words), there)
    assert done.returncode == 1, done.stderr
    assert b"the model: scripted:answers.json gave nothing to try 3 times in a row" in done.stderr
    assert b"the search: " in done.stderr


@pytest.mark.parametrize(
    ("bill", "told"),
    [
        (Bill(calls=2, dollars=0.5), "2 calls, 0 tokens read, 0 written, $0.5000"),
        (Bill(calls=1, unpriced=1), "1 call, 0 tokens read, 0 written, cost unknown"),
        (
            Bill(calls=3, dollars=0.5, unpriced=2),
            "3 calls, 0 tokens read, 0 written, $0.5000 and 2 of unknown cost",
        ),
    ],
)
def test_a_bill_says_what_it_does_not_know(bill: Bill, told: str):
    assert bill_line(bill) == told


def test_while_both_work_it_is_said_what_each_is_doing():
    progress = Progress(model="openai:x", coder="both")

    def begun(node: str) -> str:
        progress.hear(ActivationStarted(ActivationId(node), 1, 0.0))
        return progress.doing

    assert begun("look") == "looking at the original"
    assert begun("coder") == "proposing candidates"
    assert begun("author") == "proposing candidates; asking the model"
    assert begun("interpreter") == "running candidates in the sandbox; asking the model"
    assert begun("outcome") == "putting it together"


@pytest.mark.parametrize(
    ("coder", "node", "number", "told"),
    [
        ("search", "interpreter", 0, "looking at the original"),
        ("search", "interpreter", 1, "running candidates in the sandbox"),
        ("search", "coder", 1, "proposing candidates"),
        ("model", "coder", 0, "proposing candidates"),
        ("model", "coder", 1, "asking the model"),
    ],
)
def test_alone_it_is_said_what_the_coder_is_doing(coder: Coder, node: str, number: int, told: str):
    progress = Progress(coder=coder)
    progress.hear(ActivationStarted(ActivationId(node, (("coder", number),)), 1, 0.0))
    assert progress.doing == told


def test_every_node_of_a_contest_has_words_for_what_it_does():
    nodes = contest_graph().compile().graph.nodes
    assert {node.name for node in nodes if node.spec is not None} == set(DOING)
