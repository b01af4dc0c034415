"""What `docs/repair.md` shows is what the commands give."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.soak  # what a search finds first may depend on how fast the machine is

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGE = (DOCS / "repair.md").read_text(encoding="utf-8")


def words(file):
    """What stands in a picture but for numbers, which depend on the machine's pace."""
    found = (
        re.sub(r"\d+([.,]\d+)*|[µm]?s\b|µ", "", text).strip() for text in ET.parse(file).getroot().itertext()
    )
    return sorted({text for text in found if text and "prefers-color-scheme" not in text})


def test_the_command_draws_every_picture_that_the_page_shows(tmp_path: Path):
    command = [sys.executable, "-W", "error", str(DOCS / "images" / "draw_repair.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    shown = set(re.findall(r"\(images/([\w-]+\.svg)\)", PAGE))
    assert shown == {path.name for path in tmp_path.iterdir()}
    for name in shown:
        assert words(tmp_path / name) == words(DOCS / "images" / name), (
            f"{name} is out of date: run docs/images/draw_repair.py"
        )


@pytest.fixture(scope="module")
def printed():
    example = ROOT / "examples" / "repair"
    command = [sys.executable, "-m", "backedge", "repair", str(example / "parking.py"), "--function", "fee"]
    more = ["--cases", str(example / "parking.jsonl"), "--sandbox", "subprocess", "--journal"]
    return command + more


def test_the_patch_of_the_page_is_the_one_that_is_found(printed, tmp_path):
    done = subprocess.run([*printed, "runs.db"], capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (patch,) = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)
    assert done.stdout.split("@@", 1)[1] == patch.split("@@", 1)[1]
