"""`.env` and `palmbot.toml` become validated, frozen settings; other rooms get objects.

Defaults stand in the code, `palmbot.toml` overrides them, and `PALMBOT_<SECTION>__<KEY>` in the
environment overrides the file, except where a limit would be loosened out of sight. Secrets
come from `.env` or the environment alone. May import everything below `bootstrap`.
Start reading at `palmbot.config.loading`; what can be set stands in `palmbot.config.sections`.
"""
