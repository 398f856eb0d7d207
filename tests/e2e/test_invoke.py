"""Running code: results, errors, limits, the log, the context and what a worker can see.

Facts: aws-lambda.md §8. The functions are Python and really run.
"""

import base64
import json
import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import patterns
import pytest
from server import ACCOUNT, CANARY, REGION, ROOT
from wire import UUID, check_error, check_ok, check_validation, compact, failed, longest, one_of, pattern
from world import RAN, RUNTIME, World, wait_updated, zipped

pytestmark = pytest.mark.usefixtures("warm")

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
REQUEST_LIMIT = 6_291_456
IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"

# One function that does what its event asks.
SOURCE = '''
import os, sys, time

def descriptors():
    """What is open before any event: read at import, when the runtime client has not called yet."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            pass  # the descriptor of the listing itself
    return found

OPEN, INSTANCE, CALLS = descriptors(), os.urandom(8).hex(), 0

class Broken(Exception):
    pass

def handler(event, context):
    global CALLS
    CALLS += 1
    do = event.get("do") if isinstance(event, dict) else None
    if do == "nothing": return None
    if do == "length": return len(event["text"])
    if do == "big": return "x" * event["size"]
    if do == "print":
        print(event["text"], flush=True)
        return "printed"
    if do == "raise": raise Broken(event["text"])
    if do == "exit": sys.exit(event["code"])
    if do == "_exit": os._exit(event["code"])
    if do == "sleep":
        start = time.monotonic()
        time.sleep(event["seconds"])
        return {"instance": INSTANCE, "start": start, "end": time.monotonic()}
    if do == "instance": return {"instance": INSTANCE, "calls": CALLS}
    if do == "environment": return dict(os.environ)
    if do == "open": return OPEN
    if do == "context":
        return {
            "arn": context.invoked_function_arn, "name": context.function_name,
            "version": context.function_version, "memory": int(context.memory_limit_in_mb),
            "request": context.aws_request_id, "group": context.log_group_name,
            "left": context.get_remaining_time_in_millis(),
            "custom": context.client_context.custom if context.client_context else None,
        }
    return event
'''


@pytest.fixture(scope="module")
def fn(owner):
    """The function of the module, with version 1 and alias `prod`; 30 seconds."""
    return owner.versioned(code=SOURCE)


def ask(wire, function, do, qualifier=None, headers=None, **more):
    return wire.invoke(function, compact({"do": do} | more).encode(), qualifier, headers)


def check_result(answer, result, version="$LATEST"):
    """200, the result, the version that ran, and no sign of an error."""
    check_ok(answer, 200)
    assert answer.headers["x-amz-function-error"] is None, answer.body
    assert answer.headers["x-amz-executed-version"] == version
    assert json.loads(answer.body) == result


def check_function_error(answer, version="$LATEST"):
    """200 all the same; returns the payload."""
    check_ok(answer, 200)
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.headers["x-amz-executed-version"] == version
    return answer.json


# --- Results -----------------------------------------------------------------------------------------

EVENTS = [
    b"{}",
    b"null",
    b"true",
    b"0",
    b"-1.5e3",
    b'""',
    b'"text"',
    b"[]",
    b'[1,[2,{"three":null}]]',
    b' {"a" : [ 1 , 2 ] } ',
    '{"größe":"☃ 𝄞 \\u0000 \\"quoted\\" \\n"}'.encode(),
    b'"' + b"k" * 100_000 + b'"',
    b"12345678901234567890123456789",
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event[:20])
def test_an_event_reaches_the_function_and_its_result_the_caller(wire, fn, event):
    check_result(wire.invoke(fn, event), json.loads(event))


def test_no_result_is_null(wire, fn):
    answer = ask(wire, fn, "nothing")
    check_result(answer, None)
    assert answer.body == b"null"


def test_no_event_is_an_empty_object(wire, fn):
    check_result(wire.invoke(fn, b""), {})


def test_boto3_sees_the_same(owner, fn):
    answer = owner.root.boto().invoke(FunctionName=fn, Payload=b'{"a":1}')
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"a": 1}


