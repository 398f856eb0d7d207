"""Sessions of users, of root, and of federated users: what each may, how long, and what ends it."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT, until
from wire import Credentials
from world import Caller, World, allow, deny, document, error_of, trusting, unique

INVALID = ("InvalidClientTokenId", "The security token included in the request is invalid.")
UNKNOWN = ("UnrecognizedClientException", INVALID[1])
LIST = "lambda:ListFunctions"
FEDERATE = allow("sts:GetFederationToken", "*")


def as_caller(base, arn, answer) -> Caller:
    got = answer["Credentials"]
    return Caller(base, arn, Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]))


def session_of(caller, **parameters) -> Caller:
    """Somebody with the credentials that `caller` gets for itself."""
    return as_caller(caller.base, caller.arn, caller.boto("sts").get_session_token(**parameters))


def federated(caller, *statements, name="Susan", **parameters) -> Caller:
    """The federated user that `caller` makes, with these statements as its session policy."""
    if statements:
        parameters["Policy"] = document(*statements)
    answer = caller.boto("sts").get_federation_token(Name=name, **parameters)
    return as_caller(caller.base, answer["FederatedUser"]["Arn"], answer)


def may_list(caller) -> bool:
    try:
        caller.boto().list_functions()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDeniedException", error
        return False
    return True


def seconds_left(answer) -> timedelta:
    return answer["Credentials"]["Expiration"] - datetime.now(timezone.utc)


# --- GetSessionToken ---------------------------------------------------------------------------------


def test_a_session_of_a_user_is_the_user(owner):
    user = owner.user(allow(LIST, "*", {"Null": {"aws:TokenIssueTime": "false"}}))
    assert not may_list(user)
    session = session_of(user)
    assert may_list(session)
    me = session.boto("sts").get_caller_identity()
    assert me["Arn"] == user.arn and me["UserId"].startswith("AIDA")


@pytest.mark.parametrize(
    ("who", "asked", "hours"),
    [("user", None, 12), ("user", 900, 0.25), ("user", 129600, 36), ("root", None, 1), ("root", 129600, 1)],
)
def test_a_session_lasts_as_documented(owner, who, asked, hours):
    caller = owner.user(FEDERATE) if who == "user" else owner.root
    parameters = {"DurationSeconds": asked} if asked else {}
    sts = caller.boto("sts")
    for answer in (sts.get_session_token(**parameters), sts.get_federation_token(Name="Susan", **parameters)):
        assert abs(seconds_left(answer) - timedelta(hours=hours)) < timedelta(minutes=1)


def test_a_duration_outside_of_the_model_is_refused(owner):
    code, text = error_of(owner.root.boto("sts").get_session_token, DurationSeconds=129601)
    assert code == "ValidationError" and "'durationSeconds' failed to satisfy constraint" in text


def test_sessions_make_no_sessions_of_users(owner):
    role = owner.session(allow("*", "*"))
    user = session_of(owner.user(allow("*", "*")))
    root = session_of(owner.root)
    for caller in (role, user, root, federated(owner.root, allow("*", "*"))):
        sts = caller.boto("sts")
        refused = ("AccessDenied", "Cannot call GetSessionToken with session credentials")
        assert error_of(sts.get_session_token) == refused
        refused = ("AccessDenied", "Cannot call GetFederationToken with session credentials")
        assert error_of(sts.get_federation_token, Name="Susan") == refused


def test_a_session_of_a_user_reaches_roles_but_not_iam(owner):
    user = owner.user(allow("*", "*"))
    session = session_of(user)
    assert owner.session(allow(LIST, "*"), by=Caller(user.base, user.arn, session.credentials))
    assert error_of(session.boto("iam").list_users) == INVALID
    code, _ = error_of(session.boto("sts").get_access_key_info, AccessKeyId=user.credentials.key)
    assert code == "AccessDenied"


def test_no_session_of_a_user_or_root_makes_a_key_that_outlives_it(owner):
    user, account = owner.user(allow("*", "*")), owner.id
    everything = allow("*", "*")
    sessions = [session_of(owner.root), session_of(user)]
    sessions += [federated(owner.root, everything), federated(user, everything)]
    for path, body in [
        (f"/_portcullis/accounts/{account}/root-access-keys", {}),
        ("/_portcullis/access-keys", {"ServiceName": "s3.amazonaws.com"}),
    ]:
        for caller in sessions:
            answer = caller.wire.call("POST", path, body=body, service="portcullis")
            assert (answer.status, answer.code) == (403, UNKNOWN[0]), (path, caller.arn)
        assert user.wire.call("POST", path, body=body, service="portcullis").status == 201


# --- GetFederationToken ------------------------------------------------------------------------------


def test_a_federated_user_has_its_own_name(owner):
    answer = owner.user(FEDERATE).boto("sts").get_federation_token(Name="Susan", Policy=document(allow("*", "*")))
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/Susan"
    assert answer["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:Susan", "Arn": arn}
    assert answer["PackedPolicySize"] == 5
    me = as_caller(owner.base, arn, answer).boto("sts").get_caller_identity()
    assert (me["Arn"], me["UserId"], me["Account"]) == (arn, f"{ACCOUNT}:Susan", ACCOUNT)


@pytest.mark.parametrize(
    ("of_user", "of_session", "allowed"),
    [
        ([allow(LIST, "*")], [allow(LIST, "*")], True),
        ([allow(LIST, "*")], [allow("lambda:*", "*")], True),
        ([allow(LIST, "*")], [], False),
        ([allow(LIST, "*")], [allow("lambda:GetPolicy", "*")], False),
        ([], [allow(LIST, "*")], False),
        ([allow(LIST, "*")], [allow("*", "*"), deny(LIST, "*")], False),
        ([allow("*", "*"), deny(LIST, "*")], [allow("*", "*")], False),
    ],
)
def test_a_federated_user_may_what_its_user_and_its_session_policy_allow(owner, of_user, of_session, allowed):
    user = owner.user(FEDERATE, *of_user)
    assert may_list(federated(user, *of_session)) == allowed


def test_a_federated_user_of_root_may_what_its_session_policy_allows(owner):
    assert may_list(federated(owner.root, allow(LIST, "*")))
    assert not may_list(federated(owner.root, allow("lambda:GetPolicy", "*")))
    assert not may_list(federated(owner.root))


def test_a_grant_to_the_federated_user_suffices_alone(owner):
    function, susan = owner.function(), federated(owner.user(FEDERATE))
    assert susan.wire.invoke(function, b"{}").status == 403
    grant = {"FunctionName": function, "StatementId": "susan", "Action": "lambda:InvokeFunction"}
    owner.root.boto().add_permission(**grant, Principal=susan.arn)
    assert susan.wire.invoke(function, b"{}").status == 200


def test_who_may_make_which_federated_user_is_a_matter_of_policy(owner):
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/"
    user = owner.user(allow("sts:GetFederationToken", f"{arn}Manager*"))
    assert federated(user, name="Manager1").arn == f"{arn}Manager1"
    code, text = error_of(user.boto("sts").get_federation_token, Name="Susan")
    assert (code, f"is not authorized to perform: sts:GetFederationToken on resource: {arn}Susan" in text) == (
        "AccessDenied",
        True,
    )


@pytest.mark.parametrize("policy", ["{", "x" * 2049])
def test_a_session_policy_that_is_none_is_refused(owner, policy):
    code, _ = error_of(owner.root.boto("sts").get_federation_token, Name="Susan", Policy=policy)
    assert code in ("MalformedPolicyDocument", "ValidationError", "PackedPolicyTooLarge")


# --- What ends a session -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["key deleted", "key inactive", "user deleted", "user replaced"])
def test_a_session_ends_with_the_user_and_the_key_that_made_it(owner, end):
    user = owner.user(FEDERATE, allow(LIST, "*"))
    sessions = [session_of(user), federated(user, allow(LIST, "*"))]
    assert [may_list(session) for session in sessions] == [True, True]
    iam, name, key = owner.root.boto("iam"), user.arn.rsplit("/", 1)[1], user.credentials.key
    if end == "key inactive":
        iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    else:
        iam.delete_access_key(UserName=name, AccessKeyId=key)
    if end.startswith("user"):
        iam.delete_user_policy(UserName=name, PolicyName="own")
        iam.delete_user(UserName=name)
    if end == "user replaced":
        owner.user(allow("*", "*"), name=name)
    for session in sessions:
        assert error_of(session.boto().list_functions) == UNKNOWN


def test_sessions_survive_a_restart(start_server):
    server = start_server()
    root = Caller(server.base, "", server.root)
    sessions = [session_of(root), federated(root, allow(LIST, "*"))]
    server.end()
    again = start_server(server.data_dir)
    for session in sessions:
        assert may_list(Caller(again.base, session.arn, session.credentials))


def test_a_session_that_was_ended_stays_so_after_a_restart(start_server):
    server = start_server()
    owner = World(server).owner
    iam, name = owner.root.boto("iam"), unique("user")
    user = owner.user(FEDERATE, allow("*", "*"), name=name)
    of_role = owner.session(allow("*", "*"))
    of_user = [session_of(user), federated(user, allow(LIST, "*"))]
    for session in (of_role, *of_user):
        assert may_list(session)
    iam.update_access_key(UserName=name, AccessKeyId=user.credentials.key, Status="Inactive")
    iam.delete_role_policy(RoleName=of_role.role, PolicyName="own")
    iam.delete_role(RoleName=of_role.role)
    owner.role(name=of_role.role)
    server.end()
    again = start_server(server.data_dir)
    for session in (of_role, *of_user):
        earlier = Caller(again.base, session.arn, session.credentials)
        assert error_of(earlier.boto().list_functions) == UNKNOWN
    # The key's sessions live with it, as the key does.
    iam = World(again).owner.root.boto("iam")
    iam.update_access_key(UserName=name, AccessKeyId=user.credentials.key, Status="Active")
    assert may_list(Caller(again.base, user.arn, of_user[0].credentials))


def test_sessions_before_a_moment_are_revoked_by_a_policy_of_their_role(owner):
    """As "Revoke active sessions" of the console does it: by `aws:TokenIssueTime`."""
    by = owner.user()
    role_arn = owner.role(trusting(by.arn))
    earlier = owner.session(allow(LIST, "*"), role_arn=role_arn, by=by)
    assert may_list(earlier)
    # Tokens are issued in whole seconds: the moment is the next one.
    moment = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=1)
    before = {"DateLessThan": {"aws:TokenIssueTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    earlier.permit(deny("*", "*", before), name="AWSRevokeOlderSessions")
    assert not may_list(earlier)
    until(lambda: datetime.now(timezone.utc) > moment, 5, "the next second")
    assert may_list(owner.session(role_arn=role_arn, by=by))
    assert not may_list(earlier)


def test_a_session_that_assumes_a_role_has_an_hour_at_most(owner):
    long = 12 * 3600
    first = owner.session(allow("sts:AssumeRole", "*"))
    next_role = owner.role(trusting(f"arn:aws:iam::{ACCOUNT}:root"))
    name = {"RoleName": next_role.rsplit("/", 1)[1]}
    owner.root.boto("iam").update_role(**name, MaxSessionDuration=long)
    ask = {"RoleArn": next_role, "RoleSessionName": "chained"}
    refused = error_of(first.boto("sts").assume_role, **ask, DurationSeconds=3601)
    text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    assert refused == ("ValidationError", text)
    answer = first.boto("sts").assume_role(**ask, DurationSeconds=3600)
    assert timedelta(minutes=59) < seconds_left(answer) <= timedelta(hours=1)
    user = owner.user(allow("sts:AssumeRole", "*"))
    answer = user.boto("sts").assume_role(**ask, DurationSeconds=long)
    assert seconds_left(answer) > timedelta(hours=11), "who is no session may have what the role allows"


# --- DecodeAuthorizationMessage ----------------------------------------------------------------------


def decoded(owner, message):
    sts = owner.user(allow("sts:DecodeAuthorizationMessage", "*")).boto("sts")
    return json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])


@pytest.mark.parametrize(
    ("statements", "explicit", "matched"),
    [
        ([allow("lambda:GetPolicy", "*")], False, []),
        (
            [deny(LIST, "*", {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}) | {"Sid": "No"}],
            True,
            [{"statementId": "No", "effect": "DENY", "policy": "own"}],
        ),
    ],
)
def test_a_denial_is_decoded_in_the_form_of_aws(owner, statements, explicit, matched):
    user = owner.user(*statements)
    denied = user.wire.call("GET", "/2015-03-31/functions")
    message = decoded(owner, denied.headers["x-portcullis-explain"])
    assert (message["allowed"], message["explicitDeny"]) == (False, explicit)
    assert message["matchedStatements"] == {"items": matched}
    context = message["context"]
    name = user.arn.rsplit("/", 1)[1]
    assert (context["principal"]["arn"], context["principal"]["name"]) == (user.arn, name)
    assert context["principal"]["id"].startswith("AIDA")
    assert (context["action"], context["resource"]) == (LIST, "*")
    region = {"key": "aws:requestedregion", "values": {"items": [{"value": "us-east-1"}]}}
    assert context["conditions"] == {"items": [region] if explicit else []}


def test_only_denials_about_the_own_account_are_decoded(owner, other):
    denied = owner.user().wire.call("GET", "/2015-03-31/functions").headers["x-portcullis-explain"]
    allowed = owner.root.wire.call("GET", "/2015-03-31/functions").headers["x-amzn-requestid"]
    for account, message in ((other, denied), (owner, allowed), (owner, "nonsense")):
        code, text = error_of(account.root.boto("sts").decode_authorization_message, EncodedMessage=message)
        assert (code, text) == ("InvalidAuthorizationMessageException", "Message is invalid")


# --- GetAccessKeyInfo --------------------------------------------------------------------------------


def test_a_key_tells_its_account(owner, other):
    sts = owner.user(allow("sts:GetAccessKeyInfo", "*")).boto("sts")
    theirs = other.user()
    for key in (theirs.credentials.key, session_of(theirs).credentials.key, other.root.credentials.key):
        assert sts.get_access_key_info(AccessKeyId=key)["Account"] == other.id
    missing = ("NoSuchEntity", "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.")
    assert error_of(sts.get_access_key_info, AccessKeyId="AKIAIOSFODNN7EXAMPLE") == missing
    code, _ = error_of(owner.user().boto("sts").get_access_key_info, AccessKeyId=theirs.credentials.key)
    assert code == "AccessDenied"
