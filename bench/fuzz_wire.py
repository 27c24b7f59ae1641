"""Random and mutated frames through framer, decoder and client: only typed errors, memory flat.

Usage: python bench/fuzz_wire.py [number of frames] [seed]
"""

import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from harness.scripted_broker import (
    WALL,
    ScriptedBroker,
    make_accepted,
    make_bars_reply,
    make_filled,
    make_spot,
)
from palmbot.ctrader.frames import LENGTH_BYTES, FrameReader, write_frame
from palmbot.ctrader.messages import (
    MESSAGE_CLASSES,
    UnreadableMessage,
    decode,
    encode,
    encode_payload,
)
from palmbot.domain.errors import PalmbotError, ProtocolViolation

BATCH = 2_000
DEFAULTS = (5_000_000, 7)
KILOBYTES = 1024

SEEDS = [
    frame[LENGTH_BYTES:]
    for frame in (
        encode(make_spot(bid=100_000_000, ask=100_100_000, timestamp=1_775_000_000_000)),
        encode(make_filled(), "01JZZZZZZZZZZZZZZZZZZZZZZA:1"),
        encode(make_accepted(), "r1"),
        encode(make_bars_reply(), "r2"),
    )
]
NUMBERS = sorted(MESSAGE_CLASSES)


def make_noise(rng: random.Random) -> bytes:
    """Return bytes that are no envelope, most of the time."""
    return rng.randbytes(rng.randrange(1, 60))


def make_nonsense(rng: random.Random) -> bytes:
    """Return an envelope of a known number around noise."""
    payload = rng.randbytes(rng.randrange(40))
    return encode_payload(rng.choice(NUMBERS), payload)[LENGTH_BYTES:]


def make_mutant(rng: random.Random) -> bytes:
    """Return a true message with up to three bytes changed."""
    body = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randrange(4)):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)


def make_torso(rng: random.Random) -> bytes:
    """Return the first part of a mutant."""
    body = make_mutant(rng)
    return body[: rng.randrange(1, len(body))]


KINDS = (make_noise, make_nonsense, make_mutant, make_torso)
WEIGHTS = (1, 2, 6, 1)


def judge(body: bytes) -> str:
    """Return what the decoder makes of one frame; anything but a typed error ends the run."""
    try:
        received = decode(body)
    except UnreadableMessage:
        return "unreadable"
    except ProtocolViolation:
        return "no envelope"
    return "unknown type" if received.message is None else "message"


def feed_client(stream: bytes) -> str:
    """Return how an open connection takes the whole stream."""
    client = ScriptedBroker().open_with_quote().client
    try:
        client.receive(stream, 1.0, WALL)
        client.advance(2.0)
    except PalmbotError as e:
        return type(e).__name__
    return "alive"


def resident_mb() -> float:
    """Return the memory the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / KILOBYTES / KILOBYTES


def main() -> None:
    """Fuzz and print what came of it."""
    total, seed = map(int, (*sys.argv[1:], *DEFAULTS[len(sys.argv) - 1 :]))
    rng = random.Random(seed)  # noqa: S311 - the same noise again for the same seed
    outcomes: Counter[str] = Counter()
    links: Counter[str] = Counter()
    reader = FrameReader()
    began, done, first_mb, most_mb = time.perf_counter(), 0, 0.0, 0.0
    while done < total:
        count = min(BATCH, total - done)
        bodies = [make(rng) for make in rng.choices(KINDS, WEIGHTS, k=count)]
        stream = b"".join(map(write_frame, bodies))
        cut = rng.randrange(len(stream))
        frames = reader.feed(stream[:cut]) + reader.feed(stream[cut:])
        if list(frames) != bodies:
            raise SystemExit("the framer changed a frame")
        judged = [judge(body) for body in frames]
        outcomes.update(judged)
        # A frame that is no envelope ends a connection at once; the others go deeper into it.
        deep = [body for body, fate in zip(frames, judged, strict=True) if fate != "no envelope"]
        links[feed_client(b"".join(map(write_frame, deep[:20])))] += 1
        done += len(bodies)
        most_mb = max(most_mb, resident_mb())
        if not first_mb and done >= total // 10:
            first_mb = resident_mb()
    seconds = time.perf_counter() - began
    print(f"fuzz: {done:,} frames, seed {seed}, {seconds:.0f} s, {done / seconds:,.0f}/s")
    print(f"  frames: {dict(outcomes)}")
    print(f"  connections, 20 frames each: {dict(links)}")
    print(f"  memory: {first_mb:.1f} MB after a tenth, at most {most_mb:.1f} MB")


if __name__ == "__main__":
    main()
