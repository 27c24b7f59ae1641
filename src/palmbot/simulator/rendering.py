"""Records of the exchange as messages of the Open API."""

from palmbot.ctrader.generated.entities_pb2 import (
    ProtoOAClosePositionDetail,
    ProtoOADeal,
    ProtoOADepositWithdraw,
    ProtoOAHoliday,
    ProtoOAInterval,
    ProtoOALightSymbol,
    ProtoOAOrder,
    ProtoOAPosition,
    ProtoOASymbol,
    ProtoOATradeData,
    ProtoOATrader,
    ProtoOATrendbar,
)
from palmbot.ctrader.generated.enums_pb2 import (
    BALANCE_DEPOSIT,
    BALANCE_WITHDRAW,
    FILLED,
    FULL_ACCESS,
    GOOD_TILL_CANCEL,
    GOOD_TILL_DATE,
    IMMEDIATE_OR_CANCEL,
    NO_TRADING,
    PARTIALLY_FILLED,
    POSITION_STATUS_CLOSED,
    POSITION_STATUS_OPEN,
    USD_PER_LOT,
    ProtoOAAccountType,
    ProtoOADayOfWeek,
    ProtoOAExecutionType,
    ProtoOAOrderStatus,
    ProtoOAOrderType,
    ProtoOASwapCalculationType,
    ProtoOATradeSide,
    ProtoOATradingMode,
    ProtoOATrendbarPeriod,
)
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOAExecutionEvent
from palmbot.domain.market import Side
from palmbot.domain.units import PRICE_SCALE, Price
from palmbot.simulator.contracts import Contract
from palmbot.simulator.costs import RATE_SCALE
from palmbot.simulator.history import Trendbar
from palmbot.simulator.ledger import Ledger
from palmbot.simulator.records import (
    CashFlow,
    Deal,
    Execution,
    ExecutionKind,
    Order,
    OrderKind,
    OrderState,
    Position,
)
from palmbot.simulator.settings import AccountSettings

MINUTES_PER_DAY = 1_440
SWAP_PERIOD_HOURS = 24
REGISTERED_AT = 1_577_836_800_000
"""When the account was opened: 2020-01-01. History requests cannot reach further back."""

_SIDES = {each: ProtoOATradeSide.Name(each.value) for each in Side}
_ORDER_TYPES = {each: ProtoOAOrderType.Name(each.value) for each in OrderKind}
_ORDER_STATUSES = {each: ProtoOAOrderStatus.Name(each.value) for each in OrderState}
_EXECUTION_TYPES = {each: ProtoOAExecutionType.Name(each.value) for each in ExecutionKind}
"""Names on the wire."""


def _double(price: Price) -> float:
    return price / PRICE_SCALE


