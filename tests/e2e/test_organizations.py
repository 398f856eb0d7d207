"""Organizations: the tree and its accounts as boto3 sees them, and what an organization decides."""

import json
import re

import pytest

from world import Account, Caller, access_key, allow, boto, document, error_of, unique
from wire import Credentials

NOT_IN_USE = ("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


class Organization:
    """An organization of a new account."""

    def __init__(self, world):
        self.world, self.management = world, world.account()
        self.boto = self.management.root.boto("organizations")
        self.shown = self.boto.create_organization(FeatureSet="ALL")["Organization"]
        self.id = self.shown["Id"]
        self.root = self.boto.list_roots()["Roots"][0]["Id"]

    def unit(self, parent=None, name=None):
        parent = parent or self.root
        made = self.boto.create_organizational_unit(ParentId=parent, Name=name or unique("unit"))
        return made["OrganizationalUnit"]["Id"]

    def account(self, unit=None, **parameters):
        """A new account, with credentials of its root, in a unit."""
        name = unique("account")
        parameters = {"AccountName": name, "Email": f"{name}@x.example"} | parameters
        status = self.boto.create_account(**parameters)["CreateAccountStatus"]
        assert status["State"] == "SUCCEEDED", status
        number = status["AccountId"]
        if unit:
            self.move(number, self.root, unit)
        credentials = access_key(self.world.server, "--root", "--account-id", number)
        base, region = self.management.base, self.world.region
        return Account(number, Caller(base, f"arn:aws:iam::{number}:root", credentials, region))

    def move(self, account, source, destination):
        self.boto.move_account(
            AccountId=account, SourceParentId=source, DestinationParentId=destination
        )


@pytest.fixture(scope="module")
def organization(world):
    return Organization(world)


def assume(caller, role_arn):
    """A session of a role, as `caller`."""
    got = caller.boto("sts").assume_role(RoleArn=role_arn, RoleSessionName="session")["Credentials"]
    return Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


def every(client, operation, key, **parameters):
    """Every entry of a list, page by page, in pages of two."""
    pages = client.get_paginator(operation).paginate(PaginationConfig={"PageSize": 2}, **parameters)
    return [entry for page in pages for entry in page[key]]


def test_an_organization_is_shown_to_its_management_account_and_its_members(organization):
    management = organization.management.id
    shown, o = organization.shown, organization.id
    assert re.fullmatch("o-[a-z0-9]{10}", o)
    assert shown["Arn"] == f"arn:aws:organizations::{management}:organization/{o}"
    assert shown["FeatureSet"] == "ALL" and shown["MasterAccountId"] == management
    assert shown["MasterAccountArn"] == f"arn:aws:organizations::{management}:account/{o}/{management}"
    assert organization.boto.describe_organization()["Organization"] == shown
    member = organization.account().root.boto("organizations")
    assert member.describe_organization()["Organization"] == shown
    taken = ("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
    assert error_of(organization.boto.create_organization) == taken
    assert error_of(member.create_organization)[0] == "AccessDeniedException"
    [root] = organization.boto.list_roots()["Roots"]
    assert root["Arn"] == f"arn:aws:organizations::{management}:root/{o}/{root['Id']}"


def test_without_an_organization_there_is_nothing_to_show(world):
    client = world.account().root.boto("organizations")
    for call, parameters in [
        (client.describe_organization, {}),
        (client.list_accounts, {}),
        (client.list_roots, {}),
        (client.create_account, {"AccountName": "a", "Email": "a@x.example"}),
        (client.create_organizational_unit, {"ParentId": "r-ab12", "Name": "n"}),
        (client.delete_organization, {}),
    ]:
        assert error_of(call, **parameters) == NOT_IN_USE
    client.create_organization()
    client.delete_organization()
    assert error_of(client.describe_organization) == NOT_IN_USE


def test_units_form_a_tree(world):
    organization = Organization(world)
    client = organization.boto
    made = client.create_organizational_unit(ParentId=organization.root, Name="Work")["OrganizationalUnit"]
    unit, o = made["Id"], organization.id
    assert re.fullmatch(f"ou-{organization.root[2:]}-[a-z0-9]{{8}}", unit)
    assert made["Arn"] == f"arn:aws:organizations::{organization.management.id}:ou/{o}/{unit}"
    twice = error_of(client.create_organizational_unit, ParentId=organization.root, Name="Work")
    assert twice == ("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
    inner = [organization.unit(unit) for _ in range(5)]
    listed = every(client, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit)
    assert [one["Id"] for one in listed] == sorted(inner)
    children = every(client, "list_children", "Children", ParentId=unit, ChildType="ORGANIZATIONAL_UNIT")
    assert children == [{"Id": one, "Type": "ORGANIZATIONAL_UNIT"} for one in sorted(inner)]
    assert client.list_parents(ChildId=inner[0])["Parents"] == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]
    renamed = client.update_organizational_unit(OrganizationalUnitId=unit, Name="Play")
    assert renamed["OrganizationalUnit"] == made | {"Name": "Play"}
    assert client.describe_organizational_unit(OrganizationalUnitId=unit) | renamed == {
        **client.describe_organizational_unit(OrganizationalUnitId=unit),
        **renamed,
    }
    assert error_of(client.delete_organizational_unit, OrganizationalUnitId=unit)[0] == (
        "OrganizationalUnitNotEmptyException"
    )
    for one in inner + [unit]:
        client.delete_organizational_unit(OrganizationalUnitId=one)
    gone = error_of(client.describe_organizational_unit, OrganizationalUnitId=unit)
    assert gone[0] == "OrganizationalUnitNotFoundException"
    assert error_of(client.create_organizational_unit, ParentId=unit, Name="x")[0] == "ParentNotFoundException"


def test_a_created_account_lets_its_management_account_in_and_nobody_else(organization, world):
    name = unique("account")
    status = organization.boto.create_account(AccountName=name, Email=f"{name}@x.example")
    status = status["CreateAccountStatus"]
    assert (status["State"], status["AccountName"]) == ("SUCCEEDED", name)
    number = status["AccountId"]
    described = organization.boto.describe_create_account_status(CreateAccountRequestId=status["Id"])
    assert described["CreateAccountStatus"] == status
    account = organization.boto.describe_account(AccountId=number)["Account"]
    assert (account["Name"], account["Email"], account["JoinedMethod"]) == (name, f"{name}@x.example", "CREATED")
    role = f"arn:aws:iam::{number}:role/OrganizationAccountAccessRole"
    admin = organization.management.user(allow("sts:AssumeRole", role))
    iam = boto(admin.base, "iam", assume(admin, role))
    assert iam.get_role(RoleName="OrganizationAccountAccessRole")["Role"]["Arn"] == role
    iam.create_user(UserName="made-from-outside")
    stranger = world.account().user(allow("*", "*"))
    assert error_of(assume, stranger, role)[0] == "AccessDenied"


def test_an_address_has_one_account(organization):
    client, name = organization.boto, unique("account")
    client.create_account(AccountName=name, Email=f"{name}@x.example")
    again = client.create_account(AccountName=name, Email=f"{name}@x.example")["CreateAccountStatus"]
    assert (again["State"], again["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    failed = every(client, "list_create_account_status", "CreateAccountStatuses", States=["FAILED"])
    assert again in failed
    done = every(client, "list_create_account_status", "CreateAccountStatuses", States=["SUCCEEDED"])
    assert again not in done and done


def test_accounts_move_and_are_listed_where_they_are(world):
    organization = Organization(world)
    client, unit = organization.boto, organization.unit()
    numbers = [organization.account(unit).id for _ in range(3)]
    below = every(client, "list_accounts_for_parent", "Accounts", ParentId=unit)
    assert [one["Id"] for one in below] == sorted(numbers)
    children = every(client, "list_children", "Children", ParentId=unit, ChildType="ACCOUNT")
    assert [one["Id"] for one in children] == sorted(numbers)
    everyone = every(client, "list_accounts", "Accounts")
    assert [one["Id"] for one in everyone] == sorted([*numbers, organization.management.id])
    move = client.move_account
    account = {"AccountId": numbers[0]}
    root = organization.root
    for source, destination, code in [
        (root, unit, "SourceParentNotFoundException"),
        (unit, "ou-ab12-11111111", "DestinationParentNotFoundException"),
        (unit, unit, "DuplicateAccountException"),
    ]:
        refused = error_of(move, **account, SourceParentId=source, DestinationParentId=destination)
        assert refused[0] == code
    assert error_of(client.delete_organization)[0] == "OrganizationNotEmptyException"
    missing = error_of(client.describe_account, AccountId="999999999999")
    assert missing == ("AccountNotFoundException", "You specified an account that doesn't exist.")


def test_every_call_is_decided_on_the_resource_that_it_names(organization):
    management, o = organization.management.id, organization.id
    unit = organization.unit()
    arn = f"arn:aws:organizations::{management}:ou/{o}/{unit}"
    user = organization.management.user()
    client = user.boto("organizations")
    code, text = error_of(client.describe_organizational_unit, OrganizationalUnitId=unit)
    assert code == "AccessDeniedException"
    assert f"{user.arn} is not authorized to perform: organizations:DescribeOrganizationalUnit on resource: {arn}" in text
    user.permit(allow("organizations:DescribeOrganizationalUnit", arn))
    assert client.describe_organizational_unit(OrganizationalUnitId=unit)["OrganizationalUnit"]["Id"] == unit
    other = organization.unit()
    assert error_of(client.describe_organizational_unit, OrganizationalUnitId=other)[0] == "AccessDeniedException"

    # Who moves an account must be allowed about the account and both places.
    account = organization.account().id
    parts = [f"account/{o}/{account}", f"root/{o}/{organization.root}", f"ou/{o}/{unit}"]
    arns = [f"arn:aws:organizations::{management}:{part}" for part in parts]
    places = {"SourceParentId": organization.root, "DestinationParentId": unit}
    for missing in arns:
        user.permit(allow("organizations:MoveAccount", [one for one in arns if one != missing]))
        code, text = error_of(client.move_account, AccountId=account, **places)
        assert code == "AccessDeniedException" and missing in text
    user.permit(allow("organizations:MoveAccount", arns))
    client.move_account(AccountId=account, **places)


def test_a_member_cannot_act_on_its_organization(organization):
    member = organization.account().root.boto("organizations")
    for call, parameters in [
        (member.list_accounts, {}),
        (member.list_roots, {}),
        (member.create_account, {"AccountName": "a", "Email": "a@x.example"}),
        (member.create_organizational_unit, {"ParentId": organization.root, "Name": "mine"}),
        (member.delete_organization, {}),
    ]:
        assert error_of(call, **parameters)[0] == "AccessDeniedException"


def test_what_is_not_kept_is_refused_by_name(organization):
    tags = [{"Key": "k", "Value": "v"}]
    client = organization.boto
    for call, parameters, name in [
        (client.create_account, {"AccountName": "a", "Email": "a@x.example", "Tags": tags}, "Tags"),
        (client.create_organizational_unit, {"ParentId": organization.root, "Name": "n", "Tags": tags}, "Tags"),
    ]:
        code, text = error_of(call, **parameters)
        assert code == "UnsupportedOperationException" and name in text
    assert error_of(client.list_accounts, NextToken="x")[0] == "InvalidInputException"


def test_a_value_out_of_shape_is_invalid_input(organization):
    wire = organization.management.root.wire
    headers = {"Content-Type": "application/x-amz-json-1.1"}

    def call(operation, body):
        target = {"X-Amz-Target": f"AWSOrganizationsV20161128.{operation}"}
        return wire.call("POST", "/", body=body, headers=headers | target, service="organizations")

    for operation, body, code in [
        ("DescribeAccount", b'{"AccountId":"x"}', "InvalidInputException"),
        ("DescribeAccount", b"{}", "InvalidInputException"),
        ("DescribeAccount", b'{"AccountId":1}', "SerializationException"),
        ("Nonesuch", b"{}", "UnknownOperationException"),
    ]:
        answer = call(operation, body)
        assert (answer.status, answer.json["__type"]) == (400, code), answer
    broken = call("DescribeAccount", b"{")
    assert broken.status == 400 and broken.json["__type"]


def test_an_organization_outlives_a_restart(start_server, tmp_path):
    from world import World

    first = start_server()
    organization = Organization(World(first))
    account = organization.account(organization.unit())
    before = organization.boto.list_accounts()["Accounts"]
    management = organization.management.root.credentials
    first.end()
    second = start_server(first.data_dir)
    client = boto(second.base, "organizations", management)
    assert client.list_accounts()["Accounts"] == before
    assert client.describe_organization()["Organization"] == organization.shown
    member = boto(second.base, "organizations", account.root.credentials)
    assert member.describe_organization()["Organization"]["Id"] == organization.id


def invoke(caller, arn):
    """The error code of an invocation, or None."""
    answer = caller.wire.invoke(arn, b"{}")
    return None if answer.status == 200 else answer.code


def test_a_grant_to_an_organization_is_for_its_members_and_no_others(organization, world, warm):
    owner = organization.account()
    arn = owner.arn(owner.function())
    owner.root.boto().add_permission(
        FunctionName=arn,
        StatementId="ours",
        Action="lambda:InvokeFunction",
        Principal="*",
        PrincipalOrgID=organization.id,
    )
    statement = allow("lambda:InvokeFunction", arn)
    member = organization.account().user(statement)
    outsider = world.account().user(statement)
    elsewhere = Organization(world).account().user(statement)
    assert invoke(member, arn) is None
    assert invoke(organization.management.user(statement), arn) is None
    for stranger in (outsider, elsewhere, organization.account().user(), world.service("s3.amazonaws.com")):
        assert invoke(stranger, arn) == "AccessDeniedException"
    # A header says nothing.
    headers = {"x-amz-source-org-id": organization.id, "x-amz-principal-org-id": organization.id}
    path = f"/2015-03-31/functions/{arn}/invocations"
    assert outsider.wire.call("POST", path, body=b"{}", headers=headers).status == 403


def test_the_way_to_an_account_is_a_condition_key(organization):
    unit = organization.unit()
    inner = organization.unit(unit)
    path = f"{organization.id}/{organization.root}/{unit}/"
    account = organization.account(inner)

    def may(condition):
        user = account.user(allow("iam:ListUsers", "*", condition))
        try:
            return bool(user.boto("iam").list_users())
        except user.boto("iam").exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False

    every, some = "ForAllValues:StringEquals", "ForAnyValue:StringLike"
    assert may({some: {"aws:PrincipalOrgPaths": f"{path}*"}})
    assert may({some: {"aws:ResourceOrgPaths": f"{path}{inner}/"}})
    assert may({"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}})
    assert not may({every: {"aws:PrincipalOrgPaths": path}})
    assert not may({"Null": {"aws:PrincipalOrgID": "true"}})
    organization.move(account.id, inner, organization.root)
    assert not may({some: {"aws:PrincipalOrgPaths": f"{path}*"}})
    assert may({every: {"aws:PrincipalOrgPaths": f"{organization.id}/{organization.root}/"}})


def test_outside_of_organizations_the_keys_are_absent(world):
    account = world.account()
    keys = ["PrincipalOrgID", "PrincipalOrgPaths", "ResourceOrgID", "ResourceOrgPaths", "SourceOrgID"]
    null = {"Null": {f"aws:{key}": "true" for key in keys}}
    assert account.user(allow("iam:ListUsers", "*", null)).boto("iam").list_users()
