"""Accounts for a demo: the books of all sides side by side."""

from pathlib import Path

from palmbot.adapters import journal_reader
from palmbot.core.engine import decide
from palmbot.core.metrics import read_max_drawdown, read_profit_factor, read_win_rate
from palmbot.core.state import EngineState, initial_state
from palmbot.domain.orders import IntentState
from palmbot.domain.units import MS_PER_MINUTE
from palmbot.reports.demo_run import DemoFigures
from palmbot.simulator.books import Books
from palmbot.workbench.demo_recorder import DemoRecorder


def compute_figures(  # noqa: PLR0913  (every side has its own books)
    *,
    journal: Path,
    state: EngineState,
    books: Books,
    recorder: DemoRecorder,
    acknowledged: int,
    seconds: float,
) -> DemoFigures:
    """Return the figures of a run that has ended.

    What the broker has comes from the simulator's books alone, what the bot sent from the
    bot's own steps, and whether the journal holds from reading it again.
    """
    verified = journal_reader.verify(journal)
    replayed = journal_reader.replay(journal, decide=decide, initial_state=initial_state)
    profits = [reported.trade.profit for reported in recorder.trades]
    return DemoFigures(
        trades=len(profits),
        profit_factor=read_profit_factor(profits),
        win_rate=read_win_rate(profits),
        net_return=(books.equity - books.initial_balance) / books.initial_balance,
        max_drawdown=read_max_drawdown(point.equity for point in recorder.equity),
        orders_sent=recorder.entries_sent,
        orders_at_broker=books.orders_at_broker,
        refused_unplaced=books.refused_unplaced,
        never_arrived=books.never_arrived,
        duplicates=books.duplicates,
        positions_without_stop=books.positions_without_stop,
        unknown_open=sum(
            intent.state is IntentState.UNKNOWN for intent in state.books.intents.values()
        ),
        reconnects=max(0, recorder.links_ready - 1),
        frozen_minutes=round(recorder.frozen_ms / MS_PER_MINUTE, 1),
        operator_acks=acknowledged,
        journal_verified=verified.is_verified,
        replay_identical=replayed.is_identical,
        simulated_days=len(recorder.trading_days),
        seconds=seconds,
    )
