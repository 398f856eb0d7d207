"""Who may call: every kind of caller against every kind of grant, decided over the wire.

A row is a story: what the function's policy says, who calls, and the exact answer (facts/aws-lambda.md §9,
facts/iam.md §7). Most rows ask with DryRun, which decides without running; a few really run.
"""

import json

import pytest
from botocore.exceptions import ClientError
from server import ACCOUNT, REGION
from wire import Request, check_error, check_ok, compact, failed, pattern, send, sign, with_query
from world import RAN, RUNTIME, allow, deny, document, error_of, trusting, unique

import patterns

INVOKE = "lambda:InvokeFunction"
SOURCE = "arn:aws:s3:::my-bucket/*"
FROM_BUCKET = {"x-amz-source-arn": "arn:aws:s3:::my-bucket/photo.jpg", "x-amz-source-account": ACCOUNT}
TOKEN = "amzn1.ask.skill.0123"


def because(side, action=INVOKE):
    return f"because no {side} policy allows the {action} action"


IDENTITY, RESOURCE = "identity-based", "resource-based"


def denial(arn, resource, reason, action=INVOKE):
    return f"User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}"


def check_allowed(caller, function, qualifier=None, headers=None):
    """The call is allowed, and really reaches the function's doorstep: 204, empty."""
    answer = caller.wire.dry_run(function, qualifier, headers)
    check_ok(answer, 204)
    assert answer.body == b""


def check_denied(caller, function, side, qualifier=None, headers=None, resource=None):
    """403 with the exact text; `side` is the policy type that lacks an allow."""
    answer = caller.wire.dry_run(function, qualifier, headers)
    resource = resource or (f"{function}:{qualifier}" if qualifier else function)
    check_error(answer, "AccessDeniedException", denial(caller.arn, resource, because(side)))


def check_call(caller, function, side, **where):
    """`side` is None for an allowed call."""
    if side is None:
        check_allowed(caller, function, **where)
    else:
        check_denied(caller, function, side, **where)


def check_forbidden(caller, action, resource, answer, side=IDENTITY):
    check_error(answer, "AccessDeniedException", denial(caller.arn, resource, because(side, action), action))


def grant(owner, function, principal, qualifier=None, sid=None, **more):
    body = {"StatementId": sid or unique("s"), "Action": INVOKE, "Principal": principal} | more
    check_ok(owner.root.wire.add_permission(function, body, qualifier), 201)


@pytest.fixture
def function(owner):
    return owner.function()


@pytest.fixture
def arn(owner, function):
    return owner.arn(function)


@pytest.fixture(scope="module")
def s3(world):
    return world.service("s3.amazonaws.com")


@pytest.fixture(scope="module")
def sns(world):
    return world.service("sns.amazonaws.com")


# --- Services ----------------------------------------------------------------------------------------

BOTH = {"SourceArn": SOURCE, "SourceAccount": ACCOUNT}
# (conditions of the grant, signed headers, allowed?)
SOURCES = [
    ({}, {}, True),
    ({}, FROM_BUCKET, True),
    (BOTH, FROM_BUCKET, True),
    (BOTH, FROM_BUCKET | {"x-amz-source-arn": "arn:aws:s3:::other-bucket/photo.jpg"}, False),
    (BOTH, FROM_BUCKET | {"x-amz-source-arn": "arn:aws:s3:::my-bucket"}, False),
    (BOTH, FROM_BUCKET | {"x-amz-source-arn": "arn:aws:s3:::MY-BUCKET/photo.jpg"}, False),
    (BOTH, FROM_BUCKET | {"x-amz-source-account": "999999999999"}, False),
    (BOTH, {"x-amz-source-arn": FROM_BUCKET["x-amz-source-arn"]}, False),
    (BOTH, {"x-amz-source-account": ACCOUNT}, False),
    (BOTH, {}, False),
    ({"SourceArn": SOURCE}, {"x-amz-source-arn": FROM_BUCKET["x-amz-source-arn"]}, True),
    ({"SourceArn": SOURCE}, {}, False),
    ({"SourceAccount": ACCOUNT}, {"x-amz-source-account": ACCOUNT}, True),
    ({"SourceAccount": ACCOUNT}, {"x-amz-source-account": "123456789013"}, False),
    ({"SourceArn": "arn:aws:s3:::my-bucket"}, {"x-amz-source-arn": "arn:aws:s3:::my-bucket"}, True),
    ({"SourceArn": "arn:aws:s3:::my-bucket"}, {"x-amz-source-arn": "arn:aws:s3:::my-bucket2"}, False),
    ({"SourceArn": "arn:aws:s3:::my-b?cket"}, {"x-amz-source-arn": "arn:aws:s3:::my-bucket"}, True),
    ({"SourceArn": "arn:aws:s3:::my-b?cket"}, {"x-amz-source-arn": "arn:aws:s3:::my-bcket"}, False),
    (
        {"SourceArn": "arn:aws:execute-api:us-east-1:123456789012:api/*/GET/*"},
        {"x-amz-source-arn": "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/orders/1"},
        True,
    ),
    (
        {"SourceArn": "arn:aws:execute-api:us-east-1:123456789012:api/*/GET/*"},
        {"x-amz-source-arn": "arn:aws:execute-api:us-east-1:123456789012:api/prod/POST/orders"},
        False,
    ),
    (
        {"SourceArn": "arn:aws:events:us-east-1:123456789012:rule/*"},
        {"x-amz-source-arn": "arn:aws:events:eu-west-1:123456789012:rule/r"},
        False,
    ),
    ({"PrincipalOrgID": "o-1234567890"}, FROM_BUCKET, False),
    ({"InvokedViaFunctionUrl": True}, FROM_BUCKET, False),
    ({"EventSourceToken": TOKEN}, {"x-amz-event-source-token": TOKEN}, True),
    ({"EventSourceToken": TOKEN}, {"x-amz-event-source-token": TOKEN + "x"}, False),
    ({"EventSourceToken": TOKEN}, {}, False),
]


