"""Functions' logs: what a function prints is in its log, between the lines about its events.

Facts: aws-lambda.md §8.4; `portcullis logs` prints the log, also while no server runs.
"""

import base64
import json
import re
import subprocess

import pytest
from server import ACCOUNT, binary, environment, run, until
from world import World, unique, wait_updated, zipped

SOURCE = r'''
import os, sys, time, logging

def handler(event, context):
    do = event.get("do")
    if do == "out": print(event["text"], flush=True)
    if do == "error": print(event["text"], file=sys.stderr, flush=True)
    if do == "raw": os.write(1, bytes.fromhex(event["hex"]))
    if do == "endless":
        for _ in range(event["kib"]): os.write(1, b"x" * 1024)
    if do == "lines":
        for n in range(event["count"]): os.write(1, b"line %d\n" % n)
    if do == "sleep": time.sleep(event["seconds"])
    if do == "exit":
        os.write(1, b"last words")
        os._exit(event["code"])
    if do == "fill":
        kept = b"x" * (event["mib"] << 20)
        if event["by"] == "exit": os._exit(3)
        os.kill(os.getpid(), event["by"])
    if do == "raise": raise ValueError("wrong")
    if do == "memory":
        kept = []
        while True: kept.append(bytearray(16 << 20))
    if do == "log": logging.getLogger().warning("told")
    return None
'''

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def function(owner):
    return owner.function(zipped(SOURCE))


@pytest.fixture
def call(owner, function):
    def invoke(name=function, **event):
        answer = owner.root.boto().invoke(FunctionName=name, Payload=json.dumps(event))
        return answer["ResponseMetadata"]["RequestId"]

    return invoke


