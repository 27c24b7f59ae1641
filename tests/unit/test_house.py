"""The files at the root keep what they promise: pins without addresses, rooms with a docstring."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = [
    ROOT / "requirements" / name
    for name in ("live.txt", "dev.txt", "research.txt", "audit.txt", "bench.txt")
]
PACKAGES = [ROOT / "src" / name for name in ("palmbot", "orchestrator")]
ROOMS = sorted(path for package in PACKAGES for path in package.rglob("__init__.py"))
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+?)( ;.*?)? \\$", re.MULTILINE)


def pins_of(path: Path) -> dict[tuple[str, str], str]:
    """Return versions by (name, marker)."""
    return {(name, marker): version for name, version, marker in PIN.findall(path.read_text())}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirement_file_names_no_address_and_no_place_on_a_machine(path):
    lines = [
        line for line in path.read_text().splitlines() if not line.lstrip().startswith("--hash")
    ]
    suspicious = [
        line for line in lines if re.search(r"://|--(index|extra|find)|@ |(^|\s)/\w", line)
    ]
    assert suspicious == []


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_pin_carries_a_hash(path):
    text = path.read_text()
    assert len(PIN.findall(text)) > 10
    for block in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]:
        assert PIN.match(block), block.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", block, re.MULTILINE), block.splitlines()[0]


def test_what_trades_is_pinned_to_what_was_tested():
    live, dev, research, *_ = (pins_of(path) for path in REQUIREMENTS)
    assert live.items() <= research.items() <= dev.items()


def test_what_trades_needs_no_development_or_research_tool():
    names = {name for name, _ in pins_of(REQUIREMENTS[0])}
    assert names.isdisjoint(
        {"polars", "plotly", "numpy", "pytest", "grpcio-tools", "uv", "hatchling"}
    )


def test_every_declared_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    declared = {
        re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-")
        for group in groups
        for line in group
    }
    pinned = {name for path in REQUIREMENTS for name, _ in pins_of(path)}
    assert declared <= pinned


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.parent.relative_to(ROOT / "src")))
def test_room_is_introduced_by_one_docstring_and_nothing_else(path):
    statements = ast.parse(path.read_text()).body
    assert len(statements) == 1
    assert isinstance(statements[0], ast.Expr)
    assert isinstance(statements[0].value, ast.Constant)
    assert isinstance(statements[0].value.value, str)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_folder_with_code_is_a_room(package):
    folders = {path.parent for path in package.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_example_of_the_environment_file_holds_no_secret():
    lines = (ROOT / ".env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert values.pop("CTRADER_ENVIRONMENT") == "demo"
    assert set(values.values()) == {""}


@pytest.mark.parametrize("name", ["README.md", "AGENTS.md", "ARCHITECTURE.md"])
def test_links_between_the_documents_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
    assert [target for target in targets if not (ROOT / target).exists()] == []


DOCUMENTS = ["docs/SAFETY.md", "docs/BREAKERS.md", "docs/OPERATING.md"]
CHECKERS = ROOT / "tests" / "harness" / "sim_invariants.py"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_and_test_that_a_document_of_safety_names_exists(name):
    text = (ROOT / name).read_text()
    named = re.findall(r"`((?:tests|bench|src)/[\w/.]+)(?:::(\w+))?`", text)
    assert named or name == "docs/OPERATING.md"
    for path, test in named:
        assert (ROOT / path).exists(), path
        if test:
            assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), (
                test
            )
    every_test = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for test in re.findall(r"`(test_\w+)`", text):
        assert f"def {test}(" in every_test, test


def test_every_invariant_names_its_checker_and_every_checker_its_invariant():
    text = (ROOT / "docs" / "SAFETY.md").read_text()
    named = set(re.findall(r"`(check_\w+)`", text))
    written = set(
        re.findall(r"^    def (check_\w+)\(|^def (check_\w+)\(", CHECKERS.read_text(), re.MULTILINE)
    )
    there = {each for pair in written for each in pair if each}
    rows = set(re.findall(r"^\| (I\d+) \|", text, re.MULTILINE))
    assert rows == {f"I{number}" for number in range(1, 20)}
    assert {each for each in named if re.match(r"check_(i\d+|p\d+)_", each)} <= there
    assert {each for each in there if re.match(r"check_(i\d+|p\d+)_", each)} <= named
