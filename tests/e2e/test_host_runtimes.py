"""What is found on the host while a server runs, and calls that come as it changes.

Facts: aws-lambda.md §6.2, §8.4.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from server import run, until
from world import RUNTIME, World, unique, wait_updated, zipped


class Host:
    """A folder that is all of a server's `PATH`, with or without an interpreter."""

    def __init__(self, folder, real):
        self.program, self.real = folder / RUNTIME, real
        self.tried, self.gate = folder / "tried", folder / "gate"
        folder.mkdir()
        self.path = {"PATH": str(folder), "PYENV_ROOT": "/nonexistent", "HOME": "/nonexistent"}

    def install(self):
        """Installs it, or again. It says that it was tried, and runs while there is no gate."""
        self.program.unlink(missing_ok=True)
        self.program.write_text(
            f"#!/bin/sh\n: > {self.tried}\nwhile [ -e {self.gate} ]; do /bin/sleep 0.02; done\nexec {self.real} \"$@\"\n"
        )
        self.program.chmod(0o755)

    def was_tried(self):
        """Whether it was, since this was last asked."""
        was = self.tried.exists()
        self.tried.unlink(missing_ok=True)
        return was


@pytest.fixture
def host(tmp_path, warm):
    listed = run("runtime", "list", "--output", "json", "--data-dir", warm.parent)
    (program,) = (one["Program"] for one in json.loads(listed.stdout) if one["Runtime"] == RUNTIME)
    return Host(tmp_path / "bin", program)


def processes(server) -> set:
    """The server's processes: what it started, and what that did."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, parent = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # It has ended.
        parents.setdefault(parent, []).append(pid)
    found, grown = set(), {server.process.pid}
    while grown:
        found |= grown
        grown = {child for parent in grown for child in parents.get(parent, [])}
    return found


def answer_of(owner, name):
    answer = owner.root.wire.invoke(name)
    assert answer.status == 200, answer
    return answer.json["errorType"] if answer.headers.get("x-amz-function-error") else answer.json


def test_an_interpreter_is_seen_as_it_comes_and_goes_and_tried_only_then(start_warm_server, host):
    owner = World(start_warm_server(**host.path)).owner
    names = [owner.function() for _ in range(3)]
    assert answer_of(owner, names[0]) == "Runtime.NotAvailable"
    host.install()
    assert answer_of(owner, names[0]) == "ran"
    assert host.was_tried()
    names.append(owner.function())
    assert [answer_of(owner, name) for name in names] == ["ran"] * 4
    assert not host.was_tried()
    host.program.unlink()
    assert answer_of(owner, owner.function()) == "Runtime.NotAvailable"
    assert answer_of(owner, names[0]) == "ran", "what is ready goes on"
    host.install()
    assert answer_of(owner, owner.function()) == "ran"
    assert host.was_tried()


@pytest.mark.parametrize("what", ["function", "version", "name"])
def test_a_call_that_is_not_ready_when_its_function_is_deleted_starts_no_worker(start_warm_server, host, what):
    """Not even where another function has the name by then."""
    server = start_warm_server(**host.path)
    owner = World(server).owner
    name, lambda_ = unique("deleted"), owner.root.boto()
    host.install()
    code = zipped("print('a worker started', flush=True)\ndef handler(event, context): return 'ran'\n")
    owner.function(name=name, code=code)
    lambda_.publish_version(FunctionName=name)
    qualifier = "1" if what == "version" else "$LATEST"
    host.gate.touch()
    host.install()
    host.was_tried()
    with ThreadPoolExecutor() as pool:
        call = pool.submit(owner.root.wire.invoke, name, qualifier=qualifier, timeout=120)
        until(host.was_tried, 30, "the call looks for the interpreter")
        lambda_.delete_function(FunctionName=name, **({"Qualifier": "1"} if what == "version" else {}))
        if what == "name":
            lambda_.create_function(
                FunctionName=name, Runtime="provided.al2023", Handler="x", Role=owner.lambda_role, Code={"ZipFile": code}
            )
        host.gate.unlink()
        answer = call.result()
    assert (answer.status, answer.json["Type"]) == (404, "User"), answer
    assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert answer.json["Message"] == f"Function not found: {owner.arn(name, qualifier)}"
    logs = run("logs", name, "--data-dir", server.data_dir)
    assert "a worker started" not in logs.stdout


def test_a_call_that_is_not_ready_when_its_function_is_updated_leaves_no_worker(start_warm_server, host):
    """It came before the update, so it may run the old code; nobody after it does, and its worker ends."""
    server = start_warm_server(**host.path)
    owner = World(server).owner
    lambda_ = owner.root.boto()
    host.install()
    name = owner.function()
    answer_of(owner, owner.function())
    without = processes(server)
    host.gate.touch()
    host.install()
    host.was_tried()
    with ThreadPoolExecutor() as pool:
        call = pool.submit(owner.root.wire.invoke, name, timeout=120)
        until(host.was_tried, 30, "the call looks for the interpreter")
        lambda_.update_function_configuration(FunctionName=name, Runtime="provided.al2023")
        lambda_.update_function_code(FunctionName=name, ZipFile=zipped({"bootstrap": "#!/bin/sh\nexit 3\n"}, mode=0o755))
        host.gate.unlink()
        assert call.result().json == "ran"
    wait_updated(lambda_, name)
    until(lambda: processes(server) <= without, 60, "its worker has ended")
    assert answer_of(owner, name) == "Runtime.ExitError"
