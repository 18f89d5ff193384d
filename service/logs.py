"""Log lines of the service: JSON for machines, or plain; secrets are cut out wherever they stand."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from service.keys import PREFIX
from service.settings import Settings

_SECRET = re.compile(rf"{PREFIX}[0-9a-f]{{8}}_[\w-]+|whsec_[\w+/=-]+")
_SECRET_NAMES = frozenset({"api_key", "x-api-key", "authorization", "cookie", "set-cookie", "secret", "token"})
_CUT = "[secret]"


def configure(settings: Settings) -> None:
    """Send all log lines of this process to standard error in the form of the settings."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_format == "json":
        ending += [
            structlog.processors.format_exc_info,
            without_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        ending += [
            structlog.processors.format_exc_info,
            without_secrets,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=ending))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # Every request has a line of ours with its id and time, and without its query. A logger that is only disabled is enabled
    # again by any library that configures logging.
    logging.getLogger("uvicorn.access").propagate = False


def without_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a log line without keys, cookies and webhook secrets, by the names of its fields and by their looks."""
    return {name: _CUT if name.lower() in _SECRET_NAMES else _cut(value) for name, value in line.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET.sub(_CUT, value)
    if isinstance(value, dict):
        return without_secrets(None, "", value)
    return [_cut(part) for part in value] if isinstance(value, list | tuple) else value
