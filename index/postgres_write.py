"""Write paragraphs into the tables of a generation on PostgreSQL: in bulk, and those that changed; and list them by term."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import psycopg
import sqlalchemy as sa
from numpy.typing import NDArray

from corpus.feed import Entry
from corpus.provinces import region_of
from index.bm25 import MOST, PLACES, Means, place_of, weights
from index.columns import Facts
from index.lexical import fields_of

# A weight fills the lower bits of a posting.
WEIGHT_BITS = 16
SCALE = ((1 << WEIGHT_BITS) - 1) / MOST
_FACTS = "key, digest, document_id, province, province_today, region, type, kind, groups, year, first_year, last_year, has_target"
# Binary COPY: signature, flags, no extension; the end is a row of -1 columns.
_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_INT8 = 20
_BUFFER = 1_000_000


@dataclass(frozen=True)
class Row:
    """A paragraph as the tables hold it; ``digest`` is that of its words and vector."""

    entry: Entry
    terms: NDArray[np.int64]
    weights: NDArray[np.float32]
    digest: int

    @property
    def key(self) -> int:
        """The key of the paragraph."""
        return self.entry.paragraph.key


def row_of(entry: Entry, means: Means) -> Row:
    """Return the row of ``entry``."""
    fields = fields_of(entry)
    found = weights(fields, means)
    digest = blake2b(repr(sorted(fields.items())).encode("utf-8", "replace"), digest_size=8)
    if entry.vector is not None:
        digest.update(entry.vector.tobytes())
    return Row(
        entry,
        np.fromiter(found.keys(), np.int64, len(found)),
        np.fromiter(found.values(), np.float32, len(found)),
        int.from_bytes(digest.digest(), signed=True),
    )


def insert(connection: sa.Connection, schema: str, rows: Sequence[Row], segment: int | None = None) -> None:
    """Add paragraphs that are not there; ``segment`` is that of the lists they are in."""
    _insert_facts(connection, schema, rows)
    _insert_words(connection, schema, rows, segment)


def replace(connection: sa.Connection, schema: str, keys: Sequence[int], rows: Sequence[Row]) -> int:
    """Put ``rows`` in the place of whatever is there of ``keys``; return by how many paragraphs there are more now.

    A paragraph whose words and vector stayed is left in the lists and in the graph of vectors.
    """
    gone = connection.execute(
        sa.text(f"delete from {schema}.facts where key = any(:keys) returning key, digest"),
        {"keys": list(keys)},
    ).all()
    before = {row.key: row.digest for row in gone}
    fresh = [row for row in rows if before.get(row.key) != row.digest]
    stays = {row.key for row in rows} - {row.key for row in fresh}
    for table in ("vectors", "forward"):
        connection.execute(
            sa.text(f"delete from {schema}.{table} where key = any(:keys)"),
            {"keys": [key for key in before if key not in stays]},
        )
    _insert_facts(connection, schema, rows)
    _insert_words(connection, schema, fresh, None)
    return len(rows) - len(before)


def _insert_facts(connection: sa.Connection, schema: str, rows: Iterable[Row]) -> None:
    with _cursor(connection) as cursor, cursor.copy(f"copy {schema}.facts ({_FACTS}) from stdin") as copy:
        for row in rows:
            facts, document = Facts.of(row.entry), row.entry.paragraph.document_id
            first, last = facts.period or (None, None)
            copy.write_row(
                (
                    row.key, row.digest, document, facts.province, facts.province_today, region_of(facts.province), facts.type,
                    facts.kind, list(facts.groups), facts.year, first, last, facts.has_target,
                )
            )  # fmt: skip


def _insert_words(connection: sa.Connection, schema: str, rows: Sequence[Row], segment: int | None) -> None:
    vectors = (_fields(_int4(row.key), _halfvec(row.entry.vector)) for row in rows if row.entry.vector is not None)
    _copy(connection, f"{schema}.vectors (key, vector)", vectors)
    within = None if segment is None else _int4(segment)
    forward = (_fields(_int4(row.key), within, _sparsevec(row.terms, row.weights)) for row in rows)
    _copy(connection, f"{schema}.forward (key, segment, weights)", forward)


def add_lists(connection: sa.Connection, schema: str, segment: int, rows: Sequence[Row]) -> None:
    """Add a segment of lists of ``rows``, whose keys ascend."""
    counts = [len(row.terms) for row in rows]
    if not sum(counts):
        return
    terms = np.concatenate([row.terms for row in rows])
    levels = np.rint(np.concatenate([row.weights for row in rows]) * SCALE).astype(np.int64)
    postings = np.repeat(np.array([row.key for row in rows], np.int64), counts) << WEIGHT_BITS | levels
    # Stable, so that the postings of a term keep ascending.
    order = np.argsort(terms, kind="stable")
    terms, postings = terms[order], postings[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(terms)) + 1, [len(terms)]])
    elements = np.empty(len(postings), np.dtype([("length", ">i4"), ("value", ">i8")]))
    elements["length"], elements["value"] = 8, postings
    _copy(connection, f"{schema}.lists (term, segment, count, postings)", _lists(terms, starts, elements, segment))


def _lists(
    terms: NDArray[np.int64], starts: NDArray[np.int64], elements: NDArray[Any], segment: int
) -> Iterator[bytes]:
    data, width, within = memoryview(elements.tobytes()), elements.itemsize, _int4(segment)
    bounds = starts.tolist()
    for term, start, end in zip(terms[starts[:-1]].tolist(), bounds, bounds[1:], strict=False):
        count = end - start
        array = struct.pack(">iiiii", 1, 0, _INT8, count, 1) + data[start * width : end * width]
        yield _fields(struct.pack(">q", term), within, _int4(count), array)


def _halfvec(vector: NDArray[np.float32]) -> bytes:
    return struct.pack(">hh", len(vector), 0) + vector.astype(">f2").tobytes()


def _sparsevec(terms: NDArray[np.int64], found: NDArray[np.float32]) -> bytes:
    places, where = np.unique(np.array([place_of(term) for term in terms.tolist()], np.int64), return_inverse=True)
    sums = np.bincount(where, found, len(places))
    head = struct.pack(">iii", PLACES, len(places), 0)
    return head + places.astype(">i4").tobytes() + sums.astype(">f4").tobytes()


def _int4(value: int) -> bytes:
    return struct.pack(">i", value)


def _fields(*values: bytes | None) -> bytes:
    """Return a row of binary COPY; None is null."""
    parts = [struct.pack(">h", len(values))]
    for value in values:
        parts += [b"\xff\xff\xff\xff"] if value is None else [_int4(len(value)), value]
    return b"".join(parts)


def _copy(connection: sa.Connection, target: str, rows: Iterable[bytes]) -> None:
    with _cursor(connection) as cursor, cursor.copy(f"copy {target} from stdin (format binary)") as copy:
        buffer = bytearray(_HEAD)
        for row in rows:
            buffer += row
            if len(buffer) >= _BUFFER:
                copy.write(buffer)
                buffer = bytearray()
        copy.write(buffer + _END)


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[psycopg.Cursor[Any]]:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        yield cursor
