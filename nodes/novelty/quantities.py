"""Numbers in a text, with their units and magnitudes, in one form for each dimension.

``$500K`` and ``500,000 dollars`` are the same, ``3 km`` and ``3000 m``, ``3-5 million euros`` and ``€3M to €5M``. Left out are
dates, times and years (any bare number from 1900 to 2099 of four digits counts as one), versions such as 1.2.3, and digits in
names such as A4, 5G and GPT-4. Numbers in words are not read; a comma or an apostrophe separates thousands, a dot decimals.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from .units import ATTACHED, CURRENCIES, MAGNITUDES, OF_MONEY, Unit, Units

_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY: Final = r"\d{1,2}(?:st|nd|rd|th)?"
_LEFT_OUT: Final = re.compile(
    r"\b(?:"
    r"\d{4}-\d{2}(?:-\d{2})?(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?(?![\d.,]*\d)"
    r"|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?![\d.])"
    rf"|{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}}\b)?|{_MONTH}\s+{_DAY}\b(?:,?\s+\d{{4}}\b)?|{_MONTH}\s+\d{{4}}\b"
    r"|\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\b\.?)?|\d{1,2}\s?[ap]\.?m\b\.?"
    r"|Q[1-4](?:\s?\d{4}\b)?|FY\s?\d{2,4}\b|(?:19|20)\d0s\b"
    r"|\d+(?:\.\d+){2,}"
    r")"
)
_NUMBER: Final = re.compile(
    r"(?<![\w.#,])(?<![^\W\d_][-–])(?P<sign>[-−](?=[\d.$€£¥]))?(?:(?P<money>(?:US)?\$|[€£¥]|(?:USD|EUR|GBP|JPY|CHF)(?=[\s\d]))\s?)?"
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:['’]\d{3})+|\d{1,3}(?: 000)+|\d+)(?:\.\d+)?|\.\d+)(?!,?\d)(?P<power>[eE][+-]?\d{1,3}(?!\w))?"
)
_WORD: Final = re.compile(r"[\s-]?((?:[^\W\d_]+(?:/[^\W\d_]+)?(?:\^?[23](?!\w))?)|%|°\s?[CF]?|US\$|[$€£¥])")
_TIMES: Final = re.compile(r"[\s-]?([^\W\d_]+)(?![\w^])")
_RATE: Final = re.compile(r"(?:\s?/\s?|\sper\s)([^\W\d_]+)(?![\w-])")
_BETWEEN: Final = re.compile(r"\s?(?:[-–—~])\s?|\s(?:to|and)\s")
_THIN: Final = re.compile("(?<=\\d)[\u00a0\u2009\u202f](?=\\d{3}(?!\\d))")


class Quantity(BaseModel):
    """A number of something, or a range of numbers.

    Attributes:
        low: The number, or the lower end, in the dimension's base: metres, kilograms, seconds, percent ...
        high: The same number, or the upper end.
        dimension: What is measured; empty for a plain number.
        text: As it was written.
    """

    model_config = ConfigDict(frozen=True)

    low: float
    high: float
    dimension: str = ""
    text: str = ""

    @property
    def token(self) -> str:
        """The quantity as one word, the same for equal ones however they were written; to four digits."""
        low, high = (f"{float(f'{end:.4g}'):.12g}" for end in (self.low, self.high))
        ends = low if self.low == self.high else f"{low}..{high}"
        return f"{ends} {self.dimension}".strip()


class Found(NamedTuple):
    """A quantity, or a date (None), and where it stands in the cleaned text."""

    quantity: Quantity | None
    start: int
    end: int


class _Amount(NamedTuple):
    value: float
    unit: Unit | None
    start: int
    end: int
    bare: bool  # neither magnitude nor unit stands behind the number
    magnitude: float
    written: str


def cleaned(text: str) -> str:
    """A text in one form of its characters (NFKC), without the narrow blanks that separate thousands."""
    return unicodedata.normalize("NFKC", _THIN.sub("", text)).replace("\u2212", "-")


def quantities(text: str, units: Units | None = None) -> tuple[Quantity, ...]:
    """The quantities in a text, in their order.

    Example:
        >>> [one.token for one in quantities("It made $500K in March 2024, 3-5 km away, up 12%.")]
        ['500000 usd', '3000..5000 length', '12 share']
    """
    table = units or Units()
    return tuple(one.quantity for one in find(cleaned(text), table) if one.quantity is not None)


def agree(one: Quantity, other: Quantity, tolerance: float = 0.01) -> bool:
    """Whether two quantities mean the same: of one dimension, and apart by no more than a share of the larger one.

    Of ranges both ends agree; a single number agrees with a range that it lies in. It is the same both ways round.

    Example:
        >>> agree(*quantities("$500K or 500,000 dollars"))
        True
    """
    if one.dimension != other.dimension:
        return False
    if (one.low == one.high) == (other.low == other.high):
        return _near(one.low, other.low, tolerance) and _near(one.high, other.high, tolerance)
    low, high = max(one.low, other.low), min(one.high, other.high)
    return low <= high or _near(low, high, tolerance)


def _near(one: float, other: float, tolerance: float) -> bool:
    return abs(one - other) <= tolerance * max(abs(one), abs(other))


def find(text: str, units: Units) -> Iterator[Found]:
    """Quantities and dates in a cleaned text, in their order and without overlap."""
    dates = deque(match.span() for match in _LEFT_OUT.finditer(text))
    amount, position = _amount(text, 0, units), 0
    while amount is not None or dates:
        if dates and dates[0][0] < position:
            dates.popleft()
        elif dates and (amount is None or dates[0][0] < amount.end):
            yield (found := Found(None, *dates.popleft()))
            position = found.end
        else:
            assert amount is not None
            yield (found := _range(text, amount, units) or _single(text, amount))
            position = found.end
        if amount is not None and amount.start < position:
            amount = _amount(text, position, units)


def _amount(text: str, position: int, units: Units) -> _Amount | None:
    """The next number with what belongs to it."""
    for match in _NUMBER.finditer(text, position):
        money = units.find(match["money"]) if match["money"] else None
        value = float(re.sub("[, '’]", "", match["number"]) + (match["power"] or ""))
        magnitude, unit, end = _behind(text, match.end(), units, money)
        if end == match.end() and end < len(text) and (text[end].isalpha() or text[end] == "_"):
            continue  # digits in a name, such as 5G or 3D
        if value * magnitude > 1e200:
            continue
        return _Amount(
            value=-value if match["sign"] else value,
            unit=unit or money,
            start=match.start(),
            end=end,
            bare=end == match.end(),
            magnitude=magnitude,
            written=match["number"],
        )
    return None


def _behind(text: str, position: int, units: Units, money: Unit | None) -> tuple[float, Unit | None, int]:
    """The magnitude and the unit behind a number, and where they end."""
    magnitude = 1.0
    letters = OF_MONEY if money and money.dimension in CURRENCIES else ATTACHED
    while word := _TIMES.match(text, position):
        attached = word.start() == word.start(1) or bool(money)
        times = MAGNITUDES.get(word[1].casefold()) or (
            letters.get(word[1]) if attached and magnitude == 1 else None
        )
        if times is None:
            break
        magnitude *= times
        position = word.end()
    words: list[str] = []
    ends: list[int] = []
    at = position
    while len(words) < 3 and (word := _WORD.match(text, at)):
        words.append(word[1].replace(" ", ""))
        ends.append(word.end())
        at = word.end()
    if named := units.longest(words):
        return magnitude, named[0], ends[named[1] - 1]
    rate = _RATE.match(text, position) if money else None
    below = units.find(rate[1]) if rate else None
    if money and rate and below:  # the sum stands before the number, as in $5/h
        return magnitude, money.per(below), rate.end()
    return magnitude, None, position


def _range(text: str, first: _Amount, units: Units) -> Found | None:
    """A range that begins with this amount, if one does."""
    between = _BETWEEN.match(text, first.end)
    if between is None or (between[0].strip() == "and" and not _after_between(text, first.start)):
        return None
    second = _amount(text, between.end(), units)
    if second is None or second.start != between.end():
        return None
    magnitude = second.magnitude if first.bare else first.magnitude
    unit = first.unit or second.unit
    if unit and second.unit and unit.dimension != second.unit.dimension:
        return None
    if unit is None and _is_year(first) and _is_year(second):
        return Found(None, first.start, second.end)
    low = _in_base(first.value * magnitude, unit)
    high = _in_base(second.value * second.magnitude, second.unit or unit)
    if low > high:
        return None
    written = text[first.start : second.end]
    dimension = unit.dimension if unit else ""
    return Found(Quantity(low=low, high=high, dimension=dimension, text=written), first.start, second.end)


def _after_between(text: str, position: int) -> bool:
    return text[max(0, position - 10) : position].rstrip().casefold().endswith("between")


def _single(text: str, amount: _Amount) -> Found:
    if amount.unit is None and _is_year(amount):
        return Found(None, amount.start, amount.end)
    value = _in_base(amount.value * amount.magnitude, amount.unit)
    dimension = amount.unit.dimension if amount.unit else ""
    written = text[amount.start : amount.end]
    return Found(Quantity(low=value, high=value, dimension=dimension, text=written), amount.start, amount.end)


def _is_year(amount: _Amount) -> bool:
    return amount.bare and re.fullmatch(r"(?:19|20)\d\d", amount.written) is not None


def _in_base(value: float, unit: Unit | None) -> float:
    return value if unit is None else value * unit.factor + unit.offset
