"""How a headline about palm oil moves its price: every rule, in the order in which they are asked.

A general dictionary gets this market backwards: "stocks fall" is good news for the price. So each
clause gets a *direction* first (does something go up or down?), from the idioms and words below,
and then the first of `CLAUSE_RULES` that matches says what that means for the price. The scorer
in `sentiment.scorer` only walks these tables. All patterns are regular expressions on lower case.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from palmbot.domain.mood import Driver

NEAR: Final = r".{0,25}"
"""Between two words that belong together."""


class Effect(Enum):
    """What a matching rule makes of a clause; `direction` is -1, 0 or 1."""

    BULLISH = "bullish"
    BEARISH = "bearish"
    NONE = "none"
    WITH = "with the direction"
    AGAINST = "against the direction"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseRule:
    """One row: a clause that matches `says`, and not `unless`, has this effect on the price."""

    name: str
    says: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    effect: Effect
    driver: Driver
    weight: float = 1.0
    is_for_lead: bool = False
    """For the leading clause only."""
    is_nearest: bool = False
    """The direction is that of the word nearest to the match, not of the first in the clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idiom:
    """One row: words that reverse or fix a direction, asked before single words."""

    says: re.Pattern[str]
    direction: int


def _words(*stems: str) -> str:
    """Return a pattern for any of the stems; a star stands for any ending."""
    return r"\b(?:" + "|".join(each.replace("*", r"\w*") for each in stems) + r")\b"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


# -- Words ------------------------------------------------------------------------------------

UP_WORDS: Final = _words(
    *("rise*", "rising", "rose", "up", "gain*", "climb*", "jump*", "surg*", "soar*", "rall*"),
    *("higher", "high", "highest", "rebound*", "recover*", "advanc*", "increas*", "grow*"),
    *(
        "expand*",
        "expansion",
        "boost*",
        "lift*",
        "strong*",
        "strength*",
        "firm*",
        "edge up",
        "add*",
    ),
    *("swell*", "build", "builds", "build-?up", "builds up", "rais*", "hik*", "improv*", "spik*"),
    *("top", "tops", "topped", "bullish", "shin*", "glitter*", "sparkl*", "support*", "above"),
)
DOWN_WORDS: Final = _words(
    *("fall*", "fell", "down", "drop*", "declin*", "slip*", "slump*", "slide*", "sliding", "slid"),
    *("tumbl*", "plung*", "dive*", "diving", "dip*", "lower*", "low", "lowest", "lose*", "losing"),
    *("lost", "loss*", "retreat*", "eas(?:e|es|ed|ing)", "weak*", "weigh*", "drag*", "cut*"),
    *("curb*", "slash*", "shrink*", "shrank", "draw", "draws", "drawdown", "tight*", "sink*"),
    *("sank", "shed*", "crash*", "bearish", "soft*", "disrupt*", "short", "shortage*", "deficit*"),
    *(
        "lag*",
        "slow*",
        "delay*",
        "reduc*",
        "cancel*",
        "threat*",
        "hurt*",
        "pare*",
        "pull back",
        "sell-off",
    ),
    *("profit-taking", "pressur*", "below", "postpon*", "trim*", "dent*", "scrap*", "remov*"),
)

SUPPLY: Final = _words(
    *("stocks(?! market| exchange)", "stock build-?up", "stockpil*", "inventor*", "reserves"),
    *("output", "production", "supply", "supplies", "yield*", "harvest*", "crop*", "planting*"),
    "acreage",
)
DEMAND: Final = _words(
    *("export*", "shipment*", "import*", "demand", "purchas*", "consumption", "buying", "offtake"),
    *("biodiesel", "mandate*", "b[2-5]\\d", "buyers", "orders", "cargo", "cargoes"),
)
PRICE: Final = _words(
    *("palm", "cpo", "fcpo", "vegoils", "price*", "futures", "soyoil", "soybean oil", "crude"),
    *("rival*", "olein", "contract*", "gold", "silver", "bullion", "commodit*", "mcx", "comex"),
    "metal*",
)
RIVALS: Final = _words("soyoil", "soybean oil", "soy oil", "rival*", "dalian", "chicago")
CRUDE: Final = r"\bcrude(?! palm| edible)\b"
BIODIESEL: Final = _words("mandate*", "b[2-5]\\d", "biodiesel")
EXPORTS: Final = _words("export*", "shipment*")
EXPORT_DUTY: Final = r"\bexport (?:tax\w*|dut\w+|lev\w+|permit\w*|quota\w*)"
IMPORT_DUTY: Final = r"\bimport (?:tax\w*|dut\w+|lev\w+|tariff\w*)"
FLAT: Final = re.compile(
    _words(
        *("little changed", "steady", "flat", "unchanged", "range-bound", "rangebound"),
        *("tight range", "in a range", "mixed", "sideways", "consolidat*"),
    )
)
UNIT_OF_MONEY: Final = re.compile(r"(?<=\d)\s+(?:ringgit|dollars?)\b")
"""After a number these are units, no news about a currency."""

# -- Headlines that are about something else ----------------------------------------------------