class Renderer:
    """Knows the facts of the account that every record repeats."""

    def __init__(
        self, account: AccountSettings, contracts: tuple[Contract, ...], asset_ids: dict[str, int]
    ) -> None:
        self._account = account
        self._contracts = {each.symbol_id: each for each in contracts}
        self._asset_ids = asset_ids
        self._digits = account.money_digits

    def trader(self, ledger: Ledger) -> ProtoOATrader:
        """Render the account as it stands."""
        account = self._account
        return ProtoOATrader(
            ctidTraderAccountId=account.account_id,
            balance=ledger.balance,
            balanceVersion=ledger.balance_version,
            accessRights=FULL_ACCESS if account.can_trade else NO_TRADING,
            depositAssetId=self._asset_ids[account.currency],
            swapFree=False,
            leverageInCents=account.leverage_in_cents,
            maxLeverage=account.leverage_in_cents,
            traderLogin=account.login,
            accountType=ProtoOAAccountType.Name(account.kind.value),
            brokerName=account.broker,
            registrationTimestamp=REGISTERED_AT,
            isLimitedRisk=account.is_limited_risk,
            moneyDigits=self._digits,
        )

    def light_symbol(self, contract: Contract) -> ProtoOALightSymbol:
        """Render a line of the symbol list."""
        return ProtoOALightSymbol(
            symbolId=contract.symbol_id,
            symbolName=contract.name,
            enabled=True,
            baseAssetId=self._asset_ids[contract.base_asset],
            quoteAssetId=self._asset_ids[contract.quote_asset],
            symbolCategoryId=1,
            description=contract.description,
        )

    def symbol(self, contract: Contract) -> ProtoOASymbol:
        """Render the whole contract; `leverageId` is the symbol's id."""
        return ProtoOASymbol(
            symbolId=contract.symbol_id,
            digits=contract.digits,
            pipPosition=contract.pip_position,
            enableShortSelling=contract.is_short_selling_allowed,
            guaranteedStopLoss=False,
            swapRollover3Days=ProtoOADayOfWeek.Name(contract.swap_triple_day.value),
            swapLong=contract.swap_long,
            swapShort=contract.swap_short,
            maxVolume=contract.volume_max,
            minVolume=contract.volume_min,
            stepVolume=contract.volume_step,
            schedule=[
                ProtoOAInterval(startSecond=each.start_s, endSecond=each.end_s)
                for each in contract.hours.intervals
            ],
            commissionType=USD_PER_LOT,
            slDistance=contract.stop_distance_points,
            tpDistance=contract.stop_distance_points,
            scheduleTimeZone=contract.hours.zone,
            tradingMode=ProtoOATradingMode.Name(contract.trading_mode.value),
            swapCalculationType=ProtoOASwapCalculationType.Name(contract.swap_kind.value),
            lotSize=contract.lot_size,
            preciseTradingCommissionRate=round(contract.commission_usd_per_lot * RATE_SCALE),
            holiday=[
                ProtoOAHoliday(
                    holidayId=i,
                    name=each.name,
                    scheduleTimeZone=each.zone,
                    holidayDate=each.day,
                    isRecurring=each.is_recurring,
                    startSecond=each.start_s,
                    endSecond=each.end_s,
                )
                for i, each in enumerate(contract.hours.holidays, start=1)
            ],
            leverageId=contract.symbol_id,
            swapPeriod=SWAP_PERIOD_HOURS,
            swapTime=contract.swap_time_minutes % MINUTES_PER_DAY,
            measurementUnits=contract.measurement_unit,
        )

    def position(self, position: Position) -> ProtoOAPosition:
        """Render a position, open or closed."""
        rendered = ProtoOAPosition(
            positionId=position.position_id,
            tradeData=self._position_trade(position),
            positionStatus=POSITION_STATUS_OPEN if position.volume else POSITION_STATUS_CLOSED,
            swap=position.swap,
            price=_double(position.entry_price),
            utcLastUpdateTimestamp=position.updated_at,
            commission=position.commission,
            marginRate=_double(position.entry_price),
            usedMargin=position.used_margin,
            moneyDigits=self._digits,
        )
        if position.stop_loss is not None:
            rendered.stopLoss = _double(position.stop_loss)
        if position.take_profit is not None:
            rendered.takeProfit = _double(position.take_profit)
        return rendered

    def order(self, order: Order) -> ProtoOAOrder:
        """Render an order, pending or past. A protection order carries its levels as prices."""
        in_force = GOOD_TILL_CANCEL if order.expires_at is None else GOOD_TILL_DATE
        rendered = ProtoOAOrder(
            orderId=order.order_id,
            tradeData=self._order_trade(order),
            orderType=_ORDER_TYPES[order.kind],
            orderStatus=_ORDER_STATUSES[order.state],
            executedVolume=order.executed_volume,
            utcLastUpdateTimestamp=order.updated_at,
            closingOrder=order.is_closing,
            timeInForce=IMMEDIATE_OR_CANCEL if order.kind is OrderKind.MARKET else in_force,
            isStopOut=order.is_stop_out,
        )
        if order.client_order_id:
            rendered.clientOrderId = order.client_order_id
        for name, number in (
            ("positionId", order.position_id),
            ("expirationTimestamp", order.expires_at),
            ("relativeStopLoss", order.stop_distance),
            ("relativeTakeProfit", order.target_distance),
        ):
            if number is not None:
                setattr(rendered, name, number)
        for name, price in (
            ("executionPrice", order.execution_price),
            ("limitPrice", order.limit_price),
            ("stopPrice", order.stop_price),
            ("stopLoss", order.stop_loss),
            ("takeProfit", order.take_profit),
        ):
            if price is not None:
                setattr(rendered, name, _double(price))
        return rendered

    def deal(self, deal: Deal) -> ProtoOADeal:
        """Render a deal."""
        rendered = ProtoOADeal(
            dealId=deal.deal_id,
            orderId=deal.order_id,
            positionId=deal.position_id,
            volume=deal.ordered_volume,
            filledVolume=deal.volume,
            symbolId=deal.symbol_id,
            createTimestamp=deal.time,
            executionTimestamp=deal.time,
            utcLastUpdateTimestamp=deal.time,
            executionPrice=_double(deal.price),
            tradeSide=_SIDES[deal.side],
            dealStatus=PARTIALLY_FILLED if deal.is_partial else FILLED,
            commission=deal.commission,
            moneyDigits=self._digits,
        )
        settled = deal.settlement
        if settled is not None:
            rendered.closePositionDetail.CopyFrom(
                ProtoOAClosePositionDetail(
                    entryPrice=_double(settled.entry_price),
                    grossProfit=settled.gross_profit,
                    swap=settled.swap,
                    commission=settled.commission,
                    balance=settled.balance,
                    quoteToDepositConversionRate=settled.conversion_rate,
                    closedVolume=deal.volume,
                    balanceVersion=settled.balance_version,
                    moneyDigits=self._digits,
                )
            )
        return rendered

    def cash_flow(self, flow: CashFlow) -> ProtoOADepositWithdraw:
        """Render a deposit, or a withdrawal if it is negative."""
        return ProtoOADepositWithdraw(
            operationType=BALANCE_DEPOSIT if flow.delta >= 0 else BALANCE_WITHDRAW,
            balanceHistoryId=flow.flow_id,
            balance=flow.balance,
            delta=flow.delta,
            changeBalanceTimestamp=flow.time,
            externalNote=flow.note,
            balanceVersion=flow.balance_version,
            moneyDigits=self._digits,
        )

    def execution(self, execution: Execution) -> ProtoOAExecutionEvent:
        """Render one thing the exchange did."""
        rendered = ProtoOAExecutionEvent(
            ctidTraderAccountId=self._account.account_id,
            executionType=_EXECUTION_TYPES[execution.kind],
            isServerEvent=execution.is_server_event,
        )
        if execution.position is not None:
            rendered.position.CopyFrom(self.position(execution.position))
        if execution.order is not None:
            rendered.order.CopyFrom(self.order(execution.order))
        if execution.deal is not None:
            rendered.deal.CopyFrom(self.deal(execution.deal))
        if execution.cash_flow is not None:
            rendered.depositWithdraw.CopyFrom(self.cash_flow(execution.cash_flow))
        if execution.error_code:
            rendered.errorCode = execution.error_code
        return rendered

    def _position_trade(self, position: Position) -> ProtoOATradeData:
        trade = ProtoOATradeData(
            symbolId=position.symbol_id,
            volume=position.volume,
            tradeSide=_SIDES[position.side],
            openTimestamp=position.opened_at,
            label=position.label,
            comment=position.comment,
            measurementUnits=self._contracts[position.symbol_id].measurement_unit,
        )
        if position.closed_at is not None:
            trade.closeTimestamp = position.closed_at
        return trade

    def _order_trade(self, order: Order) -> ProtoOATradeData:
        return ProtoOATradeData(
            symbolId=order.symbol_id,
            volume=order.volume,
            tradeSide=_SIDES[order.side],
            openTimestamp=order.opened_at,
            label=order.label,
            comment=order.comment,
            measurementUnits=self._contracts[order.symbol_id].measurement_unit,
        )


def render_trendbar(bar: Trendbar, period: int, *, is_live: bool = False) -> ProtoOATrendbar:
    """Render a bar. `period` is a ProtoOATrendbarPeriod.

    The live bar has no deltaClose: its close is the bid of the same event.
    """
    rendered = ProtoOATrendbar(
        volume=bar.ticks,
        period=ProtoOATrendbarPeriod.Name(period),
        low=bar.low,
        deltaOpen=bar.open - bar.low,
        deltaHigh=bar.high - bar.low,
        utcTimestampInMinutes=bar.minute,
    )
    if not is_live:
        rendered.deltaClose = bar.close - bar.low
    return rendered
