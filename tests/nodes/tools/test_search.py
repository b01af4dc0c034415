"""Searching the files of a folder."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from backedge.nodes.tools import Root, ToolArgumentsError, ToolError, search_tool, text_of
from backedge.nodes.tools.searching import Search, glob_to_regex


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "inside"
    (inside / "src" / "deep").mkdir(parents=True)
    (inside / "a.py").write_text("import os\nprint('Hello')\n")
    (inside / "src" / "b.py").write_text("# hello\r\nx = 1\r\n")
    (inside / "src" / "deep" / "c.md").write_text("hello hello\n")
    (inside / ".hidden").write_text("hello")
    (inside / ".git").mkdir()
    (inside / ".git" / "config").write_text("hello")
    (tmp_path / "secret.txt").write_text("hello secret")
    return inside


@pytest.fixture
def find(folder):
    made = search_tool(Root(folder), most=20, largest=10_000)

    async def find(query, **arguments):
        return text_of(await made.call({"query": query, **arguments}))

    return find


async def test_findings_come_with_path_number_and_line(find):
    assert await find("hello") == "src/b.py:1:# hello\nsrc/deep/c.md:1:hello hello"
    assert await find("Hello") == "a.py:2:print('Hello')"
    assert (await find("HELLO", ignore_case=True)).count("\n") == 2
    assert await find("nowhere") == "nothing found in 3 files"


async def test_a_query_is_plain_text_unless_it_is_said_to_be_an_expression(find):
    assert await find("h.llo") == "nothing found in 3 files"
    assert (await find("^h.llo", regex=True)).startswith("src/deep/c.md:1:")
    assert await find("(") == "a.py:2:print('Hello')"
    with pytest.raises(ToolError, match=r"'\(' is no regular expression: missing \)"):
        await find("(", regex=True)


async def test_names_are_searched_too(find):
    assert await find("b.p", names=True) == "src/b.py"
    assert await find(r"\.(md|py)$", names=True, regex=True) == "a.py\nsrc/b.py\nsrc/deep/c.md"


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*.py", ["a.py", "src/b.py"]),
        ("src/*.py", ["src/b.py"]),
        ("src/**", ["src/b.py", "src/deep/c.md"]),
        ("**/*.md", ["src/deep/c.md"]),
        ("**/a.py", ["a.py"]),
        ("?.py", ["a.py", "src/b.py"]),
        ("[a].py", []),
    ],
)
async def test_files_are_chosen_by_their_names(find, glob, names):
    found = await find(".", regex=True, names=True, glob=glob)
    assert (found.split("\n") if "nothing" not in found else []) == names


async def test_it_begins_where_it_is_told_to(find):
    assert await find("hello", path="src/deep") == "src/deep/c.md:1:hello hello"
    assert await find("hello", path="src", glob="src/*.py") == "src/b.py:1:# hello"


async def test_hidden_files_are_for_those_who_ask_and_git_is_for_nobody(find):
    assert await find("hello", hidden=True, glob=".*") == ".hidden:1:hello"
    assert ".git" not in await find("hello", hidden=True)


async def test_what_is_binary_or_too_large_is_skipped_and_that_is_told(find, folder):
    (folder / "x.bin").write_bytes(b"\0hello")
    (folder / "large").write_text("hello" * 3000)
    assert (await find("hello")).endswith("\n[skipped: 1 binary, 1 too large]")
    assert "x.bin" in await find("x.b", names=True)


async def test_many_findings_are_cut_and_that_is_told(find, folder):
    (folder / "many").write_text("word\n" * 50)
    lines = (await find("word")).splitlines()
    assert lines[20:] == ["[stopped at the first 20: there may be more; narrow it down]"]
    (folder / "many").write_text("word\n" * 20)
    assert len((await find("word")).splitlines()) == 20


async def test_of_a_long_line_the_place_is_shown(find, folder):
    (folder / "long").write_text("x" * 5000 + "needle" + "y" * 4000)
    shown = await find("needle")
    assert shown.startswith("long:1:…x")
    assert "needle" in shown
    assert len(shown) < 300


async def test_bytes_that_are_no_text_do_no_harm(find, folder):
    (folder / "odd").write_bytes(b"hello \xff\xfe\n")
    (folder / "\udcff").mkdir()
    (folder / "ok").write_text("x")
    (folder / "ok").rename(folder / "\udcff" / "hello\udcff")
    assert "odd:1:hello" in await find("hello", glob="odd")
    assert "hello" in await find("hello", names=True)


# ---------------------------------------------------------------------- ways out


@pytest.mark.parametrize("path", ["..", "/", "src/../..", "~", "link", "link/x"])
async def test_nothing_outside_is_searched(find, folder, path):
    (folder / "link").symlink_to("..")
    with pytest.raises(ToolError):
        await find("secret", path=path)


async def test_links_are_not_followed(find, folder):
    (folder / "file").symlink_to("../secret.txt")
    (folder / "folder").symlink_to("..")
    (folder / "src" / "circle").symlink_to("..")
    assert await find("secret", hidden=True) == "nothing found in 4 files"


@pytest.mark.timeout(30)
async def test_pipes_are_left_alone(find, folder):
    os.mkfifo(folder / "pipe")
    assert await find("nowhere") == "nothing found in 3 files"


async def test_a_folder_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(find, folder):
    (folder / "bait").symlink_to("..")
    stop = threading.Event()

    def attack():
        while not stop.is_set():
            (folder / "src").rename(folder / "kept")
            (folder / "bait").rename(folder / "src")
            (folder / "src").rename(folder / "bait")
            (folder / "kept").rename(folder / "src")

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        for _ in range(4):
            assert "secret" not in await find("hello", glob="**/*")
    finally:
        stop.set()
        attacker.join()


def search_here(folder, **asked):
    """The search without its process, so that the very moment can be met."""
    known = {
        "query": "hello",
        "regex": False,
        "names": False,
        "glob": "*",
        "ignore_case": False,
        "hidden": False,
    }
    bounds = {"prefix": "", "most": 9, "largest": 9999, "seconds": 60, "width": 99}
    at = os.open(folder, os.O_RDONLY)
    try:
        return Search({**known, **bounds, **asked}).run(at)
    finally:
        os.close(at)


def replaced_when_opened(monkeypatch, path, replace):
    real = os.open

    def late(name, flags, *rest, **folders):
        if name == path.name:
            replace(path)
        return real(name, flags, *rest, **folders)

    monkeypatch.setattr(os, "open", late)


def test_a_file_that_becomes_a_link_after_it_was_looked_at_is_not_followed(folder, monkeypatch):
    def replace(path):
        path.unlink()
        path.symlink_to("../secret.txt")

    replaced_when_opened(monkeypatch, folder / "a.py", replace)
    answer = search_here(folder, query="secret")
    assert answer["found"] == []
    assert answer["skipped"]["unreadable"] == 1


def test_a_folder_that_becomes_a_link_after_it_was_looked_at_is_not_followed(folder, monkeypatch):
    def replace(path):
        path.rename(folder / "kept")
        path.symlink_to("..")

    replaced_when_opened(monkeypatch, folder / "src", replace)
    answer = search_here(folder, query="secret")
    assert answer["found"] == []
    assert answer["skipped"]["unreadable"] == 1


@pytest.mark.timeout(20)
def test_a_file_that_becomes_a_pipe_after_it_was_looked_at_holds_nobody(folder, monkeypatch):
    writers = []

    def replace(path):
        path.unlink()
        os.mkfifo(path)
        writers.append(os.open(str(path), os.O_RDWR | os.O_NONBLOCK))
        os.write(writers[0], b"print from the pipe\n")

    replaced_when_opened(monkeypatch, folder / "a.py", replace)
    answer = search_here(folder, query="print")
    os.close(writers[0])
    assert answer["found"] == []


# ---------------------------------------------------------------------- bounds


@pytest.mark.timeout(60)
async def test_an_expression_that_takes_for_ever_is_ended_and_the_loop_goes_on_meanwhile(folder, monkeypatch):
    (folder / "evil").write_text("a" * 40)
    monkeypatch.setattr("backedge.nodes.tools.search._GRACE", 0.2)
    made = search_tool(Root(folder), seconds=0.2)
    task = asyncio.create_task(made.call({"query": "(a|a)*b", "regex": True}))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.01)
        turns += 1
    with pytest.raises(ToolError, match="a simpler expression may do"):
        await task
    assert turns > 2
    assert not searchers()


async def test_a_search_that_nobody_waits_for_is_ended(folder):
    (folder / "evil").write_text("a" * 40)
    task = asyncio.create_task(search_tool(Root(folder)).call({"query": "(a|a)*b", "regex": True}))
    while not searchers():  # noqa: ASYNC110 - processes set no event
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not searchers()


async def test_a_search_in_much_is_stopped_in_time_and_tells_what_it_has(folder):
    for number in range(50):
        (folder / f"{number:02}.txt").write_text("word\n")
    made = search_tool(Root(folder), seconds=0)
    shown = text_of(await made.call({"query": "word"}))
    assert shown.endswith("[stopped after 0 seconds: there may be more; narrow it down]")


async def test_queries_are_bounded(find):
    for arguments in ({"query": ""}, {"query": "x" * 1001}, {"query": "x", "glob": "*" * 201}):
        with pytest.raises(ToolArgumentsError):
            await find(**arguments)
    with pytest.raises(ToolError, match="is no regular expression"):
        await find("a{99999999999}", regex=True)


async def test_no_descriptor_and_no_child_stays(find):
    await find("hello")
    before = descriptors()
    await find("hello")
    with pytest.raises(ToolError):
        await find("(", regex=True)
    assert descriptors() == before
    assert not searchers()


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def searchers():
    """Children of this process that search."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and "searching.py" in (entry / "cmdline").read_text():
                found.append(entry.name)
        except OSError:  # no process, or gone
            continue
    return found


def test_a_glob_has_no_other_signs_than_its_own():
    assert glob_to_regex("a.b") == r"(?s:a\.b)"
    assert glob_to_regex("**/*.p?") == r"(?s:(?:.*/)?[^/]*\.p[^/])"
