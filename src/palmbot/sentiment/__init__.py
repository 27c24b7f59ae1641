"""Market sentiment: providers, scoring, cache and the chain of fallbacks.

May import `ports`, `core` and `domain`. A missing score is missing, never zero.
"""
