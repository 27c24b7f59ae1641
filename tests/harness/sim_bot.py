"""Wires the lines of a simulated bot as `bootstrap` wires the real ones."""

import ssl

from palmbot.adapters.ctrader_broker import CtraderBroker, Endpoint
from palmbot.ctrader.connection import ClientConnection, Limits
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.events import OperatorHalted
from palmbot.domain.secret import Secret
from palmbot.live.recurrence import Recurrence
from palmbot.live.stop_watch import ACTOR as WATCH
from palmbot.live.stop_watch import StopWatch

TRADING_LINE = "trading.simulation"
WATCH_LINE = "watch.simulation"
SIGHT_S = 60.0
"""Time between two looks whether the stop watch sees anything."""
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def wire_broker(world, line, sink):
    """Return the way to the broker over one line."""
    keys, params = world.server.keys, world.params

    def make_connection(generation):
        return ClientConnection(
            generation=generation,
            credentials=Credentials(
                client_id=keys.client_id,
                client_secret=Secret(keys.client_secret),
                access_token=Secret(keys.access_token),
            ),
            target=Target(
                environment=params.environment,
                account_id=params.account_id,
                symbol_name=params.symbol_name,
                symbol_aliases=(),
            ),
            limits=Limits(heartbeat_s=world.plan.heartbeat_s),
        )

    return CtraderBroker(
        endpoint=Endpoint(host=line, port=5035, server_name=line),
        tls=NO_TLS,
        new_connection=make_connection,
        sink=sink,
        clock=world.clock,
        draw_jitter=world.random.random if line == TRADING_LINE else world.network.draw_of(line),
    )


class SecondLine:
    """The stop watch of one process, on a connection of its own."""

    def __init__(self, world, trader, inbox):
        self._world = world
        self._inbox = inbox
        self.stop_watch = StopWatch(
            environment=world.params.environment,
            read_state=lambda: trader.state,
            halt=self._halt,
            clock=world.clock,
            interval_s=world.plan.watch_s,
            raise_alarm=lambda _: None,
        )
        self._sight = Recurrence(
            clock=world.clock, every_s=SIGHT_S, call=self.stop_watch.check_sight
        )

    async def run(self):
        """Watch until cancelled."""
        broker = wire_broker(self._world, WATCH_LINE, self.stop_watch)
        self._sight.start()
        try:
            await self.stop_watch.run(broker)
        finally:
            self._sight.stop()

    def _halt(self, reason):
        self._world.watch.on_watch_halt(reason)
        self._inbox.put(OperatorHalted(actor=WATCH, reason=reason))