IRRELEVANT: Final = re.compile(
    _words(
        *("quarterly", "quarter", r"profit(?!-taking| taking)", "net", "chief", "chairman"),
        *("appoint*", "conference", "sustainab*", "scientist*", "researcher*", "orangutan*"),
        *("target", "targets", "alternative*", "substitute", "shares", "dividend*", "revenue*"),
    )
)
RELEVANT_ALL_THE_SAME: Final = re.compile(
    _words(
        *("stocks", "inventor*", "output", "export", "exports", "import", "imports", "futures"),
        *("price", "prices"),
    )
)

# -- Clauses ------------------------------------------------------------------------------------

CLAUSE_BREAK: Final = re.compile(
    r"\s*[,;:]\s+|\s+[-\N{EN DASH}\N{EM DASH}]\s+|"
    r"\s+(?=(?:as|on|amid|after|because|while|but|ahead of|due to|following|to fund|to tame|"
    r"to spur|to secure|despite|offset)\b)"
)
"""A clause that follows a connector keeps it as its first word."""

CONCESSION: Final = re.compile(r"^(?:despite|offset)\b")
"""A clause that begins so did not decide anything."""

LEAD_WEIGHT: Final = 1.0
LATER_WEIGHT: Final = 0.35
"""What comes after the leading clause is mostly its reason, told a second time."""
LEAD_WORDS: Final = 3
"""A first clause of fewer words without a score is a name, such as `MPOB:`."""
FLAT_WEIGHT: Final = 0.2
SILENT_WEIGHT: Final = 0.5
"""Of a clause that no rule knows."""
PAST_PRICE_WEIGHT: Final = 0.3
"""Of a headline that only reports a move of the price: it describes the past."""

# -- Direction: idioms first, then the earliest word ----------------------------------------------

IDIOMS: Final = (
    Idiom(
        says=_pattern(
            r"\b(?:snap|end|break|halt)\w*\b" + NEAR + r"\b(?:losing|decline|slide|slump|fall)"
        ),
        direction=1,
    ),
    Idiom(
        says=_pattern(r"\b(?:snap|end|break|halt)\w*\b" + NEAR + r"\b(?:gain|winning|rally|rise)"),
        direction=-1,
    ),
    Idiom(
        says=_pattern(r"\b(?:rebound|recover|bounce|up|off)\w*\b.*\b(?:from|off)\b.*\blow"),
        direction=1,
    ),
    Idiom(
        says=_pattern(
            r"\b(?:retreat|slip|down|off|pull|fall|ease)\w*\b.*\bfrom\b.*\b(?:high|peak)"
        ),
        direction=-1,
    ),
    Idiom(says=_pattern(r"\bextend\w* (?:loss|decline|slide)"), direction=-1),
    Idiom(says=_pattern(r"\bextend\w* (?:gain|rall|advance)"), direction=1),
    Idiom(says=_pattern(r"\b(?:pare|trim|erase)\w* gain"), direction=-1),
    Idiom(says=_pattern(r"\b(?:pare|trim|erase)\w* loss"), direction=1),
    Idiom(says=_pattern(r"\b(?:set|head\w*|bound) for\b.*\b(?:loss|decline|drop)"), direction=-1),
    Idiom(says=_pattern(r"\b(?:set|head\w*|bound) for\b.*\b(?:gain|rise|advance)"), direction=1),
    Idiom(
        says=_pattern(
            r"\b(?:cut|lower|trim|reduc|slash)\w*\b" + NEAR + r"\b(?:forecast|outlook|target)"
        ),
        direction=-1,
    ),
    Idiom(
        says=_pattern(
            r"\b(?:lift|rais|hik|boost|increas)\w*\b" + NEAR + r"\b(?:forecast|outlook|target)"
        ),
        direction=1,
    ),
    Idiom(says=_pattern(r"\b(?:forecast|see|trade)\w*\b.*\babove\b.*\d"), direction=1),
    Idiom(says=_pattern(r"\b(?:forecast|see|trade)\w*\b.*\bbelow\b.*\d"), direction=-1),
    Idiom(says=_pattern(r"\b(?:hit|hits|at|to|reach\w*) .*\b(?:high|peak|record)\b"), direction=1),
    Idiom(says=_pattern(r"\bsettle\w*\b.*\blower\b"), direction=-1),
    Idiom(says=_pattern(r"\bgrowth\b.*\b(?:slow|stall)"), direction=-1),
    Idiom(
        says=_pattern(
            r"\b(?:roll\w* out|implement\w*|step\w* up|win\w* back)\b.*"
            r"(?:\bmandate|\bb[2-5]\d|\bbiodiesel|\bpurchas|\bbuy|\bimport|\bdemand)"
        ),
        direction=1,
    ),
    Idiom(
        says=_pattern(
            r"\b(?:freez|outlaw|ban|phas\w* out)\w*\b.*"
            r"(?:\bimport|\buse\b|\bpurchas|\bpalm oil in)"
        ),
        direction=-1,
    ),
)

UP: Final = re.compile(UP_WORDS)
DOWN: Final = re.compile(DOWN_WORDS)

# -- What a direction means: the first match decides ---------------------------------------------

