"""`palmbot why`: in plain words, from the journal, why an order was or was not sent."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from palmbot.adapters.journal_search import FoundStep, JournalSearch, open_search
from palmbot.cli.directory import find_journal
from palmbot.cli.output import EXIT_DONE, print_json, stdout
from palmbot.domain.errors import InputInvalid
from palmbot.domain.orders import Intent, IntentKind, IntentState, Trade
from palmbot.domain.units import (
    MONEY_SCALE,
    MS_PER_SECOND,
    PRICE_SCALE,
    VOLUME_SCALE,
    TimestampMs,
)

DECISIONS_SHOWN = 3
SIGNALS_SHOWN = 5

RULES = {
    "OPERATOR": "While a halt stands there is no entry. `palmbot resume` lifts it.",
    "RECONCILING": "Entries wait until the books were compared with the broker's and agree.",
    "QUARANTINED": "Something differs from the broker's books and waits for a person: see "
    "`palmbot status`, then `palmbot reconcile ack`.",
    "SLOT_FROZEN": "One order may have reached the broker or not. Until that is proven a second "
    "one could double it.",
    "EXPOSURE": "At most one position is held at a time.",
    "WARM_UP": "The RSI needs its bars first: a value from too few of them is another value.",
    "SESSION": "The market, the account or the contract does not allow an entry at that time.",
    "DATA_STALE": "An entry rests on a fresh price of this connection only.",
    "SPREAD": "The spread was wider than `risk.spread_percent_max`.",
    "RISK_DATA_UNAVAILABLE": "Without equity and conversion rate no size can be computed.",
    "ORDER_RATE": "There is a limit of entries per minute and per day.",
    "DAILY_LOSS": "The day has lost what it may lose; see `palmbot breakers`.",
    "LOSS_STREAK": "Too many losing trades in a row: a pause in market hours comes first.",
    "VOL_SPIKE": "The market moves much more than usual, or it is not known what is usual.",
    "GAP_GUARD": "The market opened far from where it closed; it gets time to settle.",
    "REJECT_RATE": "The broker refused too many requests in a short time.",
    "ERROR_RATE": "Too many requests stayed without an answer in a short time.",
    "CRASH_LOOP": "The program was started too often in a short time; somebody should look why.",
    "ENVIRONMENT": "The connected account is not the one that this bot may trade on.",
    "CLOCK": "This machine's clock and the broker's differ, or nobody can say whether they do.",
    "DISK_SPACE": "The journal may soon find no room on the disk; nothing is sent unrecorded.",
    "TOKEN": "The key to the account dies within a day and was not renewed: authorise again.",
    "REPEATED": "One bar gives one entry at most.",
    "GENERATION": "The connection changed between decision and sending; a decision is not "
    "carried over.",
    "EPOCH": "A halt, a resume or a breaker came between decision and sending.",
    "STALE_INTENT": "Storing the decision took too long; the price has moved on.",
    "BUDGET": "What the day may still lose, or the requests a second that the broker allows, are "
    "used up.",
    "SHADOW": "A shadow run decides everything and sends nothing.",
    "SIZE": "At the allowed risk the volume falls below the smallest one the broker takes, or "
    "outside its limits.",
    "SENTIMENT": "The market's mood stood against it; see [sentiment] in palmbot.toml.",
}
"""What stands behind the codes of the gate. A code that is missing here has its text alone."""

ANSWERS = {
    IntentState.NEW: "It was decided, and the journal ends before it was sent.",
    IntentState.STORED: "It was decided, and the journal ends before it was sent.",
    IntentState.SENT: "It was sent; there is no answer yet.",
    IntentState.ACCEPTED: "It was sent, and the broker works on it.",
    IntentState.PARTIAL: "It was sent, and the broker has filled a part of it.",
    IntentState.UNKNOWN: "Nobody can say whether it reached the broker. It is never sent again; "
    "the bot looks for it in the broker's books.",
    IntentState.FILLED: "It was sent, and the broker carried it out.",
    IntentState.REJECTED: "It was sent, and the broker refused it.",
    IntentState.EXPIRED: "It was sent, and it ran out at the broker.",
    IntentState.CANCELLED: "It was sent, and it was cancelled at the broker.",
    IntentState.CANCELLED_LOCALLY: "It was NOT sent: asked again after storing, the gate said no.",
    IntentState.LOST: "It was given up; if it was sent, the broker does not have it.",
}


def why(
    what: str | None = None,
    *,
    directory: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Explain from the journal why an order was or was not sent.

    Example: `palmbot why 2026-01-06T06:20 --directory palmbot-demo`

    Args:
        what: Id of a request or the beginning of it, or the opening time of a bar in UTC;
            without it the last decisions.
        directory: Data directory of the bot, running or not; needed if there are several.
        as_json: Print one JSON document.
    """
    with open_search(find_journal(directory)) as search:
        if what is None:
            document, lines = _explain_last(search)
        elif (bar_time := _parse_time(what)) is not None:
            document, lines = _explain_bar(search, bar_time)
        else:
            document, lines = _explain_intent(search, what.upper())
    if as_json:
        print_json(document)
    else:
        for line in lines:
            stdout.print(line, markup=False, highlight=False, soft_wrap=True)
    return EXIT_DONE


def find_rule(reason: str) -> str:
    """Return the rule behind a refusal, empty if the reason is none or the code has no text."""
    found = re.search(r"(?:refused|not sent|not possible), ([A-Z_]+):", reason)
    found = found or re.match(r"([A-Z_]+):", reason)
    return RULES.get(found.group(1), "") if found else ""


