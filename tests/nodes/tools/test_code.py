"""Python that a model wrote, run in a sandbox."""

from collections.abc import Iterator

import pytest

from backedge.nodes.sandbox import BubblewrapSandbox, Limits, Sandbox
from backedge.nodes.tools import code_tool, text_of

from ..conftest import warm


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from warm(BubblewrapSandbox())


async def run(sandbox, code, limits=None, **arguments):
    return text_of(await code_tool(sandbox, limits=limits).call({"code": code, **arguments}))


async def test_what_a_program_prints_is_the_result(sandbox):
    assert await run(sandbox, "print(6 * 7, 'ü')") == "42 ü"
    assert await run(sandbox, "pass") == "it printed nothing"
    assert await run(sandbox, "print(input()[::-1])", stdin="live\n") == "evil"


async def test_how_it_failed_is_told_with_what_it_said(sandbox):
    shown = await run(sandbox, "print('before')\n1 / 0")
    assert shown.startswith("it ended with status 1\nbefore\nstandard error:\nTraceback")
    assert shown.endswith("ZeroDivisionError: division by zero")
    assert "SyntaxError" in await run(sandbox, "def")
    assert (await run(sandbox, "import os; os.abort()")).startswith("it was ended by signal 6")


async def test_its_limits_are_kept_and_told(sandbox):
    shown = await run(sandbox, "while True: pass", Limits(wall=0.5))
    assert shown == "it was ended after 0.5 seconds"
    shown = await run(sandbox, "while True: print('x' * 1000)", Limits(output=10_000))
    assert shown.startswith("it was ended: output limit")


async def test_of_long_output_beginning_and_end_are_shown(sandbox):
    shown = await run(sandbox, "print('a' + 'x' * 20000 + 'z')")
    assert shown.startswith("axxx")
    assert shown.endswith("xxxz")
    assert "[cut: 12002 of 20002 characters]" in shown


async def test_neither_files_nor_network_nor_what_ran_before_is_there(sandbox, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    assert "FileNotFoundError" in await run(sandbox, f"print(open({str(secret)!r}).read())")
    assert "Error" in await run(sandbox, "import socket; socket.create_connection(('127.0.0.1', 80), 1)")
    await run(sandbox, "open('kept', 'w').write('x')")
    assert "FileNotFoundError" in await run(sandbox, "open('kept')")


def test_it_says_that_it_executes(sandbox):
    made = code_tool(sandbox)
    assert (made.permission, made.safety) == ("execute", "idempotent")
