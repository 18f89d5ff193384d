"""Put back the spaces that scraping and scanning dropped: "09/9/2009của", "TỈNHQUẢNG", "bao bì;túi"."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from nlp.fold import fold, has_diacritics

# What a syllable may begin with and what may follow, without diacritics.
_ONSETS = "ngh ng gh gi kh nh ph qu th tr ch b c d g h k l m n p r s t v x".split()
_RIMES = frozenset(
    "a ai am an ang anh ao ap at ac ach au ay e em en eng enh eo ep et ec ech eu i ia iem ien ieng iep iet iec ieu im in inh ip it ich iu "
    "o oa oai oam oan oang oanh oao oap oat oac oach oay oe oen oeo oet oi om on ong oong op ot oc u ua uan uang uat uay uc ue uenh uech ui um "
    "un ung uo uoi uom uon uong uop uot uoc uou up ut uu uy uya uyen uyet uynh uych uyt uyu y yem yen yeng yet yeu".split()
)
_TOKENS = re.compile(r"(\s+)")
_ADDRESS = re.compile(r"//|@|www\.")
_WORD = re.compile(r"[^\W\d_]{5,24}")
_SHARP, _HEAVY = "\u0301", "\u0323"
_TONES = frozenset({"\u0300", "\u0303", "\u0309", _SHARP, _HEAVY})
# Words from other languages, written together.
_LOANS = frozenset(
    "nilông nylông madút mazút cácbon bôxít vắcxin vácxin ximăng ôxít ôzôn ôtô axít nitơ côngtenơ môtơ".split()
)
# Rimes that end so take these two tones only.
_STOPS = ("p", "t", "c", "ch")
# A digit against a letter, as in "2009của"; "5G", "m2", "CO2", "1a" and "04tháng" before a unit are written so or harmless.
_AFTER_DIGIT = re.compile(
    r"(?<=\d{2})(?=[a-zà-ỹđ]{2,}(?<!m2)(?!\w))(?!(?:kwh?|mwh?|mwp|kwp|gw|twh|ha|kg|km|cm|mm|ml|kv|tr|đ|toe|mva|kva|kwp|mpa|bar|ppm)\b)",
    re.I,
)
_AFTER_MARK = re.compile(r"(?<=[a-zà-ỹđ])([;,])(?=[^\W\d_])|(?<=[a-zà-ỹđ]{2})([.:])(?=[A-ZĐÀ-Ỹ][a-zà-ỹđ])")


def respace(text: str) -> str:
    """Return ``text`` with the missing spaces put in; nothing else changes.

    Two syllables stuck together are parted only where they can be parted in one way and are no syllable together.
    """
    return "".join(part if _ADDRESS.search(part) else _respaced(part) for part in _TOKENS.split(text))


def _respaced(text: str) -> str:
    text = _AFTER_MARK.sub(lambda match: f"{match.group()} ", text)
    return _WORD.sub(lambda match: _parted(match.group()), _AFTER_DIGIT.sub(" ", text))


@lru_cache(maxsize=20_000)
def _parted(word: str) -> str:
    if not has_diacritics(word) or is_syllable(word) or word.lower() in _LOANS:
        return word
    joints = [cut for cut in range(2, len(word)) if word[cut - 1].islower() and word[cut].isupper()]
    cuts = joints or range(1 if has_diacritics(word[0]) else 2, len(word) - 1)
    # A rest that begins with a vowel is more often the end of a misspelt syllable.
    rests = (cut for cut in cuts if is_syllable(word[:cut]) and fold(word[cut]) not in "aeiouy")
    ways = [cut for cut in rests if joints or is_syllable(word[cut:])]
    return f"{word[: ways[0]]} {word[ways[0] :]}" if len(ways) == 1 else word


@lru_cache(maxsize=20_000)
def is_syllable(word: str) -> bool:
    """Tell whether ``word`` is built like a Vietnamese syllable: an onset, a rime, and a tone that the rime takes."""
    bare = fold(word)
    if len(bare) == 1 and not has_diacritics(word):
        return False
    onsets = ("", *_ONSETS, *(("g",) if bare.startswith("gi") else ()))
    rime = next((bare[len(o) :] for o in onsets if bare.startswith(o) and bare[len(o) :] in _RIMES), None)
    tones = [c for c in unicodedata.normalize("NFD", word) if c in _TONES]
    return rime is not None and len(tones) <= 1 and (not rime.endswith(_STOPS) or tones in ([_SHARP], [_HEAVY]))
