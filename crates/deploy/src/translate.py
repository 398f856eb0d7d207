"""Translates an AWS SAM template, or takes a CloudFormation template as it is: YAML or JSON in, JSON out.

Run as `python -c THIS TEMPLATE REGION PARAMETERS`, with PARAMETERS a JSON object. The first line printed is
{"Folders": [...]}: what the template names of the disk, relative to it. The line read then has the address
of each, {"FOLDER": "s3://..."}. The last line is {"Template": {...}} or {"Error": "..."}.
"""

import json
import logging
import os
import sys
from pathlib import Path

import yaml

# Where the code of a resource is, by its type: the property, for SAM and for CloudFormation.
CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Lambda::Function": "Code",
    "AWS::Lambda::LayerVersion": "Content",
}
SERVERLESS = "AWS::Serverless-2016-10-31"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, and without repeated keys."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


Loader.add_multi_constructor("!", short_form)
# Dates stay text: a policy's Version is one.
Loader.add_constructor("tag:yaml.org,2002:timestamp", yaml.SafeLoader.construct_yaml_str)


def folders(template):
    """The places of code on the disk: (properties, name of the property, the place)."""
    whole = (template.get("Globals") or {}).get("Function") or {}
    found = [(whole, "CodeUri", whole.get("CodeUri"))]
    for resource in template["Resources"].values():
        name = CODE.get(resource.get("Type"))
        properties = resource.get("Properties") or {}
        found.append((properties, name, properties.get(name)))
    return [one for one in found if isinstance(one[2], str) and not one[2].startswith("s3://")]


def translated(template, parameters, region):
    transform = template.get("Transform")
    if transform is None:
        return template
    if transform not in (SERVERLESS, [SERVERLESS]):
        raise ValueError(f"the transform {transform} is not one that can be had here; {SERVERLESS} is")
    os.environ["AWS_DEFAULT_REGION"] = region
    logging.disable(logging.CRITICAL)
    from samtranslator.internal.managed_policies import get_bundled_managed_policy_map
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform as translate

    class Policies:
        def load(self):
            return get_bundled_managed_policy_map("aws")

    try:
        return translate(template, parameters, Policies())
    except InvalidDocumentException as error:
        causes = [cause.message for cause in error.causes] or [error.message]
        raise ValueError("; ".join(causes)) from error


def main(path, region, parameters):
    template = yaml.load(Path(path).read_text(encoding="utf-8"), Loader)
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise ValueError("the template has no Resources")
    for name, resource in template["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise ValueError(f"the resource {name} has no Type")
    local = folders(template)
    print(json.dumps({"Folders": sorted({place for _, _, place in local})}), flush=True)
    addresses = json.loads(sys.stdin.readline())
    for properties, name, place in local:
        address = addresses[place]
        if name in ("Code", "Content"):
            bucket, key = address.removeprefix("s3://").split("/", 1)
            properties[name] = {"S3Bucket": bucket, "S3Key": key}
        else:
            properties[name] = address
    print(json.dumps({"Template": translated(template, json.loads(parameters), region)}))


try:
    main(*sys.argv[1:])
except (ValueError, OSError, yaml.YAMLError) as error:
    print(json.dumps({"Error": str(error)}))
