"""A network that delays, cuts, swallows and splits; bytes of one direction never change order."""

import asyncio
import math
import socket
import ssl
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import trustme

from harness.sim_loop import CURRENT, outside

FATES = ("reset", "close", "truncate", "swallow", "swallow_both")
SINGLE_BYTES = 0.03
"""Share of the messages that are split which arrive byte by byte."""
TICK_S = 1e-6
"""Two deliveries never fall on one instant: the timers of asyncio do not keep their order there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFaults:
    """Probabilities per connection attempt or per write; times in seconds."""

    latency_s: float = 0.02
    refuse: float = 0.0
    hang: float = 0.0
    spike: float = 0.0
    spike_s_max: float = 5.0
    split: float = 0.0
    """Bytes arrive in pieces, down to single ones."""
    reset: float = 0.0
    """The connection breaks at a write; a coin says whether the written bytes still arrive."""
    close: float = 0.0
    """The connection ends in order after a write."""
    truncate: float = 0.0
    """Part of a write arrives, then the end of the connection."""
    swallow: float = 0.0
    """From this write on nothing arrives in its direction, and nobody is told."""
    swallow_both: float = 0.0
    bytes_per_s: float = math.inf
    """Of each direction of each connection."""


CALM = NetworkFaults()


class SimNetwork:
    """Joins clients with one server; `faults` may be replaced while it runs.

    What a client calls the host names its line. Each line has a random stream of its own, and
    can be cut and clogged by itself.
    """

    def __init__(self, loop, make_random, faults=CALM):
        self.loop = loop
        """Moves the bytes."""
        self._make_random = make_random
        """Returns the random stream of a line."""
        self._draws = {}
        self.faults = faults
        self.accept = None
        """Makes the server's protocol of a new connection, or None to refuse it."""
        self.on_client_write = None
        """Told the line and the bytes of every write of a client, before anything happens."""
        self.attempts_s = defaultdict(list)
        """When clients tried to connect, by line."""
        self.clogged_until_s = defaultdict(float)
        """Nothing that is written to a line arrives before, by line."""
        self.pairs = []

    @property
    def faults(self):
        """What goes wrong, and how often."""
        return self._faults

    @faults.setter
    def faults(self, faults):
        self._faults = faults
        self.fates = tuple((name, share) for name in FATES if (share := getattr(faults, name)))
        """Of a write: what may happen to it, and with which probability."""

    def draw_of(self, line):
        """Return what draws numbers in [0, 1) for a line."""
        if line not in self._draws:
            self._draws[line] = self._make_random(line).random
        return self._draws[line]

    async def connect(self, protocol_factory, line):
        """Connect the process that asks.

        Raises:
            OSError: refused, or the name was not found.
        """
        draw = self.draw_of(line)
        faults = self.faults
        self.attempts_s[line].append(self.loop.now_s)
        await asyncio.sleep(faults.latency_s * (1 + draw()))
        if draw() < faults.hang:
            await self.loop.create_future()  # until the caller's patience ends
        if draw() < faults.refuse:
            if draw() < 0.2:
                raise socket.gaierror(socket.EAI_AGAIN, "the name is not found for now")
            raise ConnectionRefusedError("refused by the simulated network")
        server_protocol = self.accept()
        if server_protocol is None:
            raise ConnectionResetError("the server hung up before the handshake was done")
        client_protocol = protocol_factory()
        client = SimTransport(self, client_protocol, CURRENT.get(), line, is_client=True)
        server = SimTransport(self, server_protocol, None, line, is_client=False)
        client.peer, server.peer = server, client
        self.pairs = [pair for pair in self.pairs if not (pair[0].is_over and pair[1].is_over)]
        self.pairs.append((client, server))
        outside().run(server_protocol.connection_made, server)
        client_protocol.connection_made(client)
        return client, client_protocol

    def kill(self, node):
        """The kernel closes the sockets of a dead process; what it had written still arrives."""
        for client, server in self.pairs:
            if client.node is node and not client.is_over:
                client.is_over = True
                client.send_end(None)
                server.is_swallowing = True

    @property
    def is_quiet(self):
        """Tell whether nothing is on its way."""
        ends = (end for pair in self.pairs for end in pair if not end.is_over)
        return all(end.due_s <= self.loop.now_s for end in ends)

    def cut(self, line=None):
        """Reset every connection now, or those of one line."""
        for client, _ in self.pairs:
            if not client.is_over and line in {None, client.line}:
                client.reset(keeps_bytes=False)

    def heal(self):
        """No more faults; what is silent for good is reset."""
        self.faults = CALM
        self.clogged_until_s.clear()
        for client, server in self.pairs:
            if client.is_swallowing or server.is_swallowing:
                client.reset(keeps_bytes=False)


@cache
def _make_certificate():
    """Return a certificate in DER; one for each process is enough, nothing recorded shows it."""
    leaf = trustme.CA().issue_cert("simulation").cert_chain_pems[0].bytes()
    return ssl.PEM_cert_to_DER_cert(leaf.decode())


class SimTls:
    """What a client sees of a handshake that went well. There is no TLS in the simulation."""

    def getpeercert(self, *, binary_form):
        assert binary_form
        return _make_certificate()

    def version(self):
        return "TLSv1.3"

    def cipher(self):
        return ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)


