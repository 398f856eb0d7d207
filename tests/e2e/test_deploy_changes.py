"""`portcullis deploy` of changes: what stays, what goes first, what a failure leaves, and whose things are whose."""

import json
import subprocess
import urllib.request

import pytest
from server import binary, environment, root_variables
from stacks import invoke, listed, plan_of
from test_deploy_templates import ROLE, function
from world import RAN, RUNTIME, error_of

SAM = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: "def handler(event, context):\\n    return 'ran'\\n"
      Handler: index.handler
      Runtime: PYTHON
      AutoPublishAlias: live
      FunctionUrlConfig: {AuthType: NONE}
      Policies:
        - AWSLambdaBasicExecutionRole
        - arn:aws:iam::aws:policy/ReadOnlyAccess
        - LambdaInvokePolicy: {FunctionName: other}
        - Statement: [{Effect: Allow, Action: "logs:*", Resource: "*"}]
      Events:
        Queue: {Type: SQS, Properties: {Queue: "arn:aws:sqs:us-east-1:ACCOUNT:orders"}}
        Timer: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
        Web: {Type: HttpApi, Properties: {Path: /, Method: get}}
Outputs:
  Url: {Value: !GetAtt HelloUrl.FunctionUrl}
  Alias: {Value: !Ref Hello.Alias}
  Role: {Value: !Ref HelloRole}
