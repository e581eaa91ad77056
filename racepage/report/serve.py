"""The page of a trace of any length, from a server that it asks for more as one looks closer.

Who may ask: a browser on this machine that was given the address. The server listens on the
loopback interface only, at a port that the system chooses, and answers nothing whose path does not
begin with a random token, or whose `Host` is another one (a name that an attacker points at this
machine). It knows three paths, takes GET only, and reads no file.

    /TOKEN/                             the page
    /TOKEN/tile?shift=S&at=K            counts of one tile of the density's level S
    /TOKEN/rows?from=A&to=B[&event=E]   the events of the page with the window [A, B), and E
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl

from racepage.finding import Analysis
from racepage.report import html
from racepage.report.viewer.assets import script, style
from racepage.report.viewer.content import Content, Excerpt, whole
from racepage.report.viewer.density import counted, density, shift_for
from racepage.report.viewer.kept import Limits
from racepage.report.viewer.pack import FAST, pack
from racepage.trace.columns import Trace

LIMITS: Final = Limits(around=0)
"""The page begins with the sides of its findings; their surroundings come when they are in view."""

WINDOW: Final = 100_000
"""Events of a window, at most."""

FINEST: Final = 4
"""The finest level of tiles: where a pixel has fewer events, a window has them all."""

_BUCKETS: Final = 2_048  # in a tile
_TILE_CELLS: Final = 1 << 19
_CELLS: Final = 1 << 23  # of the counts that are kept: 200 MB
_SECONDS: Final = 30.0  # that a connection may say nothing
_LONGEST: Final = 300  # of a path with its query


class BadQueryError(Exception):
    """Something that no page of ours asks for."""


class Served:
    """A trace that is looked at: what the paths of a server answer.

    Args:
        trace: the trace, of any length.
        analysis: what was found in it.
        subject: what it is called.
        most_events: how many events a page may hold all of; of more it is given some at a time.
    """

    def __init__(
        self,
        trace: Trace,
        analysis: Analysis,
        *,
        subject: str,
        most_events: int = html.MOST_EVENTS,
    ) -> None:
        self._trace = trace
        self._threads = max(1, len(trace.threads))
        self._excerpt: Excerpt | None = None
        self.live = len(trace) > most_events
        content = self._some(trace, analysis) if self.live else whole(trace, analysis)
        self.page = html.page(content, subject, live=self.live).encode()

    def _some(self, trace: Trace, analysis: Analysis) -> Content:
        self._excerpt = Excerpt(trace, analysis, LIMITS)
        shift = shift_for(len(trace), self._threads, most_buckets=1 << 20, most_cells=_CELLS)
        shift = max(shift, FINEST)
        self._density = density(trace.columns, self._threads, shift, self._excerpt.marked)
        self._tile = 1 << min(_BUCKETS, max(16, _TILE_CELLS // self._threads)).bit_length() - 1
        content = self._excerpt.content(self._density)
        content.facts["live"] = {"window": WINDOW, "finest": FINEST, "tile": self._tile}
        return content

    def answer(self, path: str, query: dict[str, int]) -> bytes:
        """What a path has to say, as JSON.

        Raises:
            BadQueryError: for anything but what the page asks for.
        """
        asked = (path, *sorted(query))
        if self._excerpt is None:
            raise BadQueryError
        if asked == ("tile", "at", "shift"):
            return self._counts(self._excerpt, query["shift"], query["at"])
        if asked in {("rows", "from", "to"), ("rows", "event", "from", "to")}:
            return self._rows(self._excerpt, query["from"], query["to"], query.get("event"))
        raise BadQueryError

    def _counts(self, excerpt: Excerpt, shift: int, at: int) -> bytes:
        count = len(self._trace)
        if not (FINEST <= shift < 48 and at * self._tile << shift < count):
            raise BadQueryError
        if shift >= self._density.shift:
            counts = self._density.tile(shift, at * self._tile, self._tile)
        else:
            start = at * self._tile << shift
            events = range(start, min(start + (self._tile << shift), count))
            counts = counted(self._trace.columns, self._threads, shift, excerpt.marked, events)
        return _packed(Content({"buckets": counts.shape[2]}, {"counts": counts.ravel()}))

    def _rows(self, excerpt: Excerpt, start: int, stop: int, event: int | None) -> bytes:
        count = len(self._trace)
        if not (start < stop <= count and stop - start <= WINDOW and (event or 0) < count):
            raise BadQueryError
        return _packed(excerpt.window(start, stop, () if event is None else (event,)))


def _packed(content: Content) -> bytes:
    columns = [pack(name, values, FAST) for name, values in content.columns.items()]
    told = [{**one.header(), "text": one.text} for one in columns]
    return json.dumps({**content.facts, "columns": told}, separators=(",", ":")).encode()


class Server(ThreadingHTTPServer):
    """Serves one trace until it is told to end.

    Attributes:
        address: what to open in a browser; who knows it may ask.
    """

    daemon_threads = True

    def __init__(self, served: Served) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = served
        self.token = secrets.token_urlsafe(24)
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}
        self.address = f"http://127.0.0.1:{self.server_port}/{self.token}/"
        code = script("live" if served.live else "main")
        self.policy = html.policy(code, style(), live=served.live) + "; frame-ancestors 'none'"
        self.turn = threading.Lock()  # one answer at a time is made: they need memory

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is no error."""


