"""From a template to a page that holds all it needs and reaches for nothing outside itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from hydrobid.cli.report import words

TEMPLATES = "templates"


def rendered(template: str, content: Mapping[str, Any]) -> str:
    """Return a template's page with `content`, its scripts and their hashes in it.

    Everything from outside is escaped by the template engine, and the page's own policy lets a
    browser run this page's scripts only and connect to nowhere.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    environment.filters |= {
        "number": words.number,
        "percent": words.percent,
        "span": words.span_text,
    }
    return environment.get_template(template).render(**content, **_scripts())


def _scripts() -> dict[str, Any]:
    """Return the page's two scripts, and the hashes by which its policy knows them."""
    own = resources.files(__package__).joinpath(TEMPLATES, "report.js").read_text("utf-8")
    scripts = {"plotly_js": get_plotlyjs(), "page_js": own}
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts.values()
    ]
    # They come with the packages, not from outside, and a script must not be escaped.
    return {name: Markup(script) for name, script in scripts.items()} | {  # noqa: S704
        "script_hashes": " ".join(hashes)
    }
