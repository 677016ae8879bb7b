"""terraform/deploy.py as a module: it is a script beside the files that it applies."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from examples import ROOT


def load_deploy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("deploy", ROOT / "terraform" / "deploy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["deploy"] = module
    spec.loader.exec_module(module)
    return module
