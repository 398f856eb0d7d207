"""Condition keys as requests really have them: for every kind of caller, which are there, of what type,
with what value, and that none of them is the caller's to say (facts/iam.md §9).

A grant of the function asks. It lets a call in exactly where its condition holds.
"""

import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest

from server import ACCOUNT, REGION
from test_function_sessions import CODE, credentials_of
from test_function_urls import call, with_url
from test_sts import federated, session_of
from wire import compact, segment
from world import Member, World, allow, as_member, trusting, unique

TAGS = [{"Key": "Team", "Value": "red"}]
BUCKET = "arn:aws:s3:::photos"
# Every global key of iam.md §9, and those of Lambda that are not a parameter's of one operation.
KEYS = [
    "aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalTag/Team",
    "aws:PrincipalType", "aws:PrincipalIsAWSService", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList",
    "aws:userid", "aws:username",
    "aws:TokenIssueTime", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:SourceIdentity",
    "aws:FederatedProvider", "aws:AssumedRoot", "aws:SignInSessionArn", "aws:ChatbotSourceArn",
    "aws:Ec2InstanceSourceVpc", "aws:Ec2InstanceSourcePrivateIPv4", "ec2:SourceInstanceArn", "lambda:SourceFunctionArn",
    "aws:SourceIp", "aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn", "aws:VpcSourceIp", "aws:VpceAccount",
    "aws:VpceOrgID", "aws:VpceOrgPaths", "aws:SecureTransport",
    "aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths", "aws:ResourceTag/Team",
    "aws:CurrentTime", "aws:EpochTime", "aws:UserAgent", "aws:Referer", "aws:RequestedRegion", "aws:RequestTag/Team",
    "aws:TagKeys", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:ViaAWSService",
    "aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths",
    "lambda:EventSourceToken", "lambda:InvokedViaFunctionUrl", "lambda:FunctionUrlAuthType", "lambda:FunctionArn",
    "lambda:Principal",
]  # fmt: skip
# Those that say on whose behalf, or by what way, somebody calls: only a service can.
OF_SERVICES = [
    "aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths", "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast",
    "lambda:EventSourceToken", "lambda:SourceFunctionArn", "lambda:InvokedViaFunctionUrl",
]  # fmt: skip

# Operators that hold for a value of the key's type and no other. `Any` is of lists: a text is none.
ARN, TEXT, ANY, BOOL, ADDRESS = "ArnEquals", "StringEquals", "Any", "Bool", "IpAddress"
LATER, MORE = "DateGreaterThan", "NumericGreaterThan"


@dataclass
class Cast:
    """A server, its organization, a function that everybody asks for, and who asks."""

    world: World
    function: str
    organization: str
    path: str
    callers: dict = field(default_factory=dict)

    @property
    def owner(self):
        return self.world.owner

    def grant(self, *statements):
        arn = self.owner.arn(self.function)
        grants = [{"Effect": "Allow", "Principal": "*", "Resource": arn} | one for one in statements]
        policy = {"Version": "2012-10-17", "Statement": grants}
        self.owner.root.boto().put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy))

    def holds(self, who, condition, headers=None, query=None, body=b""):
        """Whether `condition` is true of a call by `who`."""
        self.grant({"Action": "lambda:InvokeFunction", "Condition": condition})
        path = f"/2015-03-31/functions/{segment(self.owner.arn(self.function))}/invocations"
        headers = {"X-Amz-Invocation-Type": "DryRun"} | (headers or {})
        answer = self.callers[who].wire.call("POST", path, query, body, headers)
        assert answer.status in (204, 403), answer
        return answer.status == 204


def tagged_session(owner, by):
    """A session of a role with path and tags, which has a source identity."""
    iam, name = owner.root.boto("iam"), unique("role")
    trust = trusting(by.arn)
    trust["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    made = iam.create_role(RoleName=name, Path="/deep/", AssumeRolePolicyDocument=json.dumps(trust), Tags=TAGS)
    by.permit(allow(["sts:AssumeRole", "sts:SetSourceIdentity"], "*"), name="assume")
    answer = by.boto("sts").assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="night", SourceIdentity="alice")
    return as_member(owner, answer, name), made["Role"]