class SimTransport(asyncio.Transport):
    """One end of a connection. What it writes arrives in order, later, or never."""

    def __init__(self, network, protocol, node, line, *, is_client):
        super().__init__({"ssl_object": SimTls()} if is_client else None)
        self.node = node
        self.line = line
        self.peer = None
        self.is_over = False
        self.is_swallowing = False
        """What this end writes gets lost without a word."""
        self.has_lost = False
        self._network = network
        self._draw = network.draw_of(line)
        self._protocol = protocol
        self._is_client = is_client
        self.due_s = 0.0
        """When the last of what it has written arrives."""
        self._drops_before = 0
        self._sent = 0
        self._waiting = 0
        self._node_context = outside()
        if node is not None:
            self._node_context.run(CURRENT.set, node)

    def write(self, data):
        if self.is_over or not data:
            return
        data = bytes(data)
        is_bot = self._is_client and self.node is not None
        if is_bot:
            self.node.pass_kill_point()
        if self._is_client:
            self._network.on_client_write(self.line, data)
        if self.is_swallowing:
            self._waiting += len(data)
        elif fate := self._draw_fate():
            self._meet_fate(fate, data)
        else:
            self._send(data)
        if is_bot:
            self.node.pass_kill_point()

    def _meet_fate(self, fate, data):
        """Let happen to bytes what the faults say."""
        draw = self._draw
        match fate:
            case "reset":
                if draw() < 0.5:
                    self._send(data)
                self.reset(keeps_bytes=draw() < 0.5)
            case "close":
                self._send(data)
                self.send_end(None)
                self.peer.send_end(None)
            case "truncate":
                self._send(data[: max(1, int(draw() * len(data)))])
                self.send_end(None)
                self.is_swallowing = self.peer.is_swallowing = True
                self.peer.send_end(ConnectionResetError("connection reset by peer"), delay_s=1.0)
            case "swallow":
                self.is_swallowing = True
            case "swallow_both":
                self.is_swallowing = self.peer.is_swallowing = True
            case "split":
                # Into single bytes now and then, else into a few pieces: each is an event.
                longest = 1 if draw() < SINGLE_BYTES else len(data)
                while data:
                    size = 1 + int(draw() * longest)
                    self._send(data[:size])
                    data = data[size:]

    def _draw_fate(self):
        network = self._network
        roll = self._draw()
        for name, share in network.fates:
            if roll < share:
                return name
            roll -= share
        return "split" if self._draw() < network.faults.split else ""

    def _send(self, data):
        network = self._network
        faults = network.faults
        delay_s = faults.latency_s * (0.5 + self._draw())
        if faults.spike and self._draw() < faults.spike:
            delay_s += faults.spike_s_max * self._draw() ** 2
        if network.clogged_until_s:
            delay_s = max(delay_s, network.clogged_until_s[self.line] - network.loop.now_s)
        self._sent += 1
        takes_s = TICK_S + len(data) / faults.bytes_per_s
        self._schedule(delay_s, self.peer.receive, data, self._sent, takes_s=takes_s)

    def _schedule(self, delay_s, callback, *args, takes_s=TICK_S):
        loop = self._network.loop
        due_s = max(self.due_s, loop.now_s + delay_s) + takes_s
        self.due_s = due_s
        loop.call_outside(due_s, callback, *args)

    def receive(self, data, number):
        """Take bytes that arrived."""
        if self.is_over or self.has_lost or number <= self._drops_before:
            return
        node = self.node
        if node is None:
            self._protocol.data_received(data)
        elif node.asleep_until_s > self._network.loop.now_s:
            self._network.loop.call_outside(node.asleep_until_s, self.receive, data, number)
        elif node.is_alive_after_step():
            self._node_context.run(self._protocol.data_received, data)

    def _run(self, callback, *args):
        """Run a callback of the protocol as a step of its process."""
        node = self.node
        if node is None:
            callback(*args)
        elif node.asleep_until_s > self._network.loop.now_s:
            self._network.loop.call_outside(node.asleep_until_s, self._run, callback, *args)
        elif node.is_alive_after_step():
            self._node_context.run(callback, *args)

    def send_end(self, error, delay_s=None):
        """Let the peer learn that the connection is over, behind the bytes on their way."""
        delay_s = self._network.faults.latency_s if delay_s is None else delay_s
        self._schedule(delay_s, self.peer.lose, error)

    def lose(self, error):
        """Tell the protocol that the connection is over."""
        if self.has_lost:
            return
        self.has_lost = True
        self.is_over = True
        self._run(self._protocol.connection_lost, error)

    def reset(self, *, keeps_bytes):
        """Break the connection; bytes on their way are dropped unless a coin kept them."""
        error = ConnectionResetError("connection reset by peer")
        for end in (self, self.peer):
            if not keeps_bytes:
                end.drop_incoming()
            end.send_end(error)

    def drop_incoming(self):
        """Whatever is on its way to this end never arrives."""
        self._drops_before = self.peer._sent  # noqa: SLF001 - the other end of the same wire

    def abort(self):
        if self.is_over:
            return
        self.is_over = True
        if not self.is_swallowing:
            self.send_end(ConnectionResetError("connection reset by peer"))
        else:
            self._schedule(1.0, self.peer.lose, ConnectionResetError("connection reset by peer"))
        if self.node is None or not self.node.is_dead:
            self._network.loop.call_soon(self.lose, None, context=outside())

    def close(self):
        self.abort()

    def is_closing(self):
        return self.is_over

    def get_write_buffer_size(self):
        return self._waiting
