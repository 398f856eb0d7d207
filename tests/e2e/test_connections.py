"""The wire: every form in which a request may rightly arrive, and clients that hold on to what they have.

Everything is sent as bytes over sockets of the test's own; only HTTP/2's framing is borrowed.
"""

import contextlib
import resource
import select
import socket
import time
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import pytest

from server import ROOT, until
from wire import Credentials, Request, Wire, compact, send, sign
from world import unique

F = "/2015-03-31/functions"
POLICY = "lambda:InvokeFunction"
# The deadlines of a head, and of the first bytes of a body (crates/api/src/listen.rs).
PATIENCE_SECONDS = 10
STRANGER = Credentials("AKIANOBODYKNOWSTHIS0", "secret")


@pytest.fixture(scope="module")
def base(server):
    return server.base


@pytest.fixture(scope="module")
def name(owner):
    """A function with version 1, the alias `prod`, and a policy on each."""
    made = owner.versioned()
    for qualifier in (None, "1", "prod"):
        assert owner.root.wire.add_permission(made, grant(f"on-{qualifier}"), qualifier).status == 201
    return made


def grant(sid):
    return {"StatementId": sid, "Action": POLICY, "Principal": "s3.amazonaws.com"}


def connect(base, timeout=30) -> socket.socket:
    address = urlsplit(base)
    return socket.create_connection((address.hostname, address.port), timeout=timeout)


def signed(base, method, path, body=b"", headers=None, credentials=ROOT) -> Request:
    headers = {"Host": urlsplit(base).netloc, **(headers or {})}
    return sign(base, Request(method, path, body, headers), credentials)


def head(request, *more, version="HTTP/1.1", target=None) -> bytes:
    rows = [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([f"{request.method} {target or request.path} {version}", *rows, *more, "", ""]).encode("latin-1")


def with_length(request) -> bytes:
    return head(request, f"Content-Length: {len(request.body)}") + request.body


class Reader:
    """Answers of one HTTP/1 connection, one after the other."""

    def __init__(self, connection):
        self.file = connection.makefile("rb")

    def answer(self):
        """Status, headers and body of the next answer, and the version that it came in."""
        version, status, *_ = self.file.readline().decode().split(" ", 2)
        headers = {}
        while line := self.file.readline().strip().decode():
            key, value = line.split(":", 1)
            headers[key.lower()] = value.strip()
        return int(status), headers, self.file.read(int(headers.get("content-length", 0))), version

    def closed(self) -> bool:
        with contextlib.suppress(ConnectionResetError):
            return self.file.read(1) == b""
        return True


def exchange(base, data) -> tuple[int, dict, bytes, str]:
    with connect(base) as connection:
        connection.sendall(data)
        return Reader(connection).answer()


# --- How a body may arrive -----------------------------------------------------------------------------


def chunks(body, size, extension=b"", trailers=b"") -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    return framed + b"0\r\n" + trailers + b"\r\n"


CHUNKED = "Transfer-Encoding: chunked"
BODIES = [
    ("with its length", lambda body: ([f"Content-Length: {len(body)}"], body)),
    ("in one chunk", lambda body: ([CHUNKED], chunks(body, len(body)))),
    ("in chunks of a byte", lambda body: ([CHUNKED], chunks(body, 1))),
    ("in chunks with extensions", lambda body: ([CHUNKED], chunks(body, 7, b";name=value"))),
    ("in chunks with a trailer", lambda body: (["Trailer: x-end", CHUNKED], chunks(body, 9, trailers=b"x-end: 1\r\n"))),
]


@pytest.mark.parametrize(("how", "frame"), BODIES)
def test_a_body_arrives_in_every_framing_and_in_any_pieces(base, name, how, frame):
    for piece in (None, 1):
        sid = unique("sid")
        request = signed(base, "POST", f"{F}/{name}/policy", compact(grant(sid)).encode())
        rows, body = frame(request.body)
        with connect(base) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(body), piece or len(body)):
                connection.sendall((head(request, *rows) if at == 0 else b"") + body[at : at + (piece or len(body))])
            status, _, answer, _ = Reader(connection).answer()
        assert status == 201, (how, answer)
        assert sid.encode() in answer


