"""`make deploy`: a release planned, applied and tried out; where the trial fails, the one before it.

    python terraform/deploy.py --project PROJECT --state BUCKET [--shard NAME] [--smoke CLIENT]
    python terraform/deploy.py --project PROJECT --dry-run [--plan FILE]

The trial is a daily bid of the client that --smoke names, whose file says `rehearsal: true`: every
function and both workflows work, and no exchange hears of it. A dry run ends with the plan of an
empty project, made without Google by the stand-in for its provider, and tells what would follow;
FILE gets that plan as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TERRAFORM = ROOT / "terraform"
# What terraform/ reads of the checkout beside itself.
LIBRARY = ROOT / "shared" / "hydrobid"
FAILED, ROLLED_BACK, LOST = 1, 2, 3

Run = Callable[..., str]


class StepFailed(Exception):
    """A program that a deployment needs ended with an error."""


@dataclass(frozen=True)
class Deployment:
    """One project. run: starts a program and returns its output."""

    project: str
    state: str
    shard: str = "main"
    smoke: str | None = None
    release: Path = ROOT / "dist"
    run: Run = field(default_factory=lambda: run_program)

    def deploy(self) -> int:
        """Return 0 where the release is in use, 1 where nothing was changed, 2 where it was taken back
        and 3 where that failed as well.
        """
        try:
            self._check_trial()
            self._hydrobid("client", "validate")
            self.run(sys.executable, "functions/package.py", "--out", str(self.release))
            self._terraform("init", "-input=false", "-reconfigure", *self._backend())
            with tempfile.TemporaryDirectory() as folder:
                before = self._kept(Path(folder))
                planned = ("plan", "-input=false", "-out=deploy.plan")
                say(self._terraform(*planned, *self._variables()))
                return self._use(before)
        except StepFailed as failure:
            say(f"nothing was changed: {failure}")
            return FAILED

    def _use(self, before: Path | None) -> int:
        """Apply the plan and try it out; go back where that fails."""
        try:
            self._terraform("apply", "-input=false", "deploy.plan")
            if self.smoke is not None:
                self._try_out(self.smoke)
        except StepFailed as failure:
            return self._go_back(before, failure)
        say("deployed")
        return 0

    def _check_trial(self) -> None:
        """Refuse to try out with a client that has an exchange."""
        if self.smoke is not None and said_of(self.smoke).get("rehearsal") is not True:
            raise StepFailed(
                f"{self.smoke} cannot be tried out with: no file says `rehearsal: true`"
            )

    def _try_out(self, client: str) -> None:
        """Bid a day without an exchange. What is said of the client makes its inputs new ones."""
        note = f"tried out: {', '.join(sorted(manifest(self.release).values()))}"
        self._hydrobid("client", "apply", client, "--project", self.project, "--description", note)
        region = said_of(client).get("region") or self._region()
        told = self.run(
            "gcloud", "workflows", "run", f"{client}-daily-bid", f"--project={self.project}",
            f"--location={region}", f"--data={json.dumps({'client': client})}", "--format=json",
        )  # fmt: skip
        execution = json.loads(told)
        result = json.loads(execution.get("result") or "{}")
        if execution["state"] != "SUCCEEDED" or result.get("state") != "submitted":
            raise StepFailed(f"the trial of {client}: {execution['state']}, {result}")

    def _region(self) -> str:
        region: str = json.loads(self._terraform("output", "-json", "release"))["region"]
        return region

    def _kept(self, folder: Path) -> Path | None:
        """Return a folder with the release that is in use, None where there is none."""
        outputs: dict[str, Any] = json.loads(self._terraform("output", "-json"))
        if "release" not in outputs:
            return None
        release = outputs["release"]["value"]
        named = {}
        for name, item in release["archives"].items():
            file = Path(item).name
            self.run(
                "gcloud", "storage", "cp", f"gs://{release['bucket']}/{item}", str(folder / file)
            )
            named[name] = {"file": file}
        (folder / "manifest.json").write_text(json.dumps(named), "utf-8")
        (folder / "workflows").mkdir()
        for source, text in release["workflows"].items():
            (folder / "workflows" / source).write_text(text, "utf-8")
        return folder

    def _go_back(self, before: Path | None, failure: StepFailed) -> int:
        say(f"going back: {failure}")
        if before is None:
            say("there is no earlier release to go back to")
            return LOST
        # In the place of the new one: what Terraform sees changed is content, and no path.
        shutil.rmtree(self.release)
        shutil.copytree(before, self.release)
        try:
            self._terraform("apply", "-input=false", "-auto-approve", *self._variables())
        except StepFailed as second:
            say(f"the earlier release could not be applied either: {second}")
            return LOST
        say(f"back at {', '.join(sorted(manifest(self.release).values()))}")
        return ROLLED_BACK

    def _backend(self) -> tuple[str, str]:
        return (
            f"-backend-config=bucket={self.state}",
            f"-backend-config=prefix=hydrobid/{self.shard}",
        )

    def _variables(self) -> tuple[str, ...]:
        # Relative: the same from whichever checkout, so that no other path looks like a change.
        release = os.path.relpath(self.release, TERRAFORM)
        return variables(self.project, self.shard, release)

    def _terraform(self, *arguments: str) -> str:
        return self.run("terraform", f"-chdir={TERRAFORM}", *arguments)

    def _hydrobid(self, *arguments: str) -> None:
        self.run(sys.executable, "-m", "hydrobid.cli", *arguments)


def variables(project: str, shard: str, release: str) -> tuple[str, ...]:
    """Return what every command of Terraform is told, beside what terraform.tfvars says."""
    said = {"project": project, "shard": shard, "archives": release}
    return tuple(f"-var={name}={value}" for name, value in said.items())


def said_of(client: str) -> dict[str, Any]:
    """Return what a client's file says, nothing where there is none."""
    file = TERRAFORM / "clients" / f"{client}.yaml"
    said: dict[str, Any] = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else {}
    return said


