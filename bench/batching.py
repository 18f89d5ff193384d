"""Compare encoding concurrent queries each in a run of its own with gathering them into one padded batch.

    python bench/batching.py

Both ways alternate within one process, so that what else the machine does falls on both alike.
"""

from __future__ import annotations

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from models.embedder import QUERY_PROMPT, OnnxEmbedder, load_embedder
from service.settings import Settings

ROOT = Path(__file__).parents[1]
ROUNDS = 30


def main() -> None:
    embedder = load_embedder("default", Settings().cache)
    assert isinstance(embedder, OnnxEmbedder)
    rows = (ROOT / "corpus/labelled/search/queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [json.loads(row)["text"] for row in rows]

    def gathered(texts: list[str]) -> np.ndarray:
        tokens = [embedder._tokenizer.encode(QUERY_PROMPT + text).ids for text in texts]
        longest = max(map(len, tokens))
        ids = np.array([row + [0] * (longest - len(row)) for row in tokens], np.int64)
        mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], np.int64)
        return embedder._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]

    for size in (2, 4, 8, 16):
        times: dict[str, list[float]] = {"alone": [], "gathered": []}
        nearest = 1.0
        with ThreadPoolExecutor(size) as pool:
            for number in range(ROUNDS):
                texts = [queries[(number * size + place) % len(queries)] for place in range(size)]
                began = time.perf_counter()
                alone = np.stack(list(pool.map(lambda text: embedder.embed_queries([text])[0], texts)))
                middle = time.perf_counter()
                together = gathered(texts)
                times["alone"].append(middle - began)
                times["gathered"].append(time.perf_counter() - middle)
                nearest = min(nearest, float((alone * together).sum(axis=1).min()))
        alone_ms, gathered_ms = (1000 * statistics.median(times[way]) for way in ("alone", "gathered"))
        print(
            f"{size:>2} queries: alone {alone_ms:.1f} ms, gathered {gathered_ms:.1f} ms, ratio {gathered_ms / alone_ms:.2f}, least cosine {nearest:.4f}"
        )


if __name__ == "__main__":
    main()
