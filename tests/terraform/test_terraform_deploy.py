"""`make deploy` on what was applied: what another code changes, and how it is taken back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from deploying import load_deploy
from terraform.resources import changes_of
from terraform.stack import PROJECT, Stack
from terraform.test_terraform import CLIENTS

pytestmark = [pytest.mark.xdist_group("terraform")]

CLIENT = 'module.client["sintef-example"]'


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_deploy()
    monkeypatch.setattr(module, "say", lambda _: None)
    return module


class Machine:
    """Terraform as it is; a bucket and the trial are played, and packaging changes the solver."""

    def __init__(self, deploy: ModuleType, stack: Stack) -> None:
        self.deploy, self.stack = deploy, stack
        self.release = stack.folder.parent / "dist"
        self.bucket = shutil.copytree(self.release, stack.folder.parent / "bucket")
        self.changed: dict[str, list[str]] = {}
        self.tried: list[str] = []

    def __call__(self, *command: str) -> str:
        if command[0] == "terraform":
            return self._terraform([*command[2:]])
        if command[1] == "functions/package.py":
            self._package()
        if command[:3] == ("gcloud", "storage", "cp"):
            shutil.copy(self.bucket / Path(command[3]).name, command[4])
        if command[:3] == ("gcloud", "workflows", "run"):
            self.tried.append(self.in_use()[0])
            return json.dumps({"state": "FAILED"})
        return ""

    def in_use(self) -> tuple[str, str]:
        """Return the solver's archive and the last line of the daily bid, as they are applied."""
        state = json.loads((self.stack.folder / "terraform.tfstate").read_text("utf-8"))
        applied = {
            (resource.get("module"), resource["type"], instance.get("index_key")): instance
            for resource in state["resources"]
            for instance in resource["instances"]
        }
        solver = applied[CLIENT, "google_cloudfunctions2_function", "solver"]["attributes"]
        (source,) = solver["build_config"][0]["source"][0]["storage_source"]
        daily_bid = applied[CLIENT, "google_workflows_workflow", "daily-bid"]["attributes"]
        return source["object"], daily_bid["source_contents"].splitlines()[-1]

    def _package(self) -> None:
        manifest = json.loads((self.release / "manifest.json").read_text("utf-8"))
        manifest["solver"]["file"] = "solver-0123456789abcdef.zip"
        (self.release / "solver-0123456789abcdef.zip").write_bytes(b"another content")
        (self.release / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        with (self.release / "workflows" / "daily_bid.yaml").open("a", encoding="utf-8") as source:
            source.write("# another workflow\n")

    def _terraform(self, arguments: list[str]) -> str:
        if arguments[0] == "init":  # the state's bucket is a file here
            arguments = [one for one in arguments if not one.startswith(("-backend", "-reconf"))]
        if arguments[-1] == "deploy.plan":
            plan = json.loads(self.stack.run("show", "-json", "deploy.plan"))
            self.changed = changes_of(plan)
        return self.stack.run(*arguments)


def test_deploy__changes_what_the_code_changed__and_a_failed_trial_brings_back_what_was_in_use(
    applied: Stack, deploy: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = applied.copy(tmp_path)
    (stack.folder / "terraform.auto.tfvars").write_text('repository = "example/hydrobid"\n')
    monkeypatch.setattr(deploy, "TERRAFORM", stack.folder)
    machine = Machine(deploy, stack)
    before = machine.in_use()

    ended = deploy.Deployment(
        PROJECT, "state", smoke="sintef-example",
        release=machine.release, run=machine,
    ).deploy()  # fmt: skip

    assert set(machine.changed) == {
        'module.platform.google_storage_bucket_object.archive["solver"]',
        *(f'module.client["{c}"].google_cloudfunctions2_function.this["solver"]' for c in CLIENTS),
        *(f'module.client["{c}"].google_workflows_workflow.this["daily-bid"]' for c in CLIENTS),
    }
    assert machine.tried == ["functions/solver-0123456789abcdef.zip"]
    assert ended == deploy.ROLLED_BACK
    assert machine.in_use() == before
