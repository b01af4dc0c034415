"""A program as text and tree at once, so that an edit of the tree becomes the replacement of a piece of text.

Candidates are made by replacing the characters of one node; everything else of the user's file, comments and
formatting included, stays as it is, in the candidate that is tested and in the patch alike.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..models import Replacement, lines_of

Function = ast.FunctionDef | ast.AsyncFunctionDef

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@dataclass(frozen=True, eq=False)
class Site:
    """One statement and where it stands.

    Attributes:
        node: The statement.
        block: The list of statements it is in.
        index: Its place there.
        owner: The statement the block belongs to, or the module.
        function: The innermost function around it; None at the top level.
        expressions: The expressions of the statement itself, not of statements inside it, outermost first.
    """

    node: ast.stmt
    block: list[ast.stmt]
    index: int
    owner: ast.AST
    function: Function | None
    expressions: tuple[ast.expr, ...]

    @property
    def line(self) -> int:
        """The statement's first line."""
        return self.node.lineno


@dataclass
class Code:
    """A parsed program with the positions of its nodes in the text.

    Raises:
        SyntaxError: The text is not a Python program.
    """

    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)
        self._lines = lines_of(self.text)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._parents: dict[int, tuple[ast.AST, str]] = {}
        self._stretches: dict[int, tuple[int, int] | None] = {}
        for parent in ast.walk(self.tree):
            for name, value in ast.iter_fields(parent):
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self._parents[id(child)] = (parent, name)

    # ----------------------------------------------------------------------- positions

    def offset(self, line: int, column: int) -> int:
        """Characters before a position as `ast` gives it: lines from 1, columns in UTF-8 bytes."""
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return self._starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node's text begins and ends."""
        return self.offset(node.lineno, node.col_offset), self.offset(
            node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        )

    def source(self, node: ast.expr | ast.stmt) -> str:
        """A node's text, in one line if it is an expression."""
        start, end = self.span(node)
        text = self.text[start:end]
        rewrite = isinstance(node, ast.Tuple) or ("\n" in text and isinstance(node, ast.expr))
        return ast.unparse(node) if rewrite else text

    def parent(self, node: ast.AST) -> tuple[ast.AST, str]:
        """The node above, and the name of its field."""
        return self._parents[id(node)]

    # ----------------------------------------------------------------------- statements

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """All statements that an edit may touch, in the order of the text; docstrings and imports are none."""
        return tuple(self._sites(self.tree, None))

    def _sites(self, owner: ast.AST, function: Function | None) -> Iterator[Site]:
        for name in BLOCKS:
            block = getattr(owner, name, None)
            if not isinstance(block, list):
                continue
            for index, node in enumerate(block):
                if isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal):
                    continue
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    continue
                inner = node if isinstance(node, Function) else function
                if isinstance(node, ast.stmt):
                    expressions = () if isinstance(node, ast.ClassDef) else tuple(own_expressions(node))
                    yield Site(node, block, index, owner, inner, expressions)
                yield from self._sites(node, inner)

    def in_loop(self, site: Site) -> bool:
        """Whether a statement is in a loop of its function."""
        here: ast.AST = site.node
        while not isinstance(here, Function | ast.Module):
            here, _ = self.parent(here)
            if isinstance(here, ast.For | ast.While):
                return True
        return False

    def whole_lines(self, node: ast.stmt) -> tuple[int, int] | None:
        """The span of the lines of a statement that has them for itself, with the line break; else None."""
        if id(node) not in self._stretches:
            self._stretches[id(node)] = self._stretch(node)
        return self._stretches[id(node)]

    def _stretch(self, node: ast.stmt) -> tuple[int, int] | None:
        start, end = self.span(node)
        first = self._starts[node.lineno - 1]
        last = self._starts[min(node.end_lineno or node.lineno, len(self._lines))]
        before, after = self.text[first:start], self.text[end:last].strip()
        if before.strip() or (after and not after.startswith("#")):
            return None
        return first, last

    def indentation(self, node: ast.stmt) -> str:
        """The white space before a statement."""
        line = self._lines[node.lineno - 1]
        return line[: len(line) - len(line.lstrip())]

    def reindented(self, nodes: Sequence[ast.stmt], indentation: str) -> str:
        """The lines of statements of one block, moved to another indentation."""
        old = self.indentation(nodes[0])
        spans = [self.whole_lines(node) for node in nodes]
        lines = "".join(self.text[span[0] : span[1]] for span in spans if span).splitlines()
        return "".join((indentation + line[len(old) :]).rstrip() + "\n" for line in lines)

    def inserted(self, site: Site, text: str, *, after: bool = False) -> Replacement | None:
        """Put lines before or after a statement; None where it shares its line with something else."""
        span = self.whole_lines(site.node)
        if span is None:
            return None
        indentation = self.indentation(site.node)
        lines = "".join([f"{indentation}{line}\n" for line in text.splitlines()])
        position = span[1] if after else span[0]
        if after and self.text[span[0] : span[1]][-1:] != "\n":
            lines = "\n" + lines
        return Replacement(position, position, lines)


