"""Recorded sentiment for a sweep: which bars it keeps from buying and from selling.

A recorded mood depends on the moment alone and leaves every size as it is, so what the strategy
makes of it is a flag for each bar. The judgement is the strategy's own, `core.strategy.judge_mood`.
"""

import numpy as np

from palmbot.core.breakers.rules import PERCENT
from palmbot.core.params import SentimentMode, SentimentRules
from palmbot.core.strategy import Signal, judge_mood
from palmbot.domain.units import TimestampMs
from palmbot.research.backtest import MoodSource
from palmbot.research.recorded_only import require_recorded
from palmbot.research.rules import BlockedBars, Ints


def find_blocked(time_ms: Ints, mood: MoodSource, mode: SentimentMode) -> BlockedBars:
    """Return the bars at whose close the recorded mood refuses a buy, and those of a sell.

    Args:
        time_ms: Openings of the bars: a bar is decided when the next one opens, by what was known
            at that moment.
        mood: Of a recording.
        mode: What a score may do.

    Raises:
        LiveSourceInBacktest: the mood asks the outside.
        ValueError: the mode would change sizes.
    """
    require_recorded(mood)
    rules = SentimentRules(mode=mode)
    if rules.against_percent != PERCENT:
        raise ValueError("a sweep knows no sentiment that changes sizes")
    buys, sells = np.zeros((2, time_ms.size), dtype=np.bool_)
    for bar, time in enumerate(time_ms[1:].tolist()):
        now = TimestampMs(time)
        reading = mood(now)
        buys[bar] = not judge_mood(Signal.BUY, reading, now, rules).is_allowed
        sells[bar] = not judge_mood(Signal.SELL, reading, now, rules).is_allowed
    return BlockedBars(buys=buys, sells=sells)
