"""How much a search as wide as this one overfits: PBO by CSCV, and the deflated Sharpe ratio."""

import math
from itertools import combinations
from statistics import NormalDist
from typing import Final

import numpy as np

from palmbot.research.outcome import DeflatedSharpe
from palmbot.research.rules import Floats

BLOCKS: Final = 16
SPLITS_AT_ONCE: Final = 512
EULER_GAMMA: Final = 0.5772156649015329
NORMAL: Final = NormalDist()


def find_pbo(daily: Floats, blocks: int = BLOCKS) -> float | None:
    """Return the probability of backtest overfitting (Bailey, Borwein, Lopez de Prado, Zhu 2015).

    Days are cut into blocks; for each way to choose half of them, 12,870 of 16, the combination
    with the best Sharpe ratio inside is ranked among all outside. The result is the share of ways
    in which it lands in the lower half. Noise gives about 0.5.

    Args:
        daily: Daily returns, shape (days, combinations).
        blocks: An even number.

    Returns:
        None with fewer than two combinations, or two days for each block.
    """
    days, trials = daily.shape
    if trials < 2 or days < 2 * blocks:  # noqa: PLR2004 - no rank, no deviation
        return None
    edges = [round(days * block / blocks) for block in range(blocks)]
    lengths = np.diff([*edges, days]).astype(float)
    sums = np.add.reduceat(daily, edges, axis=0)
    squares = np.add.reduceat(daily * daily, edges, axis=0)
    halves = list(combinations(range(blocks), blocks // 2))
    inside = np.zeros((len(halves), blocks))
    for split, half in enumerate(halves):
        inside[split, half] = 1.0
    low = 0
    for first in range(0, len(halves), SPLITS_AT_ONCE):
        part = inside[first : first + SPLITS_AT_ONCE]
        outside = 1.0 - part
        best = _read_sharpes(part, lengths, sums, squares).argmax(axis=1)
        judged = _read_sharpes(outside, lengths, sums, squares)
        own = judged[np.arange(len(part)), best][:, None]
        smaller = (judged < own).sum(axis=1)
        equal = (judged == own).sum(axis=1)
        omega = (smaller + (equal + 1) / 2) / (trials + 1)
        low += int((omega <= 0.5).sum())  # noqa: PLR2004 - logit(omega) <= 0
    return low / len(halves)


def _read_sharpes(chosen: Floats, lengths: Floats, sums: Floats, squares: Floats) -> Floats:
    """Return the Sharpe ratio of each combination over the blocks of each row; 0 without moves."""
    days = (chosen @ lengths)[:, None]
    mean = chosen @ sums / days
    variance = chosen @ squares / days - mean * mean
    # Below this a variance is what rounding left of nothing.
    is_real = variance > 1e-18  # noqa: PLR2004
    ratio: Floats = np.where(is_real, mean / np.sqrt(np.where(is_real, variance, 1.0)), 0.0)
    return ratio


def find_effective_trials(daily: Floats) -> float:
    """Return how many independent trials the combinations amount to.

    (sum of eigenvalues)^2 / (sum of their squares) of the Gram matrix of centred returns; trace
    and Frobenius norm give both without finding one. At least 1.
    """
    centred = daily - daily.mean(axis=0)
    gram = centred @ centred.T if centred.shape[0] <= centred.shape[1] else centred.T @ centred
    squares = float((gram * gram).sum())
    return max(1.0, float(np.trace(gram)) ** 2 / squares) if squares > 0 else 1.0


def find_threshold(deviation: float, trials: float) -> float:
    """Return the Sharpe ratio that the best of `trials` without skill is expected to have.

    Args:
        deviation: Standard deviation of the trials' ratios.
        trials: Number of independent trials, at least 1.
    """
    if trials <= 1.0 + 1e-9:
        return 0.0
    return deviation * (
        (1 - EULER_GAMMA) * NORMAL.inv_cdf(1 - 1 / trials)
        + EULER_GAMMA * NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    )


def deflate_sharpe(
    sharpe: float, threshold: float, days: int, skew: float, kurtosis: float
) -> float:
    """Return the probability that the true ratio exceeds `threshold` (Bailey, Lopez de Prado 2014).

    Args:
        sharpe: Of each period, not annualized.
        threshold: See `find_threshold`, in the same period.
        days: Number of periods.
        skew: Of the returns.
        kurtosis: Of the returns, 3 for a normal distribution.
    """
    spread = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if spread <= 0:
        return 0.0
    return NORMAL.cdf((sharpe - threshold) * math.sqrt(days - 1) / math.sqrt(spread))


def find_deflated_sharpe(daily: Floats, trials: int) -> DeflatedSharpe | None:
    """Deflate the best Sharpe ratio of the combinations.

    Args:
        daily: Daily returns, shape (days, combinations); of a large grid an even sample.
        trials: Combinations of the whole grid.

    Returns:
        None with fewer than three days, or if nothing traded.
    """
    days = daily.shape[0]
    if days < 3:  # noqa: PLR2004 - moments need more than two values
        return None
    mean = daily.mean(axis=0)
    deviation = daily.std(axis=0)
    is_real = deviation > 0
    if not is_real.any():
        return None
    ratios = np.where(is_real, mean / np.where(is_real, deviation, 1.0), 0.0)
    best = int(np.argmax(np.where(is_real, ratios, -np.inf)))
    spread = float(ratios.std(ddof=1)) if ratios.size > 1 else 0.0
    effective = min(find_effective_trials(daily), float(trials))
    scaled = (daily[:, best] - mean[best]) / deviation[best]
    skew, kurtosis = float((scaled**3).mean()), float((scaled**4).mean())
    sharpe = float(ratios[best])
    threshold = find_threshold(spread, effective)
    return DeflatedSharpe(
        value=deflate_sharpe(sharpe, threshold, days, skew, kurtosis),
        value_all_trials=deflate_sharpe(
            sharpe, find_threshold(spread, float(trials)), days, skew, kurtosis
        ),
        sharpe=sharpe,
        threshold=threshold,
        trials=trials,
        effective_trials=effective,
        days=days,
    )
