"""The scripted world with what breakers need: wins, losses, days, restarts, payments."""

from dataclasses import replace

import msgspec
from msgspec import structs

from harness.engine_world import ACCOUNT, EASY, World, make_tick
from palmbot.core.breakers.book import BreakerRecord, DayBook
from palmbot.core.breakers.rules import BreakerRules, Unknown
from palmbot.core.params import EngineParams
from palmbot.core.state import Decision, EngineState, LinkPhase
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import Send
from palmbot.domain.events import (
    BalanceChanged,
    Event,
    LinkLost,
    OperatorHalted,
    OperatorResumed,
    OrderFilled,
    Started,
)
from palmbot.domain.orders import IntentKind, OrderStatus, Payment
from palmbot.domain.units import Money, Price, TimestampMs, Volume

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONEY = 10**8
"""One unit of account currency."""
FULL_VOLUME = 600
"""What one per cent of the paper account buys."""
RULES = BreakerRules(unknown=Unknown.ALLOW, fresh_ticks=1)


def make_params(**rules) -> EngineParams:
    """Return the easy parameters with other breaker rules."""
    return replace(EASY, account_id=ACCOUNT, breakers=replace(RULES, **rules))


class BreakerWorld(World):
    """A ready bot; `lose` and `win` are whole trades."""

    is_failure_expected = False
    """A test breaks a breaker on purpose; else none may fail, whatever comes."""

    def __init__(self, params: EngineParams | None = None, *, is_ready: bool = True) -> None:
        super().__init__(params or make_params())
        if is_ready:
            self.make_ready()

    def give(self, *events: Event) -> Decision:
        """Decide the events in order; return the last decision."""
        decision = super().give(*events)
        if not self.is_failure_expected:
            for _, each in self.history[-len(events) :]:
                assert each.state.breakers.defect == ""
        return decision

    def record(self, name: BreakerName) -> BreakerRecord:
        """Return one breaker."""
        return self.state.breakers.read(name)

    def phase(self, name: BreakerName) -> BreakerPhase:
        """Return where it stands."""
        return self.record(name).phase

    @property
    def day(self) -> DayBook:
        """The trading day."""
        assert self.state.breakers.day is not None
        return self.state.breakers.day

    @property
    def entries(self) -> int:
        """Entries sent so far."""
        return sum(intent.kind is IntentKind.ENTRY for intent in self.sends)

    def end(self, price: int) -> None:
        """Let the broker close the open position at a price, as by its stop or target."""
        position = self.state.position
        assert position is not None
        self.give(*self.broker.close(position.position_id, price))

    def lose(self) -> None:
        """A trade that ends at its stop."""
        position = self.enter()
        self.end(position.intended_stop)

    def win(self) -> None:
        """A trade that ends at its target."""
        position = self.enter()
        self.end(position.intended_target)

    def try_to_enter(self) -> bool:
        """Show a signal and carry out what follows; tell whether an entry left."""
        before = self.entries
        self.fall()
        self.carry_out()
        return self.entries > before

    def full_volume(self) -> int:
        """Return the volume of the newest entry that was sent at full size."""
        volumes = [each.volume for each in self.sends if each.kind is IntentKind.ENTRY]
        return max(volumes, default=FULL_VOLUME)

    def wait(self, ms: int) -> None:
        """Let market time pass and show the same price again; clean books on the way.

        A person halts meanwhile, so that nothing enters before the test wants it to.
        """
        self.give(OperatorHalted(actor="test", reason="waiting"))
        self.broker.now += ms
        self.give(make_tick(self.broker.now, self.broker.bid))
        if self.state.link.phase is not LinkPhase.DISCONNECTED:
            self.read_books()
        self.carry_out()
        self.settle()
        self.give(make_tick(self.broker.now, self.broker.bid))
        self.give(OperatorResumed(actor="test", reason="waited"))

    def wait_until(self, time: int) -> None:
        """Let market time reach a moment."""
        if time > self.broker.now:
            self.wait(time - self.broker.now)

    def restart(self) -> None:
        """End the process and start another one from the state on disk."""
        encoded = msgspec.json.encode(self.state)
        self.state = msgspec.json.decode(encoded, type=EngineState)
        assert msgspec.json.encode(self.state) == encoded
        self.generation = 0
        self.give(Started(time=TimestampMs(self.broker.now), run_id="again", nonce=77))

    def reconnect(self) -> None:
        """Lose the link, bring it up again, read books and bars."""
        self.give(LinkLost(generation=self.generation, reason="cut"))
        self.come_back()

    def come_back(self) -> None:
        """Connect, compare and load history."""
        self.connect()
        self.read_books()
        self.settle()
        self.load_bars(())
        self.tick()

    def pay(
        self,
        amount: int,
        kind: str = "BALANCE_DEPOSIT",
        *,
        is_heard: bool = True,
        is_listed: bool = True,
    ) -> None:
        """Move money in or out, in units of account currency; unheard, only the books show it.

        Unlisted, not even the broker's list of payments does, but its balance alone.
        """
        self.broker.balance += amount * MONEY
        self.broker.balance_version += 1
        event = self.payment(amount, kind)
        if is_listed:
            self.broker.payments.append(
                Payment(
                    delta=event.delta,
                    kind=kind,
                    balance=event.balance,
                    balance_version=event.balance_version,
                    time=event.time,
                )
            )
        if is_heard:
            self.give(event)

    def payment(self, amount: int, kind: str) -> BalanceChanged:
        """Return the announcement of the newest payment."""
        return BalanceChanged(
            balance=Money(self.broker.balance),
            balance_version=self.broker.balance_version,
            delta=Money(amount * MONEY),
            kind=kind,
            time=TimestampMs(self.broker.now),
        )

    def close_part(self, volume: int, price: int) -> None:
        """Let the broker close part of the open position."""
        held = self.state.position
        assert held is not None
        (event,) = self.broker.close(held.position_id, price)
        assert isinstance(event, OrderFilled)
        opened = next(
            each.position
            for each, _ in reversed(self.history)
            if isinstance(each, OrderFilled)
            and each.position is not None
            and each.position.position_id == held.position_id
        )
        part = structs.replace(opened, volume=Volume(held.volume - volume))
        net = event.fill.closing.net_profit * volume // held.volume
        self.broker.balance += net - event.fill.closing.net_profit
        closing = structs.replace(
            event.fill.closing, gross_profit=Money(net), balance=Money(self.broker.balance)
        )
        fill = structs.replace(event.fill, volume=Volume(volume), closing=closing)
        order = structs.replace(event.order, volume=Volume(volume), executed_volume=Volume(volume))
        self.broker.fills[-1] = fill
        self.broker.orders[-1] = structs.replace(order, status=OrderStatus.FILLED)
        self.broker.positions[held.position_id] = part
        self.give(OrderFilled(order=order, fill=fill, position=part, is_partial=False))

    def crash(self, percent: float) -> None:
        """Let the price fall at once, by a share of the price now; the stop is jumped over."""
        bid = Price(round(self.broker.bid * (1 - percent / 100)))
        self.broker.now += 1_000
        self.broker.bid = bid
        self.give(make_tick(self.broker.now, bid))

    def storm(self) -> None:
        """Trip the volatility breaker: an hour of calm minutes, then a burst within one."""
        bid = self.broker.bid
        self.give(OperatorHalted(actor="test", reason="calm"))
        for number in range(self.params.breakers.tape_minutes_min + 2):
            self.broker.now += MINUTE
            for second, change in ((0, 0), (20_000, 60_000), (40_000, 0)):
                self.give(make_tick(self.broker.now + second, bid + change + number % 2 * 1_000))
        self.broker.now += MINUTE
        self.give(
            make_tick(self.broker.now, bid), make_tick(self.broker.now + 2_000, bid - 600_000)
        )
        self.broker.now += 2_000
        self.give(OperatorResumed(actor="test", reason="storm"))


def sent_entries(decision) -> list:
    """Return the entries that one decision sends."""
    return [
        command.intent
        for command in decision.commands
        if isinstance(command, Send) and command.intent.kind is IntentKind.ENTRY
    ]