# --- Sizes -------------------------------------------------------------------------------------------


def event_of(size):
    """An event of exactly `size` bytes that asks for the length of its text."""
    frame = len(compact({"do": "length", "text": ""}))
    return compact({"do": "length", "text": "x" * (size - frame)}).encode(), size - frame


def test_an_event_may_have_exactly_6_mb(wire, fn):
    event, length = event_of(REQUEST_LIMIT)
    assert len(event) == REQUEST_LIMIT
    check_result(wire.invoke(fn, event), length)


@pytest.mark.parametrize("size", [REQUEST_LIMIT + 1, 6_294_149, 8_000_000])
def test_an_event_over_6_mb_is_refused_with_its_size(wire, fn, size):
    event, _ = event_of(size)
    text = f"{size} byte payload is too large for the RequestResponse invocation type (limit {REQUEST_LIMIT} bytes)"
    check_error(wire.invoke(fn, event), "RequestTooLargeException", text)


def test_a_result_of_nearly_6_mb_is_answered_whole(wire, fn):
    check_result(ask(wire, fn, "big", size=6_000_000), "x" * 6_000_000)


def test_a_result_over_the_limit_is_a_function_error(wire, fn):
    answer = ask(wire, fn, "big", size=6_300_000)
    assert check_function_error(answer) == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    check_result(ask(wire, fn, "nothing"), None)


# Answers its event itself, with whatever bytes, and ends before AWS's client can.
RAW = """
import http.client, os
def handler(event, context):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    path = f"/2018-06-01/runtime/invocation/{context.aws_request_id}/response"
    connection.request("POST", path, bytes.fromhex(event["hex"]))
    connection.getresponse().read()
    os._exit(0)
"""


@pytest.mark.parametrize("answered", [b"\xff\xfe", b'"\xc3\x28"', b"\0", b"", b"not JSON", b"{\r\n"])
def test_a_result_that_is_no_text_or_no_json_is_handed_on_as_it_is(owner, wire, answered):
    function = owner.function(RAW)
    for _ in range(2):
        answer = wire.invoke(function, json.dumps({"hex": answered.hex()}).encode())
        check_ok(answer, 200)
        assert (answer.body, answer.headers["x-amz-function-error"]) == (answered, None)


ENDLESS = """
import os, socket
def handler(event, context):
    if not event:
        return os.getpid()
    api = os.environ["AWS_LAMBDA_RUNTIME_API"]
    connection = socket.create_connection(api.split(":"), 10)
    path = f"/2018-06-01/runtime/invocation/{context.aws_request_id}/response"
    connection.sendall(f"POST {path} HTTP/1.1\\r\\nHost: {api}\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n".encode())
    part = b"100000\\r\\n" + b"x" * (1 << 20) + b"\\r\\n"
    while True:
        connection.sendall(part)
"""


def test_a_result_without_end_is_a_function_error(owner, wire):
    function = owner.function(ENDLESS, Timeout=5)
    for _ in range(2):
        error = check_function_error(wire.invoke(function, b"1", timeout=60))
        assert error["errorType"] in ("Function.ResponseSizeTooLarge", "Sandbox.Timedout"), error
        answer = wire.invoke(function, b"0")
        assert isinstance(answer.json, int), answer.body


@pytest.mark.parametrize("event", [b"{", b"text", b"{'a':1}", b"\xff\xfe", b'{"a":1} extra', b"[1,]", b'"open'])
def test_an_event_that_is_not_json_is_refused(wire, fn, event):
    answer = wire.invoke(fn, event)
    message = answer.json["message"]
    check_error(answer, "InvalidRequestContentException", message)
    start = "Could not parse request body into json: Could not parse payload into json: "
    assert message.startswith(start), message


# --- Types and logs ----------------------------------------------------------------------------------


def test_a_dry_run_decides_and_does_not_run(wire, fn):
    before = ask(wire, fn, "instance").json
    for qualifier in (None, "$LATEST", "1", "prod"):
        answer = wire.dry_run(fn, qualifier)
        check_ok(answer, 204)
        assert answer.body == b""
        assert answer.headers["x-amz-executed-version"] is None
    after = ask(wire, fn, "instance").json
    if after["instance"] == before["instance"]:
        assert after["calls"] == before["calls"] + 1
    assert wire.dry_run(fn, "42").status == 404


