"""Files of one folder: what the tools do, and that nothing leads out of it."""

import asyncio
import os
import shutil
import socket
import stat
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backedge.nodes.tools import Root, ToolArgumentsError, ToolDefinitionError, ToolError, file_tools, text_of
from backedge.providers import Image


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.txt").write_text("one\ntwo\nthree\n")
    (inside / "deep").mkdir()
    (inside / "deep" / "b.txt").write_text("bee")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    return inside


@pytest.fixture
def use(folder):
    """Calls a tool by its name."""
    tools = {made.name: made for made in file_tools(Root(folder, largest=10_000))}

    async def use(name, **arguments):
        return text_of(await tools[name].call(arguments))

    return use


def outside_of(folder):
    return {path.name: path.read_text() for path in (folder.parent / "outside").iterdir()}


# ---------------------------------------------------------------------- what they do


async def test_files_are_listed_with_their_sizes(use):
    assert await use("list_files") == "a.txt (14)\ndeep/"
    assert await use("list_files", depth=2) == "a.txt (14)\ndeep/\ndeep/b.txt (3)"
    assert await use("list_files", path="deep/") == "deep/b.txt (3)"


async def test_an_empty_folder_is_told(use, folder):
    (folder / "empty").mkdir()
    assert await use("list_files", path="empty") == "(nothing)"


async def test_a_long_list_is_cut_and_that_is_told(use, folder):
    for number in range(600):
        (folder / f"{number:03}").touch()
    lines = (await use("list_files")).splitlines()
    assert len(lines) == 501
    assert lines[-1].startswith("[cut: these are the first 500")


async def test_a_file_is_read_whole_or_in_parts(use):
    assert await use("read_file", path="a.txt") == "one\ntwo\nthree\n"
    assert await use("read_file", path="./deep//b.txt") == "bee"
    part = await use("read_file", path="a.txt", line=2, lines=1)
    assert part == "two\n\n[these are lines 2 to 2 of 3; go on with line=3]"
    with pytest.raises(ToolError, match="has 3 lines, there is no line 4"):
        await use("read_file", path="a.txt", line=4)


async def test_all_of_a_long_file_can_be_read_in_parts(use, folder):
    text = "".join(f"line {number} {'x' * 90}\n" for number in range(90))
    (folder / "long").write_text(text)
    made = Root(folder, largest=100_000)
    (folder / "long").write_text(text * 3)
    read = next(one for one in file_tools(made) if one.name == "read_file")
    seen, line = "", 1
    while line:
        shown = text_of(await read.call({"path": "long", "line": line}))
        body, _, rest = shown.rpartition("\n[these are lines ")
        seen += body or shown
        line = int(rest.rpartition("=")[2].rstrip("]")) if body else 0
    assert seen == text * 3


async def test_a_line_that_is_too_long_is_cut_and_that_is_told(folder):
    (folder / "long").write_text("x" * 30_000)
    read = next(one for one in file_tools(Root(folder)) if one.name == "read_file")
    assert text_of(await read.call({"path": "long"})).endswith("\n[cut: line 1 has 30000 characters]")


async def test_an_empty_file_is_an_empty_text(use, folder):
    (folder / "empty").touch()
    assert await use("read_file", path="empty") == "(an empty text)"


async def test_a_picture_is_looked_at(folder):
    (folder / "x.PNG").write_bytes(b"\x89PNG")
    read = next(one for one in file_tools(Root(folder)) if one.name == "read_file")
    assert await read.call({"path": "x.PNG"}) == (Image(media_type="image/png", data=b"\x89PNG"),)


@pytest.mark.parametrize("content", [b"\x00abc", b"\xff\xfe"])
async def test_what_is_no_text_is_told_and_not_shown(use, folder, content):
    (folder / "x.bin").write_bytes(content)
    with pytest.raises(ToolError, match=r"x\.bin is no text: \d bytes"):
        await use("read_file", path="x.bin")


async def test_a_file_is_written_and_folders_on_the_way_are_made(use, folder):
    assert await use("write_file", path="new/deeper/c.txt", text="äh") == "made new/deeper/c.txt: 3 bytes"
    assert (folder / "new/deeper/c.txt").read_text() == "äh"
    assert await use("write_file", path="new/deeper/c.txt", text="x") == "replaced new/deeper/c.txt: 1 bytes"
    assert [one.name for one in (folder / "new/deeper").iterdir()] == [
        "c.txt"
    ]  # nothing is left of the writing


