"""Heads of requests of a bounded length: httptools, which reads requests fast, reads heads of any."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Bytes; what uvicorn allows where it reads requests with h11.
LONGEST = 65_536


class BoundedHeads(HttpToolsProtocol):
    """A connection that is ended when so much comes without a head, a part of a body or a request being complete.

    The parser copies all it has of an unfinished header whenever more of it comes: 40 MB of one would keep the process from
    answering anybody for 20 s, before any limit of the application is asked.
    """

    _pending = 0

    def data_received(self, data: bytes) -> None:
        """Read what came; answer 400 where it is too much of a head, or of what stands between and behind the parts of a body."""
        self._pending += len(data)
        super().data_received(data)
        if self._pending > LONGEST and not self.transport.is_closing():
            self.send_400_response(f"The head of the request is over {LONGEST} bytes.")

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._pending = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Go on to the next request."""
        self._pending = 0
        super().on_message_complete()