@pytest.mark.parametrize(
    ("how", "rows", "body"),
    [
        ("two lengths", ["Content-Length: 2", "Content-Length: 3"], b"{} "),
        ("no number as length", ["Content-Length: two"], b"{}"),
        ("a chunk without a size", [CHUNKED], b"zz\r\n{}\r\n0\r\n\r\n"),
        ("a chunk of more than memory", [CHUNKED], b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ("an unknown coding", ["Transfer-Encoding: gzip"], b"{}"),
    ],
)
def test_a_body_that_cannot_be_framed_is_refused_and_the_connection_closed(base, name, how, rows, body):
    """What follows it may be anything, another request too: none of it is read as one."""
    request = signed(base, "POST", f"{F}/{name}/policy", b"{}")
    smuggled = with_length(signed(base, "GET", F))
    with connect(base) as connection:
        connection.sendall(head(request, *rows) + body + smuggled)
        reader = Reader(connection)
        assert reader.answer()[0] == 400, how
        assert reader.closed(), how


@pytest.mark.parametrize(("rows", "body"), [(["Content-Length: 3"], b"{}"), ([CHUNKED], b"5\r\n{}"), ([CHUNKED], b"2\r\n{}\r\n")])
def test_a_body_that_ends_before_its_end_is_refused(base, name, rows, body):
    """RFC 9112 §8: the client has closed its half, so the rest never comes."""
    with connect(base) as connection:
        connection.sendall(head(signed(base, "POST", f"{F}/{name}/policy", b"{}"), *rows) + body)
        connection.shutdown(socket.SHUT_WR)
        reader = Reader(connection)
        status, headers, answer, _ = reader.answer()
        assert (status, headers["x-amzn-errortype"]) == (400, "MalformedHttpRequestException"), answer
        assert reader.closed()


def test_a_length_beside_chunks_does_not_make_a_second_request(base, name):
    """Who reads the length and who reads the chunks would not agree where the next request begins."""
    request = signed(base, "POST", f"{F}/{name}/policy", b"{}")
    body = chunks(b"{}", 2)
    with connect(base) as connection:
        connection.sendall(head(request, "Content-Length: 2", CHUNKED) + body + with_length(signed(base, "GET", F)))
        reader = Reader(connection)
        assert reader.answer()[0] == 400
        assert reader.closed()


# --- Expect ---------------------------------------------------------------------------------------------


def test_a_client_that_waits_to_send_is_told_to_go_on(base, name):
    sid = unique("sid")
    request = signed(base, "POST", f"{F}/{name}/policy", compact(grant(sid)).encode())
    with connect(base) as connection:
        connection.sendall(head(request, f"Content-Length: {len(request.body)}", "Expect: 100-continue"))
        reader = Reader(connection)
        assert reader.answer()[0] == 100
        connection.sendall(request.body)
        status, _, answer, _ = reader.answer()
        assert (status, sid.encode() in answer) == (201, True)


@pytest.mark.parametrize(
    ("why", "credentials", "length", "status"),
    [("an unknown key", STRANGER, 100, 403), ("a body that is too long", ROOT, 2 << 20, 413)],
)
def test_a_client_that_waits_to_send_is_refused_before_it_does(base, name, why, credentials, length, status):
    request = signed(base, "POST", f"{F}/{name}/policy", b"", {"X-Amz-Content-SHA256": "0" * 64}, credentials)
    assert exchange(base, head(request, f"Content-Length: {length}", "Expect: 100-continue"))[0] == status, why


# --- HTTP/1.0, pipelines, forms of the target ------------------------------------------------------------


@pytest.mark.parametrize(("rows", "stays"), [((), False), (("Connection: keep-alive",), True)])
def test_http_1_0_is_served_and_closes_unless_asked_to_stay(base, name, rows, stays):
    sid = unique("sid")
    request = signed(base, "POST", f"{F}/{name}/policy", compact(grant(sid)).encode())
    with connect(base) as connection:
        connection.sendall(head(request, f"Content-Length: {len(request.body)}", *rows, version="HTTP/1.0") + request.body)
        reader = Reader(connection)
        status, headers, answer, version = reader.answer()
        assert (status, version, sid.encode() in answer) == (201, "HTTP/1.0", True)
        assert "transfer-encoding" not in headers
        if stays:
            connection.sendall(head(signed(base, "GET", f"{F}/{name}/policy"), version="HTTP/1.0"))
            assert reader.answer()[0] == 200
        assert reader.closed()


def test_pipelined_requests_are_answered_in_their_order(base, name):
    sids = [unique("sid") for _ in range(20)]
    stream, expected = b"", []
    for sid in sids:
        add = signed(base, "POST", f"{F}/{name}/policy", compact(grant(sid)).encode())
        stream += head(add, CHUNKED) + chunks(add.body, 50)
        stream += head(signed(base, "GET", f"{F}/{sid}"))
        stream += with_length(signed(base, "DELETE", f"{F}/{name}/policy/{sid}"))
        expected += [(201, sid), (404, sid), (204, "")]
    with connect(base) as connection:
        connection.sendall(stream)
        reader = Reader(connection)
        for status, text in expected:
            got, _, body, _ = reader.answer()
            assert (got, text.encode() in body) == (status, True), body
    policy = send(base, signed(base, "GET", f"{F}/{name}/policy")).body.decode()
    assert not [sid for sid in sids if sid in policy]


def test_a_whole_url_may_be_the_target(base, name):
    request = signed(base, "GET", f"{F}/{name}/policy")
    assert exchange(base, head(request, target=base + request.path))[0] == 200
    del request.headers["Host"]
    assert exchange(base, head(request, target=base + request.path))[0] == 400
    assert exchange(base, head(request, "Host: a", "Host: b", target=base + request.path))[0] == 400


@pytest.mark.parametrize("host", ["{name}.lambda-url.us-east-1.localhost", "other.example", "user@{own}"])
def test_what_was_signed_for_one_host_is_not_taken_for_another(owner, base, name, host):
    """RFC 9112 §3.2.2: the host of a whole URL counts, and the signature is for that of `Host`."""
    url = owner.root.boto().create_function_url_config(FunctionName=owner.function(), AuthType="AWS_IAM")["FunctionUrl"]
    host = host.format(name=urlsplit(url).hostname.split(".")[0], own=urlsplit(base).netloc)
    request = signed(base, "GET", f"{F}/{name}/policy")
    status, headers, answer, _ = exchange(base, head(request, target=f"http://{host}{request.path}"))
    refused = (400, "MalformedHttpRequestException") if "@" in host else (403, "InvalidSignatureException")
    assert (status, headers["x-amzn-errortype"]) == refused, answer


# --- Percent-encoding -------------------------------------------------------------------------------------

NAMES = [
    "{name}",
    "{first}%{rest}",
    "function:{name}",
    "{account}:function:{name}",
    "{account}%3Afunction%3A{name}",
    "{account}%3afunction%3a{name}",
    "arn:aws:lambda:us-east-1:{account}:function:{name}",
    "arn%3Aaws%3Alambda%3Aus-east-1%3A{account}%3Afunction%3A{name}",
    "arn:aws:lambda:us-east-1:{account}:function%3A{name}",
]
QUALIFIERS = ["", ":prod", "%3Aprod", ":1", "%3A1"]


@pytest.mark.parametrize("form", NAMES)
def test_a_function_is_named_in_every_form_and_encoding(owner, base, name, form):
    encoded = f"{ord(name[0]):02X}{name[1:]}"
    text = form.replace("{first}%{rest}", f"%{encoded}").format(name=name, account=owner.id)
    for qualifier in QUALIFIERS:
        sid = "on-" + (qualifier.replace("%3A", ":").strip(":") or "None")
        answer = send(base, signed(base, "GET", f"{F}/{text}{qualifier}/policy"))
        assert (answer.status, sid.encode() in answer.body) == (200, True), (text, answer.body)


@pytest.mark.parametrize(("qualifier", "version"), [("prod", "1"), ("%24LATEST", "$LATEST"), ("1", "1")])
def test_a_qualifier_is_decoded(base, name, qualifier, version):
    answer = send(base, signed(base, "GET", f"{F}/{name}/configuration?Qualifier={qualifier}"))
    assert (answer.status, answer.json["Version"]) == (200, version)


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_an_arn_in_the_path_is_one_segment(owner, base, name, colon):
    arn = owner.arn(name).replace(":", colon)
    assert send(base, signed(base, "GET", f"/2017-03-31/tags/{arn}")).status == 200
    answer = send(base, signed(base, "DELETE", f"{F}/{arn}/policy/not%2Dthere"))
    assert (answer.status, answer.code) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("{name}%2Fpolicy", "{name}/policy"),
        ("{name}%2fpolicy", "{name}/policy"),
        ("{name}%252Fpolicy", "{name}%2Fpolicy"),
        ("{name}+x", "{name}+x"),
        ("{name}%20x", "{name} x"),
        ("%C3%BC", "ü"),
    ],
)
def test_what_is_encoded_splits_nothing_and_is_decoded_once(base, name, path, value):
    """A name with a slash is a bad name, not a name and an operation on it."""
    answer = send(base, signed(base, "GET", f"{F}/{path.format(name=name)}"))
    assert (answer.status, answer.code) == (400, "ValidationException"), answer.body
    assert f"Value '{value.format(name=name)}' at 'functionName'" in answer.json["message"]


