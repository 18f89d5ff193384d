"""The tables of the index on PostgreSQL: one database schema a generation, and a manifest that seals each.

``facts`` is what filters and facets look at, ``vectors`` what is near in meaning, ``forward`` the BM25 weights of each
paragraph, and ``lists`` the same weights by term, in segments that are never changed: a posting is the key of a paragraph in
the upper and its weight in the lower 16 bits of a number. Paragraphs whose ``forward.segment`` is null are in no list yet.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from corpus.changelog import Mark
from index.bm25 import PLACES, Means
from index.generation import StaleIndexError
from nlp.accents import Restorer

FORMAT = 1
KEPT_GENERATIONS = 2
_SCHEMA = "kehoach_index"
_EXTENSION = "vector"
_MANIFESTS = f"{_SCHEMA}.manifests"
_NO_TABLE = "42P01"
# Keys of advisory locks, in this database only: for a build or a merge, and for taking in changes.
Lock = Literal[889_001, 889_002]
BUILDING: Lock = 889_001
CHANGING: Lock = 889_002

_CREATE = """
create schema {s};
create table {s}.facts (
  key integer primary key, digest bigint not null, document_id text not null, province text, province_today text, region text,
  type text, kind text not null, groups text[] not null, year integer, first_year integer, last_year integer,
  has_target boolean not null);
create table {s}.vectors (key integer primary key, vector halfvec({dimension}) not null);
create table {s}.forward (key integer primary key, segment integer, weights sparsevec({places}) not null);
create table {s}.lists (
  term bigint not null, segment integer not null, count integer not null, postings bigint[] not null);
alter table {s}.lists alter column postings set storage external;
create table {s}.accents (name text primary key, content bytea not null);
"""
_INDEX = """
create index on {s}.facts (province);
create index on {s}.facts (province_today);
create index on {s}.facts (document_id);
create index on {s}.facts (year);
create index on {s}.facts using gin (groups);
create index on {s}.forward (key) where segment is null;
create unique index on {s}.lists (term, segment);
create index on {s}.vectors using hnsw (vector halfvec_ip_ops) with (m = 16, ef_construction = 96);
analyze {s}.facts; analyze {s}.vectors; analyze {s}.forward; analyze {s}.lists;
"""


@dataclass(frozen=True)
class PostgresManifest:
    """What a generation was built from, and how far it has followed the store since.

    It was built with ``base`` paragraphs up to the key ``last``; ``means`` are the lengths of fields that its weights were
    reckoned with; ``unlisted`` counts the paragraphs that are in no list.
    """

    generation: int
    format: int
    store_id: str
    revision: int
    embedder_id: str
    dimension: int
    paragraphs: int
    base: int
    last: int
    unlisted: int
    means: Means

    @property
    def schema(self) -> str:
        """The database schema of its tables."""
        return schema_of(self.generation)

    @property
    def mark(self) -> Mark:
        """The moment of the store that it shows."""
        return Mark(self.store_id, self.revision)


def schema_of(generation: int) -> str:
    """Return the database schema of a generation's tables."""
    return f"{_SCHEMA}_{generation:d}"


def prepare(connection: sa.Connection) -> None:
    """Make what all generations share; hold BUILDING. Raises StaleIndexError where the server has no pgvector."""
    name = {"name": _EXTENSION}
    if not connection.scalar(sa.text("select count(*) from pg_available_extensions where name = :name"), name):
        raise StaleIndexError(f"the PostgreSQL server has no extension {_EXTENSION}; expected pgvector 0.8 or newer")
    connection.exec_driver_sql(f"create extension if not exists {_EXTENSION}")
    version = connection.scalar(sa.text("select extversion from pg_extension where extname = :name"), name) or ""
    if tuple(map(int, version.split(".")[:2])) < (0, 8):
        raise StaleIndexError(
            f"the database has pgvector {version}; expected 0.8 or newer (alter extension vector update)"
        )
    connection.exec_driver_sql(f"create schema if not exists {_SCHEMA}")
    connection.exec_driver_sql(
        f"create table if not exists {_MANIFESTS} (generation integer primary key, format integer not null,"
        " store_id text not null, revision bigint not null, embedder_id text not null, dimension integer not null,"
        " paragraphs integer not null, base integer not null, last integer not null, unlisted integer not null,"
        " means jsonb not null)"
    )


def manifest(connection: sa.Connection) -> PostgresManifest | None:
    """Return the manifest of the current generation, or None; the transaction may be of no more use then."""
    query = sa.text(f"select * from {_MANIFESTS} order by generation desc limit 1")
    try:
        row = connection.execute(query).mappings().first()
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != _NO_TABLE:
            raise
        return None
    return PostgresManifest(**row) if row else None


