"""The cTrader Open API without a socket: bytes in, events out; commands in, bytes out.

May import `domain` alone. Vendor words and wire units stop here.
Start reading at `palmbot.ctrader.frames`, then `messages`, `translate` and `connection`.
"""
