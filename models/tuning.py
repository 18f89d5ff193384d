"""Low-rank changes of the encoder's upper layers (Hu et al. 2022, LoRA), kept as ``models.sealed`` keeps arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import sealed
from models.errors import AdapterError

KIND = "tuning"
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
    sealed.write_arrays(folder, KIND, arrays, {"format": FORMAT, "first_layer": first, **details})
    return read_tuning(folder)


def read_tuning(folder: Path, remedy: str = REMEDY, **expected: object) -> Tuning:
    """Return the changes in ``folder``.

    Raises AdapterError, with the ``remedy``, where a file is missing, altered or of another form, or a detail is not as ``expected``.
    """
    manifest, arrays = sealed.read_arrays(folder, KIND, {"format": FORMAT, **expected}, AdapterError, remedy)
    return Tuning(manifest["id"], int(manifest["first_layer"]), arrays)
