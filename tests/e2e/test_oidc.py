"""OpenID Connect: providers of IAM, and roles for the bearers of tokens that their issuers signed."""

import json
import time

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from oidc import Es256, Rs256, encoded, key_set, token
from server import ACCOUNT, REGION, until
from wire import Credentials
from world import allow, boto, document, error_of, unique

ISSUER = "idp.example.com/tenant"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
KEY, EC_KEY, STRANGE = Rs256("rsa-1"), Es256("ec-1"), Rs256("rsa-1")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("oidc")
    keys = key_set(folder / "keys.json", KEY, EC_KEY)
    one = Server(folder / "data", folder / "logs", PORTCULLIS_OIDC_KEYS=f"https://{ISSUER}={keys},other.example.com={keys}")
    try:
        yield one.wait_until_ready()
    finally:
        one.end()


@pytest.fixture(scope="module")
def iam(server):
    return boto(server.base, "iam", server.root)


@pytest.fixture(scope="module")
def provider(iam):
    made = iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["app", "other"])
    return made["OpenIDConnectProviderArn"]


def unsigned(base, service="sts"):
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return boto3.client(service, endpoint_url=base, region_name=REGION, config=config)


def trust(condition=None, provider=PROVIDER, **more):
    statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"} | more
    return document(statement | ({"Condition": condition} if condition else {}))


def role(iam, trust_policy, *statements, **settings):
    made = iam.create_role(RoleName=unique("oidc"), AssumeRolePolicyDocument=trust_policy, **settings)["Role"]
    if statements:
        iam.put_role_policy(RoleName=made["RoleName"], PolicyName="p", PolicyDocument=document(*statements))
    return made["Arn"]


def assume(server, role_arn, text, **settings):
    return unsigned(server.base).assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName="web", WebIdentityToken=text, **settings
    )


def refused(server, role_arn, text, **settings):
    return error_of(
        unsigned(server.base).assume_role_with_web_identity,
        RoleArn=role_arn, RoleSessionName="web", WebIdentityToken=text, **settings,
    )


def session(server, answer, service="iam"):
    got = answer["Credentials"]
    return boto(server.base, service, Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]))


# --- Providers -------------------------------------------------------------------------------------


