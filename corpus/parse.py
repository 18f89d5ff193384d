"""Make a document of a source: metadata, boilerplate left out with reasons, paragraphs with kinds and permalinks."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import cast, get_args

from corpus import clean, structure
from corpus.agencies import acting_agencies
from corpus.kinds import kind_of
from corpus.metadata import read_metadata
from corpus.provinces import province_named
from corpus.read import Source
from corpus.ready import ReadyParagraph
from corpus.types import Document, Kind, Metadata, Paragraph, Skipped
from nlp.fold import fold


def parse(source: Source) -> Document:
    """Return the document that ``source`` holds."""
    lines = clean.split_lines(source.text)
    boilerplate = clean.boilerplate(lines)
    header = read_metadata(lines, boilerplate)
    reasons = boilerplate | header.lines
    blocks = structure.paragraphs([line for line in lines if line.number not in reasons], header.parts)
    document_id = permalink(header.metadata, source)
    paragraphs = []
    numbered = False
    for ordinal, block in enumerate(blocks, 1):
        numbered = numbered or block.is_heading or bool(block.heading_path)
        kind = kind_of(block, official=header.official, numbered_before=numbered)
        page = bisect_right(source.pages, block.start) or None
        agencies = acting_agencies(block.text, block.heading_path) if kind == "assignment" else ()
        paragraphs.append(
            Paragraph(f"{document_id}#{block.anchor}", ordinal, block.text, kind, block.heading_path, block.is_heading,
                      block.start, block.end, page, agencies)
        )  # fmt: skip
    skipped = tuple(Skipped(line.text, reasons[line.number], line.number) for line in lines if line.number in reasons)
    return Document(
        document_id, source.name, source.sha256, header.metadata, tuple(paragraphs), skipped, source.text, source.notes
    )


def permalink(metadata: Metadata, source: Source) -> str:
    """Return the document's id, such as ``cao-bang/1043-kh-ubnd-2021``.

    Without a number the title serves, told from like ones by a hash of all its words: a new version of the same text
    under the same title keeps its id.
    """
    province = province_named(metadata.province) if metadata.province else None
    place = province.slug if province else "toan-quoc"
    if metadata.number:
        year = f"-{metadata.year}" if metadata.year and str(metadata.year) not in metadata.number else ""
        return f"{place}/{_slug(metadata.number)}{year}"
    name = _slug(metadata.title or source.name)
    words = "-".join(name.split("-")[:8])
    return f"{place}/{words}-{hashlib.sha256(f'{name} {metadata.date_issued or metadata.period}'.encode()).hexdigest()[:8]}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")


def ready_documents(rows: Iterable[ReadyParagraph], source: str, sha256: str) -> Iterator[Document]:
    """Yield a document for every ``doc`` of ready paragraphs; rows of one doc should stand together."""
    for doc, group in groupby(rows, key=lambda row: row.doc):
        members = list(group)
        province = province_named(members[0].province) if members[0].province else None
        year = members[0].year
        metadata = Metadata(
            title=doc,
            province=province.name if province else members[0].province,
            province_today=province.today if province else members[0].province,
            period=(year, year) if year else None,
        )
        paragraphs = tuple(
            Paragraph(row.id, ordinal, row.text, _kind(row.kind), row.heading_path, start=0, end=len(row.text))
            for ordinal, row in enumerate(members, 1)
            if row.text
        )
        yield Document(doc, source, sha256, metadata, paragraphs)


def _kind(kind: str | None) -> Kind:
    return cast(Kind, kind) if kind in get_args(Kind) else "task"
