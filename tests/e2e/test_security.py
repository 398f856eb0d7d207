"""What an attacker tries: each test is a hole that was found, or one that must never open.

The requests are made as bytes, because a client library would refuse to send most of them.
"""

import base64
import datetime
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import pytest

from server import ACCOUNT, until
from wire import Credentials, Request, Wire, compact, send, sign
from world import World, allow, deny, document, error_of, trusting, unique, wait_updated, zipped

F = "/2015-03-31/functions"
HOUR = 3600


@pytest.fixture(scope="module")
def base(server):
    return server.base


@pytest.fixture(scope="module")
def root(owner):
    return owner.root.credentials


def lines(server, text) -> list[str]:
    """The lines of the server's log that hold `text`."""
    return [line for line in server.err.read_text(errors="replace").splitlines() if text in line]


def raw(base, head: str, body: bytes = b"") -> socket.socket:
    """A connection on which these bytes were sent."""
    host, port = urlsplit(base).netloc.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(head.encode("latin-1") + body)
    return connection


def head_of(request, length=None) -> str:
    rows = [f"{name}: {value}" for name, value in request.headers.items()]
    length = len(request.body) if length is None else length
    return "\r\n".join([f"{request.method} {request.path} HTTP/1.1", *rows, f"Content-Length: {length}", "", ""])


def signed(base, request, credentials, **settings):
    request.headers.setdefault("Host", urlsplit(base).netloc)
    return sign(base, request, credentials, **settings)


def status_of(connection) -> int:
    return int(connection.recv(4096).split(b" ", 2)[1])


# --- What the log may hold ---------------------------------------------------------------------------


def test_no_part_of_an_authorization_header_is_logged(server, base, root):
    canary = unique("authorization-canary")
    for text in (
        f"AWS4-HMAC-SHA256 Credential={canary}",
        f"Bearer {canary}",
        f"AWS4-HMAC-SHA256 Credential={canary}/20260101/{canary}/lambda/aws4_request, SignedHeaders=host, Signature=00",
    ):
        answer = send(base, Request("GET", F, b"", {"Authorization": text}))
        assert answer.status == 403
    until(lambda: lines(server, "IncompleteSignature"), 30, "the refusal in the log")
    assert lines(server, canary) == []


def test_no_request_can_write_a_line_of_the_log(server, base, owner):
    forged = unique("forged-line")
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAPORTCULLISROOT00/20260101/x%0A{forged}/lambda/aws4_request"
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    query += f"&X-Amz-Date={now}&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={'0' * 64}"
    assert send(base, Request("GET", f"{F}?{query}")).status == 403
    body = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": f"arn:aws\n{forged}:iam::{ACCOUNT}:role/none",
        "RoleSessionName": "session",
    }
    body = "&".join(f"{name}={quote(value, safe='')}" for name, value in body.items()).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = Request("POST", "/", body, form)
    assert send(base, sign(base, request, owner.user().credentials, service="sts")).status == 403
    seen = len(lines(server, "IncompleteSignature"))
    assert send(base, Request("GET", F, b"", {"Authorization": "AWS4-HMAC-SHA256"})).status == 403
    until(lambda: len(lines(server, "IncompleteSignature")) > seen, 30, "the last refusal in the log")
    assert [line for line in lines(server, forged) if line.startswith(forged)] == []


def test_no_secret_is_logged(server, owner):
    """Whatever the level: this server says all that it can."""
    user = owner.user()
    secret = unique("environment-canary")
    client = owner.root.boto()
    name = owner.function(Environment={"Variables": {"SECRET": secret}})
    too_large = {"Variables": {"SECRET": secret, "FILL": "x" * 5000}}
    assert error_of(client.update_function_configuration, FunctionName=name, Environment=too_large)
    for text in (secret, user.credentials.secret, server.root.secret):
        assert lines(server, text) == []


@pytest.fixture
def talkative(start_server):
    return start_server(PORTCULLIS_LOG="portcullis_api=trace,portcullis_catalog=trace,portcullis_store=trace")


def test_no_refused_value_is_logged_at_any_level(talkative):
    canary = unique("value-canary")
    wire = Wire(talkative.base, talkative.root)
    body = {"FunctionName": "f", "Environment": {"Variables": {"bad name!": canary, "K": "x" * 5000}}}
    assert wire.call("POST", F, body=body).status == 400
    assert wire.call("PUT", f"{F}/f/configuration", body={"Description": canary * 100}).status == 400
    until(lambda: lines(talkative, "a request was refused"), 30, "the refusals in the log")
    assert lines(talkative, canary) == []


