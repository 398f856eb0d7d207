"""The story of tests/e2e/test_sdks.py, told by boto3. Input and output as sdks/javascript/story.mjs."""

import base64
import json
import sys

import boto3
from botocore.exceptions import ClientError

told = json.load(sys.stdin)


def client(service, key):
    return boto3.client(service, aws_access_key_id=key["key"], aws_secret_access_key=key["secret"])


def refusal(call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return {"code": answer["Error"]["Code"], "message": answer["Error"]["Message"], "status": status}
    raise AssertionError("was not refused")


owner, friend, iam = client("lambda", told["owner"]), client("lambda", told["friend"]), client("iam", told["owner"])
name = told["name"]
trust = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
arn = owner.create_function(
    FunctionName=name, Role=role, Runtime=told["runtime"], Handler="main.handler",
    Code={"ZipFile": base64.b64decode(told["zip"])},
)["FunctionArn"]  # fmt: skip
waiting = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 120}}
owner.get_waiter("function_active_v2").wait(FunctionName=name, **waiting)
before = refusal(friend.invoke, FunctionName=arn, Payload=b'{"n":1}')
grant = {
    "FunctionName": name,
    "StatementId": "friend",
    "Action": "lambda:InvokeFunction",
    "Principal": told["friendAccount"],
}
statement = json.loads(owner.add_permission(**grant)["Statement"])
again = refusal(owner.add_permission, **grant)
answer = json.loads(friend.invoke(FunctionName=arn, Payload=b'{"n":1}')["Payload"].read())
owner.remove_permission(FunctionName=name, StatementId="friend")
after = refusal(friend.invoke, FunctionName=arn, Payload=b'{"n":1}')
for timeout in (4, 5):
    owner.publish_version(FunctionName=name)
    owner.update_function_configuration(FunctionName=name, Timeout=timeout)
    owner.get_waiter("function_updated_v2").wait(FunctionName=name, **waiting)
pages = owner.get_paginator("list_versions_by_function").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
versions = [[one["Version"] for one in page["Versions"]] for page in pages]
pages = iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2})
roles = sum(one["RoleName"] == name for page in pages for one in page["Roles"])
owner.delete_function(FunctionName=name)
gone = refusal(owner.delete_function, FunctionName=name)
print(
    json.dumps(
        {
            "arn": arn,
            "active": True,
            "before": before,
            "statement": statement,
            "again": again["code"],
            "answer": answer,
            "after": after,
            "versions": versions,
            "roles": roles,
            "gone": gone["code"],
        }
    )
)
