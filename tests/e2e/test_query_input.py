"""Bad input of the query protocol: forms of every bad kind, hostile texts, too much of anything. IAM and
STS answer with a documented error, in XML, and nothing has changed (facts/iam.md §2, style of AWS's own)."""

import json
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote, urlencode

import pytest

from server import ACCOUNT
from test_identity import refusal
from world import allow, document, trusting, unique

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
IAM, STS = "2010-05-08", "2011-06-15"


def error_in(answer):
    """Status and code of an error in the form of AWS's query services, which has to be XML."""
    root = ElementTree.fromstring(answer.body)
    names = [element.tag.rsplit("}", 1)[-1] for element in root.iter()]
    assert names[0] == "ErrorResponse" and "RequestId" in names, answer.body
    [code] = [element.text for element in root.iter() if element.tag.endswith("}Code") or element.tag == "Code"]
    return answer.status, code


def send(caller, body, headers=FORM, service="iam"):
    return caller.wire.call("POST", "/", body=body.encode() if isinstance(body, str) else body, headers=headers, service=service)


def form(action, version=IAM, **parameters):
    return urlencode({"Action": action, "Version": version, **parameters})


@pytest.fixture
def state(owner):
    """Everything that the calls of this file could change."""
    iam = owner.root.boto("iam")

    def names():
        pages = iam.get_paginator("get_account_authorization_details").paginate()
        seen = [page[kind] for page in pages for kind in ("UserDetailList", "RoleDetailList", "GroupDetailList")]
        return json.dumps(seen, default=str, sort_keys=True)

    return names


NAME = "bad-input-user"
START = f"Action=CreateUser&Version={IAM}&UserName={NAME}"
MALFORMED = [
    ("no action", "Version=2010-05-08", "MissingAction"),
    ("no form at all", "{}", "MissingAction"),
    ("nothing", "", "MissingAction"),
    ("an action that is none", form("MakeUser", UserName=NAME), "InvalidAction"),
    ("an action of another case", form("createuser", UserName=NAME), "InvalidAction"),
    ("an action of another service", form("AssumeRole", UserName=NAME), "InvalidAction"),
    ("another service's version", form("CreateUser", STS, UserName=NAME), "InvalidAction"),
    ("no version", f"Action=CreateUser&UserName={NAME}", "InvalidAction"),
    ("a percent sign alone", f"{START}%", "MalformedInput"),
    ("half a code", f"{START}%4", "MalformedInput"),
    ("no code", f"{START}%zz", "MalformedInput"),
    ("no UTF-8 by code", f"{START}%FF", "MalformedInput"),
    ("no UTF-8", START.encode() + b"\xff", "MalformedInput"),
    ("a list by no number", f"{START}&Tags.member.x.Key=a", "MalformedInput"),
    ("a list by a number too great", f"{START}&Tags.member.99999999999.Key=a", "MalformedInput"),
    ("a list without its members", f"{START}&Tags.member.1=a", "ValidationError"),
    ("a text with parts", form("CreateUser", **{"UserName.member.1": NAME}), "MalformedInput"),
    ("a name of many levels", f"{START}&{'.'.join('a' * 100)}=a", "MalformedInput"),
    ("more parameters than are read", START + "".join(f"&p{n}=1" for n in range(5_000)), "MalformedInput"),
    ("a number that is none", form("ListUsers", MaxItems="many"), "MalformedInput"),
    ("a number with a sign too many", form("ListUsers", MaxItems="--1"), "MalformedInput"),
    ("a number too great", form("ListUsers", MaxItems="1001"), "ValidationError"),
    ("a number greater than any", form("ListUsers", MaxItems="9" * 40), "MalformedInput"),
    ("a number below", form("ListUsers", MaxItems="0"), "ValidationError"),
    ("a marker of nobody", form("ListUsers", Marker="nothing"), "ValidationError"),
    ("a member that is needed", form("CreateUser"), "ValidationError"),
]


