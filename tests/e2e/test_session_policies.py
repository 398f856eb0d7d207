"""Session policies, inline and managed: what a session may is what its holder and any one of them allow."""

import json

import pytest

from server import ACCOUNT
from wire import Credentials
from world import Member, allow, boto, deny, document, error_of, trusting, unique

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def managed(iam, *statements):
    return iam.create_policy(PolicyName=unique("limit"), PolicyDocument=document(*statements))["Policy"]["Arn"]


def assumed(by, role_arn, *arns, **settings):
    settings |= {"PolicyArns": [{"arn": arn} for arn in arns]} if arns else {}
    answer = by.boto("sts").assume_role(RoleArn=role_arn, RoleSessionName="limited", **settings)
    got = answer["Credentials"]
    credentials = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    role = role_arn.rsplit("/", 1)[1]
    return answer, Member(by.base, answer["AssumedRoleUser"]["Arn"], credentials, by.region, account=by.account, role=role)


def may(member):
    """Which of three calls the member may make."""
    client, allowed = member.boto("iam"), []
    for name in ("list_roles", "list_users", "list_groups"):
        try:
            getattr(client, name)()
            allowed.append(name)
        except client.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
    return allowed


@pytest.fixture
def by(owner):
    return owner.user()


@pytest.fixture
def role(owner, by, iam):
    """A role that may list roles and users, and nothing else."""
    arn = owner.role(trusting(by.arn))
    of = allow(["iam:ListRoles", "iam:ListUsers"], "*")
    iam.put_role_policy(RoleName=arn.rsplit("/", 1)[1], PolicyName="own", PolicyDocument=document(of))
    return arn


def test_any_of_them_allows_and_none_adds(iam, by, role):
    roles, users, groups = (managed(iam, allow(f"iam:List{of}", "*")) for of in ("Roles", "Users", "Groups"))
    inline = {"Policy": document(allow("iam:ListUsers", "*"))}
    for arns, settings, want in (
        ([], {}, ["list_roles", "list_users"]),
        ([roles], {}, ["list_roles"]),
        ([roles, users], {}, ["list_roles", "list_users"]),
        ([roles], inline, ["list_roles", "list_users"]),
        ([groups], {}, []),
        ([groups], inline, ["list_users"]),
        ([READ_ONLY], {}, ["list_roles", "list_users"]),
        ([READ_ONLY, managed(iam, deny("iam:ListUsers", "*"))], {}, ["list_roles"]),
    ):
        assert may(assumed(by, role, *arns, **settings)[1]) == want, (arns, settings)


def test_a_denial_names_the_session_policy(iam, by, role):
    session = assumed(by, role, managed(iam, allow("iam:ListGroups", "*")))[1]
    text = error_of(session.boto("iam").list_roles)[1]
    assert "because no session policy allows the iam:ListRoles action" in text
    session = assumed(by, role, managed(iam, deny("iam:ListRoles", "*")))[1]
    assert "with an explicit deny in a session policy" in error_of(session.boto("iam").list_roles)[1]


def test_a_managed_one_counts_as_it_is_now_and_without_it_nothing_is_allowed(iam, by, role):
    limit = managed(iam, allow("iam:ListRoles", "*"))
    session = assumed(by, role, limit, READ_ONLY)[1]
    changing = assumed(by, role, limit)[1]
    assert may(session) == ["list_roles", "list_users"]
    statement = document(allow("iam:ListUsers", "*"))
    first = iam.list_policy_versions(PolicyArn=limit)["Versions"][0]["VersionId"]
    iam.create_policy_version(PolicyArn=limit, PolicyDocument=statement, SetAsDefault=True)
    assert may(changing) == ["list_users"]
    iam.delete_policy_version(PolicyArn=limit, VersionId=first)
    iam.delete_policy(PolicyArn=limit)
    assert may(session) == may(changing) == [], "one that is gone may have held a Deny"
    iam.create_policy(PolicyName=limit.rsplit("/", 1)[1], PolicyDocument=statement)
    assert may(assumed(by, role, limit)[1]) == ["list_users"]


