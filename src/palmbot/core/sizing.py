"""How much to trade: the volume that loses the allowed share of equity at the stop."""

from msgspec import Struct

from palmbot.core.conversion import Rate, value_in_quote
from palmbot.core.params import EngineParams
from palmbot.domain.market import Side, Symbol, Tick
from palmbot.domain.units import BASIS_POINTS, Money, Price, Volume

ONE_UNIT = Volume(1)
LEVERAGE_SCALE = 100
"""Leverage is counted in hundredths, rounded down, which can only ask for more margin."""


class Sized(Struct, frozen=True, kw_only=True):
    """Volume and distances of an entry, all on the steps of the contract."""

    volume: Volume
    stop_distance: Price
    target_distance: Price
    loss_at_stop: Money
    """In account currency, positive: what the stop costs if it fills at its price."""
    margin: Money
    """In account currency."""


class Unsizable(Struct, frozen=True, kw_only=True):
    """No volume fits."""

    text: str


def read_distance(price: Price, share_bp: int, step: Price) -> Price:
    """Return a share of a price, rounded to the nearest price step, half a step up; at least one.

    The broker never rounds and refuses a distance between two steps.
    """
    steps = (2 * price * share_bp + BASIS_POINTS * step) // (2 * BASIS_POINTS * step)
    return Price(max(1, steps) * step)


def round_level(level: int, entry: Price, step: Price) -> Price:
    """Return a price on the price step: unless it is on it, the next one towards `entry`."""
    steps = -(-level // step) if level < entry else level // step
    return Price(steps * step)


def size_entry(  # noqa: PLR0913 - the facts of one entry, each named by its caller
    *, side: Side, tick: Tick, symbol: Symbol, equity: Money, rate: Rate, params: EngineParams
) -> Sized | Unsizable:
    """Return the largest volume on the step that keeps the risk and the margin.

    The broker places the stop at its distance from the fill: a long enters at the ask and
    its stop is tested on the bid, a short the other way round. So the distance alone is the
    loss, the spread at entry included, and the spread has to fit into it.
    """
    entry = tick.ask if side is Side.BUY else tick.bid
    stop = read_distance(entry, params.stop_loss_bp, symbol.price_step)
    target = read_distance(entry, params.take_profit_bp, symbol.price_step)
    refusal = _check_distances(tick, symbol, stop, target)
    if refusal is not None:
        return refusal
    # Each loss or margin is (money in quote currency of one unit) * volume * rate: solved for the
    # volume in integers and rounded down.
    risk_money = equity * params.risk_bp // BASIS_POINTS
    margin_money = equity * params.margin_bp_max // BASIS_POINTS
    leverage = int(symbol.leverage * LEVERAGE_SCALE)
    if leverage <= 0:
        return Unsizable(text=f"the broker grants no leverage ({symbol.leverage}) for margin")
    by_risk = _volume_for(risk_money, stop, rate)
    by_margin = _volume_for(margin_money * leverage // LEVERAGE_SCALE, entry, rate)
    volume = min(by_risk, by_margin, symbol.volume_max)
    if params.live is not None and tick.time < params.live.smallest_until:
        volume = min(volume, symbol.volume_min)  # the first day with real money
    volume = Volume(volume - volume % symbol.volume_step)
    if volume < symbol.volume_min or volume <= 0:
        limit = "risk" if by_risk <= by_margin else "margin"
        return Unsizable(
            text=f"the {limit} limit allows a volume of {min(by_risk, by_margin) / 100:.2f}, "
            f"the smallest is {symbol.volume_min / 100:.2f}"
        )
    loss = Money(-rate.convert(Money(-value_in_quote(stop, volume))))
    notional = -rate.convert(Money(-value_in_quote(entry, volume)))
    return Sized(
        volume=volume,
        stop_distance=stop,
        target_distance=target,
        loss_at_stop=loss,
        margin=Money(-(-notional * LEVERAGE_SCALE // leverage)),
    )


def resize(sized: Sized, volume: Volume, symbol: Symbol) -> Sized:
    """Return a smaller entry with the same distances; loss and margin shrink in proportion.

    The volume is rounded down to the step, and both amounts up.
    """
    volume = Volume(volume - volume % symbol.volume_step)
    if not 0 < volume <= sized.volume:
        return sized
    return Sized(
        volume=volume,
        stop_distance=sized.stop_distance,
        target_distance=sized.target_distance,
        loss_at_stop=Money(-(-sized.loss_at_stop * volume // sized.volume)),
        margin=Money(-(-sized.margin * volume // sized.volume)),
    )


def _check_distances(tick: Tick, symbol: Symbol, stop: Price, target: Price) -> Unsizable | None:
    if stop < symbol.stop_distance_min:
        return Unsizable(
            text=f"stop distance {stop} is below the broker's smallest, {symbol.stop_distance_min}"
        )
    if target < symbol.target_distance_min:
        return Unsizable(
            text=f"target distance {target} is below the broker's smallest, "
            f"{symbol.target_distance_min}"
        )
    if stop <= tick.ask - tick.bid:
        return Unsizable(
            text=f"spread {tick.ask - tick.bid} reaches the stop, {stop} from the entry"
        )
    if stop >= tick.bid:
        return Unsizable(text=f"a stop {stop} from the entry would lie at or below zero")
    return None


def _volume_for(budget: int, distance: Price, rate: Rate) -> int:
    per_unit = value_in_quote(distance, ONE_UNIT) * rate.high_numerator
    return max(0, budget * rate.high_denominator // per_unit)
