"""Integers with a unit: price, volume, money, time, and the ids of the broker.

Every amount that money depends on is an integer. Floats appear in indicators only.
"""

from typing import NewType

PRICE_SCALE = 100_000
VOLUME_SCALE = 100
MONEY_SCALE = 100_000_000

Price = NewType("Price", int)
"""1/100_000 of a price unit: 123_000 means 1.23. Source: ProtoOASpotEvent.bid.

Also the unit of a price distance, such as a relative stop.
"""

Volume = NewType("Volume", int)
"""1/100 of a unit of the base asset: 1000 means 10.00 units. Source: ProtoOATradeData.volume."""

Money = NewType("Money", int)
"""1/100_000_000 of a currency unit.

The wire scales money by the `moneyDigits` of each record (0 to 8); one fixed scale
holds all of them exactly, so that no amount travels with its own digits.
"""

TimestampMs = NewType("TimestampMs", int)
"""Milliseconds since 1970-01-01T00:00 UTC."""

AccountId = NewType("AccountId", int)
"""ctidTraderAccountId, which is not the login a trader sees."""

SymbolId = NewType("SymbolId", int)
"""Unique on one server only."""

PositionId = NewType("PositionId", int)
OrderId = NewType("OrderId", int)
DealId = NewType("DealId", int)

IntentId = NewType("IntentId", str)
"""Our own id of one request that changes the account: 26 characters of Crockford base 32."""

BASIS_POINTS = 10_000
"""Basis points in one whole: 150 bp are 1.5 per cent."""

MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60_000
MS_PER_DAY = 86_400_000