@pytest.mark.parametrize("path", ["%", "%2", "%zz", "%ff", "x%e0%80"])
def test_what_is_no_encoding_is_refused(base, path):
    assert send(base, signed(base, "GET", f"{F}/{path}")).status == 400


# Signed for the server's own host, whatever is sent in its place; what is named is no host of a URL.
HOSTS = [
    ("none", [], "no Host"),
    ("two that are alike", ["Host: {host}", "Host: {host}"], "more than one Host"),
    ("another one first", ["Host: other.example", "Host: {host}"], "more than one Host"),
    ("another one last", ["Host: {host}", "Host: other.example"], "more than one Host"),
    ("two words", ["Host: {host} other.example"], "a Host that names none"),
    ("a path", ["Host: {host}/"], "a Host that names none"),
    ("a user", ["Host: user@{host}"], "a Host that names none"),
]


@pytest.mark.parametrize("path", [f"{F}/{{name}}/policy", "/_portcullis/health", "/"])
@pytest.mark.parametrize(("what", "rows", "told"), HOSTS)
def test_a_request_has_one_host_or_is_refused_and_the_connection_closed(base, name, what, rows, told, path):
    """RFC 9112 §3.2: a proxy may have gone by another than we would."""
    request = signed(base, "GET", path.format(name=name))
    host = request.headers.pop("Host")
    with connect(base) as connection:
        connection.sendall(head(request, *(row.format(host=host) for row in rows)) * 2)
        reader = Reader(connection)
        status, headers, answer, _ = reader.answer()
        assert (status, headers["connection"]) == (400, "close"), what
        if path == "/":
            assert b"<Code>MalformedHttpRequest</Code>" in answer and told.encode() in answer
        else:
            assert headers["x-amzn-errortype"] == "MalformedHttpRequestException"
            assert answer == compact({"message": f"The request has {told}."}).encode()
        assert reader.closed(), "the request behind it was answered"


