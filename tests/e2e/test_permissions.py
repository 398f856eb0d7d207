"""AddPermission, GetPolicy and RemovePermission: what is written, what is refused, and who wins.

Everything is compared as bytes: the statement's key order, the error's status, code and body
(facts/aws-lambda.md §1, §2).
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import patterns
import pytest
from server import ACCOUNT, REGION
from wire import (
    NOT_NULL,
    UUID,
    check_envelope,
    check_error,
    check_ok,
    check_validation,
    compact,
    failed,
    longest,
    one_of,
    pattern,
    shortest,
)
from world import unique, wait_updated

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
LIMIT = 20_480
STALE_POLICY = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetPolicy API to retrieve the latest Revision Id"
)
NO_RESOURCE = "The resource you requested does not exist."
MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
NO_LATEST = "We currently do not support adding policies for $LATEST."
BAD_PRINCIPAL = "The provided principal was invalid. Please check the principal and try again."
OTHER_REGION = "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')"
S3 = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
SERVICE = {"Service": "s3.amazonaws.com"}


def grant(sid="s1", **more):
    return {"StatementId": sid, **S3, **more}


def statement(sid, principal, resource, condition=None, action="lambda:InvokeFunction"):
    """A statement in the order in which the service writes it."""
    written = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return written | ({"Condition": condition} if condition else {})


def document(*statements):
    return {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}


def check_written(answer, expected):
    """201 with the statement, as a string of JSON."""
    check_ok(answer, 201)
    check_envelope(answer)
    assert answer.body.decode() == compact({"Statement": compact(expected)})


def check_policy(answer, *statements):
    """200 with exactly these statements in this order; returns the revision."""
    check_ok(answer, 200)
    check_envelope(answer)
    revision = answer.json["RevisionId"]
    assert UUID.match(revision)
    assert answer.body.decode() == compact({"Policy": compact(document(*statements)), "RevisionId": revision})
    return revision


def check_removed(answer):
    check_ok(answer, 204)
    assert answer.body == b""


def check_no_policy(answer):
    check_error(answer, "ResourceNotFoundException", NO_RESOURCE)


def add(wire, function, qualifier=None, **parameters):
    answer = wire.add_permission(function, grant(**parameters), qualifier)
    check_ok(answer, 201)


def revision_of(wire, function, qualifier=None):
    answer = wire.get_policy(function, qualifier)
    check_ok(answer, 200)
    return answer.json["RevisionId"]


# --- Every parameter ---------------------------------------------------------------------------------

TOKEN = "amzn1.ask.skill.xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
BUCKET = "arn:aws:s3:::bucket"
ORG = "o-1234567890"
OWNER_ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}

# (parameters, principal as written, condition as written)
WRITTEN = [
    ({"Principal": "s3.amazonaws.com"}, SERVICE, None),
    ({"Principal": "s3.amazonaws.com", "SourceArn": BUCKET}, SERVICE, {"ArnLike": {"AWS:SourceArn": BUCKET}}),
    (
        {"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::my-bucket-1xpuxmplzrlbh/*"},
        SERVICE,
        {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::my-bucket-1xpuxmplzrlbh/*"}},
    ),
    (
        {"Principal": "events.amazonaws.com", "SourceArn": "arn:aws:events:us-east-1:123456789012:rule/r"},
        {"Service": "events.amazonaws.com"},
        {"ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/r"}},
    ),
    (
        {"Principal": "s3.amazonaws.com", "SourceAccount": ACCOUNT},
        SERVICE,
        {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
    ),
    (
        {"Principal": "s3.amazonaws.com", "SourceArn": BUCKET, "SourceAccount": ACCOUNT},
        SERVICE,
        {"StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": BUCKET}},
    ),
    ({"Principal": "logs.us-east-1.amazonaws.com"}, {"Service": "logs.us-east-1.amazonaws.com"}, None),
    ({"Principal": ACCOUNT}, OWNER_ROOT, None),
    ({"Principal": "223456789012"}, {"AWS": "arn:aws:iam::223456789012:root"}, None),
    ({"Principal": f"arn:aws:iam::{ACCOUNT}:root"}, OWNER_ROOT, None),
    ({"Principal": f"arn:aws:iam::{ACCOUNT}:root", "SourceAccount": ACCOUNT}, OWNER_ROOT,
     {"StringEquals": {"AWS:SourceAccount": ACCOUNT}}),
    ({"Principal": "*"}, "*", None),
    ({"Principal": "*", "SourceAccount": ACCOUNT}, "*", {"StringEquals": {"AWS:SourceAccount": ACCOUNT}}),
    ({"Principal": "*", "PrincipalOrgID": ORG}, "*", {"StringEquals": {"aws:PrincipalOrgID": ORG}}),
    ({"Principal": "*", "EventSourceToken": TOKEN}, "*", {"StringEquals": {"lambda:EventSourceToken": TOKEN}}),
    (
        {"Principal": "events.amazonaws.com", "EventSourceToken": TOKEN, "PrincipalOrgID": ORG},
        {"Service": "events.amazonaws.com"},
        {"StringEquals": {"lambda:EventSourceToken": TOKEN, "aws:PrincipalOrgID": ORG}},
    ),
    (
        {"Principal": "*", "EventSourceToken": TOKEN, "SourceArn": BUCKET, "SourceAccount": ACCOUNT},
        "*",
        {
            "StringEquals": {"AWS:SourceAccount": ACCOUNT, "lambda:EventSourceToken": TOKEN},
            "ArnLike": {"AWS:SourceArn": BUCKET},
        },
    ),
    (
        {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        "*",
        {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    ),
    (
        {"Principal": "223456789012", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"},
        {"AWS": "arn:aws:iam::223456789012:root"},
        {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
    ),
    (
        {
            "Principal": "*",
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionUrlAuthType": "NONE",
            "PrincipalOrgID": ORG,
            "SourceArn": BUCKET,
            "SourceAccount": ACCOUNT,
        },
        "*",
        {
            "StringEquals": {
                "AWS:SourceAccount": ACCOUNT,
                "lambda:FunctionUrlAuthType": "NONE",
                "aws:PrincipalOrgID": ORG,
            },
            "ArnLike": {"AWS:SourceArn": BUCKET},
        },
    ),
    ({"Principal": "*", "InvokedViaFunctionUrl": True}, "*", {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
    ({"Principal": "*", "InvokedViaFunctionUrl": False}, "*", None),
    (
        {"Principal": "*", "InvokedViaFunctionUrl": True, "SourceArn": BUCKET, "SourceAccount": ACCOUNT},
        "*",
        {
            "StringEquals": {"AWS:SourceAccount": ACCOUNT},
            "Bool": {"lambda:InvokedViaFunctionUrl": "true"},
            "ArnLike": {"AWS:SourceArn": BUCKET},
        },
    ),
    ({"Principal": ACCOUNT, "Action": "lambda:*"}, OWNER_ROOT, None),
    ({"Principal": "events.amazonaws.com", "Action": "lambda:*"}, {"Service": "events.amazonaws.com"}, None),
    ({"Principal": ACCOUNT, "Action": "*"}, OWNER_ROOT, None),
    ({"Principal": ACCOUNT, "Action": "lambda:GetFunction"}, OWNER_ROOT, None),
    ({"Principal": ACCOUNT, "Action": "lambda:FooBar"}, OWNER_ROOT, None),
    ({"Principal": "s3.amazonaws.com", "NoSuchParameter": {"deep": [1]}}, SERVICE, None),
]


@pytest.mark.parametrize(("parameters", "principal", "condition"), WRITTEN)
def test_every_parameter_becomes_its_part_of_the_statement(owner, wire, parameters, principal, condition):
    function = owner.function(wait=False)
    body = grant("the-Sid_1", **parameters)
    expected = statement("the-Sid_1", principal, owner.arn(function), condition, body["Action"])
    check_written(wire.add_permission(function, body), expected)
    check_policy(wire.get_policy(function), expected)


def test_a_user_a_role_and_a_session_are_written_verbatim(owner, wire):
    session = owner.session()
    arns = [owner.user().arn, owner.role(path="/team/blue/"), session.arn]
    function = owner.function()
    expected = [statement(f"s{n}", {"AWS": arn}, owner.arn(function)) for n, arn in enumerate(arns)]
    for written, arn in zip(expected, arns, strict=True):
        check_written(wire.add_permission(function, grant(written["Sid"], Principal=arn)), written)
    check_policy(wire.get_policy(function), *expected)


NAMES = ["{name}", "function:{name}", ACCOUNT + ":function:{name}", ARN + ":{name}"]


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("qualifier", [None, "1", "prod"])
@pytest.mark.parametrize("place", ["name", "parameter", "both"])
def test_every_form_of_the_name_addresses_the_same_policy(owner, wire, form, qualifier, place):
    if qualifier is None and place != "name":
        pytest.skip("no qualifier, no place for it")
    name = owner.versioned()
    function = form.format(name=name)
    if qualifier and place in ("name", "both"):
        function = f"{function}:{qualifier}"
    parameter = qualifier if place in ("parameter", "both") else None
    expected = statement("s1", SERVICE, owner.arn(name, qualifier))
    check_written(wire.add_permission(function, grant(), parameter), expected)
    check_policy(wire.get_policy(function, parameter), expected)
    check_policy(wire.get_policy(name, qualifier), expected)
    check_removed(wire.remove_permission(function, "s1", parameter))
    check_no_policy(wire.get_policy(name, qualifier))


def test_an_arn_in_the_path_may_come_raw(owner, wire):
    name = owner.function()
    path = f"/2015-03-31/functions/{owner.arn(name)}/policy"
    expected = statement("s1", SERVICE, owner.arn(name))
    check_written(wire.call("POST", path, body=grant()), expected)
    check_policy(wire.call("GET", path), expected)


# --- Errors of one request ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fixed(owner):
    """A function with version 1, alias `prod`, and one statement `s3` of the function's own."""
    name = owner.versioned()
    add(owner.root.wire, name, sid="s3")
    return name


