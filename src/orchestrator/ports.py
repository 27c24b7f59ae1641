"""What the orchestrator asks of the outside, as Protocols; imports `core`, `document`, `domain`."""
