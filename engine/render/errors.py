"""What can go wrong when a picture is made."""

from __future__ import annotations

from ..errors import BackedgeError


class RenderError(BackedgeError):
    """The picture could not be made or written: an unknown suffix, no `dot` program, a path that cannot be written."""
