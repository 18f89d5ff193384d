"""Keep trained parts in a folder: one data file, and a manifest that names what it fits and pins the file's hash."""

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

    write_bytes(folder, f"{kind}.skops", skops.io.dumps(dict(parts), compression=8), manifest)


def write_bytes(folder: Path, name: str, data: bytes, manifest: Mapping[str, Any]) -> None:
    """Write ``data`` as the file ``name`` and ``manifest`` with its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    sealed = {**manifest, "sha256": hashlib.sha256(data).hexdigest()}
    (folder / MANIFEST_FILE).write_text(json.dumps(sealed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read(
    folder: Path, kind: str, expected: Mapping[str, object], error: type[ModelError], remedy: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (manifest, parts) of a folder.

    Raises ``error``, with the ``remedy``, as ``read_bytes`` does, and where the file holds types that scikit-learn models
    have no need of.
    """
    import skops.io

    name = f"{kind}.skops"
    manifest, data = read_bytes(folder, name, expected, error, remedy)
    if unknown := skops.io.get_untrusted_types(data=data):
        raise error(f"{folder / name} holds types that are not allowed: {unknown}; {remedy}")
    return manifest, skops.io.loads(data)


def read_bytes(
    folder: Path, name: str, expected: Mapping[str, object], error: type[ModelError], remedy: str
) -> tuple[dict[str, Any], bytes]:
    """Return the manifest of a folder and the content of its file ``name``.

    Raises ``error``, with the ``remedy``, when a file is missing or altered or a field of the manifest is not as ``expected``.
    """
    file, kind = folder / name, Path(name).stem
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        data = file.read_bytes()
    except (OSError, ValueError) as problem:
        raise error(f"no usable {kind} in {folder}: {problem}; {remedy}") from problem
    for field, value in expected.items():
        if manifest.get(field) != value:
            raise error(f"the {kind} in {folder} has {field} {manifest.get(field)!r}, this program {value!r}; {remedy}")
    if hashlib.sha256(data).hexdigest() != manifest.get("sha256"):
        raise error(f"{file} is damaged or foreign: its SHA-256 is not the manifest's; {remedy}")
    return manifest, data
