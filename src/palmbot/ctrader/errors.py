"""What an error code of the broker means for us, and whether it proves that nothing was placed."""

from enum import StrEnum

HISTORICAL = frozenset({2133, 2137, 2143, 2145, 2175, 2179, 2183, 2185})
"""Payload types that count against the small rate budget."""


class ErrorClass(StrEnum):
    """Families of error codes by what the caller does."""

    TRANSIENT_LINK = "transient link"
    """Back off, reconnect."""
    THROTTLE = "throttle"
    """Wait `retryAfter`, or back off."""
    TOKEN = "token"  # noqa: S105 - a family of errors, no secret
    """A fresh access token is needed."""
    ACCOUNT_SESSION = "account session"
    """The account has to be authorised again."""
    APPLICATION_SESSION = "application session"
    """The application has to be authorised again."""
    FATAL_CONFIGURATION = "fatal configuration"
    """Stop and explain: no retry can help."""
    ALREADY_DONE = "already done"
    """Success in disguise."""
    GONE = "gone"
    """Order or position no longer there: read the books again."""
    BUSY = "busy"
    """Something else happens to it: wait for the event."""
    MARKET_STATE = "market state"
    REQUEST_BUG = "request bug"
    """We asked for something impossible."""
    RISK = "risk"
    """The broker's own limits."""
    UNKNOWN = "unknown"


_CODES: dict[ErrorClass, str] = {
    ErrorClass.TRANSIENT_LINK: "CANT_ROUTE_REQUEST TIMEOUT_ERROR SERVER_IS_UNDER_MAINTENANCE "
    "CH_SERVER_NOT_REACHABLE CONNECTIONS_LIMIT_EXCEEDED",
    ErrorClass.THROTTLE: "REQUEST_FREQUENCY_EXCEEDED BLOCKED_PAYLOAD_TYPE",
    ErrorClass.TOKEN: "OA_AUTH_TOKEN_EXPIRED CH_ACCESS_TOKEN_INVALID",
    ErrorClass.ACCOUNT_SESSION: "ACCOUNT_NOT_AUTHORIZED",
    ErrorClass.APPLICATION_SESSION: "CH_CLIENT_NOT_AUTHENTICATED",
    ErrorClass.FATAL_CONFIGURATION: "CH_CLIENT_AUTH_FAILURE CH_OA_CLIENT_NOT_FOUND "
    "RET_NO_SUCH_LOGIN RET_ACCOUNT_DISABLED CH_CTID_TRADER_ACCOUNT_NOT_FOUND CHANNEL_IS_BLOCKED",
    ErrorClass.ALREADY_DONE: "ALREADY_LOGGED_IN CH_CLIENT_ALREADY_AUTHENTICATED ALREADY_SUBSCRIBED",
    ErrorClass.GONE: "POSITION_NOT_FOUND ORDER_NOT_FOUND POSITION_NOT_OPEN "
    "POSITION_NOT_FOUND_OR_NOT_OPENED ALREADY_CLOSED",
    ErrorClass.BUSY: "POSITION_LOCKED PENDING_EXECUTION CONCURRENT_MODIFICATION",
    ErrorClass.MARKET_STATE: "MARKET_CLOSED SYMBOL_HAS_HOLIDAY TRADING_DISABLED NO_QUOTES",
    ErrorClass.REQUEST_BUG: "TRADING_BAD_VOLUME TRADING_BAD_STOPS TRADING_BAD_PRICES "
    "TRADING_BAD_STAKE TRADING_BAD_EXPIRATION_DATE PROTECTION_IS_TOO_CLOSE_TO_MARKET "
    "INVALID_REQUEST INCORRECT_BOUNDARIES WORSE_GSL_NOT_ALLOWED UNKNOWN_SYMBOL "
    "SYMBOL_NOT_FOUND NOT_SUBSCRIBED_TO_SPOTS UNSUPPORTED_MESSAGE ENTITY_NOT_FOUND "
    "FRAME_TOO_LONG UNABLE_TO_CANCEL_ORDER UNABLE_TO_AMEND_ORDER",
    ErrorClass.RISK: "NOT_ENOUGH_MONEY NO_ENOUGH_MONEY_TO_OPEN_POSITION MAX_EXPOSURE_REACHED "
    "TOO_MANY_POSITIONS SHORT_SELLING_NOT_ALLOWED TRADING_NOT_ALLOWED",
}

_CLASS_OF = {code: family for family, codes in _CODES.items() for code in codes.split()}

_TEXTS: tuple[tuple[str, str, ErrorClass], ...] = (
    ("INVALID_REQUEST", "not authorized", ErrorClass.ACCOUNT_SESSION),
    ("UNKNOWN_ERROR", "no pooled connection", ErrorClass.TRANSIENT_LINK),
)
"""Code, fragment of the description in lower case, class: where the code alone misleads."""

_REFUSALS = frozenset(
    {
        ErrorClass.GONE,
        ErrorClass.BUSY,
        ErrorClass.MARKET_STATE,
        ErrorClass.REQUEST_BUG,
        ErrorClass.RISK,
    }
)


def classify(code: str, description: str = "") -> ErrorClass:
    """Return the family of an error; `UNKNOWN` for codes nobody has met yet."""
    text = description.lower()
    for known, fragment, family in _TEXTS:
        if code == known and fragment in text:
            return family
    return _CLASS_OF.get(code, ErrorClass.UNKNOWN)


_ABOUT_WHAT_EXISTS = frozenset({ErrorClass.GONE, ErrorClass.BUSY})
"""Refusals that speak of an order or position already there, which an entry does not name."""


def proves_refusal(code: str, description: str = "", *, is_entry: bool) -> bool:
    """Tell whether the answer proves that an order request did nothing.

    Errors of link, session, token or throttle, and unknown ones, prove nothing: the request
    may have been executed behind them. Nor does it prove anything about an entry that some
    order or position is gone or busy: it may be the entry's own.
    """
    family = classify(code, description)
    return family in _REFUSALS and not (is_entry and family in _ABOUT_WHAT_EXISTS)
