"""Point-in-time recovery: a base backup under writes, wrong changes, a second server recovered to the moment before them.

    python bench/recovery.py                              # the sample plans
    python bench/recovery.py --copies 20                  # and each of them twenty times more

The server archives its log as docs/scaling.md says. After the moment more corrections are written, one of them wrong, and
a plan is deleted; then the server and its folder go, and only the base backup and the archive are left. From these one
server is recovered to the moment, another as far as the archive goes. Prints JSON: times, bytes of log, what is missing
and what is too much; exits with 1 where anything is, or where a hash or a search differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from measuring import wait_for as waited  # noqa: E402

from corpus.content import content_hash  # noqa: E402
from corpus.corrections import corrections  # noqa: E402
from corpus.store import Filter, Store  # noqa: E402
from service.correcting import correct  # noqa: E402
from service.ingest import ingest  # noqa: E402
from service.settings import Settings  # noqa: E402
from service.workspace import Workspace  # noqa: E402
from tests.postgres import Server, new_folder  # noqa: E402

# The settings that docs/scaling.md names, there with the folder /archive.
ARCHIVE = (
    "if test -f {folder}/%f.gz; then gunzip < {folder}/%f.gz | cmp -s - %p; else "
    "gzip < %p > {folder}/%f.part && sync {folder}/%f.part && mv {folder}/%f.part {folder}/%f.gz; fi"
)
RESTORE = "gunzip < {folder}/%f.gz > %p"
# What the recovered store is told before anything uses it: its later revisions are other ones than those it had before.
NEW_IDENTITY = (
    "update state set store_id = replace(gen_random_uuid()::text, '-', '')",
    "update kehoach_index.manifests set store_id = (select store_id from state)",
)
SETTINGS = {
    "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on", "wal_level": "replica",
    "max_wal_senders": "10", "archive_mode": "on",
}  # fmt: skip
QUERIES = ("siêu thị thay túi ni lông", "dien mat troi mai nha", "phân loại rác tại nguồn")
WRITERS = 2
wait_for = partial(waited, seconds=120)


@dataclass(frozen=True)
class State:
    """What a store holds: the hash of its content, the notes of its corrections, and the hits of each query."""

    content: str
    notes: frozenset[str]
    hits: tuple[tuple[str, ...], ...]


def state_of(space: Workspace) -> State:
    found = [tuple(hit.paragraph.id for hit in space.searcher.search(query).hits) for query in QUERIES]
    return State(content_hash(space.store), frozenset(c.note for c in corrections(space.store)), tuple(found))


class Log:
    """How much log a server wrote since it was last asked."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._last = self._position()

    def _position(self) -> int:
        return int(ask(self._server, "select pg_current_wal_insert_lsn() - '0/0'"))

    def written(self) -> int:
        before, self._last = self._last, self._position()
        return self._last - before


def tell(server: Server, statement: str, database: str = "postgres") -> None:
    with server.connect(database) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def ask(server: Server, query: str) -> Any:
    with server.connect() as connection:
        return (connection.execute(query).fetchone() or (None,))[0]  # type: ignore[call-overload]


def archiving(archive: Path) -> dict[str, str]:
    """Return the settings of a server that archives into a folder."""
    return SETTINGS | {"archive_command": ARCHIVE.format(folder=archive)}


def archive_all(server: Server) -> None:
    """Wait until all that the server has written so far is in its archive."""
    segment = ask(server, "select pg_walfile_name(pg_current_wal_insert_lsn())")
    ask(server, "select pg_switch_wal()::text")
    wait_for(lambda: (ask(server, "select last_archived_wal from pg_stat_archiver") or "") >= segment)


class Writers:
    """Correct tags, several at once, until told to stop; ``acknowledged`` has the notes of what was committed."""

    def __init__(self, space: Workspace, paragraphs: Sequence[str]) -> None:
        self._space, self._paragraphs = space, paragraphs
        self.acknowledged: list[str] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write, inside; nothing is under way afterwards. Some writes end before the inside is begun, some after it."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._write, args=(stop, seed)) for seed in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            self._wait_for_more()
            yield
            self._wait_for_more()
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _write(self, stop: threading.Event, seed: int) -> None:
        chosen = random.Random(seed)
        while not stop.is_set():
            note = secrets.token_hex(8)
            groups = chosen.choice(([], ["awareness"], ["renewable_energy"]))
            correct(self._space, chosen.choice(self._paragraphs), groups, "bench", note)
            self.acknowledged.append(note)

    def _wait_for_more(self) -> None:
        enough = len(self.acknowledged) + 3 * WRITERS
        wait_for(lambda: len(self.acknowledged) >= enough)


