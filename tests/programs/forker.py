"""Forks processes that need not import anything: ``python forker.py SOCKET``, where SOCKET is a file descriptor.

Each message is one order: what to run, where, with which arguments and environment, and four file descriptors beside
it, three for the streams of the new process and one to which its id and, once it ended, its exit code are written.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
import tomllib
import traceback
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path

OTHERS = (
    "aiosqlite",
    "argparse",
    "genai_prices",
    "graphviz",
    "httpx2",
    "rich.live",
    "rich.table",
    "tenacity",
)
SOCKETS = ("websockets.asyncio.client", "websockets.asyncio.server")
PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def load():
    """Import what the processes would have to import: all of ours but programs, and what ours import or ask when called."""
    for package in tomllib.loads(PROJECT.read_text())["tool"]["setuptools"]["packages"]:
        if not package.endswith(".inside"):
            folders = importlib.import_module(package).__path__
            for module in pkgutil.iter_modules(folders, f"{package}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)
    for name in (*OTHERS, *SOCKETS):
        importlib.import_module(name)
    sys.modules["backedge.nodes.sandbox.interpreter"].examine(sys.executable)


def streams(environment):
    """Streams as the interpreter makes them when it starts."""
    encoding, _, errors = environment.get("PYTHONIOENCODING", "utf-8:strict").partition(":")
    stdin, stdout, stderr = (
        FileIO(number, mode, closefd=False) for number, mode in enumerate(("rb", "wb", "wb"))
    )
    sys.stdin = TextIOWrapper(BufferedReader(stdin), encoding, errors)
    sys.stdout = TextIOWrapper(BufferedWriter(stdout), encoding, errors, line_buffering=os.isatty(1))
    sys.stderr = TextIOWrapper(BufferedWriter(stderr), encoding, "backslashreplace", line_buffering=True)


def carry_out(order):
    """Run the program; gives the exit code, as the interpreter would."""
    try:
        if order["arguments"][0] == "-m":
            sys.argv = order["arguments"][1:]  # `runpy` puts the module's path in the first place
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv = order["arguments"]
            sys.path[0] = str(Path(sys.argv[0]).parent)
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def become(order, files):
    """Be the new process to its end. The interpreter's last tidying is left out: it takes longer than most programs."""
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    os.closerange(3, 1024)
    if order["session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    streams(order["environment"])
    code = carry_out(order)
    threading._shutdown()  # waits for threads, as at the end of any process
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        traceback.print_exc()
        code = 120
    sys.stderr.flush()
    os._exit(code)


def serve(orders):
    """Fork until nobody is there any more."""
    told = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C in a terminal ends the tests, and they end this
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            os.read(woken, 1000)
            while told and (ended := os.waitpid(-1, os.WNOHANG))[0]:
                answer = told.pop(ended[0])
                os.write(answer, f"{os.waitstatus_to_exitcode(ended[1])}\n".encode())
                os.close(answer)
        if orders in ready:
            message, files, _, _ = socket.recv_fds(orders, 1_000_000, 4)
            if not message:  # the tests are over: what still runs belongs to one that failed
                for child in told:
                    os.kill(child, signal.SIGKILL)
                return
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                become(json.loads(message), files)
            told[child] = files[3]
            os.write(files[3], f"{child}\n".encode())
            for file in files[:3]:
                os.close(file)


if __name__ == "__main__":
    load()
    sys.path.insert(0, "")
    gc.collect()
    gc.freeze()  # else each child would copy all of that memory for its first collection
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        serve(orders)
