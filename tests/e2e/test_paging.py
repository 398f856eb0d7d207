"""Every list that is served in pages: an entry a page, in the order of the whole, and nothing for a marker
that no page gave out.

Which lists there are comes from botocore's model, so that one more cannot be forgotten.
"""

import itertools
import re
import threading

import boto3
import pytest
from botocore.exceptions import ClientError

from test_organizations import SCP, Organization
from world import RAN, allow, document, error_of, unique, zipped

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/profile/abcdefghij"
OTHER_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Lists:
    """How a service pages: the names of what goes in and comes out, and its refusal of a bad marker."""

    def __init__(self, service, size, marker, following, refusal):
        self.service, self.size, self.marker, self.following, self.refusal = service, size, marker, following, refusal

    def in_the_model(self):
        session = boto3.session.Session(region_name="us-east-1")
        model = session.client(self.service, aws_access_key_id="-", aws_secret_access_key="-").meta.service_model
        operations = [model.operation_model(name) for name in model.operation_names]
        return {one.name for one in operations if one.input_shape and self.marker in one.input_shape.members}

    def page(self, account, operation, key, **parameters):
        """The entries of a page, and where the next one begins."""
        answer = getattr(account.root.boto(self.service), snake(operation))(**parameters)
        keys = [key] if isinstance(key, str) else key
        entries = [entry for one in keys for entry in answer[one]]
        following = answer.get(self.following)
        if "IsTruncated" in answer:
            assert answer["IsTruncated"] == (following is not None), answer
        return entries, following

    def walk(self, account, operation, key, size, parameters):
        """Every entry, in pages of `size`."""
        seen, marker = [], {}
        while True:
            entries, following = self.page(account, operation, key, **{self.size: size}, **marker, **parameters)
            assert len(entries) <= size, entries
            seen += entries
            if following is None:
                return seen
            assert entries, "a page of nothing that goes on"
            marker = {self.marker: following}

    def check(self, account, operation, key, least, parameters):
        whole, following = self.page(account, operation, key, **parameters)
        assert following is None, "it is small enough for one page"
        assert len(whole) >= least, whole
        for size in (1, 2):
            assert self.walk(account, operation, key, size, parameters) == whole, size
        call = getattr(account.root.boto(self.service), snake(operation))
        for bad in ("!", "a", "////"):
            assert error_of(call, **parameters, **{self.marker: bad})[0] == self.refusal, bad


def unserved(lists, rows, call):
    """The paged operations of the model without a row, each of which must say that it is not served."""
    for operation in lists.in_the_model() - {row[0] for row in rows}:
        code = call(operation)
        assert code in ("UnsupportedOperationException", "UnsupportedOperation"), (operation, code)


# --- Lambda ---------------------------------------------------------------------------------------------

LAMBDA = Lists("lambda", "MaxItems", "Marker", "NextMarker", "InvalidParameterValueException")


class Furnished:
    """An account of its own with three or more of everything that Lambda lists."""

    def __init__(self, world):
        self.account = account = world.account()
        client = account.root.boto()
        configs = [
            client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [PROFILE]})
            for _ in range(3)
        ]
        self.config = configs[0]["CodeSigningConfig"]["CodeSigningConfigArn"]
        names = [account.function(CodeSigningConfigArn=self.config) for _ in range(3)]
        self.function = names[0]
        for number in range(3):
            name = {"FunctionName": self.function}
            client.update_function_code(ZipFile=zipped(f"handler = {number}\n"), **name)
            client.get_waiter("function_updated_v2").wait(**name, WaiterConfig={"Delay": 0.05})
            version = client.publish_version(**name)["Version"]
            client.create_alias(Name=f"alias-{number}", FunctionVersion=version, **name)
            client.create_function_url_config(Qualifier=f"alias-{number}", AuthType="NONE", **name)
            client.put_function_event_invoke_config(Qualifier=version, MaximumRetryAttempts=0, **name)
            client.put_provisioned_concurrency_config(
                Qualifier=version, ProvisionedConcurrentExecutions=1, **name
            )
        self.layer = unique("layer")
        for name in (self.layer, self.layer, self.layer, unique("layer"), unique("layer")):
            client.publish_layer_version(LayerName=name, Content={"ZipFile": RAN})


