"""Managed policies, their versions and attachments, permissions boundaries and tags: what IAM answers
and refuses, and that what is attached decides calls from its answer on."""

import json
import re
import urllib.parse

import pytest

from server import ACCOUNT
from test_identity import POLICY, TRUST, name_in, refusal, without_metadata
from world import allow, deny, document, unique

LIST_USERS = document(allow("iam:ListUsers", "*"))
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
MISSING = f"arn:aws:iam::{ACCOUNT}:policy/missing"
KINDS = ["User", "Group", "Role"]


@pytest.fixture
def policy(iam):
    """The ARN of a new managed policy."""
    return iam.create_policy(PolicyName=unique("policy"), PolicyDocument=LIST_USERS)["Policy"]["Arn"]


@pytest.fixture
def user(owner):
    return owner.user()


def made(iam, kind):
    """The name parameter of a new user, group or role."""
    name = unique(kind.lower())
    more = {"AssumeRolePolicyDocument": json.dumps(TRUST)} if kind == "Role" else {}
    getattr(iam, f"create_{kind.lower()}")(**{f"{kind}Name": name}, **more)
    return {f"{kind}Name": name}


def calls(iam, kind, *verbs):
    return [getattr(iam, verb.format(kind.lower())) for verb in verbs]


def lists_users(caller):
    """Whether the caller may list users; nothing but a denial stands for no."""
    client = caller.boto("iam")
    try:
        return bool(client.list_users(MaxItems=1))
    except client.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False


# --- Policies and versions ---------------------------------------------------------------------------


def test_a_policy_is_shown_as_iam_shows_it(iam):
    name, tags = unique("Policy"), [{"Key": "Team", "Value": "red"}]
    given = {"PolicyName": name, "Path": "/team/", "Description": "What it is for", "Tags": tags}
    created = iam.create_policy(PolicyDocument=LIST_USERS, **given)["Policy"]
    plain = ["PolicyName", "PolicyId", "Arn", "Path", "DefaultVersionId", "AttachmentCount"]
    plain += ["PermissionsBoundaryUsageCount", "IsAttachable", "CreateDate", "UpdateDate"]
    assert list(created) == [*plain, "Tags"]
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:policy/team/{name}"
    assert re.fullmatch("ANPA[A-Z2-7]{17}", created["PolicyId"])
    assert (created["DefaultVersionId"], created["IsAttachable"]) == ("v1", True)
    assert (created["AttachmentCount"], created["PermissionsBoundaryUsageCount"]) == (0, 0)
    shown = iam.get_policy(PolicyArn=created["Arn"])["Policy"]
    assert shown == created | {"Description": "What it is for"}
    (listed,) = iam.list_policies(Scope="Local", PathPrefix="/team/")["Policies"]
    assert listed == {key: created[key] for key in plain}
    bare = iam.create_policy(PolicyName=unique("policy"), PolicyDocument=LIST_USERS)["Policy"]
    assert "Tags" not in bare and iam.get_policy(PolicyArn=bare["Arn"])["Policy"]["Tags"] == []


