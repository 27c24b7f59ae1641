"""Regression: a difference of link times rounds where their sum does not.

Both ends once compared `now - heard >= limit` while announcing `heard + limit` as their deadline:
for some times the deadline came and nothing was due, and the timer fired for ever.
"""

from hypothesis import given
from hypothesis import strategies as st

from palmbot.ctrader.connection import ClientConnection
from palmbot.ctrader.server_connection import ServerConnection
from palmbot.ctrader.session import Credentials, Target
from palmbot.domain.errors import ConnectionLost
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId

link_times = st.floats(min_value=0.0, max_value=1e7, allow_nan=False)


def advance_to_the_end(connection):
    """Wake the connection at each of its deadlines; it must give up by itself."""
    for _ in range(100):
        deadline_s = connection.deadline_s
        try:
            connection.advance(deadline_s)
        except ConnectionLost:
            return
        connection.take_outgoing()
        assert connection.deadline_s > deadline_s
    raise AssertionError("a silent peer was never given up")


@given(opened_s=link_times)
def test_the_server_gives_up_a_silent_client_at_its_own_deadlines(opened_s):
    advance_to_the_end(ServerConnection(opened_s=opened_s))


@given(opened_s=link_times)
def test_the_client_gives_up_a_silent_server_at_its_own_deadlines(opened_s):
    connection = ClientConnection(
        generation=1,
        credentials=Credentials(client_id="a", client_secret=Secret("b"), access_token=Secret("c")),
        target=Target(environment=Environment.DEMO, account_id=AccountId(1), symbol_name="PALMOIL"),
    )
    connection.open(opened_s)
    connection.take_outgoing()
    advance_to_the_end(connection)