@pytest.fixture(scope="module")
def cast(tmp_path_factory, warm):
    from server import Server

    place = tmp_path_factory.mktemp("keys")
    (place / "data").mkdir()
    if warm.is_dir():
        (place / "data" / "runtimes").symlink_to(warm, target_is_directory=True)
    server = Server(place / "data", place / "logs")
    try:
        world = World(server.wait_until_ready())
        owner = world.owner
        organizations = owner.root.boto("organizations")
        organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        root = organizations.list_roots()["Roots"][0]["Id"]
        function = owner.function(Tags={"Team": "blue"})
        yield Cast(world, function, organization, f"{organization}/{root}/", people(world))
    finally:
        server.end()


def people(world):
    """One of every kind of caller."""
    owner = world.owner
    user = owner.user(allow("sts:GetFederationToken", "*"))
    owner.root.boto("iam").tag_user(UserName=user.arn.rsplit("/", 1)[1], Tags=TAGS)
    session, role = tagged_session(owner, user)
    worker = owner.function(CODE)
    function = credentials_of(owner, worker)
    everything = allow("*", "*")
    return {
        "root": owner.root,
        "user": user,
        "token": session_of(user),
        "session": session,
        "federated": federated(user, everything),
        "function": Member(owner.base, owner.arn(worker), function.credentials, account=owner, role=owner.lambda_role),
        "service": world.service("s3.amazonaws.com"),
        "regional": world.service(f"logs.{REGION}.amazonaws.com"),
        "stranger": world.account().user(allow("*", "*")),
        "role": role,
    }


HEADERS = {"User-Agent": "probe/1", "Referer": "https://example.com/a"}
SOURCE = {"X-Amz-Source-Arn": BUCKET, "X-Amz-Source-Account": ACCOUNT, "X-Amz-Event-Source-Token": "t-1"}


def of_request(cast):
    """What every call on the function has."""
    return {
        "aws:SecureTransport": (BOOL, "false"),
        "aws:ResourceAccount": (TEXT, ACCOUNT),
        "aws:ResourceOrgID": (TEXT, cast.organization),
        "aws:ResourceOrgPaths": (ANY, cast.path),
        "aws:ResourceTag/Team": (TEXT, "blue"),
        "aws:CurrentTime": (LATER, "2020-01-01T00:00:00Z"),
        "aws:EpochTime": (MORE, "1577836800"),
        "aws:UserAgent": (TEXT, "probe/1"),
        "aws:Referer": (TEXT, "https://example.com/a"),
        "aws:RequestedRegion": (TEXT, REGION),
        "aws:ViaAWSService": (BOOL, "false"),
    }


def of_account(cast, kind, arn, user_id, account=ACCOUNT):
    """What every call of somebody in the organization has besides."""
    keys = {
        "aws:PrincipalArn": (ARN, arn),
        "aws:PrincipalAccount": (TEXT, account),
        "aws:PrincipalType": (TEXT, kind),
        "aws:PrincipalIsAWSService": (BOOL, "false"),
        "aws:userid": (TEXT, user_id),
        "aws:SourceIp": (ADDRESS, "127.0.0.1/32"),
    }
    inside = {"aws:PrincipalOrgID": (TEXT, cast.organization), "aws:PrincipalOrgPaths": (ANY, cast.path)}
    return of_request(cast) | keys | (inside if account == ACCOUNT else {})


TEMPORARY = {"aws:TokenIssueTime": (LATER, "2020-01-01T00:00:00Z"), "aws:MultiFactorAuthPresent": (BOOL, "false")}
TAG = {"aws:PrincipalTag/Team": (TEXT, "red")}


