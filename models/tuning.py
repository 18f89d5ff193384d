"""Low-rank changes of the encoder's upper layers (Hu et al. 2022, LoRA), kept as one .npz of half-precision arrays.

A manifest beside the file pins its hash; the id is taken from that hash.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import sealed
from models.errors import AdapterError

FILE = "tuning.npz"
FORMAT = 1
# The dense parts of a layer, by their names in the weight file: query, key, value, attention output, feed-forward in, out.
PARTS = ("q", "k", "v", "ao", "fi", "fo")
REMEDY = "run `kehoach train --matcher`"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Tuning:
    """Changes of the layers from ``first`` on.

    ``arrays`` has ``<layer>.<part>.a`` (rank, inputs) and ``.b`` (outputs, rank) for every layer and part, whose product is
    added to the weight.
    """

    id: str
    first: int
    arrays: Mapping[str, Floats]

    def change(self, layer: int, part: str) -> Floats:
        """Return what is added to the weight of a part, (outputs, inputs)."""
        changed: Floats = self.arrays[f"{layer}.{part}.b"] @ self.arrays[f"{layer}.{part}.a"]
        return changed


def write_tuning(folder: Path, first: int, arrays: Mapping[str, Floats], details: Mapping[str, Any]) -> Tuning:
    """Write changes into ``folder`` and return them as they will be read; ``details`` go into the manifest."""
    data = packed({name: array.astype(np.float16) for name, array in arrays.items()})
    manifest = {"id": identifier("tuning", data), "format": FORMAT, "first_layer": first, **details}
    sealed.write_bytes(folder, FILE, data, manifest)
    return read_tuning(folder)


def read_tuning(folder: Path) -> Tuning:
    """Return the changes in ``folder``. Raises AdapterError where a file is missing, altered or of another form."""
    manifest, data = sealed.read_bytes(folder, FILE, {"format": FORMAT}, AdapterError, REMEDY)
    if manifest.get("id") != identifier("tuning", data):
        raise AdapterError(f"{folder / sealed.MANIFEST_FILE} has id {manifest.get('id')!r}, not its file's; {REMEDY}")
    arrays = {name: array.astype(np.float32) for name, array in unpacked(data).items()}
    return Tuning(manifest["id"], int(manifest["first_layer"]), arrays)


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return ``arrays`` as the bytes of an .npz."""
    buffer = io.BytesIO()
    parts: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **parts)
    return buffer.getvalue()


def unpacked(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def identifier(kind: str, data: bytes) -> str:
    """Return the id of what is kept as ``data``."""
    return f"{kind}-{hashlib.sha256(data).hexdigest()[:10]}"