CLAUSE_RULES: Final = (
    ClauseRule(
        name="export ban ends",
        says=_pattern(
            r"\b(?:lift|end|remov|eas|scrap|revok)\w*\b"
            + NEAR
            + r"\b(?:export (?:ban|curb)|(?:ban|curb)s? on\b.*\bexport)"
        ),
        effect=Effect.BEARISH,
        driver=Driver.POLICY,
    ),
    ClauseRule(
        name="export ban begins",
        says=_pattern(
            r"\b(?:ban|curb|halt|suspend|restrict|tighten)\w*\b"
            + NEAR
            + r"\bexports?\b|\bexport ban"
        ),
        unless=_pattern(EXPORT_DUTY + r"|\bimport"),
        effect=Effect.BULLISH,
        driver=Driver.POLICY,
    ),
    ClauseRule(
        name="import duty",
        says=_pattern(IMPORT_DUTY),
        effect=Effect.AGAINST,
        driver=Driver.POLICY,
    ),
    ClauseRule(
        name="export duty tightened",
        says=_pattern(r"\btighten\w*\b.*" + EXPORT_DUTY),
        effect=Effect.BULLISH,
        driver=Driver.POLICY,
    ),
    ClauseRule(
        name="export duty (contested: it burdens exporters and funds biodiesel)",
        says=_pattern(EXPORT_DUTY),
        effect=Effect.WITH,
        driver=Driver.POLICY,
        weight=0.5,
    ),
    ClauseRule(
        name="weather and labour that hurt supply",
        says=_pattern(
            r"\bel nino\b|\bdrought|\bflood|\bhaze\b|\bseizure|\bstrike\b|\bsupply (?:fear|risk)|"
            r"\b(?:labou?r|worker) (?:shortage|exodus)"
        ),
        effect=Effect.BULLISH,
        driver=Driver.WEATHER,
    ),
    ClauseRule(
        name="plenty",
        says=_pattern(r"\bample\b|\bglut\b|\bsurplus"),
        effect=Effect.BEARISH,
        driver=Driver.OUTPUT,
    ),
    ClauseRule(
        name="trade barriers",
        says=_pattern(r"\bdeforestation\b|\banti-dumping\b"),
        effect=Effect.BEARISH,
        driver=Driver.POLICY,
    ),
    ClauseRule(
        name="currency makes it cheaper",
        says=_pattern(r"\b(?:ringgit|dollar)\b.*\bcheaper\b"),
        effect=Effect.BULLISH,
        driver=Driver.FX,
    ),
    ClauseRule(
        name="currency makes it dearer",
        says=_pattern(r"\b(?:ringgit|dollar)\b.*\b(?:costlier|dearer|more expensive)\b"),
        effect=Effect.BEARISH,
        driver=Driver.FX,
    ),
    ClauseRule(
        name="ringgit or dollar: a weaker one makes palm oil cheaper abroad",
        says=_pattern(r"\bringgit\b|\bdollar\b"),
        effect=Effect.AGAINST,
        driver=Driver.FX,
        is_nearest=True,
    ),
    ClauseRule(
        name="flat lead",
        says=FLAT,
        effect=Effect.NONE,
        driver=Driver.PRICE_ACTION,
        is_for_lead=True,
    ),
    ClauseRule(
        name="stocks: more of them is bearish",
        says=_pattern(
            _words(
                r"stocks(?! market| exchange)",
                "stock build-?up",
                "stockpil*",
                "inventor*",
                "reserves",
            )
        ),
        unless=_pattern(r"\bfutures\b|\bprices\b"),
        effect=Effect.AGAINST,
        driver=Driver.STOCKS,
    ),
    ClauseRule(
        name="supply: more of it is bearish",
        says=_pattern(SUPPLY),
        unless=_pattern(r"\bfutures\b|\bprices\b"),
        effect=Effect.AGAINST,
        driver=Driver.OUTPUT,
    ),
    ClauseRule(
        name="biodiesel policy",
        says=_pattern(BIODIESEL),
        effect=Effect.WITH,
        driver=Driver.POLICY,
    ),
    ClauseRule(
        name="exports",
        says=_pattern(EXPORTS),
        effect=Effect.WITH,
        driver=Driver.EXPORTS,
    ),
    ClauseRule(
        name="demand",
        says=_pattern(DEMAND),
        effect=Effect.WITH,
        driver=Driver.DEMAND,
    ),
    ClauseRule(
        name="rival oils: palm follows them",
        says=_pattern(RIVALS),
        effect=Effect.WITH,
        driver=Driver.SOYOIL,
    ),
    ClauseRule(
        name="crude oil: dearer crude makes biodiesel pay",
        says=_pattern(CRUDE),
        effect=Effect.WITH,
        driver=Driver.CRUDE,
    ),
    ClauseRule(
        name="the price itself",
        says=_pattern(PRICE),
        effect=Effect.WITH,
        driver=Driver.PRICE_ACTION,
    ),
    ClauseRule(
        name="a leading clause is about the price",
        says=_pattern(""),
        effect=Effect.WITH,
        driver=Driver.PRICE_ACTION,
        is_for_lead=True,
    ),
)
