"""Every list that is served in pages: an entry a page, in the order of the whole, and nothing for a marker
that no page gave out.

Which lists there are comes from botocore's model, so that one more cannot be forgotten.
"""

import itertools
import re
import threading

import boto3
import pytest

from test_operations_table import operations
from test_organizations import SCP, Organization
from world import RAN, RUNTIME, allow, boto, document, error_of, unique, zipped

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/profile/abcdefghij"
OTHER_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Lists:
    """How a service pages: the names of what goes in and comes out, and its refusals of a bad marker and of
    a bad size."""

    def __init__(self, service, size, marker, following, refusal, invalid):
        self.service, self.size, self.marker, self.following = service, size, marker, following
        self.refusal, self.invalid = refusal, invalid
        session = boto3.session.Session(region_name="us-east-1")
        client = session.client(self.service, aws_access_key_id="-", aws_secret_access_key="-")
        self.model = client.meta.service_model

    def in_the_model(self):
        operations = [self.model.operation_model(name) for name in self.model.operation_names]
        return {one.name for one in operations if one.input_shape and self.marker in one.input_shape.members}

    def sizes(self, operation):
        """The smallest and the largest page that may be asked for."""
        limits = self.model.operation_model(operation).input_shape.members[self.size].metadata
        return limits["min"], limits["max"]

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
        call = getattr(account.root.boto(self.service), snake(operation))
        for bad in ("!", "a", "////"):
            assert error_of(call, **parameters, **{self.marker: bad})[0] == self.refusal, bad
        if self.size not in self.model.operation_model(operation).input_shape.members:
            return
        for size in (1, 2):
            assert self.walk(account, operation, key, size, parameters) == whole, size
        self.check_sizes(account, operation, key, whole, parameters)

    def check_sizes(self, account, operation, key, whole, parameters):
        """The largest page holds everything here; what is smaller or larger than a page can be is refused."""
        smallest, largest = self.sizes(operation)
        assert self.walk(account, operation, key, largest, parameters) == whole
        root = account.root
        client = boto(root.base, self.service, root.credentials, root.region, parameter_validation=False)
        call = getattr(client, snake(operation))
        name = self.size[0].lower() + self.size[1:]
        for size, bound, word in ((smallest - 1, smallest, "greater"), (-5, smallest, "greater"), (largest + 1, largest, "less")):
            code, message = error_of(call, **parameters, **{self.size: size})
            assert code == self.invalid, (size, message)
            if code.startswith("Validation"):
                rule = f"Member must have value {word} than or equal to {bound}"
                refused = f"Value '{size}' at '{name}' failed to satisfy constraint: {rule}"
                assert message == f"1 validation error detected: {refused}"


def has_a_row_each(lists, rows):
    """Whether every paged operation of the model that is served, as the table of operations has it, has a row."""
    served = {name for name, is_served in operations(lists.service).items() if is_served}
    return lists.in_the_model() & served == {row[0] for row in rows}


def unserved(lists, rows, call):
    """The paged operations of the model without a row, each of which must say that it is not served."""
    for operation in lists.in_the_model() - {row[0] for row in rows}:
        code = call(operation)
        assert code in ("UnsupportedOperationException", "UnsupportedOperation"), (operation, code)


# --- Lambda ---------------------------------------------------------------------------------------------

LAMBDA = Lists(
    "lambda", "MaxItems", "Marker", "NextMarker", "InvalidParameterValueException", "ValidationException"
)


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
        for name in (self.function, *names):
            client.create_event_source_mapping(FunctionName=name, EventSourceArn=self.queue())

    def queue(self):
        return f"arn:aws:sqs:{self.account.region}:{self.account.id}:{unique('queue')}"


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
    ("ListEventSourceMappings", "EventSourceMappings", lambda furnished: {}),
    ("ListEventSourceMappings", "EventSourceMappings", lambda furnished: {"FunctionName": furnished.function}),
    ("ListLayers", "Layers", lambda furnished: {}),
    ("ListLayerVersions", "LayerVersions", lambda furnished: {"LayerName": furnished.layer}),
]


@pytest.mark.parametrize(("operation", "key", "parameters"), LAMBDA_ROWS)
def test_lambda_lists_in_pages(furnished, operation, key, parameters):
    given = parameters(furnished)
    least = {"ListAliases": 1, "ListEventSourceMappings": 2}.get(operation, 3) if given else 3
    LAMBDA.check(furnished.account, operation, key, least, given)


