"""Keep trained parts in a folder: a skops file, and a manifest that names what they fit and pins the file's hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import ModelError

MANIFEST_FILE = "manifest.json"


def write(folder: Path, kind: str, parts: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """Write ``parts`` as ``<kind>.skops`` and ``manifest`` with that file's hash."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    data = skops.io.dumps(dict(parts), compression=8)
    (folder / f"{kind}.skops").write_bytes(data)
    sealed = {**manifest, "sha256": hashlib.sha256(data).hexdigest()}
    (folder / MANIFEST_FILE).write_text(json.dumps(sealed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read(
    folder: Path, kind: str, expected: Mapping[str, object], error: type[ModelError], remedy: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (manifest, parts) of a folder.

    Raises ``error``, with the ``remedy``, when a file is missing or altered, a field of the manifest is not as ``expected``,
    or the file holds types that scikit-learn models have no need of.
    """
    import skops.io

    file = folder / f"{kind}.skops"
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        data = file.read_bytes()
    except (OSError, ValueError) as problem:
        raise error(f"no usable {kind} in {folder}: {problem}; {remedy}") from problem
    for name, value in expected.items():
        if manifest.get(name) != value:
            raise error(f"the {kind} in {folder} has {name} {manifest.get(name)!r}, this program {value!r}; {remedy}")
    if hashlib.sha256(data).hexdigest() != manifest.get("sha256"):
        raise error(f"{file} is damaged or foreign: its SHA-256 is not the manifest's; {remedy}")
    if unknown := skops.io.get_untrusted_types(data=data):
        raise error(f"{file} holds types that are not allowed: {unknown}; {remedy}")
    return manifest, skops.io.loads(data)
