"""`palmbot backup` and `palmbot restore`: journal and settings, there and back."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from palmbot.adapters.system_clock import SystemClock
from palmbot.cli.directory import find_journal
from palmbot.cli.output import EXIT_DONE, print_json, stdout
from palmbot.config.names import SETTINGS_NAME
from palmbot.domain.units import MS_PER_SECOND
from palmbot.workbench.backup import Manifest, back_up
from palmbot.workbench.backup import restore as put_back

AsJson = Annotated[bool, Parameter(name="--json", negative=())]


def backup(
    output: Path,
    *,
    directory: Path | None = None,
    settings: Path = Path(SETTINGS_NAME),
    as_json: AsJson = False,
) -> int:
    """Write the journal and the settings into one file, also while the bot runs.

    The copy is verified before the file appears. No secret is in it: keep `.env` elsewhere, and
    log in again instead of copying tokens, which work once.

    Example: `palmbot backup /srv/backups/palmbot-2026-03-02.tar.gz`

    Args:
        output: The file, which must not be there yet.
        directory: Data directory of the bot; needed if there are several here.
        settings: The settings to put in, if there are any.
        as_json: Print one JSON document.
    """
    home = find_journal(directory).parent
    manifest = back_up(
        home,
        settings,
        output,
        now=SystemClock().wall_ms(),
        code_version=version("palm-oil-bot"),
    )
    if as_json:
        print_json({"file": str(output), "manifest": manifest})
    else:
        _say(
            f"{output}: {manifest.steps} steps of {_describe(manifest)}, verified, head "
            f"{manifest.steps}:{manifest.head_hash}"
        )
        _say(f"in it: {', '.join(sorted(manifest.digests))}; not in it: .env and tokens")
    return EXIT_DONE


def restore(
    file: Path,
    *,
    directory: Path,
    settings: Path = Path(SETTINGS_NAME),
    replace: bool = False,
    as_json: AsJson = False,
) -> int:
    """Put a backup back. Refused while a bot runs there.

    Everything is verified before anything is touched, and a journal that is there is set aside,
    never deleted. The bot then starts halted: a backup does not know what the broker did since.

    Example: `palmbot restore palmbot-2026-03-02.tar.gz --directory palmbot-data/demo`

    Args:
        file: What `palmbot backup` wrote.
        directory: Data directory to put the journal into.
        settings: Where the settings go; beside them, as `.restored`, if others are there.
        replace: Set a journal aside that is there.
        as_json: Print one JSON document.
    """
    done = put_back(file, directory, settings, can_replace=replace, now=SystemClock().wall_ms())
    if as_json:
        print_json(
            {
                "journal": str(done.journal),
                "set_aside": None if done.set_aside is None else str(done.set_aside),
                "settings": None if done.settings is None else str(done.settings),
                "manifest": done.manifest,
            }
        )
        return EXIT_DONE
    _say(f"{done.journal}: {done.manifest.steps} steps of {_describe(done.manifest)}")
    if done.set_aside is not None:
        _say(f"the journal that was there is now {done.set_aside}")
    if done.settings is not None:
        _say(f"settings: {done.settings}")
    _say(
        "The journal ends there; what the broker did since is not in it. The bot will start halted "
        f"by {directory / 'HALT'}. Start it, run `palmbot reconcile`, settle what it shows with "
        "`palmbot reconcile ack`, then remove the file and run `palmbot resume --reason ...`."
    )
    return EXIT_DONE


def _describe(manifest: Manifest) -> str:
    taken = datetime.fromtimestamp(manifest.taken_at_ms / MS_PER_SECOND, UTC)
    return (
        f"{manifest.symbol} on account {manifest.account_id} ({manifest.environment}), taken "
        f"{taken:%Y-%m-%d %H:%M:%S} UTC"
    )


def _say(line: str) -> None:
    stdout.print(line, soft_wrap=True, highlight=False, markup=False)
