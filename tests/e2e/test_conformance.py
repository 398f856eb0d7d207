"""What the rules say for cases that no recording has: the edges of the fact sheet, one row each.

Rows are built from the rules of facts/aws-lambda.md (§ numbers below), not from its examples.
"""

import base64
import socket
from urllib.parse import urlsplit

import patterns
import pytest
from botocore.exceptions import ClientError
from server import ACCOUNT, REGION
from wire import (
    Credentials,
    Request,
    check_error,
    check_ok,
    check_validation,
    compact,
    failed,
    longest,
    pattern,
    segment,
    sign,
)
from world import access_key, boto, unique

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
F, TAGS = "/2015-03-31/functions", "/2017-03-31/tags"
IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
NOT_JSON = "InvalidRequestContentException"


@pytest.fixture(scope="module")
def fixed(owner):
    """A function with version 1, alias `prod`, and one statement `s` on each of the three."""
    name = owner.versioned()
    for qualifier in (None, "1", "prod"):
        check_ok(owner.root.wire.add_permission(name, grant("s"), qualifier), 201)
    return name


def grant(sid, **more):
    return {"StatementId": sid, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", **more}


# --- Names: every form in every operation ------------------------------------------------------------

FORMS = [
    "{fn}",
    "function:{fn}",
    f"{ACCOUNT}:{{fn}}",
    f"{ACCOUNT}:function:{{fn}}",
    f"{REGION}:{{fn}}",
    f"{REGION}:{ACCOUNT}:function:{{fn}}",
    f"{ARN}:{{fn}}",
    f"arn::lambda:{REGION}:{ACCOUNT}:function:{{fn}}",
]
READS = [
    ("/policy", True),
    ("/configuration", True),
    ("", True),
    ("/versions", False),
    ("/aliases", False),
    ("/aliases/prod", False),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("path", "qualified"), READS)
def test_every_form_of_a_name_reads_the_same_encoded_or_raw(wire, fixed, form, path, qualified):
    name = form.format(fn=fixed)
    for qualifier in ("", ":1", ":prod") if qualified else ("",):
        wanted = wire.call("GET", f"{F}/{fixed}{path}", {"Qualifier": qualifier[1:] or None})
        check_ok(wanted, 200)
        for text in (name + qualifier, segment(name + qualifier), segment(name + qualifier).lower()):
            got = wire.call("GET", f"{F}/{text}{path}")
            check_ok(got, 200)
            assert without_link(got.json) == without_link(wanted.json), text
        same = wire.call("GET", f"{F}/{segment(name + qualifier)}{path}", {"Qualifier": qualifier[1:] or None})
        check_ok(same, 200)


def without_link(answer):
    """The link of GetFunction is signed anew each time."""
    answer.get("Code", {}).pop("Location", None)
    return answer


@pytest.mark.parametrize("path", ["", "/policy", "/versions", "/aliases", "/configuration"])
def test_a_slash_at_the_end_changes_nothing(wire, fixed, path):
    """Older SDKs send it."""
    plain, slashed = (wire.call("GET", f"{F}/{fixed}{path}{end}") for end in ("", "/"))
    check_ok(slashed, 200)
    assert without_link(slashed.json) == without_link(plain.json)


@pytest.mark.parametrize(
    "name", ["{fn}%0A", "{fn}%20", "%20{fn}", "{fn}%00", "{fn}%3A", "{fn}%3A%24LATEST%3A1", "%C3%A9"]
)
def test_a_name_is_matched_whole(wire, fixed, name):
    answer = wire.call("GET", f"{F}/{name.format(fn=fixed)}/policy")
    assert (answer.status, answer.code) == (400, "ValidationException"), answer
    assert answer.json["message"].endswith(pattern(patterns.GET))


def test_a_name_at_its_limit_is_looked_up_and_one_over_is_not(wire):
    check_error(wire.get_policy("a" * 256), RNF, "The resource you requested does not exist.")
    check_validation(wire.get_policy("a" * 257), failed("a" * 257, "functionName", longest(256)))
    name = "a" * 140
    path = f"{F}/{{}}/code"
    body = {"ZipFile": base64.b64encode(b"x").decode()}
    check_error(wire.call("PUT", path.format("a" * 139), body={}), IPV, "Please provide a source for function code.")
    check_validation(
        wire.call("PUT", path.format(name + "a"), body=body), failed(name + "a", "functionName", longest(140))
    )


# --- RemovePermission and $LATEST (§2.2: a resource without a policy) --------------------------------


@pytest.mark.parametrize(
    ("function", "qualifier", "text"),
    [
        ("{fn}", "$LATEST", "No policy is associated with the given resource."),
        ("{fn}:$LATEST", None, "No policy is associated with the given resource."),
        ("doesnotexist", "$LATEST", f"No policy found for: {ARN}:doesnotexist"),
        ("doesnotexist", "1", f"No policy found for: {ARN}:doesnotexist"),
    ],
)
def test_there_is_nothing_to_remove_from_latest(wire, fixed, function, qualifier, text):
    check_error(wire.remove_permission(function.format(fn=fixed), "s", qualifier), RNF, text)


# --- Bodies (§1.3, §8.3) -----------------------------------------------------------------------------

NOT_UTF8 = [b'{"a":"\xff"}', b'"\xc3\x28"', b'"\xed\xa0\x80"', b"\xff\xfe{\x00}\x00"]


@pytest.mark.parametrize("event", NOT_UTF8)
def test_an_event_that_is_not_utf8_does_not_reach_the_function(wire, fixed, event):
    answer = wire.invoke(fixed, event)
    check_error(answer, NOT_JSON, answer.json["message"])
    assert answer.json["message"].startswith("Could not parse request body into json: ")


@pytest.mark.parametrize("member", ["StatementId", "Unknown"])
def test_a_body_that_is_not_utf8_is_refused_also_where_it_is_skipped(wire, fixed, member):
    body = compact(grant("new") | {member: "@"}).encode().replace(b"@", b"\xff")
    answer = wire.call("POST", f"{F}/{fixed}/policy", body=body)
    check_error(answer, NOT_JSON, answer.json["message"])


@pytest.mark.parametrize("count", [128, 129])
def test_a_length_is_counted_as_java_does(owner, wire, count):
    """Two UTF-16 units for a character outside the basic plane, in validation and domain alike."""
    text = "\U0001f600" * count
    body = {"Name": "a", "FunctionVersion": "1", "Description": text}
    answer = wire.call("POST", f"{F}/{owner.versioned()}/aliases", body=body)
    if count == 128:
        check_ok(answer, 201)
        assert answer.json["Description"] == text
    else:
        check_validation(answer, failed(text, "description", longest(256)))


def test_null_and_unknown_members_are_none(owner, wire):
    name = owner.function()
    body = grant("s") | {"SourceArn": None, "RevisionId": None, "FunctionName": "other", "Qualifier": "7", "New": [{}]}
    answer = wire.call("POST", f"{F}/{name}/policy", body=body)
    check_ok(answer, 201)
    assert "Condition" not in answer.json["Statement"]
    assert f'"Resource":"{ARN}:{name}"' in answer.json["Statement"]


# --- Client context (§8.1: at most 3583 bytes) -------------------------------------------------------


def context(size):
    """Base64 of a JSON object, `size` characters long; a multiple of four."""
    filler = size // 4 * 3 - len('{"custom":{"a":""}}')
    return base64.b64encode(b'{"custom":{"a":"%s"}}' % (b"x" * filler)).decode()


@pytest.mark.usefixtures("warm")
def test_a_client_context_has_a_limit(wire, fixed):
    for size, status in ((3580, 200), (3584, 400)):
        assert len(context(size)) == size
        answer = wire.invoke(fixed, b"{}", headers={"X-Amz-Client-Context": context(size)})
        assert answer.status == status, answer
    check_error(answer, NOT_JSON, "Client context must be no more than 3583 bytes.")


@pytest.mark.parametrize("given", ["!", base64.b64encode(b"text").decode(), base64.b64encode(b"[]").decode()])
def test_a_client_context_is_a_json_object(wire, fixed, given):
    answer = wire.invoke(fixed, b"{}", headers={"X-Amz-Client-Context": given})
    check_error(answer, NOT_JSON, "Client context must be a valid Base64-encoded JSON object.")


# --- Tags on what is not a function (§4.6) -----------------------------------------------------------

ELSEWHERE = [
    ("Event source mapping", "event-source-mapping:12345678-1234-1234-1234-123456789abc"),
    ("Capacity provider", "capacity-provider:of-none"),
]


@pytest.mark.parametrize(("kind", "resource"), ELSEWHERE)
@pytest.mark.parametrize(
    ("operation", "method", "query", "body"),
    [
        ("ListTags", "GET", None, b""),
        ("TagResource", "POST", None, {"Tags": {"a": "b"}}),
        ("UntagResource", "DELETE", {"tagKeys": "a"}, b""),
    ],
)
def test_tags_of_what_does_not_exist_are_not_found(owner, wire, kind, resource, operation, method, query, body):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:{resource}"
    check_error(wire.call(method, f"{TAGS}/{segment(arn)}", query, body), RNF, f"{kind} not found: {arn}")
    stranger = owner.user()
    denied = stranger.wire.call(method, f"{TAGS}/{segment(arn)}", query, body)
    text = (
        f"User: {stranger.arn} is not authorized to perform: lambda:{operation} on resource: {arn} "
        f"because no identity-based policy allows the lambda:{operation} action"
    )
    check_error(denied, "AccessDeniedException", text)


# --- HTTP as clients send it -------------------------------------------------------------------------


def raw(base, request, *lines, body=None, spell=str):
    """One request as bytes with extra header lines; the whole answer."""
    url = urlsplit(base)
    head = [f"{request.method} {request.path} HTTP/1.1"]
    headers = {"Host": url.netloc, "Connection": "close"} | request.headers
    head += [f"{spell(name)}: {value}" for name, value in headers.items()] + list(lines)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + (request.body if body is None else body))
        parts = iter(lambda: connection.recv(65536), b"")
        return b"".join(parts)


