"""A task adapter: what fine-tuning changes in the top layers of the encoder, the head on them, and held-out logits.

Low-rank changes as in Hu et al. 2022 (LoRA), a label-wise attention head as in Mullenbach et al. 2018. Kept as one .npz of
half-precision arrays beside a manifest that pins its hash; the adapter's id is taken from that hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import sealed
from models.errors import AdapterError
from models.tuning import Floats, Tuning

KIND = "adapter"
FILE = f"{KIND}.npz"
FORMAT = 1
HEAD = ("attend", "score", "bias")
REMEDY = "run `kehoach model finetune`"


@dataclass(frozen=True)
class Adapter(Tuning):
    """Changes of the layers from ``first`` on, and a head.

    ``arrays`` also has ``attend`` and ``score`` (groups, hidden), ``bias`` (groups,). ``texts`` are the ``text_keys`` of texts
    of the training rows, ascending, and ``held_out`` their logits, (texts, groups), by adapters that never saw their document.
    """

    groups: tuple[str, ...]
    texts: NDArray[np.uint64]
    held_out: Floats

    def unseen(self, texts: Sequence[str], fresh: Floats) -> Floats:
        """Return logits of ``texts``, (texts, groups): the held-out ones where there are any, else the row of ``fresh``."""
        asked = text_keys(texts)
        place = np.searchsorted(self.texts, asked)
        # Texts after the last known one would be looked up beyond the end.
        place[place == len(self.texts)] = 0
        found = fresh.copy()
        if not len(self.texts):
            return found
        known = np.flatnonzero(self.texts[place] == asked)
        found[known] = self.held_out[place[known]]
        return found


def text_keys(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Return 64 bits of the SHA-256 of each text, (texts,)."""
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8] for text in texts)
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def write_adapter(
    folder: Path,
    groups: Sequence[str],
    first: int,
    arrays: Mapping[str, Floats],
    held_out: Mapping[str, NDArray[np.floating[Any]]],
    details: Mapping[str, Any],
) -> Adapter:
    """Write an adapter into ``folder`` and return it as it will be read; ``details`` go into its manifest.

    ``held_out`` has logits, (groups,), by text.
    """
    keys = text_keys(list(held_out))
    order = np.argsort(keys)
    logits = np.array(list(held_out.values()), np.float32).reshape(len(keys), len(groups))
    kept: dict[str, NDArray[Any]] = {**arrays, "texts": keys[order], "held_out": logits[order]}
    manifest = {"format": FORMAT, "groups": list(groups), "first_layer": first, **details}
    sealed.write_arrays(folder, KIND, kept, manifest)
    return read_adapter(folder)


def read_adapter(folder: Path) -> Adapter:
    """Return the adapter in ``folder``. Raises AdapterError where a file is missing, altered or of another form."""
    manifest, arrays = sealed.read_arrays(folder, KIND, {"format": FORMAT}, AdapterError, REMEDY)
    texts, held_out = arrays.pop("texts"), arrays.pop("held_out")
    groups, first = tuple(manifest["groups"]), int(manifest["first_layer"])
    return Adapter(manifest["id"], first, arrays, groups, texts, held_out)


def shipped_adapter() -> Path:
    """Return where the adapter that comes with the program stands."""
    return sealed.shipped(KIND)


def find_adapter(own: Path, groups: Sequence[str]) -> Adapter | None:
    """Return the adapter in the folder ``own``, else the one that comes with the program, where made for ``groups``.

    None where there is none for these groups. Raises AdapterError where a folder holds one that cannot be used.
    """
    for folder in (own, shipped_adapter()):
        if (folder / sealed.MANIFEST_FILE).exists() and (found := read_adapter(folder)).groups == tuple(groups):
            return found
    return None
