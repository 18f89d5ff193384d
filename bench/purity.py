"""Measure the families of the sample plans against people's judgement: `python bench/purity.py`.

``judged_families.jsonl`` names the obligation of each statement that was in a family of three or more. Purity is the share
of the members of such families that have the commonest obligation of their family (Manning, Raghavan & Schütze 2008,
16.3). A statement not judged yet counts as impure and is listed, to be judged by a person and added.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
SMALLEST = 3


def main() -> None:
    """Print families, members, purity, and every member that does not belong."""
    lines = (ROOT / "bench" / "judged_families.jsonl").read_text(encoding="utf-8").splitlines()
    judged = {(row["paragraph_id"], row["text"]): row["obligation"] for row in map(json.loads, lines)}
    with tempfile.TemporaryDirectory() as home:
        space = Workspace(Settings(home=Path(home)))
        for _ in ingest([ROOT / "corpus" / "samples"], space):
            pass
        families = [family for family in space.families.families if len(family.members) >= SMALLEST]
        space.close()
    members = pure = 0
    groups: dict[str, set[str]] = {}
    for family in families:
        named = [judged.get((m.paragraph.id, m.text)) for m in family.members]
        commonest = Counter(name for name in named if name).most_common(1)
        right = commonest[0][0] if commonest else None
        groups.setdefault(str(right), set()).add(family.id)
        members += len(named)
        for member, name in zip(family.members, named, strict=True):
            if name is not None and name == right:
                pure += 1
            else:
                print(f"  {family.id} ({right}): {name or 'not judged'}: {member.paragraph.id}: {member.text}")
    split = {name: sorted(ids) for name, ids in groups.items() if len(ids) > 1}
    print(f"{len(families)} families, {members} members, purity {pure / members:.3f}; obligations in several: {split}")


if __name__ == "__main__":
    main()
