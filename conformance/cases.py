"""Test messages of every class: plain values, and the bytes our classes make of them."""

from collections.abc import Iterator

from differences import ENUM_VALUES_MISSING, FIELDS_MISSING, REQUIRED_THERE
from filling import fill
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from palmbot.ctrader.messages import MESSAGE_CLASSES, encode

REQUIRED_ONLY = "required fields only"
VARIANTS = (REQUIRED_ONLY, "all fields", "all fields, other values", "all fields, extremes")

SCALARS = {
    FieldDescriptor.TYPE_INT32: (17, -3, -(2**31)),
    FieldDescriptor.TYPE_INT64: (412_300_000, -77, -(2**63)),
    FieldDescriptor.TYPE_UINT32: (21, 300, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (1_767_225_600_000, 128, 2**64 - 1),
    FieldDescriptor.TYPE_DOUBLE: (4123.5, -0.1, 1.7976931348623157e308),
    FieldDescriptor.TYPE_BOOL: (True, False, True),
    FieldDescriptor.TYPE_STRING: ("pob1", "", "palm oil · минýак · 棕榈油"),
    FieldDescriptor.TYPE_BYTES: ("", "", ""),
}
"""Values by variant, from the second on."""

NARROW = {
    ("ProtoOAPositionUnrealizedPnL", "netUnrealizedPnL"),
    ("ProtoOADynamicLeverageTier", "leverage"),
}
"""Wider on one side than on the other: values fit the narrower one."""


def make_fields(descriptor: Descriptor, variant: int) -> dict:
    """Return values for one message, nested ones included."""
    fields = {}
    for field in descriptor.fields:
        key = (descriptor.name, field.name)
        if key in FIELDS_MISSING or field.name == "payloadType":
            continue
        needed = field.is_required or key in REQUIRED_THERE
        if variant == 0 and not needed:
            continue
        value = _make_value(field, key, variant)
        fields[field.name] = [value, value] if field.is_repeated else value
    return fields


def _make_value(field: FieldDescriptor, key: tuple[str, str], variant: int) -> object:
    chosen = max(0, variant - 1)
    if field.message_type is not None:
        return make_fields(field.message_type, variant)
    if field.enum_type is not None:
        known = [
            value.number
            for value in field.enum_type.values
            if (field.enum_type.name, value.name) not in ENUM_VALUES_MISSING
        ]
        return known[(-1, 0, len(known) // 2)[chosen]]
    if key in NARROW:
        return SCALARS[FieldDescriptor.TYPE_INT32][chosen]
    return SCALARS[field.type][chosen]


def make_cases() -> Iterator[dict]:
    """Yield name, variant, values, inner bytes and whole frame for every class and variant."""
    for number, message_class in sorted(MESSAGE_CLASSES.items()):
        for variant, words in enumerate(VARIANTS):
            fields = make_fields(message_class.DESCRIPTOR, variant)
            message = fill(message_class(), fields)
            yield {
                "message": message.DESCRIPTOR.name,
                "payload_type": number,
                "variant": words,
                "fields": fields,
                "payload": message.SerializeToString().hex(),
                "frame": encode(message, f"m{number}").hex(),
            }
