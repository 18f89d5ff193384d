"""Make the same sample plan as DOCX, PDF, DOC, HTML, plain text and scan, for tests/corpus/files.

Run by hand where LibreOffice is installed; the files are kept, so tests need none of it:
    PYTHONPATH=. python tests/corpus/make_files.py
"""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import docx
import pypdfium2
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.shared import Cm, Pt

HERE = Path(__file__).parent / "files"
SAMPLE = Path(__file__).parents[2] / "corpus/samples/binh-duong-5308-kh-ubnd-2021.md"
NAME = "binh-duong"


def blocks(markdown: str) -> list[str | list[list[str]]]:
    """Return the paragraphs (with their ** marks) and tables (rows of cells) of the sample, in order."""
    found: list[str | list[list[str]]] = []
    for line in re.sub(r"<!--.*?-->", "", markdown).splitlines():
        if line.startswith("|"):
            row = [cell.strip() for cell in line.strip("|").split("|")]
            if not found or isinstance(found[-1], str):
                found.append([])
            if not all(re.fullmatch(r"-+", cell) for cell in row):
                found[-1].append(row)
        elif text := re.sub(r"^#+ |\\(?=[-.*])", "", line.strip()):
            found.append(text)
    return found


def plain(text: str) -> str:
    return re.sub(r"\*+", "", text)


def write_docx(path: Path) -> None:
    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin, section.right_margin, section.top_margin, section.bottom_margin = Cm(3), Cm(2), Cm(2), Cm(2)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(14)
    head = True
    for block in blocks(SAMPLE.read_text(encoding="utf-8")):
        if isinstance(block, list):
            _table(document, block)
            continue
        paragraph = document.add_paragraph()
        if plain(block).startswith("PHỤ LỤC"):
            paragraph.add_run().add_break(WD_BREAK.PAGE)
        centred = head or plain(block).isupper() or plain(block).startswith("(Kèm theo")
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centred else WD_ALIGN_PARAGRAPH.JUSTIFY
        paragraph.paragraph_format.first_line_indent = None if centred else Cm(1.27)
        paragraph.paragraph_format.space_after = Pt(6)
        _runs(paragraph, block)
        head = head and not re.match(r"\*?\*?(Căn cứ|I\.|Thực hiện Quyết định|Triển khai)", block)
    document.save(str(path))


def _table(document: docx.document.Document, rows: list[list[str]]) -> None:
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    if len(rows) > 2:
        table.style = "Table Grid"
    for cells, row in zip(table.rows, rows, strict=True):
        for cell, text in zip(cells.cells, row, strict=True):
            for place, line in enumerate(text.split("<br>")):
                paragraph = cell.paragraphs[0] if place == 0 else cell.add_paragraph()
                if len(rows) <= 2 and not line.startswith("-"):
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
                _runs(paragraph, line)


def _runs(paragraph: docx.text.paragraph.Paragraph, text: str) -> None:
    for place, piece in enumerate(re.split(r"\*\*+", text)):
        run = paragraph.add_run(plain(piece))
        run.bold = place % 2 == 1


def write_html(path: Path) -> None:
    parts = []
    for block in blocks(SAMPLE.read_text(encoding="utf-8")):
        if isinstance(block, str):
            parts.append(f"<p>{html.escape(plain(block))}</p>")
            continue
        rows = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in block)
        parts.append(f"<table>{rows}</table>")
    page = "\n".join(parts)
    path.write_text(
        f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>Kế hoạch</title></head><body>\n{page}\n</body></html>\n',
        encoding="utf-8",
    )


def _html_cell(cell: str) -> str:
    return f"<td>{'<br>'.join(html.escape(plain(text)) for text in cell.split('<br>'))}</td>"


def write_txt(path: Path) -> None:
    lines = []
    for block in blocks(SAMPLE.read_text(encoding="utf-8")):
        if isinstance(block, str):
            lines.append(plain(block))
        elif len(block) <= 2:
            lines += [plain(line) for row in block for cell in row for line in cell.split("<br>")]
        else:
            lines.append("\n".join("| " + " | ".join(row) + " |" for row in block))
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def write_scan(source: Path, path: Path, pages: int = 1, dpi: int = 200) -> None:
    document = pypdfium2.PdfDocument(source)
    images = [document[n].render(scale=dpi / 72).to_pil().convert("L") for n in range(pages)]
    images[0].save(path, save_all=True, append_images=images[1:], resolution=dpi, quality=60)


def convert(source: Path, kind: str) -> None:
    command = ["soffice", "--headless", "--convert-to", kind, "--outdir", str(HERE), str(source)]
    subprocess.run(command, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    word = HERE / f"{NAME}.docx"
    write_docx(word)
    write_html(word.with_suffix(".html"))
    write_txt(word.with_suffix(".txt"))
    convert(word, "pdf")
    convert(word, "doc:MS Word 97")
    write_scan(word.with_suffix(".pdf"), HERE / f"{NAME}-scan.pdf")
