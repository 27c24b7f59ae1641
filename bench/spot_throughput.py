"""Framed spot events to domain ticks through `ClientConnection`, every check on, one core.

Usage: python bench/spot_throughput.py [number of events]
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from harness.scripted_broker import NOON, WALL, ScriptedBroker, make_spot
from palmbot.ctrader.messages import encode

CHUNK_BYTES = 16_384
"""What one read from a TLS transport yields at most."""

ROUNDS = 5
TARGET_PER_S = 150_000


def make_stream(count: int) -> bytes:
    """Return `count` frames: two sides, one side and other side in turn, all with a time."""
    frames = []
    for i in range(count):
        bid = 100_000_000 + i % 977 * 1000
        ask = 102_000_000 + i % 977 * 1000
        sides = ({"bid": bid, "ask": ask}, {"bid": bid}, {"ask": ask})[i % 3]
        frames.append(encode(make_spot(**sides, timestamp=NOON + i)))
    return b"".join(frames)


def measure(stream: bytes, count: int) -> float:
    """Return the seconds one pass takes."""
    broker = ScriptedBroker().open_with_quote()
    chunks = [stream[i : i + CHUNK_BYTES] for i in range(0, len(stream), CHUNK_BYTES)]
    ticks = 0
    began = time.perf_counter()
    for chunk in chunks:
        ticks += len(broker.client.receive(chunk, 0.0, WALL))
    seconds = time.perf_counter() - began
    if ticks != count:
        raise SystemExit(f"{ticks} ticks out of {count} spot events")
    return seconds


def main() -> None:
    """Print the best and the median of some rounds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    stream = make_stream(count)
    rounds = sorted(measure(stream, count) for _ in range(ROUNDS))
    best, median = count / rounds[0], count / rounds[ROUNDS // 2]
    print(
        f"spot frames to ticks: best {best:,.0f}/s, median {median:,.0f}/s over {ROUNDS} rounds "
        f"of {count:,} events ({len(stream) / count:.0f} bytes each); target {TARGET_PER_S:,}/s"
    )


if __name__ == "__main__":
    main()
