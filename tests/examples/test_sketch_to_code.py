"""The loop from a sketch to a program, without a key; programs run without isolation here, since they are our own."""

import asyncio
import importlib.util
import json
import re
import signal
import socket
import struct
import sys
from pathlib import Path

import pytest

from backedge.nodes.cases import Case
from backedge.nodes.sandbox import SubprocessSandbox
from backedge.providers import Image, ScriptedModel
from backedge.providers.errors import AuthenticationError, OverloadedError, ServerError
from backedge.providers.wrappers import Retrying

from .. import forking

EXAMPLE = Path(__file__).parents[2] / "examples" / "sketch_to_code.py"
ASIDE = EXAMPLE.with_suffix("")
SPECIFICATION = (ASIDE / "specification.json").read_text()
WRONG, _, RIGHT = ((ASIDE / f"answer_{number}.md").read_text() for number in (1, 2, 3))


def loaded():
    spec = importlib.util.spec_from_file_location("sketch_to_code", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its annotations are looked up there
    spec.loader.exec_module(module)
    return module


example = loaded()


@pytest.fixture(scope="module")
def sandbox():
    made = SubprocessSandbox()
    yield made
    asyncio.run(made.close())


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    """Call the example in this process; its programs need no isolation."""
    return example.main([*arguments, "--sandbox", "subprocess"])


def script(path, *answers):
    """A script in a file, as the name of a model."""
    path.write_text(json.dumps(answers))
    return f"--model=scripted:{path}"


async def looped(model, sandbox):
    picture = Image.read(example.SKETCH)
    flow = example.graph.compile()
    result = await flow.run({"picture": picture}, resources={"model": model, "sandbox": sandbox})
    return result.state


def test_the_sketch_is_a_picture():
    data = example.SKETCH.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert min(struct.unpack(">II", data[16:24])) > 500


def test_without_a_key_a_scripted_model_goes_round_until_the_program_is_right(here):
    done = forking.run(EXAMPLE, "--journal", "it.db", "--sandbox", "subprocess", cwd=here)
    told = done.stderr.decode()
    assert done.returncode == 0, told
    assert "a SCRIPTED model answers" in told
    assert re.findall(r"^interpreter@\d: (.*)", told, re.MULTILINE) == [
        "3 of 5 cases pass",
        "4 of 5 cases pass",
        "5 of 5 cases pass",
    ]
    assert "2 tries" in told  # the script holds an error, which is tried again
    assert done.stdout.decode() in RIGHT
    (picture,) = here.glob("it-*.svg")
    assert "<svg" in picture.read_text()


async def test_vision_is_shown_the_picture_and_the_coder_what_was_wrong(sandbox):
    model = ScriptedModel([SPECIFICATION, WRONG, RIGHT])
    state = await looped(model, sandbox)
    assert state.passed
    seen, first, second = model.requests
    assert [part.data for part in seen.messages[-1].parts if part.kind == "image"] == [
        example.SKETCH.read_bytes()
    ]
    assert seen.output is not None
    assert "Attempt" not in first.messages[-1].text
    assert 'Attempt 1: totals([[1, "ann", 500]' in second.messages[-1].text
    assert '[["ann", 900], ["cy", 300], ["bob", 300]]' in second.messages[-1].text
    assert state.specification.cases[0] == Case(
        arguments='[[[1, "ann", 500], [2, "cy", 300], [1, "ann", 500], [3, "bob", 300], [4, "ann", -100]]]',
        expected='[["ann", 400], ["bob", 300], ["cy", 300]]',
    )


async def test_an_error_of_the_api_is_tried_again_and_what_is_left_travels_the_feedback_edge(sandbox):
    async def no_wait(_seconds):
        pass

    full = OverloadedError("no room", model="m", status=529)
    model = ScriptedModel([ServerError("oops"), SPECIFICATION, full, full, full, WRONG, RIGHT])
    state = await looped(Retrying(model, attempts=3, sleep=no_wait), sandbox)
    assert state.passed
    assert len(model.requests) == 7
    failed, wrong = state.feedback
    assert failed == "there was no program: m: no room (status 529, 3 attempts)"
    assert wrong.startswith("totals(")
    assert failed in model.requests[5].messages[-1].text


async def test_an_answer_without_a_program_travels_the_feedback_edge(sandbox):
    model = ScriptedModel([SPECIFICATION, "I would rather not.", "```python\ndef totals(:\n```", RIGHT])
    state = await looped(model, sandbox)
    assert state.passed
    none, broken = state.feedback
    assert "holds no program" in none
    assert "it is no Python" in broken


def test_an_error_that_does_not_pass_ends_the_run_in_one_line_and_it_can_be_resumed(here, capsys):
    refused = {"error": {"type": AuthenticationError.__name__, "message": "the key was refused"}}
    assert run(script(here / "first.json", SPECIFICATION, refused)) == 1
    told = capsys.readouterr().err
    (line,) = [line for line in told.splitlines() if line.startswith("error:")]
    assert "the key was refused" in line
    run_id = re.search(r"go on with: .* --resume=(\w+) ", told)[1]
    assert run(script(here / "second.json", RIGHT), "--resume", run_id) == 0
    captured = capsys.readouterr()
    assert "vision" not in captured.err  # the picture was read before
    assert captured.out in RIGHT
    assert captured.out


def test_a_program_that_never_gets_right_ends_at_the_limit_with_1(here, capsys):
    assert run(script(here / "wrong.json", SPECIFICATION, *["I would rather not."] * 6, WRONG)) == 1
    captured = capsys.readouterr()
    assert "not passed: totals(" in captured.err
    assert captured.out in WRONG


def test_a_missing_key_is_one_line(here, capsys, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert run("--model", "openai:gpt-5") == 2
    assert capsys.readouterr().err == (
        "error: openai:gpt-5: there is no key: set OPENAI_API_KEY, or give key=\n"
    )
    assert list(here.iterdir()) == []


def test_ctrl_c_stops_a_run_that_waits_for_its_model_and_it_can_be_resumed(here, capsys):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        name = f"compatible:m@http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with forking.start(EXAMPLE, "--model", name, "--sandbox", "subprocess", cwd=here) as stopped:
            connection, _ = silent.accept()  # it has asked, and gets no answer
            with connection:
                assert connection.recv(1)
                stopped.send_signal(signal.SIGINT)
                told = stopped.communicate()[1].decode()
    assert stopped.returncode == 3, told
    assert "was interrupted" in told
    run_id = re.search(r"go on with: .* --resume=(\w+) ", told)[1]
    assert run(script(here / "answers.json", SPECIFICATION, RIGHT), "--resume", run_id) == 0
    assert capsys.readouterr().out in RIGHT


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "nobody:x"], "there is no model 'nobody:x'"),
        (["--model=scripted:answers.json", "none.png"], "none.png"),
        (["--model=scripted:answers.json", "notes.unheard"], "its ending tells no type"),
        (["--resume", "gone"], "there is no such journal"),
    ],
)
def test_bad_usage_is_one_line(here, capsys, arguments, told):
    script(here / "answers.json", "x")
    assert run(*arguments) in (2, 4)
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert told in errors[0]


def test_another_picture_needs_a_model(here, capsys):
    with pytest.raises(SystemExit):
        run("other.png")
    assert "name a --model" in capsys.readouterr().err
