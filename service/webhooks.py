"""Post what is new and fits a saved search to an address, signed, again and again until it is taken.

Signatures and headers follow the Standard Webhooks specification: ``webhook-signature`` is ``v1,`` and the base64 of the
HMAC-SHA256 of ``id.timestamp.body`` under the secret that was shown when the search was saved.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpcore
import sqlalchemy as sa

from corpus.files import UnreadableError
from corpus.schema import deliveries, paragraphs, saved_searches
from corpus.store import Filter, Store
from service.fetching import check, guarded_pool
from service.news import News, news_between
from service.searches import SIGNING_PREFIX, Search, search_form, with_webhook
from service.workspace import Workspace

SETTING = "KEHOACH_WEBHOOK_HOSTS"
# Minutes before each further attempt, a day and a half in all.
_PAUSES = (1, 5, 30, 120, 480, 1440)
_SECONDS = 10.0
# One at its slowest, and some: afterwards a delivery whose process died is made by another.
_CLAIM = timedelta(seconds=60 + 4 * _SECONDS)
_A_ROUND = 20
# Of one delivery; what one import brought goes out in as many as it takes.
_DOCUMENTS = 20


def enqueue(space: Workspace) -> int:
    """Write deliveries, of at most 20 documents each, for every saved search with a webhook that new paragraphs fit; return how many."""
    count = 0
    for search in with_webhook(space.store):
        with space.store.engine.connect() as connection:
            last = connection.scalar(sa.select(sa.func.max(paragraphs.c.key))) or 0
        if last <= search.looked_at:
            continue
        only = Filter(search.province, None, search.task_group)
        now, found = datetime.now(UTC), news_between(space, search.query, only, search.looked_at, last)
        bodies = list(_bodies(search, found, now))
        with space.store.engine.begin() as connection:
            looked = sa.update(saved_searches).where(saved_searches.c.number == search.number)
            # Only one of several processes that come here together goes on from where the search stood.
            moved = connection.execute(
                looked.where(saved_searches.c.looked_at == search.looked_at).values(looked_at=last)
            )
            if bodies and moved.rowcount:
                connection.execute(
                    sa.insert(deliveries),
                    [
                        {"search_id": search.id, "body": body, "state": "waiting", "attempts": 0, "next_at": now, "answer": ""}
                        for body in bodies
                    ],
                )  # fmt: skip
                count += len(bodies)
    return count


def deliver(store: Store, allowed: tuple[str, ...], backend: httpcore.NetworkBackend | None = None) -> int:
    """Post what is due; return how many were taken. What is refused is tried six times more, then given up."""
    now, taken = datetime.now(UTC), 0
    query = sa.select(deliveries, saved_searches.c.webhook, saved_searches.c.secret).join(
        saved_searches, saved_searches.c.id == deliveries.c.search_id
    )
    due = query.where(deliveries.c.state == "waiting", deliveries.c.next_at <= now)
    with store.engine.connect() as connection:
        rows = connection.execute(due.order_by(deliveries.c.number).limit(_A_ROUND)).all()
    for row in rows:
        if not _claimed(store, row):
            continue
        answer = _post(row, allowed, backend)
        is_taken = answer.startswith("2")
        values: dict[str, Any] = {"attempts": row.attempts + 1, "answer": answer[:500]}
        if is_taken:
            values["state"] = "done"
        elif row.attempts < len(_PAUSES):
            values["next_at"] = now + timedelta(minutes=_PAUSES[row.attempts])
        else:
            values["state"] = "failed"
        with store.engine.begin() as connection:
            connection.execute(sa.update(deliveries).where(deliveries.c.number == row.number).values(**values))
        taken += is_taken
    return taken


def _claimed(store: Store, row: sa.Row[Any]) -> bool:
    """Put a delivery off, so that no other process makes it meanwhile; tell whether it was not put off by another."""
    mine = sa.update(deliveries).where(
        deliveries.c.number == row.number, deliveries.c.state == "waiting", deliveries.c.next_at == row.next_at
    )
    with store.engine.begin() as connection:
        return connection.execute(mine.values(next_at=datetime.now(UTC) + _CLAIM)).rowcount > 0


def sign(secret: str, name: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature`` for a message."""
    key = base64.b64decode(secret.removeprefix(SIGNING_PREFIX))
    digest = hmac.digest(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _post(row: sa.Row[Any], allowed: tuple[str, ...], backend: httpcore.NetworkBackend | None) -> str:
    """Return the status that the receiver answered with, or why it could not be asked."""
    name, timestamp, body = f"msg_{row.number}", int(datetime.now(UTC).timestamp()), row.body.encode()
    headers: dict[bytes | str, bytes | str] = {
        "Content-Type": "application/json",
        "User-Agent": "kehoach",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(row.secret, name, timestamp, body),
    }
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)
    try:
        check(row.webhook, allowed, SETTING)
        with (
            guarded_pool(backend) as pool,
            pool.stream("POST", row.webhook, headers=headers, content=body, extensions={"timeout": timeouts}) as answer,
        ):
            return str(answer.status)
    except (
        UnreadableError,
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        ssl.SSLError,
    ) as error:
        return str(error) or type(error).__name__


def _bodies(search: Search, found: Iterator[News], now: datetime) -> Iterator[str]:
    while batch := list(islice(found, _DOCUMENTS)):
        yield _body(search, batch, now)


def _body(search: Search, found: Sequence[News], now: datetime) -> str:
    told = {
        "type": "documents.matched",
        "timestamp": now.isoformat(),
        "data": {
            "search": {name: value for name, value in search_form(search).items() if name != "webhook"},
            "documents": [
                {
                    "document_id": item.document.id,
                    "number": item.document.number,
                    "title": item.document.title,
                    "province": item.document.province,
                    "year": item.document.year,
                    "added_at": item.added_at.isoformat(),
                    "paragraphs": item.count,
                    "paragraph_ids": [paragraph.id for paragraph in item.passages],
                }
                for item in found
            ],
        },
    }
    return json.dumps(told, ensure_ascii=False)
