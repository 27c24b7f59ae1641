"""Circuit breakers: what stops entries by itself, and by which rule it lets them flow again.

Pure, and part of `core`: imports `domain` and its neighbours in `core`. Start with `watch.review`,
which `core.engine` calls in every step, and `verdict.deny_by_breakers`, which the gate asks.
"""
