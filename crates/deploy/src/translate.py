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

# CloudFormation's largest template. Each alias counts as what it stands for, a value as one at the least.
TEMPLATE_BYTES_MAX = 1024 * 1024
# Less than whoever reads the result follows.
DEPTH_MAX = 100


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


def read(path):
    """The template, of which every resource has a type, and properties that are an object."""
    with Path(path).open("rb") as file:
        text = file.read(TEMPLATE_BYTES_MAX + 1)
    if len(text) > TEMPLATE_BYTES_MAX:
        raise ValueError(f"it is larger than {TEMPLATE_BYTES_MAX} bytes")
    template = parsed(text.decode("utf-8"))
    if size(template, {}, DEPTH_MAX) > TEMPLATE_BYTES_MAX:
        raise ValueError(f"it is larger than {TEMPLATE_BYTES_MAX} bytes, each alias written out")
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise ValueError("it has no Resources")
    for name, resource in template["Resources"].items():
        if not isinstance(name, str) or not (name.isascii() and name.isalnum()):
            raise ValueError(f"the resource {name!r} needs a name of letters and digits")
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise ValueError(f"the resource {name} has no Type")
        members(resource, "Properties", f"of the resource {name}")
    return template


def parsed(text):
    """YAML; or JSON, which may be indented by tabs, as YAML may not."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, object_pairs_hook=members_once)
        except json.JSONDecodeError:
            pass
    return yaml.load(text, Loader)


def members_once(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def size(value, known, depth):
    """The characters of a value's texts, and its other parts; a value that has itself in it is refused."""
    if not isinstance(value, (dict, list)):
        return max(len(value), 1) if isinstance(value, str) else 1
    if depth == 0:
        raise RecursionError
    found = known.get(id(value), 0)
    if found is None:
        raise ValueError("an alias stands for what it is in")
    if found == 0:
        known[id(value)] = None
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        found = known[id(value)] = 1 + sum(size(part, known, depth - 1) for part in parts)
    return found


def members(value, name, where):
    """A member that is an object, or is not there."""
    found = value.get(name)
    if found is not None and not isinstance(found, dict):
        raise ValueError(f"the {name} {where} are not an object")
    return found or {}


def folders(template):
    """The places of code on the disk: (properties, name of the property, the place)."""
    whole = members(members(template, "Globals", "of the template"), "Function", "of Globals")
    found = [(whole, "CodeUri", whole.get("CodeUri"))]
    for resource in template["Resources"].values():
        name = CODE.get(resource["Type"])
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
        causes = [cause.message for cause in error.causes or [error]]
        raise ValueError("; ".join(causes)) from error


def main(path, region, parameters):
    template = read(path)
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
    return translated(template, json.loads(parameters), region)


# Whatever is wrong is told here: nobody reads the other output before the end.
try:
    result = json.dumps({"Template": main(*sys.argv[1:])}, allow_nan=False)
except RecursionError:
    result = json.dumps({"Error": "it is nested too deeply"})
except (ValueError, OSError, yaml.YAMLError) as error:
    result = json.dumps({"Error": str(error)})
except Exception as error:
    result = json.dumps({"Error": f"the translator cannot read it: {type(error).__name__}: {error}"})
print(result)
