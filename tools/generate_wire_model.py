"""Generate ``src/batchyard/wire/model.py`` from two definitions of the Azure Batch data plane.

The newer definition gives the names of the models; the older one adds the properties, values and
models that only it has, paired with the newer ones by walking both from the same operation. Nothing
but names and types is taken over.

Usage: ``python tools/generate_wire_model.py NEWER.json OLDER.json``
"""

import argparse
import json
import keyword
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).parents[1] / "src" / "batchyard" / "wire" / "model.py"

#: Values that the recorded service spells otherwise than its definition says. Source: S-1.
RECORDED_SPELLINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "BatchNodeFillType": {"spread": "Spread", "pack": "Pack"},
    "BatchErrorSourceCategory": {"usererror": "UserError", "servererror": "ServerError"},
}

#: A long integer is a string in the newer definition and a number in older ones.
SCALARS: Final[Mapping[tuple[str, str | None], str]] = {
    ("string", None): "str",
    ("string", "date-time"): "str",
    ("string", "duration"): "str",
    ("string", "uri"): "str",
    ("string", "byte"): "str",
    ("string", "int64"): "Int64",
    ("integer", "int32"): "Int32",
    ("integer", "int64"): "Int64",
    ("number", "double"): "float",
    ("number", "float"): "float",
    ("boolean", None): "bool",
    ("object", None): "Any",
}

HEADER: Final = '''"""The models of the Azure Batch data plane (generated, do not edit).

Made by ``tools/generate_wire_model.py``. Only ``wire`` and ``api`` know these types. Every property
is optional here, and ``None`` means that it is absent; what is required is checked by ``wire``.
Durations and instants are text; ``wire.values`` reads and writes them.
"""

from enum import StrEnum
from typing import Annotated, Any, Self

from msgspec import Meta, Struct

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = str | int


class WireEnum(StrEnum):
    """Values that clients may spell in any case."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        wanted = str(value).lower()
        return next((member for member in cls if member.value.lower() == wanted), None)


class WireStruct(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JSON object."""
'''


@dataclass
class Model:
    """A JSON object: wire name to Python type, in the definition's order."""

    fields: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    is_request: bool = False


@dataclass
class Union:
    """What both definitions say together."""

    models: dict[str, Model] = field(default_factory=dict)
    enums: dict[str, list[str]] = field(default_factory=dict)


def snake_case(wire_name: str) -> str:
    """Return ``node_agent_sku_id`` for ``nodeAgentSKUId``."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", wire_name.replace("IOps", "Iops"))
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", words).lower()
    words = {"e_tag": "etag"}.get(words, words).replace("gi_b", "gib")
    return f"{words}_" if keyword.iskeyword(words) else words.replace(".", "_")


def reference(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the definition that a schema refers to."""
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return reference(schema["allOf"][0])
    target = schema.get("$ref")
    return target.rsplit("/", 1)[-1] if target else None


def operation_schemas(
    spec: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, str, str], Mapping[str, Any]]]:
    """Yield the body's schema and the good answers' schemas of every operation."""
    for path, verbs in spec["paths"].items():
        for verb, operation in verbs.items():
            where = re.sub(r"\{[^}]*\}", "{}", path)
            for parameter in operation.get("parameters", ()):
                if parameter.get("in") == "body":
                    yield (verb, where, "body"), parameter["schema"]
            for status, response in operation.get("responses", {}).items():
                if "schema" in response and status != "default":
                    yield (verb, where, status), response["schema"]


def pair_names(newer: Mapping[str, Any], older: Mapping[str, Any]) -> dict[str, str]:
    """Return the newer name of every older definition that has one."""
    answers = dict(operation_schemas(newer))
    pairs: dict[str, str] = {}
    todo = [
        (reference(answers[where]), reference(schema))
        for where, schema in operation_schemas(older)
        if where in answers
    ]
    while todo:
        new_name, old_name = todo.pop()
        if new_name is None or old_name is None or pairs.get(old_name):
            continue
        pairs[old_name] = new_name
        old_properties = older["definitions"][old_name].get("properties", {})
        for wire_name, schema in newer["definitions"][new_name].get("properties", {}).items():
            if wire_name in old_properties:
                other = old_properties[wire_name]
                todo.append((reference(schema), reference(other)))
                todo.append((reference(schema.get("items", {})), reference(other.get("items", {}))))
    return pairs


def request_names(spec: Mapping[str, Any]) -> set[str]:
    """Return the definitions that a request's body can contain."""
    todo = [reference(schema) for (_, _, part), schema in operation_schemas(spec) if part == "body"]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name is None or name in found:
            continue
        found.add(name)
        for schema in spec["definitions"][name].get("properties", {}).values():
            todo += [reference(schema), reference(schema.get("items", {}))]
    return found


