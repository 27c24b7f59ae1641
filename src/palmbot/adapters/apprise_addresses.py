"""The addresses of ALERT_URLS, each a messenger of the apprise library. Loaded only when set."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Final

import apprise
from apprise.utils.parse import parse_urls

from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.secret import Secret

_KINDS: Final = {
    Severity.NOTICE: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
}


def parse_addresses(urls: Secret) -> list[tuple[str, Callable[[str, RaiseAlarm], bool]]]:
    """Return name and delivery of each address.

    Raises:
        ConfigInvalid: one is of no known kind, or would not check certificates. The sentence
            names its place in the list and quotes nothing.
    """
    # Nothing on disk: what a messenger remembers there could be an address.
    asset = apprise.AppriseAsset(
        app_id="palmbot",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        secure_logging=True,
        async_mode=False,
    )
    listed: list[str] = parse_urls(urls.reveal())  # type: ignore[no-untyped-call]
    addresses: list[tuple[str, Callable[[str, RaiseAlarm], bool]]] = []
    for number, url in enumerate(listed, start=1):
        kind, separator, _ = url.partition("://")
        name = f"address {number} ({kind})" if separator and kind.isalnum() else f"address {number}"
        with warnings.catch_warnings():
            # All messengers are loaded with the first one, some import what Python retires.
            warnings.simplefilter("ignore", DeprecationWarning)
            service = apprise.Apprise.instantiate(url, asset=asset)
        if not isinstance(service, apprise.NotifyBase):
            raise ConfigInvalid(
                f"ALERT_URLS: {name} is none that apprise understands: write it as the apprise "
                "documentation shows for that messenger, several separated by spaces"
            )
        if not service.verify_certificate:
            raise ConfigInvalid(
                f"ALERT_URLS: {name} says verify=no, but certificates are always checked: take "
                "that away, and use plain http inside a network you trust"
            )
        addresses.append((name, partial(_deliver, service)))
    if not addresses:
        raise ConfigInvalid(
            "ALERT_URLS holds no address: write one such as mailto://... or leave it empty"
        )
    return addresses


def _deliver(service: apprise.NotifyBase, title: str, alarm: RaiseAlarm) -> bool:
    kind = _KINDS[alarm.severity]
    return bool(service.notify(body=alarm.text, title=title, notify_type=kind))
