"""Makes the stand-in known to Terraform: a filesystem mirror, and the settings that name it.

    python -m emulators.terraform.mirror FOLDER
    TF_CLI_CONFIG_FILE=FOLDER/terraform.rc terraform init

FOLDER gets a virtual environment for the stand-in as well, since its packages and Google's clients
want different versions of one library. Needs `uv`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from emulators.terraform.schema import GOOGLE, VERSION

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
CHECKOUT = Path(__file__).resolve().parents[2]


def make_mirror(folder: Path, terraform: str = "terraform") -> Path:
    """Return the settings file, made in `folder` with all that it needs; what is there is kept.

    terraform: the program, or OpenTofu's. Raises CalledProcessError where a program fails.
    """
    python = _environment(folder)
    mirror = folder / "mirror"
    program = (
        mirror / GOOGLE / VERSION / _platform(terraform) / f"terraform-provider-google_v{VERSION}"
    )
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{python}" -m emulators.terraform "$@"\n', "utf-8"
    )
    program.chmod(0o755)
    settings = folder / "terraform.rc"
    settings.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n',
        "utf-8",
    )
    return settings


def _environment(folder: Path) -> Path:
    environment = folder / "venv"
    python = environment / "bin" / "python"
    if not python.exists():
        _uv("venv", "--quiet", "--python", sys.executable, str(environment))
    _uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(REQUIREMENTS))
    return python


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)  # noqa: S603


def _platform(terraform: str) -> str:
    told = subprocess.run(  # noqa: S603
        [terraform, "version", "-json"], check=True, capture_output=True, text=True
    )
    platform: str = json.loads(told.stdout)["platform"]
    return platform


if __name__ == "__main__":
    print(make_mirror(Path(sys.argv[1]).absolute()))  # noqa: T201
