"""Questions over real TLS: answered, refused, cut off, and never more than a question."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from harness.manual_clock import ManualClock
from harness.scripted_server import (
    ACCESS_TOKEN,
    ACCOUNT_ID,
    CLIENT_SECRET,
    ENVIRONMENT,
    SYMBOL,
    ScriptedServer,
    make_tls,
)
from harness.tiny_client import in_loop, until
from palmbot.adapters.ctrader_broker import Endpoint
from palmbot.adapters.ctrader_inquirer import BrokerAccess, open_inquiry
from palmbot.adapters.tls import make_context
from palmbot.ctrader.catalogue import (
    enter_account,
    find_contract,
    list_accounts,
    list_symbols,
    read_version,
)
from palmbot.ctrader.errors import HISTORICAL
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOAAccountDisconnectEvent,
    ProtoOAClientDisconnectEvent,
)
from palmbot.ctrader.readings import read_bar_page
from palmbot.ctrader.session import Credentials
from palmbot.domain.errors import ConfigInvalid, ConnectionLost, RequestRefused, RequestTimedOut
from palmbot.domain.secret import Secret
from palmbot.domain.units import AccountId

READING = {2100, 2102, 2104, 2112, 2114, 2116, 2121, 2127, 2149} | HISTORICAL
"""What only reads, by payload type."""


@contextlib.asynccontextmanager
async def scripted(directory, *, names=("localhost",), server_name="localhost"):
    """Yield a server, what it takes to ask it, and the clock of the one who asks."""
    server_tls, authority = make_tls(*names)
    authority.cert_pem.write_to_path(directory / "ca.pem")
    server = ScriptedServer(server_tls)
    await server.start()
    access = BrokerAccess(
        endpoint=Endpoint(host="127.0.0.1", port=server.port, server_name=server_name),
        tls=make_context(directory / "ca.pem"),
        credentials=Credentials(
            client_id="app",
            client_secret=Secret(CLIENT_SECRET),
            access_token=Secret(ACCESS_TOKEN),
        ),
        environment=ENVIRONMENT,
        account_id=AccountId(ACCOUNT_ID),
    )
    try:
        yield server, access, ManualClock()
    finally:
        server.close()


@in_loop
async def test_accounts_are_listed_without_authorising_one(tmp_path):
    async with (
        scripted(tmp_path) as (server, access, clock),
        open_inquiry(access, clock) as inquirer,
    ):
        found = await inquirer.ask(list_accounts(access.credentials))
        assert [(each.account_id, each.is_live) for each in found.accounts] == [(ACCOUNT_ID, False)]
        assert found.can_trade
        assert [each.payload_type for each in server.talks[0].requests] == [2100, 2149]


@in_loop
async def test_everything_that_is_asked_only_reads(tmp_path):
    async with (
        scripted(tmp_path) as (server, access, clock),
        open_inquiry(access, clock) as inquirer,
    ):
        account = await inquirer.ask(enter_account(access.credentials, access.target()))
        assert account.currency == "USD"
        symbols = await inquirer.ask(list_symbols(access.account_id))
        assert [each.name for each in symbols] == [SYMBOL]
        contract = await inquirer.ask(find_contract(access.account_id, SYMBOL))
        assert (contract.digits, contract.lot_units, contract.units_min) == (2, 10.0, 1.0)
        page = read_bar_page(access.account_id, contract.symbol_id, 60_000, (1, 2), 10)
        asked = asyncio.create_task(inquirer.ask(page))
        await until(lambda: server.talks[0].requests[-1].payload_type == 2137)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert {each.payload_type for each in server.talks[0].requests} <= READING


@in_loop
async def test_a_question_without_an_answer_ends_at_its_deadline(tmp_path):
    async with (
        scripted(tmp_path) as (server, access, clock),
        open_inquiry(access, clock) as inquirer,
    ):
        asked = asyncio.create_task(inquirer.ask(read_version()))  # the script has no answer
        await until(lambda: server.talks and server.talks[0].requests)
        clock.advance(10.5)
        with pytest.raises(RequestTimedOut, match="ProtoOAVersionReq"):
            await asked


@in_loop
async def test_a_silent_broker_is_left_and_heartbeats_went_out_before(tmp_path):
    async with (
        scripted(tmp_path) as (server, access, clock),
        open_inquiry(access, clock) as inquirer,
    ):
        await inquirer.ask(list_accounts(access.credentials))
        heard = len(server.talks[0].received)
        clock.advance(59.0)
        await until(lambda: len(server.talks[0].received) >= heard + 5 * 6)
        clock.advance(1.5)
        with pytest.raises(ConnectionLost, match="no byte from the broker for 60 s"):
            await inquirer.ask(read_version())


@pytest.mark.parametrize(
    "push",
    [
        ProtoOAClientDisconnectEvent(reason="kicked"),
        ProtoOAAccountDisconnectEvent(ctidTraderAccountId=ACCOUNT_ID),
    ],
)
def test_a_session_that_the_broker_ends_fails_the_question(tmp_path, push):
    async def run():
        async with (
            scripted(tmp_path) as (server, access, clock),
            open_inquiry(access, clock) as inquirer,
        ):
            asked = asyncio.create_task(inquirer.ask(read_version()))
            await until(lambda: server.talks and server.talks[0].requests)
            server.talks[0].wire.push(push)
            server.talks[0].flush()
            with pytest.raises(ConnectionLost, match="the broker ended the session"):
                await asked

    asyncio.run(run())


@in_loop
async def test_a_cut_line_fails_the_question_and_every_later_one(tmp_path):
    async with (
        scripted(tmp_path) as (server, access, clock),
        open_inquiry(access, clock) as inquirer,
    ):
        asked = asyncio.create_task(inquirer.ask(read_version()))
        await until(lambda: server.talks and server.talks[0].requests)
        server.talks[0].cut()
        with pytest.raises(ConnectionLost):
            await asked
        with pytest.raises(ConnectionLost):
            await inquirer.ask(read_version())


@in_loop
async def test_refused_credentials_are_explained_and_not_quoted(tmp_path):
    async with scripted(tmp_path) as (server, access, clock):
        server.answer = lambda talk, request: talk.wire.refuse(
            request.client_msg_id,
            "CH_CLIENT_AUTH_FAILURE",
            "clientId or clientSecret is incorrect",
        )
        async with open_inquiry(access, clock) as inquirer:
            with pytest.raises(ConfigInvalid, match="not the trading login") as refused:
                await inquirer.ask(list_accounts(access.credentials))
        assert CLIENT_SECRET not in str(refused.value)


@in_loop
async def test_an_order_error_is_an_answer_too(tmp_path):
    async with scripted(tmp_path) as (server, access, clock):
        server.answer = lambda talk, request: talk.wire.refuse(request.client_msg_id, "WHATEVER")
        async with open_inquiry(access, clock) as inquirer:
            with pytest.raises(RequestRefused, match="WHATEVER"):
                await inquirer.ask(read_version())


@in_loop
async def test_a_wrong_certificate_is_refused_before_a_byte_is_sent(tmp_path):
    async with scripted(tmp_path, names=("elsewhere.test",)) as (server, access, clock):
        with pytest.raises(ConfigInvalid, match="no secret was sent"):
            async with open_inquiry(access, clock):
                pass
        assert not any(talk.received for talk in server.talks)


@in_loop
async def test_nobody_at_the_address_is_said_with_the_address(tmp_path):
    async with scripted(tmp_path) as (server, access, clock):
        server.close()
        with pytest.raises(ConnectionLost, match=f"cannot connect to 127.0.0.1 port {server.port}"):
            async with open_inquiry(access, clock):
                pass


@in_loop
async def test_a_key_that_somebody_objects_to_gets_no_byte(tmp_path):
    keys = []

    def object_to(key):
        keys.append(key)
        return ConfigInvalid("the key changed; nothing was sent")

    async with scripted(tmp_path) as (server, access, clock):
        with pytest.raises(ConfigInvalid, match="the key changed"):
            async with open_inquiry(replace(access, judge_key=object_to), clock):
                pass
        assert keys[0].startswith("sha256/")
        await until(lambda: all(talk.is_over.is_set() for talk in server.talks))
        assert not any(talk.received for talk in server.talks)
        async with open_inquiry(replace(access, judge_key=lambda _: None), clock) as inquirer:
            await inquirer.ask(list_accounts(access.credentials))
