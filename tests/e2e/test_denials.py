"""Why a call is denied, to the byte: one row a kind of policy and a way for it not to allow.

Facts: aws-lambda.md §9.2, §9.3. Every row calls an operation that needs nothing but its permission, on a
function that need not be there, so that all rows differ in nothing but who asks.
"""

import json

import pytest
from test_organizations import FULL, Organization
from wire import Credentials, check_error, compact
from world import Member, allow, deny, document, trusting, unique

DENIED = "AccessDeniedException"
ASKED = "lambda:GetFunctionConfiguration"
EVERYTHING, ANOTHER, NOT_THIS = allow("*", "*"), allow("lambda:ListTags", "*"), deny(ASKED, "*")


@pytest.fixture(scope="module")
def organization(world):
    return Organization(world).enable()


def check_denied(caller, arn, reason):
    answer = caller.wire.call("GET", f"/2015-03-31/functions/{arn}/configuration")
    text = f"User: {caller.arn} is not authorized to perform: {ASKED} on resource: {arn} {reason}"
    check_error(answer, DENIED, text)


def check_admitted(caller, arn):
    assert caller.wire.call("GET", f"/2015-03-31/functions/{arn}/configuration").status in (200, 404)


def bounded(account, *statements):
    """A user that may everything within a boundary of these statements."""
    iam, user = account.root.boto("iam"), account.user(EVERYTHING)
    policy = iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=document(*statements))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=user.arn.rsplit("/", 1)[1], PermissionsBoundary=policy)
    return user


def limited(account, *statements):
    """A session, with this session policy, of a role that may everything."""
    by = account.user()
    member = account.session(EVERYTHING, role_arn=account.role(trusting(by.arn)), by=by)
    role = f"arn:aws:iam::{account.id}:role/{member.role}"
    answer = by.boto("sts").assume_role(RoleArn=role, RoleSessionName="narrow", Policy=document(*statements))
    got = answer["Credentials"]
    credentials = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    return Member(member.base, answer["AssumedRoleUser"]["Arn"], credentials, member.region, account=account)


# (who asks, made of an account; why not)
WITHIN = {
    "a user without a policy": (lambda a: a.user(), "because no identity-based policy allows the {} action"),
    "a user of another permission": (lambda a: a.user(ANOTHER), "because no identity-based policy allows the {} action"),
    "a session without a policy": (lambda a: a.session(), "because no identity-based policy allows the {} action"),
    "a user whose policy denies": (lambda a: a.user(EVERYTHING, NOT_THIS), "with an explicit deny in an identity-based policy"),
    "a session whose policy denies": (lambda a: a.session(EVERYTHING, NOT_THIS), "with an explicit deny in an identity-based policy"),
    "a boundary of another permission": (lambda a: bounded(a, ANOTHER), "because no permissions boundary allows the {} action"),
    "a boundary that denies": (lambda a: bounded(a, EVERYTHING, NOT_THIS), "with an explicit deny in a permissions boundary"),
    "a session policy of another permission": (lambda a: limited(a, ANOTHER), "because no session policy allows the {} action"),
    "a session policy that denies": (lambda a: limited(a, EVERYTHING, NOT_THIS), "with an explicit deny in a session policy"),
}


@pytest.mark.parametrize("who", WITHIN)
def test_a_denial_within_an_account_names_the_policy_that_does_not_allow(owner, who):
    make, reason = WITHIN[who]
    caller = make(owner)
    for qualifier in (None, "1", "prod", "$LATEST"):
        check_denied(caller, owner.arn("doesnotexist", qualifier), reason.format(ASKED))


@pytest.mark.parametrize("kind", ["user", "session", "root"])
def test_a_denial_across_accounts_names_the_half_that_is_missing(owner, other, kind):
    arn = owner.arn("doesnotexist")
    caller = {"user": lambda: other.user(EVERYTHING), "session": lambda: other.session(EVERYTHING), "root": lambda: other.root}[kind]()
    check_denied(caller, arn, f"because no resource-based policy allows the {ASKED} action")
    if kind != "root":
        # [gap] §9.2: with both halves missing, the one that the caller can mend first.
        check_denied(caller.permit(ANOTHER), arn, f"because no identity-based policy allows the {ASKED} action")


def test_a_service_is_told_of_the_resource_policy(owner, world):
    caller = world.service("sns.amazonaws.com")
    check_denied(caller, owner.arn("doesnotexist"), f"because no resource-based policy allows the {ASKED} action")


def test_a_resource_policy_that_denies_is_named(owner, other):
    name = owner.function()
    arn = owner.arn(name)
    callers = [owner.user(EVERYTHING), owner.session(EVERYTHING), other.user(EVERYTHING)]
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": other.id}, "Action": "lambda:*", "Resource": arn},
        {"Effect": "Deny", "Principal": "*", "Action": ASKED, "Resource": arn},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    owner.root.boto().put_resource_policy(ResourceArn=arn, Policy=policy)
    for caller in callers:
        check_denied(caller, arn, "with an explicit deny in a resource-based policy")
    owner.root.boto().put_resource_policy(
        ResourceArn=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements[:1]})
    )
    for caller in callers:
        check_admitted(caller, arn)


def test_a_service_control_policy_is_named(organization):
    unit = organization.unit()
    account = organization.account(unit)
    arn = account.arn("doesnotexist")
    callers = [account.root, account.user(EVERYTHING), account.session(EVERYTHING)]
    denying = organization.limit(unit, NOT_THIS)
    for caller in callers:
        check_denied(caller, arn, "with an explicit deny in a service control policy")
    organization.boto.detach_policy(PolicyId=denying, TargetId=unit)
    organization.limit(unit, ANOTHER)
    for caller in callers:
        check_admitted(caller, arn)
    organization.boto.detach_policy(PolicyId=FULL, TargetId=unit)
    for caller in callers:
        check_denied(caller, arn, f"because no service control policy allows the {ASKED} action")


def test_tags_that_may_not_be_listed_are_an_error_beside_the_function(owner):
    """§9.3: the error is the one that ListTags would be answered with."""
    name = owner.function(Tags={"team": "blue"})
    user = owner.user(allow("lambda:GetFunction", "*"))
    answer = user.wire.call("GET", f"/2015-03-31/functions/{name}")
    text = (
        f"User: {user.arn} is not authorized to perform: lambda:ListTags on resource: {owner.arn(name)} "
        "because no identity-based policy allows the lambda:ListTags action"
    )
    assert answer.status == 200 and "Tags" not in answer.json
    assert answer.json["TagsError"] == {"ErrorCode": DENIED, "Message": text}
    denied = user.wire.call("GET", f"/2017-03-31/tags/{owner.arn(name)}")
    assert denied.body == compact({"Message": text}).encode()