@pytest.fixture(scope="module")
def furnished(world):
    return Furnished(world)


def of_function(furnished):
    return {"FunctionName": furnished.function}


LAMBDA_ROWS = [
    ("ListFunctions", "Functions", lambda furnished: {}),
    ("ListFunctions", "Functions", lambda furnished: {"FunctionVersion": "ALL"}),
    ("ListVersionsByFunction", "Versions", of_function),
    ("ListAliases", "Aliases", of_function),
    ("ListAliases", "Aliases", lambda furnished: of_function(furnished) | {"FunctionVersion": "1"}),
    ("ListFunctionUrlConfigs", "FunctionUrlConfigs", of_function),
    ("ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs", of_function),
    ("ListProvisionedConcurrencyConfigs", "ProvisionedConcurrencyConfigs", of_function),
    ("ListCodeSigningConfigs", "CodeSigningConfigs", lambda furnished: {}),
    ("ListFunctionsByCodeSigningConfig", "FunctionArns", lambda furnished: {"CodeSigningConfigArn": furnished.config}),
    ("ListLayers", "Layers", lambda furnished: {}),
    ("ListLayerVersions", "LayerVersions", lambda furnished: {"LayerName": furnished.layer}),
]


@pytest.mark.parametrize(("operation", "key", "parameters"), LAMBDA_ROWS)
def test_lambda_lists_in_pages(furnished, operation, key, parameters):
    given = parameters(furnished)
    least = 1 if "FunctionVersion" in given and operation == "ListAliases" else 3
    LAMBDA.check(furnished.account, operation, key, least, given)


# Served by others' work before long; their rows are in the tests of that work.
ELSEWHERE = {"ListEventSourceMappings"}


def test_no_list_of_lambda_is_without_a_row(owner):
    model = owner.root.boto().meta.service_model

    def call(operation):
        required = model.operation_model(operation).input_shape.required_members
        values = {"DurableExecutionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i"}
        given = {member: values.get(member, "a" * 12) for member in required}
        return error_of(getattr(owner.root.boto(), snake(operation)), **given)[0]

    unserved(LAMBDA, [*LAMBDA_ROWS, *((name,) for name in ELSEWHERE)], call)


# --- IAM ------------------------------------------------------------------------------------------------

IAM = Lists("iam", "MaxItems", "Marker", "Marker", "ValidationError")


class Identities:
    """An account of its own with three of nearly everything that IAM lists."""

    def __init__(self, world):
        self.account = account = world.account()
        iam = account.root.boto("iam")
        self.user, self.group, self.role = unique("user"), unique("group"), unique("role")
        tags = [{"Key": f"key-{number}", "Value": "v"} for number in range(3)]
        iam.create_user(UserName=self.user, Tags=tags)
        iam.create_group(GroupName=self.group)
        account.role(name=self.role)
        iam.tag_role(RoleName=self.role, Tags=tags)
        statement = document(allow("lambda:*", "*"))
        policies = [
            iam.create_policy(PolicyName=unique("policy"), PolicyDocument=statement, Tags=tags)["Policy"]["Arn"]
            for _ in range(3)
        ]
        self.policy = policies[0]
        for number in range(2):
            iam.create_user(UserName=unique("user"))
            iam.create_policy_version(PolicyArn=self.policy, PolicyDocument=statement)
            iam.create_access_key(UserName=self.user)
            account.role(trust=OTHER_TRUST)
        for number in range(3):
            own = {"PolicyName": f"own-{number}", "PolicyDocument": statement}
            iam.put_user_policy(UserName=self.user, **own)
            iam.put_group_policy(GroupName=self.group, **own)
            iam.put_role_policy(RoleName=self.role, **own)
            group = unique("group")
            iam.create_group(GroupName=group)
            iam.add_user_to_group(GroupName=group, UserName=self.user)
        for user in iam.list_users()["Users"]:
            iam.add_user_to_group(GroupName=self.group, UserName=user["UserName"])
        for policy in policies:
            iam.attach_user_policy(UserName=self.user, PolicyArn=policy)
            iam.attach_group_policy(GroupName=self.group, PolicyArn=policy)
            iam.attach_role_policy(RoleName=self.role, PolicyArn=policy)


