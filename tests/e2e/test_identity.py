"""What IAM, STS and the control operations answer and refuse, exact where a recording exists.

Who may do what is in test_decisions.py.
"""

import json
import re
import urllib.parse

import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT
from wire import Credentials
from world import RAN, RUNTIME, allow, boto, document, error_of, trusting, unique

TRUST = trusting(f"arn:aws:iam::{ACCOUNT}:root")
POLICY = document(allow("s3:Get*", "arn:aws:s3:::ä+ b/*"))


def name_in(arn: str) -> str:
    return arn.rsplit("/", 1)[1]


def refusal(call, **parameters):
    """Status, code and text of the refusal that `call` must end in."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def without_metadata(answer: dict) -> dict:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


# --- Answers -----------------------------------------------------------------------------------------


def test_a_user_is_shown_as_recorded(iam):
    name, tags = unique("user"), [{"Key": "Team", "Value": "red"}, {"Key": "empty", "Value": ""}]
    created = iam.create_user(UserName=name, Path="/team/", Tags=tags)["User"]
    assert list(created) == ["Path", "UserName", "UserId", "Arn", "CreateDate", "Tags"]
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/{name}"
    assert re.fullmatch("AIDA[A-Z2-7]{17}", created["UserId"])
    assert created["Tags"] == tags
    assert iam.get_user(UserName=name)["User"] == created
    (listed,) = [user for user in iam.list_users(PathPrefix="/team/")["Users"] if user["UserName"] == name]
    assert listed == {key: value for key, value in created.items() if key != "Tags"}


def test_a_role_is_shown_as_recorded(iam):
    name, tags = unique("role"), [{"Key": "Team", "Value": "red"}]
    created = iam.create_role(
        RoleName=name,
        Path="/team/",
        AssumeRolePolicyDocument=json.dumps(TRUST, indent=1),
        MaxSessionDuration=7200,
        Tags=tags,
    )["Role"]
    plain = ["Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"]
    assert list(created) == [*plain, "Tags"]
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/{name}"
    assert created["AssumeRolePolicyDocument"] == TRUST
    assert iam.get_role(RoleName=name)["Role"] == created | {"MaxSessionDuration": 7200, "RoleLastUsed": {}}
    (listed,) = [role for role in iam.list_roles(PathPrefix="/team/")["Roles"] if role["RoleName"] == name]
    assert list(listed) == [*plain, "MaxSessionDuration"]


@pytest.mark.parametrize("kind", ["User", "Role"])
def test_an_inline_policy_is_read_back_as_it_was_given_percent_encoded(owner, iam, kind):
    named = {f"{kind}Name": name_in(owner.user().arn if kind == "User" else owner.role())}
    put, get, delete = (getattr(iam, f"{verb}_{kind.lower()}_policy") for verb in ("put", "get", "delete"))
    text, seen = POLICY.replace(",", " ,\n\t"), []
    iam.meta.events.register("after-call.iam", lambda http_response, **_: seen.append(http_response.content))
    put(**named, PolicyName="p", PolicyDocument=text)
    answer = without_metadata(get(**named, PolicyName="p"))
    assert answer == {**named, "PolicyName": "p", "PolicyDocument": json.loads(text)}
    encoded = re.search("<PolicyDocument>(.*)</PolicyDocument>", seen[-1].decode())[1]
    assert re.fullmatch(r"(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})+", encoded)
    assert urllib.parse.unquote(encoded) == text
    delete(**named, PolicyName="p")
    missing = (404, "NoSuchEntity", f"The {kind.lower()} policy with name p cannot be found.")
    assert refusal(get, **named, PolicyName="p") == missing
    assert refusal(delete, **named, PolicyName="p") == missing


def test_an_access_key_shows_its_secret_once(owner, iam):
    name = unique("user")
    iam.create_user(UserName=name)
    assert without_metadata(iam.list_access_keys(UserName=name)) == {"AccessKeyMetadata": [], "IsTruncated": False}
    key = iam.create_access_key(UserName=name)["AccessKey"]
    secret = key.pop("SecretAccessKey")
    assert re.fullmatch("AKIA[A-Z2-7]{16}", key["AccessKeyId"])
    assert (key["UserName"], key["Status"], len(secret)) == (name, "Active", 40)
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"] == [key]
    caller = boto(owner.base, "sts", Credentials(key["AccessKeyId"], secret))
    assert caller.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_together_are_the_whole_list_in_order(iam, size):
    path = f"/{unique('pages')}/"
    names = [unique(name) for name in ("b", "A", "c", "D")]
    for name in names:
        iam.create_user(UserName=name, Path=path)
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(TRUST))
    for name in names:
        iam.put_user_policy(UserName=names[0], PolicyName=name, PolicyDocument=POLICY)
    folded, by_case = sorted(names, key=str.lower), sorted(names)
    rows = [
        ("list_users", {"PathPrefix": path}, "Users", "UserName", folded),
        ("list_roles", {"PathPrefix": path}, "Roles", "RoleName", folded),
        ("list_user_policies", {"UserName": names[0]}, "PolicyNames", None, by_case),
    ]
    for call, parameters, members, key, want in rows:
        paginator = iam.get_paginator(call).paginate(**parameters, PaginationConfig={"PageSize": size})
        pages = [page[members] for page in paginator]
        assert [entry[key] if key else entry for page in pages for entry in page] == want, call
        assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1), call
    assert refusal(iam.list_users, Marker="!")[:2] == (400, "ValidationError")


# --- The caller itself -------------------------------------------------------------------------------


def test_without_a_name_a_user_and_root_mean_themselves(owner, other):
    user = owner.user(allow("iam:*", "*"))
    own, name = user.boto("iam"), name_in(user.arn)
    assert own.get_user()["User"]["Arn"] == user.arn
    key = own.create_access_key()["AccessKey"]
    assert key["UserName"] == name
    own.delete_access_key(AccessKeyId=key["AccessKeyId"])
    assert [key["UserName"] for key in own.list_access_keys()["AccessKeyMetadata"]] == [name]

    root = other.root.boto("iam")
    shown = root.get_user()["User"]
    assert list(shown) == ["UserId", "Arn", "CreateDate"]
    assert (shown["UserId"], shown["Arn"]) == (other.id, f"arn:aws:iam::{other.id}:root")
    assert [key["AccessKeyId"] for key in root.list_access_keys()["AccessKeyMetadata"]] == [other.root.credentials.key]


def test_a_caller_without_a_name_in_iam_must_give_one(owner, world):
    text = "Must specify userName when calling with non-User credentials"
    session = owner.session(allow("iam:*", "*"))
    for caller in (session, world.service("s3.amazonaws.com")):
        iam = caller.boto("iam")
        for call in (iam.get_user, iam.create_access_key, iam.list_access_keys):
            assert refusal(call) == (400, "ValidationError", text)
        key = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
        assert refusal(iam.delete_access_key, **key) == (400, "ValidationError", text)


def test_every_kind_of_caller_learns_who_it_is(owner, world):
    user, service = owner.user(), world.service("s3.amazonaws.com")
    session = owner.session(name="night-run")

    def identity(caller):
        return without_metadata(caller.boto("sts").get_caller_identity())

    root = {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    assert identity(owner.root) == root
    user_id = owner.root.boto("iam").get_user(UserName=name_in(user.arn))["User"]["UserId"]
    assert identity(user) == {"UserId": user_id, "Account": ACCOUNT, "Arn": user.arn}
    role_id = owner.root.boto("iam").get_role(RoleName=session.role)["Role"]["RoleId"]
    assert identity(session) == {"UserId": f"{role_id}:night-run", "Account": ACCOUNT, "Arn": session.arn}
    assert identity(service) == {"Arn": "s3.amazonaws.com"}


# --- Refusals ----------------------------------------------------------------------------------------


def test_what_does_not_exist_is_named(iam):
    user = (404, "NoSuchEntity", "The user with name nobody cannot be found.")
    policy = {"PolicyName": "p"}
    for call, more in [
        (iam.get_user, {}),
        (iam.delete_user, {}),
        (iam.create_access_key, {}),
        (iam.list_access_keys, {}),
        (iam.delete_access_key, {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
        (iam.put_user_policy, policy | {"PolicyDocument": POLICY}),
        (iam.get_user_policy, policy),
        (iam.delete_user_policy, policy),
        (iam.list_user_policies, {}),
    ]:
        assert refusal(call, UserName="nobody", **more) == user, call
    role = (404, "NoSuchEntity", "The role with name nobody cannot be found.")
    for call, more in [
        (iam.get_role, {}),
        (iam.delete_role, {}),
        (iam.put_role_policy, policy | {"PolicyDocument": POLICY}),
        (iam.get_role_policy, policy),
        (iam.delete_role_policy, policy),
        (iam.list_role_policies, {}),
    ]:
        assert refusal(call, RoleName="nobody", **more) == role, call
    text = "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found."
    assert refusal(iam.delete_access_key, AccessKeyId="AKIAIOSFODNN7EXAMPLE") == (404, "NoSuchEntity", text)


def test_what_is_in_the_way_is_named(iam):
    name = unique("Name")
    iam.create_user(UserName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    for taken in (name, name.lower()):
        exists = refusal(iam.create_user, UserName=taken)
        assert exists == (409, "EntityAlreadyExists", f"User with name {taken} already exists.")
        exists = refusal(iam.create_role, RoleName=taken, AssumeRolePolicyDocument=json.dumps(TRUST))
        assert exists == (409, "EntityAlreadyExists", f"Role with name {taken} already exists.")
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=POLICY)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=POLICY)
    remain = (409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
    assert refusal(iam.delete_user, UserName=name) == remain
    assert refusal(iam.delete_role, RoleName=name) == remain
    iam.delete_user_policy(UserName=name, PolicyName="p")
    for _ in range(2):
        key = iam.create_access_key(UserName=name)["AccessKey"]
    quota = (409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    assert refusal(iam.create_access_key, UserName=name) == quota
    remain = (409, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
    assert refusal(iam.delete_user, UserName=name) == remain
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)


TOO_LONG = (
    "1 validation error detected: Value at '{}' failed to satisfy constraint: "
    "Member must have length less than or equal to {}"
)
TWICE = "Duplicate tag keys found. Please note that Tag keys are case insensitive."


@pytest.mark.parametrize(
    ("tags", "code", "text"),
    [
        ([("a", "1"), ("a", "2")], "InvalidInput", TWICE),
        ([("a", "1"), ("A", "2")], "InvalidInput", TWICE),
        ([(f"k{n}", "") for n in range(51)], "ValidationError", TOO_LONG.format("tags", 50)),
        ([("k" * 129, "")], "ValidationError", TOO_LONG.format("tags.1.member.key", 128)),
        ([("k", "v" * 257)], "ValidationError", TOO_LONG.format("tags.1.member.value", 256)),
    ],
)
def test_tags_are_refused_as_recorded(iam, tags, code, text):
    tags = [{"Key": key, "Value": value} for key, value in tags]
    name, trust = unique("tagged"), json.dumps(TRUST)
    assert refusal(iam.create_user, UserName=name, Tags=tags) == (400, code, text)
    assert refusal(iam.create_role, RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags) == (400, code, text)
    assert refusal(iam.get_user, UserName=name)[1] == "NoSuchEntity"


def test_tagging_at_creation_needs_its_own_permission(owner):
    create, team = allow("iam:Create*", "*"), {"StringEquals": {"aws:RequestTag/Team": "red"}}
    keys = {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}
    red, blue = [{"Key": "Team", "Value": "red"}], [{"Key": "Team", "Value": "blue"}]

    def made(user, tags):
        try:
            user.boto("iam").create_user(UserName=unique("made"), Tags=tags)
            user.boto("iam").create_role(
                RoleName=unique("made"), AssumeRolePolicyDocument=json.dumps(TRUST), Tags=tags
            )
            return True
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
            return False

    for statements, tags, want in [
        ([create], [], True),
        ([create], red, False),
        ([create, allow("iam:Tag*", "*")], red, True),
        ([create, allow("iam:Tag*", "*", team)], red, True),
        ([create, allow("iam:Tag*", "*", team)], blue, False),
        ([create, allow("iam:Tag*", "*", keys)], blue, True),
        ([create, allow("iam:Tag*", "*", keys)], [*red, {"Key": "other", "Value": ""}], False),
    ]:
        assert made(owner.user(*statements), tags) is want, (statements, tags)


def test_what_is_made_with_a_tag_has_it_when_it_is_decided(owner):
    team = {"StringEquals": {"aws:ResourceTag/Team": "red"}}
    made = ["iam:Create*", "iam:Tag*", "lambda:CreateFunction", "lambda:TagResource"]
    user = owner.user(allow(made, "*", team), allow("iam:PassRole", "*"))
    iam, functions, trust = user.boto("iam"), user.boto(), json.dumps(TRUST)
    code = {"Code": {"ZipFile": RAN}, "Runtime": RUNTIME, "Handler": "main.handler"}
    for call, parameters in [
        (iam.create_user, {"UserName": unique("made")}),
        (iam.create_role, {"RoleName": unique("made"), "AssumeRolePolicyDocument": trust}),
        (iam.create_policy, {"PolicyName": unique("made"), "PolicyDocument": document(allow("s3:*", "*"))}),
        (functions.create_function, {"FunctionName": unique("made"), "Role": owner.lambda_role} | code),
    ]:
        of = dict if call == functions.create_function else tag_list
        for tags in ({}, {"Team": "blue"}, {"Other": "red"}):
            assert error_of(call, **parameters, Tags=of(tags))[0].startswith("AccessDenied"), (call, tags)
        assert call(**parameters, Tags=of({"Team": "red"}))


def tag_list(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_a_parameter_that_is_not_served_is_refused_not_ignored(owner):
    def unsupported(name):
        return 400, "UnsupportedOperationException", f"The parameter {name} is not supported yet."

    role, sts = owner.role(TRUST), owner.root.boto("sts")
    for parameter, value in [
        ("ProvidedContexts", [{"ProviderArn": "arn:aws:iam::aws:contextProvider/IdentityCenter"}]),
        ("SerialNumber", "arn:aws:iam::123456789012:mfa/a"),
        ("TokenCode", "123456"),
    ]:
        got = refusal(sts.assume_role, RoleArn=role, RoleSessionName="s1", **{parameter: value})
        assert got == unsupported(parameter)


# --- Sessions ----------------------------------------------------------------------------------------


def test_a_session_is_answered_as_recorded(owner, iam):
    role = owner.role(TRUST, path="/deep/er/")
    sts, name = owner.root.boto("sts"), name_in(role)
    answer = without_metadata(sts.assume_role(RoleArn=role, RoleSessionName="night-run"))
    role_id = iam.get_role(RoleName=name)["Role"]["RoleId"]
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role_id}:night-run",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/night-run",
    }
    assert list(answer) == ["Credentials", "AssumedRoleUser"]
    assert re.fullmatch("ASIA[A-Z2-7]{16}", answer["Credentials"]["AccessKeyId"])
    with_policy = sts.assume_role(RoleArn=role, RoleSessionName="night-run", Policy=POLICY)
    assert 0 < with_policy["PackedPolicySize"] < 100


@pytest.mark.parametrize(
    "arn",
    [
        "nothing-valid-in-here",
        "arn::b:::something/test-role",
        "arn:aws:iam::123456789012:user/test-role",
        "arn:aws:iam::12345678901:role/test-role",
        "arn:aws:sts::123456789012:role/test-role",
        "arn:aws:iam:us-east-1:123456789012:role/r",
        "arn:aws:iam::123456789012:role",
    ],
)
def test_a_role_that_is_none_is_invalid(owner, arn):
    got = refusal(owner.root.boto("sts").assume_role, RoleArn=arn, RoleSessionName="s1")
    assert got == (400, "ValidationError", f"{arn} is invalid")


def test_root_may_assume_a_role_unless_the_role_says_no(owner, iam):
    here = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    grant = {"Effect": "Allow", "Principal": here, "Action": "sts:AssumeRole"}
    no_root = grant | {"Effect": "Deny", "Condition": {"StringEquals": {"aws:PrincipalType": "Account"}}}
    role = owner.role({"Version": "2012-10-17", "Statement": [grant]})
    user = owner.user(allow("sts:AssumeRole", role))
    parameters = {"RoleArn": role, "RoleSessionName": "s1"}
    assert owner.root.boto("sts").assume_role(**parameters)["Credentials"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": [grant, no_root]})
    iam.update_assume_role_policy(RoleName=name_in(role), PolicyDocument=trust)
    assert refusal(owner.root.boto("sts").assume_role, **parameters)[:2] == (403, "AccessDenied")
    assert user.boto("sts").assume_role(**parameters)["Credentials"], "who is no root still may"


def test_a_role_that_is_missing_is_denied_like_one_that_does_not_trust(owner):
    user = owner.user(allow("*", "*"))
    missing = f"arn:aws:iam::{ACCOUNT}:role/missing"
    for role in (missing, owner.role(), owner.role(TRUST, path="/deep/").replace("/deep/", "/")):
        got = refusal(user.boto("sts").assume_role, RoleArn=role, RoleSessionName="s1")
        what = f"User: {user.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"
        why = "because no resource-based policy allows the sts:AssumeRole action"
        assert got == (403, "AccessDenied", f"{what} {why}")


def test_a_trust_policy_may_ask_for_the_external_id_and_the_session_name(owner):
    user = owner.user()
    trust = trusting(user.arn)
    trust["Statement"][0]["Condition"] = {
        "StringEquals": {"sts:ExternalId": "x1"},
        "StringLike": {"sts:RoleSessionName": "night-*"},
    }
    sts, role = user.boto("sts"), owner.role(trust)
    for name, external, want in [
        ("night-run", {"ExternalId": "x1"}, True),
        ("night-run", {"ExternalId": "x2"}, False),
        ("night-run", {}, False),
        ("day-run", {"ExternalId": "x1"}, False),
    ]:
        call = {"RoleArn": role, "RoleSessionName": name, **external}
        if want:
            assert sts.assume_role(**call)["Credentials"]["SessionToken"]
        else:
            assert refusal(sts.assume_role, **call)[1] == "AccessDenied"


def test_a_session_policy_takes_away_and_never_gives(owner):
    def session(role_allows, policy):
        role = owner.role(TRUST)
        iam, sts = owner.root.boto("iam"), owner.root.boto("sts")
        iam.put_role_policy(RoleName=name_in(role), PolicyName="p", PolicyDocument=document(allow(role_allows, "*")))
        got = sts.assume_role(RoleArn=role, RoleSessionName="s1", Policy=document(allow(policy, "*")))["Credentials"]
        return boto(
            owner.base, "iam", Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        )

    assert session("iam:*", "iam:ListUsers").list_users()["Users"]
    for allowed, passed in (("iam:*", "iam:GetUser"), ("iam:GetUser", "iam:*")):
        assert refusal(session(allowed, passed).list_users)[1] == "AccessDenied"


def test_a_session_ends_with_its_role(owner, iam):
    session = owner.session(allow("iam:ListUsers", "*"))
    assert session.boto("iam").list_users()["Users"]
    trust = iam.get_role(RoleName=session.role)["Role"]["AssumeRolePolicyDocument"]
    iam.delete_role_policy(RoleName=session.role, PolicyName="own")
    iam.delete_role(RoleName=session.role)
    iam.create_role(RoleName=session.role, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=session.role, PolicyName="own", PolicyDocument=document(allow("*", "*")))
    gone = (403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    assert refusal(session.boto("sts").get_caller_identity) == gone


# --- Control operations ------------------------------------------------------------------------------


def test_only_the_operators_account_makes_keys_for_others(owner, other):
    may = allow("portcullis:*", "*")
    rows = [
        ("/_portcullis/access-keys", {"ServiceName": "s3.amazonaws.com"}, "CreateServiceAccessKey"),
        (f"/_portcullis/accounts/{ACCOUNT}/root-access-keys", {}, "CreateRootAccessKey"),
    ]
    for path, body, action in rows:
        for caller, half in [
            (owner.user(), "identity"),
            (other.root, "resource"),
            (other.user(may), "resource"),
        ]:
            answer = caller.wire.call("POST", path, body=body, service="portcullis")
            why = f"because no {half}-based policy allows the portcullis:{action} action"
            text = f"User: {caller.arn} is not authorized to perform: portcullis:{action} on resource: * {why}"
            assert (answer.status, answer.json) == (403, {"Message": text}), caller.arn
    path, body, _ = rows[0]
    made = owner.user(may).wire.call("POST", path, body=body, service="portcullis")
    assert made.status == 201, made
    assert list(made.json["AccessKey"]) == ["AccessKeyId", "SecretAccessKey", "Status", "CreateDate"]
