"""Code samples in the README and the docs run as printed, those of one page one after the other."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import forking

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def samples(page):
    return SAMPLE.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [page for page in PAGES if samples(page)], ids=lambda page: page.name)
def test_the_samples_of_a_page_run(page, tmp_path):
    script = tmp_path / "sample.py"
    script.write_text("\n".join(samples(page)), encoding="utf-8")
    done = forking.run(script, cwd=tmp_path)  # in which warnings are errors
    assert done.returncode == 0, done.stderr


def test_the_loop_of_the_readme_prints_and_draws_what_it_says(tmp_path):
    script = tmp_path / "sample.py"
    script.write_text(samples(ROOT / "README.md")[0], encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.stdout == b"a sort, attempt 3\n", done.stderr
    assert "<svg" in (tmp_path / "loop.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_page_about_models_leads_to_all_pages_about_them():
    linked = set(
        re.findall(r"\]\((models/[^)#]+)\)", (ROOT / "docs" / "providers.md").read_text(encoding="utf-8"))
    )
    assert linked == {f"models/{page.name}" for page in (ROOT / "docs" / "models").glob("*.md")}
