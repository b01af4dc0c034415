import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from .samples import texts

DOCS = Path(__file__).parents[3] / "docs"


def test_the_program_of_the_docs_draws_every_picture_that_the_page_shows(tmp_path: Path, monkeypatch):
    spec = importlib.util.spec_from_file_location("draw", DOCS / "images" / "draw.py")
    program = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "draw", program)
    spec.loader.exec_module(program)
    program.main(tmp_path)
    shown = set(re.findall(r"\(images/([\w-]+\.svg)\)", (DOCS / "rendering.md").read_text(encoding="utf-8")))
    assert shown == {path.name for path in tmp_path.iterdir()}
    for name in shown:  # versions of dot place things differently, but they write the same
        drawn, kept = (ET.parse(folder / name).getroot() for folder in (tmp_path, DOCS / "images"))
        assert sorted(texts(drawn)) == sorted(texts(kept)), f"{name} is out of date: run docs/images/draw.py"