def of_service(cast, name, names):
    source = {
        "aws:SourceArn": (ARN, BUCKET),
        "aws:SourceAccount": (TEXT, ACCOUNT),
        "aws:SourceOrgID": (TEXT, cast.organization),
        "aws:SourceOrgPaths": (ANY, cast.path),
        "lambda:EventSourceToken": (TEXT, "t-1"),
    }
    own = {
        "aws:PrincipalIsAWSService": (BOOL, "true"),
        "aws:PrincipalServiceName": (TEXT, name),
        "aws:PrincipalServiceNamesList": [(ANY, one) for one in names],
    }
    return of_request(cast) | source | own


def expected(cast, who):
    """The keys that a call by `who` has; the others of `KEYS` it has not."""
    iam, callers = cast.owner.root.boto("iam"), cast.callers
    user = iam.get_user(UserName=callers["user"].arn.rsplit("/", 1)[1])["User"]
    name = {"aws:username": (TEXT, user["UserName"])}
    role = callers["role"]
    if who in ("user", "token"):
        keys = of_account(cast, "User", user["Arn"], user["UserId"]) | name | TAG
        return keys | (TEMPORARY if who == "token" else {})
    if who == "session":
        marks = {"aws:SourceIdentity": (TEXT, "alice")}
        return of_account(cast, "AssumedRole", role["Arn"], f"{role['RoleId']}:night") | TEMPORARY | TAG | marks
    if who == "federated":
        arn = f"arn:aws:sts::{ACCOUNT}:federated-user/Susan"
        return of_account(cast, "FederatedUser", arn, f"{ACCOUNT}:Susan") | TEMPORARY | TAG
    if who == "function":
        made, arn = callers["function"].role, callers["function"].arn
        role_id = iam.get_role(RoleName=made.rsplit("/", 1)[1])["Role"]["RoleId"]
        own = {"lambda:SourceFunctionArn": (ARN, arn)}
        return of_account(cast, "AssumedRole", made, f"{role_id}:{arn.rsplit(':', 1)[1]}") | TEMPORARY | own
    if who == "root":
        return of_account(cast, "Account", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    if who == "stranger":
        arn, account = callers[who].arn, callers[who].account
        other = account.root.boto("iam").get_user(UserName=arn.rsplit("/", 1)[1])["User"]
        keys = of_account(cast, "User", arn, other["UserId"], account.id)
        return keys | {"aws:username": (TEXT, other["UserName"])}
    if who == "service":
        return of_service(cast, "s3.amazonaws.com", ["s3.amazonaws.com"])
    regional = f"logs.{REGION}.amazonaws.com"
    return of_service(cast, regional, [regional, "logs.amazonaws.com"])


def conditions(keys):
    """What is true and what is not where the keys have these values and types."""
    for key, values in keys.items():
        for operator, value in values if isinstance(values, list) else [values]:
            if operator == ANY:
                yield {"ForAnyValue:StringEquals": {key: value}}, True
                # A list is no text: without a set operator nothing is like it.
                yield {"StringLike": {key: "*"}}, False
            else:
                yield {operator: {key: value}}, True


def absent(keys):
    return {"Null": {key: "true" for key in keys}}


WHO = ["user", "token", "session", "federated", "function", "service", "regional", "stranger"]


@pytest.mark.parametrize("who", WHO)
def test_every_kind_of_caller_has_its_keys_with_their_types_and_no_others(cast, who):
    keys, headers = expected(cast, who), HEADERS | (SOURCE if who in ("service", "regional") else {})
    for condition, is_true in conditions(keys):
        assert cast.holds(who, condition, headers) == is_true, condition
    for key in set(KEYS) - set(keys):
        assert cast.holds(who, absent([key]), headers), f"{key} is there"
        assert not cast.holds(who, {"Null": {key: "false"}}, headers), key


def test_the_root_user_has_its_keys_too(cast):
    """It may whatever nothing denies."""
    keys = expected(cast, "root")
    action = {"Effect": "Deny", "Action": "lambda:InvokeFunction"}
    rows = [*conditions(keys), *[({"Null": {key: "false"}}, False) for key in set(KEYS) - set(keys)]]
    for condition, is_denied in rows:
        cast.grant(action | {"Condition": condition})
        answer = cast.owner.root.wire.dry_run(cast.function, headers=HEADERS)
        assert answer.status == (403 if is_denied else 204), condition


def test_a_service_that_says_no_source_has_none(cast):
    of_source = ["aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths", "lambda:EventSourceToken"]
    for key in [*of_source, "aws:SourceIp", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:userid"]:
        assert cast.holds("service", absent([key])), key


def test_whoever_calls_a_url_without_a_signature_is_anonymous_and_is_asked_twice(cast):
    function, cast.function = cast.function, cast.owner.function(code="def handler(event, context): return 'in'")
    try:
        url = with_url(cast.owner, cast.function)
        arn, shared = cast.owner.arn(cast.function), of_request(cast) | {"aws:SourceIp": (ADDRESS, "127.0.0.1/32")}
        del shared["aws:ResourceTag/Team"]
        anonymous = {key: (TEXT, "anonymous") for key in ("aws:PrincipalAccount", "aws:userid")}
        shared |= anonymous | {"aws:PrincipalType": (TEXT, "Anonymous")}
        # What is known of the URL is known in both halves (aws-lambda.md, the table of operations).
        first = shared | {"lambda:FunctionUrlAuthType": (TEXT, "NONE"), "lambda:FunctionArn": (ARN, arn)}
        second = first | {"lambda:InvokedViaFunctionUrl": (BOOL, "true")}
        actions = {"lambda:InvokeFunctionUrl": first, "lambda:InvokeFunction": second}
        for action, keys in actions.items():
            [other] = set(actions) - {action}
            rows = [*conditions(keys), *[({"Null": {key: "false"}}, False) for key in set(KEYS) - set(keys)]]
            for condition, is_true in rows:
                cast.grant({"Action": action, "Condition": condition}, {"Action": other})
                answer = call(cast.world.server, url, headers=dict(HEADERS))
                assert answer.status == (200 if is_true else 403), (action, condition, answer)
    finally:
        cast.function = function


# --- Calls of IAM, STS and Organizations have them too -----------------------------------------------


def posted(caller, service, headers, **parameters):
    """Whether the caller may call IAM or STS by a form."""
    headers = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = caller.wire.call("POST", "/", body=urlencode(parameters).encode(), headers=headers, service=service)
    assert answer.status in (200, 403), answer
    return answer.status == 200


def tags_a_user(cast):
    """The user is the caller; a tag of the request is none of the resource's, yet."""
    name = cast.callers["user"].arn.rsplit("/", 1)[1]
    tag = {"Tags.member.1.Key": "Floor", "Tags.member.1.Value": "3"}
    iam = cast.owner.root.boto("iam")

    def allowed(caller, headers):
        iam.untag_user(UserName=name, TagKeys=["Floor"])
        return posted(caller, "iam", headers, Action="TagUser", Version="2010-05-08", UserName=name, **tag)

    keys = {"aws:RequestTag/Floor": (TEXT, "3"), "aws:TagKeys": (ANY, "Floor"), "iam:ResourceTag/Team": (TEXT, "red")}
    return "iam:TagUser", allowed, keys


def gets_a_role(cast):
    def allowed(caller, headers):
        name = cast.callers["role"]["RoleName"]
        return posted(caller, "iam", headers, Action="GetRole", Version="2010-05-08", RoleName=name)

    return "iam:GetRole", allowed, {"iam:ResourceTag/Team": (TEXT, "red")}


def gets_a_user_of_nobody_s(cast):
    """A federated user: its name is the resource, which has no tags."""

    def allowed(caller, headers):
        return posted(caller, "sts", headers, Action="GetFederationToken", Version="2011-06-15", Name="Eve")

    cast.callers["user"].permit(allow("lambda:ListFunctions", "*"))  # Instead of leave to make any.
    return "sts:GetFederationToken", allowed, {"aws:ResourceTag/Team": None}


def describes_an_account(cast):
    organizations = cast.owner.root.boto("organizations")
    organizations.tag_resource(ResourceId=ACCOUNT, Tags=TAGS)

    def allowed(caller, headers):
        target = {"X-Amz-Target": "AWSOrganizationsV20161128.DescribeAccount"}
        headers = headers | target | {"Content-Type": "application/x-amz-json-1.1"}
        answer = caller.wire.call("POST", "/", body={"AccountId": ACCOUNT}, headers=headers, service="organizations")
        assert answer.status == 200 or answer.json["__type"] == "AccessDeniedException", answer
        return answer.status == 200

    return "organizations:DescribeAccount", allowed, {}


@pytest.mark.parametrize("call", [tags_a_user, gets_a_role, gets_a_user_of_nobody_s, describes_an_account])
def test_a_call_of_another_service_has_its_keys_and_no_others(cast, call):
    user = cast.callers["user"]
    action, allowed, more = call(cast)
    keys = expected(cast, "user") | {"aws:ResourceTag/Team": (TEXT, "red")} | more
    keys = {key: value for key, value in keys.items() if value}
    rows = [*conditions(keys), (absent(set(KEYS) - set(keys)), True)]
    rows += [({"Null": {key: "false"}}, False) for key in set(KEYS) - set(keys)]
    try:
        for condition, is_true in rows:
            user.permit(allow(action, "*", condition), name="asked")
            assert allowed(user, HEADERS) == is_true, condition
    finally:
        user.permit(allow("sts:GetFederationToken", "*"))
        user.permit(allow("lambda:ListFunctions", "*"), name="asked")


def test_a_trust_policy_knows_who_calls_whose_role_it_is_and_how_it_is_asked(cast):
    user, role, iam = cast.callers["user"], cast.callers["role"], cast.owner.root.boto("iam")
    before = iam.get_role(RoleName=role["RoleName"])["Role"]["AssumeRolePolicyDocument"]
    asked = {"RoleArn": role["Arn"], "RoleSessionName": "night", "ExternalId": "4711", "SourceIdentity": "alice"}
    marks = {"Tags.member.1.Key": "Floor", "Tags.member.1.Value": "3", "TransitiveTagKeys.member.1": "Floor"}
    keys = expected(cast, "user") | {
        "aws:ResourceTag/Team": (TEXT, "red"),
        "iam:ResourceTag/Team": (TEXT, "red"),
        "aws:RequestTag/Floor": (TEXT, "3"),
        "aws:TagKeys": (ANY, "Floor"),
        "sts:TransitiveTagKeys": (ANY, "Floor"),
        "sts:RoleSessionName": (TEXT, "night"),
        "sts:ExternalId": (TEXT, "4711"),
        "sts:SourceIdentity": (TEXT, "alice"),
    }
    rows = [*conditions(keys), *[({"Null": {key: "false"}}, False) for key in set(KEYS) - set(keys)]]
    trust, actions = trusting(user.arn), ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    user.permit(allow("lambda:ListFunctions", "*"), name="assume")  # Instead of leave to assume any.
    try:
        for condition, is_true in rows:
            trust["Statement"][0] |= {"Action": actions, "Condition": condition}
            iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(trust))
            got = posted(user, "sts", HEADERS, Action="AssumeRole", Version="2011-06-15", **asked, **marks)
            assert got == is_true, condition
    finally:
        user.permit(allow(["sts:AssumeRole", "sts:SetSourceIdentity"], "*"), name="assume")
        iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(before))


