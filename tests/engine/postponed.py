"""Functions whose annotations are texts, as ``from __future__ import annotations`` makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from decimal import Decimal

    from backedge import Context


class Report(BaseModel):
    passed: bool


class Shadow:
    """Something of ours that is called like nothing else here."""


def reads(code: str, report: Report | None, late: Later) -> Report:  # defined below
    return report or Report(passed=bool(code and late))


def with_context(code: str, ctx: Context) -> str:
    return f"{ctx.run_id} {code}"


def partly_resolvable(code: str, price: Decimal, report: Report) -> Decimal:
    return price


class Later(BaseModel):
    pass


@dataclasses.dataclass
class Made:
    code: str
    report: Report


def local() -> tuple[type[BaseModel], Callable[..., object]]:
    """A state and a node, both known in this function only."""

    class Inner(BaseModel):
        passed: bool

    class State(BaseModel):
        inner: Inner
        code: str

    def node(whole: State, inner: Inner) -> str:
        return f"{whole} {inner}"

    return State, node


def closing_over(kind: type) -> Callable[..., object]:
    def node(code: kind) -> str:
        return str(kind(code))

    return node
