"""Readings of the broker's books and of its bar history: complete, or an error, never a part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from palmbot.ctrader.conversation import Procedure, ask
from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOACashFlowHistoryListReq,
    ProtoOACashFlowHistoryListRes,
    ProtoOATraderReq,
    ProtoOATraderRes,
)
from palmbot.ctrader.generated.entities_pb2 import ProtoOADeal, ProtoOADepositWithdraw, ProtoOAOrder
from palmbot.ctrader.generated.enums_pb2 import D1, H1, H4, H12, M1, M2, M3, M4, M5, M10, M15, M30
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOADealListReq,
    ProtoOADealListRes,
    ProtoOAOrderListReq,
    ProtoOAOrderListRes,
    ProtoOAReconcileReq,
    ProtoOAReconcileRes,
)
from palmbot.ctrader.generated.quote_messages_pb2 import (
    ProtoOAGetTrendbarsReq,
    ProtoOAGetTrendbarsRes,
)
from palmbot.ctrader.quotes import Quotes
from palmbot.ctrader.translate import (
    account_digits,
    to_bar,
    to_fill,
    to_money,
    to_order,
    to_payment,
    to_position,
)
from palmbot.domain.errors import ProtocolViolation, RequestRefused, TransientError
from palmbot.domain.market import Bar
from palmbot.domain.orders import BrokerBooks, BrokerOrder, Fill, Payment
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, AccountId, SymbolId, TimestampMs

P = TypeVar("P", ProtoOADealListRes, ProtoOAOrderListRes)

WEEK_MS = 7 * MS_PER_DAY
"""Longest window of deals and orders that every server version accepts."""

LOOK_AHEAD_MS = MS_PER_DAY
"""Windows end so far after the newest broker time we saw: a quote may be older than a fill."""

WINDOWS_MAX = 60
"""Bounds the requests of one list: more than a year of weeks, halvings included."""

ATTEMPTS_MAX = 3
"""How often books are read again because something was executed meanwhile."""

_PERIODS = {
    MS_PER_MINUTE: M1,
    2 * MS_PER_MINUTE: M2,
    3 * MS_PER_MINUTE: M3,
    4 * MS_PER_MINUTE: M4,
    5 * MS_PER_MINUTE: M5,
    10 * MS_PER_MINUTE: M10,
    15 * MS_PER_MINUTE: M15,
    30 * MS_PER_MINUTE: M30,
    60 * MS_PER_MINUTE: H1,
    240 * MS_PER_MINUTE: H4,
    720 * MS_PER_MINUTE: H12,
    MS_PER_DAY: D1,
}

_BAR_WINDOWS = (
    (5 * MS_PER_MINUTE, 3_024_000_000),
    (60 * MS_PER_MINUTE, 21_168_000_000),
    (MS_PER_DAY, 31_622_400_000),
)
"""Longest window by period up to the first number, both in ms: 35 days, 35 weeks, 366 days."""

QUIET_MS_MAX = 30 * MS_PER_DAY
"""So much time without a bar means that history begins there; no holiday is that long."""

HALVINGS_MAX = 12

PAGE_BARS = 10_000
"""Bars asked for in one page; what a server really sends at once is its own affair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPage:
    """One answer to a question for history, and how far back it reaches."""

    since: TimestampMs
    """From here on every bar of the broker is known."""
    bars: tuple[Bar, ...]
    """Opening from `since` to the end that was asked for, oldest first."""
    window_ms: int
    """Longest window this broker is known to accept; for the next page."""


class ReadingIncomplete(TransientError):
    """The broker's lists could not be read to the end."""


class Feed:
    """What a connection learns from what passes by; readings look at it, only it writes."""

    __slots__ = ("_assumed_ms", "_executed_ms", "_quotes", "executions")

    def __init__(self, quotes: Quotes) -> None:
        self._quotes = quotes
        self._executed_ms: TimestampMs | None = None
        self._assumed_ms: TimestampMs | None = None
        self.executions = 0
        """Execution events so far: books during which it moves are torn."""

    @property
    def knows_time(self) -> bool:
        """True once a quote or an execution has told the broker's time, or it was assumed."""
        is_told = self._executed_ms is not None or self._quotes.has_ticks
        return is_told or self._assumed_ms is not None

    def assume_time(self, time: TimestampMs) -> None:
        """Take our own clock for the broker's where nothing has told its time: for windows only."""
        self._assumed_ms = time

    def saw_time(self, time: TimestampMs) -> None:
        """Remember the broker time of something other than a quote, if it is the newest."""
        if self._executed_ms is None or time > self._executed_ms:
            self._executed_ms = time

    @property
    def broker_ms(self) -> TimestampMs | None:
        """Newest broker time seen in quotes and executions; None before the first."""
        seen = [tick.time for tick in self._quotes.last_ticks()]
        if self._executed_ms is not None:
            seen.append(self._executed_ms)
        return max(seen, default=None)

    @property
    def window_end_ms(self) -> TimestampMs | None:
        """What is newest lies before this; it proves nothing, our own clock may be wrong."""
        return self.broker_ms if self.broker_ms is not None else self._assumed_ms


