"""The server of `racepage view --serve`: whom it answers, and what."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from racepage.detect import analyse
from racepage.report import serve
from racepage.report.serve import Served, Server, serving
from racepage.trace import text

RACY = text.parse(
    "\n".join(
        [
            *("main start t1", "main start t2"),
            *["t1 read page:1[0:8]"] * 50,
            "t1 write page:0[0:8]",  # 52
            *["t2 read page:1[0:8] @ far.py:7 away"] * 50,
            "t2 write page:0[0:8]",  # 103
        ]
    )
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(Served(RACY, analyse(RACY), subject="long", most_events=10)) as running:
        yield running


def ask(server: Server, path: str, *, method: str = "GET", host: str | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    body = None if method == "GET" else b"x" * 1000
    connection.request(method, path, body, {} if host is None else {"Host": host})
    response = connection.getresponse()
    found = Answer(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return found


def ours(server: Server, path: str, host: str | None = None) -> Answer:
    return ask(server, f"/{server.token}/{path}", host=host)


# Whom it answers --------------------------------------------------------------------------------


def test_it_listens_to_this_machine_only(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert urlsplit(server.address).hostname == "127.0.0.1"


def test_each_server_has_a_token_of_its_own() -> None:
    found = Served(RACY, analyse(RACY), subject="long")
    with Server(found) as one, Server(found) as other:
        assert one.token != other.token
        assert len(one.token) >= 32


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/{token}",
        "/{token}x/",
        "/{head}/",
        "/{token}/../",
        "/{token}/%2e%2e/",
        "/{token}/page.html",
        "/{token}/tile/",
        "/{token}//",
        "/x?{token}/",
        "http://127.0.0.1/{token}/",
        "/{token}/rows?from=0&to=1{long}",
    ],
)
def test_any_other_path_is_not_found(server: Server, path: str) -> None:
    given = path.format(token=server.token, head=server.token[:-1], long="&" * 400)
    answer = ask(server, given)
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1:{port}."],
)
def test_a_name_that_leads_here_is_not_answered(server: Server, host: str) -> None:
    answer = ours(server, "", host.format(port=server.server_port))
    assert (answer.status, answer.body) == (403, b"")


def raw(server: Server, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(f"{request}Connection: close\r\n\r\n".encode())
        return connection.recv(12)


def test_two_hosts_are_not_answered(server: Server) -> None:
    host = f"Host: 127.0.0.1:{server.server_port}\r\n"
    start = f"GET /{server.token}/ HTTP/1.1\r\n"
    assert raw(server, start + host) == b"HTTP/1.1 200"
    assert raw(server, start + host + host) == b"HTTP/1.1 403"
    assert raw(server, start) == b"HTTP/1.1 403"


def test_a_token_of_other_letters_is_not_found(server: Server) -> None:
    host = f"Host: 127.0.0.1:{server.server_port}\r\n"
    assert raw(server, f"GET /\u00e9{server.token}/ HTTP/1.1\r\n{host}") == b"HTTP/1.1 404"


def test_localhost_is_this_machine(server: Server) -> None:
    assert ours(server, "", f"localhost:{server.server_port}").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_only_get_is_answered(server: Server, method: str) -> None:
    answer = ask(server, f"/{server.token}/", method=method)
    assert (answer.status, answer.body) == (405, b"")


def test_what_is_said_is_not_kept_and_not_for_others(server: Server) -> None:
    for path in ("", "rows?from=0&to=5", "nowhere"):
        headers = ours(server, path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Python" not in headers["Server"]


def test_the_page_may_ask_its_server_and_nobody_else(server: Server) -> None:
    answer = ours(server, "")
    policy = answer.headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert f'content="{policy.rpartition("; ")[0]}"' in answer.body.decode()


def test_a_short_trace_s_page_asks_nobody() -> None:
    with serving(Served(RACY, analyse(RACY), subject="short")) as server:
        answer = ours(server, "")
        assert "connect-src" not in answer.headers["Content-Security-Policy"]
        assert b"fetch(" not in answer.body
        assert ours(server, "rows?from=0&to=5").status == 400


# What it answers --------------------------------------------------------------------------------

BAD = [
    "rows",
    "rows?",
    "rows?from=0",
    "rows?from=5&to=5",
    "rows?from=6&to=5",
    "rows?from=0&to=105",  # there are 104
    "rows?from=-1&to=5",
    "rows?from=0&to=5&event=104",
    "rows?from=0&to=5&to=6",
    "rows?from=0&to=5&more=1",
    "rows?from=0&to=1e3",
    "rows?from=0&to=%D9%A5",  # a digit, but not of ours
    "rows?from=&to=5",
    "rows?from=0&to=9999999999999",
    "tile?shift=3&at=0",  # finer than there is need for
    "tile?shift=4&at=1",
    "tile?shift=48&at=0",
    "tile?shift=999999999999&at=999999999999",
    "tile?at=0",
]


@pytest.mark.parametrize("query", BAD)
def test_what_no_page_asks_for_is_refused(server: Server, query: str) -> None:
    answer = ours(server, query)
    assert (answer.status, answer.body) == (400, b"")


def test_a_window_is_bounded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "WINDOW", 20)
    assert ours(server, "rows?from=0&to=20").status == 200
    assert ours(server, "rows?from=0&to=21").status == 400


def test_rows_come_with_what_they_point_to(server: Server) -> None:
    told = ours(server, "rows?from=60&to=70&event=33").told
    names = [column["name"] for column in told["columns"]]
    assert {"at", "thread", "op", "target", "arrowTo", "racy"} <= set(names)
    assert ["far.py:7", "away", None] in told["frames"]


def test_a_tile_counts_all_its_events(server: Server) -> None:
    told = ours(server, "tile?shift=4&at=0").told
    assert told["buckets"] == 7  # of 16 events each, for 104
    assert [column["name"] for column in told["columns"]] == ["counts"]
    assert told["columns"][0]["count"] == 6 * 3 * 7


def test_it_ends_when_it_is_told_to() -> None:
    with serving(Served(RACY, analyse(RACY), subject="x", most_events=10)) as server:
        port = server.server_port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
