"""Fetching what a caller names: only allowed hosts, only public addresses, also after redirects and second look-ups."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpcore
import pytest

from corpus.files import UnreadableError
from service import jobs
from service.background import run_waiting
from service.fetching import PublicBackend, check, fetch, is_public, name_of
from service.workspace import Workspace

PAGE = "<html><body><h1>KẾ HOẠCH</h1><p>Thu gom rác thải nhựa trên vịnh.</p></body></html>".encode()
HOSTS = ("plans.example", ".gov.vn")


class Net(httpcore.NetworkBackend):
    """Answers every connection with the next canned response and remembers where it went."""

    def __init__(self, *responses: bytes) -> None:
        self.responses = list(responses)
        self.went: list[str] = []

    def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.NetworkStream:
        self.went.append(host)
        return httpcore.MockStream([self.responses.pop(0), b""])


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def guarded(net: Net, *answers: str) -> PublicBackend:
    """A backend whose look-ups give ``answers`` in turn, the last one for ever."""
    left = list(answers)
    return PublicBackend(net, lambda host, port: [left.pop(0) if len(left) > 1 else left[0]])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "::",
     "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "255.255.255.255", "fe80::1%eth0"],
)  # fmt: skip
def test_addresses_that_are_not_of_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["ftp://plans.example/a", "file:///etc/passwd", "https://other.example/", "https://plans.example:8443/", "https://u:p@plans.example/",
     "https://plans.example@evil.example/", "https://plans.example.evil.example/", "https://evilgov.vn/", "https://gov.vn/", "plans.example",
     "https://plans.example/ a", "https://plans.example:x/", "https://[::1/", "gopher://plans.example", "https://plans.example/\r\nX: y", ""],
)  # fmt: skip
def test_what_may_not_be_fetched(url: str) -> None:
    with pytest.raises(UnreadableError):
        check(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    ["http://plans.example/a.pdf", "https://PLANS.example:443/", "https://laocai.gov.vn./x", "http://a.b.gov.vn/"],
)
def test_what_may_be_fetched(url: str) -> None:
    check(url, HOSTS)
    with pytest.raises(UnreadableError, match="KEHOACH_FETCH_HOSTS"):
        check(url, ())


def test_a_file_is_fetched_with_a_name() -> None:
    net = Net(response("200 OK", PAGE, "Content-Type: text/html; charset=utf-8"))
    name, body = fetch("http://plans.example/ke-hoach?id=3", HOSTS, 10_000, guarded(net, "8.8.8.8"))
    assert (name, body.read(), net.went) == ("ke-hoach.html", PAGE, ["8.8.8.8"])
    assert name_of("https://x/a%20b/K%E1%BA%BF.PDF", "") == "Kế.PDF"


def test_a_name_that_turns_to_a_private_address_is_refused() -> None:
    net = Net(response("302 Found", b"", "Location: /b"), response("200 OK", PAGE))
    with pytest.raises(UnreadableError, match="not a public address"):
        fetch("http://plans.example/a", HOSTS, 10_000, guarded(net, "8.8.8.8", "127.0.0.1"))
    assert net.went == ["8.8.8.8"]
    with pytest.raises(UnreadableError, match="not a public address"):
        fetch("http://plans.example/a", HOSTS, 10_000, PublicBackend(net, lambda host, port: ["8.8.8.8", "10.0.0.1"]))
    assert net.went == ["8.8.8.8"]


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest", "file:///etc/passwd", "http://plans.example:22/", "//evil.example/"]
)
def test_redirects_are_checked_anew(location: str) -> None:
    net = Net(response("301 Moved", b"", f"Location: {location}"), response("200 OK", PAGE))
    with pytest.raises(UnreadableError):
        fetch("http://plans.example/a", HOSTS, 10_000, guarded(net, "8.8.8.8"))
    assert len(net.went) == 1


def test_size_status_loops_and_broken_servers() -> None:
    loop = [response("302 Found", b"", "Location: /a")] * 7
    for net, match in (
        (Net(response("200 OK", b"x" * 101)), "over the limit"),
        (Net(response("404 Not Found", b"x")), "answered 404"),
        (Net(*loop), "redirects"),
        (Net(b"SSH-2.0\r\n"), "cannot be fetched"),
        (Net(b""), "cannot be fetched"),
    ):
        with pytest.raises(UnreadableError, match=match):
            fetch("http://plans.example/a", HOSTS, 100, guarded(net, "8.8.8.8"))


def test_a_job_fetches_what_it_was_told(with_settings: Callable[..., Workspace]) -> None:
    space = with_settings(fetch_hosts="plans.example, .gov.vn")
    assert space.settings.fetch_hosts == HOSTS
    url = "http://plans.example/ke-hoach"
    jobs.add(space.store, "j", "An", [(url, url, url)], None)
    away = Net(response("503 Busy"))
    assert run_waiting(space, threading.Event(), guarded(away, "8.8.8.8")) == 1
    assert jobs.items(space.store, "j")[0].reports[0]["reason"] == "the server answered 503"
    jobs.retry(space.store, "j")
    net = Net(response("200 OK", PAGE, "Content-Type: text/html"))
    assert run_waiting(space, threading.Event(), guarded(net, "8.8.8.8")) == 1
    item = jobs.items(space.store, "j")[0]
    assert (item.state, item.reports[0]["outcome"]) == ("done", "added"), item
