"""Pages that hold all they need: the template engine, and the scripts that come with each page."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from hydrobid.cli.report import words

TEMPLATES = "templates"


def environment() -> jinja2.Environment:
    """Return the template engine. It escapes everything that comes from outside."""
    engine = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    engine.filters |= {
        "number": words.number,
        "percent": words.percent,
        "span": words.span_text,
    }
    return engine


def scripts() -> dict[str, Any]:
    """Return the page's two scripts, and the hashes by which its policy knows them."""
    own = resources.files(__package__).joinpath(TEMPLATES, "report.js").read_text("utf-8")
    texts = {"plotly_js": get_plotlyjs(), "page_js": own}
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in texts.values()
    ]
    # They come with the packages, not from outside, and a script must not be escaped.
    return {name: Markup(script) for name, script in texts.items()} | {  # noqa: S704
        "script_hashes": " ".join(hashes)
    }
