"""What the OpenAPI document allows never breaks the service, and what it answers is what the document says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import create_app
from service.ingest import ingest
from service.workspace import Workspace

pytestmark = pytest.mark.usefixtures("overviews")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_nothing_that_is_sent_breaks_it(with_settings: Callable[..., Workspace], samples: Path) -> None:
    space = with_settings(api_key="k", rate=0, max_upload=100_000)
    assert all(report.is_usable for report in ingest([samples / "ca-mau-174-kh-ubnd-2024.txt"], space))
    _ = space.searcher
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(space.settings, space))
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            _try(operation.as_strategy(generation_mode=mode))
        tried.append(operation.label)
    assert len(tried) == 33


def _try(cases: SearchStrategy[schemathesis.Case]) -> None:
    @settings(
        max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def run(case: schemathesis.Case) -> None:
        # The readiness check says 503 while models load: that is its purpose.
        checks = CHECKS if case.path != "/health/ready" else CHECKS[1:]
        case.call_and_validate(headers={"X-API-Key": "k"}, checks=checks)

    with contextlib.suppress(Unsatisfiable):
        # Where nothing can be sent there is nothing wrong to send either.
        run()
