"""The official client trades on our simulator: every step answered, every message readable.

`python official_session.py ENDPOINT_JSON` runs in the environment of the official package and
prints one JSON document: the steps done, and what failed if one did.
"""

import json
import sys
from pathlib import Path

from ctrader_open_api import Client, Protobuf, TcpProtocol
from ctrader_open_api.messages import OpenApiMessages_pb2 as messages
from ctrader_open_api.messages import OpenApiModelMessages_pb2 as model
from twisted.internet import defer, reactor

TIMEOUT_S = 20
SCALE = 100_000


class Session:
    """One run through the steps of a trader's day."""

    def __init__(self, access) -> None:  # noqa: ANN001 - runs beside an old, untyped package
        self.access = access
        self.ids = {"ctidTraderAccountId": access["account_id"]}
        self.done = []
        self.failure = None
        self.waiting = []
        self.client = Client("127.0.0.1", access["port"], TcpProtocol)
        self.client.setConnectedCallback(lambda _: self.run().addBoth(self.finish))
        self.client.setDisconnectedCallback(self.on_disconnected)
        self.client.setMessageReceivedCallback(self.on_message)

    def on_disconnected(self, _, reason):  # noqa: ANN001, ANN201
        """Note a link that broke before all was done."""
        if "close" not in self.done:
            self.failure = self.failure or f"disconnected: {reason.getErrorMessage()}"

    def on_message(self, _, message):  # noqa: ANN001, ANN201
        """Hand pushed messages to whoever waits for one like it."""
        content = Protobuf.extract(message)
        for each in list(self.waiting):
            wanted, deferred = each
            if wanted(content):
                self.waiting.remove(each)
                deferred.callback(content)

    def wait_for(self, wanted):  # noqa: ANN001, ANN201
        """Return a deferred that fires with the first message for which `wanted` is true."""
        deferred = defer.Deferred()
        deferred.addTimeout(TIMEOUT_S, reactor)
        self.waiting.append((wanted, deferred))
        return deferred

    @defer.inlineCallbacks
    def ask(self, request, reply_class):  # noqa: ANN001, ANN201
        """Send a request and check the class of its answer."""
        envelope = yield self.client.send(request, responseTimeoutInSeconds=TIMEOUT_S)
        reply = Protobuf.extract(envelope)
        if not isinstance(reply, reply_class):
            raise TypeError(f"{type(request).__name__} was answered by {reply}".replace("\n", " "))
        defer.returnValue(reply)

    @defer.inlineCallbacks
    def run(self):  # noqa: ANN201
        """Do all steps in order."""
        access, ids = self.access, self.ids
        yield self.ask(
            messages.ProtoOAApplicationAuthReq(
                clientId=access["client_id"], clientSecret=access["client_secret"]
            ),
            messages.ProtoOAApplicationAuthRes,
        )
        self.done.append("application authorisation")
        yield self.ask(
            messages.ProtoOAAccountAuthReq(accessToken=access["access_token"], **ids),
            messages.ProtoOAAccountAuthRes,
        )
        self.done.append("account authorisation")
        listed = yield self.ask(
            messages.ProtoOASymbolsListReq(**ids), messages.ProtoOASymbolsListRes
        )
        (symbol_id,) = (s.symbolId for s in listed.symbol if s.symbolName == access["symbols"][0])
        detailed = yield self.ask(
            messages.ProtoOASymbolByIdReq(symbolId=[symbol_id], **ids),
            messages.ProtoOASymbolByIdRes,
        )
        symbol = detailed.symbol[0]
        self.done.append("symbols")
        quote = self.wait_for(lambda m: isinstance(m, messages.ProtoOASpotEvent) and m.bid)
        yield self.ask(
            messages.ProtoOASubscribeSpotsReq(symbolId=[symbol_id], **ids),
            messages.ProtoOASubscribeSpotsRes,
        )
        spot = yield quote
        self.done.append("spot subscription")
        position = yield self.open_position(symbol, spot.bid)
        yield self.close_position(symbol, position)

    @defer.inlineCallbacks
    def open_position(self, symbol, bid):  # noqa: ANN001, ANN201
        """Buy at the market with a relative stop; return the position found by reconcile."""
        step = 10 ** (5 - symbol.digits)
        distance = bid * 3 // 200 // step * step
        filled = self.wait_for(is_filled)
        yield self.ask(
            messages.ProtoOANewOrderReq(
                symbolId=symbol.symbolId,
                orderType=model.MARKET,
                tradeSide=model.BUY,
                volume=symbol.minVolume,
                relativeStopLoss=distance,
                relativeTakeProfit=2 * distance,
                label="conformance",
                clientOrderId="conformance-1",
                **self.ids,
            ),
            messages.ProtoOAExecutionEvent,
        )
        self.done.append("market order with relative stop")
        execution = yield filled
        if execution.order.clientOrderId != "conformance-1":
            raise ValueError(f"the fill is of another order: {execution.order.clientOrderId!r}")
        self.done.append("execution event")
        books = yield self.ask(
            messages.ProtoOAReconcileReq(**self.ids), messages.ProtoOAReconcileRes
        )
        (position,) = books.position
        lost = round((position.price - position.stopLoss) * SCALE)
        if lost != distance:
            raise ValueError(f"the stop is {lost} away, {distance} was asked for")
        self.done.append("reconcile")
        defer.returnValue(position)

    @defer.inlineCallbacks
    def close_position(self, symbol, position):  # noqa: ANN001, ANN201
        """Close it and see the books empty."""
        filled = self.wait_for(is_filled)
        yield self.ask(
            messages.ProtoOAClosePositionReq(
                positionId=position.positionId, volume=symbol.minVolume, **self.ids
            ),
            messages.ProtoOAExecutionEvent,
        )
        execution = yield filled
        if not execution.deal.HasField("closePositionDetail"):
            raise ValueError("the closing deal does not say what it settled")
        books = yield self.ask(
            messages.ProtoOAReconcileReq(**self.ids), messages.ProtoOAReconcileRes
        )
        if books.position:
            raise ValueError("the position is still in the books")
        self.done.append("close")

    def finish(self, outcome):  # noqa: ANN001, ANN201
        """Stop; a failure is told by what it said."""
        if outcome is not None:
            self.failure = outcome.getErrorMessage() or repr(outcome.value)
        reactor.stop()


def is_filled(message):  # noqa: ANN001, ANN201
    """Tell whether a message is an execution event of a fill."""
    return (
        isinstance(message, messages.ProtoOAExecutionEvent)
        and message.executionType == model.ORDER_FILLED
    )


def main():  # noqa: ANN201
    """Run the session and print what came of it."""
    session = Session(json.loads(Path(sys.argv[1]).read_text()))
    session.client.startService()
    reactor.callLater(4 * TIMEOUT_S, reactor.stop)
    reactor.run()
    print(json.dumps({"done": session.done, "failure": session.failure}))


if __name__ == "__main__":
    main()