def writes_a_core(process) -> bool:
    """Whether the process, which is aborted, leaves a core."""
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def test_no_core_shows_a_secret(start_server, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        server = start_server()
        other = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
        if not writes_a_core(other):
            pytest.skip("this host writes no cores")
        assert not writes_a_core(server.process)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


# --- A request is what was signed --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed_path", "sent_path"),
    [
        (f"{F}/policy", f"{F}/./policy"),
        (f"{F}/policy", f"{F}/x/../policy"),
        (f"{F}/policy", "//2015-03-31/functions/policy"),
        (f"{F}/policy", f"{F}//policy"),
        (f"{F}/name/", f"{F}/name/policy/.."),
    ],
)
def test_a_signature_of_one_path_is_good_for_no_other(base, root, signed_path, sent_path):
    """Paths that are alike in normal form share a signature: only one of them may mean anything."""
    request = sign(base, Request("GET", signed_path), root)
    request.path = sent_path
    answer = send(base, request)
    assert (answer.status, answer.code) == (403, "AccessDeniedException"), answer.body
    assert b"Unable to determine service/operation name" in answer.body


@pytest.mark.parametrize("path", [f"{F}/%2e%2e/policy", f"{F}/%252e%252e/policy", f"{F}/..%2f..%2fx/policy", f"{F}/x%00/policy"])
def test_an_encoded_path_stays_one_name(base, root, path):
    answer = send(base, sign(base, Request("GET", path), root))
    assert answer.status in (400, 404), answer.body


@pytest.mark.parametrize("query", ["Qualifier=prod&Qualifier=1", "Qualifier=1&Qualifier=prod", "qualifier=1&Qualifier=prod"])
def test_what_is_decided_is_what_runs(owner, query):
    """Of two qualifiers one counts, for the decision and for the effect."""
    name = owner.versioned()
    for qualifier in ("prod", "1"):
        user = owner.user(allow("lambda:GetFunctionConfiguration", owner.arn(name, qualifier)))
        answer = user.wire.call("GET", f"{F}/{name}/configuration?{query}")
        if answer.status == 200:
            assert answer.json["FunctionArn"] == owner.arn(name, qualifier)
        else:
            assert answer.code == "AccessDeniedException", answer.body


def test_the_action_of_a_post_is_in_its_body_alone(base, owner):
    user = owner.user()
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = Request("POST", "/?Action=AssumeRole&Version=2011-06-15", body, form)
    answer = send(base, sign(base, request, user.credentials, service="sts"))
    assert answer.status == 200 and b"GetCallerIdentityResponse" in answer.body, answer.body
    request = Request("POST", "/?Action=GetCallerIdentity&Version=2011-06-15", b"", form)
    answer = send(base, sign(base, request, user.credentials, service="sts"))
    assert answer.status == 400, answer.body


# --- Condition keys ----------------------------------------------------------------------------------


def test_a_forwarded_address_is_nobody_s_address(owner):
    name = owner.function()
    user = owner.user(allow("lambda:GetFunction", "*", {"IpAddress": {"aws:SourceIp": "203.0.113.7/32"}}))
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP"):
        answer = user.wire.call("GET", f"{F}/{name}", headers={header: "203.0.113.7"})
        assert answer.code == "AccessDeniedException", header


@pytest.mark.parametrize("header", ["x-amz-source-arn", "x-amz-source-account"])
def test_a_source_is_given_once(world, owner, base, header):
    """A signature covers the values joined: one with a comma could be split on its way."""
    name = owner.function()
    source = "arn:aws:s3:::bucket"
    owner.root.wire.add_permission(
        name, {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceArn": source}
    )
    s3 = world.service("s3.amazonaws.com").credentials
    values = {"x-amz-source-arn": source, "x-amz-source-account": ACCOUNT}
    path = f"{F}/{name}/invocations"
    dry = {"X-Amz-Invocation-Type": "DryRun"}
    good = signed(base, Request("POST", path, b"", dry | values), s3)
    assert status_of(raw(base, head_of(good))) == 204
    joined = signed(base, Request("POST", path, b"", dry | values | {header: f"{values[header]},x"}), s3)
    split = head_of(joined).replace(f"{values[header]},x", f"{values[header]}\r\n{header}: x")
    assert status_of(raw(base, split)) == 403


def test_a_user_has_no_source(owner):
    name = owner.function()
    source = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}
    user = owner.user(allow("lambda:InvokeFunction", "*", source))
    answer = user.wire.dry_run(name, headers={"x-amz-source-arn": "arn:aws:s3:::bucket"})
    assert answer.code == "AccessDeniedException"


