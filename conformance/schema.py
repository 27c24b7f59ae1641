"""Describes the message classes of a package as plain values, for comparison.

As a script: `python schema.py PACKAGE MODULE...` prints the description as JSON. It runs in
the environment of that package and imports nothing of the project.
"""

import importlib
import importlib.util
import json
import sys
import types
from pathlib import Path


def describe(modules):  # noqa: ANN001, ANN201 - any protobuf of any age
    """Return messages and enums by name: every property the wire depends on."""
    messages, enums = {}, {}
    for module in modules:
        for name, enum in module.DESCRIPTOR.enum_types_by_name.items():
            enums[name] = {value.name: value.number for value in enum.values}
        for name, message in module.DESCRIPTOR.message_types_by_name.items():
            messages[name] = {field.name: _describe_field(field) for field in message.fields}
    return {"messages": messages, "enums": enums}


def _describe_field(field):  # noqa: ANN001, ANN202
    kinds = {getattr(field, f"TYPE_{kind}"): kind.lower() for kind in KINDS}
    nested = field.message_type or field.enum_type
    default = field.default_value if field.has_default_value else None
    return {
        "number": field.number,
        "type": kinds[field.type],
        "of": nested.name if nested else None,
        "label": _read_label(field),
        "default": default,
        "packed": bool(field.GetOptions().packed),
    }


def _read_label(field):  # noqa: ANN001, ANN202
    """Return the label; newer runtimes ask by property and warn about the old way."""
    if hasattr(field, "is_repeated"):
        is_repeated, is_required = field.is_repeated, field.is_required
    else:
        is_repeated = field.label == field.LABEL_REPEATED
        is_required = field.label == field.LABEL_REQUIRED
    return "repeated" if is_repeated else "required" if is_required else "optional"


KINDS = (
    "INT32",
    "INT64",
    "UINT32",
    "UINT64",
    "DOUBLE",
    "BOOL",
    "STRING",
    "BYTES",
    "ENUM",
    "MESSAGE",
)


def load_modules(package, names):  # noqa: ANN001, ANN201
    """Import message modules without running the package above them.

    Its `__init__` would pull in a framework that is not installed here.
    """
    top = package.partition(".")[0]
    spec = importlib.util.find_spec(top)
    hollow = types.ModuleType(top)
    hollow.__path__ = [str(Path(spec.origin).parent)]
    sys.modules[top] = hollow
    return [importlib.import_module(f"{package}.{name}") for name in names]


if __name__ == "__main__":
    print(json.dumps(describe(load_modules(sys.argv[1], sys.argv[2:]))))
