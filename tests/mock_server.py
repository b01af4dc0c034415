"""A mock server of model APIs, a real process that is spoken to over HTTP; `make test` installs it where npm is."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = Path(sys.prefix) / "node" / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
START = 20.0  # seconds

needs_mock_server = pytest.mark.skipif(
    shutil.which("node") is None or not PROGRAM.is_file(),
    reason="the mock server is not installed: it needs Node 20 or newer and npm, then `make mock-server` gets it",
)


class MockServer:
    """A server that runs."""

    def __init__(self, url):
        self.url = url

    def seen(self, test):
        """What was asked with this ``X-Test-Id``, oldest first."""
        with urllib.request.urlopen(f"{self.url}/__aimock/journal?testId={test}", timeout=10) as answer:
            return json.load(answer)


@contextmanager
def mock_server(folder, fixtures):
    """Start a server that answers from fixtures, and refuses what none of them is for; end it whatever happens."""
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": fixtures}))
    with (folder / "server.log").open("wb") as log:
        # It is killed by the kernel, too, should this process die.
        tied = [setpriv, "--pdeathsig", "KILL"] if (setpriv := shutil.which("setpriv")) else []
        command = [*tied, "node", str(PROGRAM), "--port", "0", "--strict", "--validate-on-load"]
        process = subprocess.Popen(
            [*command, "--fixtures", str(folder / "fixtures.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield MockServer(_address(process, folder / "server.log"))
    finally:
        process.kill()
        process.wait()


def _address(process, log):
    """Where it listens, as soon as it says so."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        _, told, rest = log.read_text().partition("listening on ")
        if told and "\n" in rest:
            return rest.split()[0]
        time.sleep(0.02)
    raise AssertionError(f"the mock server did not start: {log.read_text()[-2000:]}")
