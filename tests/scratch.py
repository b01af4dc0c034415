"""Where tests keep their files: in memory, if the system lets them, for nearly every journal waits for its disk otherwise."""

import os
import tempfile
from pathlib import Path

SHARED = Path("/dev/shm")
ROOM = 2 << 30


def keep_files_in_memory():
    """Make it the folder of all temporary files, of child processes too, unless ``TMPDIR`` names one."""
    if "TMPDIR" not in os.environ and fits(SHARED):
        os.environ["TMPDIR"] = str(SHARED)
        tempfile.tempdir = None


def fits(folder):
    """Whether there is room, and programs may be run from there."""
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return False
    system = os.statvfs(folder)
    return system.f_bavail * system.f_frsize >= ROOM and not system.f_flag & os.ST_NOEXEC
