"""Settings of the whole suite."""

import pytest
import structlog
from hypothesis import settings

# The same examples in every run, so that red means changed code; and no deadline for one example,
# because a busy machine is not a defect: pytest's time limit holds for the test as a whole.
settings.register_profile("palmbot", derandomize=True, deadline=None)
settings.load_profile("palmbot")


@pytest.fixture(autouse=True)
def _log_of_this_test_alone():
    """Forget how a command that ran in this process set up its log, for a stream that is gone."""
    yield
    structlog.reset_defaults()
