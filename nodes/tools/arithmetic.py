"""Arithmetic on text: exact where it can be, bounded everywhere, and nothing but arithmetic.

The text is parsed as a Python expression, and of its syntax tree only what stands here is understood: there is no
``eval``, no name is looked up anywhere but in a fixed table. Decimals are fractions, so that ``0.1 + 0.2`` is ``0.3``;
roots, logarithms and the like give floats. Every step is bounded before it is taken: what it would make has at most
`_BITS` bits.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias

from .errors import ToolError

Number: TypeAlias = Fraction | float

LONGEST: Final = 1000
"""Characters of an expression."""
_BITS: Final = 10_000
_DEEPEST: Final = 60
_DIGITS: Final = 17
_CONSTANTS: Final[Mapping[str, Number]] = {"pi": math.pi, "e": math.e, "tau": math.tau}


def evaluate(text: str) -> str:
    """The value of an expression, as text.

    Raises:
        ToolError: It is no arithmetic, has no value, or would be too large.

    >>> evaluate("0.1 + 0.2"), evaluate("2 ** 100 % 1000"), evaluate("1 / 3")
    ('0.3', '376', '0.33333333333333333')
    """
    if len(text) > LONGEST:
        raise ToolError(f"the expression has {len(text)} characters; at most {LONGEST} are taken")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parser, about what would be odd in a program
            tree = ast.parse(" ".join(text.split()), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        why = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise ToolError(f"{text!r} is no arithmetic expression: {why}") from None
    try:
        return _told(_value(tree.body, 0))
    except ZeroDivisionError:
        raise ToolError(f"{text!r} divides by zero") from None
    except OverflowError:
        raise ToolError(f"{text!r} gets too large") from None


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _DEEPEST:
        raise ToolError(f"the expression is nested more than {_DEEPEST} deep; take it apart")
    match node:
        case ast.Constant(value=bool() | complex() | str() | bytes() | None):
            pass
        case ast.Constant(value=int() | float() as number):
            return _literal(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, depth + 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, depth + 1)
        case ast.BinOp(op=op) if type(op) in _OPERATIONS:
            return _chain(node, depth)
        case ast.BinOp(op=ast.BitXor()):
            raise ToolError("a power is written **, not ^")
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _called(name, [_value(one, depth + 1) for one in args])
        case ast.Tuple():
            raise ToolError("write numbers without commas between their digits: 1000, not 1,000")
    known = ", ".join(sorted([*_FUNCTIONS, *_CONSTANTS]))
    raise ToolError(
        f"{type(node).__name__.lower()} at column {node.col_offset + 1} is not understood; there are + - * / // % ** ( ) and {known}"
    )


def _chain(node: ast.expr, depth: int) -> Number:
    """Operations whose left sides are operations again: a long sum is wide to people, and deep only to the parser."""
    steps: list[tuple[ast.operator, ast.expr]] = []
    while isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        steps.append((node.op, node.right))
        node = node.left
    value = _value(node, depth + 1)
    for op, right in reversed(steps):
        value = _small(_OPERATIONS[type(op)](value, _value(right, depth + 1)))
    return value


def _literal(number: float) -> Number:
    if isinstance(number, int):
        return _small(Fraction(number))
    if math.isinf(number):
        raise OverflowError
    return Fraction(repr(number))  # the digits as they were written


def _called(name: str, values: list[Number]) -> Number:
    function, fewest, most = _FUNCTIONS[name]
    if not fewest <= len(values) <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise ToolError(f"{name} takes {wanted} numbers, not {len(values)}")
    try:
        return _small(function(*values))
    except (ValueError, TypeError):
        shown = ", ".join(map(_told, values))
        raise ToolError(f"{name}({shown}) has no value") from None


def _small(value: Any) -> Number:
    """The value as a number, if it is one that can be told."""
    if isinstance(value, complex):
        raise ToolError("a root of a negative number has no real value")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise OverflowError
        return value
    exact = Fraction(value)
    if exact.numerator.bit_length() > _BITS or exact.denominator.bit_length() > _BITS:
        raise OverflowError
    return exact


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, float) or isinstance(exponent, float) or exponent.denominator != 1:
        root = _exact_root(base, exponent)
        return root if root is not None else _small(float(base) ** float(exponent))
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if base not in (0, 1, -1) and abs(exponent) * (size - 1) > _BITS:
        raise OverflowError
    if base in (1, -1):
        return base if exponent % 2 else Fraction(1)
    if not base:
        if exponent < 0:
            raise ZeroDivisionError
        return Fraction(0 if exponent else 1)
    return Fraction(base ** int(exponent))


def _exact_root(base: Number, exponent: Number) -> Fraction | None:
    """A square root that is a fraction; None for any other power."""
    if isinstance(base, float) or exponent != Fraction(1, 2) or base < 0:
        return None
    top, bottom = math.isqrt(base.numerator), math.isqrt(base.denominator)
    return Fraction(top, bottom) if (top * top, bottom * bottom) == base.as_integer_ratio() else None


def _sqrt(value: Number) -> Number:
    if value < 0:
        raise ValueError
    root = _exact_root(value, Fraction(1, 2))
    return root if root is not None else math.sqrt(value)


def _round(value: Number, digits: Number = Fraction(0)) -> Number:
    places = _whole(digits)
    if abs(places) > 1000:
        raise OverflowError
    return round(value, places) if isinstance(value, float) else Fraction(round(value, places))


def _whole(value: Number) -> int:
    if isinstance(value, float) or value.denominator != 1:
        raise ValueError
    return value.numerator


def _counted(function: Callable[..., int]) -> Callable[..., int]:
    """A function of whole numbers whose result grows with them."""

    def bounded(*values: Number) -> int:
        whole = [_whole(value) for value in values]
        if any(value > 1000 for value in whole):
            raise OverflowError
        return function(*whole)

    return bounded


def _of_whole(function: Callable[..., int]) -> Callable[..., int]:
    return lambda *values: function(*map(_whole, values))


def _told(value: Number) -> str:
    """The number as text: exactly where that takes few digits, else with 17."""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    top, bottom = value.as_integer_ratio()
    if bottom == 1:
        return str(top)
    places = _decimals(bottom)
    if places is not None and places <= 30:
        exact = Decimal(top * 10**places // bottom).scaleb(-places, Context(prec=5000))
        return f"{exact:f}"
    return str(Context(prec=_DIGITS).divide(Decimal(top), Decimal(bottom)))


def _decimals(bottom: int) -> int | None:
    """How many decimals a fraction with this denominator has; None where they never end."""
    twos = (bottom & -bottom).bit_length() - 1
    rest, fives = bottom >> twos, 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    return max(twos, fives) if rest == 1 else None


_OPERATIONS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: _power,
}
_FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Any], int, int]]] = {
    "abs": (abs, 1, 1),
    "acos": (math.acos, 1, 1),
    "asin": (math.asin, 1, 1),
    "atan": (math.atan, 1, 1),
    "atan2": (math.atan2, 2, 2),
    "ceil": (math.ceil, 1, 1),
    "comb": (_counted(math.comb), 2, 2),
    "cos": (math.cos, 1, 1),
    "degrees": (math.degrees, 1, 1),
    "exp": (math.exp, 1, 1),
    "factorial": (_counted(math.factorial), 1, 1),
    "floor": (math.floor, 1, 1),
    "gcd": (_of_whole(math.gcd), 2, 20),
    "lcm": (_of_whole(math.lcm), 2, 20),
    "log": (math.log, 1, 2),
    "log10": (math.log10, 1, 1),
    "log2": (math.log2, 1, 1),
    "max": (max, 2, 200),
    "min": (min, 2, 200),
    "radians": (math.radians, 1, 1),
    "round": (_round, 1, 2),
    "sin": (math.sin, 1, 1),
    "sqrt": (_sqrt, 1, 1),
    "tan": (math.tan, 1, 1),
}