def paragraphs(connection: sa.Connection, made: PostgresManifest) -> tuple[int, int]:
    """Return how many paragraphs the tables of a generation hold, and how many its manifest says now."""
    query = f"select (select count(*) from {made.schema}.facts), paragraphs from {_MANIFESTS} where generation = :g"
    held, told = connection.execute(sa.text(query), {"g": made.generation}).one()
    return held, told


def next_generation(connection: sa.Connection) -> int:
    """Return the number of the generation to be built."""
    return 1 + (connection.scalar(sa.text(f"select max(generation) from {_MANIFESTS}")) or 0)


def create(connection: sa.Connection, generation: int, dimension: int) -> str:
    """Make the empty tables of a generation, without indexes; return their schema."""
    name = schema_of(generation)
    connection.exec_driver_sql(_CREATE.format(s=name, dimension=int(dimension), places=PLACES))
    return name


def add_indexes(connection: sa.Connection, schema: str) -> None:
    """Index the loaded tables of a generation."""
    connection.exec_driver_sql(_INDEX.format(s=schema))


def seal(connection: sa.Connection, made: PostgresManifest) -> None:
    """Make the generation current when the transaction ends."""
    values = {**vars(made), "means": json.dumps(made.means)}
    names = ", ".join(values)
    binds = ", ".join(f":{name}" for name in values if name != "means")
    connection.execute(sa.text(f"insert into {_MANIFESTS} ({names}) values ({binds}, cast(:means as jsonb))"), values)


def advance(connection: sa.Connection, made: PostgresManifest) -> None:
    """Write how far the current generation has come."""
    connection.execute(
        sa.text(
            f"update {_MANIFESTS} set revision = :revision, paragraphs = :paragraphs where generation = :generation"
        ),
        {name: vars(made)[name] for name in ("revision", "paragraphs", "generation")},
    )


def count_unlisted(connection: sa.Connection, made: PostgresManifest) -> int:
    """Write into the manifest how many paragraphs are in no list, and return it; hold CHANGING."""
    query = f"update {_MANIFESTS} set unlisted = (select count(*) from {made.schema}.forward where segment is null)"
    values = {"generation": made.generation}
    return connection.scalar(sa.text(f"{query} where generation = :generation returning unlisted"), values) or 0


def drop_old(connection: sa.Connection) -> None:
    """Remove the generations that no reader has just read the number of, unless one still searches them."""
    connection.exec_driver_sql("set local lock_timeout = '5s'")
    query = sa.text(f"select generation from {_MANIFESTS} order by generation desc offset :kept")
    for generation in connection.scalars(query, {"kept": KEPT_GENERATIONS}).all():
        connection.exec_driver_sql(f"drop schema if exists {schema_of(generation)} cascade")
        connection.execute(sa.text(f"delete from {_MANIFESTS} where generation = :g"), {"g": generation})


def keep_restorer(connection: sa.Connection, schema: str, restorer: Restorer) -> None:
    """Write the counts that restore diacritics."""
    with tempfile.TemporaryDirectory(prefix="kehoach-") as folder:
        restorer.save(Path(folder) / "accents")
        for file in (Path(folder) / "accents").iterdir():
            query = sa.text(f"insert into {schema}.accents (name, content) values (:name, :content)")
            connection.execute(query, {"name": file.name, "content": file.read_bytes()})


def restorer(connection: sa.Connection, schema: str) -> Restorer:
    """Read the counts that restore diacritics."""
    with tempfile.TemporaryDirectory(prefix="kehoach-") as folder:
        for name, content in connection.execute(sa.text(f"select name, content from {schema}.accents")):
            (Path(folder) / name).write_bytes(content)
        # Mapped files stay readable after they were removed.
        return Restorer.load(Path(folder))


@contextmanager
def lock(engine: sa.Engine, key: Lock, *, wait: bool) -> Iterator[bool]:
    """Hold a lock among all processes on this database; yield False where it is taken and ``wait`` is not set.

    The server frees it when the connection of its holder ends.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
        # A build takes as long as it takes.
        connection.exec_driver_sql("set lock_timeout = 0")
        held = connection.scalar(sa.text(f"select {name}(:key)"), {"key": key}) is not False
        try:
            yield held
        finally:
            if held:
                connection.execute(sa.text("select pg_advisory_unlock(:key)"), {"key": key})
            connection.exec_driver_sql("reset lock_timeout")
