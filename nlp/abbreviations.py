"""Expand the acronyms of the field and translate its English terms, both from data files beside this module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from nlp.fold import fold, words


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
    """Return English term (lower case) to its Vietnamese translation, from ``glossary.tsv``."""
    return {term.form.lower(): term.meaning for term in _read("glossary.tsv")}


def _read(name: str) -> list[Term]:
    lines = files("nlp").joinpath(name).read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [Term(form.strip(), meaning.strip()) for form, meaning in rows]


def expand(query: str) -> list[str]:
    """Return the expansions of the acronyms in ``query``, and the acronyms of the phrases it spells out."""
    folded_words = [fold(word) for word in words(query)]
    spelled = f" {' '.join(folded_words)} "
    found = [abbreviations()[word] for word in folded_words if word in abbreviations()]
    return found + [form for form, meaning in abbreviations().items() if f" {fold(meaning)} " in spelled]


def translate(query: str) -> str:
    """Return the Vietnamese of the English terms in ``query``, longest terms first, or "" when it is not English.

    A query counts as English when it has no diacritics and glossary terms cover at least half of its words.
    """
    lowered = query.lower()
    if lowered != fold(lowered):
        return ""
    tokens = re.findall(r"[a-z0-9%]+", lowered)
    translated, covered, position = [], 0, 0
    while position < len(tokens):
        for length in range(min(5, len(tokens) - position), 0, -1):
            meaning = _meaning(tokens[position : position + length])
            if meaning is not None:
                translated.append(meaning)
                covered += length
                position += length
                break
        else:
            position += 1
    stop = sum(token in _FUNCTION_WORDS for token in tokens)
    return " ".join(translated) if covered and 2 * covered >= len(tokens) - stop else ""


def _meaning(tokens: list[str]) -> str | None:
    for form in _singular_forms(" ".join(tokens)):
        if form in glossary():
            return glossary()[form]
    return None


def _singular_forms(term: str) -> list[str]:
    forms = [term]
    if term.endswith("ies"):
        forms.append(term[:-3] + "y")
    if term.endswith("es"):
        forms.append(term[:-2])
    if term.endswith("s"):
        forms.append(term[:-1])
    return forms


_FUNCTION_WORDS = frozenset(
    "a an and are as at be by can do does for from how in is it of on or shall should that the their there these they "
    "this to was what when where which who will with must have has had not no more than into about".split()
)
