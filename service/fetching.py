"""Fetch a file from an address that a caller gave, without letting it reach what the caller must not.

Off until hosts are allowed by setting. The name is looked up once and the connection made to the address that was checked,
so a name server that answers differently the second time (DNS rebinding) changes nothing; every redirect is checked anew.
Proxies of the environment are not used. See OWASP, Server-Side Request Forgery Prevention Cheat Sheet.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import PurePath
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import unquote, urljoin, urlsplit

import httpcore

from corpus.files import SUFFIXES, UnreadableError

_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
# IPv6 addresses that carry an IPv4 one: the translation prefix of RFC 6052, and 6to4.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
Resolve = Callable[[str, int], Iterable[str]]
_KINDS = {"application/pdf": ".pdf", "text/html": ".html", "text/plain": ".txt", "application/msword": ".doc"}


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of ``host``."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open Internet, also where it carries another one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _TRANSLATED:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(str(carried))
    return ip.is_global and not ip.is_multicast


class PublicBackend(httpcore.NetworkBackend):
    """Connects only to public addresses, and to the very address that was checked."""

    def __init__(self, inner: httpcore.NetworkBackend | None = None, resolve: Resolve = resolve) -> None:
        self._inner = inner or httpcore.SyncBackend()
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to ``host``. Raises UnreadableError where any of its addresses is not public."""
        try:
            addresses = list(self._resolve(host, port))
        except OSError as error:
            raise UnreadableError(f"{host}: no such host") from error
        # One private address among public ones is a sign of an attack, not of a multi-homed host.
        if not addresses or not all(map(is_public, addresses)):
            raise UnreadableError(f"{host}: not a public address")
        return self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


def check(url: str, allowed: Iterable[str], setting: str = "KEHOACH_FETCH_HOSTS") -> None:
    """Raise UnreadableError unless ``url`` is http(s), on the usual port, without a password, of an allowed host.

    ``setting`` is the one that allows hosts.
    """
    allowed = list(allowed)
    if not allowed:
        raise UnreadableError(f"this is off; the operator allows hosts with {setting}")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise UnreadableError(f"{url[:200]!r} is not an address: {error}") from error
    if not url.isascii() or any(c <= " " for c in url):
        raise UnreadableError("the address has characters that must be percent-encoded")
    if parts.scheme not in _PORTS or port not in (None, _PORTS[parts.scheme]) or "@" in parts.netloc:
        raise UnreadableError("accepted are http and https addresses on their usual ports, without a user name")
    if not any(host == name or (name.startswith(".") and host.endswith(name)) for name in map(str.lower, allowed)):
        raise UnreadableError(f"host {host!r} is not allowed; allowed are {', '.join(allowed)}")


def guarded_pool(backend: httpcore.NetworkBackend | None = None) -> httpcore.ConnectionPool:
    """Return connections that go to public addresses only."""
    context = ssl.create_default_context()
    return httpcore.ConnectionPool(ssl_context=context, network_backend=backend or PublicBackend(), retries=0)


def fetch(
    url: str, allowed: Iterable[str], most: int, backend: httpcore.NetworkBackend | None = None
) -> tuple[str, IO[bytes]]:
    """Return a name for the file at ``url`` and its bytes, in a file on disk where they are many.

    Raises UnreadableError for a refused or unreachable address, an error status, over ``most`` bytes, over a minute.
    """
    allowed, deadline = list(allowed), time.monotonic() + _SECONDS
    with guarded_pool(backend) as pool:
        for _ in range(_MOST_REDIRECTS + 1):
            check(url, allowed)
            try:
                redirected, name, body = _get(pool, url, most, deadline)
            except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError) as error:
                raise UnreadableError(f"cannot be fetched: {error or type(error).__name__}") from error
            if body is not None:
                return name, body
            url = urljoin(url, redirected)
    raise UnreadableError(f"over {_MOST_REDIRECTS} redirects")


def _get(pool: httpcore.ConnectionPool, url: str, most: int, deadline: float) -> tuple[str, str, IO[bytes] | None]:
    timeouts = {
        "connect": _CONNECT_SECONDS,
        "read": _CONNECT_SECONDS,
        "write": _CONNECT_SECONDS,
        "pool": _CONNECT_SECONDS,
    }
    headers: dict[bytes | str, bytes | str] = {"User-Agent": "kehoach", "Accept-Encoding": "identity"}
    with pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as response:
        told = {key.lower().decode("latin-1"): value.decode("latin-1") for key, value in response.headers}
        if response.status in _REDIRECTS:
            return told.get("location", ""), "", None
        if response.status != 200:
            raise UnreadableError(f"the server answered {response.status}")
        body: IO[bytes] = SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115
        size = 0
        for block in response.iter_stream():
            size += len(block)
            if size > most:
                raise UnreadableError(f"over the limit of {most:,} bytes a file")
            if time.monotonic() > deadline:
                raise UnreadableError(f"fetching it took over {_SECONDS:g} seconds")
            body.write(block)
    body.seek(0)
    return "", name_of(url, told.get("content-type", "")), body


def name_of(url: str, content_type: str) -> str:
    """Return a file name for what came from ``url``; where that has no suffix we read, one by its content type."""
    name = PurePath(unquote(urlsplit(url).path)).name or "page"
    if PurePath(name).suffix.lower() in SUFFIXES:
        return name
    return name + _KINDS.get(content_type.partition(";")[0].strip().lower(), ".html")
