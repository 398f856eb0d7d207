"""Functions of Node.js: handlers found, results, errors in AWS's form, context, log and time-outs.

Facts: aws-lambda.md §8.2 and §8.4. Skipped where the host has no Node.js of a version that is served.
"""

import base64
import json
import re
import shutil
import subprocess

import pytest
from server import ACCOUNT, REGION, run
from wire import check_ok
from world import World, zipped

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(scope="module")
def major():
    """The version of this host's Node.js."""
    node = shutil.which("node")
    found = node and subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = found[1:].split(".")[0] if found else None
    if version not in ("20", "22", "24"):
        pytest.skip("needs Node.js 20, 22 or 24 in PATH")
    return int(version)


@pytest.fixture(scope="module")
def make(owner, major):
    def make(files, handler="index.handler", **more):
        files = {"index.js": files} if isinstance(files, str) else files
        return owner.function(code=zipped(files), Runtime=f"nodejs{major}.x", Handler=handler, **more)

    return make


@pytest.fixture
def call(owner):
    """The payload and the log of a call; `error` is what X-Amz-Function-Error must be."""

    def call(name, event=None, error=None):
        headers = {"x-amz-log-type": "Tail"}
        answer = owner.root.wire.invoke(name, json.dumps(event).encode(), None, headers)
        check_ok(answer, 200)
        assert answer.headers["x-amz-function-error"] == error, answer.body
        return answer.json, base64.b64decode(answer.headers["x-amz-log-result"]).decode()

    return call


HANDLERS = [
    ({"index.js": "exports.handler = async (event) => event"}, "index.handler"),
    ({"index.mjs": "export const handler = async (event) => event"}, "index.handler"),
    ({"index.cjs": "exports.handler = async (event) => event"}, "index.handler"),
    ({"index.js": "export const handler = async (e) => e", "package.json": '{"type":"module"}'}, "index.handler"),
    ({"index.mjs": "export default { handler: async (event) => event }"}, "index.handler"),
    ({"src/app.js": "exports.a = { b: async (event) => event }"}, "src/app.a.b"),
    ({"lib/index.js": "exports.handler = async (event) => event"}, "lib.handler"),
    ({"index.mjs": "import { f } from './own.mjs'\nexport const handler = f", "own.mjs": "export const f = async (e) => e"}, "index.handler"),
    ({"index.js": "exports.handler = require('dep').f", "node_modules/dep/index.js": "exports.f = async (e) => e"}, "index.handler"),
    ({"index.mjs": "const { f } = await import('dep')\nexport const handler = f", "node_modules/dep/index.js": "exports.f = async (e) => e"}, "index.handler"),
]


@pytest.mark.parametrize(("files", "handler"), HANDLERS, ids=range(len(HANDLERS)))
def test_a_handler_is_found_wherever_node_finds_it(make, call, files, handler):
    fn = make(files, handler)
    for event in ({"a": ["é", None]}, [1], None):
        assert call(fn, event)[0] == event


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("callback(null, 'late')", "late"),
        ("setTimeout(() => callback(null, 'late'), 20)", "late"),
        ("callback(null, 'x'); setTimeout(() => console.log('after'), 20)", "x"),
        ("context.callbackWaitsForEmptyEventLoop = false; callback(null, 'now'); setTimeout(() => {}, 60000)", "now"),
        ("context.succeed(5)", 5),
        ("context.done(null, [1])", [1]),
        ("", None),
    ],
)
def test_a_handler_may_call_back(make, call, major, body, result):
    if major >= 24:
        pytest.skip("Node.js 24 has no handlers that call back")
    fn = make(f"exports.handler = (event, context, callback) => {{ {body} }}")
    for _ in range(2):
        payload, log = call(fn)
        assert payload == result
        assert ("\tINFO\tafter\n" in log) == ("after" in body)


def test_from_24_on_a_handler_that_calls_back_is_refused(make, call, major):
    if major < 24:
        pytest.skip("earlier versions have them")
    payload, _ = call(make("exports.handler = (event, context, callback) => callback(null, 1)"), error="Unhandled")
    assert payload["errorType"] == "Runtime.CallbackHandlerDeprecated"


