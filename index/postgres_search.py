"""Search the tables of a generation on PostgreSQL: the candidates of both legs, for one or two filters, in one statement.

Words: the lists of the rarest terms of a query, as many as a budget of postings allows, propose paragraphs; these are
scored by all terms with their own weights, as are all that no list has yet. Meaning: the HNSW graph of pgvector (Malkov &
Yashunin 2020), scanned on until enough pass a filter. Where a filter keeps so few that this would go on for long, all it
keeps are scored exactly by both legs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from corpus.stages import stage
from corpus.store import Filter, Store
from index.bm25 import PLACES, place_of, term_of
from index.columns import Facets, Facts, columns_of, facets, no_names
from index.engine import Found, Meaning, Vectors
from index.lexical import Words, excluded_terms, required_terms, weighted_terms
from index.postgres_tables import PostgresManifest
from index.postgres_write import WEIGHT_BITS
from nlp.accents import Restorer

# Postings read to propose paragraphs, and how many of these are scored by all terms; of the graph, how many are looked at
# at once and at most (results/postgres.md).
BUDGET = 60_000
LEAST_SCORED = 500
EF_SEARCH = 800
_MOST_SCANNED = 200_000
# A filter that keeps so many times the square root of all has them scored exactly: by then the graph, which must look at
# the more the fewer pass, takes as long.
_EXACT = 20
_SETTINGS = (
    f"set local hnsw.ef_search = {EF_SEARCH}; set local hnsw.iterative_scan = relaxed_order;"
    f" set local hnsw.max_scan_tuples = {_MOST_SCANNED}; set local hnsw.scan_mem_multiplier = 4;"
    " set local jit = off; set local plan_cache_mode = force_custom_plan"
)
# ``offset 0`` keeps the planner from reading a whole table where a few rows are looked up.
ASKED = """
with asked as materialized (
  select q.term, q.place, d.count, q.boost * ln(1 + (greatest(:total - d.count, 0) + 0.5) / (d.count + 0.5)) as weight
  from unnest(cast(:terms as bigint[]), cast(:places as integer[]), cast(:boosts as float8[])) q(term, place, boost),
    lateral (select coalesce(sum(l.count), 0)::float8 as count from {s}.lists l where l.term = q.term) d),
sought as materialized (
  select ('{{' || string_agg(place || ':' || weight, ',') || '}}/{dimension}')::sparsevec as vector
  from (select place, sum(weight) as weight from asked group by place) a),
chosen as materialized (
  select term, weight from (
    select term, weight, sum(count) over (order by weight desc, term) - count as before from asked where count > 0) a
  where before < :budget),
