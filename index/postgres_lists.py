"""Make lists by term, on PostgreSQL, of the paragraphs that are in none, and one segment out of many small ones."""

from __future__ import annotations

from itertools import chain

import sqlalchemy as sa

from corpus import feed
from corpus.store import Store
from index import postgres_tables as tables
from index import postgres_write as write
from index.postgres_tables import BUILDING, CHANGING, PostgresManifest

# Paragraphs that a segment is made of in memory at once.
SEGMENT = 20_000
# So many segments of less than half of that become one.
_SMALL_SEGMENTS = 8
_JOIN = """
insert into {s}.lists (term, segment, count, postings)
select l.term, :segment, count(*), array_agg(p order by p)
from {s}.lists l, unnest(l.postings) p, {s}.forward f
where l.segment = any(:small) and f.key = (p >> {bits})::integer and f.segment = l.segment
group by l.term"""


def extend(store: Store, made: PostgresManifest) -> None:
    """List by term what is in no list, and join small segments; nothing is done where another process builds or lists."""
    with tables.lock(store.engine, BUILDING, wait=False) as is_free:
        if not is_free:
            return
        with store.engine.begin() as connection:
            connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
            now = tables.manifest(connection)
            if now is None or now.generation != made.generation:
                return
            _list(connection, store, now)
        with store.engine.begin() as connection:
            _join_small(connection, made.schema)


def _list(connection: sa.Connection, store: Store, made: PostgresManifest) -> None:
    s = made.schema
    query = f"select f.key, f.digest from {s}.forward w join {s}.facts f using (key) where w.segment is null"
    digests = {row.key: row.digest for row in connection.execute(sa.text(query))}
    keys, segment = sorted(digests), _next_segment(connection, s)
    listed: list[tuple[int, write.Row]] = []
    for start in range(0, len(keys), SEGMENT):
        entries = chain.from_iterable(feed.entries(store, made.embedder_id, keys[start : start + SEGMENT]))
        rows = [row for row in (write.row_of(entry, made.means) for entry in entries) if row.digest == digests[row.key]]
        write.add_lists(connection, s, segment, rows)
        listed += [(segment, row) for row in rows]
        segment += 1
    # Only from here on do others have to wait. What was replaced meanwhile stays unlisted; its old postings do no harm.
    connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": CHANGING})
    update = f"""update {s}.forward w set segment = l.segment from {s}.facts f,
        unnest(cast(:keys as integer[]), cast(:digests as bigint[]), cast(:segments as integer[])) l(key, digest, segment)
        where w.key = l.key and f.key = l.key and f.digest = l.digest"""
    values = {
        "keys": [row.key for _, row in listed],
        "digests": [row.digest for _, row in listed],
        "segments": [segment for segment, _ in listed],
    }
    connection.execute(sa.text(update), values)
    tables.count_unlisted(connection, made)


def _next_segment(connection: sa.Connection, schema: str) -> int:
    return connection.scalar(sa.text(f"select coalesce(max(segment), -1) + 1 from {schema}.forward")) or 0


def _join_small(connection: sa.Connection, schema: str) -> None:
    sizes = f"select segment from {schema}.forward where segment is not null group by segment having count(*) < :most"
    small = list(connection.scalars(sa.text(sizes), {"most": SEGMENT // 2}))
    if len(small) < _SMALL_SEGMENTS:
        return
    values = {"small": small, "segment": _next_segment(connection, schema)}
    connection.execute(sa.text(_JOIN.format(s=schema, bits=write.WEIGHT_BITS)), values)
    connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": CHANGING})
    connection.execute(sa.text(f"delete from {schema}.lists where segment = any(:small)"), values)
    connection.execute(sa.text(f"update {schema}.forward set segment = :segment where segment = any(:small)"), values)