def test_no_list_of_lambda_is_without_a_row(owner):
    model = owner.root.boto().meta.service_model

    def call(operation):
        required = model.operation_model(operation).input_shape.required_members
        values = {"DurableExecutionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i"}
        given = {member: values.get(member, "a" * 12) for member in required}
        return error_of(getattr(owner.root.boto(), snake(operation)), **given)[0]

    unserved(LAMBDA, LAMBDA_ROWS, call)


# --- IAM ------------------------------------------------------------------------------------------------

IAM = Lists("iam", "MaxItems", "Marker", "Marker", "ValidationError", "ValidationError")


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
        provider = iam.create_open_id_connect_provider(Url=f"https://{unique('idp')}.example.com", Tags=tags)
        self.provider = provider["OpenIDConnectProviderArn"]
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
    ("ListOpenIDConnectProviderTags", "Tags", 3, of(OpenIDConnectProviderArn="provider")),
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


def test_no_list_of_iam_is_without_a_row():
    assert has_a_row_each(IAM, IAM_ROWS)


# --- Organizations --------------------------------------------------------------------------------------

ORGANIZATIONS = Lists(
    "organizations", "MaxResults", "NextToken", "NextToken", "InvalidInputException", "InvalidInputException"
)


@pytest.fixture(scope="module")
def organization(world):
    """An organization with three of everything that it lists."""
    made = Organization(world).enable()
    made.units = [made.unit() for _ in range(3)]
    made.members = [made.account().id for _ in range(3)]
    made.policy_ids = [made.policy(allow("*", "*")) for _ in range(3)]
    made.boto.tag_resource(ResourceId=made.units[0], Tags=[{"Key": f"k{n}", "Value": ""} for n in range(3)])
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
    # A resource has 50 tags at most, which are one page: of what size, nobody asks.
    ("ListTagsForResource", "Tags", 3, lambda made: {"ResourceId": made.units[0]}),
    ("ListTargetsForPolicy", "Targets", 3, lambda made: {"PolicyId": made.policy_ids[0]}),
]


@pytest.mark.parametrize(("operation", "key", "least", "parameters"), ORGANIZATIONS_ROWS)
def test_organizations_lists_in_pages(organization, operation, key, least, parameters):
    ORGANIZATIONS.check(organization.management, operation, key, least, parameters(organization))


def test_no_list_of_organizations_is_without_a_row():
    assert has_a_row_each(ORGANIZATIONS, ORGANIZATIONS_ROWS)


# --- Under change ---------------------------------------------------------------------------------------

# Before, among and after what stays, where names have an order.
PLACES = ["a-0", "{first}-x", "z-0"]


class Entry:
    """One entry of a list that comes and goes: how it is made at a place, and unmade."""

    def __init__(self, furnished, place):
        self.furnished, self.client = furnished, furnished.account.root.boto()
        self.of_function = {"FunctionName": furnished.function}
        self.name = place.format(first=self.first())

    def first(self):
        return ""

    def version(self):
        """A new version of the function."""
        answer = self.client.update_function_code(ZipFile=zipped(f"x = '{unique('x')}'"), Publish=True, **self.of_function)
        self.client.get_waiter("function_updated_v2").wait(**self.of_function, WaiterConfig={"Delay": 0.05})
        return answer["Version"]


class OfFunctions(Entry):
    def first(self):
        return self.furnished.function

    def make(self):
        self.client.create_function(
            FunctionName=self.name, Role=self.furnished.account.lambda_role, Code={"ZipFile": RAN},
            Runtime=RUNTIME, Handler="main.handler", CodeSigningConfigArn=self.furnished.config,
        )  # fmt: skip

    def unmake(self):
        self.client.delete_function(FunctionName=self.name)


class OfVersions(Entry):
    def make(self):
        self.number = self.version()

    def unmake(self):
        self.client.delete_function(Qualifier=self.number, **self.of_function)


class OfAliases(Entry):
    def first(self):
        return "alias-0"

    def make(self):
        self.client.create_alias(Name=self.name, FunctionVersion="1", **self.of_function)
        self.own = {"Qualifier": self.name} | self.of_function

    def unmake(self):
        self.client.delete_alias(Name=self.name, **self.of_function)


class OfUrls(OfAliases):
    def make(self):
        super().make()
        self.client.create_function_url_config(AuthType="NONE", **self.own)


class OfEvents(OfAliases):
    def make(self):
        super().make()
        self.client.put_function_event_invoke_config(MaximumRetryAttempts=0, **self.own)


