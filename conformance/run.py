"""Holds our wire against the official client package, in environments and processes of its own.

1. descriptors: every field of every message agrees with the newest known schema, and with the
   official package of 2024 but for the differences listed in `differences.py`;
2. bytes: the official classes make the same bytes of the same values, and read ours back;
3. session: the official client trades on our simulator over TLS.

Usage: python conformance/run.py    (environments are kept in build/conformance)
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cases import make_cases
from differences import list_disagreements, make_older
from schema import describe

from palmbot.ctrader.generated import (
    account_messages_pb2,
    entities_pb2,
    enums_pb2,
    envelope_pb2,
    order_messages_pb2,
    quote_messages_pb2,
    session_messages_pb2,
)

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "conformance"
STEPS = 8
SIMULATOR_START_S = 30.0

OUR_MODULES = (
    envelope_pb2,
    enums_pb2,
    entities_pb2,
    session_messages_pb2,
    account_messages_pb2,
    quote_messages_pb2,
    order_messages_pb2,
)
THEIR_MODULES = (
    "OpenApiCommonMessages_pb2",
    "OpenApiCommonModelMessages_pb2",
    "OpenApiMessages_pb2",
    "OpenApiModelMessages_pb2",
)


def make_environment(name: str, *, extra: tuple[str, ...] = ()) -> Path:
    """Return the interpreter of an environment with the pinned packages of `name`.txt."""
    folder = BUILD / name
    python = folder / "bin" / "python"
    pins = HERE / f"{name}.txt"
    stamp = folder / "ready"
    if stamp.exists() and stamp.read_text() == pins.read_text():
        return python
    print(f"conformance: making the environment of the {name} package", file=sys.stderr)
    run([sys.executable, "-m", "venv", "--clear", str(folder)])
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--require-hashes"]
    run([*install, *extra, "-r", str(pins)])
    stamp.write_text(pins.read_text())
    return python


def run(command: list[str]) -> str:
    """Run to the end and return what it printed; its errors go to our own error output."""
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"conformance: failed: {' '.join(command)}")
    return done.stdout


def check_descriptors(official: Path, reference: Path) -> list[str]:
    """Compare the schemas field by field."""
    ours = json.loads(json.dumps(describe(OUR_MODULES)))
    script = str(HERE / "schema.py")
    newest = json.loads(run([str(reference), script, "pynecore_ctrader.messages", *THEIR_MODULES]))
    older = json.loads(run([str(official), script, "ctrader_open_api.messages", *THEIR_MODULES]))
    fields = sum(map(len, ours["messages"].values()))
    values = sum(map(len, ours["enums"].values()))
    print(f"descriptors: {len(ours['messages'])} messages, {fields} fields, {values} enum values")
    return [
        *(f"newest schema: {each}" for each in list_disagreements(ours, newest)),
        *(f"official package: {each}" for each in list_disagreements(make_older(ours), older)),
    ]


def check_bytes(official: Path) -> list[str]:
    """Let the official classes build every test message."""
    path = BUILD / "cases.json"
    path.write_text(json.dumps(list(make_cases())))
    result = json.loads(run([str(official), str(HERE / "rebuild.py"), str(path)]))
    print(f"bytes: {result['cases']} messages compared, {len(result['differing'])} differ")
    return result["differing"]


def check_session(official: Path) -> list[str]:
    """Let the official client trade on our simulator."""
    folder = BUILD / "simulator"
    endpoint = folder / "endpoint.json"
    endpoint.unlink(missing_ok=True)
    palmbot = Path(sys.executable).with_name("palmbot")
    command = [str(palmbot), "simulate", "--directory", str(folder), "--days", "5", "--speed", "30"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as simulator:  # noqa: S603
        try:
            deadline_s = time.monotonic() + SIMULATOR_START_S
            while not endpoint.exists():
                if simulator.poll() is not None or time.monotonic() > deadline_s:
                    return ["session: the simulator did not start"]
                time.sleep(0.1)
            printed = run([str(official), str(HERE / "official_session.py"), str(endpoint)])
        finally:
            simulator.terminate()
    result = json.loads(printed)
    print(f"session: {', '.join(result['done'])}")
    if result["failure"] or len(result["done"]) != STEPS:
        return [f"session: {result['failure'] or 'did not come to its end'}"]
    return []


def main() -> int:
    """Run all three; return 1 if anything disagrees."""
    BUILD.mkdir(parents=True, exist_ok=True)
    # The other interpreters must find nothing of this project, and warn about nothing we can mend.
    os.environ.update(PYTHONPATH="", PYTHONWARNINGS="ignore")
    official = make_environment("official")
    reference = make_environment("reference", extra=("--no-deps",))
    failures = [
        *check_descriptors(official, reference),
        *check_bytes(official),
        *check_session(official),
    ]
    for failure in failures:
        print(failure)
    print("conformance: FAILED" if failures else "conformance: all agree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
