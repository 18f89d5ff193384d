"""Read a CRF of two labels from CRFsuite's model file (N. Okazaki, CRFsuite: a fast implementation of CRFs, 2007)."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("target", "<u4"), ("weight", "<f8")])
_STATE, _TRANSITION = 0, 1


class UnknownModelError(ValueError):
    """A segmenter is not made as is known here; the message says what differs."""


class Weights(NamedTuple):
    """How much more each thing speaks for the first of two labels than for the second, or of going from one to the other.

    ``state`` is by attribute and a difference; ``transitions`` are weights by label before and label after.
    """

    state: dict[str, float]
    transitions: tuple[tuple[float, float], tuple[float, float]]


def read_weights(data: bytes, labels: tuple[str, str]) -> Weights:
    """Return the weights in a model file: a header, features of 20 bytes each, and two databases of names (CQDB).

    Raises UnknownModelError where ``data`` is of another form or has other labels.
    """
    try:
        magic, kind, at_features, at_labels, at_attributes = struct.unpack_from("<4s4x4s16x3I", data)
        if (magic, kind) != (b"lCRF", b"FOMC"):
            raise UnknownModelError(f"the model file begins with {magic + kind!r}; only b'lCRF' and b'FOMC' are read")
        names = _names(data, at_labels)
        if sorted(names) != sorted(labels):
            raise UnknownModelError(f"the model's labels are {names}; only {list(labels)} are read")
        attributes = _names(data, at_attributes)
        (count,) = struct.unpack_from("<I", data, at_features + 8)
        features = np.frombuffer(data, _FEATURE, count, at_features + 12)
    except (struct.error, ValueError) as error:
        raise UnknownModelError(f"the model file cannot be read: {error}") from error
    first = names.index(labels[0])
    states = features[features["kind"] == _STATE]
    signed = np.where(states["target"] == first, states["weight"], -states["weight"])
    margins = np.bincount(states["source"], signed, minlength=len(attributes)).tolist()
    moves = features[features["kind"] == _TRANSITION]
    transitions = np.zeros((2, 2))
    transitions[(moves["source"] != first).astype(int), (moves["target"] != first).astype(int)] = moves["weight"]
    (ff, fs), (sf, ss) = transitions.tolist()
    return Weights(dict(zip(attributes, margins, strict=True)), ((ff, fs), (sf, ss)))


def _names(data: bytes, start: int) -> list[str]:
    count, links = struct.unpack_from("<2I", data, start + 16)
    names = []
    for place in np.frombuffer(data, "<u4", count, start + links).tolist():
        (size,) = struct.unpack_from("<I", data, start + place + 4)
        names.append(data[start + place + 8 : start + place + 7 + size].decode())
    return names
