"""Requests about prices, live and past, and the events that the live ones lead to."""

from google.protobuf.message import Message

from palmbot.ctrader.generated.entities_pb2 import ProtoOATickData
from palmbot.ctrader.generated.enums_pb2 import ASK
from palmbot.ctrader.generated.quote_messages_pb2 import (
    ProtoOAGetTickDataReq,
    ProtoOAGetTickDataRes,
    ProtoOAGetTrendbarsReq,
    ProtoOAGetTrendbarsRes,
    ProtoOASpotEvent,
    ProtoOASubscribeLiveTrendbarReq,
    ProtoOASubscribeLiveTrendbarRes,
    ProtoOASubscribeSpotsReq,
    ProtoOASubscribeSpotsRes,
    ProtoOAUnsubscribeLiveTrendbarReq,
    ProtoOAUnsubscribeLiveTrendbarRes,
    ProtoOAUnsubscribeSpotsReq,
    ProtoOAUnsubscribeSpotsRes,
)
from palmbot.domain.errors import RequestRefused
from palmbot.domain.units import MS_PER_MINUTE, SymbolId, TimestampMs
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.history import History, Trendbar
from palmbot.simulator.market import Quote
from palmbot.simulator.rendering import render_trendbar
from palmbot.simulator.sessions import Answer, ClientSession, Outgoing, reply
from palmbot.simulator.settings import SimulatorSettings

LATEST_MS = 2_147_483_646_000
"""Largest timestamp the API accepts in history requests."""

WEEK_MS = 604_800_000
TICKS_PER_REPLY = 4_000

_MINUTES = (1, 2, 3, 4, 5, 10, 15, 30, 60, 240, 720, 1_440)
PERIOD_MINUTES = dict(enumerate(_MINUTES, start=1))
"""Minutes by ProtoOATrendbarPeriod, M1 to D1."""

_WINDOWS = ((5, 3_024_000_000), (60, 21_168_000_000), (1_440, 31_622_400_000))
"""Longest window by period up to so many minutes, ms: 35 days, 35 weeks, 366 days."""


