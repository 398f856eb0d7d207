"""Wrapper scripts: `AWS_LAMBDA_EXEC_WRAPPER` names a program that starts the runtime.

Source: AWS Lambda developer guide, "Modifying the runtime environment"; what is said of a script that is
not there is what AWS's runtimes say. Scripts are of the shell, which every jail shows.
"""

import base64

import pytest
from wire import check_ok
from world import wait_updated, zipped

VARIABLE = "AWS_LAMBDA_EXEC_WRAPPER"
PYTHON = """
import os, sys
def handler(event, context):
    return {"mine": os.environ.get("MINE"), "argv": sys.argv, "dev": sys.flags.dev_mode, "path": sys.path[:1]}
def other(event, context):
    return "other"
"""
SETS = '#!/bin/sh\necho wrapping; export MINE=yes\nexec "$@"\n'
# As in AWS's own example: the options come before the last word.
INSERTS = """#!/bin/sh
count=1
while [ $count -lt $# ]; do set -- "$@" "$1"; shift; count=$((count + 1)); done
last=$1; shift
exec "$@" -X dev "$last"
"""
OTHER = "#!/bin/sh\nexport _HANDLER=main.other\nexec $@\n"


@pytest.fixture
def call(owner):
    """The payload and log of a call."""

    def call(name, error=None):
        answer = owner.root.wire.invoke(name, b"{}", None, {"x-amz-log-type": "Tail"})
        check_ok(answer, 200)
        assert answer.headers["x-amz-function-error"] == error, answer.body
        return answer.json, base64.b64decode(answer.headers["x-amz-log-result"]).decode()

    return call


def variables(value, **more):
    return {"Environment": {"Variables": {VARIABLE: value, **more}}}


def python(owner, script, value="/var/task/wrap", mode=0o755):
    """A function whose package has the script."""
    return owner.function(zipped({"main.py": PYTHON, "wrap": script}, mode=mode), **variables(value))


def test_a_script_in_the_code_starts_the_runtime(owner, call, warm):
    name = python(owner, SETS)
    for _ in range(2):
        answer, log = call(name)
        assert answer["mine"] == "yes" and answer["path"] == ["/var/task"]
    assert "wrapping" not in log, "a warm worker was started once"


def test_what_a_script_prints_is_in_the_log(owner, call, warm):
    assert call(python(owner, SETS))[1].startswith("wrapping\nSTART RequestId: ")


def test_a_script_in_a_layer_starts_the_runtime(owner, call, warm):
    layer = owner.layer({"wrap": SETS}, mode=0o755)
    name = owner.function(PYTHON, Layers=[layer], **variables("/opt/wrap"))
    assert call(name)[0]["mine"] == "yes"


@pytest.mark.parametrize(
    ("script", "member", "want"),
    [(INSERTS, "dev", True), (SETS, "argv", ["/var/runtime/bootstrap.py"])],
    ids=["options", "words"],
)
def test_a_script_gets_the_words_that_start_the_runtime(owner, call, warm, script, member, want):
    assert call(python(owner, script))[0][member] == want


def test_a_script_may_name_another_handler(owner, call, warm):
    assert call(python(owner, OTHER))[0] == "other"


@pytest.mark.parametrize(
    ("script", "mode", "value", "message", "printed"),
    [
        (SETS, 0o755, "/opt/no", "Runtime exited with error: exit status 127", "/opt/no: does not exist\n"),
        (SETS, 0o755, "/var/task", "Runtime exited with error: exit status 127", "/var/task: does not exist\n"),
        (SETS, 0o644, "/var/task/wrap", "Runtime exited with error: exit status 126", "/var/task/wrap: is not an executable\n"),
        ("#!/bin/sh\nexit 3\n", 0o755, "/var/task/wrap", "Runtime exited with error: exit status 3", ""),
        ("#!/bin/sh\n", 0o755, "/var/task/wrap", "Runtime exited without providing a reason", ""),
        ("#!/bin/sh\necho '$(id)' \"$1\"; exit 4", 0o755, "/var/task/wrap", "Runtime exited with error: exit status 4", "$(id) /"),
        (SETS, 0o755, "/opt/$(id)", "Runtime exited with error: exit status 127", "/opt/$(id): does not exist\n"),
    ],
    ids=["missing", "folder", "mode", "status", "end", "words", "expansion"],
)  # fmt: skip
def test_a_script_that_starts_nothing_is_the_functions_error(owner, call, script, mode, value, message, printed):
    payload, log = call(python(owner, script, value, mode), "Unhandled")
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith(f" Error: {message}")
    assert printed in log


def test_the_next_start_goes_by_what_is_configured_then(owner, call, warm):
    name = python(owner, SETS)
    assert call(name)[0]["mine"] == "yes"
    client = owner.root.boto()
    for value, want in [("", "no"), ("/var/task/wrap", "yes")]:
        client.update_function_configuration(FunctionName=name, **variables(value, MINE="no"))
        wait_updated(client, name)
        assert call(name)[0]["mine"] == want


def test_a_runtime_that_the_function_brings_along_is_not_wrapped(owner, call):
    """AWS: not supported on OS-only runtimes. The variable is there, for whoever reads it."""
    bootstrap = """#!/bin/sh
echo "named $AWS_LAMBDA_EXEC_WRAPPER, mine $MINE"
exit 5
"""
    code = zipped({"bootstrap": bootstrap, "wrap": SETS}, mode=0o755)
    name = owner.function(code, Runtime="provided.al2023", Handler="h", **variables("/var/task/wrap"))
    payload, log = call(name, "Unhandled")
    assert payload["errorMessage"].endswith("exit status 5")
    assert "named /var/task/wrap, mine \n" in log and "wrapping" not in log
