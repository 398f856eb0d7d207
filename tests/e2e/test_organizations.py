"""Organizations: the tree and its accounts as boto3 sees them, and what an organization decides."""

import json
import re

import pytest

from server import REGION
from test_decision_log import INVOKE, suppose
from wire import Credentials
from world import Account, Caller, World, access_key, allow, boto, deny, document, error_of, trusting, unique

NOT_IN_USE = ("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


SCP = "SERVICE_CONTROL_POLICY"
RCP = "RESOURCE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"
RCP_FULL = "p-RCPFullAWSAccess"


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

    def enable(self, policy_type=SCP):
        self.boto.enable_policy_type(RootId=self.root, PolicyType=policy_type)
        return self

    def policy(self, *statements, name=None, policy_type=SCP):
        """A new policy's id."""
        made = self.boto.create_policy(
            Name=name or unique("policy"), Description="", Type=policy_type, Content=document(*statements)
        )
        return made["Policy"]["PolicySummary"]["Id"]

    def limit(self, target, *statements, policy_type=SCP):
        """Puts these statements beside what is attached to `target`."""
        policy = self.policy(*statements, policy_type=policy_type)
        self.boto.attach_policy(PolicyId=policy, TargetId=target)
        return policy

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


def test_an_account_leaves_and_is_limited_no_more(world):
    organization = Organization(world).enable()
    client = organization.boto
    one, two = organization.account(), organization.account()
    organization.limit(organization.root, deny("iam:ListUsers", "*"))
    for account in (one, two):
        assert error_of(account.root.boto("iam").list_users)[0] == "AccessDenied"
    client.remove_account_from_organization(AccountId=one.id)
    organization.limit(two.id, deny("organizations:LeaveOrganization", "*"))
    leave = two.root.boto("organizations").leave_organization
    assert error_of(leave)[0] == "AccessDeniedException"
    for policy in client.list_policies_for_target(TargetId=two.id, Filter=SCP)["Policies"]:
        if policy["Id"] != FULL:
            client.detach_policy(PolicyId=policy["Id"], TargetId=two.id)
    leave()
    for account in (one, two):
        account.root.boto("iam").list_users()
        assert error_of(account.root.boto("organizations").describe_organization) == NOT_IN_USE
        gone = error_of(client.remove_account_from_organization, AccountId=account.id)
        assert gone == ("AccountNotFoundException", "You specified an account that doesn't exist.")
    for refused in (
        error_of(client.leave_organization),
        error_of(client.remove_account_from_organization, AccountId=organization.management.id),
    ):
        assert refused[0] == "MasterCannotLeaveOrganizationException"
    client.delete_organization()


def test_in_a_closed_account_nobody_does_anything(world):
    organization = Organization(world)
    client, account = organization.boto, organization.account()
    user = account.user(allow("*", "*"))
    role = f"arn:aws:iam::{account.id}:role/OrganizationAccountAccessRole"
    admin = organization.management.user(allow("sts:AssumeRole", role))
    session = boto(admin.base, "iam", assume(admin, role))
    assert error_of(client.close_account, AccountId=organization.management.id)[0] == "ConstraintViolationException"
    client.close_account(AccountId=account.id)
    for call in (account.root.boto("iam").list_users, user.boto("iam").list_users, session.list_users):
        code, text = error_of(call)
        assert code == "AccessDenied" and "because the account is suspended" in text
    assert error_of(assume, admin, role)[0] == "AccessDenied"
    owner, arn = organization.management.root, organization.management.arn(organization.management.function())
    owner.wire.add_permission(arn, {"StatementId": "them", "Action": INVOKE, "Principal": account.id})
    told = suppose(owner, account.root.arn, arn)
    assert told["Explanation"]["decision"] == "ImplicitlyDenied"
    assert told["Reason"] == f"The account {account.id} is closed: nobody in it may do anything."
    shown = client.describe_account(AccountId=account.id)["Account"]
    assert shown["Status"] == "SUSPENDED"
    again = error_of(client.close_account, AccountId=account.id)
    assert again == ("AccountAlreadyClosedException", "You attempted to close an account that is already closed.")
    removed = error_of(client.remove_account_from_organization, AccountId=account.id)
    assert removed[0] == "ConstraintViolationException"
    assert error_of(client.delete_organization)[0] == "OrganizationNotEmptyException"


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
    client = organization.boto
    code, text = error_of(
        client.create_account, AccountName="a", Email="a@x.example", IamUserAccessToBilling="DENY"
    )
    assert code == "UnsupportedOperationException" and "IamUserAccessToBilling" in text
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
        ("DescribeAccount", b"{", "SerializationException"),
        ("DescribeAccount", b"\xff", "SerializationException"),
        ("DescribeAccount", b'[]', "SerializationException"),
        ("DescribeAccount", b"AccountId=123456789012", "SerializationException"),
        ("Nonesuch", b"{}", "UnknownOperationException"),
    ]:
        answer = call(operation, body)
        assert (answer.status, answer.json["__type"]) == (400, code), answer


