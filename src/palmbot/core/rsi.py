"""Relative strength index after Wilder (1978), one close at a time."""

from typing import NamedTuple

RSI_NO_MOVEMENT = 50.0


class RsiState(NamedTuple):
    """Averages over the closes seen so far. Plain numbers, so that a compiler can take it."""

    bars_seen: int
    last_close: float
    average_gain: float
    average_loss: float


RSI_START = RsiState(0, 0.0, 0.0, 0.0)


def update_rsi(state: RsiState, close: float, period: int) -> RsiState:
    """Fold one closing price, in any unit, into the averages.

    The first `period` changes are averaged plainly, later ones by Wilder's smoothing.
    """
    if state.bars_seen == 0:
        return RsiState(1, close, 0.0, 0.0)
    change = close - state.last_close
    weight = min(state.bars_seen, period)
    gain = (state.average_gain * (weight - 1) + max(change, 0.0)) / weight
    loss = (state.average_loss * (weight - 1) + max(-change, 0.0)) / weight
    return RsiState(state.bars_seen + 1, close, gain, loss)


def read_rsi(state: RsiState, period: int) -> float | None:
    """Return the RSI, 0 to 100, or None until `period` changes were seen.

    A window without any movement gives 50: it is neither bought nor sold out.
    """
    if state.bars_seen <= period:
        return None
    movement = state.average_gain + state.average_loss
    if movement == 0.0:
        return RSI_NO_MOVEMENT
    return 100.0 * state.average_gain / movement
