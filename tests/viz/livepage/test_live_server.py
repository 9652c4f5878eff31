"""Who can read the live page, and that nobody who reads slowly holds anything up."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import hmac
import http.client
import json
import socket
import threading
import time

import pytest

from viz.livepage.server import guard, web
from viz.livepage.server.former_tabs import FormerTabs
from viz.livepage.server.hub import Hub
from viz.livepage.server.web import Page, Server

TOKEN, TICKET, KEY = "secret-token", "secret-ticket", "secret-key"


@pytest.fixture
def server():
    page = Page(TOKEN, TICKET, b"<h1>the page</h1>", "frame-ancestors 'none'", KEY)
    served = Server(Hub(), page)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.hub.close()
    served.shutdown()
    served.server_close()
    thread.join()


def ask(server, path, method="GET", **headers):
    """Status, headers and body of an answer; `Host_=None` leaves the header out."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    given = {"Host": f"127.0.0.1:{server.server_port}", **{n.replace("_", "-"): v for n, v in headers.items()}}
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in given.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers), answer.read()
    connection.close()
    return found


class Listener:
    """A browser that listens to news."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
        request = f"GET /{TOKEN}/events HTTP/1.1\r\nHost: localhost:{server.server_port}\r\n\r\n"
        self.socket.sendall(request.encode())
        self.file = self.socket.makefile("rb")
        while self.file.readline().strip():
            pass

    def next(self):
        """The next event: its kind, and its data."""
        kind = self.file.readline().split(b": ")[1].strip().decode()
        data = json.loads(self.file.readline()[len(b"data: ") :])
        self.file.readline()
        return kind, data

    def close(self):
        self.file.close()
        self.socket.close()


def test_the_page_is_at_its_secret_address_only(server):
    status, headers, body = ask(server, f"/{TOKEN}/")
    assert (status, body) == (200, b"<h1>the page</h1>")
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    for path in ("/", "/index.html", "/wrong/", f"/{TOKEN}x/", f"/{TOKEN}", f"/{TOKEN}/nothing", "/favicon.ico"):
        status, _, body = ask(server, path)
        assert status == 404
        assert TOKEN.encode() not in body


@pytest.mark.parametrize(
    "path",
    [
        f"/{TOKEN}/../../etc/passwd",
        f"/{TOKEN}/..%2f..%2fetc/passwd",
        f"/{TOKEN}//etc/passwd",
        "/../../etc/passwd",
        f"/{TOKEN}/graph/../../../etc/passwd",
        f"/{TOKEN}/%00",
        f"/{TOKEN}/graph%00.html",
        f"/{TOKEN}/server/web.py",
        f"/{TOKEN}/\\..\\..\\secret",
    ],
)
def test_no_path_leads_to_files(server, path):
    assert ask(server, path)[0] == 404


def test_only_the_loopback_interface_is_bound(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "0.0.0.0", "", None, "localhost@evil", "169.254.1.1"],
)
def test_other_names_for_this_machine_are_refused(server, host):
    """DNS rebinding: a page of another site that made its name point here."""
    status, _, body = ask(server, f"/{TOKEN}/", Host=host)
    assert status == 403
    assert b"the page" not in body


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1:1", "[::1]:80", "LOCALHOST:80"])
def test_names_of_the_loopback_interface_are_served_behind_a_tunnel_too(server, host):
    assert ask(server, f"/{TOKEN}/", Host=host)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
    ],
)
def test_pages_of_other_sites_are_refused(server, headers):
    assert ask(server, f"/{TOKEN}/graph", **headers)[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_nothing_can_be_written(server, method):
    status, headers, _ = ask(server, f"/{TOKEN}/", method, Content_Length="0")
    assert status in (405, 501)
    assert headers.get("Allow", "GET, HEAD") == "GET, HEAD"


@pytest.mark.parametrize("path", [f"/{TOKEN}/", f"/{TOKEN}/graph", "/wrong/"])
def test_every_answer_has_the_headers_that_keep_it_here(server, path):
    _, headers, _ = ask(server, path)
    assert guard.HEADERS.items() <= headers.items()
    assert "Content-Security-Policy" in headers
    assert "Python" not in headers["Server"]


def test_a_ticket_leads_to_the_page_once(server):
    assert ask(server, "/open/wrong")[0] == 404
    status, headers, _ = ask(server, f"/open/{TICKET}")
    assert (status, headers["Location"]) == (303, f"/{TOKEN}/")
    assert ask(server, f"/open/{TICKET}")[0] == 404
    assert ask(server, "/open/")[0] == 404


def test_the_tab_of_an_earlier_page_finds_its_way_by_a_key_that_it_never_sends(server):
    def proof(key, of, salt):
        return hmac.new(key.encode(), f"{of} {salt}".encode(), hashlib.sha256).hexdigest()

    assert json.loads(ask(server, f"/{TOKEN}/key")[2]) == KEY
    assert ask(server, "/wrong/key")[0] == 404
    assert json.loads(ask(server, "/greeting")[2])["known"] == []
    server.page.former = FormerTabs(["earlier", "another"])
    _, _, body = ask(server, "/greeting")
    greeting = json.loads(body)
    assert proof("earlier", "known", greeting["salt"]) in greeting["known"]
    assert TOKEN not in body.decode()
    for key, way in (("earlier", "known"), (KEY, "open"), ("", "open")):
        assert ask(server, f"/open/{proof(key, way, greeting['salt'])}")[0] == 404
    status, headers, _ = ask(server, f"/open/{proof('earlier', 'open', greeting['salt'])}")
    assert (status, headers["Location"]) == (303, f"/{TOKEN}/")
    assert FormerTabs(["earlier"]).greeting()["salt"] != greeting["salt"]  # what was overheard is of no use later


def test_nonsense_is_answered_and_harms_nobody(server):
    for nonsense in (b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G" * 70_000 + b"\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as raw:
            raw.sendall(nonsense)
            raw.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(ConnectionResetError):  # it didn't read all of the nonsense
                while piece := raw.recv(65536):
                    answer += piece
            assert b"the page" not in answer
    assert ask(server, f"/{TOKEN}/")[0] == 200


def test_news_come_as_they_happen(server):
    hub, listener = server.hub, Listener(server)
    assert listener.next() == ("news", {"version": 0})
    hub.take({"is": "points", "series": {"batch|loss": [[1, 0.5]]}})
    hub.take({"is": "graph", "step": 3}, gzip.compress(b"{}"))
    kind, news = listener.next()
    while "graph" not in news:
        assert kind == "news"
        assert news["series"]["batch|loss"]["points"] == [[1, 0.5]]
        kind, news = listener.next()
    assert news["graph"] == {"step": 3}
    assert server.watching == 1
    hub.close()
    while kind != "bye":
        kind, _ = listener.next()
    listener.close()


def test_what_is_asked_for_comes_compressed(server):
    assert json.loads(ask(server, f"/{TOKEN}/graph")[2]) is None
    server.hub.take({"is": "graph", "step": 3}, gzip.compress(b'{"a": 1}'))
    server.hub.take(
        {"is": "histograms", "step": 3, "tensors": [["weights", "</script>", 0, 1, [1, 2], 0.5, 0.1, 0, 0]]}
    )
    assert json.loads(gzip.decompress(ask(server, f"/{TOKEN}/graph")[2])) == {"a": 1}
    rows = json.loads(gzip.decompress(ask(server, f"/{TOKEN}/histograms")[2]))
    assert rows == [["weights", "</script>", [[3, 0, 1, [1, 2], 0.5, 0.1, 0, 0]]]]


def test_a_browser_that_reads_nothing_holds_up_nobody(server, monkeypatch):
    monkeypatch.setattr(web, "PACE", 0.001)
    stuck, quick = Listener(server), Listener(server)
    for i in range(300):
        server.hub.take({"is": "about", "text": "x" * 100_000, "number": i})  # 30 MB that nobody takes away
        server.hub.take({"is": "points", "series": {"batch|loss": [[i, 1.0]]}})
    news: dict = {}
    while news.get("about", {}).get("number") != 299 or news["version"] != server.hub.version:
        kind, found = quick.next()
        news.update(found if kind == "news" else {})
    assert ask(server, f"/{TOKEN}/")[0] == 200
    quick.close()
    stuck.close()


def test_browsers_that_vanish_are_forgotten(server, monkeypatch):
    monkeypatch.setattr(web, "HEARTBEAT", 0.02)
    monkeypatch.setattr(web, "PACE", 0.0)
    listener = Listener(server)
    listener.next()
    listener.close()
    end = time.monotonic() + 10
    while server.watching and time.monotonic() < end:
        time.sleep(0.01)
    assert server.watching == 0


def test_connections_without_the_token_make_room_for_the_page(server):
    slow = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(2 * web.MOST_CONNECTIONS)]
    for each in slow[-web.MOST_CONNECTIONS :]:
        each.sendall(b"GET /")  # and never the rest
    assert ask(server, f"/{server.page.token}/")[0] == 200
    for each in slow:
        each.close()


def test_too_many_connections_are_turned_away_and_the_rest_go_on(server, monkeypatch):
    first = Listener(server)
    others = [
        socket.create_connection(("127.0.0.1", server.server_port), timeout=10) for _ in range(web.MOST_CONNECTIONS + 8)
    ]
    server.hub.take({"is": "about", "text": "still here"})
    assert any("about" in first.next()[1] for _ in range(3))
    for each in others:
        each.close()
    first.close()
