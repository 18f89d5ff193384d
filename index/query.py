"""Understand what was typed: operators, the restored, corrected and translated forms, added terms, places and figures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from corpus.provinces import Province, find_provinces
from index.lexical import Words
from nlp.abbreviations import expand, reword, spell_out, translate
from nlp.fold import fold, has_diacritics
from nlp.normalize import normalize
from nlp.spelling import Speller

_YEAR = re.compile(r"(?<![\d.,/])(20[1-4]\d)(?![\d.,/]|\s*MW)")
_QUOTED = re.compile(r'(?<!\S)(-?)["“”]([^"“”]*[^\W_][^"“”]*)["“”]')
_MINUS = re.compile(r"(?<!\S)-([^\W\d_][^\s\"“”]*)")
# Texts of more than the first that run on like prose, and all of more than the second, are pasted passages, whose quotation
# marks and dashes are their own.
_MAX_QUERY_CHARACTERS, _MAX_OPERATOR_CHARACTERS = 160, 500
_PROSE = re.compile(r"[.;:!?…](?=\s|$)")
_NUMBER = re.compile(r"(?<![\w/])\d{1,5}/(?:\d{4}/)?[^\W\d_]{2,}(?:-[^\W\d_]{2,})*(?!\w)")
_FIGURE = re.compile(r"(?<![\w/.,])\d+(?:[.,]\d+)*(?![\w/]|[.,]\d)")


@dataclass(frozen=True)
class Query:
    """A query as typed and as understood.

    ``meanings`` are what the dense leg embeds, ``asked`` is the whole query in the words of plans. ``phrases`` must stand in a hit word for word, ``excluded`` must not.
    ``figures`` are the amounts, without the ``year``, and ``numbers`` the document numbers in it, folded. ``restored`` and ``corrected`` are the
    query with the diacritics it was typed without and with its slips put right, None where it is as typed.
    """

    typed: str
    meanings: tuple[str, ...]
    words: Words
    asked: str
    restored: str | None = None
    corrected: str | None = None
    translated: str | None = None
    province: str | None = None
    year: int | None = None
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def understand(text: str, speller: Speller) -> Query:
    """Return the query behind ``text``. Typed diacritics are kept, untyped ones restored, slips corrected.

    "..." asks for words as they stand, -word and -"..." leave out what has them; in a pasted passage, which is one of more
    than 500 characters or a sentence of more than 160, these signs say nothing.
    """
    typed = " ".join(normalize(text).split())
    wanted, phrases, excluded = _operators(typed)
    translated = translate(wanted)
    reading = None if translated else speller.read(wanted)
    read = reading.text if reading else wanted
    meant = translated or spell_out(read)
    expansions = expand(read)
    reworded = [] if translated else reword(read)
    meanings = [meant, *([wanted] if translated else []), *([", ".join(reworded)] if reworded else [])]
    added = (*expansions, *reworded, *([wanted] if translated else []))
    plain = not has_diacritics(wanted) and not translated
    sought = translated or read
    words = Words(fold(sought), sought if sought != wanted else "", added) if plain else Words(sought, "", added)
    provinces = _named_provinces(read if has_diacritics(wanted) else wanted)
    years = _YEAR.findall(wanted)
    year = years[0] if len(set(years)) == 1 else None
    numbers = tuple(fold(number) for number in _NUMBER.findall(wanted))
    figures = dict.fromkeys(_FIGURE.findall(_NUMBER.sub(" ", wanted)))
    return Query(
        typed,
        tuple(meanings) if wanted else (),
        replace(words, excluded=excluded),
        fold(meant) if plain else meant,
        restored=read if read != wanted and reading and not reading.corrected else None,
        corrected=read if reading and reading.corrected else None,
        translated=translated or None,
        province=provinces[0].name if provinces else None,
        year=int(year) if year else None,
        phrases=phrases,
        excluded=excluded,
        figures=tuple(figure for figure in figures if figure != year),
        numbers=numbers,
    )


def _operators(typed: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return what is looked for, without the signs of its operators, the quoted phrases, and what is excluded.

    A pasted passage has no operators, and is looked for as it is: a text of more than 500 characters, or of more than 160
    that has the stop, colon or semicolon of a sentence outside quotation marks.
    """
    if _is_passage(typed):
        return typed, (), ()
    quoted = [(minus, phrase.strip()) for minus, phrase in _QUOTED.findall(typed)]
    rest = _QUOTED.sub(lambda match: "" if match[1] else match[2], typed)
    excluded = [phrase for minus, phrase in quoted if minus] + _MINUS.findall(rest)
    wanted = " ".join(_MINUS.sub("", rest).split())
    phrases = dict.fromkeys(phrase for minus, phrase in quoted if not minus)
    return wanted, tuple(phrases), tuple(dict.fromkeys(excluded))


def _is_passage(typed: str) -> bool:
    if len(typed) > _MAX_OPERATOR_CHARACTERS:
        return True
    return len(typed) > _MAX_QUERY_CHARACTERS and bool(_PROSE.search(_QUOTED.sub(" ", typed)))


def _named_provinces(typed: str) -> list[Province]:
    """Return the provinces named in a query, where capitals are often left out."""
    if typed != typed.lower() or not has_diacritics(typed):
        return [province for _, _, province in find_provinces(typed)]
    # "hòa bình" in small letters is peace.
    return [province for _, _, province in find_provinces(typed.title()) if province.name != "Hòa Bình"]