def test_a_form_that_cannot_be_read_changes_nothing(owner, state):
    before = state()
    for what, body, code in MALFORMED:
        assert error_in(send(owner.root, body)) == (400, code), what
    assert state() == before


def test_a_form_of_sts_that_cannot_be_read_makes_no_credentials(owner):
    role = owner.role(trusting(f"arn:aws:iam::{ACCOUNT}:root"))
    good = form("AssumeRole", STS, RoleArn=role, RoleSessionName="night")
    for what, body, code in [
        ("no action", f"Version={STS}", "MissingAction"),
        ("iam's version", form("AssumeRole", RoleArn=role, RoleSessionName="night"), "InvalidAction"),
        ("half a code", f"{good}%4", "MalformedInput"),
        ("a duration that is none", f"{good}&DurationSeconds=long", "MalformedInput"),
        ("a duration below", f"{good}&DurationSeconds=899", "ValidationError"),
        ("a duration too long", f"{good}&DurationSeconds=43201", "ValidationError"),
        ("a tag without key", f"{good}&Tags.member.1.Value=a", "ValidationError"),
        ("51 tags", good + "".join(f"&Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=" for n in range(51)), "ValidationError"),
        ("10,000 tags", good + "".join(f"&Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=" for n in range(10_000)), "MalformedInput"),
        ("a policy that is none", f"{good}&Policy=%7B", "MalformedPolicyDocument"),
        ("a policy too long", f"{good}&Policy={quote(document(allow('s3:*', 'arn:aws:s3:::' + 'x' * 2_048)))}", "PackedPolicyTooLarge"),
        ("a session name with a blank", form("AssumeRole", STS, RoleArn=role, RoleSessionName="a b"), "ValidationError"),
        ("a session name in markup", form("AssumeRole", STS, RoleArn=role, RoleSessionName="<a>&amp;"), "ValidationError"),
    ]:
        answer = send(owner.root, body, service="sts")
        assert error_in(answer) == (400, code), what
        assert b"<SecretAccessKey>" not in answer.body, what
    assert send(owner.root, good, service="sts").status == 200


