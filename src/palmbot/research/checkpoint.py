"""What a broken-off search has finished, so that the same command goes on instead of starting anew.

One folder beside the result: a key that names data, grid, costs and code; one file a block; and the
resamples searched so far, a line each. It is removed when the run is complete.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from palmbot.domain.errors import InputInvalid
from palmbot.research.table import COLUMNS, SweepTable

KEY_NAME: Final = "key"
RESAMPLES_NAME: Final = "resamples"


class Checkpoint:
    """Files of one run. A run with another key starts anew."""

    def __init__(self, folder: Path, key: str) -> None:
        """Open or make the folder.

        Raises:
            InputInvalid: it cannot be made or written.
        """
        self._folder = folder
        self.is_resumed = False
        try:
            place = folder / KEY_NAME
            if folder.exists() and not place.is_file():
                raise InputInvalid(
                    f"--output: {folder} is in the way of unfinished results, and not ours; move "
                    "it away or name another file."
                )
            self.is_resumed = place.is_file() and place.read_text(encoding="ascii") == key
            if not self.is_resumed:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                place.write_text(key, encoding="ascii")
            self._resamples = (folder / RESAMPLES_NAME).open("a", encoding="ascii")
        except OSError as e:
            raise InputInvalid(
                f"--output: {folder} cannot be written ({e.strerror or e}); name a file in a "
                "folder that exists and can be written."
            ) from e

    def load_block(self, block: range) -> SweepTable | None:
        """Return the rows of a block that an earlier run has finished."""
        place = self._place(block)
        if not place.is_file():
            return None
        with np.load(place) as stored:
            columns = {name: stored[name] for name in COLUMNS}
            return SweepTable(**columns, days=int(stored["days"]))

    def save_block(self, block: range, table: SweepTable) -> None:
        """Keep the rows of a finished block: whole or not at all."""
        place = self._place(block)
        draft = place.with_suffix(".draft")
        with draft.open("wb") as file:
            columns = {name: getattr(table, name) for name in COLUMNS}
            np.savez(file, days=np.array(table.days), **columns)
        draft.replace(place)

    def load_resamples(self) -> dict[int, float]:
        """Return the resamples searched so far, by number."""
        found = {}
        for line in (self._folder / RESAMPLES_NAME).read_text(encoding="ascii").splitlines():
            number, _, best = line.partition(" ")
            if best.endswith(";"):  # else the line was cut off
                found[int(number)] = float.fromhex(best[:-1])
        return found

    def save_resample(self, number: int, best: float) -> None:
        """Keep what one resample gave."""
        self._resamples.write(f"{number} {best.hex()};{os.linesep}")
        self._resamples.flush()

    def close(self, *, is_done: bool) -> None:
        """Close the files; remove them if nothing is left to do."""
        self._resamples.close()
        if is_done:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _place(self, block: range) -> Path:
        return self._folder / f"{block.start}-{block.stop}.npz"
