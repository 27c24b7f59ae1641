"""An exchange with prices that a test writes by hand."""

from palmbot.domain.market import ALWAYS_OPEN, Side
from palmbot.domain.units import Price, SymbolId, TimestampMs, Volume
from palmbot.simulator.contracts import Contract
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.market import Quote
from palmbot.simulator.records import NewOrder, OrderKind
from palmbot.simulator.settings import AccountSettings, SimulatorSettings

MONDAY = 1_772_409_600_000
"""2026-03-02T00:00 UTC."""

HOUR = 3_600_000
DAY = 24 * HOUR
OIL = Contract(
    symbol_id=SymbolId(7),
    name="OIL",
    description="",
    digits=2,
    pip_position=1,
    base_asset="OIL",
    quote_asset="USD",
    lot_size=Volume(1_000),
    volume_min=Volume(100),
    volume_step=Volume(100),
    volume_max=Volume(100_000),
    hours=ALWAYS_OPEN,
    leverage_in_cents=1_000,
    stop_distance_points=20,
)


def price(units):
    """Return a price from its decimal form."""
    return Price(round(units * 100_000))


class SmallMarket:
    """One exchange; quotes come a second apart unless a test says otherwise."""

    def __init__(self, contract=OIL, others=(), *, partial_fill_share=None, **account):
        self.contract = contract
        self.settings = SimulatorSettings(
            account=AccountSettings(**account), partial_fill_share=partial_fill_share
        )
        self.exchange = Exchange(contracts=(contract, *others), settings=self.settings)
        self.time = MONDAY
        self.books = self.exchange.books

    def quote(self, bid, ask=None, *, at=None, contract=None, is_continuous=False):
        """Move the market; return what the exchange did by itself."""
        self.time = self.time + 1_000 if at is None else at
        return self.exchange.apply_quote(
            Quote(
                (contract or self.contract).symbol_id,
                TimestampMs(self.time),
                price(bid),
                price(bid if ask is None else ask),
                is_continuous,
            )
        )

    def order(self, side=Side.BUY, volume=100, kind=OrderKind.MARKET, **fields):
        """Return a new order; prices and distances in decimal form."""
        for name in ("limit_price", "stop_price", "stop_loss", "take_profit"):
            if name in fields:
                fields[name] = price(fields[name])
        for name in ("stop_distance", "target_distance"):
            if name in fields:
                fields[name] = price(fields[name])
        return NewOrder(
            symbol_id=self.contract.symbol_id,
            kind=kind,
            side=side,
            volume=Volume(volume),
            **fields,
        )

    def place(self, side=Side.BUY, volume=100, kind=OrderKind.MARKET, **fields):
        """Place an order; return what happened."""
        return self.exchange.place(self.order(side, volume, kind, **fields))

    @property
    def position(self):
        """The only open position."""
        (position,) = self.books.positions
        return position
