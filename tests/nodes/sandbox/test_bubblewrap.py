"""The command line of bubblewrap."""

import pytest

from backedge.nodes.sandbox import Limits, Program
from backedge.nodes.sandbox.bubblewrap import arguments, room_for
from backedge.nodes.sandbox.interpreter import Shown


@pytest.fixture
def words() -> str:
    shown = Shown(paths=("/py", "/usr/lib/x"), links=(("/lib", "usr/lib"),))
    return " ".join(arguments(shown, size=8192, seccomp=5, info=6, supervisor=["/py", "-I"]))


@pytest.mark.parametrize(
    "part",
    [
        "--unshare-all ",
        "--unshare-user ",
        "--disable-userns ",
        "--cap-drop ALL ",
        "--die-with-parent ",
        "--new-session ",
        "--as-pid-1 ",
        "--uid 65534 --gid 65534 ",
        "--seccomp 5 ",
        "--info-fd 6 ",
        "--size 8192 --perms 0700 --tmpfs /tmp ",
    ],
)
def test_every_layer_is_there_even_where_another_one_covers_it(words, part):
    assert part in words


def test_the_host_is_shown_read_only_and_by_name(words):
    assert "--ro-bind /py /py --ro-bind /usr/lib/x /usr/lib/x --symlink usr/lib /lib " in words
    assert " --bind " not in words
    assert "--share-net" not in words
    assert "--proc" not in words


def test_the_root_is_closed_after_everything_is_laid_out(words):
    before, _, after = words.partition(" --remount-ro / ")
    assert after == "--chdir /tmp/work --seccomp 5 --info-fd 6 -- /py -I"
    assert before.endswith("--symlink /tmp /dev/shm")


@pytest.mark.parametrize(
    ("sizes", "disk", "room"), [((), 1, 4096), ((), 4096, 4096), ((1, 0, 4097), 5000, 4096 + 8192 + 8192)]
)
def test_room_is_made_in_whole_pages(sizes, disk, room):
    files = {f"f{n}": bytes(size) for n, size in enumerate(sizes)}
    assert room_for(Program(argv=("python",), files=files, limits=Limits(disk=disk))) == room
