"""Fetching over real sockets: what is allowed, where redirects and names lead, and what servers may do to us."""

import asyncio
import ipaddress
import socket
import ssl
import subprocess
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.tools import ToolDefinitionError, ToolError, ToolTimeoutError, fetch_tool, text_of
from backedge.nodes.tools.addresses import is_public, target_of
from backedge.nodes.tools.exchange import Leash
from backedge.nodes.tools.pages import words_of
from backedge.providers import Image


class Server:
    """A real server that answers with prepared bytes and notes what it was asked."""

    def __init__(self, family=socket.AF_INET, address="127.0.0.1", tls=None):
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.asked = []
        self.accepted = 0
        self.pages = {}
        self.gone = threading.Event()
        self.greeted = threading.Event()
        self.tls = tls
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def page(self, path, body, head="200 OK", **headers):
        lines = [
            f"HTTP/1.1 {head}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
            lines.append(f"Content-Length: {len(body)}")
        self.pages[path] = ["\r\n".join(lines).encode() + b"\r\n\r\n" + body]

    def redirect(self, path, to, status="302 Found"):
        self.page(path, b"go there", status, Location=to)

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                self.answer(connection)
            except OSError:  # the client left
                pass
            finally:
                connection.close()

    def answer(self, connection):
        connection.settimeout(10)
        if self.tls is None:
            self.talk(connection)
            return
        with self.tls.wrap_socket(connection, server_side=True) as wrapped:
            self.talk(wrapped)

    def talk(self, connection):
        got = b""
        while b"\r\n\r\n" not in got:
            piece = connection.recv(4096)
            if not piece:
                self.gone.set()
                return
            got += piece
            self.greeted.set()
        self.asked.append(got.decode())
        for piece in self.pages.get(
            got.split()[1].decode(), [b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"]
        ):
            if piece is None:  # say nothing more until the client leaves
                while connection.recv(4096):
                    pass
                self.gone.set()
                return
            connection.sendall(piece)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def other():
    made = Server()
    yield made
    made.close()


def resolving(**hosts):
    """A resolver for names that are written with underscores; notes what it was asked."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        found = hosts[host.replace(".", "_")]
        return [(address, port) for address in ([found] if isinstance(found, str) else found)]

    resolve.asked = asked
    return resolve


def local(server, **options):
    """A tool for one server on this machine."""
    return fetch_tool([f"http://127.0.0.1:{server.port}"], private=True, **options)


async def get(made, url, **arguments):
    return text_of(await made.call({"url": url, **arguments}))


# ---------------------------------------------------------------------- what it does


async def test_a_page_comes_with_its_status_and_address(server):
    server.page("/a?b=c", "hällo".encode(), Content_Type="text/plain; charset=utf-8")
    url = f"http://127.0.0.1:{server.port}/a?b=c"
    assert await get(local(server), url) == f"200 {url} text/plain\nhällo"
    assert server.asked[0].startswith("GET /a?b=c HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n" in server.asked[0]
    assert "Accept-Encoding: identity" in server.asked[0]


async def test_an_error_page_is_shown_with_its_status(server):
    assert (await get(local(server), f"http://127.0.0.1:{server.port}/nothing")).startswith("404 http://")


async def test_html_is_told_in_words_unless_it_is_wanted_raw(server):
    page = b"<html><head><style>x{}</style></head><p>Hi <b>you</b></p></html>"
    server.page("/", page, Content_Type="text/html")
    url = f"http://127.0.0.1:{server.port}/"
    assert (await get(local(server), url)).endswith("text/html\nHi you")
    assert (await get(local(server), url, raw=True)).endswith(page.decode())


async def test_a_picture_is_a_picture_and_other_bytes_are_left_out(server):
    server.page("/p", b"\x89PNG", Content_Type="image/png")
    server.page("/z", b"PK\0\0", Content_Type="application/zip")
    server.page("/n", b"a\0b", Content_Type="text/plain")
    url = f"http://127.0.0.1:{server.port}"
    content = await local(server).call({"url": f"{url}/p"})
    assert content[1] == Image(media_type="image/png", data=b"\x89PNG")
    assert (await get(local(server), f"{url}/z")).endswith("[left out: 4 bytes that are no text]")
    assert (await get(local(server), f"{url}/n")).endswith("[left out: 3 bytes that are no text]")


async def test_charsets_are_heeded_and_unknown_ones_survived(server):
    server.page("/l", "ü".encode("latin-1"), Content_Type="text/plain; charset=latin-1")
    server.page("/x", b"x", Content_Type="application/vnd.api+json; charset=nonsense")
    url = f"http://127.0.0.1:{server.port}"
    assert (await get(local(server), f"{url}/l")).endswith("\nü")
    assert (await get(local(server), f"{url}/x")).endswith("\nx")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "zlib", "hex", "undefined"]
)
async def test_codecs_that_are_no_charsets_are_not_used(server, charset):
    server.page("/", rb"a\d-" + b"x" * 100_000, Content_Type=f"text/plain; charset={charset}")
    assert rb"a\d-x".decode() in await get(local(server), f"http://127.0.0.1:{server.port}/")


async def test_a_long_address_is_told_in_short(server):
    server.redirect("/", "ftp://x.test/" + "y" * 50_000)
    with pytest.raises(ToolError, match="is no address of https or http") as caught:
        await local(server).call({"url": f"http://127.0.0.1:{server.port}/"})
    assert len(str(caught.value)) < 400
    with pytest.raises(ToolError, match="has no host"):
        await local(server).call({"url": f"http://{'ü.' * 3000}/"})


async def test_pieces_of_a_page_are_put_together(server):
    chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    server.page("/", chunks, Transfer_Encoding="chunked", Content_Type="text/plain")
    assert (await get(local(server), f"http://127.0.0.1:{server.port}/")).endswith("\nabcde")


async def test_ipv6_is_spoken():
    try:
        server = Server(socket.AF_INET6, "::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    try:
        server.page("/", b"six", Content_Type="text/plain")
        made = fetch_tool([f"http://[::1]:{server.port}"], private=True)
        assert (await get(made, f"http://[0:0::1]:{server.port}/")).endswith("\nsix")
        assert f"Host: [::1]:{server.port}\r\n" in server.asked[0]
    finally:
        server.close()


# ---------------------------------------------------------------------- who may be asked


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/",
        "http://good.test/",
        "https://good.test:8443/",
        "https://good.test.evil.test/",
        "https://evilgood.test/",
        "https://good.test@evil.test/",
        "https://good.test:pass@good.test/",
        "https://good.test\\@evil.test/",
        "https://evil.test#good.test",
        "https://evil.test?good.test",
        "https://sub.good.test/",
        "https://wild.test/",
        "https://awild.test/",
        "https://good.test\n.evil.test/",
        "https://good.test /",
        "https://good.te\tst/",
        "https:good.test",
        "https:///good.test/",
        "https://good.test:0/",
        "https://good.test:99999/",
        "https://good.test:x/",
        "https://[::1/",
        "https://[good.test]/",
        "https://%67ood.test/",
        "https://good.test%00.evil.test/",
        "https://good。test.evil.test/",
        "file:///etc/passwd",
        "ftp://good.test/",
        "gopher://good.test/",
        "data:text/plain,x",
        "//good.test/",
        "good.test",
        "",
    ],
)
async def test_nobody_else_is_asked_however_it_is_written(url):
    resolve = resolving()
    made = fetch_tool(["good.test", "*.wild.test"], resolve=resolve)
    with pytest.raises(ToolError):
        await made.call({"url": url})
    assert resolve.asked == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://good.test/", "good.test"),
        ("https://GOOD.test:443/x", "good.test"),
        ("https://good.test./", "good.test"),
        ("https://a.b.wild.test/", "a.b.wild.test"),
        ("https://bücher.test/", "xn--bcher-kva.test"),
    ],
)
async def test_allowed_hosts_are_looked_up(url, host):
    resolve = resolving(good_test="10.0.0.1", a_b_wild_test="10.0.0.1", **{"xn--bcher-kva_test": "10.0.0.1"})
    made = fetch_tool(["good.test", "*.wild.test", "bücher.test"], resolve=resolve)
    with pytest.raises(ToolError, match="is a private address"):
        await made.call({"url": url})
    assert resolve.asked == [host]


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "*.test",
        "https://*",
        "ftp://x.test",
        "a*b.test",
        "x.test/path",
        "user@x.test",
        "",
        "x .test",
        "*.*.test",
    ],
)
def test_an_allow_list_that_is_none_is_refused(entry):
    with pytest.raises(ToolDefinitionError, match="allow= holds"):
        fetch_tool([entry])


def test_an_allow_list_is_needed():
    for nothing in ([], (), "example.org"):
        with pytest.raises(ToolDefinitionError, match="takes a list of hosts"):
            fetch_tool(nothing)


def test_the_model_is_told_whom_it_may_ask():
    made = fetch_tool(["a.test", "*.b.test", "http://c.test:81"])
    assert made.description.endswith("https://a.test, https://*.b.test, http://c.test:81")
    assert (made.permission, made.safety) == ("network", "idempotent")


# ---------------------------------------------------------------------- private addresses


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
        *("2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "64:ff9b:1::1"),
        *("nonsense", "", "1.2.3", "0x7f.1", "2130706433"),
    ],
)
def test_addresses_that_are_not_of_the_open_internet(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_addresses_of_the_open_internet(address):
    assert is_public(address)


@given(st.ip_addresses())
def test_what_is_public_is_global_by_the_registries(address):
    if is_public(str(address)):
        assert (
            address.is_global
            or getattr(address, "ipv4_mapped", None)
            or isinstance(address, ipaddress.IPv6Address)
        )
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_link_local


async def test_a_name_that_leads_to_this_machine_is_refused_and_nobody_is_asked(server):
    server.page("/", b"secret")
    made = fetch_tool([f"http://inner.test:{server.port}"], resolve=resolving(inner_test="127.0.0.1"))
    with pytest.raises(ToolError, match=r"inner\.test is a private address \(127\.0\.0\.1\)"):
        await made.call({"url": f"http://inner.test:{server.port}/"})
    assert server.accepted == 0


async def test_allowing_a_host_by_its_private_address_is_not_enough(server):
    with pytest.raises(ToolError, match="private address"):
        await fetch_tool([f"http://127.0.0.1:{server.port}"]).call(
            {"url": f"http://127.0.0.1:{server.port}/"}
        )
    with pytest.raises(ToolError, match="private address"):
        await fetch_tool([f"http://localhost:{server.port}"]).call(
            {"url": f"http://localhost:{server.port}/"}
        )
    assert server.accepted == 0


async def test_of_several_addresses_only_public_ones_are_tried(server, monkeypatch):
    """One public address that does not answer does not open the way to a private one that does."""
    tried = []

    def connect(self, address):
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    resolve = resolving(mixed_test=["127.0.0.1", "8.8.8.8", "10.0.0.1", "2606:4700::1111"])
    made = fetch_tool([f"http://mixed.test:{server.port}"], resolve=resolve)
    with pytest.raises(ToolError, match="gave no answer: ConnectionRefusedError"):
        await made.call({"url": f"http://mixed.test:{server.port}/"})
    assert tried == ["8.8.8.8", "2606:4700::1111"]


async def test_a_name_that_changes_its_mind_is_asked_once_and_taken_at_its_word(server, monkeypatch):
    """Rebinding: the first answer is public, every later one leads here. The connection goes to what was judged."""
    answers = iter(["8.8.8.8"])
    tried = []

    def resolve(host, port):
        return [(next(answers, "127.0.0.1"), port)]

    def connect(self, address):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    made = fetch_tool([f"http://turncoat.test:{server.port}"], resolve=resolve)
    with pytest.raises(ToolError, match="gave no answer"):
        await made.call({"url": f"http://turncoat.test:{server.port}/"})
    assert tried == [("8.8.8.8", server.port)]
    assert server.accepted == 0


async def test_where_the_connection_really_went_is_looked_at_again(server, monkeypatch):
    """Something between us and the net sends the connection to this machine after all: nothing is asked."""
    real = socket.socket.connect
    monkeypatch.setattr(
        socket.socket, "connect", lambda self, address: real(self, ("127.0.0.1", server.port))
    )
    made = fetch_tool([f"http://far.test:{server.port}"], resolve=resolving(far_test="8.8.8.8"))
    with pytest.raises(ToolError, match=r"it is at 127\.0\.0\.1, a private address"):
        await made.call({"url": f"http://far.test:{server.port}/"})
    assert server.asked == []


async def test_an_address_that_refuses_is_followed_by_the_next(server):
    server.page("/", b"here", Content_Type="text/plain")
    with socket.socket() as closed:
        closed.bind(("127.0.0.2", server.port))  # bound, and nobody listens
        made = fetch_tool(
            [f"http://two.test:{server.port}"],
            private=True,
            resolve=resolving(two_test=["127.0.0.2", "127.0.0.1"]),
        )
        assert (await get(made, f"http://two.test:{server.port}/")).endswith("\nhere")


async def test_a_name_that_there_is_not_is_told():
    def resolve(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(ToolError, match=r"there is no host no\.test"):
        await fetch_tool(["no.test"], resolve=resolve).call({"url": "https://no.test/"})


# ---------------------------------------------------------------------- redirects


async def test_a_redirect_is_followed_where_it_may_lead(server):
    server.redirect("/", "/two?x=1")
    server.redirect("/two?x=1", "three", "307 Temporary Redirect")
    server.page("/three", b"there", Content_Type="text/plain")
    url = f"http://127.0.0.1:{server.port}"
    assert await get(local(server), f"{url}/") == f"200 {url}/three text/plain\nthere"


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x", "300 x"])
async def test_a_redirect_to_somebody_else_is_not_followed(server, other, status):
    server.redirect("/", f"http://127.0.0.1:{other.port}/", status)
    with pytest.raises(ToolError, match=f"http://127.0.0.1:{other.port} may not be fetched from"):
        await local(server).call({"url": f"http://127.0.0.1:{server.port}/"})
    assert other.accepted == 0


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "//evil.test/", "https://evil.test\\@good.test/", "http://[::1/"]
)
async def test_a_redirect_out_of_the_web_is_not_followed(server, to):
    server.redirect("/", to)
    with pytest.raises((ToolError, ValueError)):
        await local(server).call({"url": f"http://127.0.0.1:{server.port}/"})


async def test_a_redirect_to_a_name_that_leads_inside_is_not_followed(server, other):
    """The name is on the list; only its address gives it away."""
    allow = [f"http://127.0.0.1:{server.port}", f"http://inner.test:{other.port}"]
    server.redirect("/", f"http://inner.test:{other.port}/")
    real = is_public

    def first_is_public(address):  # the server stands for one on the open internet
        return address == "127.0.0.1" or real(address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backedge.nodes.tools.exchange.is_public", first_is_public)
        resolve = resolving(**{"127_0_0_1": "127.0.0.1", "inner_test": "127.0.0.3"})
        with pytest.raises(ToolError, match=r"inner\.test is a private address \(127\.0\.0\.3\)"):
            await fetch_tool(allow, resolve=resolve).call({"url": f"http://127.0.0.1:{server.port}/"})
    assert other.accepted == 0


async def test_redirects_in_a_circle_end(server):
    server.redirect("/", "/")
    with pytest.raises(ToolError, match="redirects more than 5 times"):
        await local(server).call({"url": f"http://127.0.0.1:{server.port}/"})
    assert server.accepted == 6


# ---------------------------------------------------------------------- what servers do to us


async def test_a_large_page_is_cut_and_the_rest_is_not_read(server):
    server.pages["/"] = [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 5000, None]
    shown = await get(local(server, largest=1000), f"http://127.0.0.1:{server.port}/")
    assert shown.endswith("x\n[cut: these are the first 1000 bytes]")
    assert shown.count("x") == 1000 + 1  # and the one in text/plain
    assert await asyncio.to_thread(server.gone.wait, 10)


async def test_a_server_that_says_nothing_is_left_in_time_and_the_thread_ends(server):
    server.pages["/"] = [None]
    before = set(threading.enumerate())
    with pytest.raises(ToolTimeoutError, match="fetch took longer"):
        await local(server, timeout=0.2).call({"url": f"http://127.0.0.1:{server.port}/"})
    assert await asyncio.to_thread(server.gone.wait, 10)  # the connection was closed
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("tool-fetch"):
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


async def test_a_server_that_drips_is_left_in_time(server):
    """Each byte comes soon enough; all of them together do not."""
    dripping = threading.Event()

    def drip():
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
        while not dripping.wait(0.02):
            yield b"x"

    server.pages["/"] = drip()
    try:
        with pytest.raises(ToolTimeoutError):
            await local(server, timeout=0.3).call({"url": f"http://127.0.0.1:{server.port}/"})
    finally:
        dripping.set()


async def test_cancelling_hangs_up(server):
    server.pages["/"] = [None]
    task = asyncio.create_task(local(server).call({"url": f"http://127.0.0.1:{server.port}/"}))
    while not server.asked:  # noqa: ASYNC110 - the server is a thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.gone.wait, 10)


async def test_cancelling_hangs_up_in_the_middle_of_a_handshake(server):
    made = fetch_tool([f"https://127.0.0.1:{server.port}"], private=True)
    task = asyncio.create_task(made.call({"url": f"https://127.0.0.1:{server.port}/"}))
    while not server.greeted.is_set():  # noqa: ASYNC110 - the server is a thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.gone.wait, 10)


def test_a_leash_that_was_pulled_holds_nothing_any_more():
    leash = Leash()
    leash.pull()
    late = socket.socket()
    with pytest.raises(ToolError, match="given up"):
        leash.hold(late)
    assert late.fileno() == -1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "gave no answer: RemoteDisconnected"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "gave no answer: BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n", "gave no answer: HTTPException"),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\n\r\n", "gave no answer: LineTooLong"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "it ended after 3 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "it ended after 0 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "it ended after 2 bytes"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
            "the content came as gzip",
        ),
    ],
)
async def test_what_is_no_answer_is_told(server, answer, words):
    server.pages["/"] = [answer]
    with pytest.raises(ToolError, match=words):
        await local(server).call({"url": f"http://127.0.0.1:{server.port}/"})


async def test_nobody_at_the_port_is_told():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(
            ToolError, match=f"http://127.0.0.1:{port} gave no answer: ConnectionRefusedError"
        ):
            await fetch_tool([f"http://127.0.0.1:{port}"], private=True).call(
                {"url": f"http://127.0.0.1:{port}/"}
            )


async def test_a_proxy_in_the_environment_is_not_used(server, other, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{other.port}")
    server.page("/", b"direct", Content_Type="text/plain")
    assert (await get(local(server), f"http://127.0.0.1:{server.port}/")).endswith("direct")
    assert other.accepted == 0


async def test_lines_in_an_address_do_not_become_headers(server):
    server.page("/", b"x")
    for path in ("/\r\nX-Evil: 1", "/ HTTP/1.1\r\nX-Evil: 1", "/\u2028x", "/a\\b"):
        with pytest.raises(ToolError, match="is no address"):
            await local(server).call({"url": f"http://127.0.0.1:{server.port}{path}"})
    await get(local(server), f"http://127.0.0.1:{server.port}/ü%0d%0aX-Evil:1")
    assert server.asked[0].startswith("GET /%C3%BC%0d%0aX-Evil:1 HTTP/1.1\r\n")


# ---------------------------------------------------------------------- https


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate for good.test, made with openssl."""
    folder = tmp_path_factory.mktemp("tls")
    try:
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                ),
                *("-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=good.test"),
                *("-addext", "subjectAltName=DNS:good.test"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl makes the certificate, and it is not there")
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def secure(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    made = Server(tls=context)
    made.page("/", b"safe", Content_Type="text/plain")
    yield made
    made.close()


async def test_https_checks_the_name_it_was_asked_for(secure, authority):
    trusted = ssl.create_default_context(cafile=authority[0])
    options = {
        "private": True,
        "resolve": resolving(good_test="127.0.0.1", bad_test="127.0.0.1"),
        "tls": trusted,
    }
    made = fetch_tool([f"good.test:{secure.port}", f"bad.test:{secure.port}"], **options)
    assert (await get(made, f"https://good.test:{secure.port}/")).endswith("\nsafe")
    with pytest.raises(ToolError, match="CERTIFICATE_VERIFY_FAILED.*Hostname mismatch"):
        await made.call({"url": f"https://bad.test:{secure.port}/"})


async def test_https_trusts_no_stranger(secure):
    made = fetch_tool([f"good.test:{secure.port}"], private=True, resolve=resolving(good_test="127.0.0.1"))
    with pytest.raises(ToolError, match="CERTIFICATE_VERIFY_FAILED"):
        await made.call({"url": f"https://good.test:{secure.port}/"})
    assert secure.asked == []


async def test_a_handshake_that_never_ends_is_left_in_time(server):
    server.pages["/"] = [None]
    made = fetch_tool([f"https://127.0.0.1:{server.port}"], private=True, timeout=0.2)
    with pytest.raises(ToolTimeoutError):
        await made.call({"url": f"https://127.0.0.1:{server.port}/"})


# ---------------------------------------------------------------------- addresses and pages


@given(st.text(max_size=40), st.sampled_from(["https://", "http://good.test", "https://good.test/", ""]))
def test_any_text_is_an_address_or_refused(text, front):
    try:
        target = target_of(front + text)
    except ToolError:
        return
    assert target.scheme in ("http", "https")
    assert 0 < target.port < 65536
    assert target.path.isascii()
    assert target.path.startswith(("/", "?"))
    assert target_of(str(target)) == target  # what is shown is what is asked for


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>a<p>b", "a\nb"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("1 < 2 and <b>3</b>", "1 < 2 and 3"),
        ("<script>if (a<b) x='</p>'</script>x<style>y</style>", "x"),
        ("<SCRIPT>x</SCRIPT>y", "y"),
        ("<!-- a <p> b -->c<!-- open", "c"),
        ("<!doctype html><title>T</title>x", "T\nx"),
        ('<a href="/x">y</a> <a href=#z>z</a> <a href=javascript:q>q</a> <a>n</a>', "y (/x) z q n"),
        ("a<", "a<"),
        ("a<b", "a"),
        ("<script>never ends", ""),
        ("<p>  a \n b  </p>", "a b"),
    ],
)
def test_the_words_of_a_page(html, words):
    assert words_of(html) == words


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["<", "<!--", "<a ", "<a href=", "<script>", "</", "<!", "&", "<p>", "<a href='", "<a>"]
)
def test_no_page_takes_for_ever(piece):
    words_of(piece * (1_000_000 // len(piece)))
