"""Perplexity by its agent: one researched answer in a closed schema."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from palmbot.domain.mood import Driver, check_score
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_SECOND
from palmbot.ports import WebRequest
from palmbot.sentiment.failures import FailureKind, ProviderFailed
from palmbot.sentiment.headlines import hash_text
from palmbot.sentiment.perplexity import DOMAINS_LISTED_MAX, Opinion, read_results
from palmbot.sentiment.prices import TOKENS_PER_PRICE, Prices
from palmbot.sentiment.providers import Call, Caller, FetchTrace, read_list, read_object
from palmbot.sentiment.questions import Question
from palmbot.sentiment.search_decide import RUBRIC

OUTPUT_TOKENS_MAX: Final = 400
STEPS_MAX: Final = 2
INPUT_TOKENS_MAX: Final = 20_000
"""With the search results that a step puts into the model; the price list must reckon with it."""
DRIVERS_MAX: Final = 5

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["score", "confidence", "evidence_count", "no_evidence", "drivers"],
    "properties": {
        "score": {"type": "integer", "minimum": -100, "maximum": 100},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "evidence_count": {"type": "integer", "minimum": 0},
        "no_evidence": {"type": "boolean"},
        "drivers": {
            "type": "array",
            "maxItems": DRIVERS_MAX,
            "items": {"type": "string", "enum": [each.value for each in Driver]},
        },
    },
}


class AgentMode:
    """Implements `perplexity.Mode`."""

    name = "agent"

    def __init__(  # noqa: PLR0913 - settings of one mode
        self,
        caller: Caller,
        *,
        base_url: str,
        key: Secret,
        model: str,
        domains: Sequence[str],
        prices: Prices,
    ) -> None:
        """Keep the settings; see `search_decide.SearchDecide`."""
        self.model = model
        self.is_warm = False
        self._caller = caller
        self._base_url = base_url
        self._key = key
        self._domains = tuple(domains)[:DOMAINS_LISTED_MAX]
        self._prices = prices

    async def ask(
        self, question: Question, until_s: float, trace: FetchTrace, *, is_lean: bool
    ) -> Opinion:
        """See `perplexity.Mode.ask`."""
        trace.prompt_hash = hash_text(RUBRIC + question.query)
        document = self._compose(question, is_lean=is_lean)
        call = Call(
            request=WebRequest(
                method="POST",
                url=f"{self._base_url}/v1/agent",
                bearer=self._key,
                document=document,
            ),
            worst_usd=self._price(
                STEPS_MAX,
                len(msgspec.json.encode(document)) + INPUT_TOKENS_MAX,
                OUTPUT_TOKENS_MAX,
            ),
            read_cost_usd=_read_cost,
        )
        answer = read_object(await self._caller.call(call, until_s, trace), "the answer")
        self.is_warm = True
        return self._read(answer)

    def _compose(self, question: Question, *, is_lean: bool) -> dict[str, Any]:
        now = self._caller.clock.wall_ms()
        moment = datetime.fromtimestamp(now / MS_PER_SECOND, UTC).isoformat(timespec="minutes")
        tool: dict[str, Any] = {"type": "web_search", "search_context_size": "low"}
        tool["filters"] = {
            "search_recency_filter": "day",
            "search_domain_filter": list(self._domains),
        }
        document: dict[str, Any] = {
            "model": self.model,
            "instructions": RUBRIC,
            "input": f"{question.query}. It is {moment} UTC.",
            "max_output_tokens": OUTPUT_TOKENS_MAX,
            "max_steps": STEPS_MAX,
            "store": False,
            "tools": [tool],
            "tool_choice": "required",
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "palm_sentiment", "strict": True, "schema": SCHEMA},
            },
        }
        if not is_lean:
            document["temperature"] = 0
        return document

    def _price(self, searches: int, tokens_in: int, tokens_out: int) -> float:
        prices = self._prices
        tokens_usd = (
            tokens_in * prices.sonar_input_per_mtok + tokens_out * prices.sonar_output_per_mtok
        ) / TOKENS_PER_PRICE
        return searches * prices.agent_web_search_call + tokens_usd

    def _read(self, answer: Mapping[str, Any]) -> Opinion:
        if answer.get("status") != "completed":
            raise ProviderFailed(FailureKind.MALFORMED, "the answer is not completed")
        items = [read_object(each, "an item") for each in read_list(answer.get("output"), "output")]
        searches = [each for each in items if each.get("type") == "search_results"]
        if not searches:
            raise ProviderFailed(FailureKind.NO_EVIDENCE, "it did not search")
        results = [
            row for each in searches for row in read_list(each.get("results"), "search results")
        ]
        headlines = read_results(results, self._domains, self._caller.clock.wall_ms())
        return _read_verdict(_join_text(items), headlines=headlines)


def _join_text(items: Sequence[Mapping[str, Any]]) -> str:
    parts = [
        read_object(part, "a part of a message")
        for item in items
        if item.get("type") == "message"
        for part in read_list(item.get("content"), "a message")
    ]
    texts = [part.get("text") for part in parts if part.get("type") == "output_text"]
    return "".join(text for text in texts if isinstance(text, str))


def _read_verdict(text: str, **found: Any) -> Opinion:  # noqa: ANN401 - passed on
    """Read the text as our schema and nothing else; prose counts as a refusal.

    Raises:
        ProviderFailed: REFUSAL or MALFORMED.
    """
    if not text.strip().startswith("{"):
        raise ProviderFailed(FailureKind.REFUSAL, "no verdict")
    try:
        verdict = read_object(msgspec.json.decode(text), "the verdict")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as e:
        raise ProviderFailed(FailureKind.MALFORMED, "the verdict is no JSON") from e
    if set(verdict) != set(SCHEMA["required"]):
        raise ProviderFailed(FailureKind.MALFORMED, "the verdict has other keys than asked for")
    if verdict["no_evidence"] is True:
        raise ProviderFailed(FailureKind.REFUSAL, "it found no evidence")
    confidence, count = verdict["confidence"], verdict["evidence_count"]
    drivers = read_list(verdict["drivers"], "drivers")
    try:
        score = check_score(verdict["score"])
        kinds = frozenset(map(Driver, drivers))
    except (ValueError, TypeError) as e:
        raise ProviderFailed(FailureKind.MALFORMED, "score or drivers are out of range") from e
    is_sound = (
        verdict["no_evidence"] is False
        and type(count) is int
        and count >= 0
        and type(confidence) in {int, float}
        and math.isfinite(confidence)
        and 0 <= confidence <= 1
        and len(drivers) <= DRIVERS_MAX
    )
    if not is_sound:
        raise ProviderFailed(FailureKind.MALFORMED, "a field of the verdict is out of range")
    return Opinion(score=score, confidence=float(confidence), drivers=kinds, **found)


def _read_cost(document: object) -> float | None:
    """Return `usage.cost.total_cost`, None if the answer does not say."""
    for name in ("usage", "cost", "total_cost"):
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return float(document) if type(document) in {int, float} else None  # type: ignore[arg-type]