# --- Nobody says of itself what a service says -------------------------------------------------------


def spoofs():
    """Ways to say the keys of services, by headers, query and body."""
    names = [key.split(":")[1] for key in OF_SERVICES] + ["ViaAWSService", "SourceIp", "PrincipalArn"]
    dashed = {name: "".join(f"-{c}" if c.isupper() else c for c in name).strip("-") for name in names}
    value = {"SourceAccount": ACCOUNT, "ViaAWSService": "true", "InvokedViaFunctionUrl": "true"}
    yield "the source's headers", SOURCE, None, b""
    for style in ("X-Amz-{}", "Aws-{}", "X-Aws-{}", "{}", "X-Amzn-{}"):
        headers = {style.format(dashed[name]): value.get(name, BUCKET) for name in names}
        yield f"headers {style}", headers, None, b""
    way = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Forwarded": "for=203.0.113.9;proto=https"}
    yield "a proxy's headers", way, None, b""
    yield "the query", None, {key: BUCKET for key in OF_SERVICES}, b""
    yield "the query's names", None, {name: value.get(name, BUCKET) for name in names}, b""
    body = {key: BUCKET for key in OF_SERVICES} | {"Context": {key: BUCKET for key in OF_SERVICES}, "SourceArn": BUCKET}
    yield "the body", None, None, compact(body).encode()


