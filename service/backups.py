"""Copy all that cannot be made again into one file while the service runs, and bring it back, checked by hashes.

The file is a tar archive: ``manifest.json`` with the SHA-256 of every other member, ``kehoach.db`` (a copy by SQLite's online
backup), the files of imports that wait, own trained models. Indexes and the embedding model are left out: they are rebuilt.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

import sqlalchemy as sa

from corpus.schema import HEAD
from corpus.store import Store
from service import jobs
from service.errors import NothingUsableError
from service.hosts import host_id
from service.settings import Settings
from service.workspace import Workspace

FORMAT = "kehoach-backup-1"
_MANIFEST = "manifest.json"
_DATABASE = "kehoach.db"
_FOLDERS = ("spool", "adapter", "tagger", "matcher", "queries")
_BLOCK = 1 << 20


def backup(workspace: Workspace, file: Path) -> str:
    """Write ``file`` whole or not at all; return its SHA-256. Raises NothingUsableError where that cannot be done."""
    settings = workspace.settings
    source = _sqlite_path(workspace.store)
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".backup-") as folder:
            copy, archive = Path(folder) / _DATABASE, Path(folder) / "archive"
            _copy_database(source, copy)
            members = {_DATABASE: copy}
            for name in _FOLDERS:
                root = settings.home / name
                members |= {
                    str(PurePosixPath(name, p.relative_to(root))): p for p in sorted(root.rglob("*")) if p.is_file()
                }
            _write(archive, members)
            _verified(archive, Path(folder) / "check")
            digest = _digest(archive)
            archive.replace(file)
    except OSError as error:
        raise NothingUsableError(f"{file}: cannot be written: {error.strerror or error}") from error
    return digest


def is_backup(file: Path) -> bool:
    """Tell whether ``file`` is an archive that ``backup`` wrote; its hashes are not looked at."""
    try:
        with tarfile.open(file) as archive:
            first = archive.next()
            return first is not None and first.name == _MANIFEST
    except (OSError, tarfile.TarError):
        return False


def restore(settings: Settings, file: Path) -> int:
    """Put what ``file`` holds in place of what is stored, also while the service runs; return the number of documents.

    Everything is checked before anything is changed; the database changes in one transaction. Raises NothingUsableError for
    a file that is damaged, or of a newer version of the program.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix=".restore-") as name:
        folder = Path(name)
        try:
            _verified(file, folder)
        except OSError as error:
            raise NothingUsableError(f"{file}: cannot be read: {error.strerror or error}") from error
        copy = folder / _DATABASE
        count = _renew(copy, file, host_id(settings.home))
        store = Store(settings.database_url)
        try:
            target = _sqlite_path(store)
        finally:
            store.close()
        for kind in _FOLDERS:
            _exchange(folder / kind, settings.home / kind)
        _copy_database(copy, target)
    return count


def _sqlite_path(store: Store) -> Path:
    url = store.engine.url
    if store.engine.dialect.name != "sqlite" or not url.database:
        raise NothingUsableError(
            f"the store is {url.get_backend_name()}: back it up with its own tools, as docs/scaling.md tells; of KEHOACH_HOME "
            f"copy the folders {', '.join(_FOLDERS)}"
        )
    return Path(url.database)


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database in one transaction, whoever reads or writes either of them meanwhile."""
    with sqlite3.connect(source, timeout=60) as origin, sqlite3.connect(target, timeout=60) as copy:
        try:
            origin.backup(copy)
            found = copy.execute("pragma quick_check").fetchone()[0]
        except sqlite3.Error as error:
            raise NothingUsableError(f"{source} cannot be copied: {error}") from error
    origin.close()
    copy.close()
    if found != "ok":
        raise NothingUsableError(f"{source} is damaged: {found}")


def _write(archive: Path, members: dict[str, Path]) -> None:
    # A file of an import that was finished meanwhile is gone: the copy of the database is what counts.
    hashes: dict[str, str] = {}
    for name, path in members.items():
        try:
            hashes[name] = _digest(path)
        except FileNotFoundError:
            continue
    manifest = {"format": FORMAT, "schema": HEAD, "created_at": datetime.now(UTC).isoformat(), "sha256": hashes}
    text = json.dumps(manifest, indent=1).encode()
    with archive.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            about = tarfile.TarInfo(_MANIFEST)
            about.size = len(text)
            tar.addfile(about, io.BytesIO(text))
            for name in hashes:
                tar.add(members[name], name, recursive=False)
        file.flush()
        os.fsync(file.fileno())


def _verified(file: Path, folder: Path) -> None:
    """Unpack an archive into ``folder``, every member checked. Raises NothingUsableError naming what is wrong."""
    try:
        with tarfile.open(file) as archive:
            first = archive.next()
            about = archive.extractfile(first) if first and first.name == _MANIFEST else None
            manifest = json.loads(about.read()) if about else {}
            if manifest.get("format") != FORMAT:
                raise NothingUsableError(f"{file}: not a backup of this program; expected is one by `kehoach backup`")
            if manifest["schema"] > HEAD:
                raise NothingUsableError(
                    f"{file}: of a newer version of the program (schema {manifest['schema']}, here {HEAD})"
                )
            left = dict(manifest["sha256"])
            while member := archive.next():
                opened = archive.extractfile(member) if member.isfile() else None
                expected = left.pop(member.name, None)
                if opened is None or expected is None or not _is_inside(member.name):
                    raise NothingUsableError(f"{file}: {member.name} does not belong in it")
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                if _copy(opened, target) != expected:
                    raise NothingUsableError(f"{file}: {member.name} is damaged: its hash differs from the manifest")
    except (tarfile.TarError, ValueError, KeyError, EOFError, AttributeError) as error:
        raise NothingUsableError(f"{file}: not a backup, or a damaged one: {error}") from error
    if left or not (folder / _DATABASE).exists():
        raise NothingUsableError(f"{file}: it ends too early; {', '.join(left) or _DATABASE} missing")


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name == _DATABASE or (parts[0] in _FOLDERS and ".." not in parts)


def _copy(source: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _renew(copy: Path, file: Path, host: str) -> int:
    """Bring the copied database to this version and give it a new identity; return its number of documents."""
    try:
        store = Store(f"sqlite:///{copy}")
    except sa.exc.SQLAlchemyError as error:
        raise NothingUsableError(f"{file}: its database cannot be opened: {error}") from error
    # Otherwise a later change would give it a revision that an index of today already has, for other content.
    with store.engine.begin() as connection:
        connection.execute(sa.text("update state set store_id = :name"), {"name": uuid.uuid4().hex})
        connection.execute(sa.text("update job_items set taken_by = null"))
        connection.execute(sa.text("update job_items set spool = :host where spool is not null"), {"host": host})
        count = connection.scalar(sa.text("select count(*) from documents")) or 0
    jobs.recover(store, host)
    store.close()
    return int(count)


def _exchange(new: Path, old: Path) -> None:
    """Put the folder ``new``, or none, in the place of ``old``."""
    aside = new.with_name(f"{new.name}-before")
    if old.exists():
        old.rename(aside)
    if new.exists():
        new.rename(old)
