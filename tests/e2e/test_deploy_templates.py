"""`portcullis deploy` of templates that are wrong, hostile or large: refused by name before anything is changed."""

import base64
import json

import pytest
from server import root_variables, run
from stacks import listed, plan_of
from world import RUNTIME, TRUST_LAMBDA, error_of

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST_LAMBDA}}
SAM = "Transform: AWS::Serverless-2016-10-31\n"


def function(role="Role", **properties):
    """A function of a template, whose role is another resource of it."""
    code = {"ZipFile": "import os\ndef handler(event, context):\n    return 'ran'\n"}
    common = {"Runtime": RUNTIME, "Handler": "index.handler", "Role": {"Fn::GetAtt": [role, "Arn"]}, "Code": code}
    return {"Type": "AWS::Lambda::Function", "Properties": common | properties}


def template(resources=None, **sections):
    return {"Resources": {"Role": ROLE} | (resources or {}), **sections}


def role(**members):
    return template({"R": ROLE | members})


def described(value):
    """A role whose description is this expression."""
    return template({"R": {"Type": "AWS::IAM::Role", "Properties": ROLE["Properties"] | {"Description": value}}})


def condition(value):
    return role(Condition="C") | {"Conditions": {"C": value}}


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)

WRONG = [
    # What is no template.
    (b"", "it has no Resources"),
    (b"- a\n", "it has no Resources"),
    (b"Resources: {}\n---\nResources: {}\n", "expected a single document"),
    (b"Resources:\n\tRole: 1\n", "cannot start any token"),
    (b"Resources: {R: \xff}\n", "'utf-8' codec can't decode"),
    (b"Resources: {R: {Type: 'AWS::IAM::Role'}, R: {Type: 'AWS::IAM::Role'}}\n", "'R' is there twice"),
    (b'Resources: !!python/object/apply:os.system ["true"]\n', "could not determine a constructor"),
    (b"Resources: &a {R: *a}\n", "an alias stands for what it is in"),
    (f"{BOMB}Resources: {{R: *a9}}\n", "each alias written out"),
    ("Resources: " + "[" * 3000 + "]" * 3000, "it is nested too deeply"),
    ("Resources: {R: " + "{a: " * 100 + "1" + "}" * 101, "it is nested too deeply"),
    (f"Resources: {{R: '{'x' * 1024 * 1024}'}}\n", "it is larger than 1048576 bytes"),
    ("Resources: {R: 5}\n", "the resource R has no Type"),
    ('{"Resources": {"R": {"Type": "a", "Type": "b"}}}', "'Type' is there twice"),
    ('{"Resources": {"R": {"Type": "AWS::IAM::Role", "Metadata": NaN}}}', "Out of range float"),
    ("Resources: {R: {Type: 'AWS::IAM::Role', Metadata: .inf}}\n", "Out of range float"),
    ("Resources: {R: {Type: 'AWS::IAM::Role', Metadata: !!binary aGk=}}\n", "the translator cannot read it: TypeError"),
    (f"Resources: {{R: {{Type: 'AWS::IAM::Role', Metadata: {'9' * 400}}}}}\n", "what it makes of the template cannot be read"),
    ("Resources: {5: {Type: 'AWS::IAM::Role'}}\n", "the resource 5 needs a name of letters and digits"),
    ("Resources: {a-b: {Type: 'AWS::IAM::Role'}}\n", "the resource 'a-b' needs a name of letters and digits"),
    (f"{SAM}Globals: 5\nResources: {{}}\n", "the Globals of the template are not an object"),
    (f"{SAM}Globals: {{Function: [a]}}\nResources: {{}}\n", "the Function of Globals are not an object"),
    (f"{SAM}Resources: {{F: {{Type: 'AWS::Serverless::Function'}}}}\n", "Only one of 'InlineCode' or 'CodeUri'"),
    (template(Transform=["AWS::LanguageExtensions"]), "AWS::LanguageExtensions"),
    # Sections and members of another form are not taken for absent.
    (template(Parameters=[1]), "its Parameters are not an object"),
    (template(Outputs="x"), "its Outputs are not an object"),
    (template(Rules={}), "Rules is not served"),
    (role(Properties=5), "the Properties of the resource R are not an object"),
    (role(Condition={"Ref": "x"}), "the resource R: its Condition has to be a text"),
    (role(DeletionPolicy={"Ref": "x"}), "the resource R: its DeletionPolicy has to be a text"),
    (role(UpdateReplacePolicy="Snapshot"), "the UpdateReplacePolicy Snapshot is not served"),
    (role(CreationPolicy={}), "CreationPolicy is not served"),
    # What refers to nothing, to itself, or to what a condition keeps out.
    (role(DependsOn="Nowhere"), "the resource R: it depends on Nowhere, which is no resource"),
    (role(DependsOn="R"), "refer to each other, or to some that do: R"),
    (template({"A": role(DependsOn="B")["Resources"]["R"], "B": ROLE | {"DependsOn": ["A"]}}), "some that do: A, B"),
    (described({"Ref": "Nothing"}), "R: there is no parameter or resource Nothing"),
    (described({"Ref": "AWS::Nothing"}), "R: there is no parameter or resource AWS::Nothing"),
    (described({"Fn::GetAtt": ["Role", "Size"]}), "R: Role has no attribute Size that is served; these are: Arn, RoleId"),
    (described({"Fn::Sub": "${Role.Size}"}), "R: Role has no attribute Size"),
    (described({"Fn::Sub": ["${A}", {"B": 1}]}), "R: there is no parameter or resource A"),
    (described({"Fn::Select": [3, ["a", "b"]]}), "Fn::Select: nothing is at 3"),
    (described({"Fn::Split": ["", "a"]}), "R: Fn::Split takes two texts"),
    (described({"Fn::Join": ["", "a"]}), "is not a list"),
    (described({"Fn::If": ["C", 1, 2]}), "R: there is no condition C"),
    (described({"Fn::FindInMap": ["M", "a", "b"]}), "R: Fn::FindInMap: M is not in the mapping"),
    (described({"Fn::ImportValue": "x"}), "R: Fn::ImportValue is not served"),
    (described({"Fn::Rot13": "x"}), "R: there is no function Fn::Rot13"),
    (condition({"Condition": "C"}), "R: the condition C refers to itself"),
    (condition({"Fn::Equals": [{"Ref": "Role"}, ""]}), "R: a condition refers to the resource Role"),
    (condition({"Fn::Equals": ["a"]}), "R: Fn::Equals compares two values"),
    (condition("true"), 'R: "true" is not a condition'),
    (
        condition({"Fn::Equals": ["a", "b"]}) | {"Outputs": {"O": {"Value": {"Ref": "R"}}}},
        "its output O: the resource R is not there: C does not hold",
    ),
    (template(Outputs={"O": {"Value": {"Fn::GetAtt": "Role.Size"}}}), "its output O: Role has no attribute Size"),
    (template(Outputs={"O": {}}), "its output O: it has no Value"),
    # Names, types and parameters.
    (template({"A": function(FunctionName="f"), "B": function(FunctionName="f")}), "B: it has the name that A has"),
    (template({"F": function(Size=1)}), "the resource F: Size is not served"),
    (template({"T": {"Type": "AWS::DynamoDB::Table"}, "L": {"Type": "AWS::Logs::LogGroup"}}), "T (AWS::DynamoDB::Table)"),
    (template({"X": {"Type": "Custom::Thing"}}), "X (Custom::Thing)"),
    (template(Parameters={"P": {"Type": "String"}}), "the parameter P has no value and no default"),
    (template(Parameters={"P": {"Type": "Number", "Default": "x"}}), "the parameter P must be a number"),
]


