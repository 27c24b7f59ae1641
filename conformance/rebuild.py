"""Builds every test message by the official classes and compares the bytes, both ways.

`python rebuild.py CASES` runs in the environment of the official package. It prints a JSON
object: the number of cases, and a sentence for every one that differs.
"""

import json
import struct
import sys
from pathlib import Path

from ctrader_open_api.messages import (
    OpenApiCommonMessages_pb2,
    OpenApiMessages_pb2,
)
from filling import fill


def judge(case):  # noqa: ANN001, ANN201
    """Return what is different about one case, or nothing."""
    name = case["message"]
    module = OpenApiMessages_pb2 if name.startswith("ProtoOA") else OpenApiCommonMessages_pb2
    message_class = getattr(module, name)
    message = fill(message_class(), case["fields"])
    if message.payloadType != case["payload_type"]:
        return f"{name}: payload type {message.payloadType} there, {case['payload_type']} here"
    payload = message.SerializeToString()
    if payload.hex() != case["payload"]:
        return f"{name} ({case['variant']}): {payload.hex()} there, {case['payload']} here"
    envelope = OpenApiCommonMessages_pb2.ProtoMessage(
        payloadType=message.payloadType,
        payload=payload,
        clientMsgId=f"m{message.payloadType}",
    ).SerializeToString()
    if (struct.pack("!I", len(envelope)) + envelope).hex() != case["frame"]:
        return f"{name} ({case['variant']}): the frames differ"
    if message_class.FromString(bytes.fromhex(case["payload"])) != message:
        return f"{name} ({case['variant']}): our bytes read otherwise there"
    return ""


def main():  # noqa: ANN201
    """Judge all cases."""
    cases = json.loads(Path(sys.argv[1]).read_text())
    differing = [words for words in map(judge, cases) if words]
    print(json.dumps({"cases": len(cases), "differing": differing}))


if __name__ == "__main__":
    main()