BLUE = {"StringNotEquals": {"aws:RequestTag/team": "blue"}}


def test_a_deny_on_tags_cannot_be_confused_by_their_case(owner):
    """Two keys that differ only by case give the condition key two values, and no plain operator holds."""
    name = owner.function()
    arn = owner.arn(name)
    user = owner.user(allow("lambda:TagResource", "*"), deny("lambda:TagResource", "*", BLUE))
    tags = user.boto()
    tags.tag_resource(Resource=arn, Tags={"team": "blue"})
    assert error_of(tags.tag_resource, Resource=arn, Tags={"team": "red"})[0] == "AccessDeniedException"
    both = error_of(tags.tag_resource, Resource=arn, Tags={"team": "red", "Team": "blue"})
    assert both[0] in ("AccessDeniedException", "InvalidParameterValueException")
    later = error_of(owner.root.boto().tag_resource, Resource=arn, Tags={"TEAM": "x"})
    assert later[0] == "InvalidParameterValueException"
    assert owner.root.boto().list_tags(Resource=arn)["Tags"] == {"team": "blue"}


def test_a_deny_on_a_tag_holds_in_every_script(owner):
    name = owner.function(Tags={"Отдел": "секрет"})
    secret = {"StringEquals": {"aws:ResourceTag/Отдел": "секрет"}}
    user = owner.user(allow("lambda:GetFunction*", "*"), deny("lambda:GetFunction*", "*", secret))
    assert user.wire.call("GET", f"{F}/{name}").code == "AccessDeniedException"


@pytest.mark.parametrize("key", ["Отдел", "ΟΔΟΣ"])
def test_a_deny_on_a_tag_of_the_caller_or_of_a_user_holds_in_every_script(owner, key):
    """The last letter of a Greek word has a lower case of its own."""
    iam = owner.root.boto("iam")
    of_caller, of_user = ({"StringEquals": {f"aws:{whose}Tag/{key}": "secret"}} for whose in ("Principal", "Resource"))
    user = owner.user(allow("*", "*"), deny("lambda:ListFunctions", "*", of_caller), deny("iam:GetUser", "*", of_user))
    name = user.arn.rsplit("/", 1)[1]
    for tag in (key, key.lower()):
        iam.tag_user(UserName=name, Tags=[{"Key": tag, "Value": "secret"}])
        assert len(iam.list_user_tags(UserName=name)["Tags"]) == 1
        assert error_of(user.boto().list_functions)[0] == "AccessDeniedException"
        assert error_of(user.boto("iam").get_user, UserName=name)[0] == "AccessDenied"


# --- Decisions are of the moment ---------------------------------------------------------------------


def slow_call(base, credentials, path, body, seconds, between=lambda: None) -> int:
    """The status of a call whose body comes `seconds` after its head."""
    request = signed(base, Request("PUT", path, body, {"Content-Type": "application/json"}), credentials)
    connection = raw(base, head_of(request))
    time.sleep(seconds)
    between()
    connection.sendall(body)
    return status_of(connection)


def test_the_time_that_counts_is_when_the_body_is_there(owner, base):
    name = owner.function()
    path, body = f"{F}/{name}/configuration", b'{"Description":"late"}'

    def permitted_for(seconds):
        """A user for whom that time has not passed yet."""
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        until_then = {"DateLessThan": {"aws:CurrentTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}
        user = owner.user(allow("lambda:*", "*", until_then))
        # On a machine that is busy, all of it may.
        return user if user.wire.call("GET", f"{F}/{name}").status == 200 else permitted_for(2 * seconds)

    started, user = time.monotonic(), permitted_for(4)
    assert slow_call(base, user.credentials, path, body, 5 + time.monotonic() - started) == 403


def test_a_key_that_is_deleted_during_an_upload_is_gone(owner, base):
    name = owner.function()
    user = owner.user(allow("lambda:*", "*"))
    iam = owner.root.boto("iam")

    def delete():
        iam.delete_access_key(UserName=user.arn.rsplit("/", 1)[1], AccessKeyId=user.credentials.key)

    assert slow_call(base, user.credentials, f"{F}/{name}/configuration", b"{}", 0.1, delete) == 403


def test_a_permission_withdrawn_while_code_is_looked_through_is_withdrawn(owner):
    name = owner.function()
    user = owner.user(allow("lambda:UpdateFunctionCode", "*"))
    bomb = compact({"ZipFile": base64.b64encode(zipped("#" * 250_000_000)).decode()}).encode()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lambda: (user.wire.call("PUT", f"{F}/{name}/code", body=bomb), time.monotonic()))
        time.sleep(0.1)
        iam = owner.root.boto("iam")
        iam.delete_user_policy(UserName=user.arn.rsplit("/", 1)[1], PolicyName="own")
        withdrawn = time.monotonic()
        answer, answered = call.result()
    assert answer.status == 403 or answered < withdrawn, answer.body


def test_no_session_escapes_its_session_policy(owner):
    """Sessions of service-linked roles have no caps: nobody can make such a role."""
    iam, trust = owner.root.boto("iam"), json.dumps(trusting(owner.root.arn))
    role = {"RoleName": unique("AWSServiceRoleFor"), "AssumeRolePolicyDocument": trust}
    assert error_of(iam.create_role, Path="/aws-service-role/x/", **role)[0] == "ValidationError"
    arn = iam.create_role(**role)["Role"]["Arn"]
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="p", PolicyDocument=document(allow("*", "*")))
    made = owner.root.boto("sts").assume_role(
        RoleArn=arn, RoleSessionName="session", Policy=document(allow("lambda:GetFunction", "*"))
    )["Credentials"]
    session = Wire(owner.base, Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))
    assert session.call("GET", F).code == "AccessDeniedException"
    assert session.call("GET", f"{F}/none").code == "ResourceNotFoundException"


