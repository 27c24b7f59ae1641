"""Opens the way by which alarms and heartbeats leave the house."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from palmbot.adapters.alert_courier import AlertCourier, Delivery
from palmbot.bootstrap.wiring import Wiring
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import FatalError
from palmbot.live.alert_desk import AlertDesk

LAST_WORDS_S = 10.0
"""Real seconds that alarms get to leave at the end; a process supervisor kills after 30 s."""


@contextmanager
def open_alerts(wiring: Wiring) -> Iterator[AlertDesk]:
    """Make the way outside, tell there what ended the block, and let messages leave."""
    loop = asyncio.get_running_loop()
    desk: AlertDesk

    def report(delivery: Delivery) -> None:
        """Called from the courier's thread, perhaps after the loop has ended."""
        if delivery.failure:
            reason = f"{delivery.address}: {delivery.failure}"
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(desk.note_failure, delivery.text, reason)

    params = wiring.params
    courier = AlertCourier(
        wiring.alert_urls,
        wiring.heartbeat_url,
        title=f"palmbot {params.environment} {params.account_id}",
        report=report,
    )
    desk = AlertDesk(channel=courier, clock=wiring.clock, rules=wiring.alert_rules)
    try:
        yield desk
    except FatalError as e:
        desk.raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=f"the bot ended: {e}"))
        raise
    finally:
        # Trading is over here, so a messenger may hold up the process for a moment.
        courier.close(LAST_WORDS_S)
