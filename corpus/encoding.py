"""Turn bytes into Unicode text: UTF-8, UTF-16, windows-1258, and the codes used before Unicode, TCVN3 and VNI."""

from __future__ import annotations

import re

import viparse

from nlp.normalize import normalize
from nlp.spacing import is_syllable

# Share of letters that only Vietnamese has. Running text has about one in five; under the lower bound a whole document
# cannot be Unicode Vietnamese, and only then may a repair be tried: it spoils short texts that are right.
_READABLE = 0.03
_UNREADABLE = 0.002
# Telling the code of a text takes a second for a million characters.
_SAMPLE = 100_000
_STRETCH = 1000
_STRANGE = "\xa1-\xbfÄ-ÇËÎÏÐÑÖ×ØÛÜÞßä-çëîïðñö÷øûüþÿ\u2212\u2219"
_STRANGE_LETTER = re.compile(f"[a-zA-Z][{_STRANGE}]|[{_STRANGE}][a-zA-Z]")


class EncodingError(ValueError):
    """Bytes that are no text in an accepted encoding; the message says why."""


def decode(data: bytes) -> str:
    """Return ``data`` as text. Raises EncodingError for empty, binary or otherwise encoded bytes."""
    if not data.strip():
        raise EncodingError("it is empty")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise EncodingError(f"it starts as UTF-16 but breaks at byte {error.start}") from error
    if b"\x00" in data:
        raise EncodingError(f"it is binary, not text: a zero at byte {data.index(0)}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _decode_single_bytes(data, error.start)


def _decode_single_bytes(data: bytes, broken_at: int) -> str:
    # These decode almost any bytes, so what comes out has to look Vietnamese.
    text = normalize(data.decode("cp1258", errors="replace"))
    if "\ufffd" not in text and _looks_vietnamese(text):
        return text
    # TCVN3 writes "ư" with the byte of the soft hyphen, which normalising would take away: repaired first.
    repaired, name = repair(data.decode("cp1252", errors="replace"))
    if name:
        return repaired
    raise EncodingError(
        f"unknown encoding: UTF-8 breaks at byte {broken_at}; accepted are UTF-8, UTF-16 with a byte-order mark, "
        "windows-1258, TCVN3 and VNI"
    )


def repair(text: str) -> tuple[str, str | None]:
    """Return ``text`` put into Unicode from TCVN3 or VNI and the name of the code; unchanged and None where it is not in one.

    The share of Vietnamese letters in the whole text decides, so give it the whole document.
    """
    if _share(text) >= _UNREADABLE or not _has_strange_words(text):
        return text, None
    name = viparse.detect_text_encoding(_sample(text))
    if name not in ("tcvn3", "vni"):
        return text, None
    # Line by line: viparse takes form feeds and the line ends around a text away.
    repaired = re.sub(r"[^\n\f]+", lambda line: str(viparse.fix(line[0], encoding=name)), text)
    return (repaired, name) if _looks_vietnamese(repaired) else (text, None)


def _has_strange_words(text: str) -> bool:
    """Tell whether many words hold signs that Vietnamese has not, which a "5 µg" or a "niño" alone does not show."""
    words = text.split()
    strange = sum(bool(_STRANGE_LETTER.search(word)) for word in words)
    return strange >= 3 and 10 * strange >= len(words)


def _sample(text: str) -> str:
    """Return enough of a long text to tell its code: stretches from all over it."""
    step = max(1, len(text) // _SAMPLE)
    return "".join(text[start : start + _STRETCH] for start in range(0, len(text), step * _STRETCH))


def _looks_vietnamese(text: str) -> bool:
    """Tell whether what a decoding gave is Vietnamese: letters that only it has, words built like its syllables."""
    words = re.findall(r"[^\W\d_]+", _sample(text))
    return _share(text) > _READABLE and 2 * sum(map(is_syllable, words)) > len(words)


def _share(text: str) -> float:
    """Return the share of the letters of ``text`` that Vietnamese alone has."""
    letters = sum(c.isalpha() for c in text)
    vietnamese = sum("\u1ea0" <= c <= "\u1ef9" or c in "ăđơưĂĐƠƯ" for c in text)
    return vietnamese / letters if letters else 0.0
