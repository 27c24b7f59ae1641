"""`orchestrate demo`: the normal loop with a scripted agent; no model, no network."""

import tempfile
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orchestrator.cli.output import (
    EXIT_DONE,
    EXIT_REFUSED,
    Json,
    print_json,
    report_error,
    say,
    stdout,
    write_file,
)
from orchestrator.cli.run import follow
from orchestrator.demo.play import load_scenario, perform, scenario_names
from orchestrator.demo.stage import set_stage
from orchestrator.demo.tls_server import TlsServer, write_certificates
from orchestrator.domain.errors import InputInvalid
from orchestrator.views.page import render_page
from orchestrator.views.summaries import summarize
from orchestrator.views.terminal import render_run


def demo(  # noqa: PLR0913 - its options
    *,
    scenario: str = "tour",
    session: Path | None = None,
    keep: Path | None = None,
    html: Path | None = None,
    scenarios: Annotated[bool, Parameter(name="--list", negative="")] = False,
    json_: Json = False,
) -> int:
    """Watch the orchestrator work: a small project, real processes, real checks, lies included.

    Example: `orchestrate demo --scenario liar`, or `orchestrate demo --html demo.html`

    Args:
        scenario: What the agent does; `--list` names them all.
        session: A session document to run instead of the demo's own; it is copied.
        keep: Play in this folder and leave everything there; a temporary one by default.
        html: Write a page about the run here.
        scenarios: Only list the scenarios.
        json_: One JSON document on stdout.
    """
    if scenarios:
        titles = {name: str(load_scenario(name)["title"]) for name in scenario_names()}
        if json_:
            print_json({"scenarios": titles})
        else:
            for name, title in titles.items():
                say(f"{name:<16}{title}")
        return EXIT_DONE
    load_scenario(scenario)
    with tempfile.TemporaryDirectory(prefix="orchestrate-demo-") as temporary:
        folder = keep.resolve() if keep else Path(temporary)
        root = folder / "project"
        if root.exists():
            raise InputInvalid(f"{root} is there already: name an empty folder with --keep")
        ca_file, chain = write_certificates(folder / "tls")
        with TlsServer(chain) as server:
            stage = set_stage(root, port=server.port, ca_file=ca_file, document=session)
            shown = follow(lambda told: perform(stage, scenario, told))
        if html is not None:
            write_file(html, render_page(shown.state, shown.events).encode())
    if json_:
        print_json(
            {
                "scenario": scenario,
                "surprises": shown.surprises,
                **summarize(shown.state, shown.events),
            }
        )
    else:
        say(f"\n{scenario}: {shown.title}")
        stdout.print(render_run(shown.state))
        if keep:
            say(f"everything is in {root}: orchestrate why TODO-BATCH-001 --root {root}")
    for each in shown.surprises:
        report_error(each)
    return EXIT_REFUSED if shown.surprises else EXIT_DONE
