"""The task groups as data: read from ``taxonomy.toml`` or from a file of the user's."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any


class TaxonomyError(ValueError):
    """A taxonomy file breaks its form; the message names the file, the group and what is wrong."""


@dataclass(frozen=True)
class TaskGroup:
    """One task group. Cues are patterns over folded text that speak for it, counter-cues what merely sounds like it."""

    key: str
    name_vi: str
    name_en: str
    description: str
    cues: tuple[str, ...] = ()
    counter_cues: tuple[str, ...] = ()


def read_taxonomy(path: Path | None = None) -> tuple[TaskGroup, ...]:
    """Return the groups of ``path``, by default the project's own. Raises TaxonomyError."""
    return _default() if path is None else _parse(path.read_text(encoding="utf-8"), str(path))


@cache
def _default() -> tuple[TaskGroup, ...]:
    return _parse(files("corpus").joinpath("taxonomy.toml").read_text(encoding="utf-8"), "taxonomy.toml")


def _parse(text: str, name: str) -> tuple[TaskGroup, ...]:
    try:
        groups = tuple(_group(row, name) for row in tomllib.loads(text).get("group", []))
    except tomllib.TOMLDecodeError as error:
        raise TaxonomyError(f"{name}: {error}") from error
    keys = [group.key for group in groups]
    if not keys or len(set(keys)) < len(keys):
        raise TaxonomyError(f"{name}: needs [[group]] entries with distinct keys, got {keys}")
    return groups


def _group(row: dict[str, Any], name: str) -> TaskGroup:
    key = row.get("key")
    if not isinstance(key, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise TaxonomyError(f"{name}: a group's key is lower-case letters, digits and _, got {key!r}")
    for field in ("cues", "counter_cues"):
        for pattern in row.get(field, []):
            try:
                re.compile(pattern)
            except re.error as error:
                raise TaxonomyError(
                    f"{name}: group {key}, {field}: {pattern!r} is not a regular expression ({error})"
                ) from error
    return TaskGroup(
        key, str(row.get("name_vi", key)), str(row.get("name_en", key)), str(row.get("description", "")),
        tuple(row.get("cues", ())), tuple(row.get("counter_cues", ())),
    )  # fmt: skip
