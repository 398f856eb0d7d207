"""Who somebody is: every way in which a signature can be wrong, and its exact answer.

Facts: aws-lambda.md §9.4. The signatures are made by botocore, then spoiled.
"""

import datetime
import hashlib
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from server import ACCOUNT
from wire import Credentials, Request, check_error, check_ok, clock, compact, presign, send, sign
from world import TRUST_LAMBDA, World, allow, document, error_of, unique

F = "/2015-03-31/functions"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)
UNKNOWN = "The security token included in the request is invalid."
NO_TOKEN = "Missing Authentication Token"
INVALID, UNRECOGNIZED = "InvalidSignatureException", "UnrecognizedClientException"
SECOND = datetime.timedelta(seconds=1)
MINUTE = 60 * SECOND


@pytest.fixture
def base(server):
    return server.base


@pytest.fixture
def root(owner):
    return owner.root.credentials


@pytest.fixture(scope="module")
def policied(owner):
    """A function with a policy, so that a change that slips through would show."""
    name = owner.function()
    body = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
    check_ok(owner.root.wire.add_permission(name, body), 201)
    return name


def listing():
    return Request("GET", f"{F}?MaxItems=1")


def addition(function):
    body = {"StatementId": "new", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    return Request("POST", f"{F}/{function}/policy", compact(body).encode(), {"Content-Type": "application/json"})


def authorization(request, change):
    """`request` with its Authorization header put through `change`."""
    return replace(request, headers=request.headers | {"Authorization": change(request.headers["Authorization"])})


def without(request, *names):
    names = {name.lower() for name in names}
    return replace(request, headers={k: v for k, v in request.headers.items() if k.lower() not in names})


# --- The header form ---------------------------------------------------------------------------------


def test_a_good_signature_is_accepted(base, root):
    check_ok(send(base, sign(base, listing(), root)), 200)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unsigned_request_is_refused(base, policied, method):
    path = {"GET": F, "POST": f"{F}/{policied}/invocations", "DELETE": f"{F}/{policied}"}[method]
    check_error(send(base, Request(method, path)), "MissingAuthenticationTokenException", NO_TOKEN)


def test_a_forged_signature_is_refused(base, root):
    for secret in ("wrong", root.secret + "x", root.secret.swapcase(), " "):
        forged = sign(base, listing(), replace(root, secret=secret))
        check_error(send(base, forged), INVALID, MISMATCH)


def flip(text):
    """The signature with its last digit changed."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


@pytest.mark.parametrize(
    "change",
    [flip, lambda text: text[:-1], lambda text: text + "0", lambda text: re.sub("Signature=.*", "Signature=0", text)],
)
def test_a_signature_that_differs_in_anything_is_refused(base, root, change):
    spoiled = authorization(sign(base, listing(), root), change)
    answer = send(base, spoiled)
    assert (answer.status, answer.code) == (403, INVALID), answer.body


# (what, spoil the signed addition)
SPOILED = [
    ("body changed", lambda r: replace(r, body=r.body.replace(b"s3.", b"ec2."))),
    ("body of the same length changed", lambda r: replace(r, body=r.body.replace(b"s3.", b"s4."))),
    ("body emptied", lambda r: replace(r, body=b"")),
    ("body lengthened", lambda r: replace(r, body=r.body + b" ")),
    ("path changed", lambda r: replace(r, path=r.path.replace("/policy", "x/policy"))),
    ("query added", lambda r: replace(r, path=r.path + "?Qualifier=prod")),
    ("method changed", lambda r: replace(r, method="PUT")),
    ("signed header changed", lambda r: replace(r, headers=r.headers | {"Content-Type": "text/plain"})),
    ("signed header removed", lambda r: without(r, "Content-Type")),
    ("host changed", lambda r: replace(r, headers=r.headers | {"Host": "elsewhere:80"})),
    (
        "region of the scope changed",
        lambda r: authorization(r, lambda text: text.replace("/us-east-1/", "/us-east-1x/")),
    ),
    (
        "a header struck from the list",
        lambda r: authorization(r, lambda text: text.replace("content-type;", "")),
    ),
    (
        "a header listed that is not there",
        lambda r: authorization(r, lambda text: text.replace("host;", "host;x-amz-absent;")),
    ),
]


@pytest.mark.parametrize(("what", "spoil"), SPOILED)
def test_a_request_changed_after_signing_is_refused_and_changes_nothing(owner, base, root, policied, what, spoil):
    before = owner.root.wire.get_policy(policied).body
    request = addition(policied)
    if what == "host changed":
        request.headers["Host"] = base.removeprefix("http://")
    answer = send(base, spoil(sign(base, request, root)))
    assert answer.status == 403, (what, answer.body)
    assert owner.root.wire.get_policy(policied).body == before


BODIES = [spoil for spoil in SPOILED if spoil[0].startswith("body")]


@pytest.mark.parametrize(("what", "spoil"), BODIES)
def test_a_body_that_differs_from_its_signed_hash_is_refused(base, root, policied, what, spoil):
    request = addition(policied)
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(request.body).hexdigest()
    answer = send(base, spoil(sign(base, request, root)))
    assert (answer.status, answer.code) == (403, INVALID), (what, answer.body)


def test_a_header_that_is_not_signed_may_be_added(base, root):
    request = sign(base, listing(), root)
    request.headers["User-Agent"] = "anything at all"
    check_ok(send(base, request), 200)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: replace(r, headers=r.headers | {"Authorization": "AWS4-HMAC-SHA256"}),
        lambda r: replace(r, headers=r.headers | {"Authorization": "AWS4-HMAC-SHA256 nonsense"}),
        lambda r: authorization(r, lambda text: re.sub(r"Credential=[^,]*, ?", "", text)),
        lambda r: authorization(r, lambda text: re.sub(r"SignedHeaders=[^,]*, ?", "", text)),
        lambda r: authorization(r, lambda text: re.sub(r", ?Signature=.*", "", text)),
        lambda r: without(r, "X-Amz-Date"),
    ],
)
def test_an_incomplete_signature_is_refused(base, root, spoil):
    answer = send(base, spoil(sign(base, listing(), root)))
    assert (answer.status, answer.code) == (403, "IncompleteSignatureException"), answer.body


@pytest.mark.parametrize(
    "value", ["", "Basic cm9vdDpyb290", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=, Signature="]
)
def test_any_other_authorization_is_refused(base, value):
    answer = send(base, Request("GET", F, b"", {"Authorization": value}))
    assert answer.status == 403, answer.body
    assert "message" in answer.json


@pytest.mark.parametrize("key", ["AKIANOSUCHKEY0000000", "root", "akiaportcullisroot00", "x"])
def test_an_unknown_key_is_refused(base, root, key):
    check_error(send(base, sign(base, listing(), replace(root, key=key))), UNRECOGNIZED, UNKNOWN)


def test_a_session_needs_its_own_token(owner, base):
    session = owner.session().credentials
    other = owner.session().credentials
    assert send(base, sign(base, listing(), session)).code == "AccessDeniedException"
    for token in (flip(session.token), session.token[:-4], other.token, "nonsense"):
        check_error(send(base, sign(base, listing(), replace(session, token=token))), UNRECOGNIZED, UNKNOWN)
    check_error(send(base, sign(base, listing(), replace(session, token=None))), UNRECOGNIZED, UNKNOWN)
    check_error(send(base, sign(base, listing(), replace(session, secret=other.secret))), INVALID, MISMATCH)


# --- The scope ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["s3", "Lambda", "execute-api"])
def test_a_signature_for_another_service_is_refused(base, root, service):
    answer = send(base, sign(base, listing(), root, service=service))
    check_error(answer, INVALID, "Credential should be scoped to correct service: 'lambda'. ")


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-2", "nowhere"])
def test_a_signature_for_another_region_is_refused(base, root, region):
    answer = send(base, sign(base, listing(), root, region=region))
    check_error(answer, INVALID, f"Credential should be scoped to a valid region, not '{region}'. ")


# --- The clock ---------------------------------------------------------------------------------------

EXPIRED = re.compile(r"Signature expired: (\S+) is now earlier than (\S+) \((\S+) - 5 min\.\)\Z")
EARLY = re.compile(r"Signature not yet current: (\S+) is still later than (\S+) \((\S+) \+ 5 min\.\)\Z")


def instant(text):
    return datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize("offset", [-4 * MINUTE, -30 * SECOND, 30 * SECOND, 4 * MINUTE])
def test_a_clock_within_5_minutes_is_accepted(base, root, offset):
    check_ok(send(base, sign(base, listing(), root, at=offset)), 200)


@pytest.mark.parametrize(
    ("offset", "form", "window"),
    [
        (-6 * MINUTE, EXPIRED, -5 * MINUTE),
        (-30 * 24 * 60 * MINUTE, EXPIRED, -5 * MINUTE),
        (6 * MINUTE, EARLY, 5 * MINUTE),
        (30 * 24 * 60 * MINUTE, EARLY, 5 * MINUTE),
    ],
)
def test_a_clock_that_is_off_is_told_by_how_much(base, root, offset, form, window):
    request = sign(base, listing(), root, at=offset)
    answer = send(base, request)
    text = answer.json["message"]
    check_error(answer, INVALID, text)
    match = form.match(text)
    assert match, text
    signed, bound, now = (instant(part) for part in match.groups())
    assert match[1] == request.headers["X-Amz-Date"]
    assert bound == now + window
    assert abs(now - datetime.datetime.now(datetime.timezone.utc)) < MINUTE
    assert signed < bound if window < 0 * SECOND else signed > bound


# A clock that is two hours late, put before libc's.
LATE = 2 * 60 * MINUTE
LATE_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec -= 7200;
    return result;
}
"""


@pytest.fixture
def late_clock(tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("needs cc, as a linker of Rust does")
    source, library = tmp_path / "late.c", tmp_path / "late.so"
    source.write_text(LATE_CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


def test_a_session_ends(start_server, late_clock):
    """§9.4. No session is shorter than 15 minutes, so one of a server with a late clock outlives its hour."""
    late = start_server(LD_PRELOAD=str(late_clock))
    with clock(-LATE):
        session = World(late).owner.session(allow("lambda:ListFunctions", "*"))
        assert session.boto().list_functions()["Functions"] == []
    late.end()
    base, key = start_server(late.data_dir).base, session.credentials
    text = "The security token included in the request is expired"
    for request in (sign(base, listing(), key), presign(base, listing(), key)):
        check_error(send(base, request), "ExpiredTokenException", text)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    asked = Request("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = send(base, sign(base, asked, key, service="sts"))
    error = ElementTree.fromstring(answer.body).find("{*}Error")
    told = {part: error.find(f"{{*}}{part}").text for part in ("Type", "Code", "Message")}
    assert (answer.status, told) == (403, {"Type": "Sender", "Code": "ExpiredToken", "Message": text})


# --- The query form ----------------------------------------------------------------------------------


def test_a_signature_in_the_query_is_accepted(base, root, policied):
    check_ok(send(base, presign(base, Request("GET", f"{F}/{policied}"), root)), 200)
    answer = send(base, presign(base, Request("GET", f"{F}/{policied}?Qualifier=%24LATEST"), root))
    check_ok(answer, 200)
    assert answer.json["Configuration"]["FunctionArn"].endswith(f"{policied}:$LATEST")


def test_a_session_may_sign_in_the_query(owner, base):
    session = owner.session().credentials
    assert send(base, presign(base, listing(), session)).code == "AccessDeniedException"


def test_a_query_signature_lasts_as_long_as_it_says(base, root):
    check_ok(send(base, presign(base, listing(), root, expires=900, at=-10 * MINUTE)), 200)
    for expires, offset in [(60, -2 * MINUTE), (1, -10 * MINUTE), (600, -11 * MINUTE)]:
        answer = send(base, presign(base, listing(), root, expires=expires, at=offset))
        assert answer.status == 403, answer.body
        assert "message" in answer.json


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"X-Amz-Expires=60", "X-Amz-Expires=61"),
        (r"(X-Amz-Signature=.*)", lambda m: flip(m[1])),
        (r"MaxItems=1", "MaxItems=2"),
        (r"X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
        (r"X-Amz-Date=\d{8}", "X-Amz-Date=20200101"),
        (r"X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none"),
    ],
)
def test_a_changed_query_signature_is_refused(base, root, pattern, replacement):
    request = presign(base, listing(), root)
    path = re.sub(pattern, replacement, request.path)
    assert path != request.path
    answer = send(base, replace(request, path=path))
    assert answer.status == 403, answer.body


def test_a_query_signature_with_a_wrong_secret_or_key_is_refused(base, root):
    check_error(send(base, presign(base, listing(), replace(root, secret="wrong"))), INVALID, MISMATCH)
    unknown = replace(root, key="AKIANOSUCHKEY0000000")
    check_error(send(base, presign(base, listing(), unknown)), UNRECOGNIZED, UNKNOWN)


# --- Identity, as STS tells it -----------------------------------------------------------------------


def identity(caller):
    answer = caller.boto("sts").get_caller_identity()
    return answer["Account"], answer["Arn"], answer["UserId"]


def test_everybody_is_told_who_they_are(owner, other):
    assert identity(owner.root) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    assert identity(other.root) == (other.id, f"arn:aws:iam::{other.id}:root", other.id)
    name = unique("me")
    user = owner.user(name=name)
    account, arn, user_id = identity(user)
    assert (account, arn) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/{name}")
    assert user_id == owner.root.boto("iam").get_user(UserName=name)["User"]["UserId"]
    assert user_id.startswith("AIDA")


def test_a_session_is_told_its_role_and_its_name(owner):
    session = owner.session(name="my-session")
    account, arn, user_id = identity(session)
    assert account == ACCOUNT
    assert arn == session.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{session.role}/my-session"
    role_id = owner.root.boto("iam").get_role(RoleName=session.role)["Role"]["RoleId"]
    assert user_id == f"{role_id}:my-session"
    assert role_id.startswith("AROA")


def test_identity_needs_no_permission(owner):
    user = owner.user()
    assert identity(user)[1] == user.arn


# --- IAM and STS speak XML ---------------------------------------------------------------------------


def query(base, credentials, service, action, sign_it=True):
    body = f"Action={action}&Version={'2010-05-08' if service == 'iam' else '2011-06-15'}".encode()
    request = Request("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    return send(base, sign(base, request, credentials, service=service) if sign_it else request)


@pytest.mark.parametrize(("service", "action"), [("iam", "ListUsers"), ("sts", "GetCallerIdentity")])
@pytest.mark.parametrize(
    "credentials", [Credentials("AKIANOSUCHKEY0000000", "x"), Credentials("AKIAPORTCULLISROOT00", "wrong")]
)
def test_a_refused_signature_is_told_in_xml(base, service, action, credentials):
    answer = query(base, credentials, service, action)
    assert answer.status == 403, answer.body
    error = ElementTree.fromstring(answer.body)
    assert error.tag.rsplit("}", 1)[-1] == "ErrorResponse"
    assert error.find(".//{*}Error/{*}Code").text
    assert error.find(".//{*}Error/{*}Message").text


def test_a_query_call_answers_in_xml(base, root):
    answer = query(base, root, "sts", "GetCallerIdentity")
    assert answer.status == 200, answer.body
    assert "xml" in answer.headers["content-type"]
    assert ElementTree.fromstring(answer.body).find(".//{*}Arn").text == f"arn:aws:iam::{ACCOUNT}:root"


# (call of the IAM client, parameters, code)
IAM_ERRORS = [
    ("get_user", {"UserName": "no-such-user"}, "NoSuchEntity"),
    ("delete_user", {"UserName": "no-such-user"}, "NoSuchEntity"),
    ("create_access_key", {"UserName": "no-such-user"}, "NoSuchEntity"),
    ("put_user_policy", {"UserName": "no-such-user", "PolicyName": "p", "PolicyDocument": document(allow("*", "*"))}, "NoSuchEntity"),
    ("get_user_policy", {"UserName": "{user}", "PolicyName": "none"}, "NoSuchEntity"),
    ("delete_user_policy", {"UserName": "{user}", "PolicyName": "none"}, "NoSuchEntity"),
    ("get_role", {"RoleName": "no-such-role"}, "NoSuchEntity"),
    ("delete_role", {"RoleName": "no-such-role"}, "NoSuchEntity"),
    ("get_role_policy", {"RoleName": "{role}", "PolicyName": "none"}, "NoSuchEntity"),
    ("create_user", {"UserName": "{user}"}, "EntityAlreadyExists"),
    ("create_role", {"RoleName": "{role}", "AssumeRolePolicyDocument": "{trust}"}, "EntityAlreadyExists"),
    ("create_role", {"RoleName": "new", "AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument"),
    ("put_role_policy", {"RoleName": "{role}", "PolicyName": "p", "PolicyDocument": "{"}, "MalformedPolicyDocument"),
]


@pytest.mark.parametrize(("call", "parameters", "code"), IAM_ERRORS)
def test_an_iam_error_has_its_code(owner, call, parameters, code):
    iam = owner.root.boto("iam")
    texts = {
        "{user}": owner.user().arn.rsplit("/", 1)[1],
        "{role}": owner.lambda_role.rsplit("/", 1)[1],
        "{trust}": json.dumps(TRUST_LAMBDA),
    }
    parameters = {name: texts.get(value, value) for name, value in parameters.items()}
    got, message = error_of(getattr(iam, call), **parameters)
    assert got == code
    assert message


def test_identities_are_made_read_listed_and_deleted(owner):
    iam = owner.root.boto("iam")
    user, role = unique("temporary"), unique("temporary")
    policy = document({"Effect": "Allow", "Action": "lambda:*", "Resource": "*"})
    iam.create_user(UserName=user, Path="/team/")
    assert iam.get_user(UserName=user)["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/{user}"
    assert user in [u["UserName"] for page in iam.get_paginator("list_users").paginate() for u in page["Users"]]
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy)
    assert iam.list_user_policies(UserName=user)["PolicyNames"] == ["p"]
    kept = iam.get_user_policy(UserName=user, PolicyName="p")["PolicyDocument"]
    assert kept["Statement"][0]["Action"] == "lambda:*"
    iam.delete_user_policy(UserName=user, PolicyName="p")
    iam.delete_user(UserName=user)
    assert error_of(iam.get_user, UserName=user)[0] == "NoSuchEntity"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))
    assert iam.get_role(RoleName=role)["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/{role}"
    assert role in [r["RoleName"] for page in iam.get_paginator("list_roles").paginate() for r in page["Roles"]]
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy)
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["p"]
    iam.delete_role_policy(RoleName=role, PolicyName="p")
    iam.delete_role(RoleName=role)
    assert error_of(iam.get_role, RoleName=role)[0] == "NoSuchEntity"


def test_a_secret_is_told_once(owner):
    iam = owner.root.boto("iam")
    user = unique("keyed")
    iam.create_user(UserName=user)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    assert (made["UserName"], made["Status"]) == (user, "Active")
    listed = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [made["AccessKeyId"]]
    assert "SecretAccessKey" not in listed[0]
    iam.delete_access_key(UserName=user, AccessKeyId=made["AccessKeyId"])
    assert iam.list_access_keys(UserName=user)["AccessKeyMetadata"] == []