def test_an_unknown_invocation_type_is_refused(wire, fn):
    answer = wire.invoke(fn, b"{}", headers={"X-Amz-Invocation-Type": "Sometimes"})
    check_validation(answer, failed("Sometimes", "invocationType", one_of("Event", "RequestResponse", "DryRun")))


REPORT = re.compile(
    r"REPORT RequestId: (\S+)\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
    r"Max Memory Used: \d+ MB\t(Init Duration: [\d.]+ ms\t)?\s*\Z"
)


def log_of(answer):
    return base64.b64decode(answer.headers["x-amz-log-result"]).decode()


def test_the_log_tail_tells_the_whole_call(owner, wire):
    function = owner.function(SOURCE)
    tail = {"X-Amz-Log-Type": "Tail"}
    for cold in (True, False):
        answer = ask(wire, function, "print", headers=tail, text="what it says: größer ☃")
        check_result(answer, "printed")
        request, log = answer.headers["x-amzn-requestid"], log_of(answer)
        start, end = f"START RequestId: {request} Version: $LATEST\n", f"\nEND RequestId: {request}\n"
        assert start in log, log
        assert end in log, log
        assert "what it says: größer ☃\n" in log[log.index(start) : log.index(end) + 1]
        report = REPORT.search(log)
        assert report, log
        assert report[1] == request
        assert bool(report[2]) == cold, log


def test_the_log_tail_is_the_last_4_kb(wire, fn):
    answer = ask(wire, fn, "print", headers={"X-Amz-Log-Type": "Tail"}, text="first" + "x" * 10_000 + "last")
    log = base64.b64decode(answer.headers["x-amz-log-result"])
    assert len(log) <= 4096
    assert b"xlast\n" in log
    assert b"first" not in log
    assert REPORT.search(log.decode())


@pytest.mark.parametrize("headers", [{}, {"X-Amz-Log-Type": "None"}])
def test_no_log_is_sent_unasked(wire, fn, headers):
    answer = ask(wire, fn, "print", headers=headers, text="unasked")
    assert answer.headers["x-amz-log-result"] is None


def test_a_failed_call_has_its_log_too(wire, fn):
    answer = ask(wire, fn, "raise", headers={"X-Amz-Log-Type": "Tail"}, text="why it failed")
    check_function_error(answer)
    assert "why it failed" in log_of(answer)


# --- Function errors ---------------------------------------------------------------------------------


def test_an_exception_is_answered_with_its_type_and_trace(wire, fn):
    answer = ask(wire, fn, "raise", text="went wrong: ☃")
    error = check_function_error(answer)
    assert set(error) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert (error["errorMessage"], error["errorType"]) == ("went wrong: ☃", "Broken")
    assert error["requestId"] == answer.headers["x-amzn-requestid"]
    assert error["stackTrace"]
    assert all(line.startswith("  File ") for line in error["stackTrace"])


def test_a_failure_of_a_version_names_the_version(wire, fn):
    for qualifier in ("1", "prod"):
        check_function_error(ask(wire, fn, "raise", qualifier, text="x"), version="1")


def test_an_exception_at_import_is_answered_without_a_request(owner, wire):
    function = owner.function("raise Exception('not today')\n")
    for _ in range(2):
        error = check_function_error(wire.invoke(function, b"{}"))
        assert "not today" in error["errorMessage"]
        assert error["requestId"] == ""


@pytest.mark.parametrize(
    ("source", "handler"),
    [
        ("import no_such_module\n", "main.handler"),
        ("def handler(:\n", "main.handler"),
        ("x = 1\n", "main.no_such_handler"),
        ("x = 1\n", "no_such_file.handler"),
    ],
)
def test_code_that_cannot_be_loaded_is_a_function_error(owner, wire, source, handler):
    function = owner.function(source, Handler=handler)
    error = check_function_error(wire.invoke(function, b"{}"))
    assert error["errorMessage"]
    assert error["errorType"]


