"""News as an Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from lxml import etree
from markupsafe import Markup

from service.news import News
from service.pages import permalink

MEDIA_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
_LONGEST = 600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def atom(name: str, address: str, base: str, found: Sequence[News], store_id: str) -> bytes:
    """Return an Atom feed of ``found``: ``address`` is its own, ``base`` that of the pages its entries link to."""
    names = uuid.uuid5(uuid.NAMESPACE_URL, f"kehoach:{store_id}")
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})  # type: ignore[dict-item]
    _add(feed, "id", uuid.uuid5(names, address.removeprefix(base)).urn)
    _add(feed, "title", name)
    _add(feed, "updated", _moment(max((item.added_at for item in found), default=_EPOCH)))
    _add(_add(feed, "author"), "name", "kehoach")
    _add(feed, "link", rel="self", type=MEDIA_TYPE, href=address)
    for item in found:
        _add_entry(feed, item, base, names)
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8"))


def _add_entry(feed: etree._Element, item: News, base: str, names: uuid.UUID) -> None:
    document = item.document
    facts = ", ".join(str(fact) for fact in (document.province, document.number, document.year) if fact)
    passages = Markup("").join(
        Markup('<li><a href="{}">{}</a> {}</li>').format(
            base + permalink(p, "vi"), " › ".join(p.heading_path) or p.id, p.text[:_LONGEST]
        )
        for p in item.passages
    )
    left = item.count - len(item.passages)
    more = Markup("<p>+ {}</p>").format(left) if left > 0 else ""
    entry = _add(feed, "entry")
    _add(entry, "id", uuid.uuid5(names, document.id).urn)
    _add(entry, "title", ": ".join(filter(None, (facts, document.title))) or document.id)
    _add(entry, "updated", _moment(item.added_at))
    _add(entry, "link", rel="alternate", type="text/html", href=f"{base}/documents/{quote(document.id)}")
    _add(entry, "content", Markup("<ul>{}</ul>{}").format(passages, more), type="html")


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = _clean(text) if text is not None else None
    return element


def feed_path(query: str, task_group: str | None, province: str | None) -> str:
    """Return the path of the feed of a search that is not saved."""
    given = {"q": query, "task_group": task_group, "province": province}
    return f"/v1/feed.atom?{urlencode({name: value for name, value in given.items() if value})}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _clean(text: str) -> str:
    """Return ``text`` without what XML 1.0 cannot hold."""
    return "".join(
        c
        for c in str(text)
        if (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") or c in "\t\n\r"
    )