HOSTILE = ["]]>", "<a>", "&amp;", "a&b", "'\"", "</member>", "<!--", "\u0000", "\u0001", "\ud7ff\ufffe", "\t\n", "a b", "é", "", "x" * 129]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_that_is_none_is_refused_in_whole_xml(owner, state, name):
    before = state()
    trust = json.dumps(trusting(f"arn:aws:iam::{ACCOUNT}:root"))
    policy = document(allow("s3:*", "*"))
    for body in [
        form("CreateUser", UserName=name),
        form("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust),
        form("CreateGroup", GroupName=name),
        form("CreatePolicy", PolicyName=name, PolicyDocument=policy),
        form("GetUser", UserName=name) if name else form("GetRole", RoleName=name),
        form("DeleteUser", UserName=name),
        form("CreateUser", UserName=NAME, PermissionsBoundary=name[:19]),
    ]:
        assert error_in(send(owner.root, body)) == (400, "ValidationError"), body
    assert state() == before


@pytest.mark.parametrize("value", ["<a>&amp;]]>", "</Value><Value>x", "\"'", "é ü + = @ : / -"], ids=range(4))
def test_what_a_tag_may_say_is_said_back_and_what_it_may_not_is_refused(owner, iam, state, value):
    """Tags take letters, digits, blanks and `_.:/=+-@` (IAM model, `tagValueType`)."""
    before, name = state(), unique("hostile")
    body = form("CreateUser", UserName=name, **{"Tags.member.1.Key": "k", "Tags.member.1.Value": value})
    answer = send(owner.root, body)
    if answer.status == 200:
        assert iam.list_user_tags(UserName=name)["Tags"] == [{"Key": "k", "Value": value}]
        iam.delete_user(UserName=name)
    else:
        assert error_in(answer) == (400, "ValidationError")
    assert (answer.status == 200) == (not set(value) & set("<>&]\"';")), value
    assert state() == before


def test_what_a_path_may_say_is_said_back_in_whole_xml(owner, iam, state):
    """Any visible ASCII may stand in a path (IAM model, `pathType`)."""
    before, name, path = state(), unique("hostile"), "/<a>&amp;]]>'\"/</Path><Path>/"
    made = iam.create_user(UserName=name, Path=path)["User"]
    assert (made["Path"], made["Arn"]) == (path, f"arn:aws:iam::{ACCOUNT}:user{path}{name}")
    assert iam.get_user(UserName=name)["User"] == made
    iam.delete_user(UserName=name)
    assert state() == before


def test_too_much_of_anything_is_refused_by_name(owner, iam, state):
    user, trust = owner.user().arn.rsplit("/", 1)[1], json.dumps(trusting(f"arn:aws:iam::{ACCOUNT}:root"))
    role = owner.role(trusting(f"arn:aws:iam::{ACCOUNT}:root")).rsplit("/", 1)[1]
    before = state()
    long = document(allow("s3:*", [f"arn:aws:s3:::{n:05}" + "x" * 100 for n in range(100)]))
    endless = document(allow("s3:*", "arn:aws:s3:::" + "x" * 131_072))
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(10_000)]
    tags = [f"Tags.member.{n}" for n in range(1, 1_500)]
    tags = {f"{name}.{part}": f"{part}{name}" for name in tags for part in ("Key", "Value")}
    for what, status, code, body in [
        ("10,000 tags", 400, "MalformedInput", form("TagUser", UserName=user, **{f"Tags.member.{n}.{part}": tag[part] for n, tag in enumerate(many, 1) for part in tag})),
        ("1,499 tags", 400, "ValidationError", form("TagUser", UserName=user, **tags)),
        ("10,000 keys", 400, "MalformedInput", form("UntagUser", UserName=user, **{f"TagKeys.member.{n}": "k" for n in range(1, 10_001)})),
        ("a user's policy", 409, "LimitExceeded", form("PutUserPolicy", UserName=user, PolicyName="p", PolicyDocument=long)),
        ("a role's policy", 409, "LimitExceeded", form("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=long)),
        ("a managed policy", 409, "LimitExceeded", form("CreatePolicy", PolicyName=NAME, PolicyDocument=long)),
        ("an endless policy", 400, "ValidationError", form("CreatePolicy", PolicyName=NAME, PolicyDocument=endless)),
        ("an endless inline policy", 400, "ValidationError", form("PutUserPolicy", UserName=user, PolicyName="p", PolicyDocument=endless)),
        ("a trust policy", 400, "ValidationError", form("UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=trust + " " * 150_000)),
        ("an endless name", 400, "ValidationError", form("CreateUser", UserName="x" * 100_000)),
        ("an endless path", 400, "ValidationError", form("CreateUser", UserName=NAME, Path="/" + "x" * 600 + "/")),
    ]:
        assert error_in(send(owner.root, body)) == (status, code), what
    assert state() == before


@pytest.mark.parametrize(
    ("kind", "is_form"),
    [
        (None, True),
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-URLencoded; charset=utf-8", True),
        ("application/json", False),
        ("application/x-amz-json-1.1", False),
        ("multipart/form-data; boundary=x", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded-not", False),
        ("?", False),
    ],
)
def test_what_says_that_it_is_no_form_is_not_read_as_one(owner, iam, state, kind, is_form):
    before, name = state(), unique("typed")
    answer = send(owner.root, form("CreateUser", UserName=name), {"Content-Type": kind} if kind else {})
    if is_form:
        assert answer.status == 200, answer
        iam.delete_user(UserName=name)
    else:
        assert error_in(answer) == (400, "MissingAction")
    assert state() == before


def test_a_second_factor_is_refused_by_name_not_ignored(owner):
    sts = owner.root.boto("sts")
    for parameter, value in [("SerialNumber", f"arn:aws:iam::{ACCOUNT}:mfa/alice"), ("TokenCode", "123456")]:
        text = f"The parameter {parameter} is not supported yet."
        assert refusal(sts.get_session_token, **{parameter: value}) == (400, "UnsupportedOperationException", text)