@pytest.fixture(scope="module")
def identities(world):
    return Identities(world)


def of(**members):
    """Parameters from the account's own names."""
    return lambda identities: {name: getattr(identities, member) for name, member in members.items()}


USER, GROUP, ROLE, POLICY = of(UserName="user"), of(GroupName="group"), of(RoleName="role"), of(PolicyArn="policy")
ALLOWED = {"PolicyInputList": [document(allow("lambda:*", "*"))], "ActionNames": [f"lambda:{n}" for n in ("A", "B", "C")]}
IAM_ROWS = [
    ("GetAccountAuthorizationDetails", ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"], 3,
     lambda identities: {"Filter": ["User", "Group", "Role", "LocalManagedPolicy"]}),
    ("GetGroup", "Users", 3, GROUP),
    ("ListAccessKeys", "AccessKeyMetadata", 2, USER),
    ("ListAccountAliases", "AccountAliases", 0, of()),
    ("ListAttachedGroupPolicies", "AttachedPolicies", 3, GROUP),
    ("ListAttachedRolePolicies", "AttachedPolicies", 3, ROLE),
    ("ListAttachedUserPolicies", "AttachedPolicies", 3, USER),
    ("ListEntitiesForPolicy", ["PolicyUsers", "PolicyGroups", "PolicyRoles"], 3, POLICY),
    ("ListGroupPolicies", "PolicyNames", 3, GROUP),
    ("ListGroups", "Groups", 3, of()),
    ("ListGroupsForUser", "Groups", 3, USER),
    ("ListInstanceProfiles", "InstanceProfiles", 0, of()),
    ("ListInstanceProfilesForRole", "InstanceProfiles", 0, ROLE),
    ("ListMFADevices", "MFADevices", 0, USER),
    ("ListPolicies", "Policies", 3, lambda identities: {"Scope": "Local"}),
    ("ListPolicyTags", "Tags", 3, POLICY),
    ("ListPolicyVersions", "Versions", 3, POLICY),
    ("ListRolePolicies", "PolicyNames", 3, ROLE),
    ("ListRoleTags", "Tags", 3, ROLE),
    ("ListRoles", "Roles", 3, of()),
    ("ListSSHPublicKeys", "SSHPublicKeys", 0, USER),
    ("ListServiceSpecificCredentials", "ServiceSpecificCredentials", 0, USER),
    ("ListSigningCertificates", "Certificates", 0, USER),
    ("ListUserPolicies", "PolicyNames", 3, USER),
    ("ListUserTags", "Tags", 3, USER),
    ("ListUsers", "Users", 3, of()),
    ("ListVirtualMFADevices", "VirtualMFADevices", 0, of()),
    ("SimulateCustomPolicy", "EvaluationResults", 3, lambda identities: ALLOWED),
    ("SimulatePrincipalPolicy", "EvaluationResults", 3, lambda identities: {
        "PolicySourceArn": f"arn:aws:iam::{identities.account.id}:user/{identities.user}",
        "ActionNames": ALLOWED["ActionNames"]}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "key", "least", "parameters"), IAM_ROWS)
def test_iam_lists_in_pages(identities, operation, key, least, parameters):
    IAM.check(identities.account, operation, key, least, parameters(identities))