@pytest.mark.parametrize(("conditions", "headers", "allowed"), SOURCES)
@pytest.mark.parametrize("principal", ["s3.amazonaws.com", "*"])
def test_a_service_is_allowed_exactly_when_every_condition_holds(
    owner, s3, function, arn, principal, conditions, headers, allowed
):
    grant(owner, function, principal, **conditions)
    check_call(s3, arn, None if allowed else RESOURCE, headers=headers)


def test_a_service_is_allowed_by_its_own_name_only(owner, world, s3, sns, function, arn):
    check_denied(s3, arn, RESOURCE)
    grant(owner, function, "s3.amazonaws.com")
    check_allowed(s3, arn)
    check_denied(sns, arn, RESOURCE)
    check_denied(world.service("logs.us-east-1.amazonaws.com"), arn, RESOURCE)
    grant(owner, function, "logs.us-east-1.amazonaws.com")
    check_allowed(world.service("logs.us-east-1.amazonaws.com"), arn)
    check_denied(world.service("logs.amazonaws.com"), arn, RESOURCE)


@pytest.mark.parametrize("principal", [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"])
def test_a_grant_to_an_account_is_none_to_a_service(owner, s3, function, arn, principal):
    grant(owner, function, principal)
    check_denied(s3, arn, RESOURCE)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [("lambda:InvokeFunction", True), ("lambda:*", True), ("*", True), ("lambda:invokefunction", True),
     ("lambda:GetFunction", False), ("lambda:InvokeFunctionUrl", False), ("lambda:Invoke", False)],
)  # fmt: skip
def test_the_action_of_a_grant_is_matched_whole_and_without_case(owner, s3, function, arn, action, allowed):
    grant(owner, function, "s3.amazonaws.com", Action=action)
    check_call(s3, arn, None if allowed else RESOURCE)


@pytest.mark.parametrize("header", ["x-amz-source-arn", "x-amz-source-account"])
def test_a_source_that_is_not_signed_does_not_count(owner, s3, function, arn, header):
    grant(owner, function, "s3.amazonaws.com", **BOTH)
    signed = {name: value for name, value in FROM_BUCKET.items() if name != header}
    path = f"/2015-03-31/functions/{arn}/invocations"
    request = Request("POST", path, b"", signed | {"X-Amz-Invocation-Type": "DryRun"})
    request = sign(s3.base, request, s3.credentials)
    request.headers[header] = FROM_BUCKET[header]
    assert send(s3.base, request).status == 403


def test_two_grants_to_one_service_are_alternatives(owner, s3, function, arn):
    grant(owner, function, "s3.amazonaws.com", SourceArn="arn:aws:s3:::one", SourceAccount=ACCOUNT)
    grant(owner, function, "s3.amazonaws.com", SourceArn="arn:aws:s3:::two", SourceAccount="223456789012")
    for bucket, account, allowed in [
        ("one", ACCOUNT, True),
        ("two", "223456789012", True),
        ("one", "223456789012", False),
        ("two", ACCOUNT, False),
    ]:
        headers = {"x-amz-source-arn": f"arn:aws:s3:::{bucket}", "x-amz-source-account": account}
        check_call(s3, arn, None if allowed else RESOURCE, headers=headers)


def test_an_allowed_service_really_runs_the_function(owner, s3, function, arn, warm):
    grant(owner, function, "s3.amazonaws.com", **BOTH)
    answer = s3.wire.invoke(arn, b'{"Records":[]}', headers=FROM_BUCKET)
    check_ok(answer, 200)
    assert answer.body == b'"ran"'
    answer = s3.wire.invoke(arn, b'{"Records":[]}')
    check_error(answer, "AccessDeniedException", denial("s3.amazonaws.com", arn, because(RESOURCE)))


# --- The caller's own claims -------------------------------------------------------------------------

CLAIMS = [
    (BOTH, FROM_BUCKET),
    ({"SourceArn": SOURCE}, FROM_BUCKET),
    ({"SourceAccount": ACCOUNT}, FROM_BUCKET),
    ({"EventSourceToken": TOKEN}, {"x-amz-event-source-token": TOKEN}),
]


@pytest.mark.parametrize(("conditions", "headers"), CLAIMS)
@pytest.mark.parametrize("signed", [True, False])
def test_a_user_cannot_claim_a_source(owner, function, arn, conditions, headers, signed):
    grant(owner, function, "*", **conditions)
    user = owner.user()
    check_denied(user, arn, IDENTITY)
    inside, outside = (headers, {}) if signed else ({}, headers)
    request = Request(
        "POST", f"/2015-03-31/functions/{arn}/invocations", b"", {"X-Amz-Invocation-Type": "DryRun"} | inside
    )
    request = sign(user.base, request, user.credentials)
    request.headers |= outside
    assert send(user.base, request).status == 403


# --- The function's own account ----------------------------------------------------------------------

# (grants to: principal text with {user} {role} {session} {account}, the user's own policy, denied side)
SAME_ACCOUNT = [
    ([], None, IDENTITY),
    ([], "allow", None),
    (["{user}"], None, None),
    (["{stranger}"], None, IDENTITY),
    (["*"], None, None),
    (["{account}"], None, IDENTITY),
    (["{root}"], None, IDENTITY),
    (["{account}"], "allow", None),
    (["s3.amazonaws.com"], None, IDENTITY),
    (["{role}"], None, IDENTITY),
]


@pytest.mark.parametrize(("principals", "own", "side"), SAME_ACCOUNT)
def test_in_the_same_account_either_half_allows(owner, function, arn, principals, own, side):
    user, stranger = owner.user(), owner.user()
    if own == "allow":
        user.permit(allow(INVOKE, arn))
    for principal in principals:
        principal = principal.format(
            user=user.arn,
            stranger=stranger.arn,
            account=ACCOUNT,
            root=f"arn:aws:iam::{ACCOUNT}:root",
            role=owner.lambda_role,
        )
        grant(owner, function, principal)
    check_call(user, arn, side)


# (grant to, the role's own policy, denied side)
SESSIONS = [
    (None, None, IDENTITY),
    (None, "allow", None),
    ("{role}", None, None),
    ("{session}", None, None),
    ("{sibling}", None, IDENTITY),
    ("*", None, None),
    ("{account}", None, IDENTITY),
    ("{account}", "allow", None),
]


@pytest.mark.parametrize("path", ["/", "/team/blue/"])
@pytest.mark.parametrize(("principal", "own", "side"), SESSIONS)
def test_a_session_is_its_role_and_itself(owner, function, arn, path, principal, own, side):
    by = owner.user()
    role = owner.role(trusting(by.arn), path=path)
    session = owner.session(role_arn=role, by=by, name="one")
    if own == "allow":
        session.permit(allow(INVOKE, arn))
    if principal:
        sibling = session.arn.rsplit("/", 1)[0] + "/two"
        grant(
            owner,
            function,
            principal.format(role=role, session=session.arn, sibling=sibling, account=ACCOUNT),
        )
    check_call(session, arn, side)


def test_an_explicit_deny_beats_every_allow(owner, function, arn):
    user = owner.user(allow("lambda:*", "*"), deny(INVOKE, arn))
    grant(owner, function, user.arn)
    grant(owner, function, "*")
    answer = user.wire.dry_run(arn)
    reason = "with an explicit deny in an identity-based policy"
    check_error(answer, "AccessDeniedException", denial(user.arn, arn, reason))
    user.permit(allow("lambda:*", "*"))
    check_allowed(user, arn)


def test_the_root_of_the_account_needs_no_grant(owner, function, arn):
    check_allowed(owner.root, function)
    check_allowed(owner.root, arn)


def test_a_caller_of_no_organization_is_of_none(owner, other, function, arn):
    grant(owner, function, "*", PrincipalOrgID="o-1234567890")
    check_denied(owner.user(), arn, IDENTITY)
    check_denied(other.user(allow(INVOKE, arn)), arn, RESOURCE)


# --- Other accounts ----------------------------------------------------------------------------------

# (grant to, the caller's own policy, denied side)
OTHER_ACCOUNT = [
    (None, None, IDENTITY),
    (None, "allow", RESOURCE),
    ("{account}", None, IDENTITY),
    ("{account}", "allow", None),
    ("{root}", "allow", None),
    ("{caller}", None, IDENTITY),
    ("{caller}", "allow", None),
    ("{stranger}", "allow", RESOURCE),
    ("*", None, IDENTITY),
    ("*", "allow", None),
    ("999999999999", "allow", RESOURCE),
    (ACCOUNT, "allow", RESOURCE),
]


@pytest.mark.parametrize("kind", ["user", "session"])
@pytest.mark.parametrize(("principal", "own", "side"), OTHER_ACCOUNT)
def test_across_accounts_both_halves_must_allow(owner, other, function, arn, kind, principal, own, side):
    caller, stranger = (other.user() if kind == "user" else other.session()), other.user()
    if own == "allow":
        caller.permit(allow(INVOKE, arn))
    if principal:
        root = f"arn:aws:iam::{other.id}:root"
        to = principal.format(account=other.id, root=root, caller=caller.arn, stranger=stranger.arn)
        grant(owner, function, to)
    check_call(caller, arn, side)


@pytest.mark.parametrize(
    ("principal", "side"), [(None, RESOURCE), ("{account}", None), ("*", None), (ACCOUNT, RESOURCE)]
)
def test_the_root_of_another_account_needs_the_grant_alone(owner, other, function, arn, principal, side):
    if principal:
        grant(owner, function, principal.format(account=other.id))
    check_call(other.root, arn, side)


def test_the_role_of_another_account_is_granted_by_its_arn(owner, other, function, arn):
    by = other.user()
    role = other.role(trusting(by.arn))
    session = other.session(role_arn=role, by=by)
    grant(owner, function, role)
    check_denied(session, arn, IDENTITY)
    session.permit(allow(INVOKE, arn))
    check_allowed(session, arn)
    check_denied(other.session(allow(INVOKE, arn)), arn, RESOURCE)


def test_an_explicit_deny_of_the_callers_account_holds_across_accounts(owner, other, function, arn):
    grant(owner, function, other.id)
    user = other.user(allow("*", "*"), deny("lambda:Invoke*", "*"))
    reason = "with an explicit deny in an identity-based policy"
    check_error(user.wire.dry_run(arn), "AccessDeniedException", denial(user.arn, arn, reason))


def test_a_bare_name_is_the_callers_own_account(owner, other, function, arn):
    grant(owner, function, other.id)
    user = other.user(allow(INVOKE, "*"))
    check_allowed(user, arn)
    check_allowed(user, f"{ACCOUNT}:function:{function}")
    answer = user.wire.dry_run(function)
    text = f"Function not found: {other.arn(function)}:$LATEST"
    check_error(answer, "ResourceNotFoundException", text)


def test_an_identity_policy_of_the_right_action_on_the_wrong_resource_is_none(owner, other, function, arn):
    grant(owner, function, other.id)
    for resource in (arn + "x", other.arn(function), arn + ":*"):
        check_denied(other.user(allow(INVOKE, resource)), arn, IDENTITY)
    for resource in ("*", arn, arn[:-1] + "?", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*"):
        check_allowed(other.user(allow(INVOKE, resource)), arn)


# --- Qualifiers --------------------------------------------------------------------------------------

CALLED = [None, "$LATEST", "1", "prod"]


@pytest.mark.parametrize("granted", [None, "1", "prod"])
@pytest.mark.parametrize("called", CALLED)
@pytest.mark.parametrize("place", ["name", "parameter"])
def test_a_grant_decides_the_call_that_is_addressed_the_same_and_no_other(owner, s3, granted, called, place):
    function = owner.versioned()
    grant(owner, function, "s3.amazonaws.com", granted)
    arn = owner.arn(function)
    side = None if granted == called else RESOURCE
    if place == "parameter":
        check_call(s3, arn, side, qualifier=called)
    else:
        qualified = f"{arn}:{called}" if called else arn
        check_call(s3, qualified, side)


# (resource of the identity policy, the calls that it allows)
QUALIFIED_IDENTITY = [
    ("{arn}", [None]),
    ("{arn}:*", ["$LATEST", "1", "prod"]),
    ("{arn}*", [None, "$LATEST", "1", "prod"]),
    ("{arn}:prod", ["prod"]),
    ("{arn}:1", ["1"]),
    ("{arn}:$LATEST", ["$LATEST"]),
]


@pytest.mark.parametrize(("resource", "allowed"), QUALIFIED_IDENTITY)
def test_an_identity_policy_is_matched_with_the_arn_as_addressed(owner, resource, allowed):
    function = owner.versioned()
    arn = owner.arn(function)
    user = owner.user(allow(INVOKE, resource.format(arn=arn)))
    for called in CALLED:
        check_call(user, arn, None if called in allowed else IDENTITY, qualifier=called)


# --- What a denial tells -----------------------------------------------------------------------------


@pytest.mark.parametrize("qualifier", [None, "1", "no-alias"])
def test_a_denial_does_not_tell_whether_the_function_exists(owner, other, function, qualifier):
    for caller, side in ((owner.user(), IDENTITY), (other.user(allow(INVOKE, "*")), RESOURCE)):
        for name in (function, "doesnotexist"):
            check_denied(caller, owner.arn(name), side, qualifier=qualifier)


def test_an_allowed_caller_learns_that_the_function_is_missing(owner):
    user = owner.user(allow(INVOKE, "*"))
    text = f"Function not found: {owner.arn('doesnotexist')}:$LATEST"
    check_error(user.wire.dry_run("doesnotexist"), "ResourceNotFoundException", text)


def test_shape_is_checked_before_permission(owner):
    user = owner.user()
    answer = user.wire.dry_run("my-function!")
    entry = failed("my-function!", "functionName", pattern(patterns.GET))
    text = f"1 validation error detected: {entry}"
    check_error(answer, "ValidationException", text)


def test_a_permission_holds_from_its_answer_to_its_removal(owner, s3, function, arn):
    wire = owner.root.wire
    for number in range(10):
        grant(owner, function, "s3.amazonaws.com", sid=f"s{number}")
        check_allowed(s3, arn)
        check_ok(wire.remove_permission(function, f"s{number}"), 204)
        check_denied(s3, arn, RESOURCE)


def test_a_grant_dies_with_its_function(owner, s3):
    function = owner.function()
    grant(owner, function, "s3.amazonaws.com")
    check_allowed(s3, owner.arn(function))
    owner.root.boto().delete_function(FunctionName=function)
    check_denied(s3, owner.arn(function), RESOURCE)
    owner.function(name=function)
    check_denied(s3, owner.arn(function), RESOURCE)


# --- Other operations --------------------------------------------------------------------------------

F = "/2015-03-31/functions"
# (action, method, path, body, resource)
OPERATIONS = [
    ("AddPermission", "POST", F + "/{fn}/policy",
     {"StatementId": "x", "Action": INVOKE, "Principal": "*"}, "{arn}"),
    ("AddPermission", "POST", F + "/{fn}/policy?Qualifier=prod",
     {"StatementId": "x", "Action": INVOKE, "Principal": "*"}, "{arn}:prod"),
    ("GetPolicy", "GET", F + "/{fn}/policy", None, "{arn}"),
    ("GetPolicy", "GET", F + "/{fn}/policy?Qualifier=1", None, "{arn}:1"),
    ("RemovePermission", "DELETE", F + "/{fn}/policy/x", None, "{arn}"),
    ("RemovePermission", "DELETE", F + "/{fn}:prod/policy/x", None, "{arn}:prod"),
    ("GetFunction", "GET", F + "/{fn}", None, "{arn}"),
    ("GetFunction", "GET", F + "/{fn}?Qualifier=%24LATEST", None, "{arn}:$LATEST"),
    ("GetFunctionConfiguration", "GET", F + "/{fn}/configuration", None, "{arn}"),
    ("ListFunctions", "GET", F, None, "*"),
    ("UpdateFunctionCode", "PUT", F + "/{fn}/code", {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}, "{arn}"),
    ("UpdateFunctionConfiguration", "PUT", F + "/{fn}/configuration", {"Description": "x"}, "{arn}"),
    ("DeleteFunction", "DELETE", F + "/{fn}", None, "{arn}"),
    ("DeleteFunction", "DELETE", F + "/{fn}?Qualifier=1", None, "{arn}:1"),
    ("PublishVersion", "POST", F + "/{fn}/versions", {}, "{arn}"),
    ("ListVersionsByFunction", "GET", F + "/{fn}/versions", None, "{arn}"),
    ("CreateAlias", "POST", F + "/{fn}/aliases", {"Name": "new", "FunctionVersion": "1"}, "{arn}"),
    ("GetAlias", "GET", F + "/{fn}/aliases/prod", None, "{arn}"),
    ("UpdateAlias", "PUT", F + "/{fn}/aliases/prod", {"Description": "x"}, "{arn}"),
    ("DeleteAlias", "DELETE", F + "/{fn}/aliases/prod", None, "{arn}"),
    ("ListAliases", "GET", F + "/{fn}/aliases", None, "{arn}"),
    ("InvokeFunction", "POST", F + "/{fn}/invocations", {}, "{arn}"),
    ("TagResource", "POST", "/2017-03-31/tags/{arn}", {"Tags": {"a": "b"}}, "{arn}"),
    ("UntagResource", "DELETE", "/2017-03-31/tags/{arn}?tagKeys=a", None, "{arn}"),
    ("ListTags", "GET", "/2017-03-31/tags/{arn}", None, "{arn}"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "method", "path", "body", "resource"), OPERATIONS)
def test_every_operation_is_refused_to_a_caller_without_it(owner, action, method, path, body, resource):
    function = owner.versioned()
    arn, resource = owner.arn(function), resource.format(arn=owner.arn(function))
    user = owner.user()
    before = owner.root.boto().get_function_configuration(FunctionName=function)["RevisionId"]
    payload = b"" if body is None else compact(body).encode()
    answer = user.wire.call(method, path.format(fn=function, arn=arn), body=payload)
    check_forbidden(user, f"lambda:{action}", resource, answer)
    # An allow of everything else, and of the action elsewhere, is none either.
    user.permit(
        {"Effect": "Allow", "NotAction": f"lambda:{action}", "Resource": "*"},
        allow(f"lambda:{action}", "arn:aws:lambda:us-east-1:123456789012:function:elsewhere"),
    )
    answer = user.wire.call(method, path.format(fn=function, arn=arn), body=payload)
    check_forbidden(user, f"lambda:{action}", resource, answer)
    assert owner.root.boto().get_function_configuration(FunctionName=function)["RevisionId"] == before


def test_creating_a_function_is_refused_to_a_caller_without_it(owner):
    user = owner.user()
    name = unique("fn")
    body = {"FunctionName": name, "Role": owner.lambda_role, "Code": {"ZipFile": "UEsFBg=="},
            "Runtime": RUNTIME, "Handler": "main.handler"}  # fmt: skip
    answer = user.wire.call("POST", F, body=body)
    check_forbidden(user, "lambda:CreateFunction", owner.arn(name), answer)


def create(caller, role, name=None):
    return caller.boto().create_function(
        FunctionName=name or unique("fn"), Role=role, Code={"ZipFile": RAN}, Runtime=RUNTIME, Handler="main.handler"
    )


def test_a_role_is_given_to_a_function_only_by_who_may_pass_it(owner):
    role = owner.lambda_role
    user = owner.user(allow("lambda:*", "*"))
    passed_to = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    elsewhere = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    for statement in (
        None,
        allow("iam:PassRole", role + "x"),
        allow("iam:PassRole", role, elsewhere),
        deny("iam:PassRole", "*"),
    ):
        user.permit(allow("lambda:*", "*"), *([statement] if statement else []))
        code, message = error_of(create, user, role)
        assert code == "AccessDeniedException"
        assert f"User: {user.arn} is not authorized to perform: iam:PassRole on resource: {role}" in message
    for statement in (allow("iam:PassRole", role), allow("iam:PassRole", "*", passed_to)):
        user.permit(allow("lambda:*", "*"), statement)
        assert create(user, role)["Role"] == role


def test_a_role_of_another_account_is_passed_by_nobody(owner, other, function):
    refused = ("AccessDeniedException", "Cross-account pass role is not allowed.")
    for caller in (owner.root, owner.user(allow("*", "*"))):
        assert error_of(create, caller, other.lambda_role) == refused
        update = caller.boto().update_function_configuration
        assert error_of(update, FunctionName=function, Role=other.lambda_role) == refused


def test_a_new_role_of_a_function_must_be_passed_too(owner, function):
    role = owner.role()
    user = owner.user(allow("lambda:*", "*"))
    client = user.boto()
    code, message = error_of(client.update_function_configuration, FunctionName=function, Role=role)
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message
    user.permit(allow("lambda:*", "*"), allow("iam:PassRole", role))
    assert client.update_function_configuration(FunctionName=function, Role=role)["Role"] == role


def test_a_function_in_another_account_is_not_made_and_nothing_is_told(owner, other):
    body = {"FunctionName": other.arn("theirs"), "Role": owner.lambda_role, "Code": {"ZipFile": "UEsFBg=="},
            "Runtime": RUNTIME, "Handler": "main.handler"}  # fmt: skip
    answer = owner.root.wire.call("POST", F, body=body)
    assert (answer.status, answer.code, answer.body) == (403, "AccessDeniedException", b'{"Message":null}')


def test_tags_are_withheld_from_who_may_not_list_them(owner):
    function = owner.function(Tags={"team": "blue"})
    user = owner.user(allow("lambda:GetFunction", "*"))
    answer = user.boto().get_function(FunctionName=function)
    assert "Tags" not in answer
    assert set(answer["TagsError"]) == {"ErrorCode", "Message"}
    user.permit(allow(["lambda:GetFunction", "lambda:ListTags"], "*"))
    answer = user.boto().get_function(FunctionName=function)
    assert answer["Tags"] == {"team": "blue"}
    assert "TagsError" not in answer


def test_a_user_may_be_limited_to_grants_for_one_principal(owner, function, arn):
    only_sns = {"StringEquals": {"lambda:Principal": "sns.amazonaws.com"}}
    user = owner.user(allow(["lambda:AddPermission", "lambda:RemovePermission"], arn, only_sns))
    body = {"StatementId": "a", "Action": INVOKE, "Principal": "s3.amazonaws.com"}
    check_forbidden(user, "lambda:AddPermission", arn, user.wire.add_permission(function, body))
    check_ok(user.wire.add_permission(function, body | {"Principal": "sns.amazonaws.com"}), 201)
    grant(owner, function, "s3.amazonaws.com", sid="theirs")
    check_forbidden(user, "lambda:RemovePermission", arn, user.wire.remove_permission(function, "theirs"))
    check_ok(user.wire.remove_permission(function, "a"), 204)


def test_a_user_may_be_limited_to_grants_for_signed_urls(owner, function, arn):
    signed = {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    user = owner.user(allow("lambda:AddPermission", arn, signed))
    body = {"StatementId": "a", "Action": "lambda:InvokeFunctionUrl", "Principal": "*"}
    for spoiled in ({}, {"FunctionUrlAuthType": "NONE"}):
        check_forbidden(user, "lambda:AddPermission", arn, user.wire.add_permission(function, body | spoiled))
    check_ok(user.wire.add_permission(function, body | {"FunctionUrlAuthType": "AWS_IAM"}), 201)


# --- Operations across accounts (facts/aws-lambda.md §4.7) -------------------------------------------


def test_a_whole_grant_opens_the_documented_operations_to_another_account(owner, other, warm):
    function = owner.function(Tags={"made": "here"})
    arn = owner.arn(function)
    grant(owner, function, other.id, Action="lambda:*")
    client = other.user(allow("lambda:*", arn), allow("lambda:*", arn + ":*")).boto()
    assert client.invoke(FunctionName=arn)["Payload"].read() == b'"ran"'
    assert client.get_function(FunctionName=arn)["Configuration"]["FunctionArn"] == arn
    assert client.get_function_configuration(FunctionName=arn)["FunctionArn"] == arn
    assert client.publish_version(FunctionName=arn)["FunctionArn"] == f"{arn}:1"
    versions = client.list_versions_by_function(FunctionName=arn)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]
    client.create_alias(FunctionName=arn, Name="theirs", FunctionVersion="1")
    assert client.get_alias(FunctionName=arn, Name="theirs")["AliasArn"] == f"{arn}:theirs"
    assert [alias["Name"] for alias in client.list_aliases(FunctionName=arn)["Aliases"]] == ["theirs"]
    assert client.update_alias(FunctionName=arn, Name="theirs", Description="x")["Description"] == "x"
    client.delete_alias(FunctionName=arn, Name="theirs")
    assert '"lambda:*"' in client.get_policy(FunctionName=arn)["Policy"]
    client.tag_resource(Resource=arn, Tags={"by": "them"})
    assert client.list_tags(Resource=arn)["Tags"] == {"made": "here", "by": "them"}
    client.untag_resource(Resource=arn, TagKeys=["by"])
    client.update_function_code(FunctionName=arn, ZipFile=RAN)
    client.delete_function(FunctionName=arn)
    assert owner.root.wire.call("GET", f"{F}/{function}").status == 404


@pytest.mark.parametrize(
    ("call", "parameters"),
    [
        ("add_permission", {"StatementId": "x", "Action": INVOKE, "Principal": "*"}),
        ("remove_permission", {"StatementId": "theirs"}),
        ("update_function_configuration", {"Description": "x"}),
    ],
)
def test_what_is_not_documented_across_accounts_stays_closed(owner, other, call, parameters):
    function = owner.function()
    arn = owner.arn(function)
    grant(owner, function, other.id, Action="lambda:*", sid="theirs")
    before = owner.root.wire.get_policy(function).body
    client = other.user(allow("*", "*")).boto()
    code, _ = error_of(getattr(client, call), FunctionName=arn, **parameters)
    assert code == "AccessDeniedException"
    assert owner.root.wire.get_policy(function).body == before


def test_another_account_without_a_grant_reads_nothing(owner, other):
    arn = owner.arn(owner.function())
    client = other.user(allow("*", "*")).boto()
    for call in (client.get_function, client.get_policy, client.list_versions_by_function, client.delete_function):
        code, message = error_of(call, FunctionName=arn)
        assert code == "AccessDeniedException"
        assert "because no resource-based policy allows the lambda:" in message


# --- Roles and keys ----------------------------------------------------------------------------------


def assume(caller, role):
    return caller.boto("sts").assume_role(RoleArn=role, RoleSessionName="session")


def test_a_role_is_assumed_only_by_whom_it_trusts(owner, other):
    friend, stranger = owner.user(), owner.user(allow("sts:AssumeRole", "*"))
    role = owner.role(trusting(friend.arn))
    assert assume(friend, role)["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert error_of(assume, stranger, role)[0] == "AccessDenied"
    assert error_of(assume, other.user(allow("sts:AssumeRole", "*")), role)[0] == "AccessDenied"


def test_trust_in_an_account_leaves_the_choice_to_the_account(owner, other):
    for account in (owner, other):
        role = owner.role(trusting(f"arn:aws:iam::{account.id}:root"))
        assert error_of(assume, account.user(), role)[0] == "AccessDenied"
        assert assume(account.user(allow("sts:AssumeRole", role)), role)["Credentials"]["SessionToken"]
        denied = account.user(allow("*", "*"), deny("sts:AssumeRole", role))
        assert error_of(assume, denied, role)[0] == "AccessDenied"


def test_trust_in_a_user_of_another_account_needs_that_users_own_allow(owner, other):
    user = other.user()
    role = owner.role(trusting(user.arn))
    assert error_of(assume, user, role)[0] == "AccessDenied"
    user.permit(allow("sts:AssumeRole", role))
    assert assume(user, role)["Credentials"]["SessionToken"]


def test_a_role_for_lambda_is_not_assumed_by_a_user(owner):
    assert error_of(assume, owner.user(allow("sts:*", "*")), owner.lambda_role)[0] == "AccessDenied"


def test_a_deleted_key_is_unknown_at_once(owner):
    user = owner.user(allow("lambda:*", "*"))
    assert user.wire.call("GET", F).status == 200
    name = user.arn.rsplit("/", 1)[1]
    owner.root.boto("iam").delete_access_key(UserName=name, AccessKeyId=user.credentials.key)
    check_error(
        user.wire.call("GET", F),
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_a_deleted_policy_allows_nothing_more(owner):
    user = owner.user(allow("lambda:*", "*"))
    assert user.wire.call("GET", F).status == 200
    name = user.arn.rsplit("/", 1)[1]
    owner.root.boto("iam").delete_user_policy(UserName=name, PolicyName="own")
    check_forbidden(user, "lambda:ListFunctions", "*", user.wire.call("GET", F))


@pytest.mark.parametrize(
    ("service", "call", "parameters"),
    [
        ("iam", "create_user", {"UserName": "intruder"}),
        ("iam", "create_access_key", {"UserName": "{self}"}),
        ("iam", "put_user_policy", {"UserName": "{self}", "PolicyName": "p", "PolicyDocument": "{all}"}),
        ("iam", "create_role", {"RoleName": "intruder", "AssumeRolePolicyDocument": "{trust}"}),
        ("iam", "put_role_policy", {"RoleName": "{role}", "PolicyName": "p", "PolicyDocument": "{all}"}),
        ("iam", "get_user", {"UserName": "{self}"}),
        ("iam", "list_users", {}),
        ("iam", "list_roles", {}),
        ("iam", "delete_role", {"RoleName": "{role}"}),
    ],
)
def test_identities_are_managed_only_by_who_may(owner, service, call, parameters):
    user = owner.user()
    texts = {
        "{self}": user.arn.rsplit("/", 1)[1],
        "{role}": owner.lambda_role.rsplit("/", 1)[1],
        "{all}": document(allow("*", "*")),
        "{trust}": json.dumps(trusting(user.arn)),
    }
    parameters = {name: texts.get(value, value) for name, value in parameters.items()}
    with pytest.raises(ClientError) as refused:
        getattr(user.boto(service), call)(**parameters)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_accounts_do_not_see_each_others_identities(owner, other):
    theirs = other.user().arn.rsplit("/", 1)[1]
    names = [user["UserName"] for page in owner.root.boto("iam").get_paginator("list_users").paginate()
             for user in page["Users"]]  # fmt: skip
    # Names are unique in these tests, so one account's user is never another's.
    assert theirs not in names


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        document({"Effect": "Perhaps", "Action": "*", "Resource": "*"}),
        document({"Effect": "Allow", "Action": "lambda:*"}),
        document({"Effect": "Allow", "Action": "lambda:*", "Resource": "*", "Principal": "*"}),
        document({"Effect": "Allow", "Action": "lambda:*", "Resource": "*", "Condition": {"StringSortOf": {"a": "b"}}}),
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}',
    ],
)
def test_a_policy_that_cannot_be_evaluated_is_refused_when_written(owner, text):
    user = owner.user()
    name = user.arn.rsplit("/", 1)[1]
    iam = owner.root.boto("iam")
    code, message = error_of(iam.put_user_policy, UserName=name, PolicyName="p", PolicyDocument=text)
    assert code == "MalformedPolicyDocument"
    assert message
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []


def test_a_service_has_no_rights_beyond_its_grants(owner, s3, function, arn):
    grant(owner, function, "s3.amazonaws.com")
    for path in (f"{F}/{arn}", f"{F}/{arn}/policy", with_query(f"{F}/{arn}", {"Qualifier": "1"})):
        assert s3.wire.call("GET", path).status == 403
    body = {"StatementId": "x", "Action": "lambda:*", "Principal": "*"}
    assert s3.wire.add_permission(arn, body).status == 403
