"""Prometheus metrics: requests, the stages of the work, what the store holds, imports."""

from __future__ import annotations

import os
from collections.abc import Iterator

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from corpus.schema import documents, job_items, paragraphs
from corpus.stages import Stage
from corpus.store import Store
from service.access import Space, may_read
from service.problems import Responses, problem_responses

# Where several processes put their figures together; prometheus_client reads it when it is imported.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.08, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

requests = Counter("kehoach_requests", "Requests answered.", ("method", "route", "status"))
request_seconds = Histogram("kehoach_request_seconds", "Time to answer.", ("route",), buckets=_SECONDS)
stage_seconds = Histogram("kehoach_stage_seconds", "Time of each stage of the work.", ("stage",), buckets=_SECONDS)

router = APIRouter(dependencies=[Depends(may_read)])


def observe_stage(name: Stage, seconds: float) -> None:
    """Count one run of a stage."""
    stage_seconds.labels(name).observe(seconds)


class _OfStore(Collector):
    """What the store holds when it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        with self._store.engine.connect() as connection:
            for name, table in (("documents", documents), ("paragraphs", paragraphs)):
                count = connection.scalar(sa.select(sa.func.count()).select_from(table))
                yield GaugeMetricFamily(f"kehoach_{name}", f"How many {name} are stored.", count)
            waiting = GaugeMetricFamily("kehoach_job_items", "Files of imports by state.", labels=["state"])
            query = sa.select(job_items.c.state, sa.func.count()).group_by(job_items.c.state)
            for state, count in connection.execute(query):
                waiting.add_metric([state], count)
            yield waiting


_TEXT: Responses = {
    200: {"description": "Prometheus text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get("/metrics", response_class=Response, responses=_TEXT | problem_responses(401, 429, 500))
def metrics(space: Space) -> Response:
    """Return the figures of all worker processes in the text format of Prometheus."""
    own = CollectorRegistry()
    own.register(_OfStore(space.store))
    counted = REGISTRY
    if FOLDER_VARIABLE in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return Response(generate_latest(counted) + generate_latest(own), media_type=CONTENT_TYPE_LATEST)
