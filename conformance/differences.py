"""Where the official package of 2024 is older than our schema; everything else must agree.

Source: measured against ctrader-open-api 0.9.2. The newer reference package has no difference.
"""

FIELDS_MISSING = {
    ("ProtoOAErrorRes", "retryAfter"),
    ("ProtoOAReconcileReq", "returnProtectionOrders"),
    ("ProtoOAGetTrendbarsRes", "hasMore"),
    ("ProtoOATrader", "fairStopOut"),
    ("ProtoOATrader", "stopOutStrategy"),
    ("ProtoOASymbol", "measurementUnits"),
    ("ProtoOATradeData", "measurementUnits"),
    ("ProtoOATradeData", "closeTimestamp"),
    ("ProtoOACtidTraderAccount", "brokerTitleShort"),
    ("ProtoOALightSymbol", "sortingNumber"),
    ("ProtoOASymbolCategory", "sortingNumber"),
    ("ProtoOAAssetClass", "sortingNumber"),
}

REQUIRED_THERE = {
    ("ProtoOADealListReq", "fromTimestamp"),
    ("ProtoOADealListReq", "toTimestamp"),
    ("ProtoOAOrderListReq", "fromTimestamp"),
    ("ProtoOAOrderListReq", "toTimestamp"),
    ("ProtoOADealListByPositionIdReq", "fromTimestamp"),
    ("ProtoOADealListByPositionIdReq", "toTimestamp"),
    ("ProtoOAGetTickDataReq", "fromTimestamp"),
    ("ProtoOAGetTickDataReq", "toTimestamp"),
    ("ProtoOAGetTrendbarsReq", "fromTimestamp"),
    ("ProtoOAGetTrendbarsReq", "toTimestamp"),
    ("ProtoOAGetTrendbarsRes", "timestamp"),
}

TYPE_THERE = {
    ("ProtoOADealListByPositionIdRes", "hasMore"): ("int64", "optional"),
    ("ProtoOADynamicLeverageTier", "leverage"): ("int64", "required"),
    ("ProtoOAPositionUnrealizedPnL", "netUnrealizedPnL"): ("int32", "required"),
}

ENUM_VALUES_MISSING = {
    ("ProtoOAErrorCode", "RET_NO_SUCH_LOGIN"),
    ("ProtoOAErrorCode", "RET_ACCOUNT_DISABLED"),
    ("ProtoOASwapCalculationType", "POINTS"),
}

ENUMS_MISSING = {"ProtoOAStopOutStrategy"}


def make_older(schema: dict) -> dict:
    """Return our description with the documented differences applied."""
    messages = {}
    for name, fields in schema["messages"].items():
        messages[name] = {
            field: dict(described)
            for field, described in fields.items()
            if (name, field) not in FIELDS_MISSING
        }
    for name, field in REQUIRED_THERE:
        messages[name][field]["label"] = "required"
    for (name, field), (kind, label) in TYPE_THERE.items():
        messages[name][field].update(type=kind, label=label)
    enums = {
        name: {
            value: number
            for value, number in values.items()
            if (name, value) not in ENUM_VALUES_MISSING
        }
        for name, values in schema["enums"].items()
        if name not in ENUMS_MISSING
    }
    return {"messages": messages, "enums": enums}


def list_disagreements(ours: dict, theirs: dict) -> list[str]:
    """Return one sentence for every message, field, enum or value that is not the same."""
    found = []
    for kind in ("messages", "enums"):
        for name in sorted(ours[kind].keys() | theirs[kind].keys()):
            left, right = ours[kind].get(name, {}), theirs[kind].get(name, {})
            found += [
                f"{name}.{part}: ours {left.get(part)}, theirs {right.get(part)}"
                for part in sorted(left.keys() | right.keys())
                if left.get(part) != right.get(part)
            ]
    return found