class Feed:
    """Quotes as clients see them."""

    def __init__(self, exchange: Exchange, history: History, settings: SimulatorSettings) -> None:
        self._exchange = exchange
        self._history = history
        self._settings = settings
        self._account_id = settings.account.account_id

    def answer(self, message: Message, session: ClientSession) -> Answer | None:
        """Answer a request of this kind; None for any other.

        Raises:
            RequestRefused: unknown symbol, wrong order of subscriptions, bad boundaries.
        """
        account_id = self._account_id
        answered: Message
        match message:
            case ProtoOASubscribeSpotsReq():
                return self._subscribe(message, session)
            case ProtoOAUnsubscribeSpotsReq():
                for symbol_id in message.symbolId:
                    session.spots.pop(SymbolId(symbol_id), None)
                answered = ProtoOAUnsubscribeSpotsRes(ctidTraderAccountId=account_id)
            case ProtoOASubscribeLiveTrendbarReq():
                key = (SymbolId(message.symbolId), int(message.period))
                self._check_live_bar(key, session)
                session.live_bars.add(key)
                answered = ProtoOASubscribeLiveTrendbarRes(ctidTraderAccountId=account_id)
            case ProtoOAUnsubscribeLiveTrendbarReq():
                session.live_bars.discard((SymbolId(message.symbolId), int(message.period)))
                answered = ProtoOAUnsubscribeLiveTrendbarRes(ctidTraderAccountId=account_id)
            case ProtoOAGetTrendbarsReq():
                answered = self._read_bars(message)
            case ProtoOAGetTickDataReq():
                answered = self._read_ticks(message)
            case _:
                return None
        return reply(answered)

    def render_spot(self, quote: Quote, session: ClientSession) -> ProtoOASpotEvent:
        """Return the event of one quote as this client gets it: what did not change is left out.

        The caller knows that the client subscribed to the symbol.
        """
        symbol_id, bid, ask = quote.symbol_id, quote.bid, quote.ask
        event = ProtoOASpotEvent(ctidTraderAccountId=self._account_id, symbolId=symbol_id)
        told = session.last_spot.get(symbol_id)
        is_whole = told is None or told == (bid, ask) or not self._settings.has_partial_spots
        if is_whole or told is None or told[0] != bid:
            event.bid = bid
        if is_whole or told is None or told[1] != ask:
            event.ask = ask
        session.last_spot[symbol_id] = (bid, ask)
        if self._settings.has_spot_timestamp and session.spots.get(symbol_id):
            event.timestamp = quote.time
        for key in session.live_bars:
            if key[0] == symbol_id:
                bar = self._current_bar(symbol_id, PERIOD_MINUTES[key[1]], quote.time)
                event.trendbar.append(render_trendbar(bar, key[1], is_live=True))
        return event

    def _subscribe(self, message: ProtoOASubscribeSpotsReq, session: ClientSession) -> Answer:
        known = {each.symbol_id for each in self._exchange.contracts}
        wanted = [SymbolId(each) for each in message.symbolId]
        for symbol_id in wanted:
            if symbol_id not in known:
                raise RequestRefused("SYMBOL_NOT_FOUND", f"No symbol {symbol_id}")
            if symbol_id in session.spots:
                raise RequestRefused("ALREADY_SUBSCRIBED", f"Symbol {symbol_id}")
        done = ProtoOASubscribeSpotsRes(ctidTraderAccountId=self._account_id)
        answers = [Outgoing(done, is_correlated=True)]
        for symbol_id in wanted:
            session.spots[symbol_id] = message.subscribeToSpotTimestamp
            session.last_spot.pop(symbol_id, None)
            quote = self._exchange.last_quote(symbol_id)
            if quote is not None:
                event = self.render_spot(quote, session)
                answers.append(Outgoing(event, is_correlated=False))
        return tuple(answers)

    def _check_live_bar(self, key: tuple[SymbolId, int], session: ClientSession) -> None:
        if key[0] not in session.spots:
            raise RequestRefused("NOT_SUBSCRIBED_TO_SPOTS", f"Symbol {key[0]}")
        if key in session.live_bars:
            raise RequestRefused("ALREADY_SUBSCRIBED", f"Symbol {key[0]}")
        _period_minutes(key[1])

    def _current_bar(self, symbol_id: SymbolId, minutes: int, time: TimestampMs) -> Trendbar:
        first = TimestampMs(time - minutes * MS_PER_MINUTE + 1)
        day_start = self._settings.day_start_minutes
        return self._history.bars(symbol_id).read(minutes, first, time, day_start=day_start)[-1]

    def _read_bars(self, message: ProtoOAGetTrendbarsReq) -> ProtoOAGetTrendbarsRes:
        minutes = _period_minutes(message.period)
        window = next(longest for most, longest in _WINDOWS if minutes <= most)
        first, last = self._boundaries(
            message.fromTimestamp,
            message.toTimestamp if message.HasField("toTimestamp") else None,
            window,
        )
        bars = self._history.bars(SymbolId(message.symbolId)).read(
            minutes, first, last, day_start=self._settings.day_start_minutes
        )
        most = self._settings.trendbars_per_reply
        if message.HasField("count"):
            most = min(most, message.count)
        chosen = bars[len(bars) - most :] if len(bars) > most else bars
        return ProtoOAGetTrendbarsRes(
            ctidTraderAccountId=self._account_id,
            period=message.period,
            trendbar=[render_trendbar(bar, message.period) for bar in chosen],
            symbolId=message.symbolId,
            hasMore=len(bars) > most,
        )

    def _read_ticks(self, message: ProtoOAGetTickDataReq) -> ProtoOAGetTickDataRes:
        first, last = self._boundaries(
            message.fromTimestamp,
            message.toTimestamp if message.HasField("toTimestamp") else None,
            WEEK_MS,
        )
        quotes = self._history.ticks(SymbolId(message.symbolId), first, last)
        rows: list[ProtoOATickData] = []
        before = (0, 0)
        for quote in quotes[:TICKS_PER_REPLY]:
            price = quote.ask if message.type == ASK else quote.bid
            row = ProtoOATickData(timestamp=quote.time - before[0], tick=price - before[1])
            rows.append(row)
            before = (quote.time, price)
        return ProtoOAGetTickDataRes(
            ctidTraderAccountId=self._account_id,
            tickData=rows,
            hasMore=len(quotes) > TICKS_PER_REPLY,
        )

    def _boundaries(
        self, first: int, last: int | None, window_ms: int
    ) -> tuple[TimestampMs, TimestampMs]:
        return check_boundaries(
            first,
            self._exchange.now if last is None else last,
            window_ms if self._settings.has_history_windows else None,
        )


def check_boundaries(
    first: int, last: int, window_ms: int | None
) -> tuple[TimestampMs, TimestampMs]:
    """Return the window of a history request; without a start it is as long as it may be.

    Raises:
        RequestRefused: INCORRECT_BOUNDARIES.
    """
    if first == 0 and window_ms is not None:
        first = max(0, last - window_ms)
    if not 0 <= first <= last <= LATEST_MS:
        raise RequestRefused("INCORRECT_BOUNDARIES", f"{first} to {last}")
    if window_ms is not None and last - first > window_ms:
        raise RequestRefused("INCORRECT_BOUNDARIES", f"More than {window_ms} ms")
    return TimestampMs(first), TimestampMs(last)


def _period_minutes(period: int) -> int:
    minutes = PERIOD_MINUTES.get(period)
    if minutes is None:
        raise RequestRefused("INVALID_REQUEST", "The simulator keeps bars from M1 to D1")
    return minutes