class OfProvisioned(OfVersions):
    def make(self):
        super().make()
        self.client.put_provisioned_concurrency_config(
            Qualifier=self.number, ProvisionedConcurrentExecutions=1, **self.of_function
        )


class OfCodeSigning(Entry):
    def make(self):
        publishers = {"SigningProfileVersionArns": [PROFILE]}
        made = self.client.create_code_signing_config(AllowedPublishers=publishers)
        self.arn = made["CodeSigningConfig"]["CodeSigningConfigArn"]

    def unmake(self):
        self.client.delete_code_signing_config(CodeSigningConfigArn=self.arn)


class OfMappings(Entry):
    def make(self):
        source = self.furnished.queue()
        self.id = self.client.create_event_source_mapping(EventSourceArn=source, **self.of_function)["UUID"]

    def unmake(self):
        self.client.delete_event_source_mapping(UUID=self.id)


class OfLayers(Entry):
    def first(self):
        return self.furnished.layer

    def make(self):
        made = self.client.publish_layer_version(LayerName=self.name, Content={"ZipFile": RAN})
        self.number = made["Version"]

    def unmake(self):
        self.client.delete_layer_version(LayerName=self.name, VersionNumber=self.number)


class OfLayerVersions(OfLayers):
    def __init__(self, furnished, place):
        super().__init__(furnished, "{first}")


ENTRIES = {
    "ListFunctions": OfFunctions,
    "ListFunctionsByCodeSigningConfig": OfFunctions,
    "ListVersionsByFunction": OfVersions,
    "ListAliases": OfAliases,
    "ListFunctionUrlConfigs": OfUrls,
    "ListFunctionEventInvokeConfigs": OfEvents,
    "ListProvisionedConcurrencyConfigs": OfProvisioned,
    "ListCodeSigningConfigs": OfCodeSigning,
    "ListEventSourceMappings": OfMappings,
    "ListLayers": OfLayers,
    "ListLayerVersions": OfLayerVersions,
}


class Changes:
    """Entries that come and go, until told to stop."""

    def __init__(self, entries):
        self.entries, self.rounds, self.failed = entries, 0, None
        self.stop, self.thread = threading.Event(), threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(60)

    def run(self):
        try:
            while not self.stop.is_set():
                for entry in self.entries:
                    entry.make()
                for entry in self.entries:
                    entry.unmake()
                self.rounds += 1
        except Exception as error:  # Whatever it is: the test would wait for the rounds for ever.
            self.failed = error


# What says which entry it is, and does not change while others come and go.
IDENTITIES = [
    "UUID", "CodeSigningConfigId", "LayerVersionArn", "LayerArn", "AliasArn", "FunctionUrl", "FunctionArn",
]  # fmt: skip


def identity(entry):
    if isinstance(entry, str):
        return entry
    return next(entry[name] for name in IDENTITIES if name in entry)


def walked(furnished, operation, key, size, parameters):
    return [identity(entry) for entry in LAMBDA.walk(furnished.account, operation, key, size, parameters)]


@pytest.mark.parametrize(("operation", "key", "parameters"), LAMBDA_ROWS)
def test_what_is_there_throughout_is_listed_once_while_others_come_and_go(furnished, operation, key, parameters):
    given = parameters(furnished)
    stay = walked(furnished, operation, key, 50, given)
    with Changes([ENTRIES[operation](furnished, place) for place in PLACES]) as changes:
        for count in itertools.count():
            if count >= 6 and (changes.rounds >= 2 or changes.failed):
                break
            seen = walked(furnished, operation, key, count % 3 + 1, given)
            assert len(set(seen)) == len(seen), "nothing twice"
            assert [one for one in seen if one in stay] == stay
    assert changes.failed is None
    assert walked(furnished, operation, key, 50, given) == stay


@pytest.mark.parametrize(("operation", "key", "parameters"), LAMBDA_ROWS)
@pytest.mark.parametrize("place", PLACES)
def test_a_marker_holds_when_what_it_names_is_gone(furnished, operation, key, parameters, place):
    given = parameters(furnished)
    stay = walked(furnished, operation, key, 50, given)
    entry = ENTRIES[operation](furnished, place)
    entry.make()
    seen, marker, gone = [], {}, False
    while marker is not None:
        page, following = LAMBDA.page(furnished.account, operation, key, MaxItems=1, **marker, **given)
        seen += [identity(one) for one in page]
        if not gone and seen[-1] not in stay:
            entry.unmake()
            gone = True
        marker = {"Marker": following} if following else None
    assert gone and [one for one in seen if one in stay] == stay