@pytest.mark.parametrize("who", ["user", "token", "session", "federated", "function", "stranger"])
def test_what_only_a_service_can_say_nobody_else_says(cast, who):
    own = {"lambda:SourceFunctionArn"} if who == "function" else set()
    others = [key for key in OF_SERVICES if key not in own]
    truth = {
        **absent(others),
        "Bool": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false", "aws:SecureTransport": "false"},
        "IpAddress": {"aws:SourceIp": "127.0.0.1/32"},
    }
    if own:
        truth["ArnEquals"] = {"lambda:SourceFunctionArn": cast.callers[who].arn}
    for what, headers, query, body in spoofs():
        assert cast.holds(who, truth, headers, query, body), what


@pytest.mark.parametrize("who", ["service", "regional"])
def test_a_service_says_its_source_and_nothing_else(cast, who):
    """Its name is the key's that signed, and by what other services it is called it has no way to say."""
    via = ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "lambda:SourceFunctionArn", "aws:SourceIp"]
    name = expected(cast, who)["aws:PrincipalServiceName"][1]
    own = {"aws:PrincipalServiceName": name}
    truth = {**absent(via), "StringEquals": own, "Bool": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "true"}}
    for what, headers, query, body in spoofs():
        assert cast.holds(who, truth, headers, query, body), what


