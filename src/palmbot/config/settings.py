"""All settings of the bot in one object, and the parameters of the decisions made of them."""

from dataclasses import dataclass, field

from palmbot.config.access import EnvAccess, Messengers, MoodKeys
from palmbot.config.names import SETTINGS_NAME
from palmbot.config.ranges import check_period, check_risk, to_bp, to_minute, to_ms, to_percent
from palmbot.config.sections import (
    AlertSettings,
    BreakerSettings,
    BrokerSettings,
    LiveSettings,
    LoginSettings,
    ReconcileSettings,
    RiskSettings,
    SentimentSettings,
    StrategySettings,
    TlsSettings,
)
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.params import EngineParams, SentimentRules
from palmbot.domain.errors import ConfigInvalid
from palmbot.domain.live import LiveGrant
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId
from palmbot.sentiment.plan import SentimentPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of the bot."""

    environment: Environment = Environment.DEMO
    """`demo` or `live`; the simulator is chosen on the command line and needs no `.env`."""
    access: EnvAccess = field(default_factory=EnvAccess)
    """What `.env` holds; see `config.login` for the rest."""
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    strategy: StrategySettings = field(default_factory=StrategySettings)
    sentiment: SentimentSettings = field(default_factory=SentimentSettings)
    reconcile: ReconcileSettings = field(default_factory=ReconcileSettings)
    risk: RiskSettings = field(default_factory=RiskSettings)
    breakers: BreakerSettings = field(default_factory=BreakerSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    login: LoginSettings = field(default_factory=LoginSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    messengers: Messengers = field(default_factory=Messengers)
    mood_keys: MoodKeys = field(default_factory=MoodKeys)

    def make_params(
        self,
        *,
        environment: Environment,
        account_id: AccountId,
        is_shadow: bool = False,
        grant: LiveGrant | None = None,
    ) -> EngineParams:
        """Return the parameters of the decisions.

        Raises:
            ConfigInvalid: a setting is out of range.
        """
        broker, strategy, risk = self.broker, self.strategy, self.risk
        is_live = environment is Environment.LIVE
        live = self.live if is_live else LiveSettings()
        risk_percent = live.risk_percent or risk.risk_percent
        try:
            return EngineParams(
                environment=environment,
                account_id=account_id,
                symbol_name=broker.symbol,
                is_shadow=is_shadow,
                live=grant,
                rsi_period=strategy.rsi_period,
                rsi_buy=strategy.rsi_buy,
                rsi_sell=strategy.rsi_sell,
                bar_period_ms=check_period(strategy.bar_period_s),
                warm_up_bars=strategy.warm_up_bars,
                history_bars=strategy.history_bars,
                sentiment=self._make_sentiment_rules(),
                take_profit_bp=to_bp("strategy.take_profit_percent", strategy.take_profit_percent),
                stop_loss_bp=to_bp("strategy.stop_loss_percent", strategy.stop_loss_percent),
                risk_bp=to_bp("risk.risk_percent", check_risk(risk_percent)),
                margin_bp_max=to_bp("risk.margin_percent_max", risk.margin_percent_max),
                order_style=broker.order_style,
                limit_tolerance_bp=to_bp(
                    "broker.limit_tolerance_percent", broker.limit_tolerance_percent
                ),
                limit_life_ms=to_ms("broker.limit_life_s", broker.limit_life_s),
                price_age_max_ms=to_ms("risk.price_age_s_max", risk.price_age_s_max),
                conversion_age_max_ms=to_ms("risk.conversion_age_s_max", risk.conversion_age_s_max),
                spread_bp_max=to_bp("risk.spread_percent_max", risk.spread_percent_max),
                orders_per_minute_max=risk.orders_per_minute_max,
                orders_per_day_max=live.orders_per_day_max or risk.orders_per_day_max,
                intent_age_max_ms=risk.intent_age_ms_max,
                books_interval_s=broker.books_interval_s,
                undecided_s_max=broker.undecided_s_max,
                close_surplus=self.reconcile.close_surplus,
                breakers=self._make_breaker_rules(live),
            )
        except ValueError as e:
            raise ConfigInvalid(f"{SETTINGS_NAME}: {e}") from e

    def _make_breaker_rules(self, live: LiveSettings) -> BreakerRules:
        chosen = self.breakers
        daily_loss_percent = live.daily_loss_percent or chosen.daily_loss_percent
        return BreakerRules(
            unknown=chosen.unknown,
            day_zone=chosen.day_zone,
            day_start_minute=to_minute("breakers.day_start", chosen.day_start),
            daily_loss_bp=to_bp("breakers.daily_loss_percent", daily_loss_percent),
            daily_flatten=chosen.daily_flatten,
            losses_max=chosen.losses_max,
            cool_down_minutes=chosen.cool_down_minutes,
            volatility_percent=to_percent("breakers.volatility_ratio", chosen.volatility_ratio),
            calm_percent=to_percent("breakers.calm_ratio", chosen.calm_ratio),
            volatility_hold_minutes=chosen.volatility_hold_minutes,
            spread_trip_factor=chosen.spread_trip_factor,
            spread_deny_factor=chosen.spread_deny_factor,
            rejects_max=chosen.rejects_max,
            limit_move_bp=to_bp("breakers.limit_move_percent", chosen.limit_move_percent),
            unknowns_max=chosen.unknowns_max,
            starts_max=chosen.starts_max,
        )

    def _make_sentiment_rules(self) -> SentimentRules:
        mood = self.sentiment
        return SentimentRules(
            mode=mood.mode,
            fresh_ms=to_ms("sentiment.fresh_s", mood.fresh_s),
            expires_ms=to_ms("sentiment.expires_s", mood.expires_s),
            half_life_ms=to_ms("sentiment.half_life_s", mood.half_life_s),
            veto_score=mood.veto_score,
            veto_confidence=mood.veto_confidence,
            veto_domains=mood.veto_domains,
            confirm_score=mood.confirm_score,
            against_percent=mood.against_percent,
        )

    def make_sentiment_plan(self) -> SentimentPlan:
        """Return whom to ask for the mood, and for how much money.

        Raises:
            ConfigInvalid: a setting is out of range.
        """
        mood = self.sentiment
        try:
            return SentimentPlan(
                symbol=self.broker.symbol,
                perplexity_key=self.mood_keys.perplexity,
                x_token=self.mood_keys.x,
                feeds=mood.feeds,
                query=mood.query,
                perplexity_modes=mood.perplexity_modes,
                perplexity_url=mood.perplexity_url,
                decider_model=mood.decider_model,
                agent_model=mood.agent_model,
                is_search_fast=mood.search_type == "fast",
                domains=mood.domains,
                x_url=mood.x_url,
                x_query=mood.x_query,
                x_max_results=mood.x_max_results,
                perplexity_usd_per_day=mood.perplexity_usd_per_day,
                x_usd_per_day=mood.x_usd_per_day,
                prices=mood.prices_usd,
                fallback_on=frozenset(mood.fallback_on),
                ttl_ms=to_ms("sentiment.fresh_s", mood.fresh_s),
                stale_ms=to_ms("sentiment.expires_s", mood.expires_s),
            )
        except ValueError as e:
            raise ConfigInvalid(f"{SETTINGS_NAME}: sentiment: {e}") from e