def multiply(store: Store, copies: int, embedder_id: str) -> None:
    """Store every document ``copies`` times more, under other names, with all that is known of it."""
    for stored in store.documents():
        document, analyses = store.analysed(stored.id) or (None, [])
        assert document
        keys = [paragraph.key for paragraph in store.paragraphs(Filter(document_id=stored.id))]
        vectors = store.vectors_of(keys, embedder_id)
        analyses = [replace(a, vector=vectors[key]) for key, a in zip(keys, analyses, strict=True)]
        for number in range(copies):
            name = f"{stored.id}-{number}"
            members = tuple(replace(p, id=p.id.replace(stored.id, name, 1)) for p in document.paragraphs)
            digest = hashlib.sha256(name.encode()).hexdigest()
            store.add(replace(document, id=name, sha256=digest, paragraphs=members), analyses, embedder_id)


def fill(server: Server, space: Workspace, plans: Sequence[Path], copies: int, count: int) -> dict[str, Any]:
    """Store plans, index them and correct ``count`` paragraphs; return how much log each of that took."""
    log = Log(server)
    unusable = [report for report in ingest(plans, space) if not report.is_usable]
    assert not unusable, unusable
    store = space.store
    read = len(store.paragraphs())
    figures: dict[str, Any] = {"paragraphs_read": read, "log_bytes_a_paragraph_read": log.written() // read}
    multiply(store, copies, space.embedder.id)
    ids = [paragraph.id for paragraph in store.paragraphs()]
    figures["paragraphs"] = len(ids)
    if copies:
        figures["log_bytes_a_paragraph_copied"] = log.written() // (len(ids) - read)
    figures["database_bytes_a_paragraph"] = ask(server, "select pg_database_size('kehoach')") // len(ids)
    space.build_index()
    figures["log_bytes_a_paragraph_indexed"] = log.written() // len(ids)
    # The first vacuum marks every page, as autovacuum does some time after an import; checksums have such pages logged whole.
    tell(server, "checkpoint")
    tell(server, "vacuum analyze", "kehoach")
    figures["log_bytes_a_paragraph_vacuumed"] = log.written() // len(ids)
    chosen = random.Random(889).choices(ids, k=count)
    tell(server, "checkpoint")
    # The first change of a page after a checkpoint logs the page whole.
    for kind in ("after_a_checkpoint", "again"):
        log.written()
        for place, paragraph in enumerate(chosen):
            correct(space, paragraph, ["awareness"], "bench", f"{kind} {place}")
        figures[f"log_bytes_a_correction_{kind}"] = log.written() // count
    space.build_index()
    return figures | {"log_bytes_a_corrected_paragraph_indexed": log.written() // count, "corrections_measured": count}


class Drill:
    """One go through it all: ``primary`` with its archive, filled by ``fill``, and what is recovered after it is gone."""

    def __init__(
        self, settings: Settings, fill: Callable[[Server, Workspace], dict[str, Any]], stack: ExitStack
    ) -> None:
        self._settings, self._fill, self._stack = settings, fill, stack
        self.archive, backups = (new_folder(f"kehoach-{name}-") for name in ("archive", "backups"))
        for folder in (self.archive, backups):
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.backup = backups / "base"
        self._models: Workspace | None = None

    def run(self) -> dict[str, Any]:
        """Return the report, ``is_right`` in it."""
        primary = self._started(Server(**archiving(self.archive)))
        tell(primary, "create database kehoach")
        space = self._models = self._opened(primary)
        report = self._fill(primary, space)
        writers = Writers(space, [paragraph.id for paragraph in space.store.paragraphs()])
        with writers.writing():
            so_far, began = len(writers.acknowledged), time.monotonic()
            primary.back_up(self.backup)
            report["base_backup_s"] = round(time.monotonic() - began, 2)
            report["corrections_during_it"] = len(writers.acknowledged) - so_far
        report["base_backup_mb"] = megabytes(self.backup.rglob("*"))
        moment, then = ask(primary, "select clock_timestamp()"), state_of(space)
        later, revision = self._go_wrong(space, then)
        # Another host, whose index on its own disk has seen what will be undone.
        assert state_of(self._opened(primary, local=True)) == later
        archive_all(primary)
        segments = list(self.archive.glob("*.gz"))
        report |= {"archived_segments": len(segments), "archived_mb": megabytes(segments)}
        space.store.close()
        primary.stop()

        server, report["recovery_s"] = self._recovered(recovery_target_time=moment.isoformat())
        told: list[str] = []
        space = self._opened(server, told.append)
        now = state_of(space)
        report |= {
            "acknowledged_before": len(writers.acknowledged),
            "missing": len({*writers.acknowledged, *then.notes} - now.notes), "too_much": len(now.notes - then.notes),
            "same_content": now.content == then.content, "same_hits": now.hits == then.hits,
            "index_kept": not told,
        }  # fmt: skip
        # As many changes as were undone, but other ones: that host must not take them for those that it knows.
        while space.store.mark().revision < revision:
            correct(space, then.hits[0][0], ["awareness"], "bench")
        report["other_host_follows"] = state_of(self._opened(server, local=True)).hits == state_of(space).hits
        # The log of what was recovered is in the archive too, on a timeline of its own.
        archive_all(server)
        server, report["recovery_to_the_end_s"] = self._recovered(recovery_target_timeline="1")
        report["same_at_the_end"] = state_of(self._opened(server)) == later
        checks = ("same_content", "same_hits", "index_kept", "other_host_follows", "same_at_the_end")
        is_right = all(report[name] for name in checks) and not report["missing"] and not report["too_much"]
        return report | {"is_right": is_right and then.content != later.content and then.hits != later.hits}

    def _go_wrong(self, space: Workspace, then: State) -> tuple[State, int]:
        """Write on, take the tags of the first hit away and delete its plan; return what is stored then, and its revision."""
        hit = space.store.paragraph(then.hits[0][0])
        assert hit
        with Writers(space, [paragraph.id for paragraph in space.store.paragraphs()]).writing():
            correct(space, hit.id, [], "bench", "wrong")
        space.store.delete(hit.document_id)
        return state_of(space), space.store.mark().revision

    def _recovered(self, **target: str) -> tuple[Server, float]:
        """Recover a new server; return it when it takes writes, and the seconds that took."""
        began = time.monotonic()
        source = {"restore_command": RESTORE.format(folder=self.archive), "recovery_target_action": "promote"}
        server = self._started(Server(backup=self.backup, **archiving(self.archive), **source, **target))
        wait_for(lambda: ask(server, "select not pg_is_in_recovery()"))
        took = round(time.monotonic() - began, 2)
        for statement in NEW_IDENTITY:
            tell(server, statement, "kehoach")
        return server, took

    def _started(self, server: Server) -> Server:
        self._stack.callback(server.stop)
        server.start()
        return server

    def _opened(self, server: Server, say: Callable[[str], None] | None = None, *, local: bool = False) -> Workspace:
        """Return a workspace on a server's database, with its index there, or in one and the same ``local`` home."""
        home = self._settings.home / ("local" if local else "shared")
        changed = {"home": home, "database": server.url("kehoach"), "index": "local" if local else "postgres"}
        space = Workspace(Settings.model_validate(self._settings.model_dump() | changed), say)
        if self._models:
            # Loading them takes longer than all else.
            for part in ("groups", "embedder", "query_embedder"):
                space.__dict__[part] = getattr(self._models, part)
        self._stack.callback(space.close)
        return space


def megabytes(files: Iterable[Path]) -> float:
    return round(sum(file.stat().st_size for file in files if file.is_file()) / 1e6, 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", type=int, default=14, help="how many of the sample plans are read")
    parser.add_argument("--copies", type=int, default=0, help="how often each is stored once more, as it was read")
    parser.add_argument("--corrections", type=int, default=200, help="how many the log is measured with")
    given = parser.parse_args()
    # So that what was started ends, and its folders go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    plans = sorted((ROOT / "corpus/samples").glob("*20*"))[: given.plans]
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        filled = partial(fill, plans=plans, copies=given.copies, count=given.corrections)
        report = Drill(Settings(home=Path(home), threads=1), filled, stack).run()
    print(json.dumps(report, indent=1))
    return not report["is_right"]


if __name__ == "__main__":
    sys.exit(main())