def entry(value, member, constraint):
    return failed(value, member, constraint)


LONG_SID, LONG_QUALIFIER, LONG_TOKEN = "s" * 101, "q" * 129, "t" * 257

# (changes to a good request, qualifier, entries of the one ValidationException)
INVALID = [
    ({"StatementId": "example.com"}, None, [("example.com", "statementId", pattern(patterns.STATEMENT_ID))]),
    ({"StatementId": LONG_SID}, None, [(LONG_SID, "statementId", longest(100))]),
    ({"StatementId": None}, None, [(None, "statementId", NOT_NULL)]),
    (
        {"StatementId": ""},
        None,
        [("", "statementId", shortest(1)), ("", "statementId", pattern(patterns.STATEMENT_ID))],
    ),
    ({"Action": None}, None, [(None, "action", NOT_NULL)]),
    ({"Action": "lambda:Invoke-It"}, None, [("lambda:Invoke-It", "action", pattern(patterns.ACTION))]),
    ({"Action": "s3:GetObject"}, None, [("s3:GetObject", "action", pattern(patterns.ACTION))]),
    ({"Principal": None}, None, [(None, "principal", NOT_NULL)]),
    ({"Principal": "two words"}, None, [("two words", "principal", pattern(patterns.PRINCIPAL))]),
    ({"SourceArn": "not-an-arn"}, None, [("not-an-arn", "sourceArn", pattern(patterns.SOURCE_ARN))]),
    (
        {"SourceArn": "arn:aws:s3:*::bucket"},
        None,
        [("arn:aws:s3:*::bucket", "sourceArn", pattern(patterns.SOURCE_ARN))],
    ),
    ({"SourceAccount": "12345"}, None, [("12345", "sourceAccount", pattern(patterns.SOURCE_ACCOUNT))]),
    (
        {"SourceAccount": "1234567890123"},
        None,
        [
            ("1234567890123", "sourceAccount", longest(12)),
            ("1234567890123", "sourceAccount", pattern(patterns.SOURCE_ACCOUNT)),
        ],
    ),
    ({"EventSourceToken": "a b"}, None, [("a b", "eventSourceToken", pattern(patterns.EVENT_SOURCE_TOKEN))]),
    ({"EventSourceToken": LONG_TOKEN}, None, [(LONG_TOKEN, "eventSourceToken", longest(256))]),
    (
        {"PrincipalOrgID": "o-ABCDEFGHIJ"},
        None,
        [("o-ABCDEFGHIJ", "principalOrgID", pattern(patterns.ORGANIZATION))],
    ),
    (
        {"PrincipalOrgID": "o-1"},
        None,
        [("o-1", "principalOrgID", shortest(12)), ("o-1", "principalOrgID", pattern(patterns.ORGANIZATION))],
    ),
    ({"FunctionUrlAuthType": "none"}, None, [("none", "functionUrlAuthType", one_of("NONE", "AWS_IAM"))]),
    (
        {},
        "invalid-qualifier-with-?-char",
        [("invalid-qualifier-with-?-char", "qualifier", pattern(patterns.QUALIFIER))],
    ),
    ({}, LONG_QUALIFIER, [(LONG_QUALIFIER, "qualifier", longest(128))]),
    (
        {"StatementId": "a.b", "Action": "no", "SourceAccount": "x"},
        "a b",
        [
            ("a.b", "statementId", pattern(patterns.STATEMENT_ID)),
            ("no", "action", pattern(patterns.ACTION)),
            ("x", "sourceAccount", pattern(patterns.SOURCE_ACCOUNT)),
            ("a b", "qualifier", pattern(patterns.QUALIFIER)),
        ],
    ),
    (
        {"StatementId": None, "Action": None, "Principal": None},
        None,
        [(None, "statementId", NOT_NULL), (None, "action", NOT_NULL), (None, "principal", NOT_NULL)],
    ),
]


