"""What a person may choose about the breakers, checked when it is built."""

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from palmbot.domain.units import BASIS_POINTS, MS_PER_MINUTE

MINUTES_PER_DAY = 24 * 60
PERCENT = 100


class Unknown(StrEnum):
    """What a breaker without enough data to judge does to entries."""

    DENY = "deny"
    ALLOW = "allow"
    """For a replayed file that is too short to warm up; refused on a broker account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """Thresholds and release rules."""

    unknown: Unknown = Unknown.DENY

    day_zone: str = "UTC"
    """IANA name of the zone in which a trading day begins."""
    day_start_minute: int = 0
    """Minutes after local midnight. 00:00 UTC lies outside the hours of palm oil."""

    daily_loss_bp: int = 500
    """Loss of equity since the start of the day that trips, as a share of the baseline."""
    daily_flatten: bool = True
    """Close own positions on that trip; an entry-only limit keeps bleeding."""
    daily_hold_minutes: int = 240
    """Least time from the trip to the probe, so that nothing resumes just after midnight."""
    daily_trips_max: int = 2
    """Trips within `trip_days` that latch."""
    caution_percent: int = 75
    """Share of the daily limit from which entries have half size."""
    slippage_percent: int = 10
    """Added to the loss at the stop when an entry is held against what is left of the day."""
    trip_days: int = 5
    """Trading days over which trips are counted."""

    losses_max: int = 3
    """Losing trades in a row that trip."""
    cool_down_minutes: tuple[int, ...] = (60, 120)
    """Open-market minutes after the first, second ... opening; after that the rest of the day."""
    streak_trips_max: int = 3

    volatility_percent: int = 200
    """ATR of closed bars against its usual value that trips."""
    calm_percent: int = 150
    """At or below this, for `calm_bars` closed bars, it may clear."""
    calm_bars: int = 3
    volatility_hold_minutes: int = 15
    """Open-market minutes since the last firing."""
    volatility_trips_max: int = 4
    """Trips within a day that keep it open until the next."""
    atr_period: int = 14
    reference_sessions: int = 20
    """Days of the same hour that make the usual ATR."""
    reference_bars: int = 500
    """Bars that make it while there are fewer such days."""
    burst_trip_factor: int = 8
    """Range of a minute against its usual that trips. At 4 a real day of gold trips 6 to 15 times,
    and the fourth trip ends the day; at 8 it is once or twice."""
    burst_deny_factor: int = 4
    """Range of this or the last minute against its usual that refuses one entry."""
    spread_trip_factor: int = 3
    """Spread against its median that trips."""
    spread_deny_factor: int = 2
    """Spread against its median that refuses one entry."""
    tape_minutes: int = 240
    """Minutes of ranges kept."""
    tape_minutes_min: int = 60
    """Minutes before their median counts."""
    slot_minutes: int = 25
    """Minutes of ranges and spreads kept for each five minutes of the day: those of five days."""
    slot_minutes_min: int = 10
    """Minutes before their median counts. Until then a range is held against those of the last
    hours, and for spreads, which the history of a broker lacks, only the absolute limit of the
    gate holds."""
    limit_move_bp: int = 1_000
    """Daily price limit of the exchange behind the contract; 0 if there is none."""
    limit_near_bp: int = 100
    """How close to it trips."""

    fresh_ticks: int = 5
    """Ticks that prove the feed alive again."""
    gap_percent: int = 150
    """Opening gap against the ATR that trips."""
    gap_hold_minutes: int = 15
    rejects_max: int = 3
    reject_window_minutes: int = 10
    reject_hold_minutes: int = 30
    unknowns_max: int = 2
    unknown_window_minutes: int = 60
    starts_max: int = 5
    """Starts within the window that are still ordinary."""
    start_window_minutes: int = 10
    clock_jump_ms: int = 2_000
    """Step of the wall clock against the time since boot that is still ordinary."""
    clock_offset_ms: int = 1_000
    """Difference between wall clock and broker time that is still ordinary. A looser limit would
    warn at 2 s and stop at 30 s; the end of life of an order is 8 s away."""
    clock_skew_ms: int = 30_000
    """Jump or difference beyond which the comparison of books is distrusted as well."""
    disk_free_min_mb: int = 200
    """Megabytes below which no entry leaves."""
    token_warn_hours: int = 72
    """Life of the access token below which a failed renewal is told to a person."""
    token_stop_hours: int = 24
    """Life below which no entry leaves."""
    reset_wait_minutes: int = 15
    """Least time from a trip to a reset by a person."""

    def __post_init__(self) -> None:  # noqa: C901, PLR0912 - one plain check after the other
        try:
            ZoneInfo(self.day_zone)
        except (ZoneInfoNotFoundError, ValueError) as e:
            raise ValueError(f"breakers: there is no time zone {self.day_zone!r}") from e
        if not 0 <= self.day_start_minute < MINUTES_PER_DAY:
            raise ValueError(f"day_start_minute must be 0 to 1439, was {self.day_start_minute}")
        if not 0 < self.daily_loss_bp < BASIS_POINTS:
            raise ValueError(f"daily_loss_bp must be 1 to 9999, was {self.daily_loss_bp}")
        if not 0 < self.caution_percent <= PERCENT or self.slippage_percent < 0:
            raise ValueError("caution_percent must be 1 to 100, slippage_percent not negative")
        if not PERCENT <= self.calm_percent < self.volatility_percent:
            raise ValueError(
                f"need 100 <= calm_percent < volatility_percent, was {self.calm_percent} and "
                f"{self.volatility_percent}"
            )
        for deny, trip in (
            (self.spread_deny_factor, self.spread_trip_factor),
            (self.burst_deny_factor, self.burst_trip_factor),
        ):
            if not 1 < deny <= trip:
                raise ValueError("spread and burst factors must exceed 1, denying before tripping")
        if self.limit_move_bp and not 0 <= self.limit_near_bp < self.limit_move_bp:
            raise ValueError("limit_near_bp must be from 0 to below limit_move_bp")
        if not self.cool_down_minutes or min(self.cool_down_minutes) <= 0:
            raise ValueError("cool_down_minutes must be positive")
        for name, count in (
            ("daily_hold_minutes", self.daily_hold_minutes),
            ("daily_trips_max", self.daily_trips_max),
            ("trip_days", self.trip_days),
            ("losses_max", self.losses_max),
            ("streak_trips_max", self.streak_trips_max),
            ("calm_bars", self.calm_bars),
            ("volatility_hold_minutes", self.volatility_hold_minutes),
            ("volatility_trips_max", self.volatility_trips_max),
            ("atr_period", self.atr_period),
            ("reference_sessions", self.reference_sessions),
            ("reference_bars", self.reference_bars),
            ("tape_minutes_min", self.tape_minutes_min),
            ("slot_minutes_min", self.slot_minutes_min),
            ("fresh_ticks", self.fresh_ticks),
            ("gap_percent", self.gap_percent),
            ("gap_hold_minutes", self.gap_hold_minutes),
            ("rejects_max", self.rejects_max),
            ("unknowns_max", self.unknowns_max),
            ("starts_max", self.starts_max),
            ("clock_jump_ms", self.clock_jump_ms),
            ("clock_offset_ms", self.clock_offset_ms),
            ("disk_free_min_mb", self.disk_free_min_mb),
            ("token_stop_hours", self.token_stop_hours),
            ("reset_wait_minutes", self.reset_wait_minutes),
        ):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, was {count}")
        if self.clock_skew_ms < max(self.clock_jump_ms, self.clock_offset_ms):
            raise ValueError("clock_skew_ms must not be below clock_jump_ms and clock_offset_ms")
        if self.token_warn_hours < self.token_stop_hours:
            raise ValueError("token_warn_hours must not be below token_stop_hours")
        if self.tape_minutes < self.tape_minutes_min:
            raise ValueError("tape_minutes must not be below tape_minutes_min")
        if self.slot_minutes < self.slot_minutes_min:
            raise ValueError("slot_minutes must not be below slot_minutes_min")

    @property
    def history_bars(self) -> int:
        """Closed bars after which the volatility can be judged."""
        return self.reference_bars + self.atr_period + 2

    @property
    def daily_hold_ms(self) -> int:
        """`daily_hold_minutes` in milliseconds."""
        return self.daily_hold_minutes * MS_PER_MINUTE