def test_http_1_0_needs_no_host_but_for_a_signature(base, name):
    """The host is among what is signed, so that only what nobody signs is served without one."""
    request = signed(base, "GET", f"{F}/{name}/policy")
    assert exchange(base, head(request, version="HTTP/1.0"))[0] == 200
    del request.headers["Host"]
    assert exchange(base, head(request, version="HTTP/1.0"))[0] == 403
    assert exchange(base, b"GET /_portcullis/health HTTP/1.0\r\n\r\n")[0] == 200
    assert exchange(base, b"GET http://user@localhost/_portcullis/health HTTP/1.0\r\n\r\n")[0] == 400
    status, _, answer, _ = exchange(base, b"GET / HTTP/1.1\r\nHost:\r\n\r\n")
    assert (status, b"MissingAuthenticationToken" in answer) == (403, True), answer


# --- Heads of every size ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "rows", "statuses"),
    [
        ("a header of 8 KiB", ["x-long: " + "a" * 8192], {200}),
        ("eight headers of 7 KiB", [f"x-long-{n}: " + "a" * 7168 for n in range(8)], {200}),
        ("a header of 65 KiB", ["x-long: " + "a" * 65 * 1024], {431}),
        ("nine headers of 8 KiB", [f"x-long-{n}: " + "a" * 8192 for n in range(9)], {431}),
        ("a thousand headers", [f"x-{n}: 1" for n in range(1000)], {431}),
        ("a header without a name", [": nothing"], {400}),
        ("a folded header", ["x-folded: a\r\n b"], {400}),
        ("a header with a line of its own", ["x-\rx: a"], {400}),
    ],
)
def test_a_head_is_served_or_refused_by_its_size_and_form(base, name, what, rows, statuses):
    assert exchange(base, head(signed(base, "GET", f"{F}/{name}/policy"), *rows))[0] in statuses, what


