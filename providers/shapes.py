"""What keys look like.

Three places look for them, each as closely as it needs:

* errors of providers (`wire.hiding`): whatever may be one, shortened ones too, since few words are lost there;
* what is told to people (`redaction`): what is one, by its form or by the word before it;
* cassettes (`keys`): only what can be nothing else, since what is cut out there is not played back.
"""

from __future__ import annotations

from typing import Final

MASK: Final = "[key]"
"""What stands where a key stood."""

DASHED: Final = ("sk", "pk", "rk", "xai", "pplx", "nvapi", "csk", "glpat", "pypi")
"""What stands before the ``-`` with which keys of providers begin."""

LINED: Final = (
    *("sk", "pk", "rk", "gsk", "hf", "r8", "fw", "tgp", "vck"),
    *("ghp", "gho", "ghu", "ghs", "ghr", "npm", "shpat"),
)
"""The same before a ``_``."""

BEGINNINGS: Final = (*(f"{one}-" for one in DASHED), *(f"{one}_" for one in LINED))
"""How keys of providers begin; but for Google's, which have no sign there."""


def provider_key(shortest: int, *, more: str = "") -> str:
    """Pattern of a key by how its provider begins it.

    Args:
        shortest: How many characters follow its beginning, at least.
        more: Further characters that may, as they stand in the brackets of a pattern.
    """
    begins = f"(?:{'|'.join(DASHED)})-|(?:{'|'.join(LINED)})_"
    return rf"(?<![A-Za-z0-9])(?:{begins})[A-Za-z0-9_\-{more}]{{{shortest},}}"


def google_key(shortest: int, *, more: str = "") -> str:
    """Pattern of a key of Google's; the arguments are those of `provider_key`."""
    return rf"(?<![A-Za-z0-9])AIza[A-Za-z0-9_\-{more}]{{{shortest},}}"


def carried(scheme: str, shortest: int) -> str:
    """Pattern of what a header carries behind the word ``Bearer`` or ``Basic``, which stays."""
    first, rest = scheme[0], scheme[1:]
    return rf"(?<=\b[{first.upper()}{first.lower()}]{rest}[ ])[A-Za-z0-9._~+/=\-]{{{shortest},}}"
