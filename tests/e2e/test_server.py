"""The program: its commands, its start and end, what it keeps through them, and what it refuses.

These tests end their servers, so each has its own (issue 2, design.md §6, §8).
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from server import ACCOUNT, REGION, ROOT, binary, environment, root_variables, run, until
from wire import UUID, Credentials, Request, Wire, check_ok, compact, send, sign
from world import RUNTIME, World, allow, boto, error_of

F = "/2015-03-31/functions"


def grant(sid):
    return {"StatementId": sid, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


# --- quickstart --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """One run of the main job in an empty folder, with nothing set."""
    place = tmp_path_factory.mktemp("quickstart")
    done = run("quickstart", "--exit", "--listen", "127.0.0.1:0", cwd=place, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dense(text):
    """Without blanks and borders: a table may wrap and a document may be indented."""
    return re.sub(r"[\s│|┃]", "", text)


def denied(who, side=".*?"):
    """A denial's exact text, dense."""
    return (
        rf"User:{who}isnotauthorizedtoperform:lambda:InvokeFunction"
        r"onresource:arn:aws:lambda:[a-z0-9-]+:\d{12}:function:my-function"
        rf"becauseno{side}policyallowsthelambda:InvokeFunctionaction"
    )


S3 = r"s3\.amazonaws\.com"
THEIRS = r"arn:aws:(?:iam|sts)::223456789012:\S+?"
STRANGERS = r"arn:aws:(?:iam|sts)::333456789012:\S+?"
PRINTED = [
    ("the first statement", r'"Sid":"s3","Effect":"Allow","Principal":\{"Service":"s3.amazonaws.com"\}'),
    ("its source account", r'"AWS:SourceAccount":"123456789012"'),
    ("its source", r'"AWS:SourceArn":"arn:aws:s3:::my-bucket-1xpuxmplzrlbh/\*"'),
    (
        "the second statement",
        r'"Sid":"xaccount","Effect":"Allow","Principal":\{"AWS":"arn:aws:iam::223456789012:root"\}',
    ),
    ("a denied service", denied(S3, "resource-based")),
    ("the granted account without a policy of its own", denied(THEIRS, "identity-based")),
    ("an account without a grant", denied(STRANGERS)),
    ("an unsigned call", "MissingAuthenticationToken"),
    ("a forged signature", "Therequestsignaturewecalculateddoesnotmatchthesignatureyouprovided"),
    ("an allowed call", "(?i)allowed"),
    ("a denied call", "(?i)denied"),
]


@pytest.mark.parametrize(("what", "pattern"), PRINTED)
def test_quickstart_shows_the_main_job(quickstart, what, pattern):
    assert re.search(pattern, dense(quickstart)), f"{what} is missing in:\n{quickstart}"


def test_quickstart_denies_a_service_thrice(quickstart):
    """From a wrong bucket, from a wrong account, without a source."""
    assert len(re.findall(denied(S3, "resource-based"), dense(quickstart))) >= 3, quickstart


# --- Variables and flags -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["PORTCULLIS_LISTNE", "PORTCULLIS_DISABLE_AUTH", "PORTCULLIS_"])
def test_an_unknown_variable_is_refused_by_name(tmp_path, name):
    done = run("serve", "--listen", "127.0.0.1:0", cwd=tmp_path, **root_variables(), **{name: "1"})
    assert done.returncode != 0
    assert name in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-flag"],
        ["--listen", "nowhere"],
        ["--listen", "127.0.0.1:99999"],
        ["--account-id", "12345"],
        ["--account-id", "12345678901x"],
        ["--root-access-key-id", "AKIAONLYTHEKEY000000"],
    ],
)
def test_a_bad_flag_is_refused_and_nothing_is_made(tmp_path, arguments):
    listen = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
    done = run("serve", *listen, *arguments, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.strip()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", ["flags", "variables"])
def test_region_and_account_are_as_told(start_server, tmp_path, by):
    account, region = "210987654321", "eu-central-1"
    if by == "flags":
        server = start_server(arguments=("--account-id", account, "--region", region))
    else:
        server = start_server(PORTCULLIS_ACCOUNT_ID=account, PORTCULLIS_REGION=region)
    owner = World(server, account, region).owner
    assert owner.root.boto("sts").get_caller_identity()["Account"] == account
    name = owner.function(name="there")
    made = owner.root.boto().get_function_configuration(FunctionName=name)
    assert made["FunctionArn"] == f"arn:aws:lambda:{region}:{account}:function:there"
    answer = Wire(server.base, server.root, "us-east-1").call("GET", F)
    assert answer.json == {"message": "Credential should be scoped to a valid region, not 'us-east-1'. "}


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["quickstart", "--help"],
                                       ["access-key", "create", "--help"]])  # fmt: skip