@pytest.mark.parametrize("how", ["exit", "_exit"])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, "Runtime exited without providing a reason"),
        (3, "Runtime exited with error: exit status 3"),
        (127, "Runtime exited with error: exit status 127"),
    ],
)
def test_the_end_of_the_process_is_answered_and_the_next_call_runs(wire, fn, how, code, reason):
    answer = ask(wire, fn, how, code=code)
    request = answer.headers["x-amzn-requestid"]
    assert check_function_error(answer) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request} Error: {reason}",
    }
    check_result(wire.invoke(fn, b'"alive"'), "alive")


def test_a_call_over_its_time_is_ended_and_the_next_one_runs(owner, wire):
    function = owner.function(SOURCE, Timeout=1)
    check_result(wire.invoke(function, b"{}"), {})
    answer = ask(wire, function, "sleep", seconds=600)  # Longer than a client waits here.
    request = answer.headers["x-amzn-requestid"]
    assert check_function_error(answer) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request} Error: Task timed out after 1.00 seconds",
    }
    check_result(wire.invoke(function, b'"alive"'), "alive")


# --- The context -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["name", "parameter"])
@pytest.mark.parametrize(
    ("qualifier", "suffix", "version"),
    [(None, "", "$LATEST"), ("$LATEST", ":$LATEST", "$LATEST"), ("1", ":1", "1"), ("prod", ":prod", "1")],
)
def test_the_context_tells_how_the_function_was_called(wire, fn, place, qualifier, suffix, version):
    function = f"{fn}{suffix}" if place == "name" else fn
    answer = ask(wire, function, "context", qualifier if place == "parameter" else None)
    check_ok(answer, 200)
    assert answer.headers["x-amz-executed-version"] == version
    got = answer.json
    assert 0 < got.pop("left") <= 30_000
    assert got == {
        "arn": f"{ARN}:{fn}{suffix}",
        "name": fn,
        "version": version,
        "memory": 128,
        "request": answer.headers["x-amzn-requestid"],
        "group": f"/aws/lambda/{fn}",
        "custom": None,
    }
    assert UUID.match(got["request"])


def test_the_client_context_is_handed_on(wire, fn):
    given = base64.b64encode(compact({"custom": {"from": "the caller"}}).encode()).decode()
    answer = ask(wire, fn, "context", headers={"X-Amz-Client-Context": given})
    assert answer.json["custom"] == {"from": "the caller"}


# --- What a worker can see ---------------------------------------------------------------------------


def test_a_worker_has_lambdas_environment_and_nothing_of_the_servers(owner, wire):
    function = owner.function(SOURCE, MemorySize=256, Environment={"Variables": {"MINE": "größer ☃", "EMPTY": ""}})
    got = ask(wire, function, "environment").json
    expected = {
        "MINE": "größer ☃",
        "EMPTY": "",
        "_HANDLER": "main.handler",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "TZ": ":UTC",
    }
    assert {name: got.get(name) for name in expected} == expected
    assert not [name for name in got if name.startswith("PORTCULLIS") or name == "CANARY"]
    everything = " ".join(f"{name}={value}" for name, value in got.items())
    for secret in (CANARY, ROOT.secret, ROOT.key):
        assert secret not in everything


def test_a_worker_begins_with_the_standard_descriptors_only(wire, fn):
    got = {int(fd): target for fd, target in ask(wire, fn, "open").json.items()}
    assert set(got) == {0, 1, 2}, got


def test_a_change_of_the_environment_is_seen_by_the_next_call(owner, wire):
    function = owner.function(SOURCE, Environment={"Variables": {"STAGE": "old"}})
    assert ask(wire, function, "environment").json["STAGE"] == "old"
    client = owner.root.boto()
    client.update_function_configuration(FunctionName=function, Environment={"Variables": {"STAGE": "new"}})
    wait_updated(client, function)
    assert ask(wire, function, "environment").json["STAGE"] == "new"


# --- Workers -----------------------------------------------------------------------------------------


