"""Functions that bring their runtime along: `provided.al2023` and `provided.al2`.

Facts: aws-lambda.md §8.2 and §8.4. The main bootstrap is a program in Rust that speaks the Runtime API
by hand (provided/bootstrap.rs); the others are scripts of the shell, which every jail shows.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from server import ACCOUNT, REGION, binary
from wire import check_ok
from world import zipped

SOURCE = Path(__file__).parent / "provided" / "bootstrap.rs"
EXAMPLE = Path(__file__).parents[2] / "examples" / "provided-rust" / "Cargo.toml"
RUNTIMES = ["provided.al2023", "provided.al2"]
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MISSING = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"


def package(content, mode=0o755, **more):
    return zipped({"bootstrap": content} | more, mode=mode)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program, compiled once."""
    if not shutil.which("rustc"):
        pytest.skip("needs rustc, which compiles the bootstrap")
    target = tmp_path_factory.mktemp("provided") / "bootstrap"
    command = ["rustc", "--edition", "2024", "-C", "strip=symbols", "-o", target, SOURCE]
    subprocess.run(command, check=True, timeout=300)
    return target.read_bytes()


@pytest.fixture(scope="module")
def make(owner):
    """Makes a function of a package; 30 seconds unless said otherwise."""

    def make(code, runtime="provided.al2023", **more):
        return owner.function(code=code, Runtime=runtime, Handler="any.thing", **more)

    return make


@pytest.fixture(scope="module", params=RUNTIMES)
def fn(request, make, program):
    return make(package(program), request.param)


@pytest.fixture
def call(owner):
    """Calls with a word in the event; the payload of a success."""

    def call(name, word, **headers):
        answer = owner.root.wire.invoke(name, json.dumps({"do": word}).encode(), None, headers)
        check_ok(answer, 200)
        assert answer.headers["x-amz-function-error"] is None, answer.body
        return answer

    return call


@pytest.fixture
def fail(owner):
    """Calls; the payload and log of what must be a function's error."""

    def fail(name, word="anything"):
        headers = {"x-amz-log-type": "Tail"}
        answer = owner.root.wire.invoke(name, json.dumps({"do": word}).encode(), None, headers)
        check_ok(answer, 200)
        assert answer.headers["x-amz-function-error"] == "Unhandled", answer.body
        return answer.json, base64.b64decode(answer.headers["x-amz-log-result"]).decode()

    return fail


def check_description(payload, error_type, message):
    """The two members in AWS's order, the message behind a request id."""
    assert list(payload) == ["errorType", "errorMessage"]
    assert payload["errorType"] == error_type
    found = re.fullmatch(rf"RequestId: {UUID} Error: (.*)", payload["errorMessage"])
    assert found and found.group(1) == message, payload


# --- Running -----------------------------------------------------------------------------------------


EVENTS = [b"{}", b"null", b'"\xc3\xa9"', b"[1,2,{}]", b'"' + b"k" * 3_000_000 + b'"']


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event[:9])
def test_an_event_reaches_the_bootstrap_and_its_answer_the_caller(owner, fn, event):
    answer = owner.root.wire.invoke(fn, event)
    check_ok(answer, 200)
    assert (answer.body, answer.headers["x-amz-function-error"]) == (event, None)


