"""From a closed bar to an entry: signal, mood, gate, size, gate again, journal."""

from msgspec.structs import replace

from palmbot.core.breakers.rules import PERCENT
from palmbot.core.breakers.verdict import read_loss_allowed, read_size_percent
from palmbot.core.gate import Denial, Denied, authorize, deny_entry
from palmbot.core.intents import make_entry, refuse_signal, store_intent
from palmbot.core.metrics import read_equity, read_state_rate
from palmbot.core.params import EngineParams
from palmbot.core.rsi import RsiState, read_rsi
from palmbot.core.sizing import Sized, Unsizable, resize, size_entry
from palmbot.core.step import Step
from palmbot.core.strategy import Signal, judge_mood, read_signal
from palmbot.domain.market import Side, Symbol, Tick
from palmbot.domain.orders import Intent
from palmbot.domain.units import MONEY_SCALE, PRICE_SCALE, VOLUME_SCALE, TimestampMs, Volume


def read_wish(rsi_state: RsiState, params: EngineParams, *, is_holding: bool) -> tuple[Signal, str]:
    """Return what the strategy wishes for at the close of a bar, and why, in words."""
    rsi = read_rsi(rsi_state, params.rsi_period)
    if rsi is None:
        return Signal.HOLD, f"RSI not ready after {rsi_state.bars_seen} bars"
    signal = read_signal(rsi, params.rsi_buy, params.rsi_sell)
    if signal is Signal.HOLD:
        return signal, f"RSI {rsi:.1f} between {params.rsi_buy:g} and {params.rsi_sell:g}: hold"
    if is_holding:
        return Signal.HOLD, f"RSI {rsi:.1f}: the open position stays"
    if signal is Signal.BUY:
        return signal, f"buy (RSI {rsi:.1f} below {params.rsi_buy:g})"
    return signal, f"sell (RSI {rsi:.1f} above {params.rsi_sell:g})"


def decide_bar(step: Step, bar_time: TimestampMs, tick: Tick) -> None:
    """Decide the closed bar that opened at `bar_time`, at the price of `tick`, known just now."""
    params = step.params
    signal, wish = read_wish(step.market.rsi, params, is_holding=bool(step.books.positions))
    if signal is Signal.HOLD:
        step.conclude(wish)
        return
    step.set_tally(replace(step.tally, signals=step.tally.signals + 1))
    side = signal.side
    mood = judge_mood(signal, step.sentiment, step.market.time, params.sentiment)
    if not mood.is_allowed:
        refuse_signal(step, wish, Denied(code=Denial.SENTIMENT, text=mood.text))
        return
    denied = deny_entry(step.state, params, side, bar_time)
    if denied is not None:
        refuse_signal(step, wish, denied)
        return
    sized = _size(step, side, tick, mood.size_percent)
    if isinstance(sized, Denied):
        refuse_signal(step, wish, sized)
        return
    intent = make_entry(step, side, bar_time, tick, sized, f"{wish}, {mood.text}")
    answer = authorize(step.state, params, intent)
    if isinstance(answer, Denied):
        refuse_signal(step, f"{wish}, volume {sized.volume / VOLUME_SCALE:g}", answer)
        return
    store_intent(step, answer)
    step.conclude(f"{wish}, {mood.text}: {_describe(intent, sized)}")


def _describe(intent: Intent, sized: Sized) -> str:
    price = intent.decision_price / PRICE_SCALE
    stop = sized.stop_distance / PRICE_SCALE
    target = sized.target_distance / PRICE_SCALE
    return (
        f"{sized.volume / VOLUME_SCALE:g} near {price:g}, stop {stop:g} and target {target:g} "
        f"away, {sized.loss_at_stop / MONEY_SCALE:.2f} at risk"
    )


def _size(step: Step, side: Side, tick: Tick, mood_percent: int) -> Sized | Denied:
    state = step.state
    equity = read_equity(state, step.params)
    rate = read_state_rate(state, step.params)
    if equity is None or rate is None or state.symbol is None:
        return Denied(
            code=Denial.RISK_DATA_UNAVAILABLE, text="equity or conversion rate is not known"
        )
    sized = size_entry(
        side=side, tick=tick, symbol=state.symbol, equity=equity, rate=rate, params=step.params
    )
    if isinstance(sized, Unsizable):
        return Denied(code=Denial.SIZE, text=sized.text)
    return _shrink(step, sized, state.symbol, mood_percent)


def _shrink(step: Step, sized: Sized, symbol: Symbol, mood_percent: int) -> Sized | Denied:
    """Return the size that mood and breakers leave: half while one probes, within the day's loss.

    Half of the smallest volume is the smallest volume; a loss too large for the day is not
    made smaller than that, but refused.
    """
    percent = read_size_percent(step.state, step.params) * mood_percent // PERCENT
    if percent < PERCENT:
        half = Volume(max(symbol.volume_min, sized.volume * percent // PERCENT))
        sized = resize(sized, half, symbol)
    allowed = read_loss_allowed(step.state, step.params)
    if allowed is None or sized.loss_at_stop <= allowed:
        return sized
    fitting = Volume(sized.volume * allowed // sized.loss_at_stop)
    if fitting < symbol.volume_min or fitting < symbol.volume_step:
        return Denied(
            code=Denial.BUDGET,
            text=f"the day may lose {allowed / MONEY_SCALE:.2f} more, the smallest volume risks "
            "above that",
        )
    return resize(sized, fitting, symbol)