def test_a_version_is_read_back_as_it_was_given(iam, policy):
    text, seen = POLICY.replace(",", " ,\n\t"), []
    made = iam.create_policy_version(PolicyArn=policy, PolicyDocument=text)["PolicyVersion"]
    assert list(made) == ["VersionId", "IsDefaultVersion", "CreateDate"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v2", False)
    iam.meta.events.register("after-call.iam", lambda http_response, **_: seen.append(http_response.content))
    shown = iam.get_policy_version(PolicyArn=policy, VersionId="v2")["PolicyVersion"]
    assert list(shown) == ["Document", "VersionId", "IsDefaultVersion", "CreateDate"]
    encoded = re.search("<Document>(.*)</Document>", seen[-1].decode())[1]
    assert urllib.parse.unquote(encoded) == text and shown["Document"] == json.loads(text)
    assert {key: shown[key] for key in made} == made
    listed = iam.list_policy_versions(PolicyArn=policy)["Versions"]
    assert [one["VersionId"] for one in listed] == ["v2", "v1"] and "Document" not in listed[0]
    pages = iam.get_paginator("list_policy_versions").paginate(
        PolicyArn=policy, PaginationConfig={"PageSize": 1}
    )
    assert [one for page in pages for one in page["Versions"]] == listed


def test_versions_have_their_limits_and_the_default_one_stays(iam, policy):
    for _ in range(4):
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=LIST_USERS)
    text = (
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete "
        "an existing version."
    )
    full = refusal(iam.create_policy_version, PolicyArn=policy, PolicyDocument=LIST_USERS)
    assert full == (409, "LimitExceeded", text)
    text = "Cannot delete the default version of a policy."
    assert refusal(iam.delete_policy_version, PolicyArn=policy, VersionId="v1") == (409, "DeleteConflict", text)
    iam.set_default_policy_version(PolicyArn=policy, VersionId="v5")
    assert iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"] == "v5"
    text = (
        "This policy has more than one version. Before you delete a policy, you must delete the policy's "
        "versions. The default version is deleted with the policy."
    )
    assert refusal(iam.delete_policy, PolicyArn=policy) == (409, "DeleteConflict", text)
    for version in ("v1", "v2", "v3", "v4"):
        iam.delete_policy_version(PolicyArn=policy, VersionId=version)
    gone = (404, "NoSuchEntity", f"Policy {policy} version v4 does not exist or is not attachable.")
    for call in (iam.get_policy_version, iam.delete_policy_version, iam.set_default_policy_version):
        assert refusal(call, PolicyArn=policy, VersionId="v4") == gone
    iam.delete_policy(PolicyArn=policy)
    missing = (404, "NoSuchEntity", f"Policy {policy} was not found.")
    assert refusal(iam.get_policy, PolicyArn=policy) == missing


def test_a_refused_document_changes_nothing(iam, policy):
    large = document(allow("s3:GetObject", "arn:aws:s3:::" + "b" * 6_144))
    refused = [
        ("{}", (400, "MalformedPolicyDocument")),
        (json.dumps(TRUST), (400, "MalformedPolicyDocument")),
        (large, (409, "LimitExceeded")),
    ]
    for text, want in refused:
        name = unique("policy")
        assert refusal(iam.create_policy, PolicyName=name, PolicyDocument=text)[:2] == want
        made = refusal(iam.create_policy_version, PolicyArn=policy, PolicyDocument=text, SetAsDefault=True)
        assert made[:2] == want
        assert refusal(iam.get_policy, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{name}")[0] == 404
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=large)[2] == (
        "Cannot exceed quota for PolicySize: 6144"
    )
    assert [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=policy)["Versions"]] == ["v1"]
    name = name_in(policy).upper()
    text = f"A policy called {name} already exists. Duplicate names are not allowed."
    exists = refusal(iam.create_policy, PolicyName=name, Path="/x/", PolicyDocument=LIST_USERS)
    assert exists == (409, "EntityAlreadyExists", text)


def test_what_is_awss_is_there_and_stays_as_it_is(owner, iam):
    for arn in [
        READ_ONLY,
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/PowerUserAccess",
        "arn:aws:iam::aws:policy/IAMFullAccess",
        "arn:aws:iam::aws:policy/AWSLambda_FullAccess",
        "arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
    ]:
        shown = iam.get_policy(PolicyArn=arn)["Policy"]
        assert (shown["Arn"], shown["PolicyName"]) == (arn, name_in(arn))
        version = iam.get_policy_version(PolicyArn=arn, VersionId=shown["DefaultVersionId"])["PolicyVersion"]
        assert version["Document"]["Statement"] and version["IsDefaultVersion"]
    for call, more in [
        (iam.delete_policy, {}),
        (iam.create_policy_version, {"PolicyDocument": LIST_USERS}),
        (iam.set_default_policy_version, {"VersionId": "v1"}),
        (iam.delete_policy_version, {"VersionId": "v1"}),
        (iam.tag_policy, {"Tags": [{"Key": "k", "Value": "v"}]}),
        (iam.untag_policy, {"TagKeys": ["k"]}),
    ]:
        assert refusal(call, PolicyArn=READ_ONLY, **more)[:2] == (403, "AccessDenied"), call
    wrong_path = "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"
    text = f"Policy {wrong_path} does not exist or is not attachable."
    role = name_in(owner.role())
    assert refusal(iam.attach_role_policy, RoleName=role, PolicyArn=wrong_path) == (404, "NoSuchEntity", text)


