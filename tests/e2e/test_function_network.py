"""The outside, where the operator lets functions reach some of it (`serve --function-network`): by the proxy
that a worker's own listener is, which connects with nothing but what is listed.

Why so: docs/decisions/016. What functions reach without it: test_isolation.py.
"""

import http.server
import json
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server import run, until
from test_isolation import HOSTILE, attempt, got, own_address
from world import World, zipped

# In the function: a tunnel, and what was answered to it; and one plain request as a proxy gets it.
ASKING = '''
def answered(connection):
    text = b""
    while b"\\r\\n\\r\\n" not in text and (part := connection.recv(1 << 16)):
        text += part
    return text.decode()

def asked(text):
    connection = socket.create_connection(("127.0.0.1", 9001), 30)
    connection.sendall(text.encode())
    return connection, answered(connection)

def tunnel(place):
    return asked(f"CONNECT {place} HTTP/1.1\\r\\nHost: {place}\\r\\n\\r\\n")

def plain(url, head=""):
    return asked(f"GET {url} HTTP/1.1\\r\\nHost: wrong\\r\\n{head}\\r\\n")

'''
SOURCE = HOSTILE.replace("def handler", ASKING + "def handler")


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = b""
        while size := int(self.rfile.readline(), 16):
            text += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return text

    def answer(self):
        body = self.body()
        said = {"target": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body.decode()}
        text = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def echo():
    """The port of a service on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        yield service.server_port
        service.shutdown()


@pytest.fixture
def other_service():
    """Another port of this machine, at all of its addresses."""
    with socket.create_server(("0.0.0.0", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def started(start_warm_server, echo):
    """A server that lets functions reach all networks, and one service of this machine."""
    return start_warm_server(arguments=["--function-network", f"internet,0.0.0.0/0,::/0,127.0.0.1:{echo}"])


@pytest.fixture
def owner(started):
    return World(started).owner


@pytest.fixture
def hostile(owner):
    return owner.function(code=zipped(SOURCE), Timeout=60)


def status(wire, hostile, do) -> int:
    """What the proxy answered to the last thing that `do` asked."""
    return int(got(wire, hostile, f"got = ({do})[1].split()[1]"))


def test_what_is_listed_is_reached_as_clients_reach_it(wire, hostile, echo):
    # As numbers: loopback's own names are never asked of a proxy.
    fetched = "import urllib.request; got = urllib.request.urlopen(event['to'], event.get('body')).read().decode()"
    said = json.loads(got(wire, hostile, fetched, to=f"http://2130706433:{echo}/path?q=1"))
    assert said["target"] == "/path?q=1"
    assert said["headers"]["host"] == f"2130706433:{echo}"
    through = f"connection, _ = tunnel('127.0.0.1:{echo}'); connection.sendall(event['text'].encode()); got = connection.recv(1 << 16).decode()"
    answer = got(wire, hostile, through, text="POST /tunnelled HTTP/1.1\r\nHost: own\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    assert answer.startswith("HTTP/1.1 200") or answer.startswith("HTTP/1.0 200"), answer
    assert status(wire, hostile, f"tunnel('127.0.0.1:{echo}')") == 200


# What is in the folder, and how many authorities a file has that holds them all.
TRUSTED = """
import os, ssl
folder = "/etc/ssl/certs"
bundle, context = folder + "/ca-certificates.crt", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
if os.path.exists(bundle):
    context.load_verify_locations(bundle)
got = [sorted((name, os.path.exists(f"{folder}/{name}")) for name in os.listdir(folder)), context.cert_store_stats()]
"""


def test_whom_this_machine_trusts_functions_trust(wire, hostile):
    """Without the certificates of authorities nobody speaks TLS."""
    if not Path("/etc/ssl/certs").is_dir():
        pytest.skip("this machine keeps its certificates elsewhere")
    here = {}
    exec(TRUSTED, here)
    assert got(wire, hostile, TRUSTED) == json.loads(json.dumps(here["got"]))
    for closed in ("/etc/ssl/private", "/etc/ssl/openssl.cnf"):
        assert "No such file" in attempt(wire, hostile, "os.stat(event['path'])", path=closed)["error"]


def test_a_plain_request_is_sent_on_whole_and_without_what_was_for_the_proxy(wire, hostile, echo):
    asked = (
        f"import http.client; connection = http.client.HTTPConnection('127.0.0.1', 9001); "
        f"connection.request('POST', 'http://user:secret@127.0.0.1:{echo}/a', 'x' * 3_000_000, event['headers']); "
        "got = connection.getresponse().read().decode()"
    )
    headers = {"Proxy-Authorization": "mine", "Connection": "close, X-Hop", "X-Hop": "1", "X-Kept": "2", "Authorization": "own"}
    said = json.loads(got(wire, hostile, asked, headers=headers))
    assert (said["target"], len(said["body"])) == ("/a", 3_000_000)
    assert said["headers"]["host"] == f"127.0.0.1:{echo}"
    assert {"x-kept": "2", "authorization": "own"}.items() <= said["headers"].items()
    assert not {"proxy-authorization", "x-hop", "connection"} & set(said["headers"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_of_no_known_size_is_sent_on(wire, hostile, echo, method):
    asked = (
        "import http.client; connection = http.client.HTTPConnection('127.0.0.1', 9001); "
        f"connection.request('{method}', 'http://127.0.0.1:{echo}/', iter([b'one,', b'two'])); "
        "got = connection.getresponse().read().decode()"
    )
    assert json.loads(got(wire, hostile, asked))["body"] == "one,two"


def test_a_refusal_is_heard_before_the_request_has_ended(wire, hostile):
    asked = (
        "import http.client; connection = http.client.HTTPConnection('127.0.0.1', 9001); "
        "connection.request('POST', 'http://127.0.0.1:1/', 'x' * 3_000_000); got = connection.getresponse().status"
    )
    assert got(wire, hostile, asked) == 403


def test_no_network_has_this_machine_or_its_cloud(wire, started, hostile, echo, other_service):
    server = urlsplit(started.base).port
    own = own_address()
    places = [f"{host}:{port}" for host in ("127.0.0.1", "127.0.0.2", "0.0.0.0", own) for port in (server, other_service)]
    places += [f"{host}:{server}" for host in ("localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::]", "[::ffff:127.0.0.1]")]
    places += [f"{host}:80" for host in ("169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "255.255.255.255")]
    places += [f"127.0.0.2:{echo}", socket.gethostname() + f":{server}"]
    for place in places:
        for asked in (f"tunnel('{place}')", f"plain('http://{place}/_portcullis/metrics')"):
            answer = got(wire, hostile, f"got = {asked}[1]")
            assert answer.split()[1] in ("403", "502"), (place, answer)
            assert "portcullis_" not in answer
    # Said to be forbidden, not merely not there.
    for place in (f"127.0.0.1:{server}", f"{own}:{other_service}", "169.254.169.254:80"):
        assert status(wire, hostile, f"tunnel('{place}')") == 403, place
    told = got(wire, hostile, f"got = tunnel('localhost:{server}')[1]")
    assert "has no address that the operator's --function-network lists" in told, told
    # Another machine's address is let through, whether anybody answers or not.
    assert status(wire, hostile, "tunnel('192.0.2.77:9')") in (502, 504)
    # The mapped form of the one that is listed is that one.
    assert status(wire, hostile, f"tunnel('[::ffff:127.0.0.1]:{echo}')") == 200


def test_what_is_no_request_for_a_proxy_is_refused_and_the_worker_goes_on(wire, hostile, echo):
    for asked, want in [
        ("tunnel('127.0.0.1')", (400,)),
        ("tunnel('127.0.0.1:0')", (400, 403)),
        ("tunnel('no-such-host.invalid:80')", (403, 502)),
        (f"plain('https://127.0.0.1:{echo}/')", (400,)),
        (f"plain('ftp://127.0.0.1:{echo}/')", (400,)),
        (f"plain('http://127.0.0.1:{echo}/', 'Connection: Upgrade\\r\\nUpgrade: websocket\\r\\n')", (200,)),
        # Its own listener is no place outside.
        ("plain('http://127.0.0.1:9001/2018-06-01/runtime/none')", (404,)),
        ("plain('http://localhost:9001/_portcullis/metrics')", (404, 400)),
    ]:
        assert status(wire, hostile, asked) in want, asked
    # Nobody's Runtime API is reached by another name.
    assert status(wire, hostile, "plain('http://127.0.0.9:9001/2018-06-01/runtime/invocation/next')") == 403


def test_a_worker_has_so_many_connections_and_its_runtime_api_all_the_same(wire, hostile, echo):
    instance = got(wire, hostile, "got = INSTANCE")
    opened = f"KEPT.extend(tunnel('127.0.0.1:{echo}') for _ in range(64)); got = {{answer.split()[1] for _, answer in KEPT}}; got = sorted(got)"
    assert got(wire, hostile, opened) == ["200"]
    assert status(wire, hostile, f"tunnel('127.0.0.1:{echo}')") == 503
    assert got(wire, hostile, "got = INSTANCE") == instance
    assert got(wire, hostile, "KEPT.pop()[0].close(); got = 1") == 1
    until(lambda: status(wire, hostile, f"tunnel('127.0.0.1:{echo}')") == 200, 30, "a place is free again")


def test_no_connection_is_kept_open_for_nothing(wire, hostile, echo):
    # Of proxied requests, whatever was answered, and of the silent.
    for asked in (f"plain('http://127.0.0.1:{echo}/')", "plain('http://127.0.0.1:1/')", "tunnel('127.0.0.1:1')", "tunnel('127.0.0.1')"):
        ended = f"connection, answer = {asked}; got = [answer.lower().count('connection: close'), [*iter(lambda: connection.recv(1 << 16), b'')] and 1]"
        assert got(wire, hostile, ended)[0] == 1, asked
    silent = "silent = [socket.create_connection(('127.0.0.1', 9001), 30) for _ in range(40)]; got = {one.recv(1) for one in silent} == {b''}"
    assert got(wire, hostile, silent) is True


def test_the_runtime_api_is_there_whatever_the_outside_takes(wire, hostile, echo):
    tunnels = f"KEPT.extend(tunnel('127.0.0.1:{echo}') for _ in range(64)); got = 1"
    assert got(wire, hostile, tunnels) == 1
    # More than it has seats for, none of which is left by its client.
    more = f"KEPT.extend(plain('http://127.0.0.1:{echo}/') for _ in range(40)); got = [answer.split()[1] for _, answer in KEPT[64:]]"
    assert got(wire, hostile, more) == ["503"] * 40
    assert status(wire, hostile, "plain('http://127.0.0.1:9001/2018-06-01/runtime/none')") == 404


def test_a_connection_beyond_its_own_seats_reaches_the_outside_too(wire, hostile, echo):
    # They say nothing, and have all seats until that is too long.
    opened = "silent = [socket.create_connection(('127.0.0.1', 9001), 30) for _ in range(20)]"
    assert got(wire, hostile, f"{opened}; got = tunnel('127.0.0.1:{echo}')[1].split()[1]") == "200"


def test_a_workers_connections_end_with_it(start_warm_server, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        place = f"127.0.0.1:{listening.getsockname()[1]}"
        server = start_warm_server(tmp_path / "own", arguments=["--function-network", place])
        owner = World(server).owner
        function = owner.function(code=zipped(SOURCE))
        assert got(owner.root.wire, function, f"KEPT.append(tunnel('{place}')); got = KEPT[0][1].split()[1]") == "200"
        connection, _ = listening.accept()
        connection.settimeout(30)
        assert attempt(owner.root.wire, function, "os._exit(3)")["errorType"] == "Runtime.ExitError"
        assert connection.recv(1) == b""


def test_variables_lead_clients_there_unless_the_function_has_its_own(owner, wire, hostile):
    names = "got = {k: v for k, v in os.environ.items() if 'proxy' in k.lower()}"
    ours = "http://127.0.0.1:9001"
    none = "127.0.0.1,localhost"
    assert got(wire, hostile, names) == {
        "HTTP_PROXY": ours, "HTTPS_PROXY": ours, "http_proxy": ours, "https_proxy": ours,
        "NO_PROXY": none, "no_proxy": none, "NODE_USE_ENV_PROXY": "1",
    }  # fmt: skip
    variables = {"HTTPS_PROXY": "http://own", "no_proxy": "own"}
    function = owner.function(code=zipped(SOURCE), Environment={"Variables": variables})
    assert got(wire, function, names) == variables | {"HTTP_PROXY": ours, "http_proxy": ours, "NODE_USE_ENV_PROXY": "1"}


@pytest.mark.parametrize("listed, status", [("10.0.0.0/8", "403"), ("10.0.0.0/8,names", "502")])
def test_which_names_there_are_is_not_told(start_warm_server, tmp_path, listed, status):
    """Nor whether the name server was there: a client may try again where it could be."""
    owner = World(start_warm_server(tmp_path / "own", arguments=["--function-network", listed])).owner
    function = owner.function(code=zipped(SOURCE))
    names = ("localhost:80", "no-such-host.invalid:80")
    asked = [got(owner.root.wire, function, f"got = tunnel('{name}')[1]") for name in names]
    told = {(text.split()[1], text.splitlines()[-1].replace(name, "NAME")) for name, text in zip(names, asked)}
    assert len(told) == 1 and told.pop()[0] == status, asked


def test_nothing_is_reached_unless_the_operator_says_so(start_warm_server, tmp_path):
    owner = World(start_warm_server(tmp_path / "closed")).owner
    function = owner.function(code=zipped(SOURCE))
    wire = owner.root.wire
    assert got(wire, function, "got = [name for name in os.environ if 'proxy' in name.lower()]") == []
    for asked in ("tunnel('8.8.8.8:53')", "plain('http://8.8.8.8/')"):
        assert status(wire, function, asked) >= 400


@pytest.mark.parametrize("wrong", ["everything", "10.0.0.0/33", "example.com", "10.0.0.1:0", "internet,"])
def test_a_destination_that_is_none_is_refused_at_start(wrong, tmp_path):
    ended = run("serve", "--data-dir", str(tmp_path), "--listen", "127.0.0.1:0", "--function-network", wrong)
    assert ended.returncode == 2 and "internet, names, NETWORK/BITS, ADDRESS, ADDRESS:PORT" in ended.stderr, ended.stderr
