"""Watches a demo as it runs and keeps what its report shows."""

from dataclasses import replace

from palmbot.core.breakers.book import FORBIDDING
from palmbot.core.metrics import read_equity
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, LinkPhase, OpenPosition
from palmbot.domain.breakers import BreakerName
from palmbot.domain.commands import Send
from palmbot.domain.events import Event, LinkLost, LinkReady
from palmbot.domain.market import Symbol
from palmbot.domain.orders import IntentKind, IntentState, Trade
from palmbot.domain.units import MS_PER_DAY, PositionId, Price, TimestampMs
from palmbot.reports.demo_run import (
    BreakerEpisode,
    EquityPoint,
    LinkEpisode,
    PricePoint,
    Refusal,
    ReportedTrade,
)
from palmbot.simulator.server import StepResult


class DemoRecorder:
    """An observer of `live.trader`, told of every recorded step."""

    def __init__(self, params: EngineParams) -> None:
        self._params = params
        self.prices: list[PricePoint] = []
        self.equity: list[EquityPoint] = []
        self.entries_sent = 0
        self.links_ready = 0
        self.frozen_ms = 0
        self.trading_days: set[int] = set()
        self.symbol: Symbol | None = None
        self._trades: list[Trade] = []
        self._links: list[LinkEpisode] = []
        self._breakers: list[BreakerEpisode] = []
        self._standing: dict[BreakerName, int] = {}
        self._levels: dict[PositionId, tuple[Price | None, Price | None]] = {}
        self._refusals: dict[str, tuple[str, int]] = {}
        self._bars = 0
        self._is_frozen = False
        self._quoted_at: TimestampMs | None = None

    def observe(self, event: Event, decision: Decision) -> None:
        """Take note of one step."""
        self.entries_sent += sum(
            isinstance(each, Send) and each.intent.kind is IntentKind.ENTRY
            for each in decision.commands
        )
        self._trades.extend(decision.closed_trades)
        for position in decision.changed_positions:
            if isinstance(position, OpenPosition):
                self._levels[position.position_id] = (position.stop_loss, position.take_profit)
        self._watch_breakers(decision)
        self._watch_link(event, decision)
        self._watch_refusals(decision)
        if decision.changed_intents:
            self._is_frozen = any(
                intent.state is IntentState.UNKNOWN
                for intent in decision.state.books.intents.values()
            )
        if decision.state.market.bars_decided != self._bars:
            self._bars = decision.state.market.bars_decided
            self._note_bar(decision)

    def note_quote(self, step: StepResult) -> None:
        """Count market time with the slot frozen, and trading days; closed hours do not count."""
        if self.symbol is None or step.symbol_id != self.symbol.symbol_id:
            return
        if self._quoted_at is not None and self._is_frozen:
            passed_ms = step.time - self._quoted_at
            self.frozen_ms += passed_ms if passed_ms <= self._params.bar_period_ms else 0
        self._quoted_at = step.time
        self.trading_days.add(step.time // MS_PER_DAY)

    @property
    def trades(self) -> tuple[ReportedTrade, ...]:
        """Closed trades with the levels their position last had."""
        return tuple(
            ReportedTrade(trade=trade, stop_loss=stop, take_profit=target)
            for trade in self._trades
            for stop, target in (self._levels.get(trade.position_id, (None, None)),)
        )

    @property
    def links(self) -> tuple[LinkEpisode, ...]:
        """Losses of the link, oldest first."""
        return tuple(self._links)

    @property
    def breakers(self) -> tuple[BreakerEpisode, ...]:
        """Times a breaker kept entries off, by their beginning."""
        return tuple(self._breakers)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Signals the gate refused, most frequent first."""
        return tuple(
            Refusal(code=code, text=text, count=count)
            for code, (text, count) in sorted(
                self._refusals.items(), key=lambda item: (-item[1][1], item[0])
            )
        )

    def _note_bar(self, decision: Decision) -> None:
        state = decision.state
        if not state.market.recent_bars or self._quoted_at is None:
            return  # the first price after connecting belongs to the history
        time, close = state.market.closed_until, state.market.recent_bars[-1].close
        if self.prices and self.prices[-1].time >= time:
            return
        self.prices.append(PricePoint(time=time, price=close))
        equity = read_equity(state, self._params)
        if equity is not None:
            self.equity.append(EquityPoint(time=time, equity=equity))

    def _watch_breakers(self, decision: Decision) -> None:
        for change in decision.breaker_changes:
            if change.name is BreakerName.DATA_STALE:
                continue  # a feed that pauses for seconds, many times a day, is no episode
            at = self._standing.get(change.name)
            if at is None and change.after in FORBIDDING:
                self._standing[change.name] = len(self._breakers)
                self._breakers.append(
                    BreakerEpisode(
                        tripped_at=change.at,
                        cleared_at=None,
                        name=change.name,
                        reason=change.reason,
                    )
                )
            elif at is not None and change.after not in FORBIDDING:
                self._breakers[at] = replace(self._breakers[at], cleared_at=change.at)
                del self._standing[change.name]

    def _watch_link(self, event: Event, decision: Decision) -> None:
        state = decision.state
        if isinstance(event, LinkReady):
            self.links_ready += 1
            self.symbol = event.symbol
        is_open = bool(self._links) and self._links[-1].regained_at is None
        if isinstance(event, LinkLost):
            if is_open:  # lost again before the bot could trade: still the same episode
                reason = f"{self._links[-1].reason}; again: {event.reason}"
                self._links[-1] = replace(self._links[-1], reason=reason)
            else:
                time = state.market.time
                self._links.append(LinkEpisode(lost_at=time, regained_at=None, reason=event.reason))
        elif is_open and state.link.phase is LinkPhase.CONSISTENT:
            self._links[-1] = replace(self._links[-1], regained_at=state.market.time)

    def _watch_refusals(self, decision: Decision) -> None:
        for code, count in decision.state.tally.refusals.items():
            text, known = self._refusals.get(code, ("", 0))
            if count != known:
                self._refusals[code] = (decision.reason or text, count)