def test_a_warm_worker_is_used_again(owner, wire):
    function = owner.function(SOURCE)
    seen = [ask(wire, function, "instance").json for _ in range(5)]
    assert len({one["instance"] for one in seen}) == 1
    assert [one["calls"] for one in seen] == [1, 2, 3, 4, 5]


def test_concurrent_calls_run_at_the_same_time_in_workers_of_their_own(owner, wire):
    function = owner.function(SOURCE)
    count, barrier = 4, threading.Barrier(4)

    def call(_):
        barrier.wait()
        return ask(wire, function, "sleep", seconds=10).json  # Longer than all of them take to start.

    with ThreadPoolExecutor(count) as pool:
        spans = list(pool.map(call, range(count)))
    assert len({span["instance"] for span in spans}) == count
    assert max(span["start"] for span in spans) < min(span["end"] for span in spans), spans


def test_many_concurrent_calls_get_their_own_answers(wire, fn):
    events = [compact({"number": number, "text": "x" * number}).encode() for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda event: wire.invoke(fn, event), events))
    assert [answer.json for answer in answers] == [json.loads(event) for event in events]
    assert len({answer.headers["x-amzn-requestid"] for answer in answers}) == len(events)


def test_a_worker_serves_one_function_and_one_version_only(owner, wire):
    one, two = owner.versioned(code=SOURCE), owner.versioned(code=SOURCE)
    instances = [
        ask(wire, function, "instance", qualifier).json["instance"]
        for function in (one, two)
        for qualifier in (None, "1")
    ]
    assert len(set(instances)) == 4


def constant(value):
    return zipped(f"def handler(event, context):\n    return {value!r}\n")


def test_new_code_runs_after_the_update_and_the_version_keeps_its_own(owner, wire):
    function = owner.versioned(code=constant("one"))
    check_result(wire.invoke(function, b"{}"), "one")
    check_result(wire.invoke(function, b"{}", "prod"), "one", version="1")
    client = owner.root.boto()
    client.update_function_code(FunctionName=function, ZipFile=constant("two"))
    wait_updated(client, function)
    check_result(wire.invoke(function, b"{}"), "two")
    check_result(wire.invoke(function, b"{}", "1"), "one", version="1")
    client.publish_version(FunctionName=function)
    client.update_alias(FunctionName=function, Name="prod", FunctionVersion="2")
    check_result(wire.invoke(function, b"{}", "prod"), "two", version="2")


def test_a_function_made_again_runs_its_new_code(owner, wire):
    function = owner.function(constant("old"))
    check_result(wire.invoke(function, b"{}"), "old")
    owner.root.boto().delete_function(FunctionName=function)
    assert wire.invoke(function, b"{}").status == 404
    owner.function(constant("new"), name=function)
    check_result(wire.invoke(function, b"{}"), "new")


def test_a_package_may_have_modules_folders_and_data(owner, wire):
    files = {
        "app/__init__.py": "",
        "app/entry.py": "import os\nfrom app import part\n\ndef run(event, context):\n"
        "    path = os.path.join(os.environ['LAMBDA_TASK_ROOT'], 'data', 'text.txt')\n"
        "    return part.double(open(path, encoding='utf-8').read())\n",
        "app/part.py": "def double(text):\n    return text * 2\n",
        "data/text.txt": "größer ",
    }
    function = owner.function(zipped(files), Handler="app.entry.run")
    check_result(wire.invoke(function, b"{}"), "größer größer ")


def test_a_weighted_alias_runs_either_version(owner, wire):
    function = owner.versioned(code=constant("one"))
    client = owner.root.boto()
    client.update_function_code(FunctionName=function, ZipFile=constant("two"))
    wait_updated(client, function)
    client.publish_version(FunctionName=function)
    for weight, version, result in [(0.0, "1", "one"), (1.0, "2", "two")]:
        client.update_alias(
            FunctionName=function, Name="prod", RoutingConfig={"AdditionalVersionWeights": {"2": weight}}
        )
        for _ in range(5):
            check_result(wire.invoke(function, b"{}", "prod"), result, version)


