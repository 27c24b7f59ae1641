"""Stands in for an agent program: refuses what the real one would refuse, replays what it wrote.

Started by the launchers that `install` writes, as `python -I replay.py CONTRACT FOLDER ARGUMENT...`
with the standard library alone. `FOLDER/scenario` names what to replay; `FOLDER/seen.json` keeps
what it was started with. Options and output shapes in the contract files were taken from the help
text and the output of the version named there.
"""

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

Contract = dict[str, Any]


def install(tool: str, folder: Path, scenario: str = "success") -> Path:
    """Write a launcher for one program into a folder and choose what it replays."""
    folder.mkdir(parents=True, exist_ok=True)
    contract = Path(__file__).with_name(f"{tool}.json")
    launcher = folder / tool
    launcher.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -I "{__file__}" "{contract}" "{folder}" "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    (folder / "scenario").write_text(scenario, encoding="utf-8")
    return launcher


def find_command(contract: Contract, arguments: list[str]) -> Contract:
    """Return the sub-command with the longest matching words."""
    fitting = [
        each for each in contract["commands"] if arguments[: len(each["words"])] == each["words"]
    ]
    return max(fitting, key=lambda each: len(each["words"]))


def read_arguments(command: Contract, arguments: list[str]) -> dict[str, list[str]]:
    """Return options with their values, and what is left under an empty name.

    Raises:
        ValueError: an argument that the real program refuses, in its kind of words.
    """
    options: dict[str, str] = command["options"]
    found: dict[str, list[str]] = {"": []}
    rest = arguments[len(command["words"]) :]
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            found[""].append(word)
            continue
        kind = options.get(word)
        if kind is None:
            raise ValueError(f"error: unknown option '{word}'")
        if word in found:
            raise ValueError(f"error: option '{word}' was given twice")
        values = found.setdefault(word, [])
        if kind == "value":
            if not rest:
                raise ValueError(f"error: option '{word}' argument missing")
            values.append(rest.pop(0))
        while kind == "many" and rest and not rest[0].startswith("-"):
            values.append(rest.pop(0))
    return found


def refuse(command: Contract, found: dict[str, list[str]]) -> None:
    """Check values and what belongs together.

    Raises:
        ValueError: the real program would not start.
    """
    for option, choices in command.get("choices", {}).items():
        if any(value not in choices for value in found.get(option, ())):
            raise ValueError(f"error: invalid choice for {option}: {found[option]}")
    for option in command.get("uuids", ()):
        for value in found.get(option, ()):
            uuid.UUID(value)
    for option, value, needed in command.get("needs", ()):
        if value in found.get(option, ()) and needed not in found:
            raise ValueError(f"error: {option} {value} requires {needed}")
    for option in command.get("required", ()):
        if option not in found:
            raise ValueError(f"error: {option} is required without a terminal")
    refuse_positionals(command["positionals"], found[""])


def refuse_positionals(wanted: list[str], given: list[str]) -> None:
    """Check what is no option; `ID` stands for any one word, `any` for any number.

    Raises:
        ValueError: the real program would not start.
    """
    if wanted == ["any"]:
        return
    if len(wanted) != len(given) or any(
        want not in ("ID", word) for want, word in zip(wanted, given, strict=True)
    ):
        raise ValueError(f"error: unexpected argument in {given}")


def play(scenario: Contract) -> int:
    """Write what was recorded, then end, hang or leave a child behind; return the exit code."""
    out = sys.stdout.buffer
    for each in scenario.get("stdout", ()):
        if isinstance(each, str):
            out.write(each.encode("latin-1") + b"\n")
        elif "huge" in each:
            out.write(b'{"type":"assistant","filler":"' + b"x" * each["huge"] + b'"}\n')
        else:
            out.write(json.dumps(each).encode() + b"\n")
        out.flush()
    sys.stderr.write(scenario.get("stderr", ""))
    sys.stderr.flush()
    if scenario.get("leaves_child"):
        wait = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.pause()"
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-I", "-c", wait],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    if scenario.get("hangs"):
        while True:
            signal.pause()
    return int(scenario.get("exit_code", 0))


def main() -> int:
    """Behave as the program of the contract."""
    contract: Contract = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder, arguments = Path(sys.argv[2]), sys.argv[3:]
    if arguments == ["--version"]:
        sys.stdout.write(contract["version_text"] + "\n")
        return 0
    command = find_command(contract, arguments)
    if "--help" in arguments:
        sys.stdout.write("\n  ".join(("Options:", *command["options"])) + "\n")
        return 0
    try:
        refuse(command, found := read_arguments(command, arguments))
    except ValueError as e:
        sys.stderr.write(f"{e}\n")
        return int(contract["usage_exit_code"])
    # To the end, as the real ones do: a prompt that is never closed is never acted upon.
    prompt = sys.stdin.read()
    if file := found.get("--message-file"):
        prompt = Path(file[0]).read_text(encoding="utf-8")
    seen = {
        "argv": arguments,
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
        "prompt": prompt,
    }
    (folder / "seen.json").write_text(json.dumps(seen), encoding="utf-8")
    return play(contract["scenarios"][(folder / "scenario").read_text(encoding="utf-8")])


if __name__ == "__main__":
    sys.exit(main())