class Builder:
    """Adds definitions to a `Union`; what is there already stays as it is."""

    def __init__(self, union: Union, names: Mapping[str, str]) -> None:
        self._union = union
        self._names = names

    def add(self, spec: Mapping[str, Any]) -> None:
        """Add everything that the operations of `spec` reach."""
        requests = request_names(spec)
        for name in self._reached(spec):
            schema = spec["definitions"][name]
            if "enum" in schema:
                self._add_enum(self._names.get(name, name), schema["enum"])
                continue
            model = self._union.models.setdefault(self._names.get(name, name), Model())
            model.is_request |= name in requests
            for wire_name, part in schema.get("properties", {}).items():
                python_type = self._type(part, owner=self._names.get(name, name), name=wire_name)
                model.fields.setdefault(wire_name, python_type)
                model.names.setdefault(wire_name, snake_case(wire_name))

    def _reached(self, spec: Mapping[str, Any]) -> list[str]:
        todo = [reference(schema) for _, schema in operation_schemas(spec)]
        todo += [name for name in spec["definitions"] if name.startswith("BatchError")]
        found: dict[str, None] = {}
        while todo:
            name = todo.pop()
            if name is None or name in found:
                continue
            found[name] = None
            for schema in spec["definitions"][name].get("properties", {}).values():
                todo += [reference(schema), reference(schema.get("items", {}))]
        return list(found)

    def _type(self, schema: Mapping[str, Any], *, owner: str, name: str) -> str:
        target = reference(schema)
        if target is not None:
            return self._names.get(target, target)
        if schema.get("type") == "array":
            return f"list[{self._type(schema['items'], owner=owner, name=name)}]"
        if "enum" in schema:
            own_name = f"{owner}{name[0].upper()}{name[1:]}"
            given: str = schema.get("x-ms-enum", {}).get("name", own_name)
            enum_name = self._names.get(given, given)
            self._add_enum(enum_name, schema["enum"])
            return enum_name
        scalar: tuple[str, str | None] = (schema["type"], schema.get("format"))
        return SCALARS[scalar]

    def _add_enum(self, name: str, values: list[str]) -> None:
        known = self._union.enums.setdefault(name, [])
        lower = {value.lower() for value in known}
        spelt = RECORDED_SPELLINGS.get(name, {})
        known += [spelt.get(value, value) for value in values if value.lower() not in lower]


def write_enum(name: str, values: list[str]) -> str:
    """Return the source of one enumeration."""
    lines = [f"class {name}(WireEnum):"]
    for value in values:
        member = snake_case(re.sub(r"\W", "_", value)).upper()
        lines.append(f"    {member} = {json.dumps(value)}")
    return "\n".join(lines)


def write_model(name: str, model: Model) -> str:
    """Return the source of one struct."""
    renamed = {python: wire for wire, python in model.names.items() if python != wire}
    options = ["forbid_unknown_fields=True"] if model.is_request else []
    if renamed:
        pairs = ", ".join(f'"{python}": "{wire}"' for python, wire in renamed.items())
        options.append(f"rename={{{pairs}}}")
    # Struct options other than these are not inherited by msgspec in every version: all are given.
    options = ["frozen=True", "kw_only=True", "omit_defaults=True", *options]
    lines = [f"class {name}(WireStruct, {', '.join(options)}):"]
    lines += [
        f'    {model.names[wire]}: "{kind} | None" = None' for wire, kind in model.fields.items()
    ]
    return "\n".join(lines) if model.fields else "\n".join([*lines, "    pass"])


def in_order(models: Mapping[str, Model]) -> list[str]:
    """Return the names so that every model follows the ones it is made of."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for kind in models[name].fields.values():
            inner = kind.removeprefix("list[").removesuffix("]")
            if inner in models and inner != name:
                visit(inner)
        done[name] = None

    for name in sorted(models):
        visit(name)
    return list(done)


def generate(newer: Mapping[str, Any], older: Mapping[str, Any]) -> str:
    """Return the source of ``wire/model.py``, not yet formatted."""
    union = Union()
    Builder(union, {}).add(newer)
    Builder(union, pair_names(newer, older)).add(older)
    used = {
        kind.removeprefix("list[").removesuffix("]")
        for model in union.models.values()
        for kind in model.fields.values()
    }
    parts = [HEADER]
    parts += [write_enum(name, union.enums[name]) for name in sorted(used & union.enums.keys())]
    parts += [write_model(name, union.models[name]) for name in in_order(union.models)]
    source = "\n\n\n".join(parts)
    return re.sub(r': "([^"\n]*)" = None', r": \1 = None", source) + "\n"


def main() -> int:
    """Write the module and format it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("newer", type=Path, help="definition of 2025-06-01")
    parser.add_argument("older", type=Path, help="definition of 2024-02-01.19.0")
    arguments = parser.parse_args()
    newer, older = (
        json.loads(path.read_text(encoding="utf-8")) for path in (arguments.newer, arguments.older)
    )
    TARGET.write_text(generate(newer, older), encoding="utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "format", "--quiet", TARGET], check=True)  # noqa: S603  # our own tool
    return 0


if __name__ == "__main__":
    sys.exit(main())