def _explain_last(search: JournalSearch) -> tuple[dict[str, object], list[str]]:
    decisions = search.list_decisions(DECISIONS_SHOWN)
    signals = search.list_signals(SIGNALS_SHOWN)
    document = {
        "decisions": msgspec.to_builtins(decisions),
        "signals": [
            {**msgspec.to_builtins(each), "rule": find_rule(each.reason)} for each in signals
        ],
    }
    lines = ["Last decisions:", *map(_render_step, decisions)]
    lines += ["", "Last signals, sent or refused:"]
    for each in signals:
        lines.append(_render_step(each))
        lines += [f"      {rule}" for rule in (find_rule(each.reason),) if rule]
    if not signals:
        lines.append("  none: the RSI has not left its middle since the journal began")
    return document, lines


def _explain_bar(
    search: JournalSearch, bar_time: TimestampMs
) -> tuple[dict[str, object], list[str]]:
    params = search.read_params()
    if params is None:
        raise InputInvalid("the journal holds no run yet: there is nothing to explain")
    start = TimestampMs(bar_time - bar_time % params.bar_period_ms)
    end = TimestampMs(start + params.bar_period_ms)
    prices = search.count_prices(start, end)
    decision = search.find_bar_decision(end) if prices else None
    document: dict[str, object] = {"bar_time": start, "prices": prices, "decision": None}
    title = f"Bar of {_moment(start)}"
    if not prices:
        text = "no price came in it: the market was closed, or there was no connection"
        return {**document, "text": text}, [f"{title}: {text}"]
    if decision is None:
        text = "nothing was decided about it: no price came after it, at which to act"
        return {**document, "text": text}, [f"{title}: {text}"]
    document["decision"] = msgspec.to_builtins(decision)
    document["rule"] = rule = find_rule(decision.reason)
    when = _moment(decision.market_time)
    lines = [f"{title}: {prices} prices. Decided at the first price after it, {when}:"]
    lines += [f"  {text}" for text in (decision.reason, rule) if text]
    for intent in search.find_intents(""):
        if intent.kind is IntentKind.ENTRY and intent.bar_time == start:
            document["order"], order_lines = _explain_one(search, intent)
            lines += ["", *order_lines]
    return document, lines


def _explain_intent(search: JournalSearch, prefix: str) -> tuple[dict[str, object], list[str]]:
    found = search.find_intents(prefix)
    if not found:
        raise InputInvalid(
            f"the journal knows no request {prefix}, and it is no time such as 2026-01-06T06:20: "
            "`palmbot why` without it lists the last ones"
        )
    if len(found) > 1:
        names = ", ".join(each.intent_id for each in found[:SIGNALS_SHOWN])
        raise InputInvalid(f"{prefix} begins {len(found)} requests: {names}; give more of it")
    return _explain_one(search, found[0])


def _explain_one(search: JournalSearch, intent: Intent) -> tuple[dict[str, object], list[str]]:
    story = search.list_story(intent)
    trade = None if intent.position_id is None else search.find_trade(intent.position_id)
    rule = find_rule(intent.resolution)
    document: dict[str, object] = {
        "intent": msgspec.to_builtins(intent),
        "was_sent": intent.sent_at is not None,
        "answer": ANSWERS[intent.state],
        "rule": rule,
        "trade": None if trade is None else msgspec.to_builtins(trade),
        "story": msgspec.to_builtins(story),
    }
    side = intent.side.name.lower()
    name = f"{intent.kind.value.capitalize()} {intent.intent_id}"
    lines = [f"{name} ({side} {intent.volume / VOLUME_SCALE:g}): {intent.state}"]
    lines.append(f"  {ANSWERS[intent.state]}")
    if intent.resolution:
        lines.append(f"  noted     {intent.resolution}")
    if rule:
        lines.append(f"  rule      {rule}")
    lines.append(f"  because   {intent.reason}")
    lines.append(f"  decided   {_moment(intent.created_at)}{_describe_terms(intent)}")
    if intent.sent_at is not None:
        lines.append(f"  sent      {_moment(intent.sent_at)}, on connection {intent.generation}")
    if intent.position_id is not None:
        lines.append(f"  position  {intent.position_id}{_describe_trade(trade)}")
    return document, [*lines, "", "  What the journal says of it:", *map(_render_step, story)]


def _describe_terms(intent: Intent) -> str:
    """Return price, stop and target of an entry, as the second half of a line."""
    if intent.stop_distance is None or intent.target_distance is None:
        return ""
    return (
        f", bar of {_moment(intent.bar_time)}, price {_price(intent.decision_price)}, stop "
        f"{_price(intent.stop_distance)} and target {_price(intent.target_distance)} away"
    )


def _describe_trade(trade: Trade | None) -> str:
    if trade is None:
        return ", open when the journal ends"
    profit = f"{trade.profit / MONEY_SCALE:.2f}"
    return (
        f", from {_price(trade.entry_price)} to {_price(trade.exit_price)}, closed by "
        f"{trade.exit_reason} on {_moment(trade.exit_time)}, profit {profit}"
    )


def _render_step(step: FoundStep) -> str:
    time = "no price yet" if step.market_time == 0 else _moment(step.market_time)
    return f"  {step.sequence:>8}  {time}  {step.reason}"


def _parse_time(text: str) -> TimestampMs | None:
    """Return a time written as ISO 8601, in UTC unless it says otherwise; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return TimestampMs(int(moment.timestamp() * MS_PER_SECOND))


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / MS_PER_SECOND, UTC):%a %Y-%m-%d %H:%M:%S} UTC"


def _price(price: int) -> str:
    return f"{price / PRICE_SCALE:.5f}".rstrip("0").rstrip(".")
