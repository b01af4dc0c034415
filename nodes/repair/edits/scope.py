"""What a place in a program can use: the names in scope, the program's own expressions, and their types."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from .code import Code, Function, Site

Found = TypeVar("Found")
Types = frozenset[str]

NUMBERS = frozenset({"int", "float", "bool"})

RESULTS: Mapping[str, str] = {
    "len": "int", "sum": "int", "abs": "int", "int": "int", "ord": "int", "round": "int", "str": "str", "chr": "str",
    "list": "list", "sorted": "list", "set": "set", "dict": "dict", "tuple": "tuple", "bool": "bool", "any": "bool",
    "all": "bool", "isinstance": "bool", "range": "range", "float": "float", "enumerate": "iterator",
    "zip": "iterator", "reversed": "iterator", "map": "iterator", "filter": "iterator", "repr": "str",
}  # fmt: skip

METHODS: Mapping[str, str] = {
    "append": "None", "extend": "None", "insert": "None", "remove": "None", "sort": "None", "reverse": "None",
    "add": "None", "update": "None", "clear": "None", "discard": "None", "join": "str", "strip": "str",
    "upper": "str", "lower": "str", "replace": "str", "split": "list", "index": "int", "find": "int",
    "count": "int", "copy": "", "startswith": "bool", "endswith": "bool", "isdigit": "bool", "isalpha": "bool",
}  # fmt: skip


class Scope:
    """What the statements of a program can refer to, with what was seen of the types.

    Args:
        code: The program.
        seen: Types observed while the cases ran, keys ``function:variable``; may be empty.
    """

    def __init__(self, code: Code, seen: Mapping[str, tuple[str, ...]]) -> None:
        self.code = code
        self.seen = seen
        self._names: dict[int, tuple[str, ...]] = {}
        self._found: dict[tuple[Hashable, ...], Any] = {}
        self._texts: dict[
            int, tuple[ast.expr, str]
        ] = {}  # with the node, or another one might get its number
        self._anywhere: dict[str, set[str]] = {}
        for key, types in seen.items():
            self._anywhere.setdefault(key.rpartition(":")[2], set()).update(types)

    def once(self, what: Hashable, site: Site, find: Callable[[], Found]) -> Found:
        """What `find` gives, found once for all statements of a function that ask for the same."""
        key = (what, id(site.function))
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found

    def text(self, node: ast.expr) -> str:
        """An expression as text, made once."""
        known = self._texts.get(id(node))
        if known is None:
            known = self._texts[id(node)] = node, ast.unparse(node)
        return known[1]

    # ----------------------------------------------------------------------- names

    @cached_property
    def functions(self) -> dict[str, Function]:
        """All functions of the program by name."""
        return {node.name: node for node in ast.walk(self.code.tree) if isinstance(node, Function)}

    @cached_property
    def globals(self) -> tuple[str, ...]:
        """Names bound at the top level by assignments."""
        return tuple(dict.fromkeys(_bound(self.code.tree.body)))

    def names_at(self, site: Site, node: ast.expr) -> tuple[str, ...]:
        """As `names`, with the variables of the comprehensions and lambdas around an expression."""
        inner: dict[str, None] = {}
        here: ast.AST = node
        while not isinstance(here, ast.stmt):
            here, _ = self.code.parent(here)
            if isinstance(here, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                inner |= dict.fromkeys(_bound([one.target for one in here.generators]))
            elif isinstance(here, ast.Lambda):
                inner |= dict.fromkeys(one.arg for one in here.args.args)
        names = self.names(site)
        return (*(name for name in inner if name not in names), *names)

    def names(self, site: Site) -> tuple[str, ...]:
        """The variables a statement can use: parameters and locals of its function, of those around it, and globals."""
        key = id(site.function)
        if key not in self._names:
            names: dict[str, None] = {}
            function: ast.AST | None = site.function
            while isinstance(function, Function):
                names |= dict.fromkeys(parameters(function))
                names |= dict.fromkeys(_bound(function.body))
                function = self._around(function)
            names |= dict.fromkeys(self.globals)
            self._names[key] = tuple(name for name in names if name != "_")
        return self._names[key]

    def _around(self, function: Function) -> ast.AST | None:
        node: ast.AST = function
        while not isinstance(node, ast.Module):
            node, _ = self.code.parent(node)
            if isinstance(node, Function):
                return node
        return None

    def yields(self, function: Function) -> bool:
        """Whether a function is a generator, as far as its own statements show."""
        return any(
            isinstance(one, ast.Yield | ast.YieldFrom)
            for site in self.code.sites
            if site.function is function
            for one in site.expressions
        )

    # ----------------------------------------------------------------------- ingredients

    @cached_property
    def _expressions(self) -> dict[int, dict[str, ast.expr]]:
        """For each function the expressions in it by text; comprehension variables stay inside."""
        found: dict[int, dict[str, ast.expr]] = {}
        for site in self.code.sites:
            own = found.setdefault(id(site.function), {})
            hidden = {
                name.id
                for node in site.expressions
                if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp)
                for generator in node.generators
                for name in ast.walk(generator.target)
                if isinstance(name, ast.Name)
            }
            for node in site.expressions:
                written = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
                if not (written and isinstance(node, ast.Name | ast.Tuple | ast.List)) and not isinstance(
                    node, ast.JoinedStr | ast.Starred | ast.Slice | ast.Yield | ast.YieldFrom | ast.Await
                ):
                    used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
                    if not used & hidden or isinstance(node, ast.ListComp):
                        own.setdefault(self.text(node), node)
        return found

    def ingredients(self, site: Site) -> dict[str, ast.expr]:
        """The expressions of the statement's function, and those of other functions that make sense here."""
        return self.once("ingredients", site, lambda: self._ingredients(site))

    def _ingredients(self, site: Site) -> dict[str, ast.expr]:
        own = dict(self._expressions.get(id(site.function), {}))
        usable = {*self.names(site), *self.functions, *RESULTS, "min", "max"}
        for expressions in self._expressions.values():
            for text, node in expressions.items():
                if text not in own and all(
                    name.id in usable for name in ast.walk(node) if isinstance(name, ast.Name)
                ):
                    own[text] = node
        return own

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The names of attributes that the program reads or writes without calling them."""
        called = {id(node.func) for node in ast.walk(self.code.tree) if isinstance(node, ast.Call)}
        found = [
            node.attr
            for node in ast.walk(self.code.tree)
            if isinstance(node, ast.Attribute) and id(node) not in called
        ]
        return tuple(dict.fromkeys(found))

    def places(self, site: Site) -> dict[str, ast.expr]:
        """What the statements of a function assign to, and could: names, items, attributes; by text."""
        found: dict[str, ast.expr] = {name: ast.Name(name, ast.Store()) for name in self.names(site)}
        for other in self.code.sites:
            if other.function is site.function:
                for node in other.expressions:
                    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(
                        getattr(node, "slice", None), ast.Slice
                    ):
                        found.setdefault(self.text(node), node)
        return found

    def operands(self, site: Site, node: ast.expr) -> list[ast.expr]:
        """What an expression may be combined with: variables, lengths and lists of them, the function's small parts."""
        names = self.names_at(site, node)
        return self.once(("operands", names), site, lambda: self._operands(site, names))

    def _operands(self, site: Site, names: tuple[str, ...]) -> list[ast.expr]:
        made: dict[str, ast.expr] = {}
        for name in names:
            types = self.of_name(site, name)
            texts = [name]
            if types and any(
                kind.partition("[")[0] in ("list", "str", "tuple", "dict", "set") for kind in types
            ):
                texts.append(f"len({name})")
            if not types or any(kind.partition("[")[0] not in ("list", "dict", "set") for kind in types):
                texts += [f"[{name}]", f"{{{name}}}"]
            if types and any(kind.partition("[")[0] in ("list", "str", "tuple") for kind in types):
                places = [one for one in names if "int" in self.of_name(site, one)]
                texts += [text for one in places for text in (f"{name}[:{one}]", f"{name}[{one}:]")]
            for text in texts:
                made[text] = ast.parse(text, mode="eval").body
        for text, one in self._expressions.get(id(site.function), {}).items():
            if 2 <= sum(isinstance(part, ast.expr) for part in ast.walk(one)) <= 6 and not isinstance(
                one, ast.Compare
            ):
                made.setdefault(text, one)
        return list(made.values())

    @cached_property
    def constants(self) -> dict[str, list[ast.Constant]]:
        """The constants that the program's statements use, by type."""
        found: dict[str, dict[object, ast.Constant]] = {}
        for site in self.code.sites:
            for node in site.expressions:
                if isinstance(node, ast.Constant) and not isinstance(
                    self.code.parent(node)[0], ast.JoinedStr
                ):
                    found.setdefault(type(node.value).__name__, {}).setdefault(node.value, node)
        return {kind: list(nodes.values()) for kind, nodes in found.items()}

    # ----------------------------------------------------------------------- types

    def types(self, site: Site, node: ast.expr) -> Types:
        """What types an expression may have; empty when nothing is known."""
        match node:
            case ast.Constant(value=value):
                return frozenset({type(value).__name__})
            case ast.Name(id=name):
                return self.of_name(site, name)
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return frozenset({"bool"})
            case ast.BoolOp(values=values):
                return frozenset().union(*(self.types(site, value) for value in values))
            case ast.BinOp(left=left, op=operator, right=right):
                return self._of_operation(self.types(site, left), operator, self.types(site, right))
            case ast.UnaryOp(operand=operand):
                return self.types(site, operand)
            case ast.IfExp(body=body, orelse=orelse):
                return self.types(site, body) | self.types(site, orelse)
            case ast.List() | ast.ListComp():
                return frozenset({"list"})
            case ast.Dict() | ast.DictComp():
                return frozenset({"dict"})
            case ast.Set() | ast.SetComp():
                return frozenset({"set"})
            case ast.Tuple():
                return frozenset({"tuple"})
            case ast.GeneratorExp():
                return frozenset({"iterator"})
            case ast.JoinedStr():
                return frozenset({"str"})
            case ast.Subscript(value=value, slice=ast.Slice()):
                return frozenset(kind.partition("[")[0] for kind in self.types(site, value))
            case ast.Subscript(value=value):
                return _items(self.types(site, value))
            case ast.Attribute(attr=name):
                found = [types for key, types in self.seen.items() if key.endswith(f".{name}")]
                return frozenset(kind for types in found for kind in types)
            case ast.Call(func=ast.Name(id=name)):
                if name in self.functions:
                    return frozenset(self.seen.get(f"{name}:return", ()))
                return frozenset({RESULTS[name]}) if name in RESULTS else frozenset()
            case ast.Call(func=ast.Attribute(attr=name)):
                return frozenset({METHODS[name]}) if METHODS.get(name) else frozenset()
            case _:
                return frozenset()

    def of_name(self, site: Site, name: str) -> Types:
        """The types seen in a variable."""
        function = site.function.name if site.function else "<module>"
        seen = frozenset(self.seen.get(f"{function}:{name}") or self._anywhere.get(name) or ())
        if not seen and name in self.functions:
            return frozenset({"function"})
        return seen

    @staticmethod
    def _of_operation(left: Types, operator: ast.operator, right: Types) -> Types:
        if isinstance(operator, ast.Mod) and left == {"str"}:
            return left
        if isinstance(operator, ast.Div):
            return frozenset({"float"})
        return frozenset(kind.partition("[")[0] for kind in left | right if kind != "bool") or left


