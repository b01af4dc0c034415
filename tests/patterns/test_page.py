import re
from xml.etree import ElementTree as ET

import pytest

from ..engine.render.samples import texts
from ..engine.sizes import grows, some
from . import page
from .parts import State

PATTERNS = [module.PATTERN for module in page.modules()]


def test_there_is_a_workflow_for_each_of_the_43_patterns():
    assert [pattern.number for pattern in PATTERNS] == list(range(1, 44))
    assert len({pattern.name for pattern in PATTERNS}) == 43


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_each_pattern_is_told_in_a_sentence_and_each_claim_about_others_with_its_reason(pattern):
    assert re.fullmatch(r"[A-Z][^.]+\.", pattern.intent)
    for other in page.OTHERS:
        assert re.fullmatch(r"(yes|partly|no): .+", getattr(pattern, other))


def test_the_page_is_what_the_patterns_say():
    kept = page.PAGE.read_text(encoding="utf-8")
    assert kept == page.page(), "out of date: run python -m tests.patterns.page --write"


def test_each_pattern_has_a_picture():
    assert {page.picture_of(pattern) for pattern in PATTERNS} == {
        path.name for path in page.PICTURES.iterdir()
    }


@grows
def test_the_pictures_show_the_workflows(tmp_path):
    tried = some(page.modules(), one_in=4)
    page.draw(tmp_path, tried)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {page.picture_of(module.PATTERN) for module in tried}
    for name in drawn:  # versions of dot place things differently, but they write the same
        new, kept = (ET.parse(folder / name).getroot() for folder in (tmp_path, page.PICTURES))
        assert sorted(texts(new)) == sorted(texts(kept)), f"{name}: run python -m tests.patterns.page --write"


def test_the_code_that_is_shown_is_all_that_a_workflow_needs():
    module = page.modules()[14]
    names = {"State": State, "Work": module.Work, "steps": module.steps}
    exec(page.code_of(module), names)
    assert names["flow"].name == "Crawl"
    assert "test_" not in page.code_of(module)