def test_a_session_ends_with_its_role(owner):
    name = owner.function()
    session = owner.session(allow("lambda:GetFunction", "*"))
    assert session.wire.call("GET", f"{F}/{name}").status == 200
    iam = owner.root.boto("iam")
    iam.delete_role_policy(RoleName=session.role, PolicyName="own")
    trust = trusting(owner.root.arn)
    iam.delete_role(RoleName=session.role)
    iam.create_role(RoleName=session.role, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=session.role, PolicyName="own", PolicyDocument=document(allow("*", "*")))
    assert session.wire.call("GET", f"{F}/{name}").code == "UnrecognizedClientException"


def test_a_new_user_of_an_old_name_does_not_have_its_keys(owner):
    user = owner.user()
    name = user.arn.rsplit("/", 1)[1]
    iam = owner.root.boto("iam")
    iam.delete_access_key(UserName=name, AccessKeyId=user.credentials.key)
    iam.delete_user(UserName=name)
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("*", "*")))
    assert user.wire.call("GET", F).code == "UnrecognizedClientException"


def test_a_grant_does_not_outlive_its_function(owner, other):
    name = owner.function()
    caller = other.user(allow("lambda:InvokeFunction", "*"))
    grant = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": other.id}
    owner.root.wire.add_permission(name, grant)
    assert caller.wire.dry_run(owner.arn(name)).status == 204
    owner.root.boto().delete_function(FunctionName=name)
    owner.function(name=name)
    assert caller.wire.dry_run(owner.arn(name)).code == "AccessDeniedException"


# --- What a refusal tells ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["User", "Role"])
def test_a_denial_does_not_tell_whether_somebody_exists(owner, kind):
    iam = owner.root.boto("iam")
    there, missing = unique("there"), unique("there")
    if kind == "User":
        iam.create_user(UserName=there, Path="/secret/")
    else:
        iam.create_role(RoleName=there, Path="/secret/", AssumeRolePolicyDocument=json.dumps(trusting(owner.root.arn)))
    stranger = owner.user().boto("iam")
    call = {"User": stranger.get_user, "Role": stranger.get_role}[kind]
    told = [error_of(call, **{f"{kind}Name": name}) for name in (there, missing)]
    assert told[0][0] == told[1][0] == "AccessDenied"
    assert told[0][1].replace(there, "X") == told[1][1].replace(missing, "X")


def test_a_runtime_that_is_missing_tells_nothing_of_the_host(start_server):
    """The caller hears that it is, and the log why."""
    server = start_server(PATH="/nonexistent", PYENV_ROOT="/nonexistent")
    owner = World(server).owner
    answer = owner.root.wire.invoke(owner.function())
    assert answer.status == 200 and answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json["errorType"] == "Runtime.NotAvailable"
    assert "PATH" not in answer.json["errorMessage"] and "/" not in answer.json["errorMessage"]
    assert lines(server, "no working Python")


def test_a_handler_that_no_program_could_get_is_refused(owner):
    name = owner.function()
    answer = owner.root.wire.call("PUT", f"{F}/{name}/configuration", body={"Handler": "a\0b"})
    assert answer.status == 400, answer.body