def fit(wanted: Types, given: Types) -> float:
    """How well types match: 1 shared, 0.5 unknown, 0.1 not at all. Booleans pass for integers half-way."""
    if not wanted or not given:
        return 0.5
    left = {kind.partition("[")[0] for kind in wanted}
    right = {kind.partition("[")[0] for kind in given}
    if left & right:
        return 1.0
    if left <= NUMBERS and right <= NUMBERS:
        return 0.6
    return 0.15 if "NoneType" in left | right else 0.08


def is_kind(types: Types, *kinds: str) -> bool:
    """Whether something may be of one of the kinds; unknown types may be anything."""
    return not types or any(kind.partition("[")[0] in kinds for kind in types)


def parameters(function: Function) -> list[str]:
    """A function's parameters in order."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [
        one.arg
        for one in [
            *named,
            *([given.vararg] if given.vararg else []),
            *([given.kwarg] if given.kwarg else []),
        ]
    ]


def _bound(body: Sequence[ast.AST]) -> Iterator[str]:
    """Names that statements bind, not looking into functions and classes."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(
            node,
            Function
            | ast.ClassDef
            | ast.Lambda
            | ast.ListComp
            | ast.SetComp
            | ast.DictComp
            | ast.GeneratorExp,
        ):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        waiting += ast.iter_child_nodes(node)


def _items(types: Types) -> Types:
    """The types of a container's items, where they are known."""
    inner = {
        kind.partition("[")[2].removesuffix("]")
        for kind in types
        if "[" in kind and not kind.startswith("dict")
    }
    return frozenset(inner | ({"str"} if "str" in types else set()))