def log(server, function, account=ACCOUNT, *flags):
    command = [binary(), "logs", function, "--account-id", account, "--data-dir", str(server.data_dir), *flags]
    done = subprocess.run(command, env=environment(), capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def text_with(server, function, *needles, account=ACCOUNT) -> bytes:
    """The log, once all of these are in it."""
    found = b""

    def there():
        nonlocal found
        found = log(server, function, account)[1]
        return all(needle.encode() in found for needle in needles)

    until(there, 30, f"{needles} in the log")
    return found


def test_both_outputs_are_between_the_lines_of_their_event(server, function, call):
    one = call(do="out", text="to stdout\tä")
    two = call(do="error", text="to stderr")
    lines = text_with(server, function, f"REPORT RequestId: {two}").decode().splitlines()
    start = lambda request: f"START RequestId: {request} Version: $LATEST"
    assert [line for line in lines if not line.startswith("REPORT")] == [
        start(one), "to stdout\tä", f"END RequestId: {one}", start(two), "to stderr", f"END RequestId: {two}",
    ]
    reports = [line for line in lines if line.startswith("REPORT")]
    assert "Init Duration" in reports[0] and "Init Duration" not in reports[1]
    for report in reports:
        assert int(report.split("Max Memory Used: ")[1].split(" ")[0]) > 0


def test_a_line_without_end_and_any_bytes_are_kept_and_the_next_line_is_whole(server, function, call):
    one = call(do="raw", hex="00ff610a62")
    text = text_with(server, function, f"REPORT RequestId: {one}")
    assert b"\n\x00\xffa\nb\nEND RequestId: " + one.encode() in text


def test_an_endless_line_is_broken_and_nothing_of_it_is_lost(server, function, call):
    one = call(do="endless", kib=1024)
    lines = text_with(server, function, f"REPORT RequestId: {one}").splitlines()
    printed = [line for line in lines if line.startswith(b"x")]
    assert sum(map(len, printed)) == 1024 * 1024
    assert 2 <= len(printed) and max(map(len, printed)) < 512 * 1024


def test_how_an_event_failed_is_in_its_report(server, owner, function, call):
    owner.root.boto().update_function_configuration(FunctionName=function, Timeout=1)
    wait_updated(owner.root.boto(), function)
    late, gone, wrong = call(do="sleep", seconds=30), call(do="exit", code=3), call(do="raise")
    text = text_with(server, function, *(f"REPORT RequestId: {one}" for one in (late, gone, wrong))).decode()
    report = lambda one: next(line for line in text.splitlines() if line.startswith(f"REPORT RequestId: {one}"))
    assert report(late).endswith("\tStatus: timeout\t")
    assert report(gone).endswith("\tStatus: error\tError Type: Runtime.ExitError\t")
    assert "Status" not in report(wrong)
    exited = f"RequestId: {gone} Error: Runtime exited with error: exit status 3\nRuntime.ExitError\n"
    assert f"last words\n{exited}END RequestId: {gone}" in text
    assert re.search(rf"^{TIME} {late} Task timed out after 1\.00 seconds\n\nEND RequestId: {late}$", text, re.MULTILINE)
    assert "ValueError" in text


def test_a_report_of_too_little_memory_names_all_of_it(server, function, call):
    if "`memory` controller" in server.output():
        pytest.skip("without control groups a function hears of it, and is not ended")
    one = call(do="memory")
    text = text_with(server, function, f"REPORT RequestId: {one}").decode()
    killed = f"RequestId: {one} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"
    assert f"{killed}END RequestId: {one}\nREPORT RequestId: {one}\t" in text
    memory = r"Memory Size: 128 MB\tMax Memory Used: 128 MB\t(Init Duration: \d+\.\d\d ms\t)?"
    assert re.search(rf"{memory}Status: error\tError Type: Runtime\.OutOfMemory\t\n\Z", text), text


@pytest.mark.parametrize("by", ["exit", 11], ids=["exit", "signal"])
@pytest.mark.parametrize("forked", [True, False], ids=["forked", "started"])
def test_a_report_of_a_worker_that_ended_names_all_that_it_held(server, owner, call, forked, by):
    # A zygote has no such variable, and is not forked for a worker that has.
    variables = {} if forked else {"PYTHONHASHSEED": "1"}
    name = owner.function(zipped(SOURCE), MemorySize=512, Environment={"Variables": variables})
    for _ in range(2):
        one = call(name, do="fill", mib=150, by=by)
        text = text_with(server, name, f"REPORT RequestId: {one}").decode()
        assert "Error Type: Runtime.ExitError" in text
        assert 150 <= int(text.rsplit("Max Memory Used: ", 1)[1].split(" ")[0]) < 250


STARTS = {
    "exit": ("import os; os.write(1, b'last words'); os._exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
    "error": ("raise ValueError('wrong')", "Runtime.Unknown", None),
    "import": ("import missing", "Runtime.ImportModuleError", None),
}


@pytest.mark.parametrize("kind", STARTS)
def test_a_start_that_failed_is_told_before_its_event(server, owner, kind):
    source, error_type, reason = STARTS[kind]
    name = owner.function(zipped(source))
    answer = owner.root.boto().invoke(FunctionName=name, LogType="Tail")
    one = answer["ResponseMetadata"]["RequestId"]
    text = text_with(server, name, f"REPORT RequestId: {one}").decode()
    told = f"Status: error\tError Type: {error_type}\t\n"
    reason = f"RequestId: {one} Error: {reason}\n{error_type}\n" if reason else ""
    event = f"START RequestId: {one} Version: $LATEST\n{reason}END RequestId: {one}\nREPORT RequestId: {one}\t"
    assert re.search(rf"^INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\t{told}{re.escape(event)}.*{told}\Z", text, re.MULTILINE)
    assert base64.b64decode(answer["LogResult"]).decode() == text


@pytest.mark.parametrize("kind", STARTS)
def test_a_start_that_failed_is_told_when_nobody_called(server, owner, warm, kind):
    source, error_type, _ = STARTS[kind]
    boto = owner.root.boto()
    put = lambda name: boto.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    text_name = owner.versioned(code=zipped(source))
    json_name = owner.versioned(code=zipped(source), LoggingConfig={"LogFormat": "JSON"})
    put(text_name), put(json_name)
    text = text_with(server, text_name, "INIT_REPORT", "\n").decode()
    assert re.search(rf"^INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: error\tError Type: {error_type}\t\n", text, re.MULTILINE)
    assert not re.search("^(START|END|REPORT) ", text, re.MULTILINE), "there was no event"
    lines = text_with(server, json_name, "platform.initReport", "}\n").decode().splitlines()
    # It is tried again, and told again.
    told = next(json.loads(line)["record"] for line in lines if "platform.initReport" in line)
    assert told.pop("metrics")["durationMs"] > 0
    assert told == {"initializationType": "provisioned-concurrency", "phase": "init", "status": "error", "errorType": error_type}


def test_a_json_log_has_json_lines_down_to_its_level(server, owner, call):
    def lines(**levels):
        name = owner.function(zipped(SOURCE), LoggingConfig={"LogFormat": "JSON", **levels})
        one = call(name, do="log")
        wanted = "told" if levels else one
        text = text_with(server, name, wanted, *([] if levels else ["platform.report"]))
        return one, [json.loads(line) for line in text.splitlines()]

    one, (start, told, report) = lines()
    assert (start["type"], start["record"]) == ("platform.start", {"requestId": one, "version": "$LATEST"})
    assert (told["level"], told["message"], told["requestId"]) == ("WARNING", "told", one)
    assert (report["type"], report["record"]["requestId"], report["record"]["status"]) == (
        "platform.report", one, "success",
    )
    assert report["record"]["metrics"]["memorySizeMB"] == 128
    assert report["record"]["metrics"]["maxMemoryUsedMB"] > 0
    _, only = lines(SystemLogLevel="WARN")
    assert [line["message"] for line in only] == ["told"]


def test_follow_prints_what_comes(server, function, call):
    command = [binary(), "logs", function, "--follow", "--data-dir", str(server.data_dir)]
    following = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE)
    try:
        for text in ("first", "second"):
            call(do="out", text=text)
            while f"{text}\n".encode() != following.stdout.readline():
                assert following.poll() is None
    finally:
        following.kill()
        following.wait()


def test_same_names_of_two_accounts_have_two_logs(server, owner, other):
    name = unique("same")
    for account in (owner, other):
        account.function(zipped(SOURCE), name)
        account.root.boto().invoke(FunctionName=name, Payload=json.dumps({"do": "out", "text": f"of {account.id}"}))
    for account in (owner, other):
        text = text_with(server, name, f"of {account.id}", account=account.id)
        assert text.count(b"START") == 1


def test_no_log_is_an_error_that_says_where_it_looked(server):
    for name, words in [("never-ran", "never-ran of account"), ("../..", "'../..' is neither")]:
        status, output, errors = log(server, name)
        assert (status, output) == (1, b"") and words in errors, errors


def test_the_log_outlives_its_function_and_the_server_and_is_private(start_warm_server):
    server = start_warm_server()
    owner = World(server).owner
    name = owner.function(zipped(SOURCE))
    owner.root.boto().invoke(FunctionName=name, Payload=b'{"do": "out", "text": "kept"}')
    owner.root.boto().delete_function(FunctionName=name)
    assert server.terminate() == 0
    assert b"\nkept\nEND" in log(server, name)[1]
    files = [path for path in (server.data_dir / "function-logs" / ACCOUNT).rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_files_are_bounded_and_the_newest_lines_stay(start_warm_server):
    server = start_warm_server(
        PORTCULLIS_FUNCTION_LOG_FILE_BYTES="4096", PORTCULLIS_FUNCTION_LOG_FILES="2"
    )
    owner = World(server).owner
    name = owner.function(zipped(SOURCE), Timeout=30)
    owner.root.boto().invoke(FunctionName=name, Payload=b'{"do": "lines", "count": 5000}')
    text = text_with(server, name, "line 4999\n", "REPORT")
    files = list((server.data_dir / "function-logs" / ACCOUNT / name).iterdir())
    assert len(files) == 2 and sum(file.stat().st_size for file in files) <= 2 * 4096
    numbers = [int(line.split()[1]) for line in text.splitlines() if line.startswith(b"line")]
    assert numbers == list(range(numbers[0], 5000))


def test_a_full_disk_costs_lines_and_no_call(start_warm_server):
    server = start_warm_server()
    owner = World(server).owner
    name = owner.function(zipped(SOURCE))
    place = server.data_dir / "function-logs"
    place.rmdir() if place.is_dir() else None
    place.symlink_to("/dev/full/nowhere")
    answer = owner.root.boto().invoke(FunctionName=name, Payload=b'{"do": "out", "text": "lost"}')
    assert "FunctionError" not in answer
    until(lambda: "log cannot be written" in server.output(), 30, "the server says so")
    place.unlink()
    owner.root.boto().invoke(FunctionName=name, Payload=b'{"do": "out", "text": "kept"}')
    text = text_with(server, name, "kept", "REPORT").decode()
    assert "platform.logsDropped" in text and "lost" not in text
    assert run("logs", name, "--data-dir", str(server.data_dir)).returncode == 0