@pytest.mark.parametrize(("wrong", "want"), WRONG, ids=lambda value: value[:40] if isinstance(value, str) else None)
def test_what_cannot_be_deployed_is_told_and_changes_nothing(stack, owner, wrong, want):
    stack.write(wrong)
    told = stack.run("--yes", code=1)
    assert want in told and "Traceback" not in told, told
    client = owner.root.boto()
    assert error_of(client.get_layer_version, LayerName=f"portcullis-stack-{stack.name}", VersionNumber=1)[0] == (
        "ResourceNotFoundException"
    )
    assert stack.name not in str(listed(owner.root.boto("iam"), "list_roles", "Roles"))


STEERING = "\x1b[31m\x07\x9b\u202e"


@pytest.mark.parametrize(
    "hostile",
    [
        {"Resources": {"R": {"Type": STEERING}}},
        {STEERING: 1, "Resources": {}},
        template(Outputs={STEERING: {"Value": "x"}}),
        template(Outputs={"O": {"Value": STEERING}}),
        template(Parameters={"P": {"Type": "String", "Default": "a", "AllowedValues": [STEERING]}}),
        described({"Ref": STEERING}),
        described(STEERING),
    ],
)
def test_what_a_template_says_cannot_steer_the_terminal(stack, hostile):
    stack.write(hostile)
    arguments = ["deploy", str(stack.template), "--stack-name", stack.name, "--endpoint-url", stack.server.base, "--yes"]
    done = run(*arguments, timeout=100, **root_variables(stack.account.root.credentials))
    told = done.stdout + done.stderr
    assert told and not [c for c in STEERING if c in told and not c.isprintable()], told


def test_a_template_of_a_megabyte_is_planned(stack):
    resources = {f"R{n}": ROLE | {"Metadata": {"text": "x" * 1900}} for n in range(480)}
    stack.write({"Resources": resources})
    assert 1_000_000 < stack.template.stat().st_size <= 1024 * 1024
    assert len(plan_of(stack.run("--plan"))["create"]) == 480


