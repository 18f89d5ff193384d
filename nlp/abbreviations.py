"""Expand the acronyms of the field and translate its English terms, both from data files beside this module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from nlp.fold import fold, has_diacritics, words


@dataclass(frozen=True)
class Term:
    """A short or foreign form and the Vietnamese it stands for."""

    form: str
    meaning: str


@cache
def abbreviations() -> dict[str, str]:
    """Return acronym (folded) to its Vietnamese expansion, from ``abbreviations.tsv``."""
    return {fold(term.form): term.meaning for term in _read("abbreviations.tsv")}


@cache
def glossary() -> dict[str, str]:
    """Return English term (lower case, as ``translate`` reads it) to its Vietnamese, from ``glossary.tsv``."""
    return {" ".join(_tokens(term.form)): term.meaning for term in _read("glossary.tsv")}


@cache
def everyday() -> dict[str, str]:
    """Return everyday or regional word (folded) to the wording of plans, from ``everyday.tsv``."""
    return {fold(term.form): term.meaning for term in _read("everyday.tsv")}


@cache
def _everyday_accented() -> dict[str, str]:
    return {term.form: term.meaning for term in _read("everyday.tsv")}


def reword(query: str) -> list[str]:
    """Return the wording of plans for the everyday words in ``query``, longest first and each stretch once.

    Diacritics must agree where the query has any.
    """
    known, spoken = (_everyday_accented(), words(query)) if has_diacritics(query) else (everyday(), words(fold(query)))
    found, position = [], 0
    while position < len(spoken):
        for length in range(min(_LONGEST, len(spoken) - position), 0, -1):
            meaning = known.get(" ".join(spoken[position : position + length]))
            if meaning:
                found.append(meaning)
                position += length
                break
        else:
            position += 1
    return list(dict.fromkeys(found))


def _read(name: str) -> list[Term]:
    lines = files("nlp").joinpath(name).read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [Term(form.strip(), meaning.strip()) for form, meaning in rows]


def expand(query: str) -> list[str]:
    """Return the expansions of the acronyms in ``query``, and the acronyms of the phrases it spells out."""
    typed = words(fold(query))
    # TN&MT is TNMT.
    acronyms = typed + words(_AMPERSAND.sub("", fold(query)))
    found = [abbreviations()[word] for word in acronyms if word in abbreviations()]
    spelled = f" {' '.join(typed)} "
    found += [form for form, phrase in _spelled_out().items() if phrase in spelled]
    return list(dict.fromkeys(found))


def spell_out(query: str) -> str:
    """Return ``query`` with its acronyms replaced by what they stand for."""
    return _WORD.sub(
        lambda match: abbreviations().get(fold(match.group()).replace("&", ""), match.group()),
        _AMPERSAND.sub("&", query),
    )


@cache
def _spelled_out() -> dict[str, str]:
    """Return acronym (folded) to the folded words it stands for, between spaces."""
    return {form: f" {' '.join(words(fold(meaning)))} " for form, meaning in abbreviations().items()}


def translate(query: str) -> str:
    """Return the Vietnamese of the English terms in ``query``, longest terms first, or "" when it is not English.

    A query counts as English when it has no diacritics and glossary terms cover at least as many words as may be Vietnamese
    syllables or are acronyms. English function words, names (capitals after the first word) and words that Vietnamese has
    borrowed count for neither side.
    """
    if has_diacritics(query):
        return ""
    names = {name.lower() for name in _NAME.findall(query)}
    tokens = _tokens(query)
    translated, english, other, position = [], 0, 0, 0
    while position < len(tokens):
        length, meaning = _longest_term(tokens[position : position + _LONGEST])
        word = tokens[position]
        if meaning:
            translated.append(meaning)
            english += 0 if word in words(fold(meaning)) and length == 1 else length
        elif word in abbreviations() or (_SYLLABLE.fullmatch(word) and word not in _FUNCTION_WORDS | names):
            other += 1
        position += length
    return " ".join(translated) if english and english >= other else ""


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(_POSSESSIVE.sub("", text.lower()))


def _longest_term(tokens: list[str]) -> tuple[int, str]:
    """Return the length and the Vietnamese of the longest term that ``tokens`` begin with, or (1, "")."""
    for length in range(len(tokens), 0, -1):
        for form in _base_forms(" ".join(tokens[:length])):
            if form in glossary():
                return length, glossary()[form]
    return 1, ""


def _base_forms(term: str) -> list[str]:
    """Return ``term`` and what it may be a plural, participle or gerund of."""
    return [term, *(term.removesuffix(end) + base for end, base in _ENDINGS if term.endswith(end))]


_LONGEST = 5
# TN&MT is one word; the letters of 889/QĐ-TTg are part of a number.
_WORD = re.compile(r"(?<![\w/-])[^\W_]+(?:&[^\W_]+)*(?![\w/-])")
_TOKEN = re.compile(r"[a-z0-9%]+")
# What a Vietnamese syllable looks like without its diacritics.
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|gh|gi|kh|ch|ph|th|tr|qu|[bcdghklmnpqrstvx])?"
    r"(?:oai|oay|oeo|uoi|uou|uay|uya|uye|uyu|yeu|ieu|[aeo][iouy]|[iouy][aeiouy]|oa|[aeiouy])"
    r"(?:ch|nh|ng|[cmnpt])?"
)
_POSSESSIVE = re.compile(r"['’]s?\b|(?<=s)['’]")
_NAME = re.compile(r"(?<=\s)[A-Z][A-Za-z]*")
_AMPERSAND = re.compile(r"\s*&\s*")
_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"))
_FUNCTION = (
    "a an and are as at be by can do does for from how in is it of on or shall should that the their there these they "
    "this to was what when where which who will with must have has had not no more than into about"
)
_FUNCTION_WORDS = frozenset(_FUNCTION.split())
