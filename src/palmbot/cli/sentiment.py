"""`palmbot sentiment`: the sources of the market's mood, the rules, and what they are worth."""

import asyncio
import random
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.cli.directory import choose_directory
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.config.loading import load_config
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_SECOND
from palmbot.sentiment import perplexity, x_search
from palmbot.sentiment.desk import LEDGER_NAME, RECORDING_NAME, make_providers
from palmbot.sentiment.headlines import clean_title, is_instruction
from palmbot.sentiment.httpx_web import HttpxWeb
from palmbot.sentiment.ledger import Ledger, Spending, read_spending_file
from palmbot.sentiment.plan import SentimentPlan
from palmbot.sentiment.probing import ProbeResult
from palmbot.sentiment.probing import probe as probe_providers
from palmbot.sentiment.providers import Caller
from palmbot.sentiment.recording import read_counters
from palmbot.sentiment.score_table import (
    ScoreTable,
    is_labelled,
    parse_labelled,
    read_seed,
    tabulate,
)
from palmbot.sentiment.scorer import HeadlineScore, score_batch, score_headline
from palmbot.sentiment.waiting import pause

AsJson = Annotated[bool, Parameter(name="--json", negative=())]


def probe(
    *, directory: Path | None = None, settings: Path | None = None, as_json: AsJson = False
) -> int:
    """Ask every source that is set up once, and show status, shape and cost.

    Costs about a cent with all sources, counted in the day's budget; nothing else is kept.
    Exit code 1 if a source gave no score.

    Example: `palmbot sentiment probe`

    Args:
        directory: Data directory with the budget; by default the one of the bot.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    config = load_config(settings)
    plan = config.make_sentiment_plan()
    place = choose_directory(config.environment, directory)
    if not (plan.perplexity_key or plan.x_token or plan.feeds):
        raise InputInvalid(
            f"no source of sentiment is set up: add one of {', '.join(plan.missing)} "
            "(see docs/SENTIMENT.md)"
        )
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise InputInvalid(
            f"cannot make {place} for the budget: {e.strerror}; choose another with --directory"
        ) from e
    results = asyncio.run(_probe(plan, place))
    if as_json:
        print_json({"sources": [asdict(each) for each in results], "missing": plan.missing})
    else:
        stdout.print(render_probe(results))
        for each in results:
            headers = f", headers {', '.join(each.headers)}" if each.headers else ""
            answer = each.failure or f"fields {each.shape}{headers}"
            stdout.print(
                f"{each.provider}: {answer}", highlight=False, soft_wrap=True, markup=False
            )
        if plan.missing:
            stderr.print(f"not set up: {', '.join(plan.missing)}", highlight=False)
    return EXIT_REFUSED if any(each.failure for each in results) else EXIT_DONE


async def _probe(plan: SentimentPlan, directory: Path) -> tuple[ProbeResult, ...]:
    clock = SystemClock()
    limits = {
        perplexity.NAME: plan.perplexity_usd_per_day,
        x_search.NAME: plan.x_usd_per_day,
    }
    ledger = Ledger(directory / LEDGER_NAME, limits, clock)
    try:
        async with HttpxWeb(make_context()) as web:

            def make_caller(name: str) -> Caller:
                return Caller(
                    name,
                    web=web,
                    ledger=ledger,
                    clock=clock,
                    wait=lambda seconds: pause(clock, seconds),
                    draw_jitter=random.random,
                )

            providers = make_providers(plan, make_caller)
            return await probe_providers(providers, plan.question, clock)
    finally:
        await ledger.close()


def score(text: str | None = None, *, as_json: AsJson = False) -> int:
    """Score a headline, or the headlines of a file, by the offline rules.

    A file with the columns label, category and headline gives a table of accuracy, and exit
    code 1 if a headline about stocks, output, exports, demand, policy or currency is read
    backwards. Any other file holds one headline a line. Without a text the headlines that the
    rules were built with are taken.

    Example: `palmbot sentiment score "Malaysian palm oil stocks fall to six-month low"`

    Args:
        text: The headline, or the name of a file.
        as_json: Print one JSON document.
    """
    if text is None:
        return _show_table(tabulate(read_seed()), as_json=as_json)
    path = Path(text)
    try:
        is_file = path.is_file()
    except OSError:  # a headline may be longer than any name
        is_file = False
    if not is_file:
        if path.suffix in {".csv", ".txt"}:
            raise InputInvalid(f"there is no file {text}")
        return _show_headlines([text], as_json=as_json)
    if is_labelled(path):
        rows = parse_labelled(path.read_text(encoding="utf-8"), text)
        return _show_table(tabulate(rows), as_json=as_json)
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return _show_headlines([line for line in lines if line], as_json=as_json)


def stats(*, directory: Path | None = None, as_json: AsJson = False) -> int:
    """Show how the cache and the sources fare: hit rate measured and predicted, failures, cost.

    Of a running bot about a minute old, otherwise as of the end of its last run.

    Example: `palmbot sentiment stats --directory palmbot-data/demo`

    Args:
        directory: Data directory of the bot.
        as_json: Print one JSON document.
    """
    place = directory or choose_directory(load_config().environment, None)
    found = read_counters(place / RECORDING_NAME)
    if found is None:
        raise InputInvalid(
            f"{place} holds no {RECORDING_NAME}: a bot with a source of sentiment writes one; "
            "name its data directory with --directory"
        )
    noted_at, document = found
    spending = read_spending_file(place / LEDGER_NAME, SystemClock().wall_ms())
    if as_json:
        spent = {name: asdict(each) for name, each in spending.items()}
        print_json({"noted_at_ms": noted_at, **document, "spent_today": spent})
        return EXIT_DONE
    moment = datetime.fromtimestamp(noted_at / MS_PER_SECOND, UTC)
    stdout.print(render_stats(document, spending, f"as of {moment:%Y-%m-%d %H:%M:%S} UTC"))
    return EXIT_DONE


def render_probe(results: tuple[ProbeResult, ...]) -> Table:
    """Return what the sources answered as a table for people."""
    table = Table(title="one question to each source")
    for column in ("source", "how", "status", "score", "cost USD", "seconds"):
        table.add_column(column, overflow="fold")
    for each in results:
        table.add_row(
            each.provider,
            f"{each.mode} {each.model}",
            "-" if each.status is None else str(each.status),
            "-" if each.score is None else f"{each.score:+d} of {each.domains} sources",
            f"{each.cost_usd:.5f}",
            f"{each.seconds:.2f}",
        )
    return table


def render_stats(document: dict[str, Any], spending: dict[str, Spending], caption: str) -> Table:
    """Return counters and costs as a table for people."""
    table = Table(title="sentiment", caption=caption, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    misses = document["misses"]
    for name, value in (
        ("lookups", str(document["lookups"])),
        ("hits", str(document["hits"])),
        ("misses", f"{misses['cold']} cold, {misses['expired']} expired"),
        ("joined a fetch", str(document["coalesced"])),
        ("failed a moment ago", str(document["negative_hits"])),
        ("hit rate", _percent(document["hit_rate"])),
        ("  of the last hour", _percent(document["hit_rate_last_hour"])),
        ("  predicted without refresher", _percent(document["hit_rate_predicted"])),
        ("stale served", str(document["stale_served"])),
        ("unknown served", str(document["unknown_served"])),
        ("refreshes", str(document["refreshes"])),
        ("quarantined", str(document["quarantined"])),
        ("median and longest question", _latency(document)),
        ("rows lost by the recorder", str(document["recorder_lost"])),
        *_render_sources(document),
        *(
            (
                f"spent today on {name}",
                f"${each.booked_usd:.4f} in {each.calls} calls"
                + (f", ${each.overclaimed_usd:.2f} claimed above" if each.overclaimed_usd else ""),
            )
            for name, each in spending.items()
        ),
    ):
        table.add_row(name, value)
    return table


def _render_sources(document: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for each in document["providers"]:
        name = each["provider"]
        asked = document["provider_calls"].get(name, 0)
        answered = document["provider_answers"].get(name, 0)
        errors = [
            f"{error['count']} {error['kind']}"
            for error in document["provider_errors"]
            if error["provider"] == name
        ]
        wait = f" for {each['wait_s']} s" if each["wait_s"] else ""
        words = f"{each['state']}{wait}; asked {asked}, answered {answered}"
        rows.append((f"source {name}", "; ".join([words, *errors])))
    rows += [
        (f"from {each['from']} to {each['to']}", f"{each['count']} by {each['kind']}")
        for each in document["fallbacks"]
    ]
    return rows


def _show_table(table: ScoreTable, *, as_json: bool) -> int:
    if as_json:
        print_json(
            {
                "count": table.count,
                "right": table.right,
                "accuracy": table.right / table.count,
                "backwards": table.backwards,
                "is_sound": table.is_sound,
                "groups": [asdict(each) for each in table.groups],
                "wrong": [{**asdict(each), "sign": sign} for each, sign in table.wrong],
            }
        )
    else:
        stdout.print(render_table(table))
        for each, sign in table.wrong:
            stdout.print(
                f"{each.label} read as {sign}: {each.headline}", highlight=False, markup=False
            )
    return EXIT_DONE if table.is_sound else EXIT_REFUSED


def render_table(found: ScoreTable) -> Table:
    """Return accuracy by group as a table for people."""
    table = Table(
        title=f"{found.right} of {found.count} read right ({found.right / found.count:.1%})",
        caption="* backwards must be 0",
    )
    for column in ("group", "headlines", "right", "silent", "backwards"):
        table.add_column(column, justify="left" if column == "group" else "right")
    for each in found.groups:
        mark = " *" if each.is_gated else ""
        numbers = map(str, (each.count, each.right, each.silent, each.backwards))
        table.add_row(each.category + mark, *numbers)
    return table


def _show_headlines(headlines: list[str], *, as_json: bool) -> int:
    if not headlines:
        raise InputInvalid("there is no headline to score")
    cleaned = [clean_title(each) for each in headlines]
    read = [each for each in cleaned if each and not is_instruction(each)]
    scores = [(each, score_headline(each)) for each in read]
    batch = score_batch(read)
    if as_json:
        print_json(
            {
                "score": batch.score if batch.relevant else None,
                "relevant": batch.relevant,
                "refused": len(cleaned) - len(read),
                "drivers": sorted(batch.drivers),
                "headlines": [_document(title, each) for title, each in scores],
            }
        )
        return EXIT_DONE
    for title, each in scores:
        words = "; ".join(each.rules) or "no rule speaks for either side"
        stdout.print(f"{each.score:+.2f}  {title}\n       {words}", highlight=False, markup=False)
    if len(cleaned) > len(read):
        stdout.print(f"refused as orders to a machine: {len(cleaned) - len(read)}")
    known = f"{batch.score:+d}" if batch.relevant else "unknown: none is about palm oil's price"
    stdout.print(f"score: {known}", highlight=False)
    return EXIT_DONE


def _document(title: str, each: HeadlineScore) -> dict[str, Any]:
    return {
        "headline": title,
        "score": each.score,
        "is_relevant": each.is_relevant,
        "drivers": sorted(each.drivers),
        "rules": each.rules,
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _latency(document: dict[str, Any]) -> str:
    median, longest = document["latency_ms_median"], document["latency_ms_max"]
    return "-" if median is None else f"{median} ms, {longest} ms"
