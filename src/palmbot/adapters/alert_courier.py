"""Carries alarms and heartbeats out of the process, in a thread that nobody waits for.

A messenger may be slow, dead or refuse: the loop that trades hands over and goes on, and hears
of a failure later. The addresses are secrets: no sentence, log or exception of this file quotes
one, only its place in the list and its kind.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import starmap
from typing import Final

import httpx

from palmbot.adapters.tls import make_context
from palmbot.domain.commands import RaiseAlarm
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.secret import Secret

WAITING_MAX: Final = 200
"""Alarms on their way; a storm of more says nothing that the first did not."""
DELIVERY_S_MAX: Final = 20.0
"""For one message to one address, real seconds. Messengers answer within a second or two."""
HEARTBEAT_S_MAX: Final = 10.0
STUCK_MAX: Final = 8
"""Deliveries that were given up and may still hold a thread: more are not begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one message at one address."""

    address: str
    """Place in ALERT_URLS and kind, such as `address 1 (tgram)`; never the address itself."""
    text: str
    failure: str
    """Empty if it was delivered."""


@dataclass(frozen=True, slots=True)
class Address:
    """One messenger, ready to be used."""

    name: str
    """See `Delivery.address`."""
    deliver: Callable[[str, RaiseAlarm], bool]
    """Blocks until the message, title first, was taken or not; may raise anything."""


class AlertCourier:
    """Implements `ports.AlertChannel`. One thread delivers, in order; `close` it at the end."""

    def __init__(
        self,
        urls: Secret | None,
        heartbeat: Secret | None,
        *,
        title: str,
        report: Callable[[Delivery], None],
        delivery_s_max: float = DELIVERY_S_MAX,
    ) -> None:
        """Judge the addresses and start the thread; nothing is sent yet.

        Args:
            urls: Apprise addresses, separated by spaces or commas.
            heartbeat: Address that is fetched by `beat`.
            title: First line of each message: which bot speaks.
            report: Told of each delivery, failed or not, from the thread.
            delivery_s_max: For one message to one address.

        Raises:
            ConfigInvalid: an address is of no known kind, or would not check certificates.
        """
        _silence_libraries()
        self._addresses = () if urls is None else _parse(urls)
        self._heartbeat = _check_heartbeat(heartbeat)
        self._title = title
        self._report = report
        self._delivery_s_max = delivery_s_max
        self._stuck: list[threading.Thread] = []
        self._jobs: queue.Queue[RaiseAlarm | None] = queue.Queue(maxsize=WAITING_MAX)
        # Daemons: a messenger that never answers must not keep the process from ending.
        self._thread = threading.Thread(target=self._deliver_all, name="alerts", daemon=True)
        self._thread.start()
        self._beating: threading.Thread | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Names of the addresses, in order; empty if none is set."""
        return tuple(each.name for each in self._addresses)

    @property
    def has_heartbeat(self) -> bool:
        """Tell whether a heartbeat address is set."""
        return self._heartbeat is not None

    def send(self, alarm: RaiseAlarm) -> None:
        """See `ports.AlertChannel.send`."""
        if not self._addresses:
            return
        try:
            self._jobs.put_nowait(alarm)
        except queue.Full:
            failure = f"more than {WAITING_MAX} alarms wait for their messengers"
            self._report(Delivery(address="all addresses", text=alarm.text, failure=failure))

    def beat(self) -> None:
        """See `ports.AlertChannel.beat`."""
        if self._heartbeat is None or (self._beating is not None and self._beating.is_alive()):
            return  # the last one is still on its way: the watch outside will miss it
        self._beating = threading.Thread(target=self._beat, name="heart", daemon=True)
        self._beating.start()

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, at most so long, and let go."""
        until_s = time.monotonic() + timeout_s
        try:
            self._jobs.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(max(0.0, until_s - time.monotonic()))

    def _deliver_all(self) -> None:
        while (alarm := self._jobs.get()) is not None:
            for address in self._addresses:
                self._report(self._deliver(address, alarm))

    def _deliver(self, address: Address, alarm: RaiseAlarm) -> Delivery:
        self._stuck = [each for each in self._stuck if each.is_alive()]
        if len(self._stuck) >= STUCK_MAX:
            failure = "earlier messages still hang there"
            return Delivery(address=address.name, text=alarm.text, failure=failure)
        outcome: list[str] = []
        thread = threading.Thread(
            target=self._try, args=(address, alarm, outcome), name="alert", daemon=True
        )
        thread.start()
        thread.join(self._delivery_s_max)
        if thread.is_alive():
            self._stuck.append(thread)
            failure = f"no answer within {self._delivery_s_max:g} s"
        else:
            failure = outcome[0]
        return Delivery(address=address.name, text=alarm.text, failure=failure)

    def _try(self, address: Address, alarm: RaiseAlarm, outcome: list[str]) -> None:
        try:
            is_taken = address.deliver(f"{self._title}: {alarm.severity}", alarm)
        except Exception as e:  # noqa: BLE001 - a plug-in's own mistake; its words may quote the URL
            outcome.append(f"the messenger failed with {type(e).__name__}")
        else:
            outcome.append("" if is_taken else "it was not accepted")

    def beat_now(self) -> str:
        """Give one sign of life and return what failed; empty if nothing did, or is set."""
        if self._heartbeat is None:
            return ""
        try:
            # Proxies of the environment are no part of the settings, so they are not followed.
            with httpx.Client(
                timeout=HEARTBEAT_S_MAX, trust_env=False, verify=make_context()
            ) as client:
                reply = client.get(self._heartbeat.reveal())
        except (httpx.HTTPError, ConfigInvalid) as e:
            return f"not reached ({type(e).__name__})"
        return f"answered {reply.status_code}" if reply.is_error else ""

    def _beat(self) -> None:
        failure = self.beat_now()
        if failure:
            self._report(Delivery(address="HEARTBEAT_URL", text="heartbeat", failure=failure))


def _parse(urls: Secret) -> tuple[Address, ...]:
    # The library takes half a second to load: only who sends alarms pays for that.
    from palmbot.adapters.apprise_addresses import parse_addresses  # noqa: PLC0415

    return tuple(starmap(Address, parse_addresses(urls)))


def _check_heartbeat(url: Secret | None) -> Secret | None:
    if url is None:
        return None
    try:
        parsed = httpx.URL(url.reveal())
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigInvalid(
            "HEARTBEAT_URL is no address that can be fetched: write one that begins with https://"
        )
    make_context()  # raises now what would fail at every beat
    return url


def _silence_libraries() -> None:
    """Keep the libraries from writing addresses into a log of their own."""
    for name in ("apprise", "urllib3", "requests", "httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
