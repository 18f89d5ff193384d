"""A small office of several hosts on loopback: primary and two standbys, three service processes, two Dask workers.

    python bench/cluster.py up                     # starts all of it, tells the addresses, ends with Ctrl-C
    python bench/cluster.py reads --seconds 10     # searches a second with 1, 2 and 3 service processes
    python bench/cluster.py failover --rounds 20   # kill -9 of the primary under writes, promotion, the old one rebuilt
    python bench/cluster.py reads failover         # both, over one start

Every server has an address of its own in 127.0.0.0/8. A commit waits for one of the two standbys (ANY 1). Prints JSON;
``failover`` exits with 1 where an acknowledged write is gone. Nothing watches the primary here: what a manager of
fail-overs takes to notice its death comes on top of the times given.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from measuring import wait_for as waited  # noqa: E402

from corpus.store import Store  # noqa: E402
from tests.postgres import Server  # noqa: E402

KEYED = {"X-API-Key": "cluster"}
QUERIES = ("siêu thị thay túi ni lông", "dien mat troi mai nha", "phân loại rác tại nguồn", "rooftop solar")
PATIENCE = 600
wait_for = partial(waited, seconds=PATIENCE)
# Slices of the time of reads: what else the machine does falls on all numbers of processes alike.
TURNS = 5
WRITERS = 6
SETTINGS = {
    "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on", "wal_level": "replica",
    "max_wal_senders": "10", "wal_keep_size": "512MB", "wal_retrieve_retry_interval": "200ms",
}  # fmt: skip


class Cluster:
    """What is started; ``servers`` holds the primary first."""

    def __init__(self, folder: Path, processes: int, plans: int, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        net = f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 250}"
        self.addresses = [f"{net}.{number}" for number in (1, 2, 3)]
        self.servers = [self._server(self.addresses[0])]
        stack.callback(lambda: [server.stop() for server in reversed(self.servers)])
        with self.servers[0].connect() as connection:
            connection.execute("create database kehoach")
        Store(self.servers[0].url("kehoach")).close()
        hosts = "&".join(f"host={address}" for address in self.addresses)
        self.url = f"postgresql+psycopg://postgres@/kehoach?{hosts}"
        plans = sorted((ROOT / "corpus/samples").glob("*20*"))[:plans]
        self._kehoach(folder / "ingest", "ingest", *map(str, plans))
        with self.servers[0].connect() as connection:
            # Standbys copy this: the one that is promoted waits for one as well.
            connection.execute("alter system set synchronous_standby_names = 'ANY 1 (*)'")
        for address in self.addresses[1:]:
            self.servers.append(self._server(address, self.servers[0]))
        with self.servers[0].connect() as connection:
            connection.execute("select pg_reload_conf()")
        self._processes: list[subprocess.Popen[bytes]] = []
        self.services = [self._serve(f"host{number}") for number in range(processes)]

    def _server(self, address: str, primary: Server | None = None) -> Server:
        follow = f"host={','.join(self.addresses)} user=postgres target_session_attrs=read-write connect_timeout=2"
        made = Server(primary, **SETTINGS, listen_addresses=address, primary_conninfo=follow)
        made.start()
        return made

    def _environment(self, home: Path) -> dict[str, str]:
        return os.environ | {
            "KEHOACH_HOME": str(home), "KEHOACH_DATABASE": self.url, "KEHOACH_READ_DATABASE": self.url,
            "KEHOACH_API_KEY": "cluster", "KEHOACH_SESSION_KEY": "one for all", "KEHOACH_RATE": "0",
            "KEHOACH_THREADS": "1", "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def _kehoach(self, home: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "service.cli", *arguments]
        subprocess.run(command, cwd=ROOT, env=self._environment(home), check=True, stdout=subprocess.DEVNULL)

    def _serve(self, name: str) -> str:
        log = self.folder / f"{name}.log"
        command = [sys.executable, "-m", "service.cli", "serve", "--port", "0"]
        with log.open("wb") as opened:
            environment = self._environment(self.folder / name)
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=opened, stdout=opened)
        self._stack.callback(lambda: (process.kill(), process.wait()))
        self._processes.append(process)
        wait_for(lambda: process.poll() is not None or "http://127" in log.read_text())
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found is None:
            raise SystemExit(log.read_text()[-2000:])
        wait_for(lambda: httpx.get(f"{found.group(0)}/health/ready", timeout=60).status_code == 200)
        return found.group(0)

    def bulk(self) -> str:
        """Start a Dask scheduler and two workers; return the scheduler's address."""
        port = next(port for port in range(18786, 18886) if port % 100 == os.getpid() % 100)
        address = f"tcp://127.0.0.1:{port}"
        scheduler = ("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        worker = ("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        for called in (scheduler, worker, worker):
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *called], cwd=ROOT, env=self._environment(self.folder / "bulk"),
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self._stack.callback(lambda process=process: (process.kill(), process.wait()))
        return address

    def fail_over(self) -> None:
        """Kill the primary and promote the standby that received more."""
        self.servers[0].kill()
        standbys = sorted(self.servers[1:], key=received)
        standbys[-1].promote()
        self.servers = [standbys[-1], *standbys[:-1], self.servers[0]]

    def rebuild(self) -> None:
        """Make a standby where the primary was that was killed."""
        old = self.servers.pop()
        missing = ({*self.addresses} - {address_of(server) for server in self.servers}).pop()
        old.stop()
        self.servers.append(self._server(missing, self.servers[0]))
        self.wait_for_standbys(2)

    def wait_for_standbys(self, count: int) -> None:
        """Wait until so many standbys stream from the primary."""
        query = "select count(*) from pg_stat_replication where state = 'streaming'"
        with self.servers[0].connect() as connection:
            wait_for(lambda: (connection.execute(query).fetchone() or (0,))[0] >= count)

    def processor_seconds(self) -> float:
        """Return what services and database servers have used so far."""
        started = [*self._processes, *(server.process for server in self.servers)]
        return sum(used(process.pid) for process in started if process)

    def transactions(self) -> list[int]:
        """Return how many transactions each server has carried out in the database."""
        query = "select xact_commit from pg_stat_database where datname = 'kehoach'"
        counts = []
        for server in self.servers:
            with server.connect("kehoach") as connection:
                connection.execute("select pg_stat_force_next_flush()")
                counts.append(int((connection.execute(query).fetchone() or (0,))[0]))
        return counts


