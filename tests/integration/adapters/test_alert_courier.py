"""Alarms to real web servers that take them, refuse them, hang or are not there."""

import logging
import threading
import time

import pytest

from harness.messenger import PATH_SECRET, messenger
from palmbot.adapters.alert_courier import WAITING_MAX, AlertCourier
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.secret import Secret

ALARM = RaiseAlarm(severity=Severity.CRITICAL, text="breaker daily_loss tripped")
DEAD = "json://127.0.0.1:9/" + PATH_SECRET


@pytest.fixture(autouse=True)
def _no_foreign_trust(monkeypatch):
    for name in ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def courier(urls, heartbeat=None, **options):
    """Return a courier and the list of what became of its messages."""
    deliveries = []
    made = AlertCourier(
        None if urls is None else Secret(urls),
        None if heartbeat is None else Secret(heartbeat),
        title="palmbot demo 42",
        report=deliveries.append,
        **options,
    )
    return made, deliveries


def test_an_alarm_arrives_with_its_title_and_text_at_every_address():
    with messenger() as first, messenger() as second:
        made, deliveries = courier(f"{first.alert_url}, {second.alert_url}")
        assert made.addresses == ("address 1 (json)", "address 2 (json)")
        made.send(ALARM)
        made.close(10.0)
        for each in (first, second):
            (body,) = each.bodies
            assert ALARM.text in body
            assert "palmbot demo 42: critical" in body
    assert [each.failure for each in deliveries] == ["", ""]


def test_a_refusal_and_a_dead_address_are_told_and_do_not_stop_the_next_one():
    with messenger() as refusing, messenger() as good:
        refusing.answer = "refuse"
        made, deliveries = courier(f"{refusing.alert_url} {DEAD} {good.alert_url}")
        made.send(ALARM)
        made.close(10.0)
        assert len(good.bodies) == 1
    assert [each.failure for each in deliveries] == ["it was not accepted"] * 2 + [""]
    assert all(each.text == ALARM.text for each in deliveries)


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_a_messenger_that_never_ends_costs_its_time_out_and_no_more(answer):
    with messenger() as slow, messenger() as good:
        slow.answer = answer
        made, deliveries = courier(f"{slow.alert_url} {good.alert_url}", delivery_s_max=0.3)
        began_s = time.monotonic()
        made.send(ALARM)
        assert time.monotonic() - began_s < 0.1  # whoever raises the alarm goes on at once
        made.close(10.0)
        assert [each.failure for each in deliveries] == ["no answer within 0.3 s", ""]
        # A thread that hangs there must not keep the process from ending.
        names = [each.name for each in threading.enumerate() if not each.daemon]
        assert names == ["MainThread"]
        assert not any("ThreadPool" in each.name for each in threading.enumerate())


def test_a_messenger_that_always_hangs_holds_a_bounded_number_of_threads():
    with messenger() as slow:
        slow.answer = "hang"
        made, deliveries = courier(slow.alert_url, delivery_s_max=0.02)
        for number in range(12):
            made.send(RaiseAlarm(severity=Severity.WARNING, text=str(number)))
        made.close(10.0)
    assert len(deliveries) == 12
    assert deliveries[-1].failure == "earlier messages still hang there"


def test_a_storm_of_alarms_is_cut_off_and_said():
    with messenger() as slow:
        slow.answer = "hang"
        made, deliveries = courier(slow.alert_url, delivery_s_max=0.2)
        for _ in range(WAITING_MAX + 20):
            made.send(ALARM)
        assert any("wait for their messengers" in each.failure for each in deliveries)
        made.close(0.0)


def test_the_heartbeat_is_fetched_and_a_slow_one_is_not_piled_up():
    with messenger() as watch:
        made, _ = courier(None, watch.heartbeat_url)
        made.beat()
        assert watch.wait_for(lambda: watch.beats == 1)
        watch.answer = "hang"
        for _ in range(200):  # the first few may find the last one still on its way home
            made.beat()
            if watch.wait_for(lambda: watch.beats == 2, seconds=0.02):
                break
        for _ in range(50):
            made.beat()
        assert not watch.wait_for(lambda: watch.beats > 2, seconds=0.1)
        made.close(1.0)


def test_a_heartbeat_that_fails_is_told():
    with messenger() as watch:
        watch.answer = "refuse"
        made, _ = courier(None, watch.heartbeat_url)
        assert made.beat_now() == "answered 500"
    assert made.beat_now() == "not reached (ConnectError)"
    made.close(1.0)


def test_without_an_address_nothing_is_sent_and_nothing_fails():
    made, deliveries = courier(None)
    made.send(ALARM)
    made.beat()
    assert made.beat_now() == ""
    made.close(1.0)
    assert deliveries == []


@pytest.mark.parametrize(
    ("urls", "complaint"),
    [
        ("bogus://token-canary/x", r"address 1 \(bogus\) is none that apprise understands"),
        ("json://localhost tgram://token-canary", r"address 2 \(tgram\)"),
        ("jsons://user:token-canary@host/?verify=no", r"address 1 \(jsons\) says verify=no"),
        ("token-canary", "holds no address|address 1"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_being_quoted(urls, complaint):
    with pytest.raises(ConfigInvalid, match=complaint) as refused:
        courier(urls)
    assert "token-canary" not in str(refused.value)


@pytest.mark.parametrize("url", ["heart-canary", "ftp://heart-canary/x", "https://", "http://[::1"])
def test_a_heartbeat_address_that_cannot_be_is_refused_without_being_quoted(url):
    with pytest.raises(ConfigInvalid, match="HEARTBEAT_URL is no address") as refused:
        courier(None, url)
    assert "heart-canary" not in str(refused.value)


def test_no_library_writes_an_address_into_a_log(capfd, caplog):
    with caplog.at_level(logging.DEBUG), messenger() as refusing:
        refusing.answer = "refuse"
        made, deliveries = courier(f"{refusing.alert_url} {DEAD}", refusing.heartbeat_url)
        made.send(ALARM)
        made.beat_now()
        made.close(10.0)
    out, err = capfd.readouterr()
    for text in (out, err, caplog.text, repr(deliveries)):
        assert PATH_SECRET not in text
