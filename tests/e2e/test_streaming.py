"""Answers that come as the function makes them: `InvokeWithResponseStream`, and function URLs.

Facts: aws-lambda.md §7.7, §8.7. The runtime client for Python does not stream, so this function speaks
the Runtime API itself.
"""

import base64
import http.client
import json
import time
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from server import until
from test_function_urls import PUBLIC, signed_for, with_url
from test_logs import text_with
from world import allow, unique, zipped

pytestmark = pytest.mark.usefixtures("warm")

SOURCE = r'''
import base64, http.client, json, os, socket, time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
PREFIX = "/2018-06-01/runtime/invocation"

def answer(request, event):
    host, port = API.split(":")
    connection = socket.create_connection((host, int(port)))
    failure = event.get("failure")
    head = [
        f"POST {PREFIX}/{request}/response HTTP/1.1", f"Host: {API}",
        "Lambda-Runtime-Function-Response-Mode: streaming", "Transfer-Encoding: chunked",
        f"Content-Type: {event.get('type', 'application/octet-stream')}",
    ]
    if failure:
        head.append("Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    def send(part):
        connection.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
    for number, part in enumerate(event.get("parts", [])):
        time.sleep(event.get("pause", 0) if number else 0)
        send(base64.b64decode(part))
        if event.get("exit"):
            os._exit(3)
    try:
        for n in range(event.get("megabytes", 0)):
            send(b"m" * (1 << 20))
            print(f"sent {n + 1}", flush=True)
    except ConnectionError as error:
        if event.get("fragile"):
            raise
        print(f"cut by {type(error).__name__}", flush=True)
        time.sleep(event.get("afterwards", 0))
        return
    trailers = b""
    if failure:
        body = base64.b64encode(json.dumps(failure).encode()).decode()
        trailers = (f"Lambda-Runtime-Function-Error-Type: {failure['errorType']}\r\n"
                    f"Lambda-Runtime-Function-Error-Body: {body}\r\n").encode()
    connection.sendall(b"0\r\n" + trailers + b"\r\n")
    connection.recv(1000)
    connection.close()
    print("done", flush=True)

while True:
    connection = http.client.HTTPConnection(API)
    connection.request("GET", f"{PREFIX}/next")
    got = connection.getresponse()
    event = json.loads(got.read())
    if "body" in event:
        event = json.loads(event["body"])
    answer(got.headers["Lambda-Runtime-Aws-Request-Id"], event)
'''


def parts(*texts):
    return [base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode() for text in texts]


@pytest.fixture(scope="module")
def streaming(owner, warm):
    return owner.function(zipped(SOURCE), Timeout=20)


def invoke(caller, name, event, **more):
    answer = caller.boto().invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), **more)
    return answer, answer["EventStream"]


def events(stream):
    """The bytes of all chunks, how many there were, and the last event."""
    chunks, last = [], None
    for event in stream:
        assert last is None, "an event after the last one"
        if "PayloadChunk" in event:
            chunks.append(event["PayloadChunk"]["Payload"])
        last = event.get("InvokeComplete", last)
    return b"".join(chunks), len(chunks), last


def test_an_answer_comes_in_parts_and_ends_with_the_log(owner, streaming):
    answer, stream = invoke(owner.root, streaming, {"parts": parts("one", b"\x00\xff", "three")}, LogType="Tail")
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    text, _, last = events(stream)
    assert text == b"one\x00\xffthree"
    log = base64.b64decode(last["LogResult"]).decode()
    assert f"START RequestId: {answer['ResponseMetadata']['RequestId']}" in log and "REPORT" in log
    assert "ErrorCode" not in last


def test_the_first_byte_is_there_before_the_function_ends(owner):
    name, begin = owner.function(zipped(SOURCE), Timeout=60), time.monotonic()
    _, stream = invoke(owner.root, name, {"parts": parts("first", "late"), "pause": 40})
    assert next(iter(stream))["PayloadChunk"]["Payload"] == b"first"
    assert time.monotonic() - begin < 40
    stream.close()  # The worker sleeps on; a server that ends waits two seconds for it.


def test_a_failure_after_the_beginning_is_in_the_last_event(owner, streaming):
    failure = {"errorType": "Own.Type", "errorMessage": "it broke"}
    text, _, last = events(invoke(owner.root, streaming, {"parts": parts("half"), "failure": failure})[1])
    assert text == b"half"
    assert last["ErrorCode"] == "Own.Type" and json.loads(last["ErrorDetails"]) == failure
    text, _, last = events(invoke(owner.root, streaming, {"parts": parts("half"), "exit": True})[1])
    assert last["ErrorCode"] == "Runtime.ExitError"
    assert "exit status 3" in json.loads(last["ErrorDetails"])["errorMessage"]