def test_a_url_s_caller_says_nothing_of_services_either(cast):
    function, cast.function = cast.function, cast.owner.function(code="def handler(event, context): return 'in'")
    try:
        url = with_url(cast.owner, cast.function)
        others = [key for key in OF_SERVICES if key != "lambda:InvokedViaFunctionUrl"]
        truth = {**absent(others), "Bool": {"aws:ViaAWSService": "false"}, "IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}
        cast.grant({"Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], "Condition": truth})
        for what, headers, query, body in spoofs():
            pairs = "&".join(f"{name.replace(':', '%3A')}=x" for name in query or {})
            answer = call(cast.world.server, url, "POST", f"/?{pairs}", body, dict(headers or {}))
            assert answer.status == 200, (what, answer)
    finally:
        cast.function = function


def test_no_parameter_of_sts_is_a_key_of_services(cast):
    """A trust policy is asked with what the form says, which is no more than its own parameters."""
    owner = cast.owner
    trust = trusting(cast.callers["user"].arn)
    trust["Statement"][0]["Condition"] = {**absent(OF_SERVICES), "Bool": {"aws:ViaAWSService": "false"}}
    arn = owner.role(trust)
    form = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": arn, "RoleSessionName": "night"}
    for more in [{}, {key: BUCKET for key in OF_SERVICES}, {key.split(":")[1]: BUCKET for key in OF_SERVICES}]:
        text = "&".join(f"{name}={value}".replace(":", "%3A").replace("/", "%2F") for name, value in (form | more).items())
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({} if not more else SOURCE)
        answer = cast.callers["user"].wire.call("POST", "/", body=text.encode(), headers=headers, service="sts")
        assert answer.status == 200, answer
