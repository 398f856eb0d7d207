"""Rules of IAM and Organizations when many ask at once: what holds for one after the other holds then too."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from test_identity import TRUST
from test_organizations import Organization
from world import allow, document, unique

RACERS = 16
POLICY = document(allow("s3:*", "*"))
LARGE = document(allow("s3:*", "arn:aws:s3:::" + "b" * 1_400))


def outcomes(call, rows):
    """How often each answer came of calls with these parameters, all at once: `None`, or an error's code."""

    def outcome(parameters):
        try:
            call(**parameters)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(RACERS) as pool:
        return Counter(pool.map(outcome, rows))


@pytest.fixture
def user(iam):
    name = unique("user")
    iam.create_user(UserName=name)
    return {"UserName": name}


def groups(iam, count):
    names = [unique("group") for _ in range(count)]
    for name in names:
        iam.create_group(GroupName=name)
    return names


def policies(iam, count):
    made = [iam.create_policy(PolicyName=unique("policy"), PolicyDocument=POLICY) for _ in range(count)]
    return [one["Policy"]["Arn"] for one in made]


def test_a_user_has_two_keys_whoever_makes_them(iam, user):
    assert outcomes(iam.create_access_key, [user] * RACERS) == {None: 2, "LimitExceeded": RACERS - 2}
    assert len(iam.list_access_keys(**user)["AccessKeyMetadata"]) == 2


def test_a_user_is_in_ten_groups_whoever_adds_it(iam, user):
    rows = [user | {"GroupName": name} for name in groups(iam, RACERS)]
    assert outcomes(iam.add_user_to_group, rows) == {None: 10, "LimitExceeded": RACERS - 10}
    assert len(iam.list_groups_for_user(**user)["Groups"]) == 10


def test_a_user_has_ten_policies_whoever_attaches_them(iam, user):
    rows = [user | {"PolicyArn": arn} for arn in policies(iam, RACERS)]
    assert outcomes(iam.attach_user_policy, rows) == {None: 10, "LimitExceeded": RACERS - 10}
    attached = {one["PolicyArn"] for one in iam.list_attached_user_policies(**user)["AttachedPolicies"]}
    assert len(attached) == 10
    for row in rows:
        count = iam.get_policy(PolicyArn=row["PolicyArn"])["Policy"]["AttachmentCount"]
        assert count == (row["PolicyArn"] in attached)


def test_inline_policies_fit_together_whoever_puts_them(iam, user):
    rows = [user | {"PolicyName": f"p{number}", "PolicyDocument": LARGE} for number in range(RACERS)]
    assert outcomes(iam.put_user_policy, rows) == {None: 1, "LimitExceeded": RACERS - 1}
    assert len(iam.list_user_policies(**user)["PolicyNames"]) == 1


def test_a_policy_has_five_versions_whoever_makes_them(iam):
    [arn] = policies(iam, 1)
    ask = {"PolicyArn": arn, "PolicyDocument": POLICY, "SetAsDefault": True}
    assert outcomes(iam.create_policy_version, [ask] * RACERS) == {None: 4, "LimitExceeded": RACERS - 4}
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [one["VersionId"] for one in versions] == ["v5", "v4", "v3", "v2", "v1"]
    assert [one["VersionId"] for one in versions if one["IsDefaultVersion"]] == ["v5"]


def test_a_user_has_fifty_tags_whoever_puts_them(iam, user):
    rows = [user | {"Tags": [{"Key": f"k{row}-{n}", "Value": ""} for n in range(10)]} for row in range(RACERS)]
    assert outcomes(iam.tag_user, rows) == {None: 5, "LimitExceeded": RACERS - 5}
    assert len(iam.list_user_tags(**user)["Tags"]) == 50


@pytest.mark.parametrize("kind", ["user", "group", "role", "policy"])
def test_a_name_is_given_once_in_any_case(iam, kind):
    name = unique("Name")
    more = {"role": {"AssumeRolePolicyDocument": json.dumps(TRUST)}, "policy": {"PolicyDocument": POLICY}}
    parameter = f"{kind.title()}Name"
    rows = [{parameter: case} | more.get(kind, {}) for case in (name, name.lower(), name.upper()) * 5]
    assert outcomes(getattr(iam, f"create_{kind}"), rows) == {None: 1, "EntityAlreadyExists": 14}


def test_who_goes_leaves_nothing_whatever_is_put_on_it_meanwhile(iam):
    """Of a deletion and what would forbid it one happens."""
    arn, group = policies(iam, 1)[0], groups(iam, 1)[0]
    for _ in range(5):
        name = unique("user")
        user = {"UserName": name}
        iam.create_user(**user)
        calls = [
            lambda: iam.delete_user(**user),
            lambda: iam.create_access_key(**user),
            lambda: iam.attach_user_policy(**user, PolicyArn=arn),
            lambda: iam.add_user_to_group(**user, GroupName=group),
            lambda: iam.put_user_policy(**user, PolicyName="p", PolicyDocument=POLICY),
        ]
        got = outcomes(lambda call: call(), [{"call": call} for call in calls * 3])
        assert set(got) <= {None, "NoSuchEntity", "DeleteConflict", "LimitExceeded"}, got
        there = [one["UserName"] for one in iam.get_group(GroupName=group)["Users"]]
        holders = [one["UserName"] for one in iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]]
        try:
            iam.get_user(**user)
        except ClientError:
            assert name not in there + holders
            # One that is made anew has nothing of it.
            iam.create_user(**user)
            assert not iam.list_access_keys(**user)["AccessKeyMetadata"]
            assert not iam.list_user_policies(**user)["PolicyNames"]
            assert not iam.list_groups_for_user(**user)["Groups"]


def test_an_organization_has_one_account_of_an_address_and_one_unit_of_a_name(world):
    organization = Organization(world)
    client, root = organization.boto, organization.root
    unit = {"ParentId": root, "Name": unique("unit")}
    made = outcomes(client.create_organizational_unit, [unit] * RACERS)
    assert made == {None: 1, "DuplicateOrganizationalUnitException": RACERS - 1}
    address = f"{unique('account')}@x.example"
    outcomes(client.create_account, [{"AccountName": f"a{number}", "Email": address} for number in range(RACERS)])
    states = Counter(one["State"] for one in client.list_create_account_status(MaxResults=20)["CreateAccountStatuses"])
    assert states == {"SUCCEEDED": 1, "FAILED": RACERS - 1}
    assert len(client.list_accounts()["Accounts"]) == 2


def test_a_unit_that_goes_takes_no_account_with_it(world):
    organization = Organization(world)
    client, root, account = organization.boto, organization.root, organization.account().id
    for _ in range(5):
        unit = organization.unit()
        move = {"AccountId": account, "SourceParentId": root, "DestinationParentId": unit}
        calls = [lambda: client.delete_organizational_unit(OrganizationalUnitId=unit), lambda: client.move_account(**move)]
        outcomes(lambda call: call(), [{"call": call} for call in calls * 2])
        [parent] = client.list_parents(ChildId=account)["Parents"]
        if parent["Id"] == unit:
            assert client.describe_organizational_unit(OrganizationalUnitId=unit)
            organization.move(account, unit, root)
        assert [one["Id"] for one in client.list_accounts_for_parent(ParentId=root)["Accounts"] if one["Id"] == account]
