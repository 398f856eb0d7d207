"""IAM held to its reference, one row a rule: what it says of documents that are none, its quotas,
and the policies that are there from the beginning.

Each sentence is the live service's; the place and the rule in our words follow it.
"""

import json

import pytest

from server import ACCOUNT
from test_identity import name_in, refusal
from world import trusting, unique

AWS = "arn:aws:iam::aws:policy/"


def changed(statement, **members):
    members = statement | members
    return {name: value for name, value in members.items() if value is not None}


def document(*statements, version="2012-10-17"):
    return json.dumps({"Version": version, "Statement": list(statements)})


GET = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
SYNTAX = "Syntax errors in policy."
PREFACED = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
ALPHANUMERIC = (
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
)

PERMISSIONS = [
    (json.dumps({"Version": "2012-10-17", "Id": "x", "Statement": [GET]}), SYNTAX),
    ("{", SYNTAX),
    ("[]", SYNTAX),
    ("{}", SYNTAX),
    (document(GET, version="2011-01-01"), SYNTAX),
    (document(changed(GET, Effect=None)), SYNTAX),
    (document(changed(GET, Effect="Maybe")), SYNTAX),
    (document(changed(GET, Other="x")), SYNTAX),
    (document(changed(GET, Condition={"Other": {"aws:username": "x"}})), SYNTAX),
    (document(changed(GET, Action=None)), "Policy statement must contain actions."),
    (document(changed(GET, Resource=None)), "Policy statement must contain resources."),
    (document(changed(GET, Action="GetObject")), PREFACED),
    (document(changed(GET, Action="s3:Get:Object")), "Actions/Condition can contain only one colon."),
    (document(changed(GET, Action="s3:Get Object")), "The policy failed legacy parsing"),
    (document(changed(GET, Resource="bucket")), 'Resource bucket must be in ARN format or "*".'),
    (document(changed(GET, Principal="*")), "Policy document should not specify a principal."),
    (document(changed(GET, Sid="a b")), ALPHANUMERIC),
    (document(changed(GET, Sid="a"), changed(GET, Sid="a")), "Statement IDs (SID) in a single policy must be unique."),
]

TRUSTS = [
    ("{", "This policy contains invalid Json"),
    ("{}", "Missing required field Statement"),
    (document(changed(ASSUME, Effect=None)), "Missing required field Effect"),
    (document(changed(ASSUME, Action=None)), "Missing required field Action"),
    (document(changed(ASSUME, Principal=None)), "Missing required field Principal"),
    (document(changed(ASSUME, Resource="*")), "Has prohibited field Resource"),
    (document(changed(ASSUME, Other="x")), "Unknown field Other"),
    (document(changed(ASSUME, Action="s3:GetObject")), "AssumeRole policy may only specify STS AssumeRole actions."),
    (document(changed(ASSUME, Action=["sts:AssumeRole", "*"])), "AssumeRole policy may only specify STS AssumeRole actions."),
    (document(changed(ASSUME, Principal={"AWS": "12345"})), 'Invalid principal in policy: "AWS":"12345"'),
    (document(changed(ASSUME, Principal={"Service": "lambda"})), 'Invalid principal in policy: "SERVICE":"lambda"'),
    (document(changed(ASSUME, Principal={"Service": "*"})), 'Invalid principal in policy: "SERVICE":"*"'),
    (document(changed(ASSUME, Principal={"AWS": "arn:aws:iam::1:*"})), 'Invalid principal in policy: "AWS":"arn:aws:iam::1:*"'),
    (
        json.dumps(trusting(f"arn:aws:iam::{ACCOUNT}:user/nobody")),
        f'Invalid principal in policy: "AWS":"arn:aws:iam::{ACCOUNT}:user/nobody"',
    ),
]