@pytest.fixture(scope="module")
def example():
    """The example in Rust with AWS's runtime crate, built beside the server, once."""
    if not shutil.which("cargo"):
        pytest.skip("needs cargo, which builds the example")
    manifest = ["--locked", "--manifest-path", EXAMPLE]
    if subprocess.run(["cargo", "fetch", *manifest], check=False, timeout=300).returncode:
        pytest.skip("the example's crates cannot be had from crates.io")
    target = Path(binary()).parents[1] / "example"
    small = {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_DEV_STRIP": "symbols"}
    command = ["cargo", "build", *manifest, "--target-dir", target]
    subprocess.run(command, env=os.environ | small, check=True, timeout=600)
    return (target / "debug" / "bootstrap").read_bytes()


def test_the_example_with_awss_runtime_crate_runs(owner, make, example):
    name = make(package(example))
    assert owner.root.wire.invoke(name, b'{"name":"you"}').json == {"greeting": "Hello, you!", "by": name}
    failed = owner.root.wire.invoke(name, b"{}")
    assert failed.headers["x-amz-function-error"] == "Unhandled"
    assert failed.json["errorMessage"] == "the event has no name"


def test_it_runs_with_lambdas_environment_and_nothing_else(owner, make, program, call):
    fn = make(package(program), Environment={"Variables": {"MINE": "1"}})
    found = call(fn, "environment").json
    assert (found["program"], found["arguments"], found["folder"]) == ("/var/task/bootstrap", 0, "/var/task")
    variables = found["variables"]
    for name, value in {
        "_HANDLER": "any.thing",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_LAMBDA_FUNCTION_NAME": fn,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_REGION": REGION,
        "TZ": ":UTC",
        "MINE": "1",
    }.items():
        assert variables[name] == value, name
    assert re.fullmatch(r"[\d.]+:\d+", variables["AWS_LAMBDA_RUNTIME_API"])
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    # Of runtimes that Lambda brings along.
    assert not {"AWS_EXECUTION_ENV", "PYTHONPATH"} & set(variables)


def test_the_headers_of_an_event_tell_its_context(fn, call):
    before = time.time() * 1000
    request, arn, deadline, trace = call(fn, "context").json
    assert re.fullmatch(UUID, request)
    assert arn == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{fn}"
    assert before + 25_000 < int(deadline) < time.time() * 1000 + 31_000
    assert trace.startswith("Root=1-")


def test_a_warm_bootstrap_is_used_again(make, program, call):
    fn = make(package(program))
    assert [call(fn, "events").json for _ in range(3)] == [1, 2, 3]


def test_new_code_is_what_runs_next(owner, make, program, call):
    fn = make(package(program))
    assert call(fn, "events").json == 1
    client = owner.root.boto()
    client.update_function_code(FunctionName=fn, ZipFile=package("#!/bin/sh\nexit 7\n"))
    client.get_waiter("function_updated_v2").wait(FunctionName=fn, WaiterConfig={"Delay": 0.05})
    answer = client.invoke(FunctionName=fn, Payload=b"{}")
    assert b"exit status 7" in answer["Payload"].read()


def test_the_log_has_what_it_prints(owner, make, program, call):
    fn = make(package(program))
    log = call(fn, "print", **{"x-amz-log-type": "Tail"}).headers["x-amz-log-result"]
    lines = base64.b64decode(log).decode().splitlines()
    assert lines[0] == "starting"
    assert lines[1].startswith("START RequestId: ")
    assert lines[2:4] == ["to standard output", "to standard error"]
    assert lines[4].startswith("END RequestId: ")
    assert "Init Duration: " in lines[5]


# --- Failing -----------------------------------------------------------------------------------------


def test_what_it_posts_as_an_error_is_the_payload_to_the_byte(owner, fn):
    answer = owner.root.wire.invoke(fn, b'"fail"')
    check_ok(answer, 200)
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.body == b'{"errorMessage":"it \\"failed\\"","errorType":"My.Error","own":[1]}'


def test_an_init_error_is_the_payload(make, program, fail):
    fn = make(package(program), Environment={"Variables": {"FAIL_INIT": "no database"}})
    payload, log = fail(fn)
    assert payload == {"errorMessage": "no database", "errorType": "My.InitError"}
    told = "Status: error\tError Type: Runtime.Unknown\t"
    start = rf"INIT_REPORT Init Duration: .* ms\tPhase: init\t{told}\nSTART RequestId: {UUID} Version: \$LATEST"
    assert re.fullmatch(rf"starting\n{start}\nEND RequestId: {UUID}\nREPORT RequestId: .*\t{told}\n", log), log


@pytest.mark.parametrize(
    ("word", "words"), [("exit", "exit status 3"), ("abort", "signal: aborted")]
)
def test_a_crash_is_told_and_the_next_event_gets_a_new_process(make, program, call, fail, word, words):
    fn = make(package(program))
    assert call(fn, "events").json == 1
    payload, _ = fail(fn, word)
    check_description(payload, "Runtime.ExitError", f"Runtime exited with error: {words}")
    assert call(fn, "events").json == 1


def test_an_event_that_takes_too_long_ends_the_process(make, program, call, fail):
    fn = make(package(program), Timeout=1)
    assert call(fn, "events").json == 1
    payload, _ = fail(fn, "sleep")
    check_description(payload, "Sandbox.Timedout", "Task timed out after 1.00 seconds")
    assert call(fn, "events").json == 1


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 0", "Runtime exited without providing a reason"),
        ("exit 5", "Runtime exited with error: exit status 5"),
        ("kill -SEGV $$", "Runtime exited with error: signal: segmentation fault"),
        ("no-such-program", "Runtime exited with error: exit status 127"),
    ],
)
def test_a_bootstrap_that_ends_before_it_asks_for_an_event(make, fail, script, message):
    payload, _ = fail(make(package(f"#!/bin/sh\n{script}\n")))
    check_description(payload, "Runtime.ExitError", message)