class Writer:
    """Corrects tags over the service processes, and reads, until told to stop; keeps what was answered and when."""

    def __init__(self, services: list[str], paragraphs: list[str]) -> None:
        self.services, self.paragraphs = services, paragraphs
        self.acknowledged: list[tuple[float, float, str]] = []
        self.failed: list[float] = []
        self.reads: list[bool] = []
        self.stop = threading.Event()

    def write(self, turn: int) -> None:
        with httpx.Client(headers=KEYED, timeout=PATIENCE) as client:
            for number in itertools.count(turn):
                if self.stop.is_set():
                    return
                note, began = secrets.token_hex(8), time.monotonic()
                judged = {"paragraph_id": self.paragraphs[number % len(self.paragraphs)], "by": "bench", "note": note}
                try:
                    url = f"{self.services[number % len(self.services)]}/v1/corrections"
                    status = client.post(url, json=judged | {"task_groups": ["awareness"][: number % 2]}).status_code
                except httpx.TransportError:
                    status = 0
                if status == 201:
                    self.acknowledged.append((began, time.monotonic(), note))
                else:
                    self.failed.append(time.monotonic())
                    self.stop.wait(0.05)

    def read(self) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            for service in itertools.cycle(self.services):
                if self.stop.wait(0.05):
                    return
                self.reads.append(client.get(f"{service}/v1/documents").status_code == 200)

    @contextmanager
    def running(self, writers: int) -> Iterator[None]:
        threads = [threading.Thread(target=self.write, args=(turn,)) for turn in range(writers)]
        threads.append(threading.Thread(target=self.read))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()


