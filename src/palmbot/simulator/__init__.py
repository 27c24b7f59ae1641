"""A cTrader server on loopback: real TLS, real protobuf, a pure exchange and faults on cue.

May import `ctrader` (with its generated code), `pricefiles`, `core` and `domain`; never the bot's
`live` and `adapters`, so that bot and simulator agree only through the wire.
Start reading at `palmbot.simulator.exchange`.
"""