def test_json_may_be_indented_by_tabs(stack):
    stack.write(json.dumps({"Resources": {"R": ROLE}}, indent="\t"))
    assert plan_of(stack.run("--plan")) == {"create": {"R"}}


def test_what_a_condition_keeps_out_need_not_be_served(stack):
    never = {"Conditions": {"Never": {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]}}}
    table = {"Type": "AWS::DynamoDB::Table", "Condition": "Never"}
    chosen = {"Fn::If": ["Never", {"Ref": "Table"}, "none"]}
    resources = {"Table": table, "Q": ROLE | {"Condition": "Never"}, "R": described(chosen)["Resources"]["R"]}
    stack.write({"Resources": resources} | never | {"Outputs": {"R": {"Value": {"Ref": "R"}}}})
    outputs = stack.outputs()
    role = stack.account.root.boto("iam").get_role(RoleName=outputs["R"])["Role"]
    assert role["Description"] == "none"


EXPRESSIONS = {
    "SUB": ({"Fn::Sub": "${Stage}-${!x}-${AWS::Region}-${AWS::StackName}"}, "dev-${x}-us-east-1-{stack}"),
    "SUB_OWN": ({"Fn::Sub": ["${A}/${Stage}", {"A": {"Fn::Join": ["+", ["a", {"Ref": "Size"}]]}}]}, "a+512/dev"),
    "SUB_ATTRIBUTE": ({"Fn::Sub": "${Role.Arn}"}, "arn:aws:iam::{account}:role/{role}"),
    "REFERENCE": ({"Ref": "Role"}, "{role}"),
    "ATTRIBUTE": ({"Fn::GetAtt": ["Role", {"Ref": "Which"}]}, "arn:aws:iam::{account}:role/{role}"),
    "SELECT": ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b,c"]}]}, "b"),
    "JOIN": ({"Fn::Join": [":", {"Ref": "Several"}]}, "x:y"),
    "MAP": ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Text"]}, "small"),
    "IF": ({"Fn::If": ["IsDev", {"Fn::If": ["IsNot", 1, 2]}, 3]}, "2"),
    "BASE64": ({"Fn::Base64": {"Ref": "Stage"}}, base64.b64encode(b"dev").decode()),
    "NUMBER": (5, "5"),
    "BOOLEAN": (True, "true"),
    "CONDITION": ("IsDev", "IsDev"),
    "GONE": ({"Fn::If": ["IsNot", "x", {"Ref": "AWS::NoValue"}]}, None),
}


def test_expressions_come_to_what_they_do_on_cloudformation(stack, owner):
    variables = {name: value for name, (value, _) in EXPRESSIONS.items()}
    stack.write(
        {
            "Parameters": {
                "Stage": {"Type": "String", "Default": "prod", "AllowedValues": ["dev", "prod"]},
                "Size": {"Type": "Number", "Default": 512, "MinValue": 128},
                "Several": {"Type": "CommaDelimitedList", "Default": "x, y"},
                "Which": {"Type": "String", "Default": "Arn"},
            },
            "Mappings": {"Sizes": {"dev": {"Text": "small"}, "prod": {"Text": "large"}}},
            "Conditions": {
                "IsDev": {"Fn::And": [{"Fn::Equals": [{"Ref": "Stage"}, "dev"]}, {"Fn::Not": [{"Condition": "IsNot"}]}]},
                "IsNot": {"Fn::Or": [{"Fn::Equals": [1, 2]}, {"Fn::Equals": ["a", {"Ref": "AWS::Region"}]}]},
            },
            "Resources": {"Role": ROLE, "F": function(MemorySize={"Ref": "Size"}, Environment={"Variables": variables})},
            "Outputs": {"F": {"Value": {"Ref": "F"}}, "Role": {"Value": {"Ref": "Role"}}},
        }
    )
    outputs = stack.outputs("--parameter", "Stage=dev")
    found = owner.root.boto().get_function_configuration(FunctionName=outputs["F"])
    names = {"{role}": outputs["Role"], "{account}": owner.id, "{stack}": stack.name}
    for name, (value, want) in EXPRESSIONS.items():
        for place, text in names.items():
            want = want and want.replace(place, text)
        assert found["Environment"]["Variables"].get(name) == want, (name, value)
    assert found["MemorySize"] == 512


def test_what_is_not_to_be_echoed_is_not_shown(stack):
    secret = {"Type": "String", "NoEcho": True}
    variables = {"Variables": {"PASSWORD": {"Fn::Sub": "p-${Password}"}}}
    resources = {"Role": ROLE, "F": function(Environment=variables)}
    stack.write({"Parameters": {"Password": secret}, "Resources": resources})
    shown = stack.deploy("--parameter", "Password=hunter2")
    shown += stack.run("--plan", "--parameter", "Password=hunter3")
    assert "Environment: " in shown and "hunter" not in shown