"""


def one(resource=None, **sections):
    """A role, and a function `F` that has it."""
    outputs = {"F": {"Value": {"Ref": "F"}}}
    return {"Resources": {"Role": ROLE, "F": resource or function()}, "Outputs": outputs, **sections}


def with_more(more, **properties):
    template = one(function(**properties))
    template["Resources"] |= more
    return template


def names(owner, stack):
    functions = listed(owner.root.boto(), "list_functions", "Functions")
    return {one["FunctionName"] for one in functions if one["FunctionName"].startswith(f"{stack.name}-")}


@pytest.mark.usefixtures("warm")
def test_sam_s_events_that_are_not_served_are_named_and_left_out(stack, owner):
    stack.write(SAM.replace("PYTHON", RUNTIME).replace("ACCOUNT", owner.id))
    refused = stack.run("--yes", code=1)
    for line in ("HelloTimer (AWS::Events::Rule)", "ServerlessHttpApi (AWS::ApiGatewayV2::Api)"):
        assert line in refused, refused
    assert not names(owner, stack)
    outputs = stack.outputs("--skip-unserved")
    assert "nothing to change" in stack.deploy("--skip-unserved")
    assert invoke(owner.root, outputs["Alias"]) == "ran"
    host = outputs["Url"].split("/")[2]
    request = urllib.request.Request(stack.server.base, headers={"Host": host})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.read() == b"ran"
    iam = owner.root.boto("iam")
    attached = iam.list_attached_role_policies(RoleName=outputs["Role"])["AttachedPolicies"]
    managed = {"AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole", "ReadOnlyAccess"}
    assert {one["PolicyName"] for one in attached} == managed
    own = iam.list_role_policies(RoleName=outputs["Role"])["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=outputs["Role"], PolicyName=one)["PolicyDocument"] for one in own]
    resources = {one["Statement"][0].get("Action", [])[0]: one["Statement"][0]["Resource"] for one in documents}
    assert resources["lambda:InvokeFunction"] == f"arn:aws:lambda:us-east-1:{owner.id}:function:other*"
    mappings = listed(owner.root.boto(), "list_event_source_mappings", "EventSourceMappings")
    assert [one for one in mappings if outputs["Alias"] == one["FunctionArn"]]


def test_what_failed_leaves_what_was_before_it_and_the_next_deployment_goes_on(stack, owner):
    stack.write(one(function(Runtime="python1.0")))
    refused = stack.run("--yes", code=1)
    assert "the resource F: " in refused and "python1.0" in refused
    assert plan_of(stack.run("--plan")) == {"create": {"F"}}, "the role is there"
    assert stack.run("--yes", code=1).count("python1.0") == refused.count("python1.0")
    stack.write(one())
    stack.deploy()
    assert "nothing to change" in stack.deploy()

    # A change that fails: what comes after it does not happen, and what is gone from the template stays till the end.
    more = {"Other": ROLE, "A": {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "F"}, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}}}
    stack.write(with_more(more))
    stack.deploy()
    stack.write(with_more({}, MemorySize=1))
    refused = stack.run("--yes", code=1)
    assert "the resource F: " in refused and "memorySize" in refused
    assert plan_of(stack.run("--plan")) == {"update": {"F"}, "delete": {"A", "Other"}}
    stack.write(with_more({}, MemorySize=256))
    stack.deploy()
    assert "nothing to change" in stack.deploy()


@pytest.mark.usefixtures("warm")
def test_a_new_name_is_made_before_the_old_one_goes(stack, owner):
    old, new = f"{stack.name}-old", f"{stack.name}-new"
    stack.write(one(function(FunctionName=old)))
    stack.deploy()
    stack.write(one(function(FunctionName=new, Runtime="python1.0")))
    assert plan_of(stack.run("--plan")) == {"replace": {"F"}}
    assert "python1.0" in stack.run("--yes", code=1)
    assert invoke(owner.root, old) == "ran", "the replacement failed, and the old one was gone"
    stack.write(one(function(FunctionName=new)))
    stack.deploy()
    assert (names(owner, stack), invoke(owner.root, new)) == ({new}, "ran")

    # And stays, where the template says so.
    stack.write(one(function(FunctionName=old) | {"UpdateReplacePolicy": "Retain"}))
    stack.deploy()
    assert names(owner, stack) == {new, old}
    owner.root.boto().delete_function(FunctionName=new)


@pytest.mark.usefixtures("warm")
def test_what_is_replaced_serves_until_all_that_is_new_is_there(stack, owner):
    """A function moves with its alias, and what fails behind them costs no call."""

    def template(name, **properties):
        alias = {"FunctionName": {"Ref": "F"}, "FunctionVersion": {"Fn::GetAtt": "V.Version"}, "Name": "live"}
        more = {
            "Role": ROLE | {"Properties": ROLE["Properties"] | {"RoleName": f"{stack.name}-{name}"}},
            "V": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
            "A": {"Type": "AWS::Lambda::Alias", "Properties": alias},
            "G": {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "A"}, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}},
            "Last": function(**properties) | {"DependsOn": "G"},
        }
        return with_more(more, FunctionName=f"{stack.name}-{name}") | {"Outputs": {"A": {"Value": {"Ref": "A"}}}}

    stack.write(template("old"))
    alias = stack.outputs()["A"]
    stack.write(template("new", MemorySize=1))
    assert plan_of(stack.run("--plan"))["replace"] == {"Role", "F", "V", "A", "G"}
    assert "memorySize" in stack.run("--yes", code=1)
    assert invoke(owner.root, alias) == "ran", "the new ones were not all there"
    planned = stack.run("--plan")
    assert f"- F (replaced {stack.name}-old) (AWS::Lambda::Function): delete" in planned
    stack.write(template("new", MemorySize=256))
    assert invoke(owner.root, stack.outputs()["A"]) == "ran"
    assert "nothing to change" in stack.deploy()
    assert f"{stack.name}-old" not in names(owner, stack)
    roles = [one["RoleName"] for one in listed(owner.root.boto("iam"), "list_roles", "Roles")]
    assert [one for one in roles if one.startswith(f"{stack.name}-")] == [f"{stack.name}-new"]


def test_what_has_the_name_of_its_successor_cannot_be_retained(stack):
    stack.write({"Resources": {"Role": ROLE | {"UpdateReplacePolicy": "Retain"}}})
    stack.deploy()
    moved = ROLE["Properties"] | {"Path": "/moved/"}
    stack.write({"Resources": {"Role": ROLE | {"UpdateReplacePolicy": "Retain", "Properties": moved}}})
    assert "the resource Role: what it is to replace has its name" in stack.run("--yes", code=1)


def test_a_resource_that_is_to_stay_stays_also_when_it_was_made_before_that_was_said(stack, owner):
    stack.write(one())
    name = stack.outputs()["F"]
    stack.write(one(function() | {"DeletionPolicy": "Retain"}))
    planned = stack.run("--plan")
    assert plan_of(planned) == {"update": {"F"}} and 'DeletionPolicy: "Delete" → "Retain"' in planned
    stack.deploy()
    assert "nothing to change" in stack.deploy()
    stack.write({"Resources": {"Role": ROLE | {"DeletionPolicy": "Retain"}}})
    assert "keep, no longer of the stack" in stack.deploy()
    assert names(owner, stack) == {name}
    role = owner.root.boto().get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
    owner.root.boto().delete_function(FunctionName=name)
    stack.deploy("--destroy")
    owner.root.boto("iam").delete_role(RoleName=role)


def test_what_is_on_a_function_of_somebody_else_is_not_taken_over(stack, owner):
    theirs, client = owner.versioned(), owner.root.boto()
    url = client.create_function_url_config(FunctionName=theirs, AuthType="AWS_IAM")["FunctionUrl"]
    client.put_function_event_invoke_config(FunctionName=theirs, MaximumRetryAttempts=0)
    alias = {"FunctionName": theirs, "FunctionVersion": "$LATEST", "Name": "prod"}
    for kind, properties in (
        ("Alias", alias),
        ("Url", {"TargetFunctionArn": theirs, "AuthType": "NONE"}),
        ("EventInvokeConfig", {"FunctionName": theirs, "Qualifier": "$LATEST", "MaximumRetryAttempts": 2}),
    ):
        stack.write({"Resources": {"X": {"Type": f"AWS::Lambda::{kind}", "Properties": properties}}})
        refused = stack.run("--yes", code=1)
        assert "the resource X: " in refused and ("409" in refused or "already" in refused), refused
    assert client.get_alias(FunctionName=theirs, Name="prod")["FunctionVersion"] == "1"
    found = client.get_function_url_config(FunctionName=theirs)
    assert (found["FunctionUrl"], found["AuthType"]) == (url, "AWS_IAM")
    assert client.get_function_event_invoke_config(FunctionName=theirs)["MaximumRetryAttempts"] == 0


def test_code_signing_is_changed_in_place(stack, owner):
    client = owner.root.boto()
    profile = f"arn:aws:signer:us-east-1:{owner.id}:/signing-profiles/p/abcdefghij"
    made = [
        client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [profile]})["CodeSigningConfig"]
        for _ in range(2)
    ]
    first, second = (one["CodeSigningConfigArn"] for one in made)
    stack.write(one(function(CodeSigningConfigArn=first)))
    name = stack.outputs()["F"]

    def attached():
        return client.get_function_code_signing_config(FunctionName=name).get("CodeSigningConfigArn")

    assert attached() == first
    for properties, want in (({"CodeSigningConfigArn": second}, second), ({}, None)):
        stack.write(one(function(**properties)))
        assert plan_of(stack.run("--plan")) == {"update": {"F"}}
        stack.deploy()
        assert attached() == want
    for arn in (first, second):
        client.delete_code_signing_config(CodeSigningConfigArn=arn)


def test_of_deployments_at_once_at_most_one_goes_on(stack, owner):
    stack.write(one())
    command = [binary(), "deploy", str(stack.template), "--stack-name", stack.name, "--endpoint-url", stack.server.base, "--yes"]
    variables = environment(**root_variables(owner.root.credentials))
    running = [
        subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    ended = [(*one.communicate(timeout=120), one.returncode) for one in running]
    for out, err, code in ended:
        told = "another deployment of the stack" in err or "already exist" in err
        assert code == 0 or told, (out, err)
    stack.deploy()
    assert "nothing to change" in stack.deploy()
    assert len(names(owner, stack)) == 1

    # A number that another one took and gave back is never given again, and nothing to stop at.
    client, layer = owner.root.boto(), f"portcullis-stack-{stack.name}"
    taken = client.publish_layer_version(LayerName=layer, Content={"ZipFile": RAN})["Version"]
    client.delete_layer_version(LayerName=layer, VersionNumber=taken)
    stack.write(one(function(MemorySize=256)))
    stack.deploy()


@pytest.mark.usefixtures("warm")
def test_workers_are_provisioned_for_an_alias(stack, owner):
    def put(number):
        config = f"ProvisionedConcurrencyConfig: {{ProvisionedConcurrentExecutions: {number}}}" if number else ""
        text = SAM[: SAM.index("      Events:")].replace("FunctionUrlConfig: {AuthType: NONE}", config)
        outputs = "Outputs: {F: {Value: !Ref Hello}}"
        stack.write(text.replace("PYTHON", RUNTIME) + outputs)

    put(1)
    name, client = stack.outputs()["F"], owner.root.boto()

    def found():
        got = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
        return got["RequestedProvisionedConcurrentExecutions"], got["Status"]

    assert found() == (1, "READY") and "nothing to change" in stack.deploy()
    put(2)
    assert plan_of(stack.run("--plan")) == {"update": {"HelloAliaslive"}}
    stack.deploy()
    assert found() == (2, "READY")
    put(None)
    stack.deploy()
    assert error_of(found)[0] == "ProvisionedConcurrencyConfigNotFoundException"


@pytest.mark.parametrize("line", ["create Role …", "create F …", "create Layer …", "create Alias …", "create Grant …"])
def test_a_deployment_that_is_killed_is_gone_on_with(stack, owner, line):
    more = {
        "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": "shared"}, "DependsOn": "F"},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": "F"}, "FunctionVersion": "$LATEST", "Name": "live"},
        },
        "Grant": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {"FunctionName": {"Ref": "Alias"}, "Action": "lambda:InvokeFunction", "Principal": owner.id},
        },
    }
    stack.write(with_more(more))
    command = [binary(), "deploy", str(stack.template), "--stack-name", stack.name, "--endpoint-url", stack.server.base, "--yes"]
    variables = environment(**root_variables(owner.root.credentials))
    with subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as running:
        assert any(told.strip() == line for told in running.stdout)
        running.kill()
    name = stack.outputs()["F"]
    assert "nothing to change" in stack.deploy()
    policy = owner.root.boto().get_policy(FunctionName=name, Qualifier="live")["Policy"]
    assert len(json.loads(policy)["Statement"]) == 1 and names(owner, stack) == {name}
    stack.deploy("--destroy")
    assert not names(owner, stack) and stack.name not in str(listed(owner.root.boto("iam"), "list_roles", "Roles"))


def test_every_attribute_is_what_the_server_says(stack, owner):
    more = {
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": "F"}, "FunctionVersion": {"Fn::GetAtt": "Version.Version"}, "Name": "live"},
        },
        "Url": {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": {"Fn::GetAtt": "F.Arn"}, "AuthType": "AWS_IAM"}},
        "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": "shared", "CompatibleRuntimes": [RUNTIME]}},
    }
    wanted = ["F.Arn", "Role.Arn", "Role.RoleId", "Version.FunctionArn", "Version.Version", "Alias.AliasArn", "Url.FunctionArn", "Url.FunctionUrl", "Layer.LayerVersionArn"]
    outputs = {one.replace(".", ""): {"Value": {"Fn::GetAtt": one}} for one in wanted}
    outputs |= {name: {"Value": {"Ref": name}} for name in ("F", "Role", "Alias", "Url", "Layer", "Version")}
    stack.write(with_more(more) | {"Outputs": outputs})
    told = stack.outputs()
    arn = f"arn:aws:lambda:us-east-1:{owner.id}:function:{told['F']}"
    role = owner.root.boto("iam").get_role(RoleName=told["Role"])["Role"]
    assert (told["FArn"], told["UrlFunctionArn"], told["Url"]) == (arn, arn, arn)
    assert (told["RoleArn"], told["RoleRoleId"]) == (role["Arn"], role["RoleId"])
    assert (told["VersionVersion"], told["VersionFunctionArn"], told["Version"]) == ("1", f"{arn}:1", f"{arn}:1")
    assert (told["AliasAliasArn"], told["Alias"]) == (f"{arn}:live", f"{arn}:live")
    assert told["UrlFunctionUrl"] == owner.root.boto().get_function_url_config(FunctionName=arn)["FunctionUrl"]
    assert told["LayerLayerVersionArn"] == told["Layer"] and told["Layer"].endswith(":1")
