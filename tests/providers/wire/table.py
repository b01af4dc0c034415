"""The conformance table of docs/providers.md, made by the recordings' own tests.

A pair of recorded request and answer passes when every test that takes it passes. The tests are the functions of the
modules below, called with what they are parametrised with.

    python -m tests.providers.wire.table            # print it
    python -m tests.providers.wire.table --write    # put it into the page
"""

import asyncio
import inspect
import itertools
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from . import test_anthropic_recordings, test_chat_recordings, test_responses_recordings
from .replay import WIRE, read_pairs

PAGE = Path(__file__).parents[3] / "docs" / "providers.md"
MODULES = {
    "Chat Completions": test_chat_recordings,
    "Responses": test_responses_recordings,
    "Messages": test_anthropic_recordings,
}
FEATURES = ("streams", "tools", "images", "structured output", "errors")
BEGIN, END = "<!-- made by python -m tests.providers.wire.table --write -->\n", "<!-- end -->\n"
OTHER = {
    "generateContent": "Gemini's own API; `gemini:NAME` goes through its compatible endpoint",
    "streamGenerateContent": "Gemini's own API; `gemini:NAME` goes through its compatible endpoint",
    "count_tokens": "it counts tokens, no model answers",
}

_IMAGE = re.compile(r'"type": "(?:image|image_url|input_image)"')


def checks(module):
    """(pair, test function, arguments) for each test of a module that takes a pair."""
    for name, function in vars(module).items():
        if not name.startswith("test_"):
            continue
        marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
        taken = {mark.args[0]: mark.args[1] for mark in marks}
        if "group" in taken:  # of pairs, each of which is tried on its own here
            del taken["group"]
            taken["pair"], function = function.pairs, function.check
        if "pair" not in taken:
            continue
        for values in itertools.product(*taken.values()):
            arguments = dict(zip(taken, map(_plain, values), strict=True))
            yield arguments["pair"], function, arguments


def _plain(value):
    return value.values[0] if hasattr(value, "marks") else value


def cannot(module):
    """Ids of pairs that cannot work, each with the reason."""
    return {**getattr(module, "CANNOT", {}), **getattr(module, "REFUSED", {})}


def half(module):
    """Ids of pairs whose request cannot be said, though their answer is read, each with the reason."""
    return getattr(module, "UNSAYABLE", {})


def provider_of(pair):
    """Who answered; the recordings' folders tell conversations that went on with another provider by the first one."""
    return "openai" if urlsplit(pair.uri).hostname == "api.openai.com" else pair.provider


def features(pair, module):
    """What a pair shows."""
    body = pair.body
    errors = getattr(module, "ERRORS", None) or getattr(module, "FAILURES", {})
    settings = (
        body.get("response_format"),
        (body.get("text") or {}).get("format"),
        (body.get("output_config") or {}).get("format"),
        body.get("output_format"),
    )
    shown = {
        "streams": pair.streamed,
        "tools": bool(body.get("tools") or body.get("functions")),
        "images": _IMAGE.search(json.dumps(body)) is not None,
        "structured output": any(one and one.get("type") != "text" for one in settings),
        "errors": pair.id in errors,
    }
    return [name for name in FEATURES if shown[name]]


async def failing(module):
    """Ids of the pairs that fail a test, each with the first reason."""
    found = {}
    for pair, function, arguments in checks(module):
        try:
            done = function(**arguments)
            if inspect.isawaitable(done):
                await done
        except (Exception, pytest.fail.Exception) as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
            found.setdefault(pair.id, f"{function.__name__}: {why}")
    return found


def rows(api, module, failed):
    """A row of cells for each provider that speaks an API; counts that are not whole say so."""
    there, passed = defaultdict(Counter), defaultdict(Counter)
    tested = {pair.id for pair, *_ in checks(module)}
    for pair in module.PAIRS:
        good = pair.id in tested and pair.id not in failed and pair.id not in cannot(module)
        for name in ("pairs", *features(pair, module)):
            there[provider_of(pair)][name] += 1
            passed[provider_of(pair)][name] += good
    for provider in sorted(there):
        full, good = there[provider], passed[provider]
        cells = [_count(good[name], full[name]) for name in FEATURES]
        yield [provider, api, str(full["pairs"]), str(good["pairs"]), *cells]


def _count(good, full):
    return "" if not full else str(full) if good == full else f"{good} of {full}"


def left_over():
    """Recorded pairs that are calls of none of these APIs: how many of which call, by what stands in OTHER."""
    known = {(pair.file, pair.number) for module in MODULES.values() for pair in module.PAIRS}
    index = json.loads((WIRE / "index.json").read_text(encoding="utf-8"))
    counts = Counter()
    for entry in index:
        for pair in read_pairs(entry["file"]):
            if (pair.file, pair.number) not in known:
                call = re.split(r"[/:]", urlsplit(pair.uri).path)[-1]
                counts[pair.provider, call] += 1
    return counts


def lines(by_module):
    """The table, and what stands below it."""
    head = ["provider", "API", "pairs", "pass", *FEATURES]
    yield _row(head)
    yield _row(["---", "---", *["--:"] * (len(head) - 2)])
    whole, good = 0, 0
    for api, module in MODULES.items():
        for row in rows(api, module, by_module[api]):
            whole, good = whole + int(row[2]), good + int(row[3])
            yield _row(row)
    yield _row(["**all**", "", f"**{whole}**", f"**{good}**", *[""] * len(FEATURES)])
    notes = [
        (f"`{pair}`", why) for module in MODULES.values() for pair, why in sorted(cannot(module).items())
    ]
    notes += [
        (f"{count} of `{provider}`, `{call}`", OTHER.get(call, "another API"))
        for (provider, call), count in sorted(left_over().items())
    ]
    yield from _noted("Pairs that cannot work:", notes)
    sides = [(f"`{pair}`", why) for module in MODULES.values() for pair, why in sorted(half(module).items())]
    yield from _noted(
        "Of these the answer alone is tried, as the request cannot be said with our types:", sides
    )
    wrong = [(f"`{pair}`", why) for failed in by_module.values() for pair, why in sorted(failed.items())]
    yield from _noted("Pairs that fail:", wrong)


def _row(cells):
    return f"| {' | '.join(cells)} |"


def _noted(title, notes):
    if notes:
        yield from ("", title, "", *(f"* {what}: {why}" for what, why in notes))


async def table():
    """The whole as Markdown."""
    by_module = {api: await failing(module) for api, module in MODULES.items()}
    return "\n".join(lines(by_module)) + "\n"


def put_into(page, text):
    """A page with the table in its place."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no place for the table: it wants {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main(arguments):
    if not WIRE.is_dir():
        return f"there are no recordings in {WIRE}"
    text = asyncio.run(table())
    if arguments == ["--write"]:
        PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