def chunked(body):
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_body_may_come_in_chunks(owner, server):
    name = owner.function()
    body = compact(grant("chunks")).encode()
    request = sign(server.base, Request("POST", f"{F}/{name}/policy", body), owner.root.credentials)
    answer = raw(server.base, request, "Transfer-Encoding: chunked", body=chunked(body))
    assert answer.startswith(b"HTTP/1.1 201 "), answer
    assert "chunks" in owner.root.wire.get_policy(name).json["Policy"]


@pytest.mark.parametrize("spell", [str.upper, str.lower, str.title])
def test_header_names_have_no_case(owner, server, fixed, spell):
    request = sign(server.base, Request("GET", f"{F}/{fixed}/policy"), owner.root.credentials)
    assert raw(server.base, request, spell=spell).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_waits_to_send_its_body_is_told_to_go_on_or_refused(owner, server):
    name = owner.function()
    body = compact(grant("waited")).encode()
    url = urlsplit(server.base)
    signed = sign(server.base, Request("POST", f"{F}/{name}/policy", body), owner.root.credentials)
    for known, first in ((True, b"HTTP/1.1 100 "), (False, b"HTTP/1.1 403 ")):
        headers = dict(signed.headers)
        if not known:
            headers["Authorization"] = headers["Authorization"].replace("Credential=", "Credential=X")
        lines = [f"POST {signed.path} HTTP/1.1", f"Host: {url.netloc}", "Expect: 100-continue"]
        lines += [f"Content-Length: {len(body)}"] + [f"{key}: {value}" for key, value in headers.items()]
        with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
            assert connection.recv(65536).startswith(first)
            if known:
                connection.sendall(body)
                assert connection.recv(65536).startswith(b"HTTP/1.1 201 ")


# --- Keys that the operator makes --------------------------------------------------------------------


def test_the_operator_can_always_make_another_key(server):
    """Only IAM counts to two: who lost both secrets of a root would be locked out for ever."""
    for arguments in (("--root", "--account-id", "777456789012"), ("--service", "sns.amazonaws.com")):
        keys = [access_key(server, *arguments) for _ in range(4)]
        for key in keys:
            boto(server.base, "sts", key).get_caller_identity()
    root = boto(server.base, "iam", access_key(server, "--root", "--account-id", "777456789012"))
    with pytest.raises(ClientError) as refused:
        root.create_access_key()
    assert refused.value.response["Error"]["Code"] == "LimitExceeded"


def test_given_root_credentials_may_be_short(start_server):
    short = Credentials("test", "test")
    server = start_server(root=short)
    identity = boto(server.base, "sts", short).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert "short enough to be guessed" in server.output()


def test_every_waiter_of_boto3_ends(owner):
    client, name = owner.root.boto(), owner.versioned(name=unique("waited"))
    for waiter in client.waiter_names:
        more = {"Qualifier": "1"} if "version" in waiter else {}
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 3}, **more)
