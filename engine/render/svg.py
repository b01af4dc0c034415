"""The picture as SVG, PNG or PDF, laid out by Graphviz's `dot`.

`dot`'s SVG is finished here: what each part is called for screen readers, details as tooltips, colours for dark
viewers.
"""

from __future__ import annotations

import subprocess
from typing import Final
from xml.etree import ElementTree as ET

from ..errors import RenderError
from . import theme
from .dot import arrow_details, box_details, dot_source
from .picture import Picture
from .wording import clean, count

LAYOUT_SECONDS: Final = 120
"""How long `dot` may take. Thousands of edges between nodes that are all different take longer than anyone waits."""

_SVG = "http://www.w3.org/2000/svg"
_INSTEAD = "render to .txt, .mmd, .dot or .json instead, which need no layout"


def laid_out(picture: Picture, kind: str) -> bytes:
    """The picture in one of the formats of `dot`: svg, png, pdf.

    Raises:
        RenderError: There is no `dot` program, it failed, or it took too long.
    """
    drawn = _dot(dot_source(picture, tooltips=False), kind, picture)
    return _finished(drawn, picture) if kind == "svg" else drawn


def _dot(source: str, kind: str, picture: Picture) -> bytes:
    what = f"{count(len(picture.boxes), 'node')} and {count(len(picture.arrows), 'edge')}"
    try:
        # What `dot` is, the caller's PATH says; it is given nothing but our text.
        ended = subprocess.run(  # noqa: S603
            ["dot", f"-T{kind}"],  # noqa: S607
            input=source.encode(),
            capture_output=True,
            check=False,
            timeout=LAYOUT_SECONDS,
        )
    except FileNotFoundError:
        raise RenderError(
            f"drawing .{kind} needs Graphviz's `dot` program, which is not on the PATH: install it (apt install "
            f"graphviz, brew install graphviz, choco install graphviz), or {_INSTEAD}"
        ) from None
    except OSError as error:
        raise RenderError(f"Graphviz's `dot` cannot be started: {error.strerror}; {_INSTEAD}") from error
    except subprocess.TimeoutExpired:
        raise RenderError(
            f"Graphviz's `dot` did not lay out {what} within {LAYOUT_SECONDS} s; {_INSTEAD}"
        ) from None
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").split("\n")
        why = next((line for line in lines if line.strip()), f"exit status {ended.returncode}")
        raise RenderError(f"Graphviz's `dot` could not draw {what}: {why.strip()}; {_INSTEAD}")
    return ended.stdout


def _finished(drawn: bytes, picture: Picture) -> bytes:
    # Without its namespace, which would have to be registered for the whole process to be written plainly again.
    root = ET.fromstring(drawn.replace(f' xmlns="{_SVG}"'.encode(), b"", 1))  # noqa: S314 - our own `dot` wrote it
    titles = {f"node{number}": box_details(box) for number, box in enumerate(picture.boxes)}
    titles |= {f"edge{number}": arrow_details(arrow) for number, arrow in enumerate(picture.arrows)}
    titles |= {f"loop{number}": [ring.title] for number, ring in enumerate(picture.rings)}
    titles |= {f"group{number}": [group.title, *group.figures] for number, group in enumerate(picture.groups)}
    for group in root.iter("g"):
        title = group.find("title")
        if title is None:
            continue
        lines = titles.get(group.get("id", ""))
        if lines is None:
            group.remove(title)  # the whole and its outer frame: a tooltip there would cover everything
        else:
            title.text = "\n".join(map(clean, lines))
    for name, text in (("style", _dark(drawn)), ("desc", _description(picture)), ("title", _title(picture))):
        element = ET.Element(name, {} if name == "style" else {"id": name})
        element.text = text
        root.insert(0, element)
    root.attrib |= {
        "xmlns": _SVG,
        "role": "img",
        "aria-labelledby": "title desc",
        "style": "max-width:100%;height:auto",
    }
    return f"{ET.tostring(root, encoding='unicode')}\n".encode()


def _title(picture: Picture) -> str:
    return clean(f"{picture.title} {picture.standing}")


def _description(picture: Picture) -> str:
    """The picture in words, for those who cannot see it."""
    sizes = [count(len(picture.boxes), "node"), count(len(picture.arrows), "edge")]
    frames = [*(ring.title for ring in picture.rings)]
    frames += [": ".join([group.title, *group.figures]) for group in picture.groups]
    return clean("; ".join([*sizes, *picture.lines, *frames]))


def _dark(drawn: bytes) -> str:
    """Each colour is replaced wherever an attribute names it; a rule outweighs an attribute."""
    rules = [
        f'[{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in theme.DARK.items()
        if light.encode() in drawn
        for attribute in ("fill", "stroke")
    ]
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"