def read_books(account_id: AccountId, since: TimestampMs, feed: Feed) -> Procedure[BrokerBooks]:
    """Read positions, orders, past orders, fills, balance and payments as of one moment.

    Raises:
        ReadingIncomplete: too many rows, or executions kept coming in between.
        RequestRefused, RequestTimedOut, UnreadableMessage, ProtocolViolation: one part failed.
    """
    for _ in range(ATTEMPTS_MAX):
        executions = feed.executions
        books = yield from _read_books_once(account_id, since, feed)
        if feed.executions == executions:
            return books
    raise ReadingIncomplete("orders were executed during every attempt to read the books")


def _read_books_once(
    account_id: AccountId, since: TimestampMs, feed: Feed
) -> Procedure[BrokerBooks]:
    trader = (
        yield from ask(ProtoOATraderReq(ctidTraderAccountId=account_id), ProtoOATraderRes)
    ).trader
    digits = account_digits(trader)
    held = yield from ask(
        ProtoOAReconcileReq(ctidTraderAccountId=account_id, returnProtectionOrders=False),
        ProtoOAReconcileRes,
    )
    now = feed.window_end_ms
    until = TimestampMs(max(since, since if now is None else now) + LOOK_AHEAD_MS)
    deals = yield from _read_deals(account_id, since, until)
    past = yield from _read_orders(account_id, since, until)
    paid = yield from _read_payments(account_id, since, until)
    fills = [fill for deal in deals if (fill := to_fill(deal, digits)) is not None]
    positions = [to_position(each, digits) for each in held.position]
    pending = [order for each in held.order if not (order := to_order(each)).is_protection]
    past_orders = [to_order(each) for each in past]
    for fill in fills:
        feed.saw_time(fill.time)
    newest = feed.broker_ms
    return BrokerBooks(
        taken_at=since if newest is None else newest,
        since=since,
        positions=tuple(each for each in positions if each is not None),
        orders=tuple(pending),
        past_orders=tuple(sorted(past_orders, key=_order_age)),
        fills=tuple(sorted(fills, key=_fill_age)),
        balance=to_money(trader.balance, digits),
        balance_version=trader.balanceVersion,
        payments=tuple(sorted((to_payment(each, digits) for each in paid), key=_payment_age)),
    )


def _order_age(order: BrokerOrder) -> tuple[int, int]:
    return order.updated_at, order.order_id


def _fill_age(fill: Fill) -> tuple[int, int]:
    return fill.time, fill.deal_id


def _payment_age(payment: Payment) -> tuple[int, int]:
    return payment.time, payment.balance_version


def _read_payments(
    account_id: AccountId, since: TimestampMs, until: TimestampMs
) -> Procedure[list[ProtoOADepositWithdraw]]:
    """Read the payments of a window; the server takes a week at a time and lists all of it."""
    found: dict[int, ProtoOADepositWithdraw] = {}
    for start in range(since, until, WEEK_MS):
        page = yield from ask(
            ProtoOACashFlowHistoryListReq(
                ctidTraderAccountId=account_id,
                fromTimestamp=start,
                toTimestamp=min(start + WEEK_MS, until),
            ),
            ProtoOACashFlowHistoryListRes,
        )
        found.update({each.balanceHistoryId: each for each in page.depositWithdraw})
    return list(found.values())


def _read_deals(
    account_id: AccountId, since: TimestampMs, until: TimestampMs
) -> Procedure[list[ProtoOADeal]]:
    def request(start: int, end: int) -> Message:
        return ProtoOADealListReq(
            ctidTraderAccountId=account_id, fromTimestamp=start, toTimestamp=end
        )

    pages = yield from _read_pages(request, ProtoOADealListRes, since, until)
    return list({deal.dealId: deal for page in pages for deal in page.deal}.values())


def _read_orders(
    account_id: AccountId, since: TimestampMs, until: TimestampMs
) -> Procedure[list[ProtoOAOrder]]:
    def request(start: int, end: int) -> Message:
        return ProtoOAOrderListReq(
            ctidTraderAccountId=account_id, fromTimestamp=start, toTimestamp=end
        )

    pages = yield from _read_pages(request, ProtoOAOrderListRes, since, until)
    return list({order.orderId: order for page in pages for order in page.order}.values())


def _read_pages(
    request: Callable[[int, int], Message], reply_class: type[P], since: int, until: int
) -> Procedure[list[P]]:
    """Read a list of a time window whole, in windows the server accepts.

    A page that says there is more is thrown away and its window halved: which end of the
    window a server cuts off is not documented, so no order of the rows is assumed.

    Raises:
        ReadingIncomplete: a window of one millisecond still has more, or too many windows.
    """
    windows = [(start, min(start + WEEK_MS, until)) for start in range(since, until, WEEK_MS)]
    windows.reverse()
    pages: list[P] = []
    for _ in range(WINDOWS_MAX):
        if not windows:
            return pages
        start, end = windows.pop()
        page = yield from ask(request(start, end), reply_class)
        if not page.hasMore:
            pages.append(page)
            continue
        middle = (start + end) // 2
        if middle == start:
            break
        windows += [(middle, end), (start, middle)]
    raise ReadingIncomplete("the broker has more orders in the window than can be read")


