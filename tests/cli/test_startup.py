"""What starts fast stays fast, and the parts of the command line fit together."""

import json
import subprocess
import sys

import click
import pytest

from backedge.cli.app import LAZY, SUMMARIES, Commands, cli

from .kit import call, environment

LOADED = """
import json, sys
import backedge.cli
try:
    backedge.cli.cli(sys.argv[1:])
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
HEAVY = {"networkx", "graphviz", "rich", "aiosqlite", "sqlite3", "openai", "anthropic", "tenacity"}


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_help_and_version_load_no_command_and_nothing_heavy(flag: str):
    done = subprocess.run(
        [sys.executable, "-c", LOADED, flag], capture_output=True, env=environment(), timeout=60, check=True
    )
    loaded = set(json.loads(done.stderr))
    assert not loaded & HEAVY
    ours = {name for name in loaded if name.startswith("backedge.cli.")}
    assert ours == {"backedge.cli.app", "backedge.cli.options", "backedge.cli.problems"}


def test_the_help_page_lists_every_command_in_its_own_words():
    page = call("--help").output
    for name in LAZY:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.name == name
        assert SUMMARIES[name] in page
        assert command.help
        assert command.help.startswith(SUMMARIES[name].rstrip("."))
    assert set(SUMMARIES) == set(LAZY)


@pytest.mark.parametrize("name", LAZY)
def test_every_command_has_a_help_page(name: str):
    result = call(name, "--help")
    assert result.exit_code == 0
    assert "--debug" in result.output
    assert "--json" in result.output


def test_the_group_can_be_called_as_a_function_by_click_itself():
    assert isinstance(cli, Commands)
    assert cli.main(["--version"], standalone_mode=False) == 0
