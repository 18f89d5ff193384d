"""Keep trained parts in a folder: one data file, and a manifest that names what it fits and pins the file's hash.

Arrays are kept as half-precision .npz; the id of what they make up is taken from the hash of the file.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def write_arrays(folder: Path, kind: str, arrays: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> None:
    """Write ``arrays``, those of floats in half precision, as ``<kind>.npz``, and ``manifest`` with their id and hash."""
    halves: dict[str, Any] = {
        name: array.astype(np.float16) if np.issubdtype(array.dtype, np.floating) else array
        for name, array in arrays.items()
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **halves)
    data = buffer.getvalue()
    write_bytes(folder, f"{kind}.npz", data, {"id": _identifier(kind, data), **manifest})


def read_arrays(
    folder: Path, kind: str, expected: Mapping[str, object], error: type[ModelError], remedy: str
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the manifest of a folder and its arrays, those of floats as float32.

    Raises ``error``, with the ``remedy``, as ``read_bytes`` does, and where the id is not that of the file.
    """
    manifest, data = read_bytes(folder, f"{kind}.npz", expected, error, remedy)
    if manifest.get("id") != _identifier(kind, data):
        raise error(f"{folder / MANIFEST_FILE} has id {manifest.get('id')!r}, not its file's; {remedy}")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return manifest, {name: a.astype(np.float32) if a.dtype == np.float16 else a for name, a in arrays.items()}


def _identifier(kind: str, data: bytes) -> str:
    return f"{kind}-{hashlib.sha256(data).hexdigest()[:10]}"


def shipped(name: str) -> Path:
    """Return the folder of a trained model that comes with the program."""
    return Path(str(files("models").joinpath("trained", name)))
