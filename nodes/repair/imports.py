"""Which files beside the program a run in the sandbox needs: the local modules that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path


def imported_names(tree: ast.Module, package: str = "") -> set[str]:
    r"""Dotted names a module may import, relative ones resolved against its package.

    Example:
        >>> sorted(imported_names(ast.parse("import heapq\nfrom .node import Node"), "lists"))
        ['heapq', 'lists.node', 'lists.node.Node']
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".") if package else []
            base = ".".join(above[: len(above) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            names |= {module} | {f"{module}.{alias.name}".lstrip(".") for alias in node.names}
    return names - {""}


def local_modules(starts: Iterable[Path], folders: Sequence[Path], root: Path) -> dict[str, str]:
    """The given files and all modules they import that lie in `folders`, and so on from there.

    Args:
        starts: Where to begin.
        folders: Where imports are looked up, first match first.
        root: What the returned paths are relative to.

    Returns:
        Relative path to text, with the ``__init__.py`` of the packages in between.
    """
    found: dict[str, str] = {}
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        key = path.relative_to(root).as_posix()
        if key in found:
            continue
        found[key] = path.read_text(encoding="utf-8", errors="replace")
        try:
            tree = ast.parse(found[key])
        except (SyntaxError, ValueError):
            continue
        for name in imported_names(tree, ".".join(path.parent.relative_to(root).parts)):
            waiting += _files_of(name, folders)
    return found


def _files_of(name: str, folders: Sequence[Path]) -> list[Path]:
    """The files a dotted name stands for: module or package, and the packages above it."""
    parts = name.split(".")
    for folder in folders:
        files = []
        for depth in range(1, len(parts) + 1):
            base = folder.joinpath(*parts[:depth])
            for path in (base / "__init__.py", base.with_suffix(".py")):
                if path.is_file():
                    files.append(path)
                    break
        if files:
            return files
    return []


def warm_modules(source: str) -> list[str]:
    """Modules outside the program that it imports at its top level; importing them once saves doing so each time."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names
