"""Terraform with the stand-in for Google's provider, which is started once for all commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terraform.stack import ROOT, Stack, copied

from emulators.terraform.mirror import make_mirror


@pytest.fixture(scope="session")
def program() -> str:
    """Terraform, or OpenTofu; without either these tests say that they were not run."""
    found = shutil.which("terraform") or shutil.which("tofu")
    if found is None:
        missing = "no terraform or tofu program: https://developer.hashicorp.com/terraform/install"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(f"not run: {missing}")
    return found


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    command = [sys.executable, "functions/package.py", "--no-imports", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def mirror(program: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mirror(tmp_path_factory.mktemp("mirror"), program)


@pytest.fixture(scope="session")
def provider(mirror: Path) -> Iterator[str]:
    """What tells Terraform of the stand-in that runs."""
    python = mirror.parent / "venv" / "bin" / "python"
    command = [python, "-m", "emulators.terraform"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def applied(
    program: str, provider: str, archives: Path, tmp_path_factory: pytest.TempPathFactory
) -> Stack:
    """A stack that is there as far as the stand-in can tell. Only for what changes nothing."""
    stack = Stack(
        copied(tmp_path_factory.mktemp("applied"), archives),
        program,
        {"TF_REATTACH_PROVIDERS": provider},
    )
    stack.run("init", "-input=false")
    stack.run("apply", "-input=false", "-auto-approve", *stack.variables)
    return stack