@pytest.mark.parametrize(("changes", "qualifier", "entries"), INVALID)
@pytest.mark.parametrize("exists", [True, False])
def test_every_broken_constraint_is_in_one_validation_exception(wire, fixed, changes, qualifier, entries, exists):
    body = {key: value for key, value in (grant("new") | changes).items() if value is not None}
    function = fixed if exists else "doesnotexist"
    check_validation(wire.add_permission(function, body, qualifier), *[failed(*one) for one in entries])


@pytest.mark.parametrize("method", ["add", "get", "remove"])
@pytest.mark.parametrize(
    "name",
    [
        "my-function!",
        "arn:aws:iam::123456789012:user/alice",
        "arn:aws:lambda:nowhere:123456789012:function:f",
        "arn:aws:lambda:us-east-1:1234:function:f",
        "arn:aws:lambda:us-east-1:123456789012:function:f:1:2",
    ],
)
def test_a_name_that_does_not_match_whole_is_refused_with_the_live_pattern(wire, method, name):
    answer = {
        "add": lambda: wire.add_permission(name, grant()),
        "get": lambda: wire.get_policy(name),
        "remove": lambda: wire.remove_permission(name, "s1"),
    }[method]()
    check_validation(answer, failed(name, "functionName", pattern(patterns.GET)))


