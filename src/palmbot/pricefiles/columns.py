"""Which column of a file is what: by name, never by position."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a column means to us."""

    TIME = "time"
    CLOCK_TIME = "clock time"
    """Time of day, where the date has a column of its own."""
    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"
    BID = "bid"
    ASK = "ask"
    BID_OPEN = "bid_open"
    BID_HIGH = "bid_high"
    BID_LOW = "bid_low"
    BID_CLOSE = "bid_close"
    ASK_OPEN = "ask_open"
    ASK_HIGH = "ask_high"
    ASK_LOW = "ask_low"
    ASK_CLOSE = "ask_close"
    VOLUME = "volume"
    SPREAD_POINTS = "spread"
    """MetaTrader 5: in price steps of the symbol."""
    OPEN_INTEREST = "open_interest"
    CONTRACT = "contract"


SERIES: Final = (Role.OPEN, Role.HIGH, Role.LOW, Role.CLOSE)
BID_SERIES: Final = (Role.BID_OPEN, Role.BID_HIGH, Role.BID_LOW, Role.BID_CLOSE)
ASK_SERIES: Final = (Role.ASK_OPEN, Role.ASK_HIGH, Role.ASK_LOW, Role.ASK_CLOSE)
QUOTES: Final = (Role.BID, Role.ASK)

TIME_NAMES: Final = frozenset(
    {
        "time",
        "datetime",
        "timestamp",
        "gmt_time",
        "local_time",
        "open_time",
        "time_ms",
        "utc",
        "time_(utc)",
        "time_(eet)",
    }
)
DATE_NAMES: Final = frozenset({"date", "day", "trade_date"})
PRICE_ALIASES: Final[Mapping[str, Role]] = {
    **{role.value: role for role in (*SERIES, *QUOTES, *BID_SERIES, *ASK_SERIES)},
    "spread": Role.SPREAD_POINTS,
    **dict.fromkeys(("hold", "open_interest", "openinterest", "oi"), Role.OPEN_INTEREST),
    **dict.fromkeys(("contract", "instrument_id"), Role.CONTRACT),
}
VOLUME_NAMES: Final = ("volume", "tick_volume", "tickvol", "vol.", "vol")
"""In order of preference: MetaTrader 5 has the number of ticks, and a volume that is always 0."""

NOTES_ON_BARS: Final = frozenset({Role.SPREAD_POINTS, Role.OPEN_INTEREST, Role.CONTRACT})
"""What a file may say of its bars besides prices and volume."""

NEEDED: Final = (
    "a time column with bid and ask (ticks), with bid_open to ask_close (bars of quotes), "
    "or with open, high, low, close (bars of one series)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of one file that are used, by role, and the names of those that are not."""

    names: Mapping[Role, str]
    """The file's own spelling."""
    ignored: tuple[str, ...]

    def has(self, roles: Iterable[Role]) -> bool:
        """Tell whether every role has a column."""
        return all(role in self.names for role in roles)

    @property
    def price_roles(self) -> tuple[Role, ...]:
        """The price columns of the richest kind of rows this file has."""
        if self.has((*BID_SERIES, *ASK_SERIES)):
            return (*BID_SERIES, *ASK_SERIES)
        return SERIES if self.has(SERIES) else QUOTES


def find_layout(names: tuple[str, ...], also: frozenset[Role] = frozenset()) -> Layout | str:
    """Match column names to roles, case-insensitively; text says what stands in the way.

    `price` counts as the close only if there is no close. Roles of `also` are used if a column
    has them.
    """
    plain = {name: _simplify(name) for name in names}
    roles: dict[Role, str] = {}
    for name, role in _pair(plain):
        if role in roles:
            return (
                f"the columns {roles[role]!r} and {name!r} both read as {role}; "
                "rename or remove one of them"
            )
        roles[role] = name
    layout = Layout(names=roles, ignored=())
    if Role.TIME not in roles or not layout.has(layout.price_roles):
        found = ", ".join(names)
        return f"needed is {NEEDED}, but the columns found are: {found}; rename them in the header"
    kept = {Role.TIME, Role.CLOCK_TIME, Role.VOLUME, *layout.price_roles, *also}
    used = {role: name for role, name in roles.items() if role in kept}
    ignored = tuple(name for name in names if name not in used.values())
    return Layout(names=used, ignored=ignored)


def _simplify(name: str) -> str:
    return name.strip(" \t<>\"'\ufeff").lower().replace(" ", "_")


def _pair(plain: Mapping[str, str]) -> list[tuple[str, Role]]:
    """Return each known column with its role, in file order."""
    has_date = any(text in DATE_NAMES for text in plain.values())
    has_close = Role.CLOSE.value in plain.values()
    volume = next((each for each in VOLUME_NAMES if each in plain.values()), None)
    pairs: list[tuple[str, Role]] = []
    for name, text in plain.items():
        if text in DATE_NAMES:
            pairs.append((name, Role.TIME))
        elif text in TIME_NAMES:
            pairs.append((name, Role.CLOCK_TIME if has_date else Role.TIME))
        elif text == volume:
            pairs.append((name, Role.VOLUME))
        elif text in PRICE_ALIASES:
            pairs.append((name, PRICE_ALIASES[text]))
        elif text == "price" and not has_close:
            pairs.append((name, Role.CLOSE))
    return pairs
