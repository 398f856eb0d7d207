"""Terraform with the AWS provider, unchanged but for its endpoint: apply, an empty second plan, a change,
an empty plan again, and a destruction that leaves nothing.

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
        for source in (CONFIGURATIONS / "provider.tf", *(CONFIGURATIONS / configuration).glob("*")):
            shutil.copy(source, folder)
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

    def destroy(self, **variables):
        self.run("destroy", "-auto-approve", *self.given(variables))

    @staticmethod
    def given(variables):
        return [f"-var={name}={json.dumps(value)}" for name, value in variables.items()]


def numbers(account):
    """How much the account has of what configurations make."""
    summary = account.root.boto("iam").get_account_summary()["SummaryMap"]
    return {what: summary[what] for what in ("Users", "Groups", "Roles", "Policies")}


@needs_terraform
@pytest.mark.parametrize("configuration", ["users", "policies", "roles", "account"])
def test_a_configuration_is_applied_settled_changed_and_destroyed(world, tmp_path, configuration):
    account = world.account()
    terraform, empty = Terraform(account, configuration, tmp_path), numbers(account)
    terraform.apply()
    assert terraform.is_settled() and numbers(account) != empty
    terraform.apply(changed=True)
    assert terraform.is_settled(changed=True)
    terraform.destroy(changed=True)
    assert numbers(account) == empty
    assert account.root.boto("iam").list_account_aliases()["AccountAliases"] == []