@pytest.mark.parametrize(
    ("body", "error_type", "message"),
    [
        ("throw new Error('it failed')", "Error", "it failed"),
        ("class Own extends Error {}; const e = new Own('a\\nb'); e.name = 'Own'; throw e", "Own", "a\nb"),
        ("throw 'text'", "string", "text"),
        ("throw { a: 1 }", "object", "[object Object]"),
        ("const a = {}; a.a = a; return a", "Runtime.JSONStringifyError", "Unable to stringify response body"),
        ("await new Promise(() => {})", "Runtime.NodeJsExit", None),
    ],
)
def test_an_error_has_awss_form_and_the_worker_lives_on(make, call, body, error_type, message):
    fn = make(f"let n = 0; exports.handler = async (event) => {{ n += 1; if (event) return n; {body} }}")
    payload, log = call(fn, error="Unhandled")
    assert list(payload) == ["errorType", "errorMessage", "trace"]
    assert payload["errorType"] == error_type
    assert message is None or payload["errorMessage"] == message
    assert isinstance(payload["trace"], list)
    assert re.search(rf"^{TIME}\t{UUID}\tERROR\tInvoke Error ", log, re.MULTILINE)
    assert call(fn, True)[0] == 2


@pytest.mark.parametrize(
    ("body", "error_type"),
    [
        ("Promise.reject(new Error('u'))", "Runtime.UnhandledPromiseRejection"),
        ("setTimeout(() => { throw new RangeError('late') }, 5)", "RangeError"),
        ("process.exit(3)", "Runtime.ExitError"),
    ],
)
def test_what_nobody_catches_ends_the_process(make, call, body, error_type):
    wait = "await new Promise((resolve) => setTimeout(resolve, 20000))"
    fn = make(f"let n = 0; exports.handler = async (event) => {{ n += 1; if (event) return n; {body}; {wait} }}")
    assert call(fn, True)[0] == 1
    assert call(fn, error="Unhandled")[0]["errorType"] == error_type
    assert call(fn, True)[0] == 1


NOT_FOUND = "Runtime.ImportModuleError", "Error: Cannot find module 'index'\nRequire stack:\n- /var/runtime/index.mjs"


@pytest.mark.parametrize(
    ("files", "handler", "error_type", "message"),
    [
        ({"other.js": ""}, "index.handler", *NOT_FOUND),
        ({"index.js": "require('nope')"}, "index.handler", "Runtime.ImportModuleError", "Cannot find module 'nope'"),
        ({"index.mjs": "import 'nope'"}, "index.handler", "Runtime.ImportModuleError", "Cannot find package 'nope'"),
        ({"index.js": "exports.handler = ("}, "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ({"index.js": "exports.a = 1"}, "index.handler", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ({"index.js": "exports.a = 1"}, "index.a", "Runtime.HandlerNotFound", "index.a is not a function"),
        ({"index.js": ""}, "index", "Runtime.MalformedHandlerName", "Bad handler"),
        ({"index.js": ""}, "../a.b", "Runtime.MalformedHandlerName", "'../a.b' is not a valid handler name."),
        ({"index.js": "throw new RangeError('boot')"}, "index.handler", "RangeError", "boot"),
    ],
)
def test_a_start_that_fails_says_why_in_awss_words(make, call, files, handler, error_type, message):
    payload, log = call(make(files, handler), error="Unhandled")
    assert list(payload) == ["errorType", "errorMessage", "trace"]
    assert payload["errorType"] == error_type
    assert message in payload["errorMessage"]
    assert re.search(rf"^{TIME}\tundefined\tERROR\tInit Error ", log, re.MULTILINE)


CONTEXT = """
exports.handler = async (event, context) => ({
  ...context, left: context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID,
  path: process.env.NODE_PATH, environment: process.env.AWS_EXECUTION_ENV, folder: process.cwd(),
})
"""


def test_the_context_and_the_environment_are_lambdas(make, call, major):
    fn = make(CONTEXT)
    got, _ = call(fn)
    assert re.fullmatch(UUID, got["awsRequestId"])
    assert (got["functionName"], got["functionVersion"], got["memoryLimitInMB"]) == (fn, "$LATEST", "128")
    assert got["invokedFunctionArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{fn}"
    assert got["logGroupName"] == f"/aws/lambda/{fn}" and "[$LATEST]" in got["logStreamName"]
    assert 20_000 < got["left"] <= 30_000 and got["trace"].startswith("Root=1-")
    assert (got["environment"], got["folder"]) == (f"AWS_Lambda_nodejs{major}.x", "/var/task")
    assert f"/opt/nodejs/node{major}/node_modules" in got["path"]


def test_interfaces_are_listed_without_the_kernels_list(make, call):
    code = "import os, { networkInterfaces } from 'node:os'\nexport const handler = async () => [os.networkInterfaces().lo[0].address, networkInterfaces().lo[0].internal]"
    assert call(make({"index.mjs": code}))[0] == ["127.0.0.1", True]


def test_the_log_has_lambdas_lines(make, call):
    _, log = call(make("console.log('first'); exports.handler = async () => { console.warn('a %d', 1, { b: 2 }) }"))
    lines = log.splitlines()
    assert re.fullmatch(rf"{TIME}\tundefined\tINFO\tfirst", lines[0])
    assert re.fullmatch(rf"{TIME}\t{UUID}\tWARN\ta 1 {{ b: 2 }}", lines[2])


def test_a_json_log_has_its_level(make, call):
    source = "exports.handler = async () => { console.debug('no'); console.info('yes'); console.error(new Error('e')) }"
    config = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}
    _, log = call(make(source, LoggingConfig=config))
    lines = [json.loads(line) for line in log.splitlines() if line.startswith('{"timestamp"')]
    assert [(line["level"], line["message"]) for line in lines] == [("INFO", "yes"), ("ERROR", "e")]
    assert lines[1]["errorType"] == "Error" and re.fullmatch(UUID, lines[0]["requestId"])


def test_an_event_that_takes_too_long_ends_the_process(make, call):
    fn = make("let n = 0; exports.handler = async (e) => { n += 1; while (e === 'spin'); return n }", Timeout=2)
    assert call(fn)[0] == 1
    assert call(fn, "spin", error="Unhandled")[0]["errorType"] == "Sandbox.Timedout"
    assert call(fn)[0] == 1


def test_a_streaming_handler_is_answered_whole(make, call):
    source = """
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.setContentType("application/json"); stream.write('["a",'); stream.write('"b"]'); stream.end();
    })"""
    assert call(make(source))[0] == ["a", "b"]


def test_packages_of_layers_are_found_behind_the_codes_own(owner, make, call, major):
    exports = lambda text: f"module.exports = {text!r}"
    lower = owner.layer({"nodejs/node_modules/a/index.js": exports("lower"), "nodejs/node_modules/b/index.js": exports("b")})
    upper = owner.layer({
        "nodejs/node_modules/a/index.js": exports("upper"),
        "nodejs/node_modules/own/index.js": exports("layer"),
        f"nodejs/node{major}/node_modules/c/index.js": exports("of the version"),
        f"nodejs/node{major}/node_modules/b/index.js": exports("b of the version"),
    })  # fmt: skip
    files = {
        "index.js": "exports.handler = async (event) => event.map((name) => require(name))",
        "node_modules/own/index.js": exports("code"),
    }
    names = ["a", "b", "c", "own"]
    assert call(make(files, Layers=[lower, upper]), names)[0] == ["upper", "b of the version", "of the version", "code"]
    assert call(make(files, Layers=[lower]), names[:2])[0] == ["lower", "b"]


def test_a_wrapper_script_starts_the_runtime(owner, make, call):
    script = """#!/bin/sh
program=$1; shift
export MINE=yes
exec "$program" --stack-trace-limit=7 "$@"
"""
    layer = owner.layer({"wrap": script}, mode=0o755)
    source = "exports.handler = async () => [process.env.MINE, process.execArgv.includes('--stack-trace-limit=7')]"
    variables = {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}}
    fn = make(source, Layers=[layer], Environment=variables)
    assert call(fn)[0] == ["yes", True]


def test_a_host_without_node_says_so_when_the_function_is_called(start_server):
    server = start_server(PATH="/nonexistent", PYENV_ROOT="/nonexistent", NVM_DIR="/nonexistent")
    owner = World(server).owner
    fn = owner.function(code=zipped({"index.js": ""}), Runtime="nodejs22.x", Handler="index.handler")
    answer = owner.root.wire.invoke(fn, b"{}")
    assert (answer.status, answer.json["errorType"]) == (200, "Runtime.NotAvailable")
    assert "`portcullis runtime doctor nodejs22.x`" in answer.json["errorMessage"]


def test_the_doctor_runs_a_function_of_it(tmp_path, major):
    done = run("runtime", "doctor", f"nodejs{major}.x", "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stdout
    assert f"nodejs{major}.x: runs functions" in done.stdout