def test_a_provider_is_made_shown_changed_and_removed(iam):
    url = "https://id.example.org/a/b"
    made = iam.create_open_id_connect_provider(
        Url=url, ClientIDList=["one"], ThumbprintList=["AB" * 20], Tags=[{"Key": "Team", "Value": "red"}]
    )
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.org/a/b"
    assert (made["OpenIDConnectProviderArn"], made["Tags"]) == (arn, [{"Key": "Team", "Value": "red"}])
    assert error_of(iam.create_open_id_connect_provider, Url=url) == ("EntityAlreadyExists", f"Provider with url {url} already exists.")
    name = {"OpenIDConnectProviderArn": arn}
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    for _ in range(2):
        iam.add_client_id_to_open_id_connect_provider(**name, ClientID="two")
        iam.remove_client_id_from_open_id_connect_provider(**name, ClientID="one")
    iam.update_open_id_connect_provider_thumbprint(**name, ThumbprintList=["cd" * 20, "ef" * 20])
    iam.tag_open_id_connect_provider(**name, Tags=[{"Key": "Cost", "Value": "1"}])
    iam.untag_open_id_connect_provider(**name, TagKeys=["Team"])
    got = iam.get_open_id_connect_provider(**name)
    assert got["Url"] == "id.example.org/a/b" and got["CreateDate"]
    assert (got["ClientIDList"], got["ThumbprintList"]) == (["two"], ["cd" * 20, "ef" * 20])
    assert got["Tags"] == iam.list_open_id_connect_provider_tags(**name)["Tags"] == [{"Key": "Cost", "Value": "1"}]
    for _ in range(2):
        iam.delete_open_id_connect_provider(**name)
    missing = ("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    assert error_of(iam.get_open_id_connect_provider, **name) == missing
    assert error_of(iam.add_client_id_to_open_id_connect_provider, **name, ClientID="x") == missing


@pytest.mark.parametrize("url", ["http://id.example.org", "https://id.example.org:8443", "https://id.example.org/?a=b", "nothing"])
def test_a_provider_is_of_an_https_issuer(iam, url):
    assert error_of(iam.create_open_id_connect_provider, Url=url)[0] == "ValidationError"


def test_a_name_that_is_no_provider_s_is_refused(iam):
    for arn in (f"arn:aws:iam::{ACCOUNT}:role/some-role", f"arn:aws:iam::{ACCOUNT}:oidc-provider/:8443", "not an arn at all, sorry"):
        assert error_of(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)[0] == "InvalidInput"


def test_providers_are_guarded_by_their_arn_and_tags(server, iam):
    user = iam.create_user(UserName=unique("user"))["User"]["UserName"]
    key = iam.create_access_key(UserName=user)["AccessKey"]
    theirs = boto(server.base, "iam", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    red = {"StringEquals": {"aws:ResourceTag/Team": "red"}}
    of = [allow("iam:GetOpenIDConnectProvider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/*", red)]
    of += [allow("iam:CreateOpenIDConnectProvider", "*")]
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document(*of))
    make = {"Url": "https://red.example.org", "Tags": [{"Key": "Team", "Value": "red"}]}
    code, text = error_of(theirs.create_open_id_connect_provider, **make)
    assert code == "AccessDenied" and "iam:TagOpenIDConnectProvider" in text
    arns = [iam.create_open_id_connect_provider(**make)["OpenIDConnectProviderArn"]]
    arns += [theirs.create_open_id_connect_provider(Url="https://blue.example.org")["OpenIDConnectProviderArn"]]
    assert theirs.get_open_id_connect_provider(OpenIDConnectProviderArn=arns[0])["Url"] == "red.example.org"
    assert error_of(theirs.get_open_id_connect_provider, OpenIDConnectProviderArn=arns[1])[0] == "AccessDenied"
    assert error_of(theirs.list_open_id_connect_providers)[0] == "AccessDenied"


# --- Tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, EC_KEY], ids=["RS256", "ES256"])
def test_the_bearer_of_a_token_becomes_the_role(server, iam, provider, key):
    condition = {"StringEquals": {f"{ISSUER}:aud": "app"}, "StringLike": {f"{ISSUER}:sub": "repo:org/*"}}
    arn = role(iam, trust(condition), allow("iam:ListRoles", "*"))
    name = arn.rsplit("/", 1)[1]
    answer = assume(server, arn, token(key, sub="repo:org/app:main"), DurationSeconds=900)
    assert answer["SubjectFromWebIdentityToken"] == "repo:org/app:main"
    assert (answer["Audience"], answer["Provider"]) == ("app", provider)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/web"
    assert answer["AssumedRoleUser"]["AssumedRoleId"].endswith(":web")
    assert "PackedPolicySize" not in answer
    assert 800 < answer["Credentials"]["Expiration"].timestamp() - time.time() < 960
    who = session(server, answer, "sts").get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert session(server, answer).list_roles()["Roles"]
    assert error_of(session(server, answer).list_users)[0] == "AccessDenied"


def test_the_session_tells_its_provider_and_whom_the_token_meant(server, iam, provider):
    keys = {"aws:FederatedProvider": provider, f"{ISSUER}:sub": "bob", f"{ISSUER}:aud": "app"}
    arn = role(iam, trust(), allow("iam:ListRoles", "*", {"StringEquals": keys}))
    assert session(server, assume(server, arn, token(KEY))).list_roles()["Roles"]
    other = session(server, assume(server, arn, token(KEY, sub="eve")))
    assert error_of(other.list_roles)[0] == "AccessDenied"


def test_the_trust_policy_decides_by_the_claims(server, iam, provider):
    def lets_in(trust_policy, **claims):
        arn = role(iam, trust_policy)
        try:
            return bool(assume(server, arn, token(KEY, **claims)))
        except unsigned(server.base).exceptions.ClientError as error:
            error = error.response["Error"]
            assert (error["Code"], error["Message"]) == ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
            return False

    equals = lambda key, value: {"StringEquals": {f"{ISSUER}:{key}": value}}  # noqa: E731
    assert lets_in(trust())
    assert lets_in(trust(equals("sub", "bob")))
    assert not lets_in(trust(equals("sub", "Bob")))
    assert not lets_in(trust(equals("aud", "other")))
    assert lets_in(trust(equals("aud", "other")), aud="other")
    assert lets_in(trust(equals("azp", "app")), azp="app")
    assert not lets_in(trust(equals("azp", "app")))
    mfa = {"ForAnyValue:StringEquals": {f"{ISSUER}:amr": "mfa"}}
    assert lets_in(trust(mfa), amr=["pwd", "mfa"])
    assert not lets_in(trust(mfa), amr=["pwd"])
    assert lets_in(trust({"StringLike": {"sts:RoleSessionName": "w*"}}))
    assert not lets_in(trust({"StringLike": {"sts:RoleSessionName": "x*"}}))
    assert not lets_in(trust(Action="sts:AssumeRole"))
    assert not lets_in(trust(provider=f"arn:aws:iam::{ACCOUNT}:oidc-provider/other.example.com"))
    assert not lets_in(trust(provider="arn:aws:iam::999999999999:oidc-provider/" + ISSUER))
    assert not lets_in(document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:*"}))


CLAIM = "https://aws.amazon.com/"
NESTED = {f"{CLAIM}tags": {"principal_tags": {"Team": ["red"], "Cost": ["1"]}, "transitive_tag_keys": ["Team"]}}
FLAT = {f"{CLAIM}tags/principal_tags/Team": "red", f"{CLAIM}tags/principal_tags/Cost": "1", f"{CLAIM}tags/transitive_tag_keys": ["Team"]}


@pytest.mark.parametrize("claims", [NESTED, FLAT], ids=["nested", "flat"])
def test_a_token_marks_the_session_as_far_as_the_role_lets_it(server, iam, provider, claims):
    web, tagging, naming = "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"
    text = token(KEY, **claims, **{f"{CLAIM}source_identity": "alice"})
    for actions in ([web], [web, tagging], [web, naming]):
        denied = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        assert refused(server, role(iam, trust(Action=actions)), text) == denied, actions
    is_red = {"StringEquals": {"aws:PrincipalTag/Team": "red", "aws:PrincipalTag/Cost": "1", "aws:SourceIdentity": "alice"}}
    asked = {
        "StringEquals": {"aws:RequestTag/Team": "red", "sts:SourceIdentity": "alice"},
        "ForAllValues:StringEquals": {"sts:TransitiveTagKeys": "Team", "aws:TagKeys": ["Team", "Cost"]},
    }
    leave = allow(["iam:ListRoles", "sts:AssumeRole", tagging, naming], "*", is_red)
    answer = assume(server, role(iam, trust(asked, Action=[web, tagging, naming]), leave), text)
    assert (answer["SourceIdentity"], 0 < answer["PackedPolicySize"] <= 100) == ("alice", True)
    assert session(server, answer).list_roles()["Roles"]
    marks = {"StringEquals": {"aws:RequestTag/Team": "red", "sts:SourceIdentity": "alice"}, "Null": {"aws:RequestTag/Cost": "true"}}
    ours = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", tagging, naming], "Condition": marks}
    following = session(server, answer, "sts").assume_role(RoleArn=role(iam, document(ours)), RoleSessionName="next")
    assert following["SourceIdentity"] == "alice"


def test_what_no_provider_believes_is_refused_in_aws_s_words(server, iam, provider):
    arn, now = role(iam, trust()), int(time.time())
    invalid = "InvalidIdentityToken"
    assert refused(server, arn, token(KEY, aud="strange")) == (invalid, "Incorrect token audience")
    assert refused(server, arn, token(KEY, aud=["x", "y"])) == (invalid, "Incorrect token audience")
    missing = (invalid, "No OpenIDConnect provider found in your account for https://other.example.com")
    assert refused(server, arn, token(KEY, iss="https://other.example.com")) == missing
    elsewhere = arn.replace(ACCOUNT, "999999999999")
    assert refused(server, elsewhere, token(KEY))[1].startswith("No OpenIDConnect provider found")
    assert refused(server, arn, token(KEY, exp=now - 1))[0] == "ExpiredTokenException"
    with pytest.raises(ClientError) as rejected:
        assume(server, arn, token(KEY, sub=""))
    assert rejected.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    for claims in ({"iat": now + 3600}, {"nbf": now + 3600}, {"iat": None}, {"sub": ""}, {f"{CLAIM}tags": {}}, {f"{CLAIM}source_identity": "a b"}):
        assert refused(server, arn, token(KEY, **claims))[0] == "IDPRejectedClaim", claims
    for claims in ({"exp": None}, {"sub": None}, {"aud": None}, {"iss": None}):
        assert refused(server, arn, token(KEY, **claims))[0] == invalid, claims
    assert refused(server, f"arn:aws:iam::{ACCOUNT}:role/missing", token(KEY))[0] == "AccessDenied"
    assert refused(server, arn, token(KEY), ProviderId="www.amazon.com")[0] == "UnsupportedOperationException"
    assert refused(server, arn, token(KEY), DurationSeconds=7200)[0] == "ValidationError"


def test_a_signature_that_is_not_the_issuer_s_proves_nothing(server, iam, provider):
    arn, good = role(iam, trust()), token(KEY)
    head, claims, signature = good.split(".")
    none = f"{encoded({'alg': 'none'})}.{claims}."
    forged = {
        "another's key of the same id": token(STRANGE),
        "a key that the issuer has not": token(STRANGE, header={"kid": "rsa-2"}),
        "another algorithm than the key's": token(KEY, header={"kid": "ec-1"}),
        "a changed claim": f"{head}.{encoded({'iss': f'https://{ISSUER}', 'sub': 'root', 'aud': 'app', 'iat': 1, 'exp': 9999999999})}.{signature}",
        "no signature": none,
        "an empty one": f"{head}.{claims}.",
        "a secret's": token(KEY, header={"alg": "HS256"}),
        "no token": "nothing",
    }
    for what, text in forged.items():
        assert refused(server, arn, text)[0] == "InvalidIdentityToken", what
    assert assume(server, arn, good)


def test_session_policies_limit_the_bearer_too(server, iam, provider):
    arn = role(iam, trust(), allow(["iam:ListRoles", "iam:ListUsers"], "*"))
    limit = iam.create_policy(PolicyName=unique("limit"), PolicyDocument=document(allow("iam:ListUsers", "*")))["Policy"]["Arn"]
    answer = assume(server, arn, token(KEY), PolicyArns=[{"arn": limit}], Policy=document(allow("iam:ListGroups", "*")))
    assert 0 < answer["PackedPolicySize"] <= 100
    client = session(server, answer)
    assert client.list_users()["Users"] is not None
    for call in (client.list_roles, client.list_groups):
        assert error_of(call)[0] == "AccessDenied"


def test_without_the_provider_nobody_comes_in(server, iam):
    url = "other.example.com"
    made = iam.create_open_id_connect_provider(Url=f"https://{url}", ClientIDList=["app"])["OpenIDConnectProviderArn"]
    arn, text = role(iam, trust(provider=made)), token(KEY, iss=f"https://{url}")
    assert assume(server, arn, text)
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=made, ClientID="app")
    assert refused(server, arn, text) == ("InvalidIdentityToken", "Incorrect token audience")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=made)
    assert refused(server, arn, text)[1].startswith("No OpenIDConnect provider found")
    keyless = iam.create_open_id_connect_provider(Url="https://keyless.example.com", ClientIDList=["app"])["OpenIDConnectProviderArn"]
    arn = role(iam, trust(provider=keyless))
    assert refused(server, arn, token(KEY, iss="https://keyless.example.com"))[0] == "IDPCommunicationError"