def test_a_bad_name_and_a_long_qualifier_are_two_errors(wire):
    check_validation(
        wire.get_policy("my-function!", LONG_QUALIFIER),
        failed("my-function!", "functionName", pattern(patterns.GET)),
        failed(LONG_QUALIFIER, "qualifier", longest(128)),
    )


# (function, qualifier, changes to a good request, code, text); `{fn}` is the function that exists.
REFUSED = [
    ("doesnotexist:alias", "42", {}, "InvalidParameterValueException", MISMATCH),
    ("{fn}:prod", "1", {}, "InvalidParameterValueException", MISMATCH),
    ("{fn}:$LATEST", None, {}, "InvalidParameterValueException", NO_LATEST),
    ("{fn}", "$LATEST", {}, "InvalidParameterValueException", NO_LATEST),
    ("doesnotexist", "$LATEST", {}, "InvalidParameterValueException", NO_LATEST),
    ("{fn}", None, {"Principal": "invalid.nonaws.com"}, "InvalidParameterValueException", BAD_PRINCIPAL),
    ("doesnotexist", None, {}, "ResourceNotFoundException", f"Function not found: {ARN}:doesnotexist"),
    ("{fn}", "42", {}, "ResourceNotFoundException", f"Function not found: {ARN}:{{fn}}:42"),
    ("{fn}:42", None, {}, "ResourceNotFoundException", f"Function not found: {ARN}:{{fn}}:42"),
    (
        "{fn}",
        "alias-doesnotexist",
        {},
        "ResourceNotFoundException",
        f"Cannot find alias arn: {ARN}:{{fn}}:alias-doesnotexist",
    ),
    (
        "{fn}",
        "valid-with-$-but-doesnotexist",
        {},
        "ResourceNotFoundException",
        f"Function not found: {ARN}:{{fn}}:valid-with-$-but-doesnotexist",
    ),
    (
        f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{{fn}}",
        None,
        {},
        "ResourceNotFoundException",
        OTHER_REGION,
    ),
    (
        "{fn}",
        None,
        {"StatementId": "s3"},
        "ResourceConflictException",
        "The statement id (s3) provided already exists. "
        "Please provide a new statement id, or remove the existing statement.",
    ),
    ("{fn}", None, {"RevisionId": "wrong"}, "PreconditionFailedException", STALE_POLICY),
    ("{fn}", "prod", {"RevisionId": "wrong"}, "PreconditionFailedException", STALE_POLICY),
    ("{fn}", "1", {"RevisionId": "wrong"}, "PreconditionFailedException", STALE_POLICY),
    (
        "{fn}",
        None,
        {"FunctionUrlAuthType": "NONE"},
        "InvalidParameterValueException",
        "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
    ),
    (
        "{fn}",
        None,
        {"Action": "lambda:*", "FunctionUrlAuthType": "AWS_IAM"},
        "InvalidParameterValueException",
        "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
    ),
    (
        "{fn}",
        None,
        {"Action": "lambda:InvokeFunctionUrl", "InvokedViaFunctionUrl": True},
        "InvalidParameterValueException",
        "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action",
    ),
    # The order of the checks: revision, then statement id, then principal.
    (
        "{fn}",
        None,
        {"StatementId": "s3", "RevisionId": "wrong"},
        "PreconditionFailedException",
        STALE_POLICY,
    ),
    (
        "{fn}",
        None,
        {"StatementId": "s3", "Principal": "invalid.nonaws.com"},
        "ResourceConflictException",
        "The statement id (s3) provided already exists. "
        "Please provide a new statement id, or remove the existing statement.",
    ),
]