# --- Refusals ----------------------------------------------------------------------------------------

MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
LONG_NAME = "a" * 65
# (function, qualifier, code, text)
REFUSED = [
    ("doesnotexist", None, RNF, f"Function not found: {ARN}:doesnotexist:$LATEST"),
    ("doesnotexist", "$LATEST", RNF, f"Function not found: {ARN}:doesnotexist:$LATEST"),
    ("doesnotexist", "1", RNF, f"Function not found: {ARN}:doesnotexist:1"),
    ("{fn}", "42", RNF, f"Function not found: {ARN}:{{fn}}:42"),
    ("{fn}:no-alias", None, RNF, f"Function not found: {ARN}:{{fn}}:no-alias"),
    (LONG_NAME, None, RNF, f"Function not found: {ARN}:{LONG_NAME}:$LATEST"),
    (ARN, None, RNF, f"Function not found: {ARN}:function:$LATEST"),
    ("{fn}:prod", "1", IPV, MISMATCH),
    ("doesnotexist:prod", "1", IPV, MISMATCH),
    (
        f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{{fn}}",
        None,
        RNF,
        "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')",
    ),
]


@pytest.mark.parametrize(("function", "qualifier", "code", "text"), REFUSED)
@pytest.mark.parametrize("kind", ["RequestResponse", "DryRun"])
def test_what_cannot_be_called_is_named_exactly(wire, fn, kind, function, qualifier, code, text):
    answer = wire.invoke(function.format(fn=fn), b"{}", qualifier, {"X-Amz-Invocation-Type": kind})
    check_error(answer, code, text.format(fn=fn))


def test_a_bad_name_and_a_long_qualifier_are_two_entries(wire):
    check_validation(
        wire.invoke("my-function!", b"{}", "q" * 129),
        failed("my-function!", "functionName", pattern(patterns.GET)),
        failed("q" * 129, "qualifier", longest(128)),
    )


def test_a_client_that_does_not_wait_is_made_to(owner, role):
    """A function is Pending for milliseconds here: who calls within them waits, as a row each."""
    client = owner.root.boto("lambda")
    package = {"ZipFile": zipped("def handler(event, context):\n    return 'ran'\n")}

    def new():
        name = f"hasty-{time.monotonic_ns()}"
        made = client.create_function(
            FunctionName=name, Runtime=RUNTIME, Role=role, Handler="main.handler", Code=package
        )
        assert made["State"] == "Pending"
        return name

    assert client.invoke(FunctionName=new())["Payload"].read() == b'"ran"'
    assert client.publish_version(FunctionName=new())["Version"] == "1"
    assert client.update_function_code(FunctionName=new(), **package)["LastUpdateStatus"] == "InProgress"
    assert client.update_function_configuration(FunctionName=new(), Timeout=5)["Timeout"] == 5


def test_a_function_that_stays_pending_is_refused_by_its_state(start_server):
    """§6.2. It waits for its runtime's client, which an index that never answers should deliver."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        server = start_server(PIP_INDEX_URL=index, PIP_CONFIG_FILE=os.devnull, PIP_RETRIES="0", no_proxy="127.0.0.1")
        owner = World(server).owner
        name, wire = owner.function(wait=False), owner.root.wire
        path = f"/2015-03-31/functions/{name}"
        asked = [
            ("POST", f"{path}/invocations", {}),
            ("POST", f"{path}/versions", {}),
            ("PUT", f"{path}/code", {"ZipFile": base64.b64encode(RAN).decode()}),
            ("PUT", f"{path}/configuration", {"Timeout": 5}),
        ]
        with ThreadPoolExecutor(len(asked)) as pool:
            answers = list(pool.map(lambda one: wire.call(one[0], one[1], body=one[2]), asked))
        state = wire.call("GET", f"{path}/configuration").json
        silent.close()  # Ends pip.
        server.end()
    assert (state["State"], state["StateReasonCode"], state["Timeout"]) == ("Pending", "Creating", 30)
    text = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    for answer in answers:
        check_error(answer, "ResourceConflictException", text)
