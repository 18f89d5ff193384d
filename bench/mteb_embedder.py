"""Evaluate an embedder by a retrieval task of MTEB (Muennighoff et al. 2023), or a BEIR folder as one; prints JSON.

    python bench/mteb_embedder.py TASK [--subset vi]                 # the task's data from its hub
    python bench/mteb_embedder.py TASK [--subset vi] --data PATH     # the published task, its data from PATH
    python bench/mteb_embedder.py --data FOLDER [--split test]       # a task of one's own

PATH is a BEIR folder or a JSON file in the form of SQuAD, so that XQuADRetrieval, subset vi, runs offline on XQuAD-vi. Figures
are those that mteb publishes, and its nDCG takes a grade itself as the gain where ``kehoach evaluate search`` takes
2^grade - 1; ``--out`` writes all of them in the form of mteb's results. Needs ``kehoach[bench]``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from fit_ranking import read_xquad

from index.evaluate import Collection, read_collection
from models.build import MAX_TOKENS
from models.embedder import Embedder, Vectors, load_embedder
from service.settings import settings

FIGURES = ("main_score", "ndcg_at_10", "mrr_at_10", "recall_at_1", "recall_at_10", "recall_at_100")


def library() -> Any:
    """Return the module mteb. Raises ImportError telling what to install."""
    try:
        import mteb
    except ImportError as error:
        raise ImportError(
            f"MTEB's tasks need mteb ({error}): pip install 'kehoach[bench]' -c constraints.txt"
        ) from error
    return mteb


class MtebEmbedder:
    """An ``Embedder`` as mteb calls one: its ``EncoderProtocol``, version 2."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def encode(
        self, inputs: Iterable[Mapping[str, Any]], *, prompt_type: str | None = None, **_context: Any
    ) -> Vectors:
        """Return float32 vectors of shape (texts, dimension) of batches that hold texts under ``text``.

        ``prompt_type`` "document" gives vectors of passages, "query" and None (tasks that compare texts with one another)
        vectors of queries.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        if prompt_type == "document":
            return self.embedder.embed_passages(texts)
        return self.embedder.embed_queries(texts)

    def similarity(self, embeddings1: Vectors, embeddings2: Vectors) -> Vectors:
        """Return the cosines of all pairs; vectors have unit length or are zero."""
        cosines: Vectors = np.atleast_2d(embeddings1) @ np.atleast_2d(embeddings2).T
        return cosines

    def similarity_pairwise(self, embeddings1: Vectors, embeddings2: Vectors) -> Vectors:
        """Return the cosine of each pair of rows."""
        cosines: Vectors = np.sum(np.atleast_2d(embeddings1) * np.atleast_2d(embeddings2), axis=1)
        return cosines

    @property
    def mteb_model_meta(self) -> Any:
        """What mteb records of the model. Raises ImportError."""
        known = {
            "name": f"kehoach/{self.embedder.id.replace('/', '__')}",
            "revision": self.embedder.id,
            "embed_dim": self.embedder.dimension,
            "max_tokens": MAX_TOKENS,
            "similarity_fn_name": "cosine",
            "use_instructions": True,
        }
        return library().models.ModelMeta.create_empty(known)


def published_task(name: str, subset: str | None) -> Any:
    """Return mteb's task ``name``, of its subset ``subset`` alone where given."""
    return library().get_task(name, hf_subsets=[subset] if subset else None)


def own_task(name: str, split: str) -> Any:
    """Return a retrieval task over data of one's own."""
    library()
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    class OwnRetrieval(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name=name,
            description="A BEIR folder",
            type="Retrieval",
            dataset={"path": name, "revision": "local"},
            eval_splits=[split],
            eval_langs=["vie-Latn"],
            main_score="ndcg_at_10",
        )

    return OwnRetrieval()


def with_data(task: Any, collection: Collection) -> Any:
    """Put ``collection`` in the place of the data that ``task``, of one subset, would load, and return ``task``.

    Queries without a relevant text are left out, as by ``kehoach evaluate search``. Results tell "local" as the revision.
    """
    from datasets import Dataset

    grades = {query: dict(of) for query, of in collection.judgements.items() if any(g > 0 for g in of.values())}
    queries = [{"id": query, "text": text} for query, text in collection.queries.items() if query in grades]
    data = {
        "corpus": Dataset.from_list([{"id": name, "text": text} for name, text in collection.corpus.items()]),
        "queries": Dataset.from_list(queries),
        "relevant_docs": {query["id"]: grades[query["id"]] for query in queries},
        "top_ranked": None,
    }
    (subset,) = task.hf_subsets
    task.metadata = task.metadata.model_copy(update={"dataset": task.metadata.dataset | {"revision": "local"}})
    task.dataset = {subset: {task.eval_splits[0]: data}}
    task.data_loaded = True
    return task


def read_data(path: Path, split: str, every: int = 1) -> Collection:
    """Return the BEIR folder or SQuAD file at ``path`` with every ``every``-th query."""
    collection = read_collection(path, split) if path.is_dir() else read_xquad(path)
    return replace(collection, queries=dict(islice(collection.queries.items(), 0, None, every)))


def evaluate(embedder: Embedder, task: Any, out: Path | None = None) -> dict[str, Any]:
    """Return FIGURES by split and subset."""
    results = library().evaluate(MtebEmbedder(embedder), task, cache=None, show_progress_bar=False)
    result = results.task_results[0]
    if out:
        result.to_disk(out)
    scores = {
        f"{split} {row['hf_subset']}": {name: round(row[name], 4) for name in FIGURES if name in row}
        for split, rows in result.scores.items()
        for row in rows
    }
    return {"task": result.task_name, "model": embedder.id, "mteb": result.mteb_version, "scores": scores}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", help="a retrieval task of mteb by name")
    parser.add_argument("--subset", help="one language of a task of several")
    parser.add_argument("--data", type=Path, help="a BEIR folder or a SQuAD file instead of the task's own data")
    parser.add_argument("--split", default="test", help="of a BEIR folder")
    parser.add_argument("--every", type=int, default=1, help="use every n-th query of --data only")
    parser.add_argument("--embedder", default="default", help="default, or what sentence-transformers loads")
    parser.add_argument("--out", type=Path, help="JSON file of all figures")
    given = parser.parse_args()
    if not given.task and not given.data:
        parser.error("expected the name of a task, --data, or both")
    task = published_task(given.task, given.subset) if given.task else own_task(given.data.stem, given.split)
    if given.data:
        if len(task.hf_subsets) != 1:
            parser.error(f"{given.task} has the subsets {', '.join(task.hf_subsets)}: choose one by --subset")
        with_data(task, read_data(given.data, given.split, given.every))
    embedder = load_embedder(given.embedder, settings().cache, settings().threads)
    print(json.dumps(evaluate(embedder, task, given.out), indent=1))


if __name__ == "__main__":
    main()