# --- Organizations --------------------------------------------------------------------------------------

ORGANIZATIONS = Lists("organizations", "MaxResults", "NextToken", "NextToken", "InvalidInputException")


@pytest.fixture(scope="module")
def organization(world):
    """An organization with three of everything that it lists."""
    made = Organization(world).enable()
    made.units = [made.unit() for _ in range(3)]
    made.members = [made.account().id for _ in range(3)]
    made.policy_ids = [made.policy(allow("*", "*")) for _ in range(3)]
    for policy, target in itertools.product(made.policy_ids, (made.root, *made.units)):
        made.boto.attach_policy(PolicyId=policy, TargetId=target)
    return made


ORGANIZATIONS_ROWS = [
    ("ListAccounts", "Accounts", 3, lambda made: {}),
    ("ListAccountsForParent", "Accounts", 3, lambda made: {"ParentId": made.root}),
    ("ListChildren", "Children", 3, lambda made: {"ParentId": made.root, "ChildType": "ORGANIZATIONAL_UNIT"}),
    ("ListCreateAccountStatus", "CreateAccountStatuses", 3, lambda made: {}),
    ("ListOrganizationalUnitsForParent", "OrganizationalUnits", 3, lambda made: {"ParentId": made.root}),
    ("ListParents", "Parents", 1, lambda made: {"ChildId": made.units[0]}),
    ("ListPolicies", "Policies", 3, lambda made: {"Filter": SCP}),
    ("ListPoliciesForTarget", "Policies", 3, lambda made: {"TargetId": made.units[0], "Filter": SCP}),
    ("ListRoots", "Roots", 1, lambda made: {}),
    ("ListTargetsForPolicy", "Targets", 3, lambda made: {"PolicyId": made.policy_ids[0]}),
]


@pytest.mark.parametrize(("operation", "key", "least", "parameters"), ORGANIZATIONS_ROWS)
def test_organizations_lists_in_pages(organization, operation, key, least, parameters):
    ORGANIZATIONS.check(organization.management, operation, key, least, parameters(organization))


# --- Under change ---------------------------------------------------------------------------------------


class Changes:
    """Functions that come and go, until told to stop."""

    def __init__(self, account, names, role):
        self.client, self.names, self.role = account.root.boto(), names, role
        self.rounds, self.failed, self.stop = 0, None, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(60)

    def run(self):
        try:
            while not self.stop.is_set():
                for name in self.names:
                    self.client.create_function(
                        FunctionName=name, Role=self.role, Code={"ZipFile": RAN}, Runtime="python3.12", Handler="main.handler"
                    )
                for name in self.names:
                    self.client.delete_function(FunctionName=name)
                self.rounds += 1
        except ClientError as error:
            self.failed = error


@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_is_there_throughout_is_listed_once_while_others_come_and_go(world, size):
    account = world.account()
    stay = [account.function(name=f"stay-{letter}", wait=False) for letter in "bdfhj"]
    come_and_go = [f"stay-{letter}" for letter in "acegik"]
    with Changes(account, come_and_go, account.lambda_role) as changes:
        for walked in itertools.count():
            if walked >= 10 and (changes.rounds >= 3 or changes.failed):
                break
            seen = [one["FunctionName"] for one in LAMBDA.walk(account, "ListFunctions", "Functions", size, {})]
            assert seen == sorted(set(seen)), "in order, and nothing twice"
            assert [name for name in seen if name in stay] == stay
    assert changes.failed is None


def test_a_marker_holds_when_what_it_names_is_gone(world):
    account = world.account()
    names = [account.function(name=f"gone-{letter}", wait=False) for letter in "abcd"]
    client = account.root.boto()
    marker = client.list_functions(MaxItems=2)["NextMarker"]
    client.delete_function(FunctionName=names[1])
    rest = client.list_functions(Marker=marker)["Functions"]
    assert [one["FunctionName"] for one in rest] == names[2:]
