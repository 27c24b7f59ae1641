"""Requests for what hardly changes: assets, symbols, leverage, the account."""

from google.protobuf.message import Message

from palmbot.ctrader.generated.account_messages_pb2 import (
    ProtoOAAssetClassListReq,
    ProtoOAAssetClassListRes,
    ProtoOAAssetListReq,
    ProtoOAAssetListRes,
    ProtoOAGetDynamicLeverageByIDReq,
    ProtoOAGetDynamicLeverageByIDRes,
    ProtoOASymbolByIdReq,
    ProtoOASymbolByIdRes,
    ProtoOASymbolCategoryListReq,
    ProtoOASymbolCategoryListRes,
    ProtoOASymbolsForConversionReq,
    ProtoOASymbolsForConversionRes,
    ProtoOASymbolsListReq,
    ProtoOASymbolsListRes,
    ProtoOATraderReq,
    ProtoOATraderRes,
)
from palmbot.ctrader.generated.entities_pb2 import (
    ProtoOAAsset,
    ProtoOAAssetClass,
    ProtoOADynamicLeverage,
    ProtoOADynamicLeverageTier,
    ProtoOASymbolCategory,
)
from palmbot.domain.errors import RequestRefused
from palmbot.simulator.contracts import Contract
from palmbot.simulator.exchange import Exchange
from palmbot.simulator.rendering import Renderer
from palmbot.simulator.sessions import Answer, reply

ASSET_CLASS_ID = 1
CATEGORY_ID = 1
TIER_VOLUME = 100_000_000_000
"""One tier for every volume, in US dollar cents."""


def number_assets(currency: str, contracts: tuple[Contract, ...]) -> dict[str, int]:
    """Return an id for every asset, the account currency first."""
    names = [currency]
    for contract in contracts:
        names += (contract.base_asset, contract.quote_asset)
    return {name: i for i, name in enumerate(dict.fromkeys(names), start=1)}


class Catalogue:
    """Answers for one account."""

    def __init__(
        self, exchange: Exchange, renderer: Renderer, asset_ids: dict[str, int], account_id: int
    ) -> None:
        self._exchange = exchange
        self._renderer = renderer
        self._asset_ids = asset_ids
        self._account_id = account_id

    def answer(self, message: Message) -> Answer | None:
        """Answer a request of this kind; None for any other.

        Raises:
            RequestRefused: nothing of that id.
        """
        answered: Message | None = None
        account_id = self._account_id
        match message:
            case ProtoOATraderReq():
                trader = self._renderer.trader(self._exchange.ledger)
                answered = ProtoOATraderRes(ctidTraderAccountId=account_id, trader=trader)
            case ProtoOAAssetListReq():
                answered = self._list_assets()
            case ProtoOAAssetClassListReq():
                classes = [ProtoOAAssetClass(id=ASSET_CLASS_ID, name="Commodities")]
                answered = ProtoOAAssetClassListRes(
                    ctidTraderAccountId=account_id, assetClass=classes
                )
            case ProtoOASymbolCategoryListReq():
                category = ProtoOASymbolCategory(
                    id=CATEGORY_ID, assetClassId=ASSET_CLASS_ID, name="Softs"
                )
                answered = ProtoOASymbolCategoryListRes(
                    ctidTraderAccountId=account_id, symbolCategory=[category]
                )
            case ProtoOASymbolsListReq():
                symbols = [self._renderer.light_symbol(each) for each in self._exchange.contracts]
                answered = ProtoOASymbolsListRes(ctidTraderAccountId=account_id, symbol=symbols)
            case ProtoOASymbolByIdReq():
                answered = self._describe(tuple(message.symbolId))
            case ProtoOASymbolsForConversionReq():
                answered = self._convert(message.firstAssetId, message.lastAssetId)
            case ProtoOAGetDynamicLeverageByIDReq():
                answered = self._leverage(message.leverageId)
            case _:
                return None
        return reply(answered)

    def _list_assets(self) -> ProtoOAAssetListRes:
        assets = [
            ProtoOAAsset(assetId=asset_id, name=name, displayName=name, digits=2)
            for name, asset_id in self._asset_ids.items()
        ]
        return ProtoOAAssetListRes(ctidTraderAccountId=self._account_id, asset=assets)

    def _describe(self, symbol_ids: tuple[int, ...]) -> ProtoOASymbolByIdRes:
        known = {each.symbol_id: each for each in self._exchange.contracts}
        missing = [each for each in symbol_ids if each not in known]
        if missing:
            raise RequestRefused("SYMBOL_NOT_FOUND", f"No symbol {missing[0]}")
        symbols = [self._renderer.symbol(known[each]) for each in known if each in symbol_ids]
        return ProtoOASymbolByIdRes(ctidTraderAccountId=self._account_id, symbol=symbols)

    def _convert(self, first: int, last: int) -> ProtoOASymbolsForConversionRes:
        """Return the one symbol that joins both assets; longer chains do not occur here."""
        for contract in self._exchange.contracts:
            assets = {self._asset_ids[contract.base_asset], self._asset_ids[contract.quote_asset]}
            if assets == {first, last}:
                return ProtoOASymbolsForConversionRes(
                    ctidTraderAccountId=self._account_id,
                    symbol=[self._renderer.light_symbol(contract)],
                )
        raise RequestRefused("ENTITY_NOT_FOUND", f"No symbols between assets {first} and {last}")

    def _leverage(self, leverage_id: int) -> ProtoOAGetDynamicLeverageByIDRes:
        for contract in self._exchange.contracts:
            if contract.symbol_id == leverage_id:
                tier = ProtoOADynamicLeverageTier(
                    volume=TIER_VOLUME, leverage=contract.leverage_in_cents
                )
                leverage = ProtoOADynamicLeverage(leverageId=leverage_id, tiers=[tier])
                return ProtoOAGetDynamicLeverageByIDRes(
                    ctidTraderAccountId=self._account_id, leverage=leverage
                )
        raise RequestRefused("ENTITY_NOT_FOUND", f"No dynamic leverage {leverage_id}")
