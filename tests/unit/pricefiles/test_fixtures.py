"""The real files a demo replays, where the machine has them."""

from pathlib import Path

import pytest

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE
from palmbot.pricefiles.reader import read_price_file

DATA = Path(__file__).parents[3].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the price files are not here")


@pytest.mark.parametrize(
    ("name", "rows", "period_ms", "digits", "has_quotes"),
    [
        ("dce_palm_olein_p_daily_2023_2026.csv.gz", 725, MS_PER_DAY, 0, False),
        ("de30eur_m1_quotes_201902.csv.gz", 3_638, MS_PER_MINUTE, 1, True),
        ("xauusd_m1_quotes_201405.csv.gz", 15_222, MS_PER_MINUTE, 3, True),
        ("xauusd_h1_quotes_2006_2019.parquet", 76_499, 60 * MS_PER_MINUTE, 3, True),
        ("xauusd_ticks_20140501.parquet", 129_744, None, 3, True),
    ],
)
def test_a_real_file_is_read_whole(name, rows, period_ms, digits, has_quotes):
    file = read_price_file(DATA / name)
    assert (len(file), file.period_ms, file.digits, file.has_quotes) == (
        rows,
        period_ms,
        digits,
        has_quotes,
    )


def test_monthly_averages_are_no_bars():
    with pytest.raises(InputInvalid, match="columns found are: month"):
        read_price_file(DATA / "worldbank_palm_oil_monthly_1960_2026.csv.gz")
