"""The simulated broker inside a simulation: the real server, with a market and faults around it."""

from dataclasses import dataclass

from palmbot.ctrader.generated.account_messages_pb2 import ProtoOACashFlowHistoryListReq
from palmbot.ctrader.generated.order_messages_pb2 import (
    ProtoOADealListReq,
    ProtoOAExecutionEvent,
    ProtoOANewOrderReq,
    ProtoOAOrderListReq,
    ProtoOAReconcileRes,
)
from palmbot.domain.market import ALWAYS_OPEN
from palmbot.domain.units import Price, SymbolId, TimestampMs, Volume
from palmbot.simulator.contracts import Contract
from palmbot.simulator.desk import TRADING
from palmbot.simulator.market import Quote
from palmbot.simulator.records import Fate
from palmbot.simulator.scenarios import Scenario
from palmbot.simulator.server import SimulatorServer

PALM = Contract(
    symbol_id=SymbolId(1154),
    name="PALMOIL",
    description="Palm oil of the simulation, quoted in the account currency",
    digits=2,
    pip_position=1,
    base_asset="PALMOIL",
    quote_asset="USD",
    lot_size=Volume(1_000),
    volume_min=Volume(100),
    volume_step=Volume(100),
    volume_max=Volume(100_000),
    hours=ALWAYS_OPEN,
    leverage_in_cents=1_000,
    stop_distance_points=5,
)
SPREAD = 40_000
WIDE_SPREAD = 20 * SPREAD
PAST_MINUTES = 12
UNKNOWN_KIND = 99
STALE_S_MAX = 4.0
"""Below the grace that the bot gives an order after its end of life."""
LISTS = (ProtoOADealListReq, ProtoOAOrderListReq, ProtoOACashFlowHistoryListReq)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFaults:
    """Probabilities per trading request."""

    queue: float = 0.0
    """It waits inside the broker, also beyond the end of its connection."""
    queue_s_min: float = 0.0
    queue_s_max: float = 120.0
    unknown_kind: float = 0.0
    """It is refused, but told by an execution event of a kind that nobody knows."""
    busy_reading: float = 0.0
    """A reading is answered by an error."""
    stale_positions: float = 0.0
    """A reading gets the positions that were sent up to `STALE_S_MAX` ago."""
    list_lag_s_max: float = 0.0
    """Longest time for which the lists of the past lack what the positions show already."""


