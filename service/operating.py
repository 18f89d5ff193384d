"""The commands of the operator: serve, keys, the audit log, backup."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.errors import NothingUsableError, UsageError
from service.keys import Scope
from service.options import Json, say, workspace
from service.settings import settings

if TYPE_CHECKING:
    import uvicorn

# What `kehoach serve` exits with where it cannot begin to listen, as uvicorn does.
_NOT_STARTED = 3
_SILENT_SECONDS = 60
_LONGEST_HEAD = 65_536

keys_app = typer.Typer(no_args_is_help=True, help="Create, list and revoke the keys that let callers in over HTTP.")


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (serve, backup, audit):
        app.command()(command)
    app.add_typer(keys_app, name="keys")


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who or what the key is for; the audit log names it.")],
    scope: Annotated[Scope, typer.Option(help="What it allows, each including the ones before.")] = "editor",
    json: Json = False,
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    from service import audit as log
    from service import keys
    from service.show import print_json

    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise UsageError("a key needs a printable name of at most 200 characters")
    with workspace() as space:
        key, secret = keys.create(space.store, name.strip(), scope)
        log.note(space.store, "keys create", f"{key.id} {key.name} {key.scope}")
    if json:
        print_json({"id": key.id, "name": key.name, "scope": key.scope, "key": secret})
        return
    say(f"key {key.id} of scope {scope} for {key.name}; it is shown this once:")
    typer.echo(secret)


@keys_app.command("list")
def listed(json: Json = False) -> None:
    """List the keys with the time of their last use."""
    from service import keys
    from service.show import out, print_json

    with workspace() as space:
        found = keys.keys(space.store)
    if json:
        times = ("created_at", "last_used_at", "revoked_at")
        print_json(
            [
                {name: value.isoformat() if name in times and value else value for name, value in vars(key).items()}
                for key in found
            ]
        )
        return
    for key in found:
        state = (
            "revoked" if key.revoked_at else f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "unused"
        )
        out.print(f"{key.id}  {key.scope:<6}  {state}  {key.name}", markup=False)


@keys_app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `kehoach keys list` shows it.")]) -> None:
    """Put a key out of force at once, with the sessions opened by it."""
    from service import audit as log
    from service import keys

    with workspace() as space:
        if not keys.revoke(space.store, key_id):
            raise NothingUsableError(f"no key {key_id!r} is in force; `kehoach keys list` lists them")
        log.note(space.store, "keys revoke", key_id)
    say(f"key {key_id} is revoked")


def audit(
    limit: Annotated[int, typer.Option("-n", min=1, max=100_000, help="How many entries.")] = 50, json: Json = False
) -> None:
    """List who changed what over HTTP, keys and backups, newest first."""
    from service.audit import entries, entry_form
    from service.show import out, print_json

    with workspace() as space:
        found = entries(space.store, limit=limit)
    if json:
        print_json([entry_form(entry) for entry in found])
        return
    for entry in found:
        ended = "interrupted" if entry.status is None else entry.status or "done"
        out.print(f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.action}  {entry.target}  {ended}", markup=False)


def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="A .tar file to write.")]) -> None:
    """Write store, waiting imports and own models into one file, also while serving; `kehoach restore FILE` reads it."""
    from service import audit as log
    from service.backups import backup as write

    with workspace() as space:
        digest = write(space, file)
        log.note(space.store, "backup", str(file))
    say(f"written to {file}; SHA-256 {digest}")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that answer requests.")] = None,
    local: Annotated[
        bool,
        typer.Option("--local", help="Callers on this machine may write without a key; for loopback addresses only."),
    ] = False,
) -> None:
    """Serve the HTTP interface and the web page."""
    import uvicorn

    chosen = settings()
    address, count = host or chosen.host, workers or chosen.workers
    if local or chosen.local_writes:
        if not _is_loopback(address):
            raise UsageError(f"writing without a key is for loopback addresses, not {address}; make keys instead")
        os.environ["KEHOACH_LOCAL_WRITES"] = "true"
    # Read by prometheus_client when it is imported, in each process.
    folder = tempfile.TemporaryDirectory(prefix="kehoach-metrics-")
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder.name)
    settings.cache_clear()
    from service.behind import process_behind
    from service.logs import configure

    configure(settings())
    # Once uvicorn has ended it raises the signal that ended it, which without a handler skips what is below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        "service.app:app_of_environment",
        factory=True,
        host=address,
        port=port if port is not None else chosen.port,
        workers=count,
        log_config=None,
        access_log=False,
        server_header=False,
        # httptools, which uvicorn would take where it is installed, copies an unfinished head with each part of it that comes.
        http="h11",
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        proxy_headers=bool(chosen.proxies),
        forwarded_allow_ips=chosen.proxies or None,
        timeout_graceful_shutdown=chosen.shutdown_seconds,
        # A worker that loads models on a busy machine may be silent for longer than the five seconds after which it would be replaced.
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    with process_behind(), contextlib.suppress(KeyboardInterrupt):
        _answer(config)


def _answer(config: uvicorn.Config) -> None:
    """Answer requests until told to stop. Raises SystemExit where that cannot begin."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    if config.workers > 1:
        Multiprocess(config, sockets=[bound(config)]).run()
        return
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(_NOT_STARTED)


def bound(config: uvicorn.Config) -> socket.socket:
    """Return the socket that several processes listen on; what they accept does not wait to fill packets.

    uvloop sees to that itself, asyncio, where there is no uvloop, only for sockets that it opened. Without it an answer, which goes out in two parts, waits 40 ms
    for the caller to acknowledge the first.
    """
    opened = config.bind_socket()
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
