"""`portcullis deploy`: a SAM template is planned, deployed, deployed again, changed and destroyed."""

import json
import os
import pty
import re
import subprocess

import pytest
from server import binary, environment, root_variables
from stacks import invoke, listed, plan_of
from world import RUNTIME, allow, error_of


@pytest.mark.usefixtures("warm")
def test_a_template_is_planned_deployed_changed_and_destroyed(stack, owner, other):
    planned = stack.run("--plan")
    made = plan_of(planned)["create"]
    assert {"Hello", "HelloRole", "HelloAliaslive", "HelloUrl", "Inline", "Grant", "Callers"} <= made
    assert len(made) >= 10 and set(plan_of(planned)) == {"create"}
    refused = stack.run(code=1)
    assert "give --yes" in refused
    assert stack.name not in str(listed(owner.root.boto(), "list_functions", "Functions"))

    # What the plan said comes to be, and works: the layer, the variables, the alias, the grant.
    outputs = stack.outputs()
    name = f"{stack.name}/dev"
    assert invoke(owner.root, outputs["Alias"]) == {"greeting": "hello", "stage": "dev", "name": name}
    assert invoke(owner.root, outputs["Inline"]) == "inline"
    friend = other.user(allow("lambda:InvokeFunction", "*"))
    assert invoke(friend, outputs["Alias"])["stage"] == "dev"
    assert re.fullmatch(r"http://[a-z0-9]+\.lambda-url\..*/", outputs["Url"])
    client = owner.root.boto()
    function = client.get_function(FunctionName=outputs["Function"])
    assert function["Configuration"]["MemorySize"] == 128
    assert function["Tags"]["team"] == "shop" and function["Tags"]["portcullis:stack"] == stack.name
    event_invoke = client.get_function_event_invoke_config(FunctionName=outputs["Function"], Qualifier="live")
    assert event_invoke["MaximumRetryAttempts"] == 1

    # Again: nothing.
    assert "nothing to change" in stack.deploy()
    assert stack.outputs() == outputs
    assert client.get_function(FunctionName=outputs["Function"])["Configuration"]["RevisionId"] == (
        function["Configuration"]["RevisionId"]
    )

    # Another parameter: the size in place, and the condition takes the grant away.
    planned = plan_of(stack.run("--plan", "--parameter", "Stage=prod"))
    assert (planned["update"], planned["delete"]) == ({"Hello"}, {"Grant"})
    assert stack.outputs("--parameter", "Stage=prod") == outputs
    assert client.get_function_configuration(FunctionName=outputs["Function"])["MemorySize"] == 256
    assert error_of(friend.boto().invoke, FunctionName=outputs["Alias"])[0] == "AccessDeniedException"

    # Other code: a new version, which the alias has. Another resource is gone.
    stack.change('"greeting": GREETING', '"greeting": GREETING + "!"', "src/main.py")
    text = stack.template.read_text()
    start, end = text.index("  Callers:"), text.index("Outputs:")
    stack.template.write_text(text[:start] + text[end:])
    planned = plan_of(stack.run("--plan"))
    assert planned["delete"] == {"Callers"} and {"Hello", "HelloAliaslive"} == planned["update"]
    assert stack.outputs()["Url"] == outputs["Url"]
    assert invoke(owner.root, outputs["Alias"])["greeting"] == "hello!"
    assert invoke(friend, outputs["Alias"])["greeting"] == "hello!"
    assert client.get_alias(FunctionName=outputs["Function"], Name="live")["FunctionVersion"] == "2"

    # What somebody else deleted is made again.
    client.delete_alias(FunctionName=outputs["Function"], Name="live")
    assert "HelloAliaslive" in plan_of(stack.run("--plan"))["create"]
    stack.deploy()
    assert invoke(friend, outputs["Alias"])["greeting"] == "hello!"

    stack.deploy("--destroy")
    assert error_of(client.get_function, FunctionName=outputs["Function"])[0] == "ResourceNotFoundException"
    roles = [one["RoleName"] for one in listed(owner.root.boto("iam"), "list_roles", "Roles")]
    assert not [role for role in roles if role.startswith(stack.name)]
    assert "nothing to change" in stack.deploy("--destroy")