def test_a_bootstrap_that_never_asks_for_an_event_is_ended(make, fail):
    """As on AWS, its start gets ten seconds, then once more the function's own time-out."""
    begin = time.monotonic()
    payload, log = fail(make(package("#!/bin/sh\nsleep 600\n"), Timeout=1))  # Longer than a client waits here.
    assert time.monotonic() - begin >= 11
    check_description(payload, "Sandbox.Timedout", "Task timed out after 1.00 seconds")
    assert re.search(r"^INIT_REPORT Init Duration: [1-9]\d{3}\.\d\d ms\tPhase: invoke\tStatus: timeout\t$", log, re.MULTILINE)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (zipped({"main.py": "x"}), MISSING),
        (zipped({"bin/bootstrap": "x"}, mode=0o755), MISSING),
        (zipped({"bootstrap/main": "x"}, mode=0o755), MISSING),
        (package("#!/bin/sh\n", mode=0o644), "fork/exec /var/task/bootstrap: permission denied"),
        (package("neither a script nor a program"), "fork/exec /var/task/bootstrap: exec format error"),
        (package(""), "fork/exec /var/task/bootstrap: exec format error"),
        (package("#!/no/such/shell\n"), "fork/exec /var/task/bootstrap: no such file or directory"),
        (package("#!/bin/sh\r\necho\r\n"), "fork/exec /var/task/bootstrap: no such file or directory"),
    ],
    ids=["none", "elsewhere", "folder", "mode", "text", "empty", "interpreter", "line-ends"],
)
def test_a_bootstrap_that_cannot_run_is_named(make, fail, runtime, code, message):
    fn = make(code, runtime)
    for _ in range(2):
        payload, log = fail(fn)
        check_description(payload, "Runtime.InvalidEntrypoint", message)
        told = "Status: error\tError Type: Runtime.InvalidEntrypoint\t"
        lines = [
            rf"INIT_REPORT Init Duration: .* ms\tPhase: init\t{told}",
            rf"START RequestId: {UUID} Version: \$LATEST",
            rf"RequestId: {UUID} Error: {re.escape(message)}",
            "Runtime.InvalidEntrypoint",
            f"END RequestId: {UUID}",
            f"REPORT RequestId: {UUID}\t.*{told}",
        ]
        assert re.fullmatch("\n".join(lines) + "\n", log), log


# --- Layers ------------------------------------------------------------------------------------------


def test_the_bootstrap_of_a_layer_runs_code_that_has_none(owner, make, program, call):
    layer = owner.layer({"bootstrap": program}, mode=0o755)
    fn = make(zipped({"main.py": "x"}), Layers=[layer])
    assert [call(fn, "events").json for _ in range(2)] == [1, 2]


SAYS = "#!/bin/sh\necho {}\nexit 5\n"


@pytest.mark.parametrize(
    ("code", "layers", "said"),
    [
        (package(SAYS.format("the code")), [("the layer", 0o755)], "the code\n"),
        (zipped({"main.py": "x"}), [("the lower", 0o755), ("the upper", 0o755)], "the upper\n"),
        (zipped({"main.py": "x"}), [("the layer", 0o644)], "fork/exec /opt/bootstrap: permission denied"),
        (package(SAYS.format("the code"), mode=0o644), [("the layer", 0o755)], "fork/exec /var/task/bootstrap: permission denied"),
    ],
    ids=["code", "upper", "mode", "code-mode"],
)
def test_the_bootstrap_is_the_codes_and_else_the_uppermost_layers(owner, make, fail, code, layers, said):
    layers = [owner.layer({"bootstrap": SAYS.format(word)}, mode) for word, mode in layers]
    payload, log = fail(make(code, Layers=layers))
    assert said in payload["errorMessage"] + log


def test_programs_and_libraries_of_layers_are_found(owner, make, fail):
    layer = owner.layer({"bin/tool": "#!/bin/sh\necho of the layer", "lib/a.so": "x", "data/b": "in it\n"}, mode=0o755)
    script = """#!/bin/sh
tool; cat /opt/data/b
case ":$LD_LIBRARY_PATH:" in *:/opt/lib:*) echo and libraries;; esac
echo x > /opt/new || exit 5
"""
    _, log = fail(make(package(script), Layers=[layer]))
    assert "of the layer\nin it\nand libraries\n" in log and "Read-only file system" in log


# --- Runtimes that do not run here -------------------------------------------------------------------


def test_a_runtime_that_cannot_run_is_taken_and_says_so_when_it_is_called(owner):
    fn = owner.function(code=zipped({"a": "b"}), Runtime="java21", Handler="a.B::c")
    answer = owner.root.wire.invoke(fn, b"{}")
    check_ok(answer, 200)
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json["errorType"] == "Runtime.NotAvailable"
    assert "java21" in answer.json["errorMessage"] and "provided.al2023" in answer.json["errorMessage"]
