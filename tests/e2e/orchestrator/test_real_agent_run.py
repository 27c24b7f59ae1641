"""The whole loop with a real agent program and a scripted model on loopback.

Skipped where the program is not on PATH. No account, no network, a home folder of its own.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.scripted_model import ScriptedModel, scripted_model

DOCUMENT = """# Session

## TODO batches

### TODO-BATCH-001
**ID**: TODO-BATCH-001
**Agents**: backend-architect
**Priority**: HIGH
**Tasks**:
1. Make hello.txt

**Prompt**:
```
Make hello.txt
```

**Deliverables**:
- hello.txt

## Success metrics

| Criterion | Target | Status |
|---|---|---|
| TODO-BATCH-001 | 1/1 tasks done | PENDING |
"""
SIDECAR = """adapter = "codex"
attempts_max = 1

[[checks]]
batch = "TODO-BATCH-001"
task = 1
kind = "command"
argv = ["grep", "-q", "hi", "hello.txt"]
"""
PROVIDER = """model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "CODEX_API_KEY"
request_max_retries = 0
stream_max_retries = 0
"""


def run(argv, project, environment):
    return subprocess.run(  # noqa: S603 - git and our own command
        argv, cwd=project, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def prepare(folder: Path, url: str):
    home, project = folder / "home", folder / "project"
    (home / ".codex").mkdir(parents=True)
    (home / ".codex" / "config.toml").write_text(PROVIDER.format(url=url), encoding="utf-8")
    project.mkdir()
    (project / "ORCHESTRATOR_SESSION_ACTIVE.md").write_text(DOCUMENT, encoding="utf-8")
    (project / "CLAUDE.md").write_text("# Central file\n", encoding="utf-8")
    (project / "acceptance.toml").write_text(SIDECAR, encoding="utf-8")
    who = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "CODEX_API_KEY": "dummy",
        **dict.fromkeys(who, "someone"),
    }
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "start"]):
        assert run(["git", *arguments], project, environment).returncode == 0
    return project, environment


@pytest.mark.skipif(shutil.which("codex") is None, reason="codex is not on PATH")
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("command", "state", "proof"),
    [("echo hi > hello.txt", "done", "pass"), ("echo nothing done", "failed", "fail")],
)
def test_a_real_agent_is_done_only_when_the_check_says_so(tmp_path, command, state, proof):
    model = ScriptedModel(tool_call=lambda _: ("exec_command", {"cmd": command}))
    orchestrate = [sys.executable, "-m", "orchestrator.cli.main"]
    with scripted_model(model):
        project, environment = prepare(tmp_path, model.base_url)
        ended = run([*orchestrate, "run", "--root", "."], project, environment)
        status = run([*orchestrate, "status", "--json", "--root", "."], project, environment)
    batch = json.loads(status.stdout)["batches"][0]
    assert (batch["state"], batch["tasks"][0]["proof"]) == (state, proof), ended.stdout
    assert batch["tasks"][0]["exec"] == "ok", "the agent itself ended well both times"
    assert any("Make hello.txt" in json.dumps(body) for _, body in model.asked)
