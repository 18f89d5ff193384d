"""Measure reading on a fixed set and tell what a change of cleaning, metadata or targets gained and lost.

    python bench/reading.py            # the report, against the facts kept in results/reading.json
    python bench/reading.py --update   # the same, then keep today's facts

The set is the sample plans, the one plan in all formats of tests/corpus/files, and, where ../shared is, the 30 real plans
and the five seeds. Of real texts only facts and hashes are kept, no words.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from corpus import ocr
from corpus.join import marker_of
from corpus.parse import parse
from corpus.read import read, read_bytes
from corpus.targets import find_targets
from corpus.types import Document
from nlp.fold import fold

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
FACTS = ROOT / "results/reading.json"
FORMATS = ("txt", "html", "docx", "doc", "pdf")
# The days of issue of the 30 real plans, read by eye from their heads (day.month; all of 2025).
REAL_DAYS = (
    "20.11 26.11 19.11 17.11 18.11 18.11 24.11 18.11 18.11 18.11 19.11 21.11 27.11 19.11 19.11 18.11 1.12 17.11 19.11 24.11 "
    "21.11 21.11 24.11 19.11 18.11 20.11 19.11 25.11 18.11 20.11"
).split()


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def documents() -> Iterator[tuple[str, Document]]:
    """Yield (name, document) of the fixed set."""
    for path in sorted((ROOT / "corpus/samples").iterdir()):
        if not path.name.startswith("README"):
            yield path.name, parse(read(path))
    for row_number, row in enumerate(real_plans()):
        yield f"real-{row_number:02}", parse(read_bytes(row["text"].encode(), "plan.md"))
    for path in sorted((SHARED / "seeds").glob("*.txt")):
        yield f"seed-{path.name[:3]}", parse(read(path))


def real_plans() -> list[dict[str, Any]]:
    path = SHARED / "data/provincial_plans.jsonl"
    return [json.loads(line) for line in path.open(encoding="utf-8")] if path.exists() else []


def facts(document: Document) -> dict[str, Any]:
    about = document.metadata
    plain = ("number", "type", "province", "province_today", "issuing_body", "based_on", "period")
    targets = [t for p in document.paragraphs for t in find_targets(p.text, p.heading_path, about.title or "")]
    return {
        **{name: getattr(about, name) for name in plain},
        "date_issued": str(about.date_issued),
        "title": hashed(about.title or ""),
        "signer": hashed(about.signer or ""),
        "kinds": Counter(p.kind for p in document.paragraphs),
        "skipped": Counter(line.reason for line in document.skipped),
        "paragraphs": [hashed(p.text) for p in document.paragraphs],
        "paths": [hashed(" > ".join(p.heading_path)) for p in document.paragraphs],
        "targets": [hashed(f"{t.comparator} {t.values} {t.unit} {t.deadline}") for t in targets],
    }


def report_changes(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Print what each document gained and lost since the facts were kept."""
    totals: Counter[str] = Counter()
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            print(f"{name}: {'new' if name in after else 'no longer there'}")
            continue
        for field, old in before[name].items():
            new = after[name].get(field)
            if isinstance(old, list) and field in ("paragraphs", "paths", "targets"):
                lost, gained = Counter(old) - Counter(new), Counter(new) - Counter(old)
                if lost or gained:
                    print(f"{name}: {field} +{gained.total()} -{lost.total()}")
                    totals[f"{field} gained"] += gained.total()
                    totals[f"{field} lost"] += lost.total()
            elif old != new:
                print(f"{name}: {field} {old} -> {new}")
                totals[f"{field} changed"] += 1
    print("in all:", dict(totals) or "nothing changed")


def report_real() -> None:
    rows = real_plans()
    if not rows:
        print("real plans: ../shared is not here")
        return
    right: Counter[str] = Counter()
    items = headed = debris = 0
    for row, day in zip(rows, REAL_DAYS, strict=True):
        document = parse(read_bytes(row["text"].encode(), "plan.md"))
        about = document.metadata
        checks = {
            "number": about.number == row["number"],
            "province": fold(about.province or "") == fold(row["province"]),
            "date": bool(about.date_issued) and f"{about.date_issued.day}.{about.date_issued.month}" == day,
        }
        right.update(name for name, is_right in checks.items() if is_right)
        right["all three"] += all(checks.values())
        for paragraph in document.paragraphs:
            debris += bool(re.search(r"\|.*\||-{4,}|<[a-z/]+>", paragraph.text))
            if _is_list_item(document, paragraph):
                items += 1
                headed += bool(paragraph.heading_path)
    print(f"real plans: {len(rows)}; exact: {dict(right)}; paragraphs with table debris: {debris}")
    print(f"list items below a heading: {headed} of {items} ({headed / items:.3f})")


def _is_list_item(document: Document, paragraph: Any) -> bool:
    """Tell a numbered or dashed item that is no section heading of the first level."""
    marker, _ = marker_of(document.text[paragraph.start : paragraph.end].strip())
    return marker in ("number", "number2", "number3", "item", "dash", "plus") and not paragraph.is_heading


def report_formats() -> None:
    files = ROOT / "tests/corpus/files"
    whole = parse(read(files / "binh-duong.txt"))
    wanted = "\n".join(p.text for p in whole.paragraphs)
    for suffix in FORMATS:
        document = parse(read(files / f"binh-duong.{suffix}"))
        ratio = SequenceMatcher(a=wanted, b="\n".join(p.text for p in document.paragraphs), autojunk=False).ratio()
        same = [
            getattr(document.metadata, n) == getattr(whole.metadata, n)
            for n in ("number", "title", "province", "date_issued", "issuing_body", "based_on", "period")
        ]
        print(
            f"{suffix}: similarity {ratio:.4f}, {len(document.paragraphs)} paragraphs, {sum(same)} of {len(same)} fields equal"
        )
    if missing := ocr.missing():
        print(f"scan: not measured, {missing} is not installed")
        return
    scan = parse(read(files / "binh-duong-scan.pdf"))
    count = len(scan.paragraphs)
    text, truth = ("\n".join(p.text for p in d.paragraphs[:count]) for d in (scan, whole))
    print(
        f"scan at 200 dpi: character error {edit_distance(text, truth) / len(truth):.4f} over {len(truth)} characters"
    )


def edit_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="keep today's facts in results/reading.json")
    chosen = parser.parse_args()
    found = json.loads(json.dumps({name: facts(document) for name, document in documents()}, default=str))
    report_changes(json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {}, found)
    report_real()
    report_formats()
    if chosen.update:
        FACTS.write_text(
            json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace('},"', '},\n"') + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    sys.exit(main())
