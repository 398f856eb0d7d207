"""The account as a whole: its alias, its numbers, everything in it."""

import json

import pytest

from test_identity import POLICY, TRUST, refusal, without_metadata
from test_iam_policies import LIST_USERS, READ_ONLY
from world import unique


@pytest.fixture
def account(world):
    return world.account()


@pytest.fixture
def iam(account):
    return account.root.boto("iam")


def test_an_account_has_one_alias_and_no_other_has_it(iam, other):
    assert without_metadata(iam.list_account_aliases()) == {"AccountAliases": [], "IsTruncated": False}
    first, second = unique("our-company"), unique("our-company")
    iam.create_account_alias(AccountAlias=first)
    assert iam.list_account_aliases()["AccountAliases"] == [first]
    exists = (409, "EntityAlreadyExists", f"The account alias {first} already exists.")
    theirs = other.root.boto("iam")
    assert refusal(theirs.create_account_alias, AccountAlias=first) == exists
    assert refusal(iam.create_account_alias, AccountAlias=first) == exists
    iam.create_account_alias(AccountAlias=second)
    assert iam.list_account_aliases()["AccountAliases"] == [second]
    theirs.create_account_alias(AccountAlias=first)
    missing = (404, "NoSuchEntity", f"The account alias with name {first} cannot be found.")
    assert refusal(iam.delete_account_alias, AccountAlias=first) == missing
    iam.delete_account_alias(AccountAlias=second)
    assert iam.list_account_aliases()["AccountAliases"] == []
    for illegal in ("-abc", "abc-", "a--b", "Abc"):
        assert refusal(iam.create_account_alias, AccountAlias=illegal)[:2] == (400, "ValidationError")
    theirs.delete_account_alias(AccountAlias=first)


def test_the_summary_counts_what_is_there(iam):
    empty = iam.get_account_summary()["SummaryMap"]
    assert all(empty[what] == 0 for what in ("Users", "Groups", "Roles", "Policies", "PolicyVersionsInUse"))
    assert (empty["AccountAccessKeysPresent"], empty["MFADevices"]) == (1, 0)
    assert (empty["AccessKeysPerUserQuota"], empty["VersionsPerPolicyQuota"]) == (2, 5)
    for _ in range(2):
        iam.create_user(UserName=unique("user"))
        iam.create_group(GroupName=unique("group"))
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    policy = iam.create_policy(PolicyName="p", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=POLICY)
    counted = {"Users": 2, "Groups": 2, "Roles": 1, "Policies": 1, "PolicyVersionsInUse": 2}
    assert iam.get_account_summary()["SummaryMap"] == empty | counted


def filled(iam):
    """A user in a group, a role, a policy, each with something on it."""
    iam.create_user(UserName="u", Tags=[{"Key": "k", "Value": "v"}])
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    policy = iam.create_policy(PolicyName="p", PolicyDocument=LIST_USERS, Description="d")["Policy"]["Arn"]
    iam.put_user_policy(UserName="u", PolicyName="own", PolicyDocument=POLICY)
    iam.put_group_policy(GroupName="g", PolicyName="own", PolicyDocument=POLICY)
    iam.put_role_policy(RoleName="r", PolicyName="own", PolicyDocument=POLICY)
    iam.attach_group_policy(GroupName="g", PolicyArn=policy)
    iam.attach_user_policy(UserName="u", PolicyArn=READ_ONLY)
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=policy)
    return policy


LISTS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}


def test_the_details_are_everything_with_all_that_hangs_on_it(iam):
    policy = filled(iam)
    details = without_metadata(iam.get_account_authorization_details())
    assert not details["IsTruncated"]
    (user,), (group,), (role,) = (details[f"{kind}DetailList"] for kind in ("User", "Group", "Role"))
    own = [{"PolicyName": "own", "PolicyDocument": json.loads(POLICY)}]
    assert user["UserPolicyList"] == group["GroupPolicyList"] == role["RolePolicyList"] == own
    assert (user["GroupList"], user["Tags"]) == (["g"], [{"Key": "k", "Value": "v"}])
    assert [one["PolicyArn"] for one in user["AttachedManagedPolicies"]] == [READ_ONLY]
    assert [one["PolicyArn"] for one in group["AttachedManagedPolicies"]] == [policy]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == policy
    assert (role["AssumeRolePolicyDocument"], role["InstanceProfileList"]) == (TRUST, [])
    local, aws = details["Policies"]
    assert (local["Arn"], local["AttachmentCount"], local["Description"]) == (policy, 1, "d")
    assert [one["Document"] for one in local["PolicyVersionList"]] == [json.loads(LIST_USERS)]
    assert (aws["Arn"], aws["AttachmentCount"]) == (READ_ONLY, 1)


@pytest.mark.parametrize("kind", LISTS)
def test_the_details_are_filtered_by_kind(iam, kind):
    filled(iam)
    details = iam.get_account_authorization_details(Filter=[kind])
    filled_lists = {members for members in set(LISTS.values()) if details[members]}
    assert filled_lists == {LISTS[kind]} and len(details[LISTS[kind]]) == 1


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_details_are_paged(iam, size):
    filled(iam)
    whole = iam.get_account_authorization_details()
    pages = list(
        iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": size})
    )
    for members in set(LISTS.values()):
        assert [one for page in pages for one in page[members]] == whole[members]
    assert [sum(len(page[members]) for members in set(LISTS.values())) for page in pages[:-1]] == [size] * (
        len(pages) - 1
    )