def test_help_is_printed_with_examples(arguments):
    done = run(*arguments)
    assert done.returncode == 0
    assert "portcullis" in done.stdout
    if len(arguments) > 1:
        assert "Examples:" in done.stdout


# --- Health and listening ----------------------------------------------------------------------------


def test_health_needs_no_signature(server):
    answer = send(server.base, Request("GET", "/_portcullis/health"))
    assert answer.status == 200
    assert UUID.match(answer.headers["x-amzn-requestid"])


@pytest.mark.parametrize(
    "noise",
    [b"\0\1\2\3\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"A" * 100_000],
)
def test_noise_on_a_connection_harms_nobody(server, noise):
    host, port = server.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    assert server.healthy()
    check_ok(Wire(server.base, server.root).call("GET", F), 200)


def test_a_body_over_the_limit_is_refused_before_it_is_read_whole(server):
    """Only the first part of 80 MB is ever sent, and the answer comes all the same."""
    declared = 80_000_000
    request = sign(server.base, Request("POST", F, b"", {"X-Amz-Content-SHA256": "0" * 64}), server.root)
    connection = http.client.HTTPConnection(server.base.removeprefix("http://"), timeout=30)
    try:
        connection.putrequest("POST", F)
        connection.putheader("Content-Length", str(declared))
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(b'{"FunctionName":"')
        answer = connection.getresponse()
        assert answer.status == 413
        assert answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"
        text = "Request must be smaller than 70167211 bytes for the CreateFunction operation"
        assert text in answer.read().decode()
    finally:
        connection.close()
    assert server.healthy()


# --- Root credentials --------------------------------------------------------------------------------

KEY = re.compile(r"\bA[A-Z0-9]{15,31}\b")
SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])")


def kept_credentials(data_dir):
    """The file of the data folder that keeps the root's key as text, and the key."""
    for path in sorted(Path(data_dir).iterdir()):
        if not path.is_file() or path.stat().st_size > 10_000:
            continue
        text = path.read_bytes().decode(errors="replace")
        key, secret = KEY.search(text), SECRET.search(text)
        if key and secret:
            return path, Credentials(key[0], secret[0])
    raise AssertionError(f"no file with credentials in {data_dir}: {os.listdir(data_dir)}")


def test_generated_root_credentials_are_printed_once_and_kept_private(start_server, tmp_path):
    first = start_server(root=None)
    path, root = kept_credentials(first.data_dir)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert root.key in first.output()
    assert first.output().count(root.secret) == 1
    assert boto(first.base, "sts", root).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert first.terminate() == 0
    second = start_server(root=None)
    assert root.secret not in second.output()
    assert kept_credentials(second.data_dir) == (path, root)
    assert boto(second.base, "sts", root).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_no_one_else_on_the_machine_can_read_a_secret(start_server):
    server = start_server(root=None)
    _, root = kept_credentials(server.data_dir)
    Wire(server.base, root).call("GET", F)
    for path in Path(server.data_dir).rglob("*"):
        if path.is_file() and root.secret.encode() in path.read_bytes():
            private = stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
            assert private or stat.S_IMODE(server.data_dir.stat().st_mode) & 0o077 == 0, path