def test_lists_of_policies_are_filtered_and_paged(iam, user):
    path = f"/{unique('path')}/"
    names = [unique(name) for name in ("b", "A", "c")]
    arns = {
        name: iam.create_policy(PolicyName=name, Path=path, PolicyDocument=LIST_USERS)["Policy"]["Arn"]
        for name in names
    }
    iam.attach_user_policy(UserName=name_in(user.arn), PolicyArn=arns[names[0]])
    iam.put_user_permissions_boundary(UserName=name_in(user.arn), PermissionsBoundary=arns[names[1]])

    def listed(**parameters):
        pages = iam.get_paginator("list_policies").paginate(**parameters)
        return [one["PolicyName"] for page in pages for one in page["Policies"]]

    ordered = sorted(names, key=str.lower)
    for size in (1, 2, 1000):
        assert listed(Scope="Local", PathPrefix=path, PaginationConfig={"PageSize": size}) == ordered
    assert listed(PathPrefix=path, OnlyAttached=True) == sorted(names[:2], key=str.lower)
    assert listed(PathPrefix=path, PolicyUsageFilter="PermissionsPolicy") == [names[0]]
    assert listed(PathPrefix=path, PolicyUsageFilter="PermissionsBoundary") == [names[1]]
    assert listed(Scope="AWS", PathPrefix=path) == []
    aws = listed(Scope="AWS", PaginationConfig={"PageSize": 7})
    assert "AdministratorAccess" in aws and not set(names) & set(aws)
    assert set(listed()) >= set(names) | set(aws)


