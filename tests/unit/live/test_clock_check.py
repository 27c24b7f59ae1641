"""What the edge measures of the machine: its clock against two others, and its disk."""

from harness.engine_world import EASY, make_account, make_symbol, make_tick
from harness.manual_clock import ManualClock
from palmbot.core.state import Decision, initial_state
from palmbot.domain.events import ClockChecked, DiskMeasured, LinkReady, StampMissing
from palmbot.live.clock_check import ClockCheck
from palmbot.live.disk_check import DiskCheck

DECISION = Decision(state=initial_state(EASY))


class Machine:
    def __init__(self, *, has_broker_time=True):
        self.clock = ManualClock(now_s=100.0)
        self.events = []
        self.watch = ClockCheck(sink=self, clock=self.clock, has_broker_time=has_broker_time)

    def put(self, event):
        self.events.append(event)

    def see(self, event):
        self.watch.observe(event, DECISION)

    def ticks(self, count, behind_ms=0, every_s=1.0):
        for _ in range(count):
            self.clock.advance(every_s)
            self.see(make_tick(self.clock.wall_ms() - behind_ms))

    def check(self):
        self.watch.check()
        return self.events[-1]


def test_clocks_that_run_alike_show_no_jump():
    machine = Machine()
    machine.clock.advance(3_600)
    assert machine.check() == ClockChecked(jump_ms=0, offset_ms=None)


def test_a_clock_that_was_set_shows_the_jump_once():
    machine = Machine()
    machine.clock.epoch_ms -= 7_200_000
    assert machine.check().jump_ms == -7_200_000
    assert machine.check().jump_ms == 0


def test_the_offset_is_the_median_of_what_the_newest_stamps_show():
    machine = Machine()
    machine.ticks(4, behind_ms=200)
    assert machine.check().offset_ms is None
    machine.ticks(1, behind_ms=9_000)  # one slow packet
    assert machine.check().offset_ms == 200
    machine.ticks(15, behind_ms=-1_500)
    assert machine.check().offset_ms == -1_500


def test_a_burst_of_prices_is_one_comparison():
    machine = Machine()
    machine.ticks(20, every_s=0.1)
    assert machine.check().offset_ms is None
    machine.ticks(40, every_s=0.1)
    assert machine.check().offset_ms == 0


def test_comparisons_from_before_a_jump_or_a_minute_ago_do_not_count():
    machine = Machine()
    machine.ticks(10)
    machine.clock.epoch_ms += 501
    assert machine.check() == ClockChecked(jump_ms=501, offset_ms=None)
    machine.ticks(5, behind_ms=501)
    assert machine.check().offset_ms == 501
    machine.clock.epoch_ms += 500  # a clock that is drawn near slowly
    assert machine.check().offset_ms == 501
    machine.clock.advance(61)
    assert machine.check().offset_ms is None


def test_prices_without_the_brokers_time_are_no_comparison_until_the_next_connection():
    machine = Machine()
    machine.ticks(5)
    machine.see(StampMissing(generation=1))
    machine.ticks(5)
    assert machine.check().offset_ms is None
    link = LinkReady(generation=2, account=make_account(), symbol=make_symbol(), conversion=())
    machine.see(link)
    machine.ticks(5)
    assert machine.check().offset_ms == 0


def test_beside_a_simulator_that_runs_faster_than_the_day_only_jumps_are_told():
    machine = Machine(has_broker_time=False)
    machine.ticks(20, behind_ms=86_400_000)
    assert machine.check() == ClockChecked(jump_ms=0, offset_ms=None)


def test_the_free_space_of_the_directory_is_told_and_a_missing_one_as_unknown(tmp_path):
    events = []

    class Sink:
        put = staticmethod(events.append)

    DiskCheck(tmp_path, sink=Sink()).check()
    DiskCheck(tmp_path / "gone", sink=Sink()).check()
    first, second = events
    assert isinstance(first, DiskMeasured)
    assert first.free_bytes > 0
    assert second == DiskMeasured(free_bytes=None)