def test_no_other_call_may_be_unsigned(server):
    for service, call in (("sts", "get_caller_identity"), ("iam", "list_users")):
        assert error_of(getattr(unsigned(server.base, service), call))[0] == "MissingAuthenticationToken"


def test_new_keys_are_found_and_old_ones_stay_when_the_file_breaks(start_server, tmp_path):
    first, second = Rs256("first"), Es256("second")
    keys = key_set(tmp_path / "keys.json", first)
    server = start_server(arguments=["--oidc-keys", f"{ISSUER}={keys}"])
    iam = boto(server.base, "iam", server.root)
    iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["app"])
    arn = role(iam, trust())
    assert assume(server, arn, token(first))
    assert refused(server, arn, token(second))[0] == "InvalidIdentityToken"
    key_set(keys, first, second)

    def comes_in():
        try:
            return assume(server, arn, token(second))
        except unsigned(server.base).exceptions.ClientError:
            return None

    until(comes_in, 30, "the second key to be known")
    keys.write_text("{")
    assert refused(server, arn, token(Rs256("third")))[0] == "InvalidIdentityToken"
    assert assume(server, arn, token(first)) and assume(server, arn, token(second))


def test_keys_that_cannot_be_used_stop_the_start(start_server, tmp_path):
    for given in (f"{ISSUER}=/no/such/file", ISSUER, f"{ISSUER}=https://user:secret@idp.example.com/keys"):
        server = start_server(ready=False, arguments=["--oidc-keys", given])
        assert server.process.wait(30) != 0
        assert "--oidc-keys" in server.output(), server.output()


def test_providers_outlive_a_restart(start_server, tmp_path):
    keys = key_set(tmp_path / "keys.json", KEY)
    settings = {"arguments": ["--oidc-keys", f"{ISSUER}={keys}"]}
    server = start_server(**settings)
    iam = boto(server.base, "iam", server.root)
    iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["app"])
    arn = role(iam, trust(), allow("iam:ListRoles", "*", {"StringEquals": {"aws:FederatedProvider": PROVIDER}}))
    answer = assume(server, arn, token(KEY))
    server.terminate()
    again = start_server(server.data_dir, **settings)
    assert session(again, answer).list_roles()["Roles"]
    assert assume(again, arn, token(KEY))
    assert json.dumps(boto(again.base, "iam", again.root).list_open_id_connect_providers()["OpenIDConnectProviderList"]) == json.dumps([{"Arn": PROVIDER}])
