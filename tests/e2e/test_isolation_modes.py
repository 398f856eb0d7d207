"""What a server says of how it keeps functions, and what it does where it cannot: `--isolation`.

The jail itself: test_isolation.py.
"""

import os
import subprocess

import pytest

from test_isolation import POWERLESS, cast, got
from wire import check_ok

SAID = {
    "auto": "functions run isolated from this host",
    "full": "functions run isolated from this host",
    "none": "not isolated from this host",
}


@pytest.mark.parametrize("isolation", SAID)
def test_the_server_says_how_it_keeps_functions(start_server, isolation):
    server = start_server(arguments=("--isolation", isolation))
    assert SAID[isolation] in server.output()


def test_without_isolation_functions_run_as_processes_of_the_server(start_warm_server):
    server = start_warm_server(arguments=("--isolation", "none"))
    owner, hostile, _ = cast(server)
    assert got(owner.root.wire, hostile, "got = os.getuid()") == os.getuid()
    assert got(owner.root.wire, hostile, "got = os.path.exists('/etc/shadow')") is True


# A user namespace that allows none below it, and a server in it that has no right to make others.
NOWHERE = (
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"',
    *POWERLESS,
)


@pytest.mark.parametrize("isolation", ["auto", "full"])
def test_a_host_that_cannot_isolate_runs_no_function(start_warm_server, isolation):
    possible = subprocess.run([*NOWHERE, "true"], capture_output=True, check=False)
    if possible.returncode != 0:
        pytest.skip(f"no such host can be made here: {possible.stderr.decode()}")
    server = start_warm_server(prefix=NOWHERE, arguments=("--isolation", isolation))
    assert "functions do not run: this host cannot isolate them" in server.output()
    assert "--isolation none" in server.output()
    owner, hostile, _ = cast(server)
    answer = owner.root.wire.invoke(hostile, b"{}")
    check_ok(answer, 200)
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json["errorType"] == "Sandbox.NotIsolated"
    assert "--isolation none" in answer.json["errorMessage"]
    assert server.terminate() == 0


def test_without_isolation_such_a_host_runs_functions(start_warm_server):
    server = start_warm_server(prefix=NOWHERE, arguments=("--isolation", "none"))
    owner, hostile, _ = cast(server)
    assert got(owner.root.wire, hostile, "got = 1") == 1
