"""What `docs/cli.md` says is what the commands do."""

import re
import shlex
from pathlib import Path

import click
import pytest

from backedge.cli.app import LAZY, cli
from backedge.cli.problems import Exit

from .kit import ran

DOCS = Path(__file__).parents[2].joinpath("docs", "cli.md").read_text()


def test_the_examples_work_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    Path("loop.py").write_text(code)
    lines = [
        line[2:]
        for block in re.findall(r"```console\n(.*?)```", DOCS, re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(lines) == 27
    for line in lines:
        program, *arguments = shlex.split(line)
        if program == "echo":
            text, arrow, name = arguments
            assert arrow == ">"
            Path(name).write_text(text)
        else:
            assert program == "backedge"
            ran(*arguments)
    assert Path("demo.mmd").exists()


def test_every_exit_code_is_documented():
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCS, re.MULTILINE)}
    assert documented == {code.value for code in Exit}


@pytest.mark.parametrize("name", LAZY)
def test_every_command_and_option_is_documented(name: str):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert f"## `backedge {name}" in DOCS
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"{option}" in DOCS
