"""The proof that every lock of LIVE is open; without one no code reaches real money."""

from msgspec import Struct

from palmbot.domain.units import AccountId, TimestampMs


class LiveGrant(Struct, frozen=True, kw_only=True):
    """Made by `config.live_locks.unlock` alone, which examines the locks."""

    account_id: AccountId
    broker: str
    """Name the broker's list of accounts has to show."""
    may_trade: bool
    """False for a shadow run: it may look at LIVE prices and send no order."""
    smallest_until: TimestampMs
    """Up to this moment every entry has the smallest volume of the contract."""