class SimMarket:
    """Implements `simulator.market.MarketSource`: a price that swings within minutes."""

    def __init__(self, random, start_ms, plan):
        self._random = random
        self._start_ms = start_ms
        self._quote_s = plan.quote_s
        self._swing = 50_000.0 * (plan.quote_s * 60.0 / plan.bar_s) ** 0.5
        self.gap = 0.0
        """Probability that the feed freezes before a quote."""
        self.jump = 0.0
        """Probability of a jump."""
        self.price_step = PALM.price_step
        self.wide = 0.0
        """Probability of a wide spread."""

    @property
    def contract(self):
        return PALM

    @property
    def others(self):
        return ()

    def past_quotes(self):
        for minute in range(PAST_MINUTES, 0, -1):
            yield self._quote(self._start_ms - minute * 60_000 + 1, 100_000_000)

    def quotes(self):
        draw, gauss = self._random.random, self._random.gauss
        time, price, level = self._start_ms, 100_000_000, 100_000_000
        while True:
            time += round(self._quote_s * 1000 * (0.5 + draw()))
            if draw() < self.gap:
                time += round(10_000 + 110_000 * draw())
            price += round(gauss(0.0, self._swing)) + (level - price) // 50
            if draw() < self.jump:
                price += round(gauss(0.0, 900_000.0))
            price = max(20_000_000, price)
            yield self._quote(time, price, WIDE_SPREAD if draw() < self.wide else SPREAD)

    def _quote(self, time, price, spread=SPREAD):
        bid = Price(price // self.price_step * self.price_step)
        return Quote(PALM.symbol_id, TimestampMs(time), bid, Price(bid + spread))


class SwitchedScenario(Scenario):
    """Faults that can be switched off."""

    is_on = True

    def plan_step(self):
        return super().plan_step() if self.is_on else None

    def plan_request(self, *, is_order):
        return super().plan_request(is_order=is_order) if self.is_on else None


class SimServer(SimulatorServer):
    """The real server without its listener: connections come from the simulated network."""

    def __init__(self, *, loop, random, on_request, **parts):
        super().__init__(**parts)
        self.faults = BrokerFaults()
        self.queued = set()
        """Ids of new orders that wait inside."""
        self._loop = loop
        self._random = random
        self._on_request = on_request
        self._shown_s = -STALE_S_MAX
        self._shown = None
        """The newest answer that held all positions, and when it was given."""

    def accept(self):
        """Return the protocol of a new connection, None if the server hangs up."""
        return None if self._faults.refuses_connection() else self._make_link()

    @property
    def keys(self):
        """The secrets of the one client."""
        return self._service.keys

    @property
    def exchange(self):
        """Whose books are the truth."""
        return self._exchange

    def receive(self, link, request):
        """See the real one; trading requests may wait, and their answers come garbled."""
        message = request.message
        if not isinstance(message, TRADING):
            if self.faults.busy_reading and self._random.random() < self.faults.busy_reading:
                self._refuse_busy(link, request)
                return
            if self.faults.list_lag_s_max and isinstance(message, LISTS):
                self._shorten(message)
            super().receive(link, request)
            return
        self._on_request(message)
        roll = self._random.random()
        faults = self.faults
        if roll < faults.queue:
            self._queue(link, request)
        elif roll < faults.queue + faults.unknown_kind and isinstance(message, ProtoOANewOrderReq):
            self._answer_in_riddles(link, request)
        else:
            super().receive(link, request)

    def _answer(self, link, request):
        answered = super()._answer(link, request)
        if not isinstance(answered.to_asker[0][0], ProtoOAReconcileRes):
            return answered
        now_s = self._loop.now_s
        is_young = now_s - self._shown_s <= STALE_S_MAX
        if is_young and self._random.random() < self.faults.stale_positions:
            return self._shown
        self._shown_s, self._shown = now_s, answered
        return answered

    def _shorten(self, message):
        lag_ms = round(1000 * self.faults.list_lag_s_max * self._random.random())
        last = min(message.toTimestamp, self.now - lag_ms)
        message.toTimestamp = max(message.fromTimestamp, last)

    def _queue(self, link, request):
        message = request.message
        name = getattr(message, "clientOrderId", "")
        if name:
            self.queued.add(name)
        faults = self.faults
        span_s = faults.queue_s_max - faults.queue_s_min
        delay_s = faults.queue_s_min + span_s * self._random.random() ** 2

        def execute():
            self.queued.discard(name)
            self._send(link, request, self._answer(link, request))

        self._loop.call_later(delay_s, execute)

    def _answer_in_riddles(self, link, request):
        """Refuse a new order, and say so by what reads as an acceptance if read carelessly."""
        message = request.message
        self._service.desk.refuse_unseen(message, "UNKNOWN")
        event = ProtoOAExecutionEvent(
            ctidTraderAccountId=message.ctidTraderAccountId, executionType=2
        )
        order = event.order
        order.orderId = 1
        order.tradeData.symbolId = message.symbolId
        order.tradeData.volume = message.volume
        order.tradeData.tradeSide = message.tradeSide
        order.tradeData.label = message.label
        order.orderType = message.orderType
        order.orderStatus = 1
        order.clientOrderId = message.clientOrderId
        order.utcLastUpdateTimestamp = self.now
        payload = event.SerializeToString()
        known = b"\x18\x02"
        assert known in payload
        garbled = payload.replace(known, bytes((0x18, UNKNOWN_KIND)), 1)
        link.wire.write_envelope(2_126, garbled)
        link.flush()

    def heal(self, scenario):
        """No more faults; half-open connections end."""
        scenario.is_on = False
        self.faults = BrokerFaults()
        for link in tuple(self._links):
            if link.is_mute:
                link.abort()

    def change_contract(self, contract, *, is_told):
        """Let the exchange go on with another contract of the same symbol."""
        self._exchange._contracts[contract.symbol_id] = contract  # noqa: SLF001 - only brokers do so
        for link in tuple(self._links) if is_told else ():
            link.wire.push(self._service.symbol_changed())
            link.flush()

    def placed(self, label):
        """Return the fate of a new order."""
        return self._exchange.books.fate_of(label)

    def knows(self, label, intent_id):
        """Tell whether an order was placed, or may still be."""
        return intent_id in self.queued or self.placed(label) is Fate.PLACED
