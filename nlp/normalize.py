"""Bring text to one written form without changing what it says."""

from __future__ import annotations

import re
import unicodedata

_LITERAL_BREAKS = re.compile(r"(?:\\r\\n|\\n|\\r)(?![a-zA-Z])")
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SPACES = re.compile(r"[^\S\n]+")
_LINE_BREAKS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")


def normalize(text: str) -> str:
    r"""Return ``text`` in NFC with ``\n`` line ends, single spaces, and no control, invisible or surrogate characters.

    Written-out ``\r\n``, left by scrapers, become line ends. Lines are stripped; their number is kept.
    """
    text = _LITERAL_BREAKS.sub("\n", text)
    text = _LINE_BREAKS.sub("\n", text).translate(_INVISIBLE)
    text = "".join(c if c == "\n" or c.isprintable() else " " for c in text)
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    return "\n".join(line.strip() for line in text.split("\n"))