def test_a_deployment_that_stopped_goes_on_where_it_was(stack, owner):
    stack.change("MaximumRetryAttempts: 1", "MaximumRetryAttempts: 3")
    refused = stack.run("--yes", code=1)
    assert "HelloEventInvokeConfig" in refused and "400" in refused
    stack.change("MaximumRetryAttempts: 3", "MaximumRetryAttempts: 2")
    planned = plan_of(stack.run("--plan"))
    assert "Hello" not in planned["create"] and "HelloEventInvokeConfig" in planned["create"]
    stack.deploy()
    assert "nothing to change" in stack.deploy()


def test_resources_without_a_record_are_taken_over_by_their_stack_alone(stack, owner):
    outputs = stack.outputs()
    # As if the deployment had been killed before it wrote anything down.
    layer = f"portcullis-stack-{stack.name}"
    client = owner.root.boto()
    for version in client.list_layer_versions(LayerName=layer)["LayerVersions"]:
        client.delete_layer_version(LayerName=layer, VersionNumber=version["Version"])
    assert stack.outputs()["Function"] == outputs["Function"]
    assert "nothing to change" in stack.deploy()


def test_what_is_not_served_is_named_before_anything_is_changed(stack, owner):
    stack.change("Outputs:", "  Bucket: {Type: AWS::S3::Bucket}\nOutputs:")
    stack.change("      Principal: \"", "      SourceArn: !GetAtt Bucket.Arn\n      Principal: \"")
    refused = stack.run("--yes", code=1)
    assert "Bucket (AWS::S3::Bucket)" in refused and "nothing was changed" in refused
    layers = [one["LayerName"] for one in listed(owner.root.boto(), "list_layers", "Layers")]
    assert f"portcullis-stack-{stack.name}" not in layers
    shown = stack.run("--plan", "--skip-unserved")
    assert "skipped Bucket: AWS::S3::Bucket is not served" in shown
    assert "skipped Grant: it refers to what is skipped" in shown
    assert "Hello" in plan_of(shown)["create"] and "Grant" not in plan_of(shown)["create"]


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ("CodeUri: src/", "CodeUri: nowhere/", "nowhere"),
        ("      MemorySize: ", "      MemorySize: 1\n      MemorySize: ", "there twice"),
        ("!Ref Stage, dev", "!Ref Nothing, dev", "no parameter or resource Nothing"),
        ("Principal:", "Prinzipal: x\n      Principal:", "Prinzipal is not served"),
        ("AWS::Serverless-2016-10-31", "AWS::Include", "AWS::Include"),
        ("CodeUri: src/", "CodeUri: src/\n      Events: 5", "Hello"),
    ],
)
def test_a_wrong_template_is_refused_with_the_place(stack, old, new, want):
    stack.change(old, new)
    assert want in stack.run("--plan", code=1)


@pytest.mark.parametrize("answer", ["no", "", "y"])
def test_on_a_terminal_it_asks_and_takes_only_yes(stack, owner, answer):
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [binary(), "deploy", str(stack.template), "--stack-name", stack.name, "--endpoint-url", stack.server.base],
        env=environment(**root_variables(owner.root.credentials)),
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    os.close(ours), os.close(theirs)
    assert (done.returncode, "Do this?" in done.stdout) == (1, True), (done.stdout, done.stderr)
    assert "nothing was changed" in done.stderr
    assert set(plan_of(stack.run("--plan"))) == {"create"}


