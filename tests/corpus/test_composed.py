"""Composed rows: as many as asked, the same every time, labelled by their subject alone."""

from __future__ import annotations

from corpus import labelled
from corpus.composed import composed
from corpus.taxonomy import read_taxonomy


def test_rows_are_as_many_as_asked_and_the_same_every_time() -> None:
    rows = composed(40, 20)
    assert [sum(not row.labels for row in rows), sum(bool(row.labels) for row in rows)] == [40, 20]
    assert rows == composed(40, 20)
    assert len({row.id for row in rows}) == 60


def test_what_a_campaign_is_about_decides() -> None:
    rows = composed(400, 200)
    sentences = {row.document: {other.labels for other in rows if other.document == row.document} for row in rows}
    # The same sentence is there with and without the label.
    assert all(frozenset() in labels and len(labels) > 1 for labels in sentences.values())
    assert all("awareness" in row.labels for row in rows if row.labels)
    assert all("{" not in row.text for row in rows)


def test_labels_are_task_groups_and_documents_no_ones_elses() -> None:
    rows = composed()
    assert set().union(*(row.labels for row in rows)) <= {group.key for group in read_taxonomy()}
    assert not {row.document for row in rows} & {row.document for row in labelled.paragraphs()}
    assert not {row.text for row in rows} & {row.text for row in labelled.paragraphs()}