@contextmanager
def serving(served: Served) -> Iterator[Server]:
    """A server that answers in a thread of its own while one is within."""
    with Server(served) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "racepage"
    sys_version = ""
    timeout = _SECONDS

    def do_GET(self) -> None:
        """Answer, or say no with as few words as possible."""
        served, (path, query) = self.server.served, self._asked()
        if path is None:
            self._say(HTTPStatus.NOT_FOUND)
        elif self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            self._say(HTTPStatus.FORBIDDEN)
        elif not path and not query:
            self._say(HTTPStatus.OK, served.page, "text/html; charset=utf-8")
        elif path not in {"tile", "rows"}:
            self._say(HTTPStatus.NOT_FOUND)
        else:
            try:
                with self.server.turn:
                    answer = served.answer(path, _numbers(query))
            except BadQueryError:
                self._say(HTTPStatus.BAD_REQUEST)
            else:
                self._say(HTTPStatus.OK, answer, "application/json")

    def _refuse(self) -> None:
        self.close_connection = True  # what else was sent is not read
        self._say(HTTPStatus.METHOD_NOT_ALLOWED)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _refuse  # noqa: N815

    def _asked(self) -> tuple[str | None, str]:
        """The path behind the token, and the query; None for a path without the token."""
        path, _, query = self.path[:_LONGEST].partition("?")
        given, _, rest = path.removeprefix("/").partition("/")
        known = hmac.compare_digest(given.encode("utf-8", "replace"), self.server.token.encode())
        fits = len(self.path) < _LONGEST and path == f"/{given}/{rest}"
        return (rest if known and fits else None), query

    def _say(
        self, status: HTTPStatus, body: bytes = b"", kind: str = "text/plain; charset=utf-8"
    ) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", self.server.policy),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (http.server's name)
        """Nothing: what is asked for is nobody's business, and holds the token."""


def _numbers(query: str) -> dict[str, int]:
    """The numbers of a query, each named once.

    Raises:
        BadQueryError: for anything else.
    """
    try:
        pairs = parse_qsl(query, strict_parsing=True, max_num_fields=3)
    except ValueError:
        raise BadQueryError from None
    if len(dict(pairs)) < len(pairs) or not all(re.fullmatch(r"[0-9]{1,12}", n) for _, n in pairs):
        raise BadQueryError
    return {name: int(number) for name, number in pairs}
