"""A year of M1 from the simulator: once in one go, once killed again and again; same bytes?

python bench/history_download.py [CUTS]

Takes about two minutes, most of it waiting for the budget of requests.
"""

import hashlib
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CUTS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
TRADING_DAYS = 262
"""A little over the calendar year that is asked for."""
FROM, TO = "2025-01-05", "2026-01-05"
BUDGET_PER_S = 5
PALMBOT = [sys.executable, "-m", "palmbot"]
CHILD = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def start(directory: Path, output: str) -> subprocess.Popen[str]:
    """Start one download."""
    arguments = ["PALMOIL", "--period", "M1", "--from", FROM, "--to", TO]
    arguments += ["--output", output, "--simulator", "sim", "--json"]
    return subprocess.Popen([*PALMBOT, "history", *arguments], cwd=directory, **CHILD)  # noqa: S603


def finish(download: subprocess.Popen[str]) -> dict[str, object]:
    """Wait for one download and return its document."""
    text, said = download.communicate()
    if download.returncode:
        sys.exit(f"the download failed: {said}")
    return json.loads(text)


def kill_after_a_page(download: subprocess.Popen[str], part: Path, known: int) -> int:
    """Let the download put pages on disk, then kill it; return how many bytes are there."""
    while download.poll() is None:
        size = part.stat().st_size if part.exists() else 0
        if size > known:
            time.sleep(0.2)
            break
        time.sleep(0.02)
    download.send_signal(signal.SIGKILL)
    download.communicate()
    return part.stat().st_size


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        options = ["--directory", "sim", "--symbol", "PALMOIL", "--speed", "1"]
        options += ["--history-days", str(TRADING_DAYS)]
        server = subprocess.Popen([*PALMBOT, "simulate", *options], cwd=directory, **CHILD)  # noqa: S603
        try:
            while "serving" not in (line := server.stderr.readline()):
                if not line:
                    sys.exit("the simulator did not start")
            began = time.monotonic()
            whole = finish(start(directory, "whole.parquet"))
            whole_s = time.monotonic() - began
            part, known = directory / "cut.parquet.part", 0
            for _ in range(CUTS):
                known = kill_after_a_page(start(directory, "cut.parquet"), part, known)
            resumed = finish(start(directory, "cut.parquet"))
        finally:
            server.terminate()
            server.communicate()
        digests = {
            hashlib.sha256((directory / each).read_bytes()).hexdigest()
            for each in ("whole.parquet", "cut.parquet")
        }
    rate = whole["requests"] / whole_s
    cpu_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    print(f"bars                     {whole['bars']} (missing {whole['missing_bars']})")
    print(
        f"requests                 {whole['requests']} in {whole_s:.1f} s, {rate:.1f}/s"
        f" (allowed {BUDGET_PER_S}/s), {whole['reconnects']} reconnects"
    )
    print(f"killed                   {CUTS} times; {resumed['pages_resumed']} pages were on disk")
    print(f"byte-identical           {'yes' if len(digests) == 1 else 'NO'}")
    print(f"CPU of all processes     {cpu_s:.0f} s")
    if len(digests) != 1 or whole["missing_bars"] or whole["reconnects"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
