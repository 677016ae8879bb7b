"""`make deploy`, with every program that it starts in the place of a script."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from deploying import load_deploy
from examples import ROOT

SMOKE = "sintef-example"
EARLIER = {
    "bucket": "archives",
    "archives": {"solver": "functions/solver-1111.zip"},
    "workflows": {"daily_bid.yaml": "main: {}\n"},
}


@pytest.fixture(scope="module")
def deploying() -> ModuleType:
    return load_deploy()


@dataclass
class Programs:
    """Answers what a deployment starts; ends with an error at the steps that fail."""

    deploying: ModuleType
    earlier: dict | None = None
    state: str = "submitted"
    fails: tuple[str, ...] = ()
    steps: list[str] = field(default_factory=list)
    applied: list[dict] = field(default_factory=list)

    def __call__(self, *command: str) -> str:
        step = " ".join(part for part in command[1:] if not part.startswith(("-chdir", "-var=")))
        self.steps.append(step)
        if any(step.startswith(failing) for failing in self.fails):
            raise self.deploying.StepFailed(step)
        for part in command:
            if part.startswith("-var=archives="):
                release = ROOT / "terraform" / part.removeprefix("-var=archives=")
                if "apply" in command:
                    self.applied.append(
                        {
                            **self.deploying.manifest(release),
                            **{f.name: f.read_text() for f in release.glob("workflows/*")},
                        }
                    )
        if step == "output -json release":
            return json.dumps({"region": "europe-north1"})
        if step == "output -json":
            return json.dumps({} if self.earlier is None else {"release": {"value": self.earlier}})
        if command[:3] == ("gcloud", "workflows", "run"):
            return json.dumps({"state": "SUCCEEDED", "result": json.dumps({"state": self.state})})
        return ""

    def before(self, step: str) -> list[str]:
        at = next(i for i, done in enumerate(self.steps) if done.startswith(step))
        return self.steps[:at]


@pytest.fixture
def deployed(deploying: ModuleType, tmp_path: Path):
    (tmp_path / "manifest.json").write_text('{"solver": {"file": "solver-2222.zip"}}')

    def deploy(smoke: str = SMOKE, **given) -> tuple[int, Programs]:
        programs = Programs(deploying, **given)
        deployment = deploying.Deployment(
            "example", "state", smoke=smoke, release=tmp_path, run=programs
        )
        return deployment.deploy(), programs

    return deploy


def test_deploy__the_first_time__plans_applies_and_tries_out(deployed) -> None:
    code, programs = deployed()

    assert code == 0
    trial = programs.before("workflows run")
    assert [step.split()[0] for step in trial] == [
        "-m", "functions/package.py", "init", "output", "plan", "apply", "-m", "output",
    ]  # fmt: skip
    assert f"client apply {SMOKE}" in trial[-2]
    assert "solver-2222.zip" in trial[-2], "other inputs than the last release was tried out with"
    assert "apply -input=false deploy.plan" in trial


@pytest.mark.parametrize("broken", [{"state": "failed"}, {"fails": ("workflows run",)}])
def test_deploy__the_trial_fails__the_archives_and_workflows_before_it_are_applied(
    deployed, broken: dict
) -> None:
    code, programs = deployed(earlier=EARLIER, **broken)

    assert code == 2
    assert programs.applied == [{"solver": "solver-1111.zip", "daily_bid.yaml": "main: {}\n"}]
    assert any(step.startswith("storage cp gs://archives/functions/solver-1111.zip")
               for step in programs.before("plan"))  # fmt: skip


def test_deploy__half_applied__is_taken_back_as_well(deployed) -> None:
    code, programs = deployed(earlier=EARLIER, fails=("apply -input=false deploy.plan",))

    assert code == 2
    assert programs.applied == [{"solver": "solver-1111.zip", "daily_bid.yaml": "main: {}\n"}]


@pytest.mark.parametrize("fails", ["-m hydrobid.cli client validate", "init", "plan"])
def test_deploy__a_fault_before_anything_is_applied__changes_nothing(deployed, fails: str) -> None:
    code, programs = deployed(earlier=EARLIER, fails=(fails,))

    assert code == 1
    assert not [step for step in programs.steps if step.startswith("apply")]


def test_deploy__nothing_to_go_back_to__is_said(deployed, capsys) -> None:
    code, _ = deployed(state="failed")

    assert code == 3
    assert "no earlier release" in capsys.readouterr().out


@pytest.mark.parametrize("client", ["cascade-example", "nobody"])
def test_deploy__a_client_that_would_really_bid__is_not_tried_out_with(deployed, client) -> None:
    code, programs = deployed(smoke=client)

    assert (code, programs.steps) == (1, [])


def test_delivery__takes_make_targets_that_there_are_and_no_secret() -> None:
    text = (ROOT / ".github" / "workflows" / "deliver.yaml").read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]

    assert [command.split()[1] for command in commands] == ["check", "test", "checkov", "deploy"]
    for command in commands:
        target, *said = command.split()[1:]
        assert f"\n{target}: setup\n" in makefile
        assert all(f"$({word.partition('=')[0]})" in makefile for word in said)
    assert "secrets." not in text
    used = [line for line in text.splitlines() if " uses: " in line]
    assert used
    for line in used:
        assert re.fullmatch(r" +- uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    assert jobs["deploy"]["needs"] == "test"
    assert jobs["deploy"]["permissions"]["id-token"] == "write"