# --- Code --------------------------------------------------------------------------------------------


def link_of(caller, name) -> str:
    location = caller.boto().get_function(FunctionName=name)["Code"]["Location"]
    return location.removeprefix(caller.base)


def test_a_code_link_is_for_its_code_alone(owner, base):
    one, two = owner.function(zipped("one = 1")), owner.function(zipped("two = 2"))
    link, other_link = link_of(owner.root, one), link_of(owner.root, two)
    assert send(base, Request("GET", link)).body == zipped("one = 1")
    path, query = link.split("?")
    other_path = other_link.split("?")[0]
    later = query.replace("Expires=", "Expires=9")
    for changed in (f"{other_path}?{query}", f"{path}?{later}", path, f"{path}?{query}x", f"{path}/../{other_path}?{query}"):
        assert send(base, Request("GET", changed)).status == 403, changed
    assert send(base, Request("POST", link)).status == 405


def age(path, seconds):
    """Makes a file or folder look as if it was made so long ago."""
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def stored(server) -> dict:
    """The packages and unpacked folders in the data folder, by digest."""
    packages = {path.name: path for path in server.data_dir.glob("code/??/*")}
    folders = {path.name: path for path in server.data_dir.glob("unpacked/*/*")}
    return {"packages": packages, "folders": folders}


def test_code_that_nobody_refers_to_is_removed_once_it_is_old(start_warm_server):
    server = start_warm_server()
    owner = World(server).owner
    kept, gone, young = (owner.function(zipped(f"x = {n}")) for n in range(3))
    versioned = owner.function(zipped("def handler(event, context):\n    return 'old'\n"))
    client = owner.root.boto()
    client.publish_version(FunctionName=versioned)
    client.update_function_code(FunctionName=versioned, ZipFile=zipped("x = 4"))
    wait_updated(client, versioned)
    before = stored(server)
    assert [len(found) for found in before.values()] == [5, 5]

    def sha(name):
        return base64.b64decode(client.get_function_configuration(FunctionName=name)["CodeSha256"]).hex()

    gone_sha, young_sha = sha(gone), sha(young)
    client.delete_function(FunctionName=gone)
    client.delete_function(FunctionName=young)
    server.terminate()
    for found in before.values():
        for digest, path in found.items():
            if digest != young_sha:
                age(path, 2 * HOUR)
    server = start_warm_server(server.data_dir)
    until(lambda: gone_sha not in stored(server)["folders"], 30, "the unused folder is removed")
    after = stored(server)
    assert set(after["packages"]) == set(before["packages"]) - {gone_sha}
    assert set(after["folders"]) == set(before["folders"]) - {gone_sha}
    assert kept and young_sha in after["packages"]
    owner = World(server).owner
    assert owner.root.wire.invoke(versioned, qualifier="1").body == b'"old"'


def test_nobody_else_may_look_at_code(start_server, tmp_path):
    """Also in a data folder that was there, and open, before."""
    data = tmp_path / "open"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    server = start_server(data)
    World(server).owner.function()
    for folder in (data / "code", data / "unpacked"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    for file in data.glob("*"):
        if file.is_file():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


# --- Exhaustion --------------------------------------------------------------------------------------


def memory_kib(server) -> int:
    for line in open(f"/proc/{server.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_bodies_before_their_proof_are_bounded_together(start_server):
    """Whoever knows a key's id can send packages: at most 384 MiB of them are taken at a time."""
    server = start_server()
    size, count = 60 << 20, 14
    request = Request("POST", F, b"", {"Host": urlsplit(server.base).netloc, "Content-Type": "application/json"})
    forged = sign(server.base, request, server.root)
    before, part = memory_kib(server), bytes(size - 1)
    connections = [raw(server.base, head_of(forged, size)) for _ in range(count)]
    sent = [0] * count
    for connection in connections:
        connection.setblocking(False)
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline and min(sent) < len(part):
        for index, connection in enumerate(connections):
            try:
                sent[index] += connection.send(part[sent[index] : sent[index] + (1 << 20)])
            except BlockingIOError:
                continue
            except OSError:
                sent[index] = len(part)
        time.sleep(0.001)
    grown = (memory_kib(server) - before) >> 10
    assert grown < 450, f"{grown} MiB"
    wire = Wire(server.base, server.root)
    assert wire.call("GET", F).status == 200, "small calls go on"
    answer = wire.invoke("none", compact("x" * (5 << 20)).encode())
    assert answer.code == "ResourceNotFoundException", "and large payloads"
    for connection in connections:
        connection.close()
