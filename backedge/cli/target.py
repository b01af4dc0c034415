"""What a user names as ``path/to/file.py:attribute`` or ``package.module:attribute``, found and loaded.

User code runs here, at import. What it raises is told as *its* error, at its line; the traceback is for ``--debug``.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, get_origin

from backedge.engine.compiler.compile import BackedgeWarning
from backedge.engine.errors import GraphError
from backedge.engine.flow import Flow
from backedge.engine.graph import Graph, Node

from .options import near
from .problems import CommandError


class UserCodeError(CommandError):
    """The user's own module cannot be imported, or their factory failed. The cause is their exception."""


@dataclass(frozen=True, slots=True)
class Named:
    """``place:attribute`` taken apart. `attribute` is empty where it is missing."""

    place: str
    attribute: str

    @property
    def is_file(self) -> bool:
        """Whether the place is the path of a file; otherwise it is the dotted name of a module."""
        return self.place.endswith(".py") or "/" in self.place or Path(self.place).exists()

    def __str__(self) -> str:
        return f"{self.place}:{self.attribute}"


def parse(text: str) -> Named:
    """Take ``place:attribute`` apart."""
    place, _, attribute = text.rpartition(":") if ":" in text else (text, "", "")
    return Named(place, attribute)


class _Source(SourceFileLoader):
    """Loads a file as ``python file.py`` would: nothing is written beside it."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Keep no bytecode."""


class Loader:
    """Loads what is named, once each. A context manager: while it is open, the files' folders are importable.

    Example::

        with Loader() as loader:
            flow = loader.flow("examples/loop.py:graph")
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._modules: dict[str, ModuleType] = {}

    def __enter__(self) -> Loader:
        # Warnings about graphs are told by the commands, on one line each.
        self._stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", BackedgeWarning)
        before = list(sys.path)
        self._stack.callback(lambda: sys.path.__setitem__(slice(None), before))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def flow(self, text: str) -> Flow[Any]:
        """The flow that a TARGET names, compiled if it is a graph.

        Raises:
            CommandError: There is no such file, module or attribute, it cannot be loaded, or it is no graph.
            GraphError: The graph cannot work.
        """
        named = parse(text)
        found = self._attribute(named, what="graph")
        if isinstance(found, Graph):
            return found.compile()
        if isinstance(found, Flow):
            return found
        kind = "a node of a graph" if isinstance(found, Node) else f"a {type(found).__name__}"
        raise CommandError(
            f"{named} is {kind}, not a Graph or a compiled flow{_graphs_in(self._module(named), named)}"
        )

    def resource(self, text: str, declared: Any) -> Any:
        """The object that ``--resource name=text`` names; a function or class is called to make it.

        What is an instance of the declared type as it is, such as a function where a callable is declared, is not
        called.
        """
        named = parse(text)
        found = self._attribute(named, what="resource")
        if _is_instance(found, declared) or not (inspect.isroutine(found) or inspect.isclass(found)):
            return found
        try:
            made = found()
        except Exception as error:
            raise _user_error(error, f"{named}()", self._root(named)) from error
        if inspect.iscoroutine(made):
            made.close()
            raise CommandError(f"{named} is an async function; a resource is made by a plain one")
        return made

    # ------------------------------------------------------------------ modules

    def _attribute(self, named: Named, *, what: str) -> Any:
        module = self._module(named)
        if not named.attribute:
            there = _graphs_in(module, named) if what == "graph" else ""
            raise CommandError(f"{named.place!r} names no {what}: write {named.place}:NAME{there}")
        found: Any = module
        for part in named.attribute.split("."):
            if not hasattr(found, part):
                there = _graphs_in(module, named) if what == "graph" else near(part, vars(module))
                raise CommandError(f"{named.place} has no {named.attribute!r}{there}")
            found = getattr(found, part)
        return found

    def _module(self, named: Named) -> ModuleType:
        key = str(Path(named.place).resolve()) if named.is_file else named.place
        if key not in self._modules:
            self._modules[key] = self._load_file(named) if named.is_file else self._load_module(named)
        return self._modules[key]

    def _load_file(self, named: Named) -> ModuleType:
        path = _readable(named)
        name = path.stem
        if not name.isidentifier() or name in sys.modules or name in sys.stdlib_module_names:
            name = f"_backedge_target_{name}"
        spec = importlib.util.spec_from_loader(name, _Source(name, str(path)))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(path.parent))
        sys.modules[name] = module  # pydantic looks a model's names up in its module
        self._stack.callback(sys.modules.pop, name, None)
        loader = spec.loader
        _import(lambda: loader.exec_module(module), named.place, path.parent)
        return module

    def _load_module(self, named: Named) -> ModuleType:
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        if not all(part.isidentifier() for part in named.place.split(".")):
            raise CommandError(
                f"{named.place!r} is neither a file nor the name of a module: "
                f"TARGET is path/to/file.py:graph or package.module:graph"
            )
        try:
            found = importlib.util.find_spec(named.place)
        except ModuleNotFoundError:
            found = None
        except Exception as error:  # the package around it is the user's code too
            raise _user_error(error, named.place, Path.cwd()) from error
        if found is None:
            raise CommandError(f"there is no file and no module {named.place!r}; a file's name ends in .py")
        modules: list[ModuleType] = []
        _import(lambda: modules.append(importlib.import_module(named.place)), named.place, Path.cwd())
        return modules[0]

    def _root(self, named: Named) -> Path:
        return Path(named.place).resolve().parent if named.is_file else Path.cwd()


def _readable(named: Named) -> Path:
    path = Path(named.place)
    try:
        if path.is_dir():
            raise CommandError(f"{path} is a folder: name a Python file in it, as {path / 'file.py'}:graph")
        if not path.exists() or path.is_file():  # a pipe would wait for whoever writes
            path.open("rb").close()
    except FileNotFoundError as error:
        known = [str(other) for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise CommandError(f"there is no file {path}{near(str(path), known)}") from error
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandError(f"{path} cannot be read: {told}") from error
    if path.suffix != ".py":
        raise CommandError(f"{path} is no Python file: its name should end in .py")
    return path.resolve()


def _import(load: Callable[[], object], place: str, root: Path) -> None:
    try:
        load()
    except (GraphError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a module may end the process when it is imported, too
        raise _user_error(error, place, root) from error


def _user_error(error: BaseException, place: str, root: Path) -> UserCodeError:
    where = _where(error, root) or place
    if isinstance(error, SystemExit):
        return UserCodeError(
            f'{where}: it ends the process when it is imported; put that under if __name__ == "__main__":'
        )
    told = error.msg if isinstance(error, SyntaxError) else str(error)
    return UserCodeError(f"{where}: {type(error).__name__}{f': {told}' if told else ''}")


def _where(error: BaseException, root: Path) -> str | None:
    """``file:line`` of the innermost line of the user's own code that an error came through."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{_shown(error.filename)}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(root) and "site-packages" not in path.parts:
            return f"{_shown(frame.filename)}:{frame.lineno}"
    return None


def _shown(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _graphs_in(module: ModuleType, named: Named) -> str:
    names = [name for name, value in vars(module).items() if isinstance(value, Graph | Flow)]
    if not names:
        return "; there is no Graph or compiled flow in it"
    return f"; there is {', '.join(f'{named.place}:{name}' for name in names)}"


def _is_instance(value: object, declared: Any) -> bool:
    kind = get_origin(declared) or declared
    try:
        return isinstance(kind, type) and kind is not object and isinstance(value, kind)
    except TypeError:  # a protocol that cannot be asked
        return False