@pytest.mark.parametrize(
    ("kind", "is_json"),
    [
        (None, True),
        ("application/x-amz-json-1.1", True),
        ("Application/X-AMZ-JSON-1.1; charset=utf-8", True),
        ("application/json", True),
        ("application/x-amz-json-1.10", False),
        ("application/x-www-form-urlencoded", False),
        ("text/plain", False),
        ("?", False),
    ],
)
def test_what_says_that_it_is_no_json_changes_nothing(organization, kind, is_json):
    name = unique("typed")
    headers = {"X-Amz-Target": "AWSOrganizationsV20161128.CreateOrganizationalUnit"} | ({"Content-Type": kind} if kind else {})
    body = json.dumps({"ParentId": organization.root, "Name": name}).encode()
    answer = organization.management.root.wire.call("POST", "/", body=body, headers=headers, service="organizations")
    listed = every(organization.boto, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=organization.root)
    assert (name in [unit["Name"] for unit in listed]) == is_json
    if not is_json:
        assert (answer.status, answer.json["__type"]) == (400, "UnknownOperationException"), answer


# What the forms of IAM are tried with, as far as JSON can say it.
HOSTILE = ["", "x" * 129, "\u0000", "\ud800", "a\nb", "</Name>", "]]>", "&amp;", "\"", "é ü"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_said_back_or_refused_and_changes_nothing(organization, name):
    """A unit's name is any text of 1 to 128 characters (Organizations model, `OrganizationalUnitName`)."""
    headers = {"X-Amz-Target": "AWSOrganizationsV20161128.CreateOrganizationalUnit"}
    parent = organization.unit()
    body = json.dumps({"ParentId": parent, "Name": name}).encode()
    answer = organization.management.root.wire.call("POST", "/", body=body, headers=headers, service="organizations")
    listed = every(organization.boto, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=parent)
    if answer.status == 200:
        assert [unit["Name"] for unit in listed] == [answer.json["OrganizationalUnit"]["Name"]] == [name]
    else:
        assert answer.status == 400 and answer.json["__type"] in ("InvalidInputException", "SerializationException")
        assert listed == []


def test_an_organization_outlives_a_restart(start_server, tmp_path):
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


@pytest.fixture(scope="module")
def limited(world):
    """An organization with service control policies in force."""
    return Organization(world).enable()


def listing(caller):
    """What comes of listing users, which everybody here may by identity: None, or the denial."""
    iam = caller.boto("iam")
    try:
        return iam.list_users() and None
    except iam.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return error.response["Error"]["Message"]


def test_a_denial_at_any_level_holds_below_and_nowhere_else(limited):
    unit = limited.unit()
    inner = limited.unit(unit)
    below, beside = limited.account(inner), limited.account()
    callers = [below.root, below.user(allow("*", "*")), below.session(allow("*", "*"))]
    assert [listing(one) for one in callers] == [None] * 3
    for target in (unit, inner, below.id):
        policy = limited.limit(target, deny("iam:ListUsers", "*"))
        for one in callers:
            assert "with an explicit deny in a service control policy" in listing(one), target
        assert listing(beside.root) is None and listing(limited.management.root) is None
        limited.boto.detach_policy(PolicyId=policy, TargetId=target)
        assert [listing(one) for one in callers] == [None] * 3


def test_every_level_has_to_allow(limited):
    unit = limited.unit()
    account = limited.account(unit)
    nobody = account.session()
    narrow = limited.limit(unit, allow(["lambda:*", "sts:*"], "*"))
    assert listing(account.root) is None
    limited.boto.detach_policy(PolicyId=FULL, TargetId=unit)
    assert "because no service control policy allows the iam:ListUsers action" in listing(account.root)
    assert account.root.boto().list_functions()["Functions"] == []
    last = error_of(limited.boto.detach_policy, PolicyId=narrow, TargetId=unit)
    assert last[0] == "ConstraintViolationException"
    # What allows nothing by itself: a user without a policy of its own.
    code, _ = error_of(nobody.boto().list_functions)
    assert code == "AccessDeniedException"
    # An update is in force wherever the policy is attached.
    limited.boto.update_policy(PolicyId=narrow, Content=document(allow(["lambda:*", "iam:List*"], "*")))
    assert listing(account.root) is None
    assert error_of(account.root.boto("iam").create_user, UserName="new")[0] == "AccessDenied"
    limited.move(account.id, unit, limited.root)
    assert account.user(allow("*", "*"))


def test_the_management_account_and_service_linked_roles_are_never_limited(world):
    organization = Organization(world).enable()
    member = organization.account()
    member.root.boto("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    policy = organization.limit(organization.root, deny("*", "*"))
    assert listing(organization.management.root) is None
    assert listing(organization.management.user(allow("*", "*"))) is None
    assert listing(member.root)
    organization.boto.attach_policy(PolicyId=policy, TargetId=organization.management.id)
    assert listing(organization.management.root) is None


@pytest.mark.parametrize("path", ["/", "/x/aws-service-role/", "/x:role/aws-service-role/"])
def test_no_role_of_the_account_s_own_passes_for_a_service_linked_one(limited, path):
    """A path may have colons, as the fields of an ARN are set apart by."""
    account = limited.account()
    user = account.user()
    role = account.role(trusting(user.arn), unique("AWSServiceRoleFor"), path)
    session = account.session(allow("*", "*"), role_arn=role, by=user)
    assert listing(session) is None
    limited.limit(account.id, deny("iam:ListUsers", "*"))
    assert listing(session)


def test_no_code_of_an_account_runs_as_a_service_linked_role(limited):
    """Such a role is not limited by the organization: through it the account's own code would not be."""
    account = limited.account()
    linked = account.root.boto("iam").create_service_linked_role(AWSServiceName="lambda.amazonaws.com")
    refused = "The role defined for the function cannot be assumed by Lambda."
    assert error_of(account.function, role=linked["Role"]["Arn"])[1] == refused
    update = account.root.boto().update_function_configuration
    assert error_of(update, FunctionName=account.function(), Role=linked["Role"]["Arn"])[1] == refused


def test_a_policy_has_conditions_on_the_caller_and_the_resource(limited):
    account = limited.account()
    user = account.user(allow("iam:*", "*"))
    condition = {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{account.id}:root"}}
    limited.limit(account.id, deny("iam:Delete*", f"arn:aws:iam::{account.id}:user/kept-*", condition))
    for name in ("kept-1", "kept-2", "other"):
        account.root.boto("iam").create_user(UserName=name)
    assert error_of(user.boto("iam").delete_user, UserName="kept-1")[0] == "AccessDenied"
    user.boto("iam").delete_user(UserName="other")
    account.root.boto("iam").delete_user(UserName="kept-2")


def test_a_denial_by_the_organization_is_explained(limited):
    account = limited.account()
    user = account.user(allow("*", "*"))
    policy = limited.limit(account.id, deny("iam:ListUsers", "*"))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"Action=ListUsers&Version=2010-05-08"
    denied = user.wire.call("POST", "/", body=body, headers=form, service="iam")
    request = denied.headers["x-portcullis-explain"]
    told = account.root.wire.call("GET", f"/_portcullis/decisions/{request}", service="portcullis")
    text = told.json["Decisions"][0]["Text"]
    assert "service control policy" in text and policy in text, text
    supposed = {"Principal": user.arn, "Action": "iam:ListUsers", "Resource": "*"}
    body = json.dumps(supposed).encode()
    told = account.root.wire.call("POST", "/_portcullis/explain", body=body, service="portcullis")
    assert "service control policy" in told.json["Text"] and policy in told.json["Text"]
    simulated = account.root.boto("iam").simulate_principal_policy(
        PolicySourceArn=user.arn, ActionNames=["iam:ListUsers", "iam:ListRoles"]
    )["EvaluationResults"]
    assert [one["EvalDecision"] for one in simulated] == ["explicitDeny", "allowed"]
    assert [one["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for one in simulated] == [False, True]


def test_who_may_do_something_knows_the_limits(limited):
    account = limited.account()
    user = account.user(allow("lambda:InvokeFunction", "*"))
    asked = {"Action": "lambda:InvokeFunction", "Resource": account.arn("any")}

    def told():
        body = json.dumps(asked).encode()
        answer = account.root.wire.call("POST", "/_portcullis/who-can", body=body, service="portcullis")
        return answer.json["Text"]

    assert user.arn in told()
    limited.limit(account.id, deny("lambda:Invoke*", "*"))
    assert user.arn not in told()


def test_policies_are_made_attached_and_listed(world):
    organization = Organization(world)
    client, root = organization.boto, organization.root
    unit = organization.unit()
    account = organization.account(unit)
    for target in (root, unit, account.id):
        [attached] = client.list_policies_for_target(TargetId=target, Filter=SCP)["Policies"]
        assert (attached["Id"], attached["AwsManaged"]) == (FULL, True)
        assert attached["Arn"] == f"arn:aws:organizations::aws:policy/service_control_policy/{FULL}"
    policy = organization.policy(deny("s3:*", "*"), name="No buckets")
    attach = {"PolicyId": policy, "TargetId": unit}
    assert error_of(client.attach_policy, **attach)[0] == "PolicyTypeNotEnabledException"
    shown = client.enable_policy_type(RootId=root, PolicyType=SCP)["Root"]
    assert shown["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    again = error_of(client.enable_policy_type, RootId=root, PolicyType=SCP)
    assert again[0] == "PolicyTypeAlreadyEnabledException"
    client.attach_policy(**attach)
    assert error_of(client.attach_policy, **attach)[0] == "DuplicatePolicyAttachmentException"
    assert error_of(client.delete_policy, PolicyId=policy)[0] == "PolicyInUseException"
    [target] = client.list_targets_for_policy(PolicyId=policy)["Targets"]
    assert (target["TargetId"], target["Type"]) == (unit, "ORGANIZATIONAL_UNIT")
    everything = every(client, "list_targets_for_policy", "Targets", PolicyId=FULL)
    assert {one["TargetId"] for one in everything} == {root, unit, account.id, organization.management.id}
    described = client.describe_policy(PolicyId=policy)["Policy"]
    assert json.loads(described["Content"]) == json.loads(document(deny("s3:*", "*")))
    assert described["PolicySummary"]["Arn"] == (
        f"arn:aws:organizations::{organization.management.id}:policy/{organization.id}/"
        f"service_control_policy/{policy}"
    )
    listed = every(client, "list_policies", "Policies", Filter=SCP)
    assert {one["Id"] for one in listed} == {policy, FULL}
    assert client.list_policies(Filter="TAG_POLICY")["Policies"] == []
    client.disable_policy_type(RootId=root, PolicyType=SCP)
    client.delete_policy(PolicyId=policy)
    assert error_of(client.describe_policy, PolicyId=policy)[0] == "PolicyNotFoundException"


def test_whoever_manages_policies_may_be_kept_to_one_type(limited):
    root, policy = limited.root, limited.policy(deny("s3:*", "*"))
    of_scps = {"StringEquals": {"organizations:PolicyType": SCP}}
    of_rcps = {"StringEquals": {"organizations:PolicyType": RCP}}
    allowed, refused = (
        limited.management.user(allow("organizations:*", "*", condition)).boto("organizations")
        for condition in (of_scps, of_rcps)
    )
    new = {"Name": unique("policy"), "Description": "", "Type": SCP, "Content": document(deny("s3:*", "*"))}
    for name, parameters in [
        ("list_policies", {"Filter": SCP}),
        ("list_policies_for_target", {"Filter": SCP, "TargetId": root}),
        ("list_targets_for_policy", {"PolicyId": policy}),
        ("describe_policy", {"PolicyId": policy}),
        ("create_policy", new),
        ("attach_policy", {"PolicyId": policy, "TargetId": limited.unit()}),
        ("update_policy", {"PolicyId": policy, "Description": "changed"}),
    ]:
        assert error_of(getattr(refused, name), **parameters)[0] == "AccessDeniedException", name
        assert getattr(allowed, name)(**parameters), name
    assert refused.list_policies(Filter=RCP)["Policies"]
    assert error_of(allowed.list_policies, Filter=RCP)[0] == "AccessDeniedException"


def test_what_makes_no_policy_is_refused(limited):
    client = limited.boto
    taken = unique("policy")
    policy = limited.policy(deny("s3:*", "*"), name=taken)
    new = {"Name": unique("policy"), "Description": "", "Type": SCP, "Content": document(deny("s3:*", "*"))}
    for change, code in [
        ({"Name": taken}, "DuplicatePolicyException"),
        ({"Content": "{}"}, "MalformedPolicyDocumentException"),
        ({"Content": document(allow("*", "*") | {"Principal": "*"})}, "MalformedPolicyDocumentException"),
        ({"Content": document(deny("s3:" + "x" * 5200, "*"))}, "ConstraintViolationException"),
        ({"Type": "TAG_POLICY"}, "UnsupportedOperationException"),
    ]:
        assert error_of(client.create_policy, **new | change)[0] == code, change
    immutable = error_of(client.update_policy, PolicyId=FULL, Name="Other")
    assert immutable[0] == "InvalidInputException"
    for call, parameters, code in [
        (client.attach_policy, {"PolicyId": "p-00000000", "TargetId": limited.root}, "PolicyNotFoundException"),
        (client.attach_policy, {"PolicyId": policy, "TargetId": "999999999999"}, "TargetNotFoundException"),
        (client.detach_policy, {"PolicyId": policy, "TargetId": limited.root}, "PolicyNotAttachedException"),
        (client.enable_policy_type, {"RootId": "r-0000", "PolicyType": SCP}, "RootNotFoundException"),
    ]:
        assert error_of(call, **parameters)[0] == code
    member = limited.account().root.boto("organizations")
    assert error_of(member.list_policies, Filter=SCP)[0] == "AccessDeniedException"


def test_limits_outlive_a_restart(start_server):
    first = start_server()
    organization = Organization(World(first)).enable()
    account = organization.account(organization.unit())
    policy = organization.limit(organization.root, deny("iam:ListUsers", "*"))
    assert listing(account.root)
    first.end()
    second = start_server(first.data_dir)
    root = Caller(second.base, account.root.arn, account.root.credentials, account.root.region)
    assert "service control policy" in listing(root)
    client = boto(second.base, "organizations", organization.management.root.credentials)
    [target] = client.list_targets_for_policy(PolicyId=policy)["Targets"]
    assert target["TargetId"] == organization.root
    client.detach_policy(PolicyId=policy, TargetId=organization.root)
    assert listing(root) is None


@pytest.fixture(scope="module")
def guarded(world):
    """An organization with resource control policies in force."""
    return Organization(world).enable(RCP)


def nobody(action, condition=None, resource="*"):
    """Denies `action` to everyone."""
    return deny(action, resource, condition) | {"Principal": "*"}


def test_resource_control_guards_what_the_accounts_below_own(guarded, warm):
    unit = guarded.unit()
    inside, beside = guarded.account(guarded.unit(unit)), guarded.account()
    policy = guarded.limit(unit, nobody("lambda:InvokeFunction"), policy_type=RCP)
    owners = (inside, beside, guarded.management)
    arns = [owner.arn(owner.function()) for owner in owners]
    for arn, owner, denied in zip(arns, owners, (True, False, False)):
        for caller in (owner.root, owner.user(allow("*", "*"))):
            assert invoke(caller, arn) == ("AccessDeniedException" if denied else None)
    # It is about whose the function is, not about who calls.
    owner, caller = beside, inside.user(allow("*", "*"))
    owner.root.boto().add_permission(
        FunctionName=arns[1], StatementId="s", Action="lambda:InvokeFunction", Principal=inside.id
    )
    assert invoke(caller, arns[1]) is None
    text = error_of(inside.root.boto().invoke, FunctionName=arns[0])[1]
    assert text.endswith("with an explicit deny in a resource control policy")
    asked = {"Principal": inside.root.arn, "Action": "lambda:InvokeFunction", "Resource": arns[0]}
    body = json.dumps(asked).encode()
    told = inside.root.wire.call("POST", "/_portcullis/explain", body=body, service="portcullis")
    assert "resource control policy" in told.json["Text"] and policy in told.json["Text"]
    guarded.boto.detach_policy(PolicyId=policy, TargetId=unit)
    assert invoke(inside.root, arns[0]) is None


def test_resource_control_has_conditions_on_caller_and_resource(guarded):
    account = guarded.account()
    role = account.root.boto("iam").create_role(
        RoleName=unique("role"),
        AssumeRolePolicyDocument=json.dumps(trusting("*")),
    )["Role"]["Arn"]
    stranger = guarded.world.account().user(allow("*", "*"))
    insider = guarded.management.user(allow("*", "*"))
    assert assume(stranger, role) and assume(insider, role)
    only_ours = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": guarded.id}}
    guarded.limit(guarded.root, nobody("sts:AssumeRole", only_ours), policy_type=RCP)
    assert error_of(assume, stranger, role)[0] == "AccessDenied"
    assert assume(insider, role)


def test_resource_control_guards_execution_roles_from_lambda_too(world):
    organization = Organization(world).enable(RCP)
    refused = "The role defined for the function cannot be assumed by Lambda."
    for condition, runs in (
        (None, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
        ({"BoolIfExists": {"aws:SecureTransport": "false"}}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": REGION}}, True),
        ({"StringEquals": {"aws:RequestedRegion": REGION}}, False),
    ):
        account = organization.account()
        organization.limit(account.id, nobody("sts:AssumeRole", condition), policy_type=RCP)
        assert account.function() if runs else error_of(account.function)[1] == refused


def test_resource_control_is_only_denial(guarded):
    client, unit = guarded.boto, guarded.unit()
    everything = allow("*", "*") | {"Principal": "*"}
    for statement in (
        everything,
        deny("s3:*", "*"),
        nobody("*"),
        nobody("s3:*") | {"Principal": {"AWS": guarded.management.id}},
        {"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "NotPrincipal": "*", "Action": "s3:*", "Resource": "*"},
    ):
        made = error_of(guarded.policy, statement, policy_type=RCP)
        assert made[0] == "MalformedPolicyDocumentException", statement
    [own] = client.list_policies_for_target(TargetId=unit, Filter=RCP)["Policies"]
    assert (own["Id"], own["Name"], own["Type"]) == (RCP_FULL, "RCPFullAWSAccess", RCP)
    assert own["Arn"] == f"arn:aws:organizations::aws:policy/resource_control_policy/{RCP_FULL}"
    policy = guarded.limit(unit, nobody("s3:*"), policy_type=RCP)
    stays = error_of(client.detach_policy, PolicyId=RCP_FULL, TargetId=unit)
    assert stays[0] == "InvalidInputException"
    listed = client.list_policies_for_target(TargetId=unit, Filter=RCP)["Policies"]
    assert {one["Id"] for one in listed} == {policy, RCP_FULL}
    [other] = client.list_policies_for_target(TargetId=unit, Filter=SCP)["Policies"]
    assert other["Id"] == FULL
    shown = client.describe_policy(PolicyId=policy)["Policy"]["PolicySummary"]
    assert shown["Arn"].endswith(f"/resource_control_policy/{policy}") and not shown["AwsManaged"]
    assert {"Type": RCP, "Status": "ENABLED"} in client.list_roots()["Roots"][0]["PolicyTypes"]


def test_what_an_organization_is_made_of_has_tags(organization):
    client, name = organization.boto, unique("tagged")
    tags = [{"Key": "Stage", "Value": "test"}, {"Key": "Team", "Value": "red"}]
    account = client.create_account(AccountName=name, Email=f"{name}@x.example", Tags=tags)
    account = account["CreateAccountStatus"]["AccountId"]
    unit = client.create_organizational_unit(ParentId=organization.root, Name=name, Tags=tags)
    unit = unit["OrganizationalUnit"]["Id"]
    policy = client.create_policy(
        Name=name, Description="", Type=SCP, Content=document(deny("s3:*", "*")), Tags=tags
    )["Policy"]["PolicySummary"]["Id"]
    client.tag_resource(ResourceId=organization.root, Tags=tags)
    for resource in (account, unit, policy, organization.root):
        assert client.list_tags_for_resource(ResourceId=resource)["Tags"] == tags
        client.tag_resource(ResourceId=resource, Tags=[{"Key": "Team", "Value": "blue"}])
        client.untag_resource(ResourceId=resource, TagKeys=["Stage", "other"])
        left = client.list_tags_for_resource(ResourceId=resource)["Tags"]
        assert left == [{"Key": "Team", "Value": "blue"}]
    many = [{"Key": f"k{number:02}", "Value": ""} for number in range(49)]
    client.tag_resource(ResourceId=unit, Tags=many)
    listed = client.get_paginator("list_tags_for_resource").paginate(ResourceId=unit)
    assert len([tag for page in listed for tag in page["Tags"]]) == 50
    more = {"Key": "one more", "Value": ""}
    for resource, given, code in [
        (unit, [more], "ConstraintViolationException"),
        (unit, [more] * 2, "InvalidInputException"),
        (unit, [{"Key": f"k{number}", "Value": ""} for number in range(10_000)], "ConstraintViolationException"),
        (account, [{"Key": "aws:own", "Value": ""}], "InvalidInputException"),
        ("p-00000000", [more], "TargetNotFoundException"),
        ("999999999999", [more], "TargetNotFoundException"),
    ]:
        assert error_of(client.tag_resource, ResourceId=resource, Tags=given)[0] == code
    client.delete_policy(PolicyId=policy)
    assert error_of(client.list_tags_for_resource, ResourceId=policy)[0] == "TargetNotFoundException"


def test_tags_decide_what_may_be_done_in_an_organization(organization):
    client, name = organization.boto, unique("decided")
    red, blue = ([{"Key": "Team", "Value": value}] for value in ("red", "blue"))
    units = [
        client.create_organizational_unit(ParentId=organization.root, Name=unique("unit"), Tags=tags)
        for tags in (red, blue)
    ]
    own, other = (unit["OrganizationalUnit"]["Id"] for unit in units)
    user = organization.management.user(
        allow("organizations:*", "*", {"StringEquals": {"aws:ResourceTag/Team": "red"}}),
    )
    describe = user.boto("organizations").describe_organizational_unit
    assert describe(OrganizationalUnitId=own)
    assert error_of(describe, OrganizationalUnitId=other)[0] == "AccessDeniedException"
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}, "StringEquals": {"aws:RequestTag/Team": "red"}}
    maker = organization.management.user(
        allow("organizations:CreateOrganizationalUnit", "*"), allow("organizations:TagResource", "*", only)
    )
    make = maker.boto("organizations").create_organizational_unit
    new = {"ParentId": organization.root}
    assert error_of(make, **new, Name=name, Tags=blue)[0] == "AccessDeniedException"
    more = [*red, {"Key": "Stage", "Value": "test"}]
    assert error_of(make, **new, Name=name, Tags=more)[0] == "AccessDeniedException"
    assert make(**new, Name=name, Tags=red)
    assert make(**new, Name=unique("untagged"))
