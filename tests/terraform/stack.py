"""Terraform on a copy of the checkout, with the stand-in for Google's provider."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "hydrobid-example"
# What terraform/ reads of the checkout, beside itself.
READ = ("shared/hydrobid/bootstrap/topology.yaml", "shared/hydrobid/schema/markets")
# State lies in a bucket; a copy keeps its own.
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


GOLDEN = Path(__file__).parent / "golden"


def agreed(name: str, lines: list[str]) -> None:
    """Compare with what was agreed; ACCEPT=1 in the environment agrees to what is there."""
    golden, text = GOLDEN / f"{name}.txt", "".join(f"{line}\n" for line in sorted(lines))
    if os.environ.get("ACCEPT") == "1":
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8"), (
        f"{golden.name} says otherwise; ACCEPT=1 agrees to this"
    )


@dataclass(frozen=True)
class Stack:
    """A copy of terraform/. program: terraform, or OpenTofu's. provider: where it finds Google's."""

    folder: Path
    program: str
    provider: dict[str, str]

    def run(self, *arguments: str) -> str:
        """Return what a command of Terraform prints; fail the test where it fails."""
        done = self.tried(*arguments)
        assert done.returncode == 0, f"terraform {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def value_of(self, expression: str, *variables: str) -> Any:
        """Return what an expression comes to, of what can be sent as JSON."""
        asked = f"jsonencode({expression})\n"
        done = self.tried("console", *self.variables, *variables, said=asked)
        assert done.returncode == 0, f"{expression}\n{done.stdout}{done.stderr}"
        # On a slow machine it also tells that it waits for the state's lock.
        told = next(line for line in done.stdout.splitlines() if line.startswith('"'))
        return json.loads(json.loads(told))

    def tried(self, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            **self.provider,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        return subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env=environment,
            input=said,
            capture_output=True,
            text=True,
            check=False,
        )

    def copy(self, folder: Path) -> Stack:
        """Return another that is as far as this one, to change something in."""
        stack = folder / self.folder.name
        shutil.copytree(self.folder.parent, folder, dirs_exist_ok=True)
        return Stack(stack, self.program, self.provider)

    @cached_property
    def variables(self) -> list[str]:
        return [f"-var=project={PROJECT}", "-var=repository=example/hydrobid"]

    def plan(self) -> dict[str, Any]:
        """Return a plan of what is not there yet, in Terraform's JSON form."""
        # The stand-in finds everything as it was left: there is nothing to refresh.
        how = ("-input=false", "-lock=false", "-refresh=false", "-out=plan.bin")
        self.run("plan", *how, *self.variables)
        plan: dict[str, Any] = json.loads(self.run("show", "-json", "plan.bin"))
        return plan

    @cached_property
    def state(self) -> dict[str, Any]:
        """What was there when it was first looked at, in Terraform's JSON form."""
        state: dict[str, Any] = json.loads(self.run("show", "-json"))
        return state


def copied(folder: Path, archives: Path) -> Path:
    """Return the copy of terraform/ in `folder`, with what it reads of the checkout beside it."""
    for name in READ:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    stack = folder / "terraform"
    ignored = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*")
    shutil.copytree(ROOT / "terraform", stack, ignore=ignored)
    shutil.copytree(archives, folder / "dist")
    (stack / "local_override.tf").write_text(LOCAL_STATE, "utf-8")
    return stack
