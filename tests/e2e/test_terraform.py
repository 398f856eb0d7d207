"""Terraform with the AWS provider, unchanged but for its endpoint: apply, an empty second plan, a change,
an empty plan again, a state that is imported and again has nothing to change, and a destruction that
leaves nothing.

Needs the program `terraform` and the provider's plugin in a local mirror, since nothing is fetched: in
the folder that TF_PLUGIN_DIR names, in one that Terraform itself looks in, or in one below /opt.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from server import environment
from world import RUNTIME, zipped

CONFIGURATIONS = Path(__file__).parent / "terraform"
PROVIDER = "registry.terraform.io/hashicorp/aws"


def mirrors():
    named = os.environ.get("TF_PLUGIN_DIR")
    own = Path.home() / ".terraform.d/plugins"
    system = [Path("/usr/local/share/terraform/plugins"), Path("/usr/share/terraform/plugins")]
    return [*([Path(named)] if named else []), own, *system, *Path("/opt").glob("*")]


def mirror():
    return next((folder for folder in mirrors() if (folder / PROVIDER).is_dir()), None)


needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None or mirror() is None,
    reason="skipped: needs terraform and a local mirror of the AWS provider (TF_PLUGIN_DIR)",
)


class Terraform:
    """One configuration in a folder of its own, applied as the root of an account."""

    def __init__(self, account, configuration, folder):
        self.folder, self.account = folder, account
        folder.mkdir(exist_ok=True)
        for source in (CONFIGURATIONS / "provider.tf", *(CONFIGURATIONS / configuration).glob("*")):
            shutil.copy(source, folder)
        for name, answer in (("code.zip", "first"), ("changed.zip", "second")):
            package = zipped(f"def handler(event, context):\n    return {answer!r}\n")
            (folder / name).write_bytes(package)
        self.run("init", f"-plugin-dir={mirror()}")

    def run(self, *arguments, codes=(0,)):
        credentials = self.account.root.credentials
        done = subprocess.run(
            ["terraform", f"-chdir={self.folder}", *arguments, "-no-color"],
            env=environment(
                AWS_ENDPOINT_URL=self.account.base,
                AWS_REGION=self.account.region,
                AWS_ACCESS_KEY_ID=credentials.key,
                AWS_SECRET_ACCESS_KEY=credentials.secret,
                AWS_MAX_ATTEMPTS="1",
                CHECKPOINT_DISABLE="1",
                TF_CLI_CONFIG_FILE=os.devnull,
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in codes, done.stdout + done.stderr
        return done

    def apply(self, **variables):
        self.run("apply", "-auto-approve", *self.given(variables))

    def is_settled(self, **variables):
        """Whether a plan finds nothing to do; what it would do, if not."""
        done = self.run("plan", "-detailed-exitcode", *self.given(variables), codes=(0, 2))
        assert done.returncode == 0, done.stdout
        return True

    def planned(self, **variables):
        """What a plan would change, by address: of each argument its value and the wished one."""
        self.run("plan", f"-out={self.folder / 'plan'}", *self.given(variables))
        shown = json.loads(self.run("show", "-json", str(self.folder / "plan")).stdout)
        changes = {one["address"]: one["change"] for one in shown["resource_changes"] if one["change"]["actions"] == ["update"]}
        return {
            address: {name: (value, one["after"].get(name)) for name, value in one["before"].items() if value != one["after"].get(name)}
            for address, one in changes.items()
        }

    def destroy(self, **variables):
        self.run("destroy", "-auto-approve", *self.given(variables))

    def outputs(self):
        shown = json.loads(self.run("output", "-json").stdout)
        return {name: output["value"] for name, output in shown.items()}

    def forget_and_import(self, resources):
        """Begins a new state, to which the next plan brings what there is: ids by address."""
        (self.folder / "terraform.tfstate").unlink()
        blocks = (f'import {{\n  to = {address}\n  id = "{name}"\n}}\n' for address, name in resources.items())
        (self.folder / "imports.tf").write_text("".join(blocks))

    def check_imported(self, resources, made=frozenset(), remade=frozenset(), **variables):
        """A new state has all of it by import, and nothing to do then. Gives what was planned, by address.

        Neither a package's file nor how a name was given can be read back: those alone are written, and
        what cannot be changed in them, `remade`, is made anew. `made` cannot be imported.
        """
        self.forget_and_import(resources)
        plan = self.run("plan", "-json", *self.given(variables)).stdout
        changes = [json.loads(line) for line in plan.splitlines() if '"planned_change"' in line]
        touched = {one["change"]["resource"]["addr"]: one["change"] for one in changes}
        touched = {address: change for address, change in touched.items() if not address.startswith("data.")}
        assert {address for address in touched if "importing" in touched[address]} == set(resources), touched
        assert set(touched) - set(resources) == set(made), touched
        kept = {address: touched[address]["action"] for address in set(resources) - set(remade)}
        assert set(kept.values()) <= {"import", "update"}, kept
        self.apply(**variables)
        assert self.is_settled(**variables)
        return touched

    @staticmethod
    def given(variables):
        # Texts go without quotes.
        text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in variables.items()}
        return [f"-var={name}={value}" for name, value in text.items()]


def numbers(account):
    """How much the account has of what configurations make."""
    summary = account.root.boto("iam").get_account_summary()["SummaryMap"]
    return {what: summary[what] for what in ("Users", "Groups", "Roles", "Policies")}


def importable(account, configuration):
    """What of a configuration can be imported, ids by address, and what cannot."""
    iam, aws = f"arn:aws:iam::{account.id}", "arn:aws:iam::aws:policy"
    policies = {
        "aws_iam_policy.functions": f"{iam}:policy/team/functions",
        "aws_iam_user.alice": "alice",
        "aws_iam_group.staff": "staff",
        "aws_iam_role.deploy": "deploy",
    }
    roles = {
        "aws_iam_policy.cap": f"{iam}:policy/cap",
        "aws_iam_role.deploy": "deploy",
        "aws_iam_role.bounded": "bounded",
        "aws_iam_role_policy.own": "deploy:own",
        "aws_iam_role_policy_attachment.execution": f"deploy/{aws}/service-role/AWSLambdaBasicExecutionRole",
        "aws_iam_role_policy_attachments_exclusive.bounded": "bounded",
        "aws_iam_service_linked_role.scaling": f"{iam}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
    }
    return {"policies": (policies, {"aws_iam_policy_attachment.everybody"}), "roles": (roles, set())}[configuration]


@needs_terraform
@pytest.mark.parametrize("configuration", ["users", "policies", "roles", "account"])
def test_a_configuration_is_applied_settled_changed_and_destroyed(world, tmp_path, configuration):
    account = world.account()
    terraform, empty = Terraform(account, configuration, tmp_path), numbers(account)
    terraform.apply()
    assert terraform.is_settled() and numbers(account) != empty
    terraform.apply(changed=True)
    assert terraform.is_settled(changed=True)
    if configuration in ("policies", "roles"):
        terraform.check_imported(*importable(account, configuration), changed=True)
    terraform.destroy(changed=True)
    assert numbers(account) == empty
    assert account.root.boto("iam").list_account_aliases()["AccountAliases"] == []


@needs_terraform
@pytest.mark.usefixtures("warm")
def test_functions_are_applied_settled_changed_and_destroyed(world, tmp_path):
    account = world.account()
    client = account.root.boto()
    terraform = Terraform(account, "functions", tmp_path / "functions")
    terraform.apply(runtime=RUNTIME)
    assert terraform.is_settled(runtime=RUNTIME)
    first = {"result": '"first"', "names": ["plain", "rich"], "memory": 128, "live": "1", "layer": True}
    assert terraform.outputs() == first
    terraform.apply(runtime=RUNTIME, changed=True)
    assert terraform.is_settled(runtime=RUNTIME, changed=True)
    assert terraform.outputs() == first | {"memory": 256, "live": "2"}
    assert client.get_alias(FunctionName="rich", Name="live")["RoutingConfig"] == {"AdditionalVersionWeights": {"1": 0.25}}
    shared = client.list_layer_versions(LayerName="shared")["LayerVersions"][0]["LayerVersionArn"]
    imported = {
        "aws_iam_role.own": "functions",
        "aws_iam_role_policy.destinations": "functions:destinations",
        "aws_lambda_function.plain": "plain",
        "aws_lambda_function.rich": "rich",
        "aws_lambda_layer_version.shared": shared,
        "aws_lambda_layer_version_permission.account": ",".join(shared.rsplit(":", 1)),
        "aws_lambda_alias.live": "rich/live",
        "aws_lambda_function_event_invoke_config.live": "rich:live",
        "aws_lambda_function_recursion_config.rich": "rich",
        "aws_lambda_runtime_management_config.rich": "rich,$LATEST",
    }
    # A layer version's file cannot be changed, and a call that was made cannot be imported.
    remade = {"aws_lambda_layer_version.shared", "aws_lambda_layer_version_permission.account"}
    made = {"aws_lambda_invocation.once"}
    terraform.check_imported(imported, made, remade, runtime=RUNTIME, changed=True)
    terraform.destroy(runtime=RUNTIME, changed=True)
    assert (client.list_functions()["Functions"], client.list_layers()["Layers"]) == ([], [])


@needs_terraform
@pytest.mark.usefixtures("warm")
def test_grants_are_applied_settled_changed_imported_and_destroyed(world, tmp_path):
    account = world.account()
    client = account.root.boto()
    terraform = Terraform(account, "grants", tmp_path / "grants")
    terraform.apply(runtime=RUNTIME)
    assert terraform.is_settled(runtime=RUNTIME) and terraform.outputs() == {"same": True}
    terraform.apply(runtime=RUNTIME, changed=True)
    assert terraform.is_settled(runtime=RUNTIME, changed=True)
    statements = json.loads(client.get_policy(FunctionName="shop", Qualifier="live")["Policy"])["Statement"]
    rule = next(one["Sid"] for one in statements if one["Sid"].startswith("rule-"))
    imported = {
        "aws_iam_role.own": "grants",
        "aws_lambda_function.shop": "shop",
        "aws_lambda_alias.live": "shop/live",
        "aws_lambda_permission.bucket": "shop/bucket",
        "aws_lambda_permission.account": "shop/account",
        "aws_lambda_permission.organization": "shop/organization",
        "aws_lambda_permission.alexa": "shop/alexa",
        "aws_lambda_permission.rule": f"shop:live/{rule}",
        "aws_lambda_permission.url": "shop/url",
        "aws_lambda_function_url.own": "shop",
        "aws_lambda_function_url.live": "shop/live",
    }
    touched = terraform.check_imported(imported, runtime=RUNTIME, changed=True)
    assert touched["aws_lambda_permission.bucket"]["action"] == "import", touched
    terraform.destroy(runtime=RUNTIME, changed=True)
    assert client.list_functions()["Functions"] == []


@needs_terraform
@pytest.mark.usefixtures("warm")
def test_what_calls_a_function_is_applied_settled_changed_imported_and_destroyed(world, tmp_path):
    account = world.account()
    client = account.root.boto()

    def provisioned():
        listed = client.list_provisioned_concurrency_configs(FunctionName="orders")["ProvisionedConcurrencyConfigs"]
        return {
            one["FunctionArn"].rsplit(":", 1)[1]: (one["RequestedProvisionedConcurrentExecutions"], one["Status"])
            for one in listed
        }

    terraform = Terraform(account, "traffic", tmp_path / "traffic")
    terraform.apply(runtime=RUNTIME)
    assert terraform.is_settled(runtime=RUNTIME)
    first = terraform.outputs()
    assert (first["result"], first["version"], first["signing"]) == ('"first"', "1", "Who signs")
    assert provisioned() == {"live": (1, "READY")}
    terraform.apply(runtime=RUNTIME, changed=True)
    assert terraform.is_settled(runtime=RUNTIME, changed=True)
    assert terraform.outputs() == first | {"signing": "Another"}, "changed in place"
    assert provisioned() == {"live": (2, "READY"), "2": (1, "READY")}
    mapping = client.get_event_source_mapping(UUID=first["queue"])
    assert (mapping["BatchSize"], mapping["State"]) == (5, "Disabled")
    # A mapping that should be polled is made, says that it is not, and no plan hides it.
    wished = {"runtime": RUNTIME, "changed": True, "polled": True}
    terraform.apply(**wished)
    assert client.get_event_source_mapping(UUID=first["queue"])["StateTransitionReason"].startswith("Portcullis polls no")
    assert terraform.planned(**wished) == {"aws_lambda_event_source_mapping.queue": {"enabled": (False, True)}}
    terraform.apply(runtime=RUNTIME, changed=True)
    imported = {
        "aws_iam_role.own": "traffic",
        "aws_lambda_code_signing_config.own": first["signing_arn"],
        "aws_lambda_function.orders": "orders",
        "aws_lambda_alias.live": "orders/live",
        "aws_lambda_provisioned_concurrency_config.live": "orders,live",
        "aws_lambda_provisioned_concurrency_config.newest[0]": "orders,2",
        "aws_lambda_event_source_mapping.queue": first["queue"],
        "aws_lambda_event_source_mapping.stream": first["stream"],
    }
    terraform.check_imported(imported, runtime=RUNTIME, changed=True)
    terraform.destroy(runtime=RUNTIME, changed=True)
    assert client.list_functions()["Functions"] == []
    assert client.list_event_source_mappings()["EventSourceMappings"] == []
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []
