"""The committed message classes are what the committed schema gives."""

import subprocess
import sys
from pathlib import Path

import pytest

from palmbot.ctrader.generated import (
    account_messages_pb2,
    entities_pb2,
    enums_pb2,
    envelope_pb2,
    order_messages_pb2,
    quote_messages_pb2,
    session_messages_pb2,
)
from palmbot.ctrader.messages import MESSAGE_CLASSES

ROOT = Path(__file__).parents[3]
FOLDER = Path("palmbot/ctrader/generated")
FILES = (
    account_messages_pb2,
    entities_pb2,
    enums_pb2,
    envelope_pb2,
    order_messages_pb2,
    quote_messages_pb2,
    session_messages_pb2,
)


def test_generating_again_changes_nothing(tmp_path):
    sources = sorted((ROOT / "proto").rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}"]
    command += [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", *map(str, sources)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own arguments
    fresh = {path.name: path.read_text() for path in (tmp_path / FOLDER).iterdir()}
    committed = {path.name: path.read_text() for path in (ROOT / "src" / FOLDER).glob("*_pb2.py*")}
    assert len(fresh) == 2 * len(sources)
    assert committed == fresh


def test_the_schema_is_complete():
    descriptors = [each.DESCRIPTOR for each in FILES]
    assert sum(len(each.enum_types_by_name) for each in descriptors) == 29
    assert sum(len(each.message_types_by_name) for each in descriptors) == 3 + 89 + 27
    assert len(entities_pb2.DESCRIPTOR.message_types_by_name) == 27
    assert sorted(MESSAGE_CLASSES) == [50, 51, *range(2100, 2189)]


def test_every_message_has_the_payload_type_its_name_says():
    values = enums_pb2.ProtoOAPayloadType.items()
    assert sorted(number for _, number in values) == list(range(2100, 2189))
    for name, number in values:
        spoken = name.removeprefix("PROTO_OA_").replace("_", "").lower()
        message = MESSAGE_CLASSES[number].DESCRIPTOR.name.removeprefix("ProtoOA").lower()
        assert spoken == _SPOKEN_OTHERWISE.get(message, message)


_SPOKEN_OTHERWISE = {
    "traderupdatedevent": "traderupdateevent",
    "getaccountlistbyaccesstokenreq": "getaccountsbyaccesstokenreq",
    "getaccountlistbyaccesstokenres": "getaccountsbyaccesstokenres",
    "symbolcategorylistreq": "symbolcategoryreq",
    "symbolcategorylistres": "symbolcategoryres",
    "getdynamicleveragebyidreq": "getdynamicleveragereq",
    "getdynamicleveragebyidres": "getdynamicleverageres",
}


@pytest.mark.parametrize("each", FILES, ids=lambda each: each.__name__.rsplit(".", 1)[-1])
def test_files_and_package_have_private_names(each):
    assert each.DESCRIPTOR.package == "palmbot.wire"
    assert each.DESCRIPTOR.name.startswith("palmbot/ctrader/generated/")