def test_a_time_out_ends_the_stream(owner):
    name = owner.function(zipped(SOURCE), Timeout=1)
    text, _, last = events(invoke(owner.root, name, {"parts": parts("half", "never"), "pause": 60})[1])
    assert text == b"half" and last["ErrorCode"] == "Sandbox.Timedout"


def test_a_function_that_does_not_stream_answers_in_one_chunk(owner):
    name = owner.function(zipped("def handler(event, context):\n    return event['x'] * 2\n"))
    assert events(invoke(owner.root, name, {"x": "ab"})[1]) == (b'"abab"', 1, {})
    text, chunks, last = events(invoke(owner.root, name, {})[1])
    assert (text, chunks, last["ErrorCode"]) == (b"", 0, "KeyError")
    assert json.loads(last["ErrorDetails"])["errorType"] == "KeyError"


def test_a_streamed_answer_is_put_together_for_a_caller_that_takes_it_whole(owner, streaming):
    def whole(event):
        answer = owner.root.boto().invoke(FunctionName=streaming, Payload=json.dumps(event))
        return answer.get("FunctionError"), answer["Payload"].read()

    assert whole({"parts": parts('{"a":', "1}")}) == (None, b'{"a":1}')
    failure = {"errorType": "T"}
    assert whole({"parts": parts("x"), "failure": failure}) == ("Unhandled", json.dumps(failure).encode())
    error, payload = whole({"megabytes": 7})
    assert error == "Unhandled" and json.loads(payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_stream_is_authorized_as_a_call_and_refused_before_it_begins(owner, streaming):
    user = owner.user()
    with pytest.raises(ClientError) as denied:
        invoke(user, streaming, {})
    assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "lambda:InvokeFunction" in denied.value.response["Error"]["Message"]
    user.permit(allow("lambda:InvokeFunction", owner.arn(streaming)))
    assert events(invoke(user, streaming, {"parts": parts("in")})[1])[0] == b"in"
    path = "/2021-11-15/functions/{}/response-streaming-invocations"
    wire = owner.root.wire
    dry = wire.call("POST", path.format(streaming), headers={"X-Amz-Invocation-Type": "DryRun"})
    assert (dry.status, dry.body) == (204, b"")
    missing = wire.call("POST", path.format(unique("missing")), body=b"{}")
    assert (missing.status, missing.code) == (404, "ResourceNotFoundException")
    bad = wire.call("POST", path.format(streaming), body=b"{")
    assert (bad.status, bad.code) == (400, "InvalidRequestContentException")


ENDLESS = {"megabytes": 1_000_000}
LEFT = "The client left before the answer's end"


def left(server, owner, name, event):
    """A client takes the first bytes and leaves; what the log says once the event is over."""
    answer, stream = invoke(owner.root, name, event)
    next(iter(stream))
    stream.close()
    return text_with(server, name, f"REPORT RequestId: {answer['ResponseMetadata']['RequestId']}").decode()


def test_a_client_that_does_not_read_stops_the_worker(server, owner):
    name = owner.function(zipped(SOURCE), Timeout=60)
    _, stream = invoke(owner.root, name, ENDLESS)
    next(iter(stream))
    text_with(server, name, "sent 1\n")
    sent = lambda: text_with(server, name, "START").count(b"sent")
    before = -1
    while before != (before := sent()):
        time.sleep(0.3)
    assert sent() < 60
    stream.close()
    text_with(server, name, "cut by ", LEFT, "REPORT")


def test_a_client_that_leaves_stops_the_output_and_its_worker_goes_on(server, owner):
    name = owner.function(zipped(SOURCE), Timeout=60)
    log = left(server, owner, name, ENDLESS | {"afterwards": 1})
    assert log.index("cut by ") < log.index(LEFT) < log.index("END RequestId") and "Status:" not in log
    # What the function does afterwards is a part of its event, as on AWS.
    assert float(log.split("\tDuration: ")[1].split(" ms")[0]) > 1000
    assert events(invoke(owner.root, name, {"parts": parts("on")})[1])[0] == b"on"
    log = text_with(server, name, "done\n").decode()
    assert "Init Duration" not in log.split("START")[2], "the same worker"


def test_a_runtime_that_does_not_bear_a_client_that_leaves_is_replaced(server, owner):
    name = owner.function(zipped(SOURCE), Timeout=60)
    log = left(server, owner, name, ENDLESS | {"fragile": True})
    assert LEFT in log and "Error Type: Runtime.ExitError" in log
    assert events(invoke(owner.root, name, {"parts": parts("on")})[1])[0] == b"on"


def test_a_json_log_tells_of_a_client_that_left(server, owner):
    name = owner.function(zipped(SOURCE), Timeout=60, LoggingConfig={"LogFormat": "JSON"})
    answer, stream = invoke(owner.root, name, ENDLESS)
    next(iter(stream))
    stream.close()
    log = text_with(server, name, "platform.report").decode().splitlines()
    record = next(json.loads(line)["record"] for line in log if "platform.report" in line)
    assert (record["status"], record["clientLeft"]) == ("success", True)
    assert record["requestId"] == answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("fragile", [False, True])
def test_a_stream_without_end_is_cut_at_its_limit(owner, streaming, fragile):
    text, _, last = events(invoke(owner.root, streaming, ENDLESS | {"fragile": fragile})[1])
    assert len(text) <= 200 << 20 and last["ErrorCode"] == "Function.ResponseSizeTooLarge"
    assert events(invoke(owner.root, streaming, {"parts": parts("on")})[1])[0] == b"on"


# A handler that goes on writing, mostly for ever, and sees in one of four ways, or in none, that it cannot.
NODE = '''
const { once } = require("node:events");
const { pipeline } = require("node:stream/promises");
const { Readable } = require("node:stream");
const { setTimeout: pause } = require("node:timers/promises");
const bytes = Buffer.alloc(65536, "m");
const instance = Math.random();
let calls = 0;
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  calls += 1;
  const heard = () => stream.on("error", (error) => console.log(`heard: ${error.message}`));
  const either = (...names) => Promise.race(names.map((name) => new Promise((go) => stream.once(name, go))));
  if (!event.how) { stream.write(JSON.stringify({ instance, calls })); return stream.end(); }
  if (event.how === "pipeline") return pipeline(Readable.from((function* () { for (;;) yield bytes; })()), stream);
  if (event.how === "listens") {
    heard();
    while (!stream.destroyed) { stream.write(bytes); await pause(5); }
    return;
  }
  if (event.how === "once") for (;;) if (!stream.write(bytes)) await once(stream, "drain");
  if (event.how === "drain") for (;;) if (!stream.write(bytes)) await new Promise((go) => stream.once("drain", go));
  if (event.how === "silent") { heard(); stream.write(bytes); return either("close"); }
  if (event.how === "much") { heard(); while (!stream.destroyed) if (!stream.write(bytes)) await either("drain", "close"); return; }
  if (event.how === "late") {
    const alive = setInterval(() => {}, 1000);
    stream.write(bytes);
    while (!stream.destroyed) await pause(5);
    for (let n = 0; n < 20; n += 1) if (!stream.write(bytes)) await new Promise((go) => stream.once("drain", go));
    console.log("went on");
    return clearInterval(alive);
  }
  for (let n = 0; n < 200; n += 1) { stream.write(bytes); await pause(10); }
  stream.end();
});
'''


@pytest.mark.parametrize("how", ["pipeline", "listens", "once", "drain", "late", "silent", "ignores"])
def test_a_handler_of_node_hears_that_its_client_left_and_its_worker_goes_on(server, owner, how):
    name = owner.function(zipped({"index.js": NODE}), Runtime="nodejs20.x", Handler="index.handler", Timeout=60)
    before = json.loads(events(invoke(owner.root, name, {})[1])[0])
    log = left(server, owner, name, {"how": how})
    assert LEFT in log and "Status: " not in log, log
    assert ("heard: The client left" in log) == (how in ("listens", "silent"))
    assert ("went on" in log) == (how == "late")
    after = json.loads(events(invoke(owner.root, name, {})[1])[0])
    assert after == {"instance": before["instance"], "calls": 3}


def test_a_handler_of_node_hears_that_its_answer_is_too_long(server, owner):
    name = owner.function(zipped({"index.js": NODE}), Runtime="nodejs20.x", Handler="index.handler", Timeout=60)
    *_, last = events(invoke(owner.root, name, {"how": "much"})[1])
    assert last["ErrorCode"] == "Function.ResponseSizeTooLarge"
    text_with(server, name, "heard: The answer is longer than a streamed one may be", "REPORT")


# --- Function URLs -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url(owner, streaming):
    for sid, grant in PUBLIC.items():
        owner.root.boto().add_permission(FunctionName=streaming, StatementId=sid, **grant)
    return with_url(owner, streaming, InvokeMode="RESPONSE_STREAM")


def get(server, url, event):
    """An open answer of a URL."""
    connection = http.client.HTTPConnection(urlsplit(server.base).netloc, timeout=30)
    host = urlsplit(signed_for(server.base, url)).netloc
    connection.request("POST", "/", json.dumps(event), {"Host": host, "Content-Type": "application/json"})
    return connection.getresponse()


def test_a_url_answers_as_the_function_does(server, owner, streaming, url):
    assert owner.root.boto().get_function_url_config(FunctionName=streaming)["InvokeMode"] == "RESPONSE_STREAM"
    answer = get(server, url, {"parts": parts("<p>", "</p>"), "type": "text/html"})
    assert (answer.status, answer.read(), answer.headers["content-type"]) == (200, b"<p></p>", "text/html")
    started = time.monotonic()
    answer = get(server, url, {"parts": parts("a", "b"), "pause": 5})
    assert answer.read(1) == b"a" and time.monotonic() - started < 5
    assert answer.read() == b"b"


def test_a_prelude_says_status_headers_and_cookies(server, url):
    kind = "application/vnd.awslambda.http-integration-response"
    prelude = json.dumps({"statusCode": 201, "headers": {"X-Own": "1", "Content-Type": "text/plain"}, "cookies": ["a=b"]})
    whole = prelude.encode() + b"\0" * 8 + b"body\0\0\0\0\0\0\0\0more"
    for cut in (1, len(prelude), len(prelude) + 3, len(prelude) + 8, len(whole) - 1):
        answer = get(server, url, {"parts": parts(whole[:cut], whole[cut:]), "type": kind})
        assert answer.status == 201 and answer.read() == b"body\0\0\0\0\0\0\0\0more"
        assert [answer.headers[name] for name in ("x-own", "content-type", "set-cookie")] == ["1", "text/plain", "a=b"]
    broken = [
        b"no json", b"\xff", b'{"statusCode": 99}', b'{"headers": {"a": "b\\r\\nset-cookie: c=d"}}',
        b'{"headers": {"a\\r\\nb": "c"}}', b'{"cookies": ["a=b\\nc: d"]}',
    ]  # fmt: skip
    for wrong in (*(one + b"\0" * 8 for one in broken), prelude.encode()):
        answer = get(server, url, {"parts": parts(wrong), "type": kind})
        assert (answer.status, answer.headers["set-cookie"]) == (502, None), wrong


@pytest.mark.parametrize("asked", [{}, {"Connection": "keep-alive"}])
def test_over_http_1_0_an_answer_ends_with_its_connection_and_says_so(server, url, asked):
    connection = http.client.HTTPConnection(urlsplit(server.base).netloc, timeout=30)
    connection._http_vsn_str = "HTTP/1.0"  # http.client has no other way.
    host = urlsplit(signed_for(server.base, url)).netloc
    connection.request("POST", "/", json.dumps({"parts": parts("a", "b")}), {"Host": host, "Content-Type": "application/json", **asked})
    answer = connection.getresponse()
    assert (answer.version, answer.headers["connection"], answer.headers["transfer-encoding"]) == (10, "close", None)
    assert answer.read() == b"ab"


def test_an_answer_that_breaks_off_is_not_taken_for_whole(server, url):
    answer = get(server, url, {"parts": parts("half"), "failure": {"errorType": "T"}})
    assert answer.status == 200
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    assert get(server, url, {"parts": parts("x")}).read() == b"x"


def test_clients_that_leave_do_not_harm_the_server(server, owner, streaming, url):
    for _ in range(5):
        answer = get(server, url, {"megabytes": 20})
        assert answer.read(1) == b"m"
        answer.close()
    assert until(lambda: server.healthy(), 30, "healthy")
    assert get(server, url, {"parts": parts("on")}).read() == b"on"


def test_a_url_that_streams_is_closed_without_grants(server, owner):
    name = owner.function(zipped(SOURCE))
    answer = get(server, with_url(owner, name, InvokeMode="RESPONSE_STREAM"), {})
    assert answer.status == 403