async def test_a_file_that_is_replaced_keeps_its_mode_but_no_more_than_that(use, folder):
    (folder / "a.txt").chmod(0o750)
    await use("write_file", path="a.txt", text="x")
    assert stat.S_IMODE((folder / "a.txt").stat().st_mode) == 0o750
    (folder / "a.txt").chmod(0o4755)
    await use("write_file", path="a.txt", text="x")
    assert stat.S_IMODE((folder / "a.txt").stat().st_mode) == 0o755


async def test_a_piece_of_a_file_is_replaced(use, folder):
    assert await use("edit_file", path="a.txt", old="two", new="2") == "replaced 1 place in a.txt"
    assert (folder / "a.txt").read_text() == "one\n2\nthree\n"
    with pytest.raises(ToolError, match="does not hold that text"):
        await use("edit_file", path="a.txt", old="two", new="2")
    with pytest.raises(ToolError, match="holds that text 3 times"):
        await use("edit_file", path="a.txt", old="\n", new="")
    assert (
        await use("edit_file", path="a.txt", old="\n", new=";", everywhere=True)
        == "replaced 3 places in a.txt"
    )
    assert (folder / "a.txt").read_text() == "one;2;three;"


async def test_line_ends_stay_as_they_are(use, folder):
    (folder / "dos.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    await use("edit_file", path="dos.txt", old="one\ntwo", new="1\n2")
    assert (folder / "dos.txt").read_bytes() == b"1\r\n2\r\nthree\r\n"
    await use("edit_file", path="dos.txt", old="2\n", new="a\r\nb\n")
    assert (folder / "dos.txt").read_bytes() == b"1\r\na\r\nb\r\nthree\r\n"


async def test_changes_that_are_made_at_once_are_all_made(folder):
    """Models call tools in parallel: no change of one file is lost to another."""
    (folder / "many").write_text("\n".join(f"<{number}>" for number in range(40)) + "x" * 50_000)
    edit = next(one for one in file_tools(Root(folder)) if one.name == "edit_file")
    calls = ({"path": "many", "old": f"<{number}>", "new": f"{number}"} for number in range(40))
    await asyncio.gather(*(edit.call(call) for call in calls))
    assert (folder / "many").read_text().rstrip("x").split("\n") == [str(number) for number in range(40)]


async def test_who_reads_while_a_file_is_written_sees_the_old_or_the_new_one(folder):
    """Files are exchanged, not filled."""
    root = Root(folder)
    seen = set()
    done = threading.Event()
    root.write("big", b"a" * 100_000)

    def look():
        while not done.is_set():
            seen.add((folder / "big").read_bytes())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for letter in (b"b", b"c") * 100:
            root.write("big", letter * 100_000)
    finally:
        done.set()
        watcher.join()
    assert seen <= {letter * 100_000 for letter in (b"a", b"b", b"c")}


def test_without_write_nothing_can_be_written(folder):
    assert [one.name for one in file_tools(Root(folder), write=False)] == ["list_files", "read_file"]
    permissions = {one.name: (one.permission, one.safety) for one in file_tools(Root(folder))}
    assert permissions == {
        "list_files": ("read", "idempotent"),
        "read_file": ("read", "idempotent"),
        "write_file": ("write", "idempotent"),
        "edit_file": ("write", "unsafe"),
    }


def test_the_folder_must_be_one(folder):
    with pytest.raises(ToolDefinitionError, match="is no folder for tools"):
        Root(folder / "nowhere")
    with pytest.raises(ToolDefinitionError, match="but a file"):
        Root(folder / "a.txt")


async def test_sizes_are_bounded_both_ways(use, folder):
    (folder / "large").write_bytes(b"x" * 10_001)
    (folder / "fits").write_bytes(b"x" * 10_000)
    await use("read_file", path="fits")
    with pytest.raises(ToolError, match="larger than 10000 bytes"):
        await use("read_file", path="large")
    with pytest.raises(ToolError, match="10001 bytes are too many"):
        await use("write_file", path="new", text="x" * 10_001)
    assert not (folder / "new").exists()


# ---------------------------------------------------------------------- ways out

TOOLS = [
    ("read_file", {}),
    ("write_file", {"text": "attack"}),
    ("edit_file", {"old": "secret", "new": "attack"}),
]


@pytest.mark.parametrize(("name", "rest"), TOOLS)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../outside/secret.txt", "goes up"),
        ("deep/../../outside/secret.txt", "goes up"),
        ("..", "goes up"),
        ("/etc/passwd", "is absolute"),
        ("//etc/passwd", "is absolute"),
        ("~/x", "is absolute"),
        ("a\0b", "zero bytes"),
        ("", "the folder itself"),
        (".", "the folder itself"),
        ("a.txt/", "names a folder"),
        ("half \ud800", "is no valid string|half a character|unicode"),
        ("a.txt/b", "a.txt is no folder"),
        ("x" * 300, "too long a name"),
        ("x/" * 100 + "x", "a path of 101 parts is too long"),
    ],
)
async def test_no_path_leads_out(use, folder, name, rest, path, words):
    with pytest.raises((ToolError, ToolArgumentsError), match=words):
        await use(name, path=path, **rest)
    assert outside_of(folder) == {"secret.txt": "secret"}