# --- HTTP/2 -----------------------------------------------------------------------------------------------


class Http2:
    """An HTTP/2 client that knows beforehand that the server speaks it (RFC 9113 §3.3)."""

    def __init__(self, base, timeout=30):
        self.authority = urlsplit(base).netloc
        self.socket = connect(base, timeout)
        self.protocol = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.protocol.initiate_connection()
        self.answers = {}
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.protocol.data_to_send())

    def request(self, request) -> int:
        """Sends a head, and the body as far as the windows let it; the number of its stream."""
        stream = self.protocol.get_next_available_stream_id()
        pseudo = [(":method", request.method), (":path", request.path), (":scheme", "http"), (":authority", self.authority)]
        headers = [(key.lower(), str(value)) for key, value in request.headers.items() if key.lower() != "host"]
        self.protocol.send_headers(stream, pseudo + headers, end_stream=not request.body)
        self.answers[stream] = [None, b"", False]
        self.flush()
        self._send_body(stream, request.body)
        return stream

    def _send_body(self, stream, body):
        while body:
            size = min(self.protocol.local_flow_control_window(stream), self.protocol.max_outbound_frame_size, len(body))
            if size == 0:
                self.receive()
                continue
            self.protocol.send_data(stream, body[:size], end_stream=size == len(body))
            body = body[size:]
            self.flush()

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        for event in self.protocol.receive_data(data):
            answer = self.answers.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.ResponseReceived):
                answer[0] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                answer[1] += event.data
                self.protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                answer[2] = True
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise ConnectionError(repr(event))
        self.flush()

    def answer(self, stream) -> tuple[int, bytes]:
        while not self.answers[stream][2]:
            self.receive()
        headers, body, _ = self.answers.pop(stream)
        return int(headers[":status"]), body


def test_http_2_is_served_in_clear_text(base, name):
    sid = unique("sid")
    with Http2(base) as client:
        add = signed(base, "POST", f"{F}/{name}/policy", compact(grant(sid)).encode())
        status, body = client.answer(client.request(add))
        assert (status, sid.encode() in body) == (201, True), body
        get = signed(base, "GET", f"{F}/{name}/policy")
        assert client.answer(client.request(get))[0] == 200
        for change in ({"authorization": "AWS4-HMAC-SHA256 forged"}, {"x-amz-date": "20200101T000000Z"}):
            spoiled = Request(get.method, get.path, b"", {k.lower(): v for k, v in get.headers.items()} | change)
            assert client.answer(client.request(spoiled))[0] == 403


def test_http_2_names_its_host_once(base, name):
    """RFC 9113 §8.3.1: `:authority`, or else `Host`; the former counts where both are given."""
    get = signed(base, "GET", f"{F}/{name}/policy")
    host, authority = ("host", urlsplit(base).netloc), (":authority", urlsplit(base).netloc)
    other = ("host", "other.example")
    for given, status in (([], 400), ([host], 200), ([authority, other], 200), ([other], 403), ([host, other], 400)):
        config = h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False)
        with Http2(base) as client:
            client.protocol.config = config
            headers = [(key.lower(), value) for key, value in get.headers.items() if key.lower() != "host"]
            pseudo = [(":method", "GET"), (":path", get.path), (":scheme", "http")]
            ordered = sorted(given, key=lambda one: not one[0].startswith(":"))
            stream = client.protocol.get_next_available_stream_id()
            client.protocol.send_headers(stream, [*pseudo, *ordered, *headers], end_stream=True)
            client.answers[stream] = [None, b"", False]
            client.flush()
            assert client.answer(stream)[0] == status, given


