"""Spoil texts the way scanning and careless typing do: to measure what a model loses by it, and to train it against that."""

from __future__ import annotations

import random
import unicodedata
import zlib

from nlp.fold import fold

# Of a hundred letters four are wrong on a hard page (results/reading.md has the engine's rates).
RATE = 0.04
_GLUED = 0.02
_LINE = 80
_ALIKE = {
    "l": "1",
    "i": "l",
    "o": "0",
    "m": "rn",
    "c": "e",
    "b": "h",
    "h": "b",
    "u": "ii",
    "g": "q",
    "O": "0",
    "I": "1",
}
_LETTERS = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵdđ"
_MARKED: dict[str, str] = {}
for _letter in _LETTERS:
    _MARKED[fold(_letter)] = _MARKED.get(fold(_letter), "") + _letter


def scanned(text: str, key: str) -> str:
    """Return ``text`` as a poor scan gives it, always the same for the same ``key``.

    Four letters in a hundred are replaced: half by the same letter with other diacritics, a quarter by one that looks
    alike, the rest dropped. Two spaces in a hundred are lost, and lines are broken after about 80 characters.
    """
    # Noise must be repeatable, not secret.
    chance = random.Random(zlib.crc32(key.encode()))  # noqa: S311
    out: list[str] = []
    column = 0
    for letter in unicodedata.normalize("NFC", text):
        column += 1
        if letter == " " and column > _LINE:
            out.append("\n")
            column = 0
        elif letter == " " and chance.random() < _GLUED:
            continue
        elif letter.isalpha() and chance.random() < RATE:
            out.append(_misread(letter, chance))
        else:
            out.append(letter)
    return "".join(out)


def _misread(letter: str, chance: random.Random) -> str:
    how = chance.random()
    if how < 0.5 and (others := _MARKED.get(fold(letter), "").replace(letter.lower(), "")):
        other = chance.choice(others)
        return other.upper() if letter.isupper() else other
    return _ALIKE.get(letter, letter) if how < 0.75 else ""


def bare(text: str) -> str:
    """Return ``text`` without diacritics, its capitals kept."""
    parts = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in parts if not unicodedata.combining(c))
