"""What the national decision sets, clause by clause in our own words: see ``decision.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def national_clauses() -> dict[str, str]:
    """Return the key of each clause of the decision and what it says."""
    rows = tomllib.loads(files("corpus").joinpath("decision.toml").read_text(encoding="utf-8"))["clause"]
    return {row["key"]: row["text"] for row in rows}
