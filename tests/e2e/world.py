"""The cast of the tests: accounts, users, roles, sessions, services and functions, made over the wire."""

import functools
import io
import itertools
import json
import sys
import time
import zipfile
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from server import ACCOUNT, REGION, root_variables, run
from wire import Credentials, Wire

# The interpreter that runs these tests is one that the machine has.
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
_numbers = itertools.count(1)

TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def unique(prefix: str) -> str:
    return f"{prefix}-{next(_numbers)}"


def zipped(files: dict | str, mode=0o644) -> bytes:
    """A package: a dictionary of files, all of one mode, or the source of `main.py`."""
    files = {"main.py": files} if isinstance(files, str) else files
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


RAN = zipped("def handler(event, context):\n    return 'ran'\n")


def allow(action, resource, condition=None) -> dict:
    """A statement of an identity policy."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def deny(action, resource, condition=None) -> dict:
    return allow(action, resource, condition) | {"Effect": "Deny"}


def document(*statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(*principals) -> dict:
    """A trust policy for these ARNs."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}],
    }


def boto(base, service, credentials, region=REGION, parameter_validation=True):
    return boto3.client(
        service,
        endpoint_url=base,
        region_name=region,
        aws_access_key_id=credentials.key,
        aws_secret_access_key=credentials.secret,
        aws_session_token=credentials.token,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=120, parameter_validation=parameter_validation),
    )


def error_of(call, *arguments, **parameters) -> tuple[str, str]:
    """Code and message of the error that `call` must end in."""
    try:
        call(*arguments, **parameters)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError(f"{call} was not refused")


@dataclass(frozen=True)
class Caller:
    """Somebody with credentials."""

    base: str
    arn: str
    credentials: Credentials
    region: str = REGION

    @property
    def wire(self) -> Wire:
        return Wire(self.base, self.credentials, self.region)

    def boto(self, service="lambda"):
        return boto(self.base, service, self.credentials, self.region)


@dataclass(frozen=True)
class Member(Caller):
    """A user, a role's session: somebody whose identity policy an account writes."""

    account: "Account" = None
    role: str | None = None

    def permit(self, *statements, name="own"):
        """Writes the identity policy, as the account's administrator."""
        iam = self.account.root.boto("iam")
        if self.role:
            iam.put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=document(*statements))
        else:
            user = self.arn.rsplit("/", 1)[1]
            iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=document(*statements))
        return self


@dataclass(frozen=True)
class Account:
    """An account and its root."""

    id: str
    root: Caller

    @property
    def base(self):
        return self.root.base

    @property
    def region(self):
        return self.root.region

    def arn(self, function, qualifier=None) -> str:
        arn = f"arn:aws:lambda:{self.region}:{self.id}:function:{function}"
        return f"{arn}:{qualifier}" if qualifier else arn

    @functools.cached_property
    def lambda_role(self) -> str:
        """A role that Lambda may assume."""
        return self.role()

    def user(self, *statements, name=None) -> Member:
        """A new user with these statements as its identity policy."""
        name = name or unique("user")
        iam = self.root.boto("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        member = Member(self.base, arn, credentials, self.region, account=self)
        return member.permit(*statements) if statements else member

    def role(self, trust=TRUST_LAMBDA, name=None, path="/") -> str:
        """A new role's ARN."""
        name = name or unique("role")
        iam = self.root.boto("iam")
        created = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
        return created["Role"]["Arn"]

    def session(self, *statements, role_arn=None, by=None, name="session") -> Member:
        """A session of a role whose policy has these statements; the role trusts `by`."""
        by = by or self.user()
        role_arn = role_arn or self.role(trusting(by.arn))
        role = role_arn.rsplit("/", 1)[1]
        answer = by.boto("sts").assume_role(RoleArn=role_arn, RoleSessionName=name)
        member = as_member(self, answer, role)
        return member.permit(*statements) if statements else member

    def function(self, code=RAN, name=None, role=None, wait=True, **parameters) -> str:
        """A new function's name; it is active when this returns."""
        name = name or unique("fn")
        client = self.root.boto()
        package = code if isinstance(code, bytes) else zipped(code)
        settings = {"Runtime": RUNTIME, "Handler": "main.handler", "Timeout": 30} | parameters
        client.create_function(
            FunctionName=name, Role=role or self.lambda_role, Code={"ZipFile": package}, **settings
        )
        if wait:
            wait_active(client, name)
        return name

    def layer(self, files: dict, mode=0o644) -> str:
        """The ARN of a new layer version with these files."""
        content = {"ZipFile": zipped(files, mode)}
        return self.root.boto().publish_layer_version(LayerName=unique("layer"), Content=content)["LayerVersionArn"]

    def versioned(self, **parameters) -> str:
        """A function with version 1 and the alias `prod` to it."""
        name = self.function(**parameters)
        client = self.root.boto()
        assert client.publish_version(FunctionName=name)["Version"] == "1"
        client.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
        return name


def as_member(account, answer, role) -> Member:
    """The session of a role of the account that an answer of `AssumeRole` is about."""
    got = answer["Credentials"]
    credentials = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    arn = answer["AssumedRoleUser"]["Arn"]
    return Member(account.base, arn, credentials, account.region, account=account, role=role)


# The waiters of boto3, at a shorter interval than their own.
def wait_active(client, name):
    client.get_waiter("function_active_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200}
    )


def wait_updated(client, name):
    client.get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200}
    )


def access_key(server, *arguments) -> Credentials:
    """A key made by the command line, as the server's administrator makes it."""
    done = run(
        "access-key", "create", *arguments, "--endpoint-url", server.base, **root_variables(server.root)
    )
    assert done.returncode == 0, done.stderr
    key = json.loads(done.stdout)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


class World:
    """Everybody who can call one server."""

    def __init__(self, server, account=ACCOUNT, region=REGION):
        self.server, self.region = server, region
        root = Caller(server.base, f"arn:aws:iam::{account}:root", server.root, region)
        self.owner = Account(account, root)
        self._accounts = itertools.count(223456789012, 1000)
        self._services = {}

    def account(self) -> Account:
        """A new account with a root of its own."""
        number = f"{next(self._accounts):012d}"
        credentials = access_key(self.server, "--root", "--account-id", number)
        return Account(number, Caller(self.server.base, f"arn:aws:iam::{number}:root", credentials, self.region))

    def service(self, name) -> Caller:
        """The service principal `name`; its caller is named by the bare service name."""
        if name not in self._services:
            self._services[name] = access_key(self.server, "--service", name)
        return Caller(self.server.base, name, self._services[name], self.region)


def timed(call):
    """The value of `call` and the seconds it took."""
    start = time.monotonic()
    return call(), time.monotonic() - start