# --- Attachments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_is_attached_listed_and_detached(iam, policy, kind):
    named = made(iam, kind)
    attach, detach, attached = calls(iam, kind, "attach_{}_policy", "detach_{}_policy", "list_attached_{}_policies")
    assert without_metadata(attached(**named)) == {"AttachedPolicies": [], "IsTruncated": False}
    for arn in (policy, policy, READ_ONLY):
        attach(**named, PolicyArn=arn)
    both = [{"PolicyName": name_in(arn), "PolicyArn": arn} for arn in (policy, READ_ONLY)]
    assert attached(**named)["AttachedPolicies"] == both
    first = attached(**named, MaxItems=1)
    assert first["IsTruncated"] and first["AttachedPolicies"] == both[:1]
    assert attached(**named, Marker=first["Marker"])["AttachedPolicies"] == both[1:]
    assert attached(**named, PathPrefix="/service-role/")["AttachedPolicies"] == []
    assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 1
    in_use = (409, "DeleteConflict", "Cannot delete a policy attached to entities.")
    assert refusal(iam.delete_policy, PolicyArn=policy) == in_use
    remain = (409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
    (delete,) = calls(iam, kind, "delete_{}")
    assert refusal(delete, **named) == remain
    detach(**named, PolicyArn=policy)
    text = f"Policy {policy} was not found."
    assert refusal(detach, **named, PolicyArn=policy) == (404, "NoSuchEntity", text)
    detach(**named, PolicyArn=READ_ONLY)
    delete(**named)
    iam.delete_policy(PolicyArn=policy)


@pytest.mark.parametrize("kind", KINDS)
def test_an_entity_has_ten_policies_at_most(iam, kind):
    named = made(iam, kind)
    (attach,) = calls(iam, kind, "attach_{}_policy")
    arns = [
        iam.create_policy(PolicyName=unique("policy"), PolicyDocument=LIST_USERS)["Policy"]["Arn"]
        for _ in range(11)
    ]
    for arn in arns[:10]:
        attach(**named, PolicyArn=arn)
    quota = (409, "LimitExceeded", f"Cannot exceed quota for PoliciesPer{kind}: 10")
    assert refusal(attach, **named, PolicyArn=arns[10]) == quota
    attach(**named, PolicyArn=arns[0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_or_no_policy_is_named(iam, policy, kind):
    named, nobody = made(iam, kind), {f"{kind}Name": "nobody"}
    attach, detach, attached = calls(iam, kind, "attach_{}_policy", "detach_{}_policy", "list_attached_{}_policies")
    no_entity = (404, "NoSuchEntity", f"The {kind.lower()} with name nobody cannot be found.")
    assert refusal(attach, **nobody, PolicyArn=policy) == no_entity
    assert refusal(detach, **nobody, PolicyArn=policy) == no_entity
    assert refusal(attached, **nobody) == no_entity
    no_policy = (404, "NoSuchEntity", f"Policy {MISSING} does not exist or is not attachable.")
    assert refusal(attach, **named, PolicyArn=MISSING) == no_policy
    foreign = MISSING.replace(ACCOUNT, "999999999999")
    assert refusal(attach, **named, PolicyArn=foreign)[:2] == (404, "NoSuchEntity")
    for no_arn in ("arn:aws:iam::aws:policies/x", "a-name-that-is-long-enough"):
        assert refusal(attach, **named, PolicyArn=no_arn) == (400, "InvalidInput", f"ARN {no_arn} is not valid.")
    for call in (iam.get_policy, iam.delete_policy, iam.list_policy_versions, iam.list_entities_for_policy):
        assert refusal(call, PolicyArn=MISSING) == (404, "NoSuchEntity", f"Policy {MISSING} was not found.")


def test_who_has_a_policy_is_listed_by_kind_and_use(iam, policy):
    user, group, role = (made(iam, kind) for kind in KINDS)
    iam.attach_user_policy(**user, PolicyArn=policy)
    iam.attach_group_policy(**group, PolicyArn=policy)
    iam.put_role_permissions_boundary(**role, PermissionsBoundary=policy)

    def holders(**parameters):
        answer = without_metadata(iam.list_entities_for_policy(PolicyArn=policy, **parameters))
        assert not answer.pop("IsTruncated")
        lists = [("PolicyGroups", "GroupName"), ("PolicyUsers", "UserName"), ("PolicyRoles", "RoleName")]
        return [one[name] for members, name in lists for one in answer[members]]

    assert holders() == [group["GroupName"], user["UserName"], role["RoleName"]]
    assert holders(EntityFilter="User") == [user["UserName"]]
    assert holders(EntityFilter="Group") == [group["GroupName"]]
    assert holders(EntityFilter="LocalManagedPolicy") == []
    assert holders(PolicyUsageFilter="PermissionsBoundary") == [role["RoleName"]]
    assert holders(PolicyUsageFilter="PermissionsPolicy") == [group["GroupName"], user["UserName"]]
    assert holders(PathPrefix="/other/") == []
    shown = iam.list_entities_for_policy(PolicyArn=policy, EntityFilter="User")["PolicyUsers"][0]
    assert shown["UserId"] == iam.get_user(**user)["User"]["UserId"]
    pages = iam.get_paginator("list_entities_for_policy").paginate(
        PolicyArn=policy, PaginationConfig={"PageSize": 1}
    )
    assert sum(len(page[members]) for page in pages for members in ("PolicyGroups", "PolicyUsers", "PolicyRoles")) == 3


# --- What is attached decides ------------------------------------------------------------------------


def test_an_attached_policy_decides_from_its_answer_to_its_removal(iam, policy, user):
    name = name_in(user.arn)
    assert not lists_users(user)
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    assert lists_users(user)
    denying = document(allow("iam:*", "*"), deny("iam:ListUsers", "*"))
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=denying, SetAsDefault=True)
    assert not lists_users(user)
    iam.set_default_policy_version(PolicyArn=policy, VersionId="v1")
    assert lists_users(user)
    iam.detach_user_policy(UserName=name, PolicyArn=policy)
    assert not lists_users(user)


def test_a_policy_of_a_role_decides_its_sessions_at_once(owner, iam):
    session = owner.session()
    assert not lists_users(session)
    iam.attach_role_policy(RoleName=session.role, PolicyArn=READ_ONLY)
    assert lists_users(session)
    iam.put_role_permissions_boundary(
        RoleName=session.role, PermissionsBoundary="arn:aws:iam::aws:policy/AWSLambda_FullAccess"
    )
    assert not lists_users(session)
    iam.delete_role_permissions_boundary(RoleName=session.role)
    assert lists_users(session)


def test_a_boundary_caps_what_its_user_may_and_says_so(iam, policy, user):
    name = name_in(user.arn)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=policy)
    assert lists_users(user)
    denied = refusal(user.boto("iam").list_roles)
    assert denied[1] == "AccessDenied"
    assert denied[2].endswith("because no permissions boundary allows the iam:ListRoles action")
    shown = iam.get_user(UserName=name)["User"]["PermissionsBoundary"]
    assert shown == {
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": policy,
    }
    assert iam.get_policy(PolicyArn=policy)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    in_use = (409, "DeleteConflict", "Cannot delete a policy attached to entities.")
    assert refusal(iam.delete_policy, PolicyArn=policy) == in_use
    iam.delete_user_permissions_boundary(UserName=name)
    assert user.boto("iam").list_roles()
    assert "PermissionsBoundary" not in iam.get_user(UserName=name)["User"]


@pytest.mark.parametrize("kind", ["User", "Role"])
def test_a_boundary_is_given_at_birth_or_later_and_exists(iam, policy, kind):
    more = {"AssumeRolePolicyDocument": json.dumps(TRUST)} if kind == "Role" else {}
    create, get, put, delete = calls(
        iam, kind, "create_{}", "get_{}", "put_{}_permissions_boundary", "delete_{}_permissions_boundary"
    )
    named = {f"{kind}Name": unique(kind)}
    no_policy = (404, "NoSuchEntity", f"Scope ARN: {MISSING} does not exist or is not attachable.")
    assert refusal(create, **named, **more, PermissionsBoundary=MISSING) == no_policy
    shown = create(**named, **more, PermissionsBoundary=policy)[kind]["PermissionsBoundary"]
    assert shown["PermissionsBoundaryArn"] == policy
    assert get(**named)[kind]["PermissionsBoundary"] == shown
    assert refusal(put, **named, PermissionsBoundary=MISSING) == no_policy
    put(**named, PermissionsBoundary=READ_ONLY)
    assert get(**named)[kind]["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    delete(**named)
    assert refusal(delete, **named)[:2] == (404, "NoSuchEntity")
    nobody = {f"{kind}Name": "nobody"}
    no_entity = (404, "NoSuchEntity", f"The {kind.lower()} with name nobody cannot be found.")
    assert refusal(put, **nobody, PermissionsBoundary=policy) == no_entity
    assert refusal(delete, **nobody) == no_entity


def test_an_administrator_who_must_set_a_boundary_cannot_leave_it_out(owner, iam, policy):
    """AWS's own example of delegation: users only with the boundary, and only permitted policies."""
    bounded = {"StringEquals": {"iam:PermissionsBoundary": policy}}
    chosen = {"ArnEquals": {"iam:PolicyARN": READ_ONLY}}
    admin = owner.user(
        allow(["iam:CreateUser", "iam:PutUserPolicy", "iam:PutUserPermissionsBoundary"], "*", bounded),
        allow("iam:AttachUserPolicy", "*", chosen | bounded),
    ).boto("iam")
    name = unique("user")
    assert refusal(admin.create_user, UserName=name)[1] == "AccessDenied"
    assert refusal(admin.create_user, UserName=name, PermissionsBoundary=READ_ONLY)[1] == "AccessDenied"
    admin.create_user(UserName=name, PermissionsBoundary=policy)
    admin.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=LIST_USERS)
    admin.attach_user_policy(UserName=name, PolicyArn=READ_ONLY)
    other = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert refusal(admin.attach_user_policy, UserName=name, PolicyArn=other)[1] == "AccessDenied"
    replaced = refusal(admin.put_user_permissions_boundary, UserName=name, PermissionsBoundary=READ_ONLY)
    assert replaced[1] == "AccessDenied"
    iam.delete_user_permissions_boundary(UserName=name)
    assert refusal(admin.put_user_policy, UserName=name, PolicyName="p", PolicyDocument=LIST_USERS)[1] == "AccessDenied"
    assert refusal(admin.attach_user_policy, UserName=name, PolicyArn=READ_ONLY)[1] == "AccessDenied"


# --- Tags --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["User", "Role", "Policy"])
def test_tags_are_added_replaced_listed_and_removed(iam, policy, kind):
    named = {"PolicyArn": policy} if kind == "Policy" else made(iam, kind)
    tag, untag, tags = calls(iam, kind, "tag_{}", "untag_{}", "list_{}_tags")
    assert without_metadata(tags(**named)) == {"Tags": [], "IsTruncated": False}
    tag(**named, Tags=[{"Key": "Team", "Value": "red"}, {"Key": "Cost", "Value": ""}])
    tag(**named, Tags=[{"Key": "team", "Value": "blue"}])
    shown = [{"Key": "Cost", "Value": ""}, {"Key": "team", "Value": "blue"}]
    assert tags(**named)["Tags"] == shown
    pages = [tags(**named, MaxItems=1)]
    pages.append(tags(**named, Marker=pages[0]["Marker"]))
    assert [page["Tags"] for page in pages] == [shown[:1], shown[1:]]
    untag(**named, TagKeys=["TEAM", "other"])
    assert tags(**named)["Tags"] == shown[:1]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    assert refusal(tag, **named, Tags=many)[:2] == (409, "LimitExceeded")
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refusal(tag, **named, Tags=twice)[:2] == (400, "InvalidInput")
    assert tags(**named)["Tags"] == shown[:1]
    if kind != "Policy":
        no_entity = (404, "NoSuchEntity", f"The {kind.lower()} with name nobody cannot be found.")
        nobody = {f"{kind}Name": "nobody"}
        assert refusal(tag, **nobody, Tags=twice[:1]) == no_entity
        assert refusal(untag, **nobody, TagKeys=["a"]) == no_entity
        assert refusal(tags, **nobody) == no_entity


def test_tags_of_request_and_resource_are_conditions(owner, iam, policy):
    team = {"StringEquals": {"aws:ResourceTag/Team": "red"}}
    admin = owner.user(
        allow(["iam:GetUser", "iam:GetPolicy"], "*", team),
        allow("iam:TagUser", "*", {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}),
        allow("iam:CreatePolicy", "*"),
    ).boto("iam")
    name = unique("user")
    iam.create_user(UserName=name)
    assert refusal(admin.get_user, UserName=name)[1] == "AccessDenied"
    assert refusal(admin.tag_user, UserName=name, Tags=[{"Key": "Other", "Value": "x"}])[1] == "AccessDenied"
    admin.tag_user(UserName=name, Tags=[{"Key": "Team", "Value": "red"}])
    assert admin.get_user(UserName=name)["User"]["UserName"] == name
    assert refusal(admin.get_policy, PolicyArn=policy)[1] == "AccessDenied"
    iam.tag_policy(PolicyArn=policy, Tags=[{"Key": "Team", "Value": "red"}])
    assert admin.get_policy(PolicyArn=policy)["Policy"]["Arn"] == policy
    tagged = {"PolicyName": unique("policy"), "PolicyDocument": LIST_USERS, "Tags": [{"Key": "k", "Value": "v"}]}
    denied = refusal(admin.create_policy, **tagged)
    assert denied[1] == "AccessDenied" and "iam:TagPolicy" in denied[2]


def test_what_was_attached_is_there_after_a_restart(start_server):
    from world import World

    first = start_server()
    owner = World(first).owner
    user, iam = owner.user(), owner.root.boto("iam")
    name = name_in(user.arn)
    policy = iam.create_policy(PolicyName="p", Path="/a/", PolicyDocument=LIST_USERS)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=POLICY)
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName=name)
    iam.attach_group_policy(GroupName="g", PolicyArn=policy)
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=policy)
    shown = iam.get_policy(PolicyArn=policy)["Policy"]
    first.kill()
    again = start_server(first.data_dir)
    iam = World(again).owner.root.boto("iam")
    assert iam.get_policy(PolicyArn=policy)["Policy"] == shown
    assert [one["UserName"] for one in iam.get_group(GroupName="g")["Users"]] == [name]
    assert lists_users(type(user)(again.base, user.arn, user.credentials))
    assert [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=policy)["Versions"]] == ["v2", "v1"]
