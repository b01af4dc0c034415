"""What wraps a model: each of these is a model around a model, and none knows another.

They are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audit import Audited
    from .breaker import ENDPOINT_KINDS, Circuit, CircuitBreaker
    from .buckets import Limit
    from .budget import Budgeted
    from .budgets import Budget, BudgetState, BudgetWarning
    from .cache import Cached, CacheStats
    from .cost import Priced
    from .fallback import Fallback
    from .ledger import Ledger, Spent
    from .limiter import PRESETS, Limiter, LimiterStats, Limits, LimitWarning, Preset
    from .limits import RateLimited
    from .policies import (
        Policy,
        RoundRobin,
        Row,
        Weighted,
        by_context,
        by_cost,
        by_latency,
        fitting,
        in_order,
    )
    from .prices import PriceList, price_of
    from .retry import Retrying
    from .routing import Candidate, Router
    from .spans import Spans
    from .sqlite_store import SqliteStore
    from .stores import CacheError, MemoryStore, Store, Stored
    from .waiting import Priority

__all__ = [
    "ENDPOINT_KINDS",
    "PRESETS",
    "Audited",
    "Budget",
    "BudgetState",
    "BudgetWarning",
    "Budgeted",
    "CacheError",
    "CacheStats",
    "Cached",
    "Candidate",
    "Circuit",
    "CircuitBreaker",
    "Fallback",
    "Ledger",
    "Limit",
    "LimitWarning",
    "Limiter",
    "LimiterStats",
    "Limits",
    "MemoryStore",
    "Policy",
    "Preset",
    "PriceList",
    "Priced",
    "Priority",
    "RateLimited",
    "Retrying",
    "RoundRobin",
    "Router",
    "Row",
    "Spans",
    "Spent",
    "SqliteStore",
    "Store",
    "Stored",
    "Weighted",
    "by_context",
    "by_cost",
    "by_latency",
    "fitting",
    "in_order",
    "price_of",
]

_WHERE = {
    "audit": "Audited",
    "breaker": "ENDPOINT_KINDS Circuit CircuitBreaker",
    "buckets": "Limit",
    "budget": "Budgeted",
    "budgets": "Budget BudgetState BudgetWarning",
    "cache": "CacheStats Cached",
    "cost": "Priced",
    "fallback": "Fallback",
    "ledger": "Ledger Spent",
    "limiter": "PRESETS Limiter LimiterStats LimitWarning Limits Preset",
    "limits": "RateLimited",
    "policies": "Policy Row RoundRobin Weighted by_context by_cost by_latency fitting in_order",
    "prices": "PriceList price_of",
    "retry": "Retrying",
    "routing": "Candidate Router",
    "spans": "Spans",
    "sqlite_store": "SqliteStore",
    "stores": "CacheError MemoryStore Store Stored",
    "waiting": "Priority",
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
