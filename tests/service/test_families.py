"""Families of real sample plans with the shipped matcher: one by one as all at once, with and without kept vectors."""

from __future__ import annotations

from pathlib import Path

from sklearn.metrics import adjusted_rand_score

from index.families import Families, sign
from index.families_file import Kept, read, refresh
from models.remembered import RememberingEmbedder
from models.similarity import load_matcher
from service.ingest import ingest
from service.workspace import Workspace

PLANS = ("bac-kan-kh-ubnd-2021.txt", "binh-duong-5308-kh-ubnd-2021.md", "cao-bang-kh-ubnd-2023.md", "vinh-long-kh-ubnd-2021-2030.txt")  # fmt: skip


def groups(found: Families) -> set[frozenset[str]]:
    return {frozenset(map(sign, family.members)) for family in found.families}


def labels(found: Families) -> list[str]:
    family_of = {sign(m): family.id for family in found.families for m in family.members}
    return [family_of.get(sign(s), sign(s)) for name in sorted(found.statements) for s in found.statements[name]]


def test_plans_one_by_one_give_what_they_give_at_once(space: Workspace, samples: Path, tmp_path: Path) -> None:
    for name in PLANS:
        assert all(report.is_usable for report in ingest([samples / name], space))
        grown = space.families
    folder = space.matcher_folder

    kept = RememberingEmbedder(space.clause_embedder, read(space.settings.families_file).vectors)
    same = refresh(tmp_path / "a.npz", space.store, kept, load_matcher(folder, kept), Kept())
    assert groups(same) == groups(grown)

    # Vectors of the 8-bit embedder differ a little from batch to batch, and so may the families.
    anew = RememberingEmbedder(space.clause_embedder, {})
    fresh = refresh(tmp_path / "b.npz", space.store, anew, load_matcher(folder, anew), Kept())
    assert adjusted_rand_score(labels(fresh), labels(grown)) >= 0.95