proposed as materialized (
  select (p >> {bits})::integer as key, sum(c.weight * (p & {mask})) as score
  from chosen c join {s}.lists l using (term), unnest(l.postings) p group by 1)"""
_HOLDING = """,
holding as materialized (
  select key from (select (p >> {bits})::integer as key from {s}.lists, unnest(postings) p where term = any(:required)) a
  group by key having count(*) >= :required_count
  union select key from {s}.forward where segment is null)"""
# Old lists still have what a paragraph was before it changed: they count where they are those it is in now.
_HELD = """,
held as materialized (
  select w.key from {s}.lists l, unnest(l.postings) p, {s}.forward w
  where l.term = any(:excluded) and w.key = (p >> {bits})::integer and w.segment = l.segment
  union all
  select key from {s}.forward where segment is null and weights <#> cast(:held as sparsevec) < 0)"""
_OPEN = """,
pool{n} as (
  select key from (select key from proposed order by score desc, key limit :scored) a
  union select key from {s}.forward where segment is null)"""
_FILTERED = """,
kept{n} as materialized (select f.key from {source} where {passes} limit :exact + 1),
few{n} as materialized (select count(*) <= :exact as so from kept{n}),
pool{n} as (
  select key from kept{n} where (select so from few{n})
  union all
  (select p.key from (select key from proposed order by score desc, key) p,
    lateral (select 1 from {s}.facts f where f.key = p.key and {passes} offset 0) f
    where not (select so from few{n}) limit :scored)
  union
  select u.key from {s}.forward u, lateral (select 1 from {s}.facts f where f.key = u.key and {passes} offset 0) f
  where u.segment is null and not (select so from few{n}))"""
_LEXICAL = """,
lexical{n} as materialized (
  select p.key, w.score
  from pool{n} p, lateral (
    select -(w.weights <#> (select vector from sought)) as score from {s}.forward w where w.key = p.key{required} offset 0) w
  where w.score > 0 order by 2 desc, 1 limit :limit)"""
_DENSE_OPEN = """,
dense{n} as materialized (
  select key, -(vector <#> (select v from meant)) as score from {s}.vectors
  order by vector <#> (select v from meant) limit :limit)"""
_DENSE_FILTERED = """,
near{n} as materialized (
  select v.key, -(v.vector <#> (select v from meant)) as score
  from {s}.vectors v, lateral (select 1 from {s}.facts f where f.key = v.key and {passes} offset 0) f
  where not (select so from few{n}) order by v.vector <#> (select v from meant) limit :limit),
dense{n} as materialized (
  select key, score from near{n}
  union all
  (select k.key, -(v.vector <#> (select v from meant)) as score
  from kept{n} k, lateral (select vector from {s}.vectors where key = k.key offset 0) v
  where (select so from few{n}) order by 2 desc limit :limit))"""
_MEANT = """,
meant as materialized (select cast(:vector as halfvec) as v)"""

# What the statements are filled with, beside the schema.
NAMES = {"dimension": PLACES, "bits": WEIGHT_BITS, "mask": (1 << WEIGHT_BITS) - 1}


@dataclass(frozen=True)
class PostgresSnapshot:
    """A generation on PostgreSQL. It shows what the tables hold when they are asked, which ``manifest`` may lag behind."""

    manifest: PostgresManifest
    restorer: Restorer

    def by_words(self, store: Store, words: Words, limit: int, only: Filter) -> Found:
        """Return the BM25 scores of at most ``limit`` paragraphs that pass ``only`` and have a word of ``words``."""
        with stage("search_lexical"):
            return self._find(store, words, None, limit, [only]).get("lexical0", [])

    def legs(
        self, store: Store, words: Words, meaning: Meaning, limit: int, filters: Sequence[Filter]
    ) -> list[tuple[Found, Found]]:
        """Return for each of ``filters`` what ``by_words`` does, and the cosines of the nearest to the vector of ``meaning``."""
        vector = meaning()
        with stage("search_both"):
            found = self._find(store, words, vector, limit, filters)
        return [(found.get(f"lexical{n}", []), found.get(f"dense{n}", [])) for n in range(len(filters))]

    def vectors_of(self, store: Store, keys: Sequence[int]) -> Vectors:
        """Return the unit vectors of ``keys``, (keys, dimension); zeros for those that are not in the store."""
        by_key = store.vectors_of(keys, self.manifest.embedder_id)
        none = np.zeros(self.manifest.dimension, np.float32)
        found: Vectors = np.array([by_key.get(key, none) for key in keys], np.float32).reshape(len(keys), len(none))
        return found

    def facets(self, store: Store, keys: Sequence[int]) -> Facets:
        """Count those of ``keys`` that are here."""
        query = sa.text(
            "select province, province_today, type, kind, groups, year, first_year, last_year, has_target"
            f" from {self.manifest.schema}.facts where key = any(:keys)"
        )
        with store.engine.connect() as connection:
            rows = connection.execute(query, {"keys": list(keys)}).all()
        found = [
            Facts(
                r.province, r.province_today, r.type, r.kind, r.groups, r.year,
                (r.first_year, r.last_year) if r.first_year is not None else None, r.has_target,
            )
            for r in rows
        ]  # fmt: skip
        return facets(*columns_of(found, no_names()))

    def _find(
        self, store: Store, words: Words, vector: Vectors | None, limit: int, filters: Sequence[Filter]
    ) -> dict[str, Found]:
        weighted = weighted_terms(words)
        if not weighted and vector is None:
            return {}
        terms = [term_of(*term) for term in weighted]
        values: dict[str, Any] = {
            "total": self.manifest.paragraphs, "terms": terms, "places": [place_of(term) + 1 for term in terms],
            "boosts": list(weighted.values()), "budget": BUDGET, "scored": max(LEAST_SCORED, limit), "limit": limit,
            "exact": int(_EXACT * math.sqrt(max(self.manifest.paragraphs, 1))),
        }  # fmt: skip
        statement = self._statement(words, vector, filters, values)
        found: dict[str, Found] = {}
        with store.engine.connect() as connection:
            connection.exec_driver_sql(_SETTINGS)
            for leg, key, score in connection.execute(sa.text(statement), values):
                found.setdefault(leg, []).append((key, score))
        return {leg: sorted(hits, key=lambda hit: (-hit[1], hit[0])) for leg, hits in found.items()}

    def _statement(
        self, words: Words, vector: Vectors | None, filters: Sequence[Filter], values: dict[str, Any]
    ) -> str:
        """Return the statement that finds the candidates; what it is bound with goes into ``values``."""
        names = {"s": self.manifest.schema, **NAMES}
        parts, legs = [ASKED.format(**names)], []
        required = [place_of(term_of("folded", gram)) + 1 for gram in dict.fromkeys(required_terms(words))]
        if required:
            values |= {
                "required": [term_of("folded", gram) for gram in dict.fromkeys(required_terms(words))],
                "required_count": len(required),
            }
            parts.append(_HOLDING.format(**names))
        excluded = [term_of(*term) for term in excluded_terms(words)]
        if excluded:
            ones = ",".join(f"{place + 1}:1" for place in sorted(set(map(place_of, excluded))))
            values |= {"excluded": excluded, "held": f"{{{ones}}}/{PLACES}"}
            parts.append(_HELD.format(**names))
        if vector is not None:
            values["vector"] = "[" + ",".join(map(repr, vector.tolist())) + "]"
            parts.append(_MEANT)
        has_required = "".join(f" and w.weights <#> '{{{place}:1}}/{PLACES}'::sparsevec < 0" for place in required)
        source = f"{self.manifest.schema}.facts f"
        if required:
            source = f"holding h, lateral (select * from {source} where f.key = h.key offset 0) f"
        for n, only in enumerate(filters):
            passes = _condition(only, n, values) + (" and f.key in (select key from holding)" if required else "")
            passes += " and f.key not in (select key from held)" if excluded else ""
            own = {**names, "n": n, "passes": passes, "required": has_required, "source": source}
            parts.append((_OPEN if passes == "true" else _FILTERED).format(**own))
            parts.append(_LEXICAL.format(**own))
            legs.append(f"lexical{n}")
            if vector is not None:
                parts.append((_DENSE_OPEN if passes == "true" else _DENSE_FILTERED).format(**own))
                legs.append(f"dense{n}")
        ends = (f"select '{leg}' as leg, key, score::float8 from {leg}" for leg in legs)
        return "".join(parts) + "\n" + " union all ".join(ends)


def _condition(only: Filter, n: int, values: dict[str, Any]) -> str:
    """Return what the row ``f`` of facts must be to pass ``only``, "true" where all do."""
    provinces = {
        "either": "(f.province = :{0} or f.province_today = :{0})",
        "published": "f.province = :{0}",
        "today": "f.province_today = :{0}",
    }
    conditions = {
        "province": provinces[only.province_as],
        "year": "(f.year = :{0} or :{0} between f.first_year and f.last_year)",
        "task_group": "f.groups @> cast(array[:{0}] as text[])",
        "kind": "f.kind = :{0}",
        "document_id": "f.document_id = :{0}",
        "type": "f.type = :{0}",
        "region": "f.region = :{0}",
        "has_target": "f.has_target = :{0}",
    }
    asked = {field: value for field, value in vars(only).items() if field in conditions and value is not None}
    values |= {f"{field}{n}": value for field, value in asked.items()}
    return " and ".join(conditions[field].format(f"{field}{n}") for field in asked) or "true"
