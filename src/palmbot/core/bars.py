"""Ticks into bars, bars into the RSI. A bar is closed by market time and never opens again."""

from msgspec.structs import replace

from palmbot.core.rsi import RSI_START, RsiState, update_rsi
from palmbot.core.state import FormingBar, MarketView
from palmbot.domain.market import Bar, Tick, period_start
from palmbot.domain.units import SymbolId, TimestampMs

RECENT_BARS_MAX = 64
"""Local bars kept for merging: history that lags by more than this leaves a gap."""


def take_tick(
    market: MarketView, tick: Tick, generation: int, period_ms: int, rsi_period: int
) -> MarketView:
    """Take a price of the traded symbol, in order of stamps; see `is_late` for the others.

    The first tick of a later period closes the forming bar and is the price at which its
    signal is decided. A tick of a period that is closed already moves the price only.
    """
    forming = market.forming
    time = max(market.time, tick.time)
    bid = tick.bid
    if forming is not None and tick.time < forming.open_time + period_ms:
        forming = FormingBar(
            open_time=forming.open_time,
            open=forming.open,
            high=max(forming.high, bid),
            low=min(forming.low, bid),
            close=bid,
            volume=forming.volume + 1,
        )
    else:
        if forming is not None:
            market = close_forming(market, period_ms, rsi_period)
        forming = None
        if tick.time >= market.closed_until:
            forming = FormingBar(
                open_time=period_start(tick.time, period_ms),
                open=bid,
                high=bid,
                low=bid,
                close=bid,
                volume=1,
            )
    return MarketView(
        time=time,
        tick=tick,
        tick_generation=generation,
        leg_ticks=market.leg_ticks,
        forming=forming,
        recent_bars=market.recent_bars,
        closed_until=market.closed_until,
        rsi=market.rsi,
        undecided_bar=market.undecided_bar,
        bars_decided=market.bars_decided,
    )


def is_late(market: MarketView, tick: Tick) -> bool:
    """Tell whether a younger price is known already; such a tick is dropped."""
    return market.tick is not None and tick.time < market.tick.time


def take_leg_tick(market: MarketView, tick: Tick) -> MarketView:
    """Take a price of a conversion symbol."""
    legs: dict[SymbolId, Tick] = {**market.leg_ticks, tick.symbol_id: tick}
    return replace(market, leg_ticks=legs, time=max(market.time, tick.time))


def take_time(market: MarketView, time: TimestampMs, period_ms: int, rsi_period: int) -> MarketView:
    """Let market time reach `time`; a bar whose period has ended is closed."""
    forming = market.forming
    if forming is not None and time >= forming.open_time + period_ms:
        market = close_forming(market, period_ms, rsi_period)
    return MarketView(
        time=max(market.time, time),
        tick=market.tick,
        tick_generation=market.tick_generation,
        leg_ticks=market.leg_ticks,
        forming=market.forming,
        recent_bars=market.recent_bars,
        closed_until=market.closed_until,
        rsi=market.rsi,
        undecided_bar=market.undecided_bar,
        bars_decided=market.bars_decided,
    )


def note_decided(market: MarketView) -> MarketView:
    """Note that the bar that waited for a price is decided."""
    return MarketView(
        time=market.time,
        tick=market.tick,
        tick_generation=market.tick_generation,
        leg_ticks=market.leg_ticks,
        forming=market.forming,
        recent_bars=market.recent_bars,
        closed_until=market.closed_until,
        rsi=market.rsi,
        bars_decided=market.bars_decided + 1,
    )


def take_closed_bar(  # noqa: PLR0913 - plain values, no parameter object of the engine
    market: MarketView,
    bar: Bar,
    *,
    opening: Tick | None = None,
    symbol_id: SymbolId,
    generation: int,
    period_ms: int,
    rsi_period: int,
) -> MarketView:
    """Take a bar from a file, and with it the first price after it.

    Without one its close, at the end of its period, stands for bid and ask. The caller has made
    sure that the bar is younger than all before, and decides it at once.
    """
    end = TimestampMs(bar.open_time + period_ms)
    return MarketView(
        time=max(market.time, end if opening is None else opening.time),
        tick=opening or Tick(symbol_id=symbol_id, time=end, bid=bar.close, ask=bar.close),
        tick_generation=generation,
        leg_ticks=market.leg_ticks,
        recent_bars=(*market.recent_bars[1 - RECENT_BARS_MAX :], bar),
        closed_until=end,
        rsi=update_rsi(market.rsi, float(bar.close), rsi_period),
        bars_decided=market.bars_decided + 1,
    )


def close_forming(market: MarketView, period_ms: int, rsi_period: int) -> MarketView:
    """Close the forming bar, if there is one, and leave its signal to be decided."""
    forming = market.forming
    if forming is None:
        return market
    bar = Bar(
        open_time=forming.open_time,
        open=forming.open,
        high=forming.high,
        low=forming.low,
        close=forming.close,
        volume=forming.volume,
    )
    return replace(_append(market, bar, period_ms, rsi_period), forming=None)


def merge_history(
    market: MarketView, bars: tuple[Bar, ...], period_ms: int, rsi_period: int
) -> MarketView:
    """Rebuild the RSI over the broker's closed bars, then over ours that are younger.

    The broker's bars replace ours of the same time, because ours miss what was traded while
    the link was down. No signal follows from this: a bar is decided when it closes.
    """
    if not bars:
        return market
    rsi: RsiState = RSI_START
    for bar in bars:
        rsi = update_rsi(rsi, float(bar.close), rsi_period)
    last = bars[-1].open_time
    younger = tuple(bar for bar in market.recent_bars if bar.open_time > last)
    for bar in younger:
        rsi = update_rsi(rsi, float(bar.close), rsi_period)
        last = bar.open_time
    forming = market.forming
    if forming is not None and forming.open_time <= last:
        forming = None
    return replace(
        market,
        rsi=rsi,
        forming=forming,
        recent_bars=(bars + younger)[-RECENT_BARS_MAX:],
        closed_until=max(market.closed_until, TimestampMs(last + period_ms)),
    )


def _append(market: MarketView, bar: Bar, period_ms: int, rsi_period: int) -> MarketView:
    return replace(
        market,
        recent_bars=(*market.recent_bars[1 - RECENT_BARS_MAX :], bar),
        closed_until=TimestampMs(bar.open_time + period_ms),
        rsi=update_rsi(market.rsi, float(bar.close), rsi_period),
        undecided_bar=bar.open_time,
    )
