"""Mutate documents of every kind and read them: a document or an UnreadableError of one line, nothing else, within seconds.

    python tests/corpus/fuzz.py SEED COUNT      # prints a JSON summary; exits with 1 at the first case that does otherwise

Runs in a process of its own (tests/corpus/test_fuzz.py starts two), since a fault in pdfium would end the process.
"""

from __future__ import annotations

import faulthandler
import io
import json
import random
import signal
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import pypdfium2

from corpus.files import UnreadableError
from corpus.parse import parse
from corpus.read import read_bytes

ROOT = Path(__file__).parents[2]
FILES = ROOT / "tests/corpus/files"
SECONDS = 20


def sources() -> list[tuple[str, bytes]]:
    """Return (name, bytes) of whole documents of every kind, small ones where reading is slow."""
    whole = pypdfium2.PdfDocument(FILES / "binh-duong.pdf")
    page = pypdfium2.PdfDocument.new()
    page.import_pages(whole, [0])
    out = io.BytesIO()
    page.save(out)
    table = pypdfium2.PdfDocument.new()
    table.import_pages(whole, [5, 6])
    rows = io.BytesIO()
    table.save(rows)
    texts = [(path.name, path.read_bytes()[:6000]) for path in sorted((ROOT / "corpus/samples").iterdir())]
    with zipfile.ZipFile(FILES / "binh-duong.docx") as packed:
        body = packed.read("word/document.xml")
    return [
        ("page.pdf", out.getvalue()),
        ("table.pdf", rows.getvalue()),
        ("plan.docx", (FILES / "binh-duong.docx").read_bytes()),
        ("body.docx", body),
        ("plan.doc", (FILES / "binh-duong.doc").read_bytes()),
        *texts,
        ("plan.txt", "Kế hoạch số 5/KH-UBND".encode("utf-16")),
        ("plan.txt", "KÕ ho¹ch thùc hiÖn s¶n xuÊt vµ tiªu dïng bÒn v÷ng cña tØnh".encode("cp1252")),
    ]


def mutated(data: bytes, random_: random.Random) -> bytes:
    """Return ``data`` with a few bytes flipped, cut out, doubled, put in or cut off."""
    changed = bytearray(data)
    for _ in range(random_.choice((1, 1, 2, 4, 16, 64))):
        if not changed:
            break
        place, length = random_.randrange(len(changed)), random_.choice((1, 1, 2, 8, 64, 512))
        kind = random_.randrange(6)
        if kind == 0:
            changed[place] ^= 1 << random_.randrange(8)
        elif kind == 1:
            changed[place : place + length] = random_.randbytes(min(length, 16))
        elif kind == 2:
            del changed[place : place + length]
        elif kind == 3:
            changed[place:place] = changed[place : place + length] * random_.choice((1, 2, 50))
        elif kind == 4:
            changed[place:place] = random_.choice(HOSTILE)
        else:
            del changed[place + length * 50 :]
    return bytes(changed)


HOSTILE = [
    b"\x00", b"\xff\xfe", b"|" * 50, b"((((", b"<table><tr><td>" * 20, b"</p>" * 30, b"&#x0;&#1114112;", b"1.1.1.1.1.", b"-" * 200,
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>", "ﷺ".encode() * 40, b"%%EOF", b"/Kids [1 0 R]", b"endobj", b"99999999999999999999", b"\\r\\n" * 9,
    b"<w:tbl><w:tr><w:tc>", b"<w:gridSpan w:val=\"99999999\"/>", b"\x1b[31m", b"*" * 80, b"| a | b |\n" * 5, "Số: 1/KH-UBND\n".encode(),
]  # fmt: skip


def as_file(name: str, data: bytes) -> bytes:
    """Put a mutated body back into a whole .docx, so that mutations reach the reader behind the archive."""
    if name != "body.docx":
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(FILES / "binh-duong.docx") as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            new.writestr(member, data if member == "word/document.xml" else old.read(member))
    return out.getvalue()


def out_of_time(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"over {SECONDS} seconds")


def main() -> int:
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    faulthandler.enable()
    signal.signal(signal.SIGALRM, out_of_time)
    outcomes: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    kept = sources()
    for case in range(count):
        random_ = random.Random(f"{seed}-{case}")
        name, data = random_.choice(kept)
        damaged = mutated(data, random_)
        if Path(name).suffix in (".txt", ".md", ".html") and random_.random() < 0.7:
            # Most damage to bytes only breaks UTF-8; what is left when the broken ones are dropped reaches the parser.
            damaged = damaged.decode("utf-8", "ignore").encode()
        damaged = as_file(name, damaged)
        sys.stderr.write(f"\rcase {seed}-{case} {name}")
        begun = time.monotonic()
        signal.alarm(SECONDS)
        try:
            document = parse(read_bytes(damaged, name))
            document.metadata  # noqa: B018 - what is read must be whole
            outcomes["document"] += 1
        except UnreadableError as error:
            said = str(error)
            outcomes["refused"] += 1
            if "\n" in said or not 5 < len(said) < 500:
                print(json.dumps({"seed": seed, "case": case, "name": name, "message": said[:2000]}))
                return 1
        except BaseException as error:
            print(json.dumps({"seed": seed, "case": case, "name": name, "error": repr(error)[:2000]}))
            raise
        finally:
            signal.alarm(0)
        seconds[Path(name).suffix] = seconds.get(Path(name).suffix, 0.0) + time.monotonic() - begun
    print(
        json.dumps({"seed": seed, "cases": count, **outcomes, "seconds": {k: round(v, 1) for k, v in seconds.items()}})
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