def test_given_root_credentials_are_not_printed(start_server):
    server = start_server()
    assert boto(server.base, "sts", ROOT).get_caller_identity()["Account"] == ACCOUNT
    assert ROOT.secret not in server.output()


# --- access-key create -------------------------------------------------------------------------------


def create_key(*arguments, cwd=None, root=ROOT):
    return run("access-key", "create", *arguments, cwd=cwd, **(root_variables(root) if root else {}))


def test_a_made_key_is_printed_as_json_and_works(server, tmp_path):
    done = create_key("--service", "events.amazonaws.com", "--endpoint-url", server.base, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    key = json.loads(done.stdout)["AccessKey"]
    assert key["Status"] == "Active"
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:doesnotexist"
    answer = Wire(server.base, credentials).dry_run(arn)
    assert answer.json["Message"].startswith("User: events.amazonaws.com is not authorized to perform: ")
    done = create_key("--root", "--account-id", "444456789012", "--endpoint-url", server.base, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    key = json.loads(done.stdout)["AccessKey"]
    root = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    assert boto(server.base, "sts", root).get_caller_identity()["Arn"] == "arn:aws:iam::444456789012:root"
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_with_the_credentials_of_the_data_folder(start_server):
    server = start_server(root=None)
    arguments = ("--service", "s3.amazonaws.com", "--endpoint-url", server.base)
    done = create_key(*arguments, "--data-dir", str(server.data_dir), root=None)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["AccessKey"]["AccessKeyId"]


BAD_KEYS = [
    [],
    ["--service", "s3.amazonaws.com", "--root", "--account-id", "223456789012"],
    ["--root"],
    ["--account-id", "223456789012"],
    ["--root", "--account-id", "12345"],
    ["--root", "--account-id", "22345678901x"],
    ["--service", ""],
    ["--service", "two words"],
    ["--service", "*"],
    ["--service", "arn:aws:iam::123456789012:root"],
]


@pytest.mark.parametrize("arguments", BAD_KEYS)
def test_a_key_for_nobody_is_refused(server, arguments, tmp_path):
    done = create_key(*arguments, "--endpoint-url", server.base, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stdout.strip() == ""
    assert done.stderr.strip()


def test_a_key_is_made_for_nobody_with_wrong_credentials_or_no_server(server, owner, tmp_path):
    arguments = ("--service", "s3.amazonaws.com", "--endpoint-url", server.base)
    powerless = owner.user().credentials
    for caller in (Credentials(ROOT.key, "wrong"), Credentials("AKIANOSUCHKEY0000000", "x"), powerless):
        done = create_key(*arguments, cwd=tmp_path, root=caller)
        assert done.returncode != 0
        assert done.stdout.strip() == ""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = create_key("--service", "s3.amazonaws.com", "--endpoint-url", closed, cwd=tmp_path)
        assert done.returncode != 0
        assert done.stderr.strip()


# --- What is kept ------------------------------------------------------------------------------------


def everything(owner, user, role, name):
    """All that a restart must not change."""
    client, iam = owner.root.boto(), owner.root.boto("iam")
    user_name = user.arn.rsplit("/", 1)[1]
    answers = [
        client.get_function_configuration(FunctionName=name),
        client.list_versions_by_function(FunctionName=name),
        client.list_aliases(FunctionName=name),
        client.list_tags(Resource=owner.arn(name)),
        iam.get_user(UserName=user_name)["User"]["UserId"],
        iam.get_user_policy(UserName=user_name, PolicyName="own")["PolicyDocument"],
        iam.get_role(RoleName=role.rsplit("/", 1)[1])["Role"]["RoleId"],
        user.boto("sts").get_caller_identity()["Arn"],
    ]
    for answer in answers:
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
    policies = [owner.root.wire.get_policy(name, qualifier).body for qualifier in (None, "1", "prod")]
    return answers, policies


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_a_restart_keeps_everything(start_warm_server, how):
    server = start_warm_server()
    world = World(server)
    owner, s3 = world.owner, world.service("s3.amazonaws.com")
    name = owner.versioned(name="kept", Tags={"a": "b"}, Environment={"Variables": {"KEY": "V"}})
    for qualifier in (None, "1", "prod"):
        check_ok(owner.root.wire.add_permission(name, grant("s3"), qualifier), 201)
    user = owner.user(allow("lambda:InvokeFunction", owner.arn(name)))
    before = everything(owner, user, owner.lambda_role, name)
    getattr(server, how)()
    again = start_warm_server()
    moved = replace(user, base=again.base)
    assert everything(World(again).owner, moved, owner.lambda_role, name) == before
    for caller in (user.credentials, s3.credentials):
        answer = Wire(again.base, caller).invoke(owner.arn(name), b"{}")
        assert (answer.status, answer.body) == (200, b'"ran"'), answer
    stranger = Wire(again.base, s3.credentials).dry_run(owner.arn(name, "$LATEST"))
    assert stranger.status == 403


def test_kill_9_loses_no_acknowledged_permission(start_server):
    server = start_server()
    owner = World(server).owner
    names = [owner.function(name=f"f{n}") for n in range(4)]
    acknowledged, lock = [], threading.Lock()

    def write(name):
        """Adds statements until the server is gone or the policy is full."""
        wire = owner.root.wire
        for number in range(10_000):
            sid = f"s{number}"
            try:
                if wire.add_permission(name, grant(sid)).status != 201:
                    return
            except (OSError, http.client.HTTPException):
                return
            with lock:
                acknowledged.append((name, sid))

    with ThreadPoolExecutor(len(names)) as pool:
        writers = [pool.submit(write, name) for name in names]
        try:
            until(lambda: len(acknowledged) >= 120, 60, "120 acknowledged statements")
        finally:
            server.kill()
        for writer in writers:
            writer.result()
    again = start_server()
    wire = Wire(again.base, again.root)
    for name in names:
        policy = json.loads(wire.get_policy(name).json["Policy"])
        sids = [statement["Sid"] for statement in policy["Statement"]]
        mine = [sid for where, sid in acknowledged if where == name]
        # All that was acknowledged, in order; at most one more, whose answer was lost.
        assert sids[: len(mine)] == mine
        assert len(sids) <= len(mine) + 1
    check_ok(wire.add_permission(names[0], grant("after")), 201)


def test_kill_9_does_not_bring_back_a_removed_permission(start_server):
    server = start_server()
    owner = World(server).owner
    name = owner.function(name="f")
    wire = owner.root.wire
    for number in range(20):
        check_ok(wire.add_permission(name, grant(f"s{number}")), 201)
    for number in range(0, 20, 2):
        check_ok(wire.remove_permission(name, f"s{number}"), 204)
    before = wire.get_policy(name).body
    server.kill()
    again = start_server()
    assert Wire(again.base, again.root).get_policy(name).body == before


def test_a_data_folder_has_one_server(start_server, tmp_path):
    first = start_server()
    done = run(
        "serve", "--listen", "127.0.0.1:0", "--data-dir", str(first.data_dir), cwd=tmp_path, **root_variables()
    )
    assert done.returncode != 0
    assert done.stderr.strip()
    assert first.healthy()
    check_ok(Wire(first.base, first.root).call("GET", F), 200)


def test_a_taken_port_is_refused(start_server, tmp_path):
    first = start_server()
    address = first.base.removeprefix("http://")
    done = run("serve", "--listen", address, "--data-dir", str(tmp_path / "other"), **root_variables())
    assert done.returncode != 0
    assert done.stderr.strip()
    assert first.healthy()


# --- The end -----------------------------------------------------------------------------------------

# How long a server that is told to end waits for what runs.
DRAIN_SECONDS = 10

BUSY = """
import time
def handler(event, context):
    end = time.monotonic() + event.get("seconds", 0)
    while time.monotonic() < end:
        pass
    return "finished"
"""


def descendants(pid):
    """Every process below `pid`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    found, wave = {}, {pid}
    while wave:
        wave = {child for child, (parent, _) in parents.items() if parent in wave and child not in found}
        found |= {child: parents[child][1] for child in wave}
    return found


def runs(pid):
    """Whether the process is there and not merely unreaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def work_of(pid):
    """Processor time of everything that runs below `pid`, in seconds."""
    return sum(descendants(pid).values()) / os.sysconf("SC_CLK_TCK")


def start_busy_call(start_warm_server, seconds):
    """A server and a call that is really running there."""
    server = start_warm_server()
    owner = World(server).owner
    name = owner.function(BUSY, Timeout=900)
    assert owner.root.wire.invoke(name, b"{}").body == b'"finished"'
    before, pool = work_of(server.process.pid), ThreadPoolExecutor(1)
    call = pool.submit(owner.root.wire.invoke, name, compact({"seconds": seconds}).encode())
    until(lambda: work_of(server.process.pid) > before + 0.3, 30, "the function runs")
    pool.shutdown(wait=False)
    return server, call


def test_sigterm_lets_a_running_call_finish(start_warm_server):
    server, call = start_busy_call(start_warm_server, 4)
    server.process.send_signal(signal.SIGTERM)
    answer = call.result(30)
    assert (answer.status, answer.body) == (200, b'"finished"')
    assert server.process.wait(15) == 0


def test_sigterm_does_not_wait_for_ever(start_warm_server):
    server, call = start_busy_call(start_warm_server, 600)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    try:
        assert call.result(30).body != b'"finished"'
    except (OSError, http.client.HTTPException):
        pass


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_no_worker_outlives_its_server(start_warm_server, how):
    server = start_warm_server()
    owner = World(server).owner
    owner.root.wire.invoke(owner.function(), b"{}")
    below = descendants(server.process.pid)
    assert below, "no worker runs"
    getattr(server, how)()
    until(lambda: not any(runs(pid) for pid in below), 30, "all workers gone")


def test_sigterm_while_idle_ends_at_once_and_well(start_server):
    server = start_server()
    begin = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - begin < DRAIN_SECONDS


def test_an_interrupt_ends_it_too(start_server):
    server = start_server()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(15) == 0


def test_the_first_start_makes_the_data_folder(start_server, tmp_path):
    server = start_server(tmp_path / "not" / "yet" / "there")
    assert server.data_dir.is_dir()
    assert server.healthy()


def test_a_call_is_never_left_hanging_by_a_full_stop(start_server):
    """Connections that are open and idle do not hold up the end."""
    server = start_server()
    address = server.base.removeprefix("http://")
    idle = [http.client.HTTPConnection(address, timeout=10) for _ in range(5)]
    try:
        for connection in idle:
            connection.connect()
        assert server.terminate() == 0
    finally:
        for connection in idle:
            connection.close()


def test_quickstart_serves_on_until_told_to_end(tmp_path):
    """Without --exit it keeps serving: the lines to paste are true while it runs."""
    out = tmp_path / "stdout.log"
    work = tmp_path / "work"
    work.mkdir()
    with out.open("wb") as stdout:
        process = subprocess.Popen(
            [binary(), "quickstart", "--listen", "127.0.0.1:0"],
            cwd=work,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stdout,
        )
    try:

        def pasted():
            assert process.poll() is None, out.read_text()
            text = out.read_text()
            wanted = ("boto3", "aws", "terraform", "http://127.0.0.1:")
            return all(word in text.lower() for word in wanted) and text

        text = until(pasted, 300, "the lines to paste")
        base = re.search(r"http://127\.0\.0\.1:\d+", text)[0]
        assert send(base, Request("GET", "/_portcullis/health")).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)


def test_a_missing_runtime_of_a_function_does_not_stop_the_server(start_server):
    """A server that never ran a function needs nothing but itself."""
    server = start_server()
    owner = World(server).owner
    name = owner.function(Runtime=RUNTIME)
    check_ok(owner.root.wire.add_permission(name, grant("s3")), 201)
    assert error_of(owner.root.boto().get_function, FunctionName="none")[0] == "ResourceNotFoundException"