def test_arns_that_are_none_are_refused(owner, iam, by, role):
    def refused(*arns, **settings):
        settings |= {"PolicyArns": [{"arn": arn} for arn in arns]}
        return error_of(by.boto("sts").assume_role, RoleArn=role, RoleSessionName="limited", **settings)

    missing = f"arn:aws:iam::{ACCOUNT}:policy/missing"
    assert refused(missing) == ("ValidationError", f"Policy {missing} does not exist or is not attachable.")
    for other in ("arn:aws:iam::999999999999:policy/missing", "arn:aws:iam::aws:policy/Missing"):
        assert refused(other) == ("ValidationError", f"Policy {other} does not exist or is not attachable.")
    for malformed in (role, "not an arn, but long enough", f"arn:aws:iam::{ACCOUNT}:policy/"):
        assert refused(malformed)[0] == "ValidationError", malformed
    code, text = refused(*[READ_ONLY] * 11)
    assert code == "ValidationError" and "'policyArns'" in text and "less than or equal to 10" in text
    assert refused(READ_ONLY, Policy="{")[0] == "MalformedPolicyDocument"


def test_ten_fit_and_their_size_is_told(iam, by, role):
    ten = [managed(iam, allow("iam:ListRoles", "*")) for _ in range(10)]
    answer, session = assumed(by, role, *ten)
    characters = sum(map(len, ten))
    assert answer["PackedPolicySize"] == -(-characters * 100 // 2048)
    assert may(session) == ["list_roles"]
    policy = document(allow("iam:ListRoles", "*"))
    fits = policy + " " * (2048 - characters - len(policy))
    assert assumed(by, role, *ten, Policy=fits)[0]["PackedPolicySize"] == 100
    settings = {"PolicyArns": [{"arn": arn} for arn in ten], "Policy": fits + " "}
    error = error_of(by.boto("sts").assume_role, RoleArn=role, RoleSessionName="limited", **settings)
    assert error[0] == "PackedPolicyTooLarge"


def test_a_federated_user_is_limited_by_managed_ones_too(iam, owner):
    parent = owner.user(allow("sts:GetFederationToken", "*"), allow("lambda:List*", "*"))
    listing = managed(iam, allow("lambda:ListFunctions", "*"))

    def may_list(**settings):
        answer = parent.boto("sts").get_federation_token(Name="susan", **settings)
        got = answer["Credentials"]
        session = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        client = boto(parent.base, "lambda", session, parent.region)
        try:
            return answer, "Functions" in client.list_functions()
        except client.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException", error
            return answer, False

    answer, allowed = may_list(PolicyArns=[{"arn": listing}])
    assert allowed and answer["PackedPolicySize"] == -(-len(listing) * 100 // 2048)
    assert not may_list()[1], "without any, it may nothing"
    assert not may_list(PolicyArns=[{"arn": managed(iam, allow("lambda:ListLayers", "*"))}])[1]
    missing = f"arn:aws:iam::{ACCOUNT}:policy/missing"
    call = parent.boto("sts").get_federation_token
    assert error_of(call, Name="susan", PolicyArns=[{"arn": missing}])[0] == "ValidationError"


def test_they_outlive_a_restart(start_server):
    server = start_server()
    iam = boto(server.base, "iam", server.root)
    user = iam.create_user(UserName=unique("user"))["User"]
    key = iam.create_access_key(UserName=user["UserName"])["AccessKey"]
    role = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps(trusting(user["Arn"])))["Role"]
    iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    limit = managed(iam, allow("iam:ListRoles", "*"))
    sts = boto(server.base, "sts", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    got = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="limited", PolicyArns=[{"arn": limit}])["Credentials"]
    server.terminate()
    again = start_server(server.data_dir)
    session = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    assert boto(again.base, "iam", session).list_roles()["Roles"]
    assert error_of(boto(again.base, "iam", session).list_users)[0] == "AccessDenied"