@pytest.mark.parametrize("path", ["..", "/", "/etc", "deep/../.."])
async def test_nothing_outside_is_listed(use, path):
    with pytest.raises(ToolError):
        await use("list_files", path=path)


@pytest.mark.parametrize(("name", "rest"), TOOLS)
@pytest.mark.parametrize(
    "target", ["../outside/secret.txt", "{folder}/../outside/secret.txt", "a.txt", "nowhere", "link"]
)
async def test_a_link_to_a_file_is_not_followed_wherever_it_leads(use, folder, name, rest, target):
    (folder / "link").symlink_to(target.format(folder=folder))
    with pytest.raises(ToolError, match="link is a link, and links are not followed"):
        await use(name, path="link", **rest)
    assert (folder / "link").is_symlink()
    assert outside_of(folder) == {"secret.txt": "secret"}
    assert (folder / "a.txt").read_text() == "one\ntwo\nthree\n"


@pytest.mark.parametrize(("name", "rest"), [*TOOLS, ("list_files", {})])
@pytest.mark.parametrize("target", ["../outside", "deep", "/"])
async def test_a_link_to_a_folder_is_not_followed(use, folder, name, rest, target):
    (folder / "link").symlink_to(target)
    path = "link" if name == "list_files" else "link/secret.txt"
    with pytest.raises(ToolError, match="link is no folder|link is a link"):
        await use(name, path=path, **rest)
    assert outside_of(folder) == {"secret.txt": "secret"}


async def test_links_are_listed_as_such_and_not_looked_into(use, folder):
    (folder / "link").symlink_to("../outside")
    assert await use("list_files", depth=5) == "a.txt (14)\ndeep/\ndeep/b.txt (3)\nlink (a link)"


async def test_a_hard_link_is_cut_by_writing_what_lies_outside_stays(use, folder):
    os.link(folder.parent / "outside" / "secret.txt", folder / "hard")
    await use("write_file", path="hard", text="attack")
    await use("edit_file", path="hard", old="attack", new="again")
    assert (folder / "hard").read_text() == "again"
    assert outside_of(folder) == {"secret.txt": "secret"}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("name", "rest"), TOOLS)
async def test_pipes_sockets_and_folders_are_no_files(use, folder, name, rest):
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(short(folder / "socket"))
        for path, kind in (("pipe", "a pipe"), ("socket", "a socket"), ("deep", "a folder")):
            with pytest.raises(ToolError, match=f"{path} is {kind}, not a file"):
                await use(name, path=path, **rest)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
