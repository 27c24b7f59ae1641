"""Read access to the exchange's books: what a trader sees in the broker's own app."""

from collections.abc import Callable

from palmbot.domain.units import Money
from palmbot.simulator.ledger import Ledger
from palmbot.simulator.records import CashFlow, Deal, Fate, Order, OrderRequest, Position

MONEY_DIGITS = 8
"""Decimals of the domain's Money."""


class Books:
    """A view that is always current and changes nothing."""

    def __init__(self, ledger: Ledger, money_digits: int, equity: Callable[[], int]) -> None:
        self._ledger = ledger
        self._scale = 10 ** (MONEY_DIGITS - money_digits)
        self._equity = equity

    def as_money(self, amount: int) -> Money:
        """Return an amount of a record (minor units of the account) in the domain's unit."""
        return Money(amount * self._scale)

    @property
    def initial_balance(self) -> Money:
        """What the account was opened with."""
        return self.as_money(self._ledger.initial_balance)

    @property
    def balance(self) -> Money:
        """Money after closed positions and their costs."""
        return self.as_money(self._ledger.balance)

    @property
    def equity(self) -> Money:
        """Balance and unrealised profit at the last quotes."""
        return self.as_money(self._equity())

    @property
    def positions(self) -> tuple[Position, ...]:
        """Open now."""
        return tuple(self._ledger.positions.values())

    @property
    def closed_positions(self) -> tuple[Position, ...]:
        """Closed so far, in the order of closing."""
        return tuple(self._ledger.closed_positions.values())

    @property
    def orders(self) -> tuple[Order, ...]:
        """Pending now."""
        return tuple(self._ledger.pending.values())

    @property
    def deals(self) -> tuple[Deal, ...]:
        """All, oldest first."""
        return tuple(self._ledger.deals)

    @property
    def cash_flows(self) -> tuple[CashFlow, ...]:
        """Deposits and withdrawals, oldest first."""
        return tuple(self._ledger.cash_flows)

    @property
    def requests(self) -> tuple[OrderRequest, ...]:
        """Every request for a new order that reached this process, with its fate."""
        return tuple(self._ledger.requests)

    @property
    def orders_at_broker(self) -> int:
        """Requests that were placed, whatever the client was told."""
        return self._count(Fate.PLACED)

    @property
    def refused_unplaced(self) -> int:
        """Requests that were refused; nothing was placed."""
        return self._count(Fate.REFUSED)

    @property
    def never_arrived(self) -> int:
        """Requests lost on the way."""
        return self._count(Fate.NEVER_ARRIVED)

    @property
    def duplicates(self) -> int:
        """Placed orders beyond the first of each label that is not empty."""
        labels = [
            each.label for each in self._ledger.requests if each.fate is Fate.PLACED and each.label
        ]
        return len(labels) - len(set(labels))

    @property
    def positions_without_stop(self) -> int:
        """Positions that at any time existed without a stop."""
        return len(self._ledger.unprotected)

    def find_requests(self, label: str) -> tuple[OrderRequest, ...]:
        """Return what became of the requests with this label; empty if none was ever seen."""
        return tuple(each for each in self._ledger.requests if each.label == label)

    def fate_of(self, label: str) -> Fate | None:
        """Return PLACED if a request with this label was placed, else the last fate, if any."""
        fates = [each.fate for each in self.find_requests(label)]
        if not fates:
            return None
        return Fate.PLACED if Fate.PLACED in fates else fates[-1]

    def verify(self) -> None:
        """Check that the books agree with themselves.

        Raises:
            BooksDoNotBalance: a mistake of the exchange.
        """
        self._ledger.verify()

    def _count(self, fate: Fate) -> int:
        return sum(1 for each in self._ledger.requests if each.fate is fate)
