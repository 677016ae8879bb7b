"""`make package`: a release: an archive of each function, named by its content, and the workflows.

An archive holds the function's `main.py`, the library and the packages it runs on, pinned by hash
in `requirements.txt`. The same sources give the same bytes, so that a function is deployed anew
when, and only when, something in it has changed. `manifest.json` beside the archives names them, and
`workflows/` beside it are those that call them. What each archive weighs is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "shared" / "hydrobid"
LEFT_OUT = {"cli", "client", "local_cloud", "__pycache__"}  # these are for people's machines
EXTRAS = {"solver": ("solver",), "dispatcher": ("bucket",)}
# The earliest time that a zip file can hold, for every file.
EPOCH = (1980, 1, 1, 0, 0, 0)
MODE = 0o644 << 16
IMPORTS = 3
TIMED = """
import os, sys, time
began = time.perf_counter()
import main
seconds = time.perf_counter() - began
solvers = sorted({"highspy", "scipy"} & set(sys.modules))
print(seconds, *solvers, flush=True)
os._exit(0)  # a function's workers and channels are not waited for
"""


def main() -> int:
    """Write the archives and print the manifest."""
    parser = argparse.ArgumentParser(prog="package", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--no-imports", action="store_true", help="do not time the cold start")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(options.out / "workflows", ignore_errors=True)
    shutil.copytree(ROOT / "workflows", options.out / "workflows")
    manifest = {
        name: _packed(name, options.out, timed=not options.no_imports)
        for name in sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.py"))
    }
    text = json.dumps(manifest, indent=2, sort_keys=True)
    named = {name: {"file": entry["file"]} for name, entry in manifest.items()}
    (options.out / "manifest.json").write_text(json.dumps(named, indent=2) + "\n", "utf-8")
    print(text)  # noqa: T201
    return 0


def _packed(name: str, out: Path, *, timed: bool) -> dict[str, Any]:
    content = dict(_files(name))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "archive.zip")
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(content):
                entry = zipfile.ZipInfo(path, EPOCH)
                entry.external_attr = MODE
                archive.writestr(entry, content[path], zipfile.ZIP_DEFLATED, 9)
        packed = made.read_bytes()
        figures: dict[str, Any] = {"bytes": len(packed), "files": len(content)}
        if timed:
            with zipfile.ZipFile(made) as archive:
                archive.extractall(folder)
            figures |= _import_figures(Path(folder))
    digest = hashlib.sha256()
    for path in sorted(content):  # of what is in it: compression may differ between versions
        digest.update(f"{path}\0{len(content[path])}\0".encode())
        digest.update(content[path])
    file = f"{name}-{digest.hexdigest()[:16]}.zip"
    (out / file).write_bytes(packed)
    return {"file": file, **figures}


def _files(name: str) -> Iterator[tuple[str, bytes]]:
    yield "main.py", (ROOT / "functions" / name / "main.py").read_bytes()
    yield "requirements.txt", _requirements(EXTRAS.get(name, ()))
    for path in LIBRARY.rglob("*"):
        inside = path.relative_to(LIBRARY)
        if path.is_file() and not LEFT_OUT & set(inside.parts):
            yield f"hydrobid/{inside.as_posix()}", path.read_bytes()


@cache
def _requirements(extras: tuple[str, ...]) -> bytes:
    command = [
        sys.executable, "-m", "uv", "export", "--frozen", "--no-dev", "--no-emit-project",
        "--no-header", "--quiet", *(f"--extra={extra}" for extra in extras),
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S603


def _import_figures(folder: Path) -> dict[str, Any]:
    """Time `import main` in fresh processes, with the archive's library and not the checkout's."""
    seconds, solvers = [], set()
    for _ in range(IMPORTS):
        told = subprocess.run(  # noqa: S603
            [sys.executable, "-c", TIMED],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        seconds.append(float(told[0]))
        solvers |= set(told[1:])
    return {
        "import_seconds": round(statistics.median(seconds), 3),
        "imports_solver": sorted(solvers),
    }


if __name__ == "__main__":
    sys.exit(main())