def test_http_2_answers_many_requests_of_one_connection(base, name):
    """Each has its own answer, also where there are more than may run at once."""
    with Http2(base) as client:
        until(lambda: client.receive() or client.protocol.remote_settings.max_concurrent_streams <= 100, 30, "settings")
        for _ in range(3):
            paths = [f"{F}/{unique('none')}" for _ in range(90)]
            streams = [client.request(signed(base, "GET", path)) for path in paths]
            for stream, path in zip(streams, paths):
                status, body = client.answer(stream)
                assert (status, path.rsplit("/", 1)[1].encode() in body) == (404, True), body


@pytest.mark.usefixtures("warm")
def test_http_2_carries_large_bodies_both_ways(owner, base):
    echo = owner.function("def handler(event, context):\n    return event\n")
    payload = compact("x" * (5 << 20)).encode()
    with Http2(base, timeout=120) as client:
        stream = client.request(signed(base, "POST", f"{F}/{echo}/invocations", payload))
        status, body = client.answer(stream)
        assert (status, len(body), body == payload) == (200, len(payload), True), body[:200]


def test_http_2_bounds_a_head(base):
    with Http2(base) as client, pytest.raises((ConnectionError, h2.exceptions.ProtocolError)) as ended:
        status, _ = client.answer(client.request(signed(base, "GET", F, b"", {"x-long": "a" * 70_000})))
        raise ConnectionError(f"status {status}") if status == 431 else AssertionError(status)
    assert ended


# --- Clients that hold on -----------------------------------------------------------------------------------


def memory_kib(server) -> int:
    """Resident memory of the server."""
    for line in open(f"/proc/{server.process.pid}/status", encoding="ascii"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def is_served(server, seconds=PATIENCE_SECONDS / 2):
    """A new client is answered, and not only when slow ones have been dropped."""
    start = time.monotonic()
    assert Wire(server.base, server.root).call("GET", F).status == 200
    assert time.monotonic() - start < seconds


def drip(connections, byte, seconds):
    """Sends a byte now and then on each until all are closed; the connections that are still open at the end."""
    deadline = time.monotonic() + seconds
    while connections and time.monotonic() < deadline:
        for connection in list(connections):
            try:
                connection.sendall(byte)
            except OSError:
                connections.remove(connection)
        ready, _, _ = select.select(connections, [], [], 0.2)
        for connection in ready:
            with contextlib.suppress(OSError):
                if connection.recv(65536):
                    continue
            connections.remove(connection)
    return connections


@contextlib.contextmanager
def many(server, count, start):
    """`count` connections that have each sent `start`."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(server.base)) for _ in range(count)]
        for connection in connections:
            connection.sendall(start)
        yield connections


def slow_head(server):
    return b"GET /2015-03-31/functions HTTP/1.1\r\nhost: a\r\nx-slow: "


def slow_body(server):
    request = signed(server.base, "POST", f"{F}/f/policy", b"", {"X-Amz-Content-SHA256": "0" * 64})
    return head(request, f"Content-Length: {1 << 20}")


def slow_http_2(server):
    """The preface and settings, then a frame of headers of which nearly nothing comes."""
    protocol = h2.connection.H2Connection()
    protocol.initiate_connection()
    return protocol.data_to_send() + b"\x00\x3f\xff\x01\x04\x00\x00\x00\x01"


@pytest.mark.parametrize("start", [slow_head, slow_body, slow_http_2])
def test_a_slow_sender_is_dropped_in_time_while_others_are_served(start_server, start):
    server = start_server()
    is_served(server, 10)
    before = memory_kib(server)
    with many(server, 200, start(server)) as connections:
        is_served(server)
        assert drip(list(connections), b"a", 3) == connections, "they have their time"
        is_served(server)
        assert memory_kib(server) - before < 200 * 160, "KiB for 200 connections"
        assert drip(list(connections), b"a", PATIENCE_SECONDS + 10) == []
    is_served(server)


def test_a_thousand_idle_connections_cost_little_and_others_are_served(start_server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    server = start_server()
    is_served(server, 10)
    before = memory_kib(server)
    health = b"GET /_portcullis/health HTTP/1.1\r\nhost: a\r\n\r\n"
    with many(server, 1000, health) as connections:
        for connection in connections:
            assert Reader(connection).answer()[0] == 200
        is_served(server)
        assert memory_kib(server) - before < 1000 * 48, "KiB for 1000 connections"
        for connection in connections:
            connection.sendall(health)
            assert Reader(connection).answer()[0] == 200, "they are still open"