def plain(changed, name):
    """A CloudFormation template without SAM, in JSON, and what it becomes."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    other = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "logs:*", "Resource": "*"}]}
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    resources = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", **trust},
                "Description": "b" if changed else "a",
                "MaxSessionDuration": 7200 if changed else "3600",
                "ManagedPolicyArns": [] if changed else [basic],
                "Policies": [{"PolicyName": "two" if changed else "one", "PolicyDocument": policy}],
                "Tags": [{"Key": "b" if changed else "a", "Value": 1}],
            },
        },
        "Inline": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": "inline", "Roles": [{"Ref": "Role"}], "PolicyDocument": other if changed else policy},
        },
        "Managed": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"Roles": [{"Ref": "Role"}], "PolicyDocument": other if changed else policy},
        },
        "Layer": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {"LayerName": f"{name}-layer", "Content": "shared", "Description": "b" if changed else "a"},
        },
        "LayerGrant": {
            "Type": "AWS::Lambda::LayerVersionPermission",
            "Properties": {"LayerVersionArn": {"Ref": "Layer"}, "Action": "lambda:GetLayerVersion", "Principal": "111122223333"},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": f"{name}-b" if changed else f"{name}-a",
                "Runtime": RUNTIME,
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": "def handler(event, context):\n    return 'ran'\n"},
                "Layers": [{"Ref": "Layer"}],
                "ReservedConcurrentExecutions": "5",
                "Tags": [{"Key": "team", "Value": "x"}],
                **({} if changed else {"Description": "first", "Timeout": 9}),
            },
        },
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": "Version.Version"},
                "Name": "live",
            },
        },
        "Grant": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {"FunctionName": {"Ref": "Alias"}, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"},
        },
        "Url": {
            "Type": "AWS::Lambda::Url",
            "Properties": {"TargetFunctionArn": {"Ref": "Function"}, "Qualifier": "live", "AuthType": "NONE"},
            "DependsOn": "Alias",
        },
    }
    outputs = {"Alias": {"Value": {"Ref": "Alias"}}, "Role": {"Value": {"Ref": "Role"}}, "Managed": {"Value": {"Ref": "Managed"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


@pytest.mark.usefixtures("warm")
def test_a_plain_template_is_changed_where_it_can_be_and_replaced_where_not(stack, owner):
    client, iam = owner.root.boto(), owner.root.boto("iam")
    stack.template.write_text(plain(False, stack.name))
    outputs = stack.outputs()
    assert "nothing to change" in stack.deploy()
    assert invoke(owner.root, outputs["Alias"]) == "ran"

    stack.template.write_text(plain(True, stack.name))
    planned = plan_of(stack.run("--plan"))
    assert planned["update"] == {"Role", "Inline", "Managed"}
    assert {"Layer", "LayerGrant", "Function", "Version", "Alias", "Grant", "Url"} == planned["replace"]
    changed = stack.outputs()
    assert changed["Role"] == outputs["Role"] and changed["Alias"] != outputs["Alias"]
    assert "nothing to change" in stack.deploy()
    assert invoke(owner.root, changed["Alias"]) == "ran"
    assert [one["FunctionName"] for one in listed(client, "list_functions", "Functions") if stack.name in one["FunctionName"]] == [f"{stack.name}-b"]
    assert len(client.list_layer_versions(LayerName=f"{stack.name}-layer")["LayerVersions"]) == 1
    role = iam.get_role(RoleName=changed["Role"])["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("b", 7200)
    assert {tag["Key"] for tag in role["Tags"]} == {"b", "portcullis:stack"}
    assert set(iam.list_role_policies(RoleName=changed["Role"])["PolicyNames"]) == {"two", "inline"}
    attached = iam.list_attached_role_policies(RoleName=changed["Role"])["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [changed["Managed"]]
    current = iam.get_policy(PolicyArn=changed["Managed"])["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=changed["Managed"], VersionId=current)["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Effect"] == "Deny"

    stack.deploy("--destroy")
    assert error_of(iam.get_role, RoleName=changed["Role"])[0] == "NoSuchEntity"
    assert stack.name not in str(listed(client, "list_functions", "Functions")) + str(listed(client, "list_layers", "Layers"))


def fed(account, size, **more):
    """A function of a template without SAM, fed by a queue and by a stream of an own Kafka."""
    queue = f"arn:aws:sqs:{account.region}:{account.id}:orders"
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    kafka = {
        "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": ["k1.example:9092"]}},
        "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:a"}],
        "StartingPosition": "LATEST",
        "Topics": ["orders"],
    }
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", **trust}}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": RUNTIME,
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": "def handler(event, context):\n    return 'ran'\n"},
            },
        },
        "Queue": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"FunctionName": {"Ref": "Function"}, "EventSourceArn": queue, "BatchSize": size, **more},
        },
        "Kafka": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Fn::GetAtt": "Function.Arn"}, **kafka}},
    }
    outputs = {
        "Function": {"Value": {"Ref": "Function"}},
        "Queue": {"Value": {"Ref": "Queue"}},
        "Arn": {"Value": {"Fn::GetAtt": "Queue.EventSourceMappingArn"}},
        "Kafka": {"Value": {"Fn::GetAtt": "Kafka.Id"}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def test_event_source_mappings_are_deployed_changed_and_destroyed(stack, owner):
    client = owner.root.boto()
    pattern = {"Filters": [{"Pattern": '{"body":{"kind":["order"]}}'}]}
    first = {"FilterCriteria": pattern, "Tags": [{"Key": "team", "Value": "a"}], "Enabled": "false"}
    stack.template.write_text(fed(owner, "5", **first))
    planned = stack.run("--plan")
    assert {"Queue", "Kafka"} <= plan_of(planned)["create"]
    assert planned.count("polls no event sources") == 2, planned
    outputs = stack.outputs()
    shown = client.get_event_source_mapping(UUID=outputs["Queue"])
    assert (shown["BatchSize"], shown["FilterCriteria"], shown["State"]) == (5, pattern, "Disabled")
    assert shown["EventSourceMappingArn"] == outputs["Arn"]
    tags = {"team": "a", "portcullis:stack": stack.name}
    assert client.list_tags(Resource=outputs["Arn"])["Tags"] == tags
    kafka = client.get_event_source_mapping(UUID=outputs["Kafka"])
    assert kafka["SelfManagedEventSource"] == {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k1.example:9092"]}}
    assert "nothing to change" in stack.deploy()

    # In place: another size, no filter and other tags, what is taken away goes back to the usual.
    stack.template.write_text(fed(owner, 7, Tags=[{"Key": "part", "Value": "b"}]))
    assert plan_of(stack.run("--plan")) == {"update": {"Queue"}}
    assert stack.outputs() == outputs
    shown = client.get_event_source_mapping(UUID=outputs["Queue"])
    assert shown["BatchSize"] == 7 and "FilterCriteria" not in shown
    assert client.list_tags(Resource=outputs["Arn"])["Tags"] == {"part": "b", "portcullis:stack": stack.name}
    assert "nothing to change" in stack.deploy()

    # Another source: another mapping in its place.
    stack.template.write_text(fed(owner, 7).replace(":orders", ":returns"))
    assert plan_of(stack.run("--plan")) == {"replace": {"Queue"}}
    changed = stack.outputs()
    assert changed["Queue"] != outputs["Queue"]
    assert error_of(client.get_event_source_mapping, UUID=outputs["Queue"])[0] == "ResourceNotFoundException"

    # What somebody else deleted is made again.
    client.delete_event_source_mapping(UUID=changed["Queue"])
    assert plan_of(stack.run("--plan")) == {"create": {"Queue"}}
    stack.deploy()
    stack.deploy("--destroy")
    mappings = listed(client, "list_event_source_mappings", "EventSourceMappings")
    assert not [one for one in mappings if outputs["Function"] in one["FunctionArn"]]


def test_a_mapping_without_a_record_is_taken_over_by_its_stack_alone(stack, owner):
    client = owner.root.boto()
    stack.template.write_text(fed(owner, 5))
    outputs = stack.outputs()
    # As if the deployment had been killed before it wrote anything down.
    layer = f"portcullis-stack-{stack.name}"
    for version in client.list_layer_versions(LayerName=layer)["LayerVersions"]:
        client.delete_layer_version(LayerName=layer, VersionNumber=version["Version"])
    stack.template.write_text(fed(owner, 6))
    assert stack.outputs() == outputs
    assert client.get_event_source_mapping(UUID=outputs["Queue"])["BatchSize"] == 6
    # One that somebody else made is theirs.
    client.untag_resource(Resource=outputs["Arn"], TagKeys=["portcullis:stack"])
    for version in client.list_layer_versions(LayerName=layer)["LayerVersions"]:
        client.delete_layer_version(LayerName=layer, VersionNumber=version["Version"])
    assert "already exists" in stack.run("--yes", code=1)
    client.delete_event_source_mapping(UUID=outputs["Queue"])
    stack.deploy()