def failover(cluster: Cluster, rounds: int, seconds: float) -> int:
    """Print each round and the whole; return how many acknowledged writes were lost."""
    with cluster.servers[0].connect("kehoach") as connection:
        paragraphs = [row[0] for row in connection.execute("select id from paragraphs order by key limit 200")]
    cluster.wait_for_standbys(2)
    print(f"all is up; {rounds} rounds follow", file=sys.stderr)
    everything: set[str] = set()
    done = []
    for number in range(1, rounds + 1):
        load = Writer(cluster.services, paragraphs)
        with load.running(WRITERS):
            time.sleep(seconds)
            killed = time.monotonic()
            cluster.fail_over()
            promoted = time.monotonic()
            wait_for(lambda load=load, at=killed: any(began > at for began, _, _ in load.acknowledged))  # type: ignore[misc]
            time.sleep(seconds)
        everything |= {note for _, _, note in load.acknowledged}
        with cluster.servers[0].connect("kehoach") as connection:
            kept = {row[0] for row in connection.execute("select note from corrections")}
        again = min(answered for began, answered, _ in load.acknowledged if began > killed)
        result = {
            "round": number, "promoted_s": round(promoted - killed, 2), "recovered_s": round(again - killed, 2),
            "error_window_s": round(max(load.failed) - min(load.failed), 2) if load.failed else 0.0,
            "failed_writes": len(load.failed), "acknowledged": len(load.acknowledged),
            "failed_reads": load.reads.count(False), "reads": len(load.reads), "lost": len(everything - kept),
        }  # fmt: skip
        print(json.dumps(result), flush=True)
        done.append(result)
        cluster.rebuild()
    summary: dict[str, object] = {"rounds": rounds, "acknowledged": len(everything)}
    for name in ("recovered_s", "error_window_s"):
        values = sorted(float(result[name]) for result in done)
        summary[name] = {"median": round(statistics.median(values), 2), "largest": values[-1]}
    for name in ("failed_writes", "failed_reads", "reads", "lost"):
        summary[name] = sum(int(result[name]) for result in done)
    print(json.dumps(summary))
    return int(done[-1]["lost"])


def reads(cluster: Cluster, seconds: float, callers: int) -> None:
    """Print searches a second with each number of service processes, and what they cost, measured in turns."""
    counts = range(1, len(cluster.services) + 1)
    times: dict[int, list[float]] = {count: [] for count in counts}
    took, spent, carried = dict.fromkeys(counts, 0.0), dict.fromkeys(counts, 0.0), dict.fromkeys(counts, (0, 0, 0))

    def ask(turn: int, services: list[str], until: float, kept: list[float]) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            for number in itertools.count(turn):
                if (began := time.monotonic()) > until:
                    return
                query = f"{QUERIES[number % len(QUERIES)]} {number % 97}"
                client.get(f"{services[number % len(services)]}/v1/search", params={"q": query}).raise_for_status()
                kept.append(time.monotonic() - began)

    for count in [*counts] * TURNS:
        before, used, began = cluster.transactions(), cluster.processor_seconds(), time.monotonic()
        parts = (cluster.services[:count], began + seconds / TURNS, times[count])
        threads = [threading.Thread(target=ask, args=(turn, *parts)) for turn in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took[count] += time.monotonic() - began
        spent[count] += cluster.processor_seconds() - used
        now = zip(cluster.transactions(), before, carried[count], strict=True)
        first, second, third = (after - start + so_far for after, start, so_far in now)
        carried[count] = (first, second, third)
    for count in counts:
        ordered = sorted(times[count])
        result = {
            "service_processes": count, "searches": len(ordered), "searches_per_second": round(len(ordered) / took[count], 1),
            "processor_ms_a_search": round(1000 * spent[count] / len(ordered), 1), "p50_ms": round(1000 * statistics.median(ordered)),
            "p95_ms": round(1000 * ordered[int(0.95 * len(ordered))]), "transactions_primary_standbys": carried[count],
        }  # fmt: skip
        print(json.dumps(result), flush=True)


def used(pid: int) -> float:
    """Return the processor seconds of a process and of its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        # It ended meanwhile; its parent has its time.
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(used(int(child)) for child in children)


def received(server: Server) -> int:
    """Return how far the log goes that a standby has, in bytes."""
    query = "select coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0', 0)"
    with server.connect() as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])


def address_of(server: Server) -> str:
    """Return the address that a server listens on."""
    with server.connect() as connection:
        return str((connection.execute("show listen_addresses").fetchone() or ("",))[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=("up", "reads", "failover"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10, help="of reads for each number of processes")
    parser.add_argument("--load", type=float, default=1, help="seconds of writes before and after each fail-over")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--plans", type=int, default=9, help="how many of the sample plans are stored")
    given = parser.parse_args()
    lost = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = Cluster(folder, given.processes, given.plans, stack)
        if "up" in given.what:
            started = {"database": cluster.url, "services": cluster.services}
            print(json.dumps(started | ({"scheduler": cluster.bulk()} if find_spec("distributed") else {}), indent=1))
            threading.Event().wait()
        if "reads" in given.what:
            reads(cluster, given.seconds, given.callers)
        if "failover" in given.what:
            lost = failover(cluster, given.rounds, given.load)
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
