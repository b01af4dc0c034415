"""Units and magnitudes: what the words behind a number make of it.

Factors are those of the SI brochure (9th edition, 2019) and of the international yard and pound; a month is a twelfth of a
year of 365.25 days. Currencies are dimensions of their own, since what one is worth in another changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self


class Unit(NamedTuple):
    """What a unit measures and how much of it: ``value * factor + offset`` is the amount in the dimension's base."""

    dimension: str
    factor: float = 1.0
    offset: float = 0.0

    def per(self, other: Unit) -> Unit:
        """The quotient of two units.

        Example:
            >>> Unit("data", 1e9).per(Unit("time"))
            Unit(dimension='data/time', factor=1000000000.0, offset=0.0)
        """
        return Unit(f"{self.dimension}/{other.dimension}", self.factor / other.factor)


_DAY: Final = 86400.0
_YEAR: Final = 365.25 * _DAY

# Dimension: names that mean so much of its base. Of those of up to two letters case counts.
_TABLE: Final[Mapping[str, Mapping[float, str]]] = {
    "length": {
        0.001: "mm millimetre millimetres millimeter millimeters",
        0.01: "cm centimetre centimetres centimeter centimeters",
        1: "m metre metres meter meters",
        1000: "km Km KM kilometre kilometres kilometer kilometers",
        0.0254: "inch inches",
        0.3048: "ft foot feet",
        0.9144: "yd yard yards",
        1609.344: "mi mile miles",
    },
    "mass": {
        1e-6: "mg milligram milligrams",
        0.001: "g gram grams",
        1: "kg Kg KG kilogram kilograms kilo kilos",
        1000: "t tonne tonnes",
        0.45359237: "lb lbs",
        0.028349523125: "oz ounce ounces",
    },
    "volume": {0.001: "ml mL millilitre millilitres", 1: "l L litre litres liter liters", 1000: "m3 m^3"},
    "area": {1: "m2 m^2 sqm", 4046.8564224: "acre acres", 1e4: "ha hectare hectares", 1e6: "km2 km^2"},
    "time": {
        0.001: "ms millisecond milliseconds",
        1: "s sec secs second seconds",
        60: "min mins minute minutes",
        3600: "h hr hrs hour hours",
        _DAY: "day days",
        7 * _DAY: "week weeks",
        _YEAR / 12: "month months",
        _YEAR: "yr yrs year years annum",
    },
    "length/time": {1 / 3.6: "kph kmh", 0.44704: "mph"},
    "data": {
        1: "byte bytes",
        1e3: "kB KB kilobyte kilobytes",
        1e6: "MB megabyte megabytes",
        1e9: "GB gigabyte gigabytes",
        1e12: "TB terabyte terabytes",
        2**10: "KiB",
        2**20: "MiB",
        2**30: "GiB",
        2**40: "TiB",
    },
    "power": {1: "W watt watts", 1e3: "kW kilowatt kilowatts", 1e6: "MW megawatt megawatts", 1e9: "GW"},
    "energy": {1: "J joule joules", 1e3: "kJ", 3.6e6: "kWh", 3.6e9: "MWh", 3.6e12: "GWh", 4184: "kcal"},
    "frequency": {1: "Hz hertz", 1e3: "kHz", 1e6: "MHz", 1e9: "GHz"},
    "share": {1: "% percent pct", 0.01: "bp bps"},
    "usd": {1: "$ US$ USD dollar dollars", 0.01: "cent cents"},
    "eur": {1: "€ EUR euro euros"},
    "gbp": {1: "£ GBP pound pounds quid"},
    "jpy": {1: "¥ JPY yen"},
    "chf": {1: "CHF franc francs"},
}
_PHRASES: Final[Mapping[str, Unit]] = {
    "per cent": Unit("share"),
    "percentage points": Unit("share"),
    "percentage point": Unit("share"),
    "basis points": Unit("share", 0.01),
    "us dollars": Unit("usd"),
    "square metres": Unit("area"),
    "square meters": Unit("area"),
    "square kilometres": Unit("area", 1e6),
    "square kilometers": Unit("area", 1e6),
    "square feet": Unit("area", 0.09290304),
    "sq ft": Unit("area", 0.09290304),
    "cubic metres": Unit("volume", 1000),
    "cubic meters": Unit("volume", 1000),
    "°c": Unit("temperature"),
    "celsius": Unit("temperature"),
    "degrees celsius": Unit("temperature"),
    "°f": Unit("temperature", 5 / 9, -160 / 9),
    "fahrenheit": Unit("temperature", 5 / 9, -160 / 9),
    "degrees fahrenheit": Unit("temperature", 5 / 9, -160 / 9),
    "kelvin": Unit("temperature", 1, -273.15),
}
CURRENCIES: Final = frozenset({"usd", "eur", "gbp", "jpy", "chf"})
"""Dimensions that are money: behind a sum of it a small m is a million, and a t a trillion."""

MAGNITUDES: Final[Mapping[str, float]] = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "billion": 1e9,
    "billions": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
    "tn": 1e12,
}
"""Words that multiply, in any case of letters."""
ATTACHED: Final[Mapping[str, float]] = {"k": 1e3, "K": 1e3, "M": 1e6, "MM": 1e6, "B": 1e9}
"""Letters that multiply right behind a number."""
OF_MONEY: Final[Mapping[str, float]] = {**ATTACHED, "m": 1e6, "mm": 1e6, "b": 1e9, "t": 1e12, "T": 1e12}
"""Letters that multiply behind a number that a sign of a currency stands before."""


_PER: Final = re.compile(r"/| per ", re.IGNORECASE)


def _standard() -> dict[str, Unit]:
    names = {
        name: Unit(dimension, factor)
        for dimension, units in _TABLE.items()
        for factor, listed in units.items()
        for name in listed.split()
    }
    return {**names, **_PHRASES}


@dataclass(frozen=True)
class Units:
    """A table of units.

    Names are found as they are written first, then without regard to case, unless they are symbols of up to two letters (``mW``
    is no ``MW``). Of two units with a stroke or *per* in between, as in ``GB/s``, the quotient is one.

    Example:
        >>> Units().extended({"furlong": Unit("length", 201.168)}).find("Furlong")
        Unit(dimension='length', factor=201.168, offset=0.0)
        >>> Units().find("mW") is None
        True
    """

    table: Mapping[str, Unit] = field(default_factory=_standard)
    _folded: Mapping[str, Unit] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        folded = {
            name.casefold(): unit for name, unit in self.table.items() if len(name) > 2 or not name.isalpha()
        }
        object.__setattr__(self, "_folded", folded)

    def extended(self, more: Mapping[str, Unit]) -> Self:
        """A table with more units; those of a name that is there are replaced."""
        return type(self)({**self.table, **more})

    def find(self, name: str) -> Unit | None:
        """The unit of this name, or of two with a stroke or *per* in between."""
        known = self.table.get(name) or self._folded.get(name.casefold())
        if known is not None:
            return known
        parts = _PER.split(name, maxsplit=1)
        if len(parts) < 2:
            return None
        above, below = (self.find(part) for part in parts)
        return above.per(below) if above and below else None

    def longest(self, words: Iterable[str]) -> tuple[Unit, int] | None:
        """The unit that the most of these words are the name of, from the first on, and how many words that are."""
        phrase = list(words)
        for length in range(len(phrase), 0, -1):
            unit = self.find(" ".join(phrase[:length]))
            if unit is not None:
                return unit, length
        return None