@pytest.mark.parametrize(("function", "qualifier", "changes", "code", "text"), REFUSED)
def test_a_refused_addition_has_its_exact_answer_and_changes_nothing(
    owner, wire, fixed, function, qualifier, changes, code, text
):
    before = wire.get_policy(fixed).body
    body = grant("new") | changes
    check_error(wire.add_permission(function.format(fn=fixed), body, qualifier), code, text.format(fn=fixed))
    assert wire.get_policy(fixed).body == before
    check_no_policy(wire.get_policy(fixed, "prod"))
    check_no_policy(wire.get_policy(fixed, "1"))


def test_the_precondition_answer_is_the_recorded_149_bytes(wire, fixed):
    answer = wire.add_permission(fixed, grant("new", RevisionId="wrong"))
    check_error(answer, "PreconditionFailedException", STALE_POLICY)
    assert answer.headers["content-length"] == "149"


def test_an_identical_request_repeated_is_a_conflict(owner, wire):
    function = owner.function(wait=False)
    assert wire.add_permission(function, grant()).status == 201
    assert wire.add_permission(function, grant()).status == 409


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"StatementId":"a"', b"nul"])
def test_a_body_that_is_not_a_json_object_is_a_400_and_changes_nothing(wire, fixed, body):
    before = wire.get_policy(fixed).body
    answer = wire.call("POST", f"/2015-03-31/functions/{fixed}/policy", body=body)
    assert answer.status == 400, answer
    assert answer.code != "", answer
    assert wire.get_policy(fixed).body == before


# --- The size ----------------------------------------------------------------------------------------


def padded(function, size, statements):
    """A grant whose statement makes the policy exactly `size` bytes."""

    def written(source):
        return statement("last", SERVICE, function, {"ArnLike": {"AWS:SourceArn": source}})

    empty = len(compact(document(*statements, written("arn:aws:s3:::"))))
    source = "arn:aws:s3:::" + "x" * (size - empty)
    return grant("last", SourceArn=source), written(source)


def test_a_policy_may_have_exactly_20480_bytes_and_not_one_more(owner, wire):
    function = owner.function(wait=False)
    arn = owner.arn(function)
    written = []
    for number in range(19):
        source = f"arn:aws:s3:::{'b' * 800}{number}"
        body = grant(f"s{number}", SourceArn=source)
        written.append(statement(f"s{number}", SERVICE, arn, {"ArnLike": {"AWS:SourceArn": source}}))
        check_written(wire.add_permission(function, body), written[-1])
    before = wire.get_policy(function).body
    too_big, _ = padded(arn, LIMIT + 1, written)
    check_error(
        wire.add_permission(function, too_big),
        "PolicyLengthExceededException",
        f"The final policy size ({LIMIT + 1}) is bigger than the limit ({LIMIT}).",
    )
    assert wire.get_policy(function).body == before
    fits, last = padded(arn, LIMIT, written)
    check_written(wire.add_permission(function, fits), last)
    check_policy(wire.get_policy(function), *written, last)
    check_removed(wire.remove_permission(function, "s0"))
    add(wire, function, sid="again")


def test_the_limit_is_each_resources_own(owner, wire):
    function = owner.versioned()
    for qualifier in (None, "1", "prod"):
        for number in range(20):
            add(wire, function, qualifier, sid=f"s{number}", SourceArn=f"arn:aws:s3:::{'b' * 600}")


# --- GetPolicy ---------------------------------------------------------------------------------------


def test_statements_come_in_the_order_of_their_addition(owner, wire):
    function = owner.function(wait=False)
    arn = owner.arn(function)
    for sid in ("b", "a", "c"):
        add(wire, function, sid=sid)
    check_policy(wire.get_policy(function), *[statement(sid, SERVICE, arn) for sid in "bac"])
    check_removed(wire.remove_permission(function, "a"))
    check_policy(wire.get_policy(function), *[statement(sid, SERVICE, arn) for sid in "bc"])
    add(wire, function, sid="a")
    check_policy(wire.get_policy(function), *[statement(sid, SERVICE, arn) for sid in "bca"])


