"""An operator's model as a Python package: a class for each type, and a reader of all instances.

The classes say what there is and of which kind; rules, ranges and relations are checked by the reader, which is
hydrobid's own. The same model gives the same package, to the byte.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hydrobid.schema.domain_model.canonical import KINDS
from hydrobid.schema.domain_model.json_schema import DIALECT
from hydrobid.schema.domain_model.operator_model import OperatorModel
from hydrobid.schema.findings import Place

_RULES = {
    "title",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "propertyNames",
}
_NAME = "letters, digits and '_', a letter first, and no word of Python"
# What the package itself, pydantic's classes and the canonical forms are called.
_TAKEN = {"Instances", "Mapping", "Path", "TypeVar", "T", "BaseModel", "ConfigDict", "Field"}
_TAKEN |= {"Annotated", "Any", "Literal"}
_TAKEN |= {name for kind in KINDS.values() for name in kind.schema.get("$defs", {})}
_HEADER = '"""{doc}\n\nMade by `hydrobid model codegen` from version {version} of {model}: make it anew, do not edit it.\n"""'
_PACKAGE = """{header}

from {package}.instances import Instances
from {package}.model import {names}

__all__ = {exported}
"""
_READER = '''{header}

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hydrobid.schema.domain_model.operator_model import model_in
from pydantic import BaseModel

from {package}.model import {names}

MODEL_VERSION = {version}

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Instances:
    """The instances of a client by type and id."""

{fields}

    @classmethod
    def read(cls, folder: Path) -> Instances:
        """Return the instances in a client's folder.

        Raises:
            hydrobid.domain.errors.InvalidInput: with every fault of the folder's documents.
            ValueError: the folder's model is of another version than these classes.
        """
        files = {{
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }}
        operator = model_in(files, folder.name)
        if operator.model.version != MODEL_VERSION:
            raise ValueError(f"version {{MODEL_VERSION}} of {model}, not {{operator.model.version}}")
        by_type = operator.instances().by_type

        def of(kind: type[T], name: str) -> Mapping[str, T]:
            found = by_type.get(name, {{}})
            return {{key: kind.model_validate(instance.fields) for key, instance in found.items()}}

        return cls(
{arguments}
        )
'''


def package_of(operator: OperatorModel) -> tuple[str, dict[str, str]]:
    """Return the name of a model's package, and its files' text by name.

    Raises:
        InvalidInput: two names would be one in Python, or one is a word of the language.
    """
    package = snake(operator.model.model)
    classes = {name: class_of(name) for name in operator.types}
    for name in operator.types:
        _check(name, classes, operator.place / "types" / name)
    if not package.isidentifier() or keyword.iskeyword(package):
        (operator.place / "model").refuse(operator.model.model, _NAME)
    operator.place.findings.raise_if_any()
    names = sorted(classes.values())
    stated = {"model": operator.model.model, "version": operator.model.version}
    texts = {"package": package, "names": ", ".join(names), **stated}

    def header(doc: str) -> str:
        return _HEADER.format(doc=doc, **stated)

    return package, {
        "__init__.py": _PACKAGE.format(
            header=header(f"The domain model {operator.model.model}."),
            exported=json.dumps(sorted(["Instances", *names])),
            **texts,
        ),
        "model.py": _classes(operator, classes, header("A class for each type.")),
        "instances.py": _READER.format(
            header=header("The reader of a client's instances."),
            fields="\n".join(f"    {snake(name)}: Mapping[str, {name}]" for name in names),
            arguments="\n".join(
                f'            {snake(its)}=of({its}, "{name}"),'
                for name, its in sorted(classes.items())
            ),
            **texts,
        ),
        "py.typed": "",
    }


def snake(name: str) -> str:
    """Return a name as Python writes a field's.

    >>> snake("GeneratingUnit"), snake("upper-valley.v2")
    ('generating_unit', 'upper_valley_v2')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", words).lower().strip("_")


def class_of(name: str) -> str:
    """Return a name as Python writes a class's.

    >>> class_of("GeneratingUnit"), class_of("upper-valley lake")
    ('GeneratingUnit', 'UpperValleyLake')
    """
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))


def _check(name: str, classes: Mapping[str, str], place: Place) -> None:
    its = classes[name]
    alike = [other for other in classes if snake(classes[other]) == snake(its) and other != name]
    if not its.isidentifier() or keyword.iskeyword(snake(its)):
        place.refuse(name, _NAME)
    elif its in _TAKEN:
        place.refuse(name, f"a name that is free in Python: {its} is taken")
    elif alike:
        place.refuse(name, f"a name that in Python is not that of {alike[0]}: {its}")


def _classes(operator: OperatorModel, classes: Mapping[str, str], header: str) -> str:
    """Return the text of the classes; a schema's rules are left to the reader."""
    # Half a second to import, and not a part of every installation.
    from datamodel_code_generator import InputFileType, generate  # noqa: PLC0415 - see above
    from datamodel_code_generator.enums import DataModelType  # noqa: PLC0415 - see above
    from datamodel_code_generator.format import Formatter, PythonVersion  # noqa: PLC0415 - as above
    from datamodel_code_generator.parser import LiteralType  # noqa: PLC0415 - see above

    definitions: dict[str, Any] = {}
    for name, operator_type in operator.types.items():
        schema = operator_type.form.model_json_schema()
        definitions |= schema.pop("$defs", {})
        definitions[classes[name]] = schema
    bare = {name: _bare(schema) for name, schema in sorted(definitions.items())}
    with TemporaryDirectory() as folder:
        output = Path(folder) / "model.py"
        generate(
            json.dumps({"$schema": DIALECT, "$defs": bare}),
            input_file_type=InputFileType.JsonSchema,
            output=output,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=PythonVersion.PY_311,
            enum_field_as_literal=LiteralType.All,
            enable_faux_immutability=True,
            disable_timestamp=True,
            skip_root_model=True,
            use_annotated=True,
            use_schema_description=True,
            custom_file_header=header,
            formatters=[Formatter.BUILTIN],
        )
        return output.read_text(encoding="utf-8")


def _bare(content: Any) -> Any:
    """Return a schema without its rules, units told with descriptions."""
    if isinstance(content, list):
        return [_bare(part) for part in content]
    if not isinstance(content, dict):
        return content
    found = {k: _bare(v) for k, v in content.items() if not (k in _RULES and _is_rule(v))}
    unit = found.pop("unit", None)
    if isinstance(unit, str):
        described = found.get("description")
        found["description"] = f"{described} Unit: {unit}." if described else f"Unit: {unit}."
    return found


def _is_rule(value: Any) -> bool:
    """Whether a keyword's value is one of the keyword, and not a property's schema of that name."""
    return not isinstance(value, dict) or "type" not in value
