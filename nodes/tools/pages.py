"""The words of a web page.

Pages come from strangers, so each character is looked at a bounded number of times: what a page leaves open (a comment, a
tag) ends the reading instead of being searched for again.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

_TAG: Final = re.compile(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9]{0,20})|[/!?])")
"""Where a tag begins, or what is neither tag nor text; any other ``<`` is a word."""
_HREF: Final = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_LONGEST: Final = 2000  # characters of a tag that are looked at
_SILENT: Final = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "template", "noscript", "svg", "textarea")
}
_LINES: Final = {
    *(
        "p",
        "div",
        "br",
        "li",
        "tr",
        "section",
        "article",
        "header",
        "footer",
        "table",
        "ul",
        "ol",
        "pre",
        "hr",
    ),
    *("h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "dt", "dd", "title", "body", "nav", "main"),
}


def words_of(html: str) -> str:
    """The words of a page, a line for a block; scripts and styles left out. Links keep their address.

    >>> words_of("<title>A</title><h1>B</h1><script>x</script><p>C <a href='/d'>d</a></p>").splitlines()
    ['A', 'B', 'C d (/d)']
    """
    pieces: list[str] = []
    link = ""
    at = 0
    while tag := _TAG.search(html, at):
        begin = tag.start()
        if begin > at:
            _say(pieces, html[at:begin])
        if tag[2] is None:
            at = _past_oddity(html, begin)
            continue
        name = tag[2].lower()
        end = html.find(">", tag.end())
        if end < 0:
            return _lines(pieces)
        at = end + 1
        if name in _LINES:
            pieces.append("\n")
        elif name == "a" and tag[1]:
            pieces.append(f" ({link})" if link else "")
            link = ""
        elif name == "a":
            link = _address(html[begin : min(end, begin + _LONGEST)])
        elif name in _SILENT and not tag[1]:
            closing = _SILENT[name].search(html, at)
            if closing is None:
                return _lines(pieces)
            at = closing.start()
    _say(pieces, html[at:])
    return _lines(pieces)


def _past_oddity(html: str, begin: int) -> int:
    """The place after a comment, a declaration or the end of no tag."""
    if html.startswith("<!--", begin):
        end = html.find("-->", begin + 4)
        return len(html) if end < 0 else end + 3
    end = html.find(">", begin)
    return len(html) if end < 0 else end + 1


def _say(pieces: list[str], text: str) -> None:
    pieces.append(unescape(text).replace("\n", " "))


def _address(tag: str) -> str:
    found = _HREF.search(tag)
    address = unescape(next((one for one in found.groups() if one), "")) if found else ""
    return "" if address.startswith(("#", "javascript:")) else address


def _lines(pieces: list[str]) -> str:
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)
