"""The JSON forms of DESIGN's contract, the same on the command line and over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus.numbers import is_party_number
from corpus.store import StoredDocument, StoredParagraph
from corpus.types import Document, Metadata, Tag, Target

if TYPE_CHECKING:
    from index.align import Side
    from index.search import Hit, Result
    from models.explain import Explanation
    from models.similarity import Match
    from models.tagger import Tagger
    from service.comparing import Compared
    from service.ingest import FileReport

Form = dict[str, Any]


def tag_form(tag: Tag) -> Form:
    """Return a tag."""
    return {"task_group": tag.task_group, "probability": tag.probability, "assigned": tag.assigned}


def judged_tag_form(tag: Tag, tagger: Tagger) -> Form:
    """Return a tag and whether its probability is so near the threshold that a person should look."""
    return {**tag_form(tag), "unsure": tagger.is_unsure(tag)}


def explanation_form(explanation: Explanation) -> Form:
    """Return why a text has a probability of a task group; spans are offsets into the text that was explained."""
    return {
        "task_group": explanation.group,
        "probability": round(explanation.probability, 4),
        "assigned": explanation.assigned,
        "clause": {
            "span": list(explanation.clause.span),
            "text": explanation.clause.text,
            "probability": round(explanation.clause.probability, 4),
        },
        "words": [
            {"text": word.text, "spans": [list(span) for span in word.spans], "weight": round(word.weight, 6)}
            for word in explanation.words
        ],
        "examples": [
            {"id": n.id, "text": n.text, "task_groups": list(n.labels), "similarity": round(n.similarity, 4)}
            for n in explanation.neighbours
        ],
    }


def target_form(target: Target) -> Form:
    """Return a target."""
    return {
        "indicator": target.indicator,
        "comparator": target.comparator,
        "values": list(target.values),
        "unit": target.unit,
        "deadline": target.deadline,
        "scope": target.scope,
        "span": list(target.span),
    }


def metadata_form(metadata: Metadata) -> Form:
    """Return a document's metadata."""
    return {
        "number": metadata.number,
        "type": metadata.type,
        "title": metadata.title,
        "province": metadata.province,
        "province_today": metadata.province_today,
        "issuing_body": metadata.issuing_body,
        "signer": metadata.signer,
        "date_issued": metadata.date_issued.isoformat() if metadata.date_issued else None,
        "period": list(metadata.period) if metadata.period else None,
        "based_on": list(metadata.based_on),
        "party_numbers": [number for number in metadata.based_on if is_party_number(number)],
        "page_title": metadata.page_title,
        "conflicts": list(metadata.conflicts),
        "evidence": {
            name: {"place": found.place, "confidence": found.confidence, "span": [found.start, found.end]}
            for name, found in metadata.evidence.items()
        },
    }


def inspection_form(
    document: Document, tags: Sequence[Sequence[Tag]], targets: Sequence[Sequence[Target]], tagger: Tagger
) -> Form:
    """Return all that is read from one document."""
    return {
        "id": document.id,
        "metadata": metadata_form(document.metadata),
        "paragraphs": [
            {
                "id": p.id,
                "heading_path": list(p.heading_path),
                "ordinal": p.ordinal,
                "kind": p.kind,
                "page": p.page,
                "agencies": list(p.agencies),
                "text": p.text,
                "tags": [judged_tag_form(tag, tagger) for tag in tags_of],
                "targets": [target_form(target) for target in targets_of],
            }
            for p, tags_of, targets_of in zip(document.paragraphs, tags, targets, strict=True)
        ],
        "notes": list(document.notes),
        "skipped": [{"text": s.text, "reason": s.reason, "line": s.line} for s in document.skipped],
    }


def paragraph_form(paragraph: StoredParagraph) -> Form:
    """Return a stored paragraph."""
    return {
        "paragraph_id": paragraph.id,
        "document_id": paragraph.document_id,
        "province": paragraph.province,
        "province_today": paragraph.province_today,
        "year": paragraph.year,
        "number": paragraph.number,
        "kind": paragraph.kind,
        "heading_path": list(paragraph.heading_path),
        "page": paragraph.page,
        "agencies": list(paragraph.agencies),
        "task_groups": list(paragraph.groups),
        "text": paragraph.text,
    }


def hit_form(hit: Hit) -> Form:
    """Return a search hit."""
    return {
        **paragraph_form(hit.paragraph),
        "score": hit.score,
        "snippet": hit.snippet.text,
        "marks": [list(mark) for mark in hit.snippet.marks],
        "reason": {"ranks": hit.ranks, "scores": hit.scores, "matched_words": hit.snippet.words},
    }


def result_form(result: Result) -> Form:
    """Return an answered query."""
    query = result.query
    return {
        "query": query.typed,
        "restored": query.restored,
        "corrected": query.corrected,
        "translated": query.translated,
        "province_named": query.province,
        "year_named": query.year,
        "hits": [hit_form(hit) for hit in result.hits],
        "facets": result.facets,
        "next_cursor": result.next_cursor,
        "took_ms": round(result.took_ms, 2),
        "model_id": result.embedder_id,
    }


def document_form(document: StoredDocument) -> Form:
    """Return a stored document."""
    return {
        "document_id": document.id,
        "source": document.source,
        "number": document.number,
        "type": document.type,
        "title": document.title,
        "province": document.province,
        "province_today": document.province_today,
        "issuing_body": document.issuing_body,
        "signer": document.signer,
        "date_issued": document.date_issued.isoformat() if document.date_issued else None,
        "year": document.year,
        "period": list(document.period) if document.period else None,
        "based_on": list(document.based_on),
        "notes": list(document.notes),
        "conflicts": list(document.conflicts),
        "paragraphs": document.paragraphs,
    }


def match_form(match: Match) -> Form:
    """Return how two clauses match."""
    return {
        "similarity": round(match.similarity, 4),
        "same_clause": match.same_clause,
        "probability": round(match.probability, 4),
    }


def side_form(side: Side) -> Form:
    """Return one clause of a comparison."""
    return {
        "paragraph_id": side.paragraph.id,
        "document_id": side.paragraph.document_id,
        "province": side.paragraph.province,
        "heading_path": list(side.paragraph.heading_path),
        "task_groups": list(side.paragraph.groups),
        "text": side.text,
        "national": side.national,
    }


def comparison_form(compared: Compared) -> Form:
    """Return the comparison of two provinces or plans."""
    comparison = compared.clauses
    return {
        "a": compared.a.name,
        "b": compared.b.name,
        "documents_a": list(compared.a.documents),
        "documents_b": list(compared.b.documents),
        "aligned": [
            {
                "a": side_form(pair.a),
                "b": side_form(pair.b),
                "similarity": pair.similarity,
                "shared": list(pair.shared),
                "differs": [{"kind": d.kind, "a": d.a, "b": d.b} for d in pair.differs],
                "changes": [{"a": c.a and list(c.a), "b": c.b and list(c.b)} for c in pair.changes],
                "also_a": [side_form(side) for side in pair.also_a],
                "also_b": [side_form(side) for side in pair.also_b],
                "national": pair.national,
            }
            for pair in comparison.aligned
        ],
        "only_a": [side_form(side) for side in comparison.only_a],
        "only_b": [side_form(side) for side in comparison.only_b],
    }


def report_form(report: FileReport) -> Form:
    """Return what became of one file."""
    return {
        "file": report.file,
        "outcome": report.outcome,
        "document_id": report.document_id,
        "paragraphs": report.paragraphs,
        "skipped": report.skipped,
        "reason": report.reason,
        "notes": list(report.notes),
    }
