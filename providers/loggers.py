"""What Anthropic's client logs, without what a server may have put into it.

At the level DEBUG that client logs all headers of an answer. A server or proxy that sends back what it was sent puts the
key there; so of these headers only the harmless ones stay.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

LOGGER: Final = "anthropic._base_client"
"""The logger that is told headers."""

_HARMLESS: Final = ("content-", "date", "request-id", "retry-after", "anthropic-ratelimit-", "server")


class HeaderFilter(logging.Filter):
    """Leaves only harmless headers in a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, with fewer headers in it."""
        if isinstance(record.args, tuple):
            record.args = tuple(map(_harmless, record.args))
        return True


def hide_headers() -> None:
    """See to it that the client logs no headers that may hold a key; done once for the process."""
    log = logging.getLogger(LOGGER)
    if not any(isinstance(one, HeaderFilter) for one in log.filters):
        log.addFilter(HeaderFilter())


def _harmless(value: Any) -> Any:
    if not isinstance(value, Mapping) or not hasattr(value, "multi_items"):
        return value
    return {name: text for name, text in value.items() if name.lower().startswith(_HARMLESS)}