def manifest(release: Path) -> dict[str, str]:
    """Return each function's archive in a release."""
    entries = json.loads((release / "manifest.json").read_text("utf-8"))
    return {name: entry["file"] for name, entry in entries.items()}


def dry_run(project: str, shard: str, release: Path, plan: Path | None) -> int:
    """Plan a release for an empty project without Google, and tell what would follow.

    plan: a file that gets the plan as JSON.
    """
    run_program(sys.executable, "-m", "hydrobid.cli", "client", "validate")
    run_program(sys.executable, "functions/package.py", "--no-imports", "--out", str(release))
    with _stand_in() as provider, tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "terraform")
        kept = shutil.ignore_patterns(".terraform*", "*.tfstate*")
        shutil.copytree(TERRAFORM, copy, ignore=kept)
        for name in ("bootstrap/topology.yaml", "schema/markets"):
            target = Path(folder, "shared", "hydrobid", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (LIBRARY / name).is_dir() else shutil.copy)(LIBRARY / name, target)
        (copy / "local_override.tf").write_text('terraform {\n  backend "local" {}\n}\n', "utf-8")
        chdir = f"-chdir={copy}"
        run_program("terraform", chdir, "init", "-input=false", env=provider)
        told = run_program(
            "terraform", chdir, "plan", "-input=false", "-no-color", "-out=dry-run.plan",
            *variables(project, shard, str(release.absolute())), env=provider,
        )  # fmt: skip
        if plan is not None:
            shown = run_program("terraform", chdir, "show", "-json", "dry-run.plan", env=provider)
            plan.parent.mkdir(parents=True, exist_ok=True)
            plan.write_text(shown, "utf-8")
    say(next(line for line in told.splitlines() if line.startswith("Plan: ")))
    say("not done in a dry run: apply in the project, the trial, and going back where it fails")
    return 0


@contextmanager
def _stand_in() -> Iterator[dict[str, str]]:
    """Run the stand-in for Google's provider; yield what tells Terraform of it."""
    home = ROOT / ".hydrobid" / "terraform"
    run_program(sys.executable, "-m", "emulators.terraform.mirror", str(home))
    command = [str(home / "venv" / "bin" / "python"), "-m", "emulators.terraform"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield {"TF_REATTACH_PROVIDERS": line.strip()}
        finally:
            process.terminate()


def run_program(*command: str, env: dict[str, str] | None = None) -> str:
    """Run a program from the checkout; return what it prints; raise StepFailed where it fails."""
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {}), "TF_IN_AUTOMATION": "1"},
            check=False,
            text=True,
            stdout=subprocess.PIPE,
        )
    except FileNotFoundError as missing:
        raise StepFailed(f"{command[0]} is not installed") from missing
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(command[:4])} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def say(line: str) -> None:
    """Tell whoever deploys."""
    print(line, flush=True)  # noqa: T201


def main(arguments: list[str]) -> int:
    """Deploy as the arguments say."""
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__.partition("\n")[0])
    parser.add_argument("--project", required=True)
    parser.add_argument("--state", help="the bucket of Terraform's state")
    parser.add_argument("--shard", default="main")
    parser.add_argument("--smoke", help="a client whose file says rehearsal: true")
    parser.add_argument("--dry-run", action="store_true", help="plan without Google")
    parser.add_argument("--plan", type=Path, help="a file for a dry run's plan")
    parser.add_argument("--release", type=Path, default=ROOT / "dist")
    said = parser.parse_args(arguments)
    if said.dry_run:
        return dry_run(said.project, said.shard, said.release, said.plan)
    if not said.state:
        parser.error("--state is needed: the bucket of Terraform's state")
    return Deployment(said.project, said.state, said.shard, said.smoke, said.release).deploy()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
