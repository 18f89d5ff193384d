"""Write documents and analyses as JSON values and read them back."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from corpus.stored import Analysis
from corpus.types import Document, Tag, Target

Form = dict[str, Any]


@cache
def _documents() -> TypeAdapter[Document]:
    return TypeAdapter(Document)


@cache
def _judgements() -> TypeAdapter[tuple[list[Tag], list[Target]]]:
    return TypeAdapter(tuple[list[Tag], list[Target]])


def document_form(document: Document) -> Form:
    """Return a document as JSON values."""
    form: Form = _documents().dump_python(document, mode="json")
    return form


def document_from(form: Form) -> Document:
    """Return the document that ``document_form`` wrote. Raises pydantic.ValidationError, a ValueError, for another form."""
    return _documents().validate_python(form)


def analysis_form(analysis: Analysis) -> list[Any]:
    """Return the tags and targets of an analysis as JSON values; its vector can be made again."""
    form: list[Any] = _judgements().dump_python((list(analysis.tags), list(analysis.targets)), mode="json")
    return form


def analysis_from(form: list[Any]) -> Analysis:
    """Return the analysis that ``analysis_form`` wrote, with an empty vector."""
    tags, targets = _judgements().validate_python(form)
    return Analysis(tags, targets, np.zeros(0, np.float32))
