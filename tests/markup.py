"""What tests ask of pages."""

from __future__ import annotations

import re

from lxml import html


def inline(page: str) -> list[str]:
    """Return what a page has that its security policy forbids: all scripts but files of its own, handlers, styles."""
    scripts = html.document_fromstring(page).xpath("//script")
    written = [
        html.tostring(script, encoding="unicode", with_tail=False)
        for script in scripts
        if script.text_content().strip() or not re.fullmatch(r"/static/[\w-]+\.js", script.get("src", ""))
    ]
    return written + re.findall(r"\son\w+=|style=|javascript:", page)