# (function, qualifier, code, text)
NO_POLICY = [
    ("doesnotexist", None, "ResourceNotFoundException", NO_RESOURCE),
    ("doesnotexist", "1", "ResourceNotFoundException", NO_RESOURCE),
    ("{fn}", "42", "ResourceNotFoundException", NO_RESOURCE),
    ("{fn}", "no-alias", "ResourceNotFoundException", NO_RESOURCE),
    ("{fn}", "1", "ResourceNotFoundException", NO_RESOURCE),
    ("{fn}", "prod", "ResourceNotFoundException", NO_RESOURCE),
    ("{fn}", "$LATEST", "ResourceNotFoundException", NO_RESOURCE),
    ("{fn}:prod", "1", "InvalidParameterValueException", MISMATCH),
    (f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{{fn}}", None, "ResourceNotFoundException", OTHER_REGION),
]


@pytest.mark.parametrize(("function", "qualifier", "code", "text"), NO_POLICY)
def test_a_policy_that_is_not_there_has_its_exact_answer(wire, fixed, function, qualifier, code, text):
    check_error(wire.get_policy(function.format(fn=fixed), qualifier), code, text)


def test_a_function_without_a_policy_and_one_that_lost_its_last_statement_answer_alike(owner, wire):
    function = owner.function(wait=False)
    check_no_policy(wire.get_policy(function))
    add(wire, function)
    check_removed(wire.remove_permission(function, "s1"))
    check_no_policy(wire.get_policy(function))


# --- RemovePermission --------------------------------------------------------------------------------

# (function, statement id, qualifier, code, text)
NOT_REMOVED = [
    ("doesnotexist", "s3", None, "ResourceNotFoundException", f"No policy found for: {ARN}:doesnotexist"),
    ("{fn}", "s3", "42", "ResourceNotFoundException", f"No policy found for: {ARN}:{{fn}}:42"),
    ("{fn}", "s3", "no-alias", "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:{{fn}}:no-alias"),
    ("{fn}", "s3", "prod", "ResourceNotFoundException", "No policy is associated with the given resource."),
    ("{fn}", "s3", "1", "ResourceNotFoundException", "No policy is associated with the given resource."),
    (
        "{fn}",
        "non-existent",
        None,
        "ResourceNotFoundException",
        "Statement non-existent is not found in resource policy.",
    ),
    (
        "{fn}",
        "non.existent",
        None,
        "ResourceNotFoundException",
        "Statement non.existent is not found in resource policy.",
    ),
    ("{fn}:prod", "s3", "1", "InvalidParameterValueException", MISMATCH),
    (
        f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{{fn}}",
        "s3",
        None,
        "ResourceNotFoundException",
        OTHER_REGION,
    ),
]


@pytest.mark.parametrize(("function", "sid", "qualifier", "code", "text"), NOT_REMOVED)
def test_a_refused_removal_has_its_exact_answer_and_changes_nothing(
    wire, fixed, function, sid, qualifier, code, text
):
    before = wire.get_policy(fixed).body
    answer = wire.remove_permission(function.format(fn=fixed), sid, qualifier)
    check_error(answer, code, text.format(fn=fixed))
    assert wire.get_policy(fixed).body == before


@pytest.mark.parametrize(
    ("sid", "entries"),
    [
        ("bad$sid", [pattern(patterns.STATEMENT_ID_IN_PATH)]),
        ("two words", [pattern(patterns.STATEMENT_ID_IN_PATH)]),
        (LONG_SID, [longest(100)]),
    ],
)
def test_a_bad_statement_id_in_the_path_is_a_validation_exception(wire, fixed, sid, entries):
    check_validation(wire.remove_permission(fixed, sid), *[failed(sid, "statementId", one) for one in entries])


def test_a_removal_keeps_to_its_revision(owner, wire):
    function = owner.function(wait=False)
    add(wire, function, sid="a")
    old = revision_of(wire, function)
    add(wire, function, sid="b")
    for stale in ("wrong", old):
        check_error(
            wire.remove_permission(function, "a", revision=stale), "PreconditionFailedException", STALE_POLICY
        )
    check_removed(wire.remove_permission(function, "a", revision=revision_of(wire, function)))
    check_policy(wire.get_policy(function), statement("b", SERVICE, owner.arn(function)))


# --- Revisions ---------------------------------------------------------------------------------------


def test_every_change_of_a_policy_changes_its_revision_and_a_failed_one_does_not(owner, wire):
    function = owner.function()
    add(wire, function, sid="a")
    seen = [revision_of(wire, function)]
    add(wire, function, sid="b")
    seen.append(revision_of(wire, function))
    assert wire.add_permission(function, grant("b")).status == 409
    assert wire.add_permission(function, grant("c", RevisionId="wrong")).status == 412
    assert wire.add_permission(function, grant("c", Principal="invalid.nonaws.com")).status == 400
    assert wire.remove_permission(function, "no-such").status == 404
    assert revision_of(wire, function) == seen[-1]
    check_removed(wire.remove_permission(function, "a"))
    seen.append(revision_of(wire, function))
    assert len(set(seen)) == 3, seen


def test_the_revision_of_a_policy_is_not_that_of_its_resource(owner, wire):
    function = owner.versioned()
    client = owner.root.boto()

    def resources():
        return (
            client.get_function_configuration(FunctionName=function)["RevisionId"],
            client.get_function_configuration(FunctionName=function, Qualifier="1")["RevisionId"],
            client.get_alias(FunctionName=function, Name="prod")["RevisionId"],
        )

    before = resources()
    policies = set()
    for qualifier in (None, "1", "prod"):
        add(wire, function, qualifier)
        policies.add(revision_of(wire, function, qualifier))
    assert resources() == before
    assert len(policies) == 3
    assert not policies & set(before)
    for qualifier in (None, "1", "prod"):
        check_removed(wire.remove_permission(function, "s1", qualifier))
    assert resources() == before


def test_publishing_changes_the_functions_revision_and_not_the_policys(owner, wire):
    function = owner.function()
    client = owner.root.boto()
    add(wire, function)
    policy = revision_of(wire, function)
    before = client.get_function_configuration(FunctionName=function)["RevisionId"]
    client.publish_version(FunctionName=function)
    assert client.get_function_configuration(FunctionName=function)["RevisionId"] != before
    assert revision_of(wire, function) == policy


def test_a_change_on_a_version_or_an_alias_leaves_the_other_policies_revisions(owner, wire):
    function = owner.versioned()
    add(wire, function)
    policy = revision_of(wire, function)
    for qualifier in ("1", "prod"):
        add(wire, function, qualifier)
        assert revision_of(wire, function) == policy
        check_removed(wire.remove_permission(function, "s1", qualifier))
        assert revision_of(wire, function) == policy


def test_an_addition_keeps_to_the_policys_revision(owner, wire):
    function = owner.function()
    add(wire, function, sid="a")
    old = revision_of(wire, function)
    add(wire, function, sid="b", RevisionId=old)
    own = owner.root.boto().get_function_configuration(FunctionName=function)["RevisionId"]
    for stale in (old, own, "wrong"):
        check_error(
            wire.add_permission(function, grant("c", RevisionId=stale)),
            "PreconditionFailedException",
            STALE_POLICY,
        )
    add(wire, function, sid="c", RevisionId=revision_of(wire, function))


def test_the_first_addition_takes_the_resources_own_revision(owner, wire):
    function = owner.versioned()
    client = owner.root.boto()
    own = {
        None: client.get_function_configuration(FunctionName=function)["RevisionId"],
        "1": client.get_function_configuration(FunctionName=function, Qualifier="1")["RevisionId"],
        "prod": client.get_alias(FunctionName=function, Name="prod")["RevisionId"],
    }
    for qualifier, revision in own.items():
        answer = wire.add_permission(function, grant(RevisionId="wrong"), qualifier)
        check_error(answer, "PreconditionFailedException", STALE_POLICY)
        add(wire, function, qualifier, RevisionId=revision)


# --- Resources apart ---------------------------------------------------------------------------------


def test_a_function_a_version_and_an_alias_have_policies_of_their_own(owner, wire):
    function = owner.versioned()
    expected = {}
    for qualifier in (None, "1", "prod"):
        expected[qualifier] = statement("same", SERVICE, owner.arn(function, qualifier))
        check_written(wire.add_permission(function, grant("same"), qualifier), expected[qualifier])
    for qualifier in (None, "1", "prod"):
        check_policy(wire.get_policy(function, qualifier), expected[qualifier])
    for qualifier in ("1", None, "prod"):
        check_removed(wire.remove_permission(function, "same", qualifier))
        check_no_policy(wire.get_policy(function, qualifier))
        del expected[qualifier]
        for left, only in expected.items():
            check_policy(wire.get_policy(function, left), only)


def test_a_version_does_not_inherit_the_functions_policy(owner, wire):
    function = owner.function()
    add(wire, function)
    client = owner.root.boto()
    client.publish_version(FunctionName=function)
    client.create_alias(FunctionName=function, Name="prod", FunctionVersion="1")
    check_no_policy(wire.get_policy(function, "1"))
    check_no_policy(wire.get_policy(function, "prod"))


def test_a_function_made_again_starts_without_a_policy(owner, wire):
    function = owner.versioned()
    for qualifier in (None, "1", "prod"):
        add(wire, function, qualifier)
    client = owner.root.boto()
    client.delete_function(FunctionName=function)
    for qualifier in (None, "1", "prod"):
        check_no_policy(wire.get_policy(function, qualifier))
    assert owner.versioned(name=function) == function
    for qualifier in (None, "1", "prod"):
        check_no_policy(wire.get_policy(function, qualifier))


def test_an_alias_made_again_starts_without_a_policy(owner, wire):
    function = owner.versioned()
    client = owner.root.boto()
    add(wire, function)
    add(wire, function, "prod")
    client.delete_alias(FunctionName=function, Name="prod")
    client.create_alias(FunctionName=function, Name="prod", FunctionVersion="1")
    check_no_policy(wire.get_policy(function, "prod"))
    check_policy(wire.get_policy(function), statement("s1", SERVICE, owner.arn(function)))


def test_a_deleted_version_takes_its_policy_along(owner, wire):
    function = owner.function()
    client = owner.root.boto()
    client.publish_version(FunctionName=function)
    add(wire, function)
    add(wire, function, "1")
    client.delete_function(FunctionName=function, Qualifier="1")
    check_no_policy(wire.get_policy(function, "1"))
    check_policy(wire.get_policy(function), statement("s1", SERVICE, owner.arn(function)))


def test_a_policy_stays_through_an_update_of_the_function(owner, wire):
    function = owner.function()
    add(wire, function)
    before = wire.get_policy(function).body
    client = owner.root.boto()
    client.update_function_configuration(FunctionName=function, Description="new")
    wait_updated(client, function)
    assert wire.get_policy(function).body == before


# --- Concurrency -------------------------------------------------------------------------------------


def at_once(calls):
    """The answers to `calls`, all sent at the same moment."""
    barrier = threading.Barrier(len(calls))

    def one(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


@pytest.mark.parametrize("round_", range(3))
def test_of_concurrent_additions_with_one_revision_exactly_one_wins(owner, wire, round_):
    function = owner.function(wait=False)
    add(wire, function, sid="first")
    revision = revision_of(wire, function)
    bodies = [grant(f"s{n}", RevisionId=revision) for n in range(16)]
    answers = at_once([lambda body=body: wire.add_permission(function, body) for body in bodies])
    assert sorted(answer.status for answer in answers) == [201] + [412] * 15
    winner = next(body["StatementId"] for body, answer in zip(bodies, answers, strict=True) if answer.status == 201)
    arn = owner.arn(function)
    check_policy(wire.get_policy(function), statement("first", SERVICE, arn), statement(winner, SERVICE, arn))


def test_concurrent_additions_with_distinct_ids_are_all_there(owner, wire):
    function = owner.function(wait=False)
    sids = [f"s{n}" for n in range(40)]
    answers = at_once([lambda sid=sid: wire.add_permission(function, grant(sid)) for sid in sids])
    assert [answer.status for answer in answers] == [201] * len(sids)
    policy = wire.get_policy(function).json["Policy"]
    for sid in sids:
        assert compact(statement(sid, SERVICE, owner.arn(function))) in policy
    assert policy.count('"Sid"') == len(sids)


def test_of_concurrent_additions_with_one_id_exactly_one_wins(owner, wire):
    function = owner.function(wait=False)
    answers = at_once([lambda: wire.add_permission(function, grant("same"))] * 16)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 15
    check_policy(wire.get_policy(function), statement("same", SERVICE, owner.arn(function)))


def test_concurrent_removals_of_one_statement_succeed_once(owner, wire):
    function = owner.function(wait=False)
    add(wire, function, sid="keep")
    add(wire, function, sid="gone")
    answers = at_once([lambda: wire.remove_permission(function, "gone")] * 8)
    assert sorted(answer.status for answer in answers) == [204] + [404] * 7
    check_policy(wire.get_policy(function), statement("keep", SERVICE, owner.arn(function)))


def test_a_write_is_read_at_once_by_every_connection(owner, wire):
    function = owner.function(wait=False)
    for number in range(20):
        add(wire, function, sid=f"s{number}")
        policies = at_once([lambda: wire.get_policy(function).json["Policy"]] * 4)
        assert all(f'"Sid":"s{number}"' in policy for policy in policies)


def test_deletion_and_addition_at_once_leave_no_grant_on_a_function_made_again(owner, wire):
    name = unique("reborn")
    for _ in range(5):
        owner.function(name=name)
        client = owner.root.boto()
        at_once(
            [lambda: client.delete_function(FunctionName=name)]
            + [lambda n=n: wire.add_permission(name, grant(f"s{n}")) for n in range(6)]
        )
        owner.function(name=name)
        check_no_policy(wire.get_policy(name))
        client.delete_function(FunctionName=name)
