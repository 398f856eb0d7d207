"""Groups: what IAM answers and refuses, and that a member may what its groups may."""

import re

import pytest

from server import ACCOUNT
from test_identity import POLICY, name_in, refusal, without_metadata
from world import allow, deny, document, unique


@pytest.fixture
def group(iam):
    name = unique("group")
    iam.create_group(GroupName=name)
    return name


def test_a_group_is_shown_as_iam_shows_it(iam):
    name = unique("Group")
    created = iam.create_group(GroupName=name, Path="/team/")["Group"]
    assert list(created) == ["Path", "GroupName", "GroupId", "Arn", "CreateDate"]
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/team/{name}"
    assert re.fullmatch("AGPA[A-Z2-7]{17}", created["GroupId"])
    answer = without_metadata(iam.get_group(GroupName=name))
    assert answer == {"Group": created, "Users": [], "IsTruncated": False}
    listed = [one for one in iam.list_groups(PathPrefix="/team/")["Groups"] if one["GroupName"] == name]
    assert listed == [created]
    assert all(one["GroupName"] != name for one in iam.list_groups(PathPrefix="/other/")["Groups"])
    iam.delete_group(GroupName=name)
    missing = (404, "NoSuchEntity", f"The group with name {name} cannot be found.")
    assert refusal(iam.get_group, GroupName=name) == missing
    assert refusal(iam.delete_group, GroupName=name) == missing


def test_members_are_listed_page_by_page_and_groups_of_a_member(owner, iam, group):
    users = sorted(name_in(owner.user().arn) for _ in range(5))
    for user in users:
        iam.add_user_to_group(GroupName=group, UserName=user)
    for size in (1, 2, 5, 100):
        pages = iam.get_paginator("get_group").paginate(GroupName=group, PaginationConfig={"PageSize": size})
        shown = [user for page in pages for user in page["Users"]]
        assert sorted(user["UserName"] for user in shown) == users
        assert all(list(user) == ["Path", "UserName", "UserId", "Arn", "CreateDate"] for user in shown)
    other = unique("Alpha")
    iam.create_group(GroupName=other)
    iam.add_user_to_group(GroupName=other, UserName=users[0])
    names = [one["GroupName"] for one in iam.list_groups_for_user(UserName=users[0])["Groups"]]
    assert names == sorted([group, other], key=str.lower)
    first = iam.list_groups_for_user(UserName=users[0], MaxItems=1)
    assert first["IsTruncated"]
    second = iam.list_groups_for_user(UserName=users[0], Marker=first["Marker"])
    assert [one["GroupName"] for one in first["Groups"] + second["Groups"]] == names


def test_a_member_may_what_its_groups_may_until_it_leaves(owner, iam, group):
    user = owner.user()
    name, own = name_in(user.arn), user.boto("iam")

    def may():
        try:
            return bool(own.list_users())
        except own.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False

    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document(allow("iam:ListUsers", "*")))
    assert not may()
    iam.add_user_to_group(GroupName=group, UserName=name)
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert may()
    iam.put_group_policy(GroupName=group, PolicyName="q", PolicyDocument=document(deny("iam:*", "*")))
    assert not may()
    iam.delete_group_policy(GroupName=group, PolicyName="q")
    assert may()
    iam.remove_user_from_group(GroupName=group, UserName=name)
    assert not may()


def test_an_inline_policy_of_a_group_is_put_read_listed_and_removed(iam, group):
    text = POLICY.replace(",", " ,\n\t")
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=text)
    answer = without_metadata(iam.get_group_policy(GroupName=group, PolicyName="p"))
    assert list(answer) == ["GroupName", "PolicyName", "PolicyDocument"]
    assert iam.list_group_policies(GroupName=group)["PolicyNames"] == ["p"]
    remain = (409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
    assert refusal(iam.delete_group, GroupName=group) == remain
    malformed = refusal(iam.put_group_policy, GroupName=group, PolicyName="x", PolicyDocument="{}")
    assert malformed[:2] == (400, "MalformedPolicyDocument")
    large = document(allow("s3:GetObject", "arn:aws:s3:::" + "b" * 5_000))
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=large)
    text = f"Maximum policy size of 5120 bytes exceeded for group {group}"
    exceeded = (409, "LimitExceeded", text)
    assert refusal(iam.put_group_policy, GroupName=group, PolicyName="q", PolicyDocument=POLICY) == exceeded
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    missing = (404, "NoSuchEntity", "The group policy with name p cannot be found.")
    assert refusal(iam.get_group_policy, GroupName=group, PolicyName="p") == missing
    assert refusal(iam.delete_group_policy, GroupName=group, PolicyName="p") == missing


def test_a_group_is_renamed_with_its_members_by_who_may_change_both_names(owner, iam, group):
    user = name_in(owner.user().arn)
    iam.add_user_to_group(GroupName=group, UserName=user)
    new, before = unique("Renamed"), iam.get_group(GroupName=group)["Group"]
    half = owner.user(allow("iam:UpdateGroup", before["Arn"])).boto("iam")
    denied = refusal(half.update_group, GroupName=group, NewGroupName=new)
    assert denied[:2] == (403, "AccessDenied")
    assert f"group/{new} because no identity-based policy" in denied[2]
    iam.update_group(GroupName=group, NewGroupName=new, NewPath="/moved/")
    after = iam.get_group(GroupName=new)
    changed = {"Path": "/moved/", "GroupName": new, "Arn": f"arn:aws:iam::{ACCOUNT}:group/moved/{new}"}
    assert after["Group"] == before | changed
    assert [one["UserName"] for one in after["Users"]] == [user]
    assert refusal(iam.get_group, GroupName=group)[1] == "NoSuchEntity"
    taken = unique("group")
    iam.create_group(GroupName=taken)
    exists = (409, "EntityAlreadyExists", f"Group with name {taken.upper()} already exists.")
    assert refusal(iam.update_group, GroupName=new, NewGroupName=taken.upper()) == exists
    assert refusal(iam.create_group, GroupName=taken.upper()) == exists


def test_who_and_what_is_missing_or_in_the_way_is_named(iam, group):
    name = unique("user")
    iam.create_user(UserName=name)
    no_user = (404, "NoSuchEntity", "The user with name nobody cannot be found.")
    no_group = (404, "NoSuchEntity", "The group with name nowhere cannot be found.")
    for call in (iam.add_user_to_group, iam.remove_user_from_group):
        assert refusal(call, GroupName=group, UserName="nobody") == no_user
        assert refusal(call, GroupName="nowhere", UserName=name) == no_group
    assert refusal(iam.list_groups_for_user, UserName="nobody") == no_user
    assert refusal(iam.update_group, GroupName="nowhere", NewPath="/x/") == no_group
    assert refusal(iam.put_group_policy, GroupName="nowhere", PolicyName="p", PolicyDocument=POLICY) == no_group
    assert refusal(iam.list_group_policies, GroupName="nowhere") == no_group
    assert refusal(iam.remove_user_from_group, GroupName=group, UserName=name)[1] == "NoSuchEntity"
    iam.add_user_to_group(GroupName=group, UserName=name)
    remain = (409, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
    assert refusal(iam.delete_group, GroupName=group) == remain
    assert refusal(iam.delete_user, UserName=name) == remain
    for _ in range(9):
        more = unique("group")
        iam.create_group(GroupName=more)
        iam.add_user_to_group(GroupName=more, UserName=name)
    more = unique("group")
    iam.create_group(GroupName=more)
    quota = (409, "LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")
    assert refusal(iam.add_user_to_group, GroupName=more, UserName=name) == quota
