"""Bring text to one written form without changing what it says."""

from __future__ import annotations

import re
import unicodedata

_LITERAL_BREAKS = re.compile(r"\\r\\n|\\[rn](?![a-z])")
# Soft hyphen, zero-width characters, marks of writing direction.
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF])
# Composing takes the square of the number of marks on one letter; no language puts on this many.
_MARKS = re.compile("([\u0300-\u036f]{30})[\u0300-\u036f]+")
_SPACES = re.compile(r"[^\S\n]+")
_LINE_BREAKS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")


def normalize(text: str) -> str:
    r"""Return ``text`` in NFC with ``\n`` line ends, single spaces, and no control, invisible or surrogate characters.

    Written-out ``\r\n``, left by scrapers, become line ends. Lines are stripped; their number is kept.
    """
    text = unicodedata.normalize("NFC", _MARKS.sub(r"\1", text.translate(_INVISIBLE)))
    text = _LINE_BREAKS.sub("\n", _LITERAL_BREAKS.sub("\n", text))
    text = _SPACES.sub(" ", "".join(c if c == "\n" or c.isprintable() else " " for c in text))
    return "\n".join(line.strip() for line in text.split("\n"))