@pytest.mark.parametrize(("name", "rest"), TOOLS)
async def test_devices_are_no_files(use, folder, name, rest):
    try:
        os.mknod(folder / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container makes no devices")
    with pytest.raises(ToolError, match="zero is a device, not a file"):
        await use(name, path="zero", **rest)


def exchanging(folder, stop):
    """Exchanges a folder for a link that leads outside, and back, as quickly as it can."""
    real, link, name = folder / "real", folder / "bait", folder / "deep"
    link.symlink_to("../outside")
    while not stop.is_set():
        name.rename(real)
        rename_over(link, name)
        name.rename(link)
        rename_over(real, name)


def rename_over(source, target):
    """Renames over what may be there: who writes makes the folder anew while it is away."""
    while True:
        try:
            source.rename(target)
            return
        except OSError:
            shutil.rmtree(target, ignore_errors=True)


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere_either(folder):
    """While it is exchanged for a link thousands of times, no read, write or list ever ends up outside."""
    root = Root(folder)
    (folder / "deep" / "secret.txt").write_text("inside")
    stop = threading.Event()
    attacker = threading.Thread(target=exchanging, args=(folder, stop))
    attacker.start()
    read, refused = 0, 0
    try:
        for number in count():
            if number > 3000 and read and refused:
                break
            try:
                assert root.read("deep/secret.txt").startswith(b"inside")
                root.write("deep/mine.txt", b"inside %d" % number)
                names = {entry.path for entry in root.entries("deep", depth=2, most=50)[0]}
                assert names <= {"deep/b.txt", "deep/mine.txt", "deep/secret.txt"} | {
                    name for name in names if name.endswith(".part")
                }
                read += 1
            except ToolError:
                refused += 1
    finally:
        stop.set()
        attacker.join()
    assert outside_of(folder) == {"secret.txt": "secret"}


def test_a_file_that_becomes_a_link_meanwhile_is_neither_read_nor_written_through(folder):
    root = Root(folder)
    stop = threading.Event()
    (folder / "file").write_text("inside")
    (folder / "trap").symlink_to("../outside/secret.txt")

    def attack():
        while not stop.is_set():
            (folder / "file").rename(folder / "kept")
            (folder / "trap").rename(folder / "file")
            (folder / "file").rename(folder / "trap")
            (folder / "kept").rename(folder / "file")

    attacker = threading.Thread(target=attack)
    attacker.start()
    read = refused = 0
    try:
        for number in count():
            if number > 3000 and read and refused:
                break
            try:
                assert root.read("file") == b"inside"
                read += 1
            except ToolError:
                refused += 1
    finally:
        stop.set()
        attacker.join()


def test_a_file_that_becomes_a_link_between_look_and_write_is_replaced_not_followed(folder, monkeypatch):
    """The very moment: after the file was looked at, before the new one takes its place."""
    real = os.rename

    def late(source, target, **folders):
        (folder / "a.txt").unlink()
        (folder / "a.txt").symlink_to("../outside/secret.txt")
        real(source, target, **folders)

    monkeypatch.setattr(os, "rename", late)
    Root(folder).write("a.txt", b"attack")
    assert outside_of(folder) == {"secret.txt": "secret"}
    assert (folder / "a.txt").read_text() == "attack"
    assert not (folder / "a.txt").is_symlink()


def test_a_file_that_becomes_a_link_after_it_was_looked_at_is_not_followed(folder, monkeypatch):
    real = os.open

    def late(path, flags, *rest, **folders):
        if path == "a.txt":
            (folder / "a.txt").unlink()
            (folder / "a.txt").symlink_to("../outside/secret.txt")
        return real(path, flags, *rest, **folders)

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(ToolError, match=r"a\.txt is a link, and links are not followed"):
        Root(folder).read("a.txt")


@pytest.mark.timeout(20)
def test_a_file_that_becomes_a_pipe_after_it_was_looked_at_holds_nobody(folder, monkeypatch):
    real = os.open

    def late(path, flags, *rest, **folders):
        if path == "a.txt":
            (folder / "a.txt").unlink()
            os.mkfifo(folder / "a.txt")
        return real(path, flags, *rest, **folders)

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(ToolError, match=r"a\.txt is a pipe, not a file"):
        Root(folder).read("a.txt")


def test_the_root_may_be_reached_by_a_link_but_is_fixed_then(folder, tmp_path):
    (tmp_path / "way").symlink_to(folder)
    root = Root(tmp_path / "way")
    (tmp_path / "way").unlink()
    (tmp_path / "way").symlink_to(tmp_path / "outside")
    assert root.read("a.txt") == b"one\ntwo\nthree\n"


def test_a_failed_write_leaves_nothing(folder, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(ToolError, match="No space left"):
        Root(folder).write("a.txt", b"new")
    assert sorted(one.name for one in folder.iterdir()) == ["a.txt", "deep"]
    assert (folder / "a.txt").read_text() == "one\ntwo\nthree\n"


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def short(path):
    """The path as a socket's address can hold it."""
    return os.path.relpath(path)


def test_no_descriptor_stays_open(folder):
    before = descriptors()
    root = Root(folder)
    (folder / "link").symlink_to("..")
    for path in ("a.txt", "deep/b.txt", "deep/nothing", "nowhere/x", "link/x", "link", "deep"):
        for act in (
            lambda p: root.read(p),
            lambda p: root.write(p, b"x"),
            lambda p: root.entries(p, depth=9, most=2),
        ):
            with suppress(ToolError):
                act(path)
    assert descriptors() == before


part = st.sampled_from(["..", ".", "", "a.txt", "deep", "link", "~", "b.txt", "\0", "x", "C:", "\\..", "/"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(parts=st.lists(part, max_size=6), name=st.sampled_from(["read", "write", "entries"]))
def test_any_path_is_inside_or_refused(folder, parts, name):
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to("../outside")
    root = Root(folder)
    path = "/".join(parts)
    try:
        if name == "write":
            root.write(path, b"mark")
        elif name == "read":
            assert root.read(path) != b"secret"
        else:
            assert all("secret" not in entry.path for entry in root.entries(path, depth=9, most=99)[0])
    except ToolError:
        pass
    assert outside_of(folder) == {"secret.txt": "secret"}
    assert {one.name for one in folder.parent.iterdir()} == {"inside", "outside"}
    assert Path(folder / "link").is_symlink()
