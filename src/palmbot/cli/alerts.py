"""`palmbot alerts test`: does a message from here reach a person?"""

from pathlib import Path
from socket import gethostname
from typing import Annotated

from cyclopts import Parameter

from palmbot.adapters.alert_courier import DELIVERY_S_MAX, AlertCourier, Delivery
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.config.loading import load_config
from palmbot.domain.commands import RaiseAlarm, Severity


def try_out(
    *,
    settings: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Send one message to every address of ALERT_URLS, and one heartbeat.

    Exit code 1 if one does not arrive, or if none is set. The addresses are secrets and are
    named by their place in the list.

    Example: `palmbot alerts test`

    Args:
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    config = load_config(settings)
    deliveries: list[Delivery] = []
    courier = AlertCourier(
        config.messengers.urls,
        config.messengers.heartbeat,
        title=f"palmbot {config.environment} on {gethostname()}",
        report=deliveries.append,
    )
    text = "This is a test: whoever reads it would be told of a real alarm."
    courier.send(RaiseAlarm(severity=Severity.WARNING, text=text))
    failure = courier.beat_now()
    courier.close((len(courier.addresses) + 1) * DELIVERY_S_MAX)
    rows = [(each.address, each.failure) for each in deliveries]
    if courier.has_heartbeat:
        rows.append(("HEARTBEAT_URL", failure))
    if as_json:
        print_json(
            [
                {"address": address, "is_delivered": not failure, "failure": failure}
                for address, failure in rows
            ]
        )
    else:
        for address, failure in rows:
            stdout.print(f"{address}: {failure or 'delivered'}", highlight=False, soft_wrap=True)
    if not courier.addresses:
        stderr.print(
            "ALERT_URLS is not set in .env: nobody would be told of an alarm", highlight=False
        )
    is_good = bool(courier.addresses) and not any(failure for _, failure in rows)
    return EXIT_DONE if is_good else EXIT_REFUSED
