"""Requests as bytes: heads without an end are cut, whole ones of any kind are answered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from service.heads import LONGEST, BoundedHeads

WAIT = 10
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a service that tells how long bodies are."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=BoundedHeads, lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + WAIT
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(WAIT)


HEADS = {"value": b"GET / HTTP/1.1\r\nHost: x\r\nA: ", "address": b"GET /", "name": b"GET / HTTP/1.1\r\nA"}
BODIES = {"trailer": CHUNKED + b"0\r\nA: ", "extension": CHUNKED + b"1;"}


@pytest.mark.parametrize("begun", HEADS.values(), ids=HEADS)
def test_a_head_that_is_too_long_is_refused(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), WAIT) as caller:
        # Not a byte more: what is left unread when a connection is closed may take the answer along.
        caller.sendall(begun.ljust(LONGEST + 1, b"y"))
        answer = caller.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert str(LONGEST).encode() in answer


@pytest.mark.parametrize("begun", [*HEADS.values(), *BODIES.values()], ids=[*HEADS, *BODIES])
def test_what_has_no_end_is_cut(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), WAIT) as caller, pytest.raises(ConnectionError):
        caller.sendall(begun + b"y" * 20_000_000)


def test_whole_requests_of_one_connection_are_answered(port: int) -> None:
    """Heads that together are longer than the limit, a body that is longer, in parts and at once."""
    long = b"A: " + b"z" * (LONGEST - 1000)
    requests = [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + long + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + long + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + b"b" * 900_000,
        CHUNKED + b"0\r\n\r\n",
    ]
    with socket.create_connection(("127.0.0.1", port), WAIT) as caller, caller.makefile("rb") as answers:
        for request, length in zip(requests, (b"0", b"0", b"900000", b"5"), strict=True):
            caller.sendall(request)
            assert answers.readline().startswith(b"HTTP/1.1 200 ")
            while answers.readline() != b"\r\n":
                pass
            assert answers.read(len(length) + 6) == length + b" bytes"
