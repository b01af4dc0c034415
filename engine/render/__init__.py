"""Pictures of graphs and runs, for debugging: one description of the picture, and one file per output that draws it."""

from __future__ import annotations

from ..errors import RenderError
from .compose import compose
from .output import OUTPUTS, render
from .picture import Picture
from .stacks import stack
from .text import outline

__all__ = ["OUTPUTS", "Picture", "RenderError", "compose", "outline", "render", "stack"]
