"""Signs of life to the socket of a process supervisor."""

import socket

from palmbot.adapters.service_notifier import ServiceNotifier


def test_every_sign_arrives_at_the_socket_that_the_environment_names(tmp_path, monkeypatch):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(path))
        supervisor.settimeout(5.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notifier = ServiceNotifier()
        for give_sign, expected in (
            (notifier.ready, b"READY=1"),
            (notifier.beat, b"WATCHDOG=1"),
            (notifier.stopping, b"STOPPING=1"),
        ):
            give_sign()
            assert supervisor.recv(64) == expected


def test_an_address_without_a_file_is_found(monkeypatch):
    name = "palmbot-test-notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind("\0" + name)
        supervisor.settimeout(5.0)
        ServiceNotifier("@" + name).beat()
        assert supervisor.recv(64) == b"WATCHDOG=1"


def test_no_supervisor_and_a_dead_one_are_no_matter(tmp_path, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    ServiceNotifier().ready()
    ServiceNotifier(str(tmp_path / "nobody")).ready()
