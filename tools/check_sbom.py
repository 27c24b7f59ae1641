"""Hold a bill of materials against the pins it was made from: nothing missing, nothing more.

python tools/check_sbom.py SBOM REQUIREMENTS
"""

import json
import re
import sys
from pathlib import Path

OURS = "palm-oil-bot"
BUILT_IN = {"pip", "setuptools"}
"""What an empty environment has by itself."""


def main() -> None:
    """Compare, and say what differs."""
    sbom = json.loads(Path(sys.argv[1]).read_text())
    pins = re.findall(
        r"^([a-z0-9._-]+)==(\S+?)(?: ;(.*?))? \\$", Path(sys.argv[2]).read_text(), re.MULTILINE
    )
    there = {each["name"].lower().replace("_", "-"): each for each in sbom["components"]}
    there = {name: each for name, each in there.items() if name not in {*BUILT_IN, OURS}}
    # A pin with a marker may be for another system than this one.
    wanted = {name: version for name, version, _ in pins}
    needed = {name for name, _, marker in pins if not marker}
    problems = [f"{name} is missing" for name in sorted(needed - there.keys())]
    problems += [f"{name} is not pinned" for name in sorted(there.keys() - wanted.keys())]
    problems += [
        f"{name} is {each['version']} instead of {wanted[name]}"
        for name, each in sorted(there.items())
        if name in wanted and each["version"] != wanted[name]
    ]
    problems += [f"{name} has no purl" for name, each in there.items() if not each.get("purl")]
    if sbom["bomFormat"] != "CycloneDX" or sbom["metadata"]["component"]["name"] != OURS:
        problems.append("it is not the bill of materials of palm-oil-bot")
    if problems:
        sys.exit(f"sbom: {sys.argv[1]}: {'; '.join(problems)}")
    print(f"sbom: {sys.argv[1]}: {len(there)} packages, all as pinned")


if __name__ == "__main__":
    main()
