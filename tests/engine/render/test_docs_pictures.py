import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from .samples import texts

DOCS = Path(__file__).parents[3] / "docs"


def test_the_command_of_the_docs_draws_every_picture_that_the_page_shows(tmp_path: Path):
    command = [sys.executable, "-W", "error", str(DOCS / "images" / "draw.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = set(re.findall(r"\(images/([\w-]+\.svg)\)", (DOCS / "rendering.md").read_text(encoding="utf-8")))
    assert shown == {path.name for path in tmp_path.iterdir()}
    for name in shown:  # versions of dot place things differently, but they write the same
        drawn, kept = (ET.parse(folder / name).getroot() for folder in (tmp_path, DOCS / "images"))
        assert sorted(texts(drawn)) == sorted(texts(kept)), f"{name} is out of date: run docs/images/draw.py"