def own_expressions(node: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement, outermost first, without those of statements inside it or of f-strings."""
    waiting: list[ast.AST] = [node] if not isinstance(node, Function) else [*node.args.defaults]
    while waiting:
        here = waiting.pop(0)
        if isinstance(here, ast.expr):
            yield here
        if isinstance(here, ast.JoinedStr):
            continue  # up to Python 3.11 the positions inside are not those of the text
        for name, value in ast.iter_fields(here):
            if here is node and name in BLOCKS:
                continue
            waiting += [
                child
                for child in (value if isinstance(value, list) else [value])
                if isinstance(child, ast.AST)
            ]


# --------------------------------------------------------------------------- expressions as text

LOWEST, OR, AND, NOT, COMPARE, BIT_OR, BIT_XOR, BIT_AND, SHIFT, SUM, TERM, UNARY, POWER, ATOM = range(14)

OPERATORS: dict[type[ast.AST], int] = {
    ast.BitOr: BIT_OR, ast.BitXor: BIT_XOR, ast.BitAnd: BIT_AND, ast.LShift: SHIFT, ast.RShift: SHIFT,
    ast.Add: SUM, ast.Sub: SUM, ast.Mult: TERM, ast.Div: TERM, ast.FloorDiv: TERM, ast.Mod: TERM, ast.MatMult: TERM,
    ast.Pow: POWER, ast.Or: OR, ast.And: AND, ast.Not: NOT, ast.USub: UNARY, ast.UAdd: UNARY, ast.Invert: UNARY,
}  # fmt: skip


def level(node: ast.expr) -> int:
    """How tightly an expression binds when written without parentheses."""
    match node:
        case ast.BinOp() | ast.UnaryOp() | ast.BoolOp():
            return OPERATORS[type(node.op)]
        case ast.Compare():
            return COMPARE
        case ast.Lambda() | ast.IfExp() | ast.Yield() | ast.YieldFrom() | ast.NamedExpr() | ast.Starred():
            return LOWEST
        case ast.Constant(value=value) if isinstance(value, int | float) and value < 0:
            return UNARY
        case ast.Await():
            return POWER
        case _:
            return ATOM


def needed(parent: ast.AST, name: str, node: ast.expr) -> int:
    """How tightly an expression in this place has to bind to need no parentheses."""
    match parent:
        case ast.BinOp(op=ast.Pow()):
            return POWER + 1 if name == "left" else UNARY
        case ast.BinOp():
            return OPERATORS[type(parent.op)] + (name == "right")
        case ast.BoolOp():
            return OPERATORS[type(parent.op)] + 1
        case ast.UnaryOp():
            return OPERATORS[type(parent.op)]
        case ast.Compare():
            return COMPARE + 1
        case ast.IfExp() if name in ("body", "test"):
            return OR
        case ast.comprehension():
            return OR
        case ast.Starred():
            return BIT_OR
        case ast.Attribute() | ast.Call() | ast.Subscript() if name in ("value", "func"):
            return ATOM
        case _:
            return LOWEST


SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.BitOr: "|",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip


def joined(operator: type[ast.AST], *operands: tuple[str, int]) -> str:
    """The text of an operation on expressions, each with how tightly it binds; parentheses where they are needed."""
    least = OPERATORS[operator]
    chained = operator in (
        ast.And,
        ast.Or,
    )  # all operands are in one node, where one in the first would be another
    texts = [
        text if binds >= least + (chained or place > 0) else f"({text})"
        for place, (text, binds) in enumerate(operands)
    ]
    return f" {SIGNS[operator]} ".join(texts)


def fitted(code: Code, place: ast.expr, new: ast.expr) -> str:
    """The text of an expression to stand in another one's place, in parentheses where it needs them."""
    return fitted_text(code, place, ast.unparse(new), level(new))


def fitted_text(code: Code, place: ast.expr, text: str, binds: int) -> str:
    """As `fitted`, for an expression that is text already."""
    parent, name = code.parent(place)
    if binds >= needed(parent, name, place):
        return text
    start, end = code.span(place)
    if code.text[start - 1 : start] == "(" and code.text[end : end + 1] == ")":
        return text  # there are parentheses around the place already
    return f"({text})"