def read_bars(
    account_id: AccountId, symbol_id: SymbolId, period_ms: int, count: int, feed: Feed
) -> Procedure[tuple[Bar, ...]]:
    """Read at least `count` closed bars if there are so many, oldest first.

    Backwards from the newest broker time; the bar still open at that time is left out.

    Raises:
        ReadingIncomplete: the broker has no such period, or no broker time is known yet.
        RequestRefused, RequestTimedOut, UnreadableMessage, ProtocolViolation: one part failed.
    """
    width = bar_window_ms(period_ms)
    now = feed.window_end_ms
    if now is None:
        raise ReadingIncomplete("no quote came yet, so the time at the broker is not known")
    bars: dict[int, Bar] = {}
    end, quiet_ms, halvings = int(now), 0, 0
    for _ in range(WINDOWS_MAX):
        if len(bars) >= count or end <= 0 or quiet_ms > QUIET_MS_MAX:
            return tuple(bars[open_time] for open_time in sorted(bars))
        # One more than missing: the newest may be the open bar.
        missing = count - len(bars) + 1
        start = max(0, end - width)
        try:
            page = yield from ask(
                ProtoOAGetTrendbarsReq(
                    ctidTraderAccountId=account_id,
                    symbolId=symbol_id,
                    period=_PERIODS[period_ms],
                    fromTimestamp=start,
                    toTimestamp=end,
                    count=missing,
                ),
                ProtoOAGetTrendbarsRes,
            )
        except RequestRefused as e:
            halvings += 1
            if e.code != "INCORRECT_BOUNDARIES" or halvings > HALVINGS_MAX:
                raise
            width //= 2
            continue
        found = [to_bar(each) for each in page.trendbar]
        oldest = min((bar.open_time for bar in found), default=None)
        if oldest is not None and oldest > end:
            raise ProtocolViolation("the broker sent bars from outside of the window asked for")
        for bar in found:
            if bar.open_time + period_ms <= now:
                bars.setdefault(bar.open_time, bar)
        quiet_ms = 0 if found else quiet_ms + width
        # A full or cut page goes on before its oldest bar, any other before its window.
        is_cut = page.hasMore or len(found) >= missing
        end = min(oldest, end) - 1 if is_cut and oldest is not None else start - 1
    raise ReadingIncomplete(f"the broker's history is too patchy: {len(bars)} of {count} bars")


def bar_window_ms(period_ms: int) -> int:
    """Return the longest window of one question for bars that every server version accepts.

    Raises:
        ReadingIncomplete: the broker has no such period.
    """
    if period_ms not in _PERIODS:
        raise ReadingIncomplete(f"the broker keeps no bars of {period_ms / MS_PER_MINUTE:g} min")
    return next(window for longest, window in _BAR_WINDOWS if period_ms <= longest)


def read_bar_page(
    account_id: AccountId,
    symbol_id: SymbolId,
    period_ms: int,
    span: tuple[TimestampMs, TimestampMs],
    window_ms: int,
) -> Procedure[BarPage]:
    """Read the newest bars that open within `span`, both ends inclusive, in one page.

    `count` is sent so that a broker that cuts a long answer keeps its newest bars. Whether it
    cut one is not asked of `hasMore`, which old servers lack: the next page always begins
    before the oldest bar of this one, which costs nothing.

    Raises:
        ReadingIncomplete: the broker says there is more and shows nothing.
        ProtocolViolation: bars from outside of the window asked for.
        RequestRefused, RequestTimedOut, UnreadableMessage: ask again later.
    """
    first, last = span
    for _ in range(HALVINGS_MAX + 1):
        start = TimestampMs(max(first, last - window_ms))
        try:
            page = yield from ask(
                ProtoOAGetTrendbarsReq(
                    ctidTraderAccountId=account_id,
                    symbolId=symbol_id,
                    period=_PERIODS[period_ms],
                    fromTimestamp=start,
                    toTimestamp=last,
                    count=PAGE_BARS,
                ),
                ProtoOAGetTrendbarsRes,
            )
        except RequestRefused as e:
            if e.code != "INCORRECT_BOUNDARIES":
                raise
            window_ms = max(period_ms, window_ms // 2)
            continue
        bars = {bar.open_time: bar for bar in map(to_bar, page.trendbar)}
        times = sorted(bars)
        if times and not start <= times[0] <= times[-1] <= last:
            raise ProtocolViolation("the broker sent bars from outside of the window asked for")
        if page.hasMore and not times:
            raise ReadingIncomplete("the broker says that there are bars, and shows none")
        return BarPage(
            since=times[0] if times else start,
            bars=tuple(bars[time] for time in times),
            window_ms=window_ms,
        )
    raise ReadingIncomplete("the broker refuses every window of bars as too long")
