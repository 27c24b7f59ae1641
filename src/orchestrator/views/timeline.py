"""The course of a run as one picture: a lane for each batch, a bar for each attempt, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from orchestrator.core.state import PROVEN
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptPlanned,
    AttemptVerified,
    BatchIntegrated,
    Recorded,
    ReportAccepted,
    ReportQuarantined,
)
from orchestrator.views.terminal import describe

_WIDTH: Final = 1_000
_NAME_WIDTH: Final = 170
_LANE: Final = 34
_BAR: Final = 16
_TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class _Shape:
    """One thing on a lane: from when to when, what it means, and the sentence behind it."""

    begin_ms: int
    end_ms: int
    look: str
    """Class of the style sheet."""
    said: str
    sign: str = ""


def draw_timeline(batches: Sequence[str], events: Sequence[Recorded]) -> str:
    """Return the picture; empty if no attempt was made.

    Args:
        batches: Ids in the order of the lanes.
        events: Of one run, oldest first.
    """
    lanes = {name: _shapes_of(name, events) for name in batches}
    shapes = [shape for lane in lanes.values() for shape in lane]
    if not shapes:
        return ""
    begin_ms = min(shape.begin_ms for shape in shapes)
    span_ms = max(1, max(shape.end_ms for shape in shapes) - begin_ms)
    height = _LANE * (len(lanes) + 1)

    def place(at_ms: int) -> float:
        return _NAME_WIDTH + (at_ms - begin_ms) / span_ms * (_WIDTH - _NAME_WIDTH - 20)

    parts = [
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="attempts">'
    ]
    for tick in range(_TICKS + 1):
        x = place(begin_ms + span_ms * tick // _TICKS)
        said = _span(span_ms * tick // _TICKS)
        parts.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 22}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 6}">{said}</text>')
    for row, (name, lane) in enumerate(lanes.items()):
        middle = row * _LANE + _LANE / 2
        parts.append(f'<text class="lane" x="0" y="{middle + 5:.1f}">{escape(name[:22])}</text>')
        parts += [
            _draw(shape, place(shape.begin_ms), place(shape.end_ms), middle) for shape in lane
        ]
    return "".join([*parts, "</svg>"])


def _draw(shape: _Shape, left: float, right: float, middle: float) -> str:
    """Return a bar, or a sign where something happened at one moment."""
    title = f"<title>{escape(shape.said)}</title>"
    if shape.sign:
        return (
            f'<text class="sign {shape.look}" x="{left:.1f}" y="{middle + 5:.1f}">'
            f"{shape.sign}{title}</text>"
        )
    width = max(2.0, right - left)
    return (
        f'<rect class="{shape.look}" x="{left:.1f}" y="{middle - _BAR / 2:.1f}" '
        f'width="{width:.1f}" height="{_BAR}" rx="3">{title}</rect>'
    )


def _shapes_of(name: str, events: Sequence[Recorded]) -> list[_Shape]:
    """Return what happened to one batch, bars first so that signs lie on top."""
    bars: list[_Shape] = []
    signs: list[_Shape] = []
    planned_ms = ended_ms = 0
    for recorded in events:
        event, at_ms = recorded.event, recorded.at_ms
        if getattr(event, "batch_id", None) != name:
            continue
        said = describe(event)
        match event:
            case AttemptPlanned():
                planned_ms = at_ms
            case AttemptEnded():
                bars.append(_Shape(planned_ms, at_ms, "working", said))
                ended_ms = at_ms
            case AttemptVerified():
                held = all(each.proof in PROVEN for each in event.proofs) and not event.tampering
                look = "held" if held else "refuted"
                bars.append(_Shape(ended_ms, at_ms, look, said))
            case BatchIntegrated():
                signs.append(_Shape(at_ms, at_ms, "held", said, "✓"))
            case ReportAccepted():
                signs.append(_Shape(at_ms, at_ms, "claim", said, "◆"))
            case ReportQuarantined():
                signs.append(_Shape(at_ms, at_ms, "refuted", said, "◇"))
            case _:
                continue
    return [*bars, *signs]


def _span(span_ms: int) -> str:
    """Return a time since the start, as short as it can be said."""
    seconds = span_ms / 1_000
    if seconds < 90:  # noqa: PLR2004 - a minute and a half is still read in seconds
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"  # noqa: PLR2004