@pytest.mark.parametrize(("text", "sentence"), PERMISSIONS)
def test_what_is_no_policy_is_told_in_the_words_of_iam(owner, iam, text, sentence):
    user, role = name_in(owner.user().arn), name_in(owner.role())
    for call, named in [
        (iam.put_user_policy, {"UserName": user, "PolicyName": "p"}),
        (iam.put_role_policy, {"RoleName": role, "PolicyName": "p"}),
        (iam.create_policy, {"PolicyName": unique("policy")}),
    ]:
        status, code, said = refusal(call, PolicyDocument=text, **named)
        assert (status, code) == (400, "MalformedPolicyDocument") and said.startswith(sentence), (call, said)


@pytest.mark.parametrize(("text", "sentence"), TRUSTS)
def test_what_is_no_trust_policy_is_told_in_the_words_of_iam(owner, iam, text, sentence):
    status, code, said = refusal(iam.create_role, RoleName=unique("role"), AssumeRolePolicyDocument=text)
    assert (status, code) == (400, "MalformedPolicyDocument") and said.startswith(sentence), said
    again = refusal(iam.update_assume_role_policy, RoleName=name_in(owner.role()), PolicyDocument=text)
    assert again == (status, code, said)


@pytest.mark.parametrize("action", ["sts:AssumeRole", "STS:AssumeRole", "sts:*", ["sts:AssumeRole", "sts:TagSession"]])
def test_a_trust_policy_may_speak_of_all_that_sts_asks_it(iam, action):
    iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=document(changed(ASSUME, Action=action)))


def test_a_user_has_two_keys_and_fifty_tags_at_most(owner, iam):
    user = name_in(owner.user().arn)
    iam.create_access_key(UserName=user)
    quota = (409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    assert refusal(iam.create_access_key, UserName=user) == quota
    iam.tag_user(UserName=user, Tags=[{"Key": f"k{number}", "Value": ""} for number in range(50)])
    assert refusal(iam.tag_user, UserName=user, Tags=[{"Key": "more", "Value": ""}])[:2] == (409, "LimitExceeded")
    iam.tag_user(UserName=user, Tags=[{"Key": "k0", "Value": "new"}])
    listed = iam.get_paginator("list_user_tags").paginate(UserName=user, PaginationConfig={"PageSize": 7})
    assert len([tag for page in listed for tag in page["Tags"]]) == 50


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "SecurityAudit", "IAMFullAccess"]),
        ("", ["IAMReadOnlyAccess", "AWSLambda_FullAccess", "AWSLambda_ReadOnlyAccess", "AWSLambdaExecute"]),
        ("", ["AWSXRayDaemonWriteAccess", "AWSXrayWriteOnlyAccess", "CloudWatchLogsFullAccess", "CloudWatchFullAccess"]),
        ("", ["CloudWatchLambdaInsightsExecutionRolePolicy", "AmazonS3ReadOnlyAccess", "AmazonS3FullAccess"]),
        ("", ["AmazonSQSFullAccess", "AmazonSNSFullAccess", "AmazonDynamoDBFullAccess", "AmazonDynamoDBReadOnlyAccess"]),
        ("", ["AmazonSSMReadOnlyAccess", "SecretsManagerReadWrite", "AmazonKinesisFullAccess", "AWSDenyAll"]),
        ("service-role/", ["AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaRole"]),
        ("service-role/", ["AWSLambdaSQSQueueExecutionRole", "AWSLambdaDynamoDBExecutionRole"]),
        ("service-role/", ["AWSLambdaKinesisExecutionRole", "AWSLambdaMSKExecutionRole", "AWSLambdaENIManagementAccess"]),
        ("job-function/", ["ViewOnlyAccess"]),
    ],
)
def test_what_people_attach_to_functions_is_there(owner, iam, path, names):
    role = name_in(owner.role())
    for arn in (f"{AWS}{path}{name}" for name in names):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        shown = iam.get_policy(PolicyArn=arn)["Policy"]
        version = iam.get_policy_version(PolicyArn=arn, VersionId=shown["DefaultVersionId"])["PolicyVersion"]
        assert version["Document"]["Statement"]
    assert len(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]) == len(names)
