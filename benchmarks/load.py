# This file is part of cylc-flask, the web server inside the Cylc scheduler.
# Copyright (C) the cylc-flask developers.
#
# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version 3 of the License, or
# (at your option) any later version.
#
# This program is distributed in the hope that it will be useful,
# but WITHOUT ANY WARRANTY; without even the implied warranty of
# MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
# GNU General Public License for more details.
#
# You should have received a copy of the GNU General Public License
# along with this program.  If not, see <http://www.gnu.org/licenses/>.
"""A client which asks as fast as it is answered, over raw sockets.

It runs as a process of its own, and does as little as it can: what is to
be measured is the server.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import md5
import json
import re
import select
import socket
import sys
import time

USER = 'cylc'

#: What tells that the server has closed a connection.
RESETS = (BrokenPipeError, ConnectionResetError)

_FIELD = re.compile(rb'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Job:
    """What to ask, and how.

    Args:
        port: Of a server on the loopback address.
        path: What to get.
        auth: ``none``, ``basic`` or ``digest``.
        password: Of the user.
        connections: How many are kept busy at once.
        seconds: How long to go on.
        pause: Seconds between the requests of a connection, 0 for a flood.
    """

    port: int
    path: str
    auth: str
    password: str
    connections: int
    seconds: float
    pause: float = 0.0


class Connection:
    """One connection that is kept alive, with one request under way.

    A server may close it at any time, as CherryPy does with more than it
    has threads; then it is opened again, and what was asked is asked again.
    """

    def __init__(self, job: Job) -> None:
        self._port = job.port
        self.reconnects = 0
        #: Of an answer with its head, and of the challenge before it.
        self.answer_bytes = self.challenge_bytes = 0
        self._open()
        self._requests = self._make_requests(job)
        self._sent = 0.0
        self._received = b''
        self._length = -1

    def _open(self) -> None:
        self.sock = socket.create_connection(('127.0.0.1', self._port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _open_again(self) -> None:
        self.reconnects += 1
        self.sock.close()
        self._open()

    def ask(self) -> None:
        """Send a request."""
        self._received, self._length = b'', -1
        self._sent = time.perf_counter()
        while True:
            try:
                return self.sock.sendall(next(self._requests))
            except RESETS:
                self._open_again()

    def receive(self) -> float | None:
        """Read what is there; return how long (s) a whole answer took."""
        try:
            data = self._read()
        except RESETS:
            self._open_again()
            self.ask()
            return None
        self._received += data
        if self._length < 0:
            self._length = _whole_length(self._received)
        if self._length < 0 or len(self._received) < self._length:
            return None
        if not self._received.startswith(b'HTTP/1.1 200'):
            raise ConnectionError(self._received[:200].decode('latin-1'))
        self.answer_bytes = len(self._received)
        return time.perf_counter() - self._sent

    def exchange(self, request: bytes) -> bytes:
        """Send a request, and return all of its answer."""
        while True:
            try:
                self.sock.sendall(request)
                answer = b''
                while not 0 <= _whole_length(answer) <= len(answer):
                    answer += self._read()
                return answer
            except RESETS:
                self._open_again()

    def _read(self) -> bytes:
        data = self.sock.recv(1 << 20)
        if not data:
            raise ConnectionResetError('the server has closed a connection')
        return data

    def _make_requests(self, job: Job) -> Iterator[bytes]:
        head = (
            f'GET {job.path} HTTP/1.1\r\nHost: localhost:{job.port}\r\n'
            'User-Agent: cylc/7.8.15 prog_name/load uuid/1\r\n'
            'From: load@localhost\r\nAccept: */*\r\n'
        ).encode()
        if job.auth == 'digest':
            challenge = self.exchange(head + b'\r\n')
            self.challenge_bytes = len(challenge)
            yield from _digest_requests(head, job, challenge)
        if job.auth == 'basic':
            login = f'{USER}:{job.password}'.encode()
            head += b'Authorization: Basic ' + b64encode(login) + b'\r\n'
        while True:
            yield head + b'\r\n'


def _digest_requests(
    head: bytes, job: Job, challenge: bytes
) -> Iterator[bytes]:
    """Yield requests which use one nonce, as a client session does."""
    fields = dict(_FIELD.findall(challenge))
    realm, nonce = fields[b'realm'].decode(), fields[b'nonce'].decode()

    def digest(text: str) -> str:
        return md5(text.encode(), usedforsecurity=False).hexdigest()

    ha1 = digest(f'{USER}:{realm}:{job.password}')
    ha2 = digest(f'GET:{job.path}')
    fixed = (
        f'Authorization: Digest username="{USER}", realm="{realm}",'
        f' nonce="{nonce}", uri="{job.path}", algorithm="MD5", qop=auth,'
        ' cnonce="0a4f113b", '
    )
    number = 0
    while True:
        number += 1
        count = f'{number:08x}'
        response = digest(f'{ha1}:{nonce}:{count}:0a4f113b:auth:{ha2}')
        yield head + (
            f'{fixed}nc={count}, response="{response}"\r\n\r\n'
        ).encode()


def _whole_length(answer: bytes) -> int:
    """Return how long an answer will be, -1 while that is not known."""
    end = answer.find(b'\r\n\r\n')
    if end < 0:
        return -1
    found = re.search(rb'(?i)\r\ncontent-length: *(\d+)', answer[:end])
    if not found:
        raise ConnectionError('an answer without Content-Length')
    return end + 4 + int(found[1])


def run(job: Job) -> dict[str, float]:
    """Keep the connections busy; return what was seen.

    Returns:
        The number of requests, how many in a second, the median, 90th and
        99th percentile of the times (ms) that they took, the bytes of an
        answer and of a challenge, heads included, and how many times the
        server closed a connection.
    """
    connections = [Connection(job) for _ in range(job.connections)]
    began = time.perf_counter()
    times = (_paced if job.pause else _flood)(job, connections)
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.sock.close()
    return {
        **summary(times, seconds),
        'bytes': max(each.answer_bytes for each in connections),
        'challenge_bytes': max(each.challenge_bytes for each in connections),
        'reconnects': sum(each.reconnects for each in connections),
    }


def _flood(job: Job, connections: list[Connection]) -> list[float]:
    """Ask on each connection as soon as it is answered, at least once."""
    times = []
    for connection in connections:
        connection.ask()
    busy: dict[int, Connection] = {}
    with select.epoll() as poll:

        def watch(connection: Connection) -> None:
            busy[connection.sock.fileno()] = connection
            poll.register(connection.sock, select.EPOLLIN)

        for connection in connections:
            watch(connection)
        end = time.perf_counter() + job.seconds
        while not times or time.perf_counter() < end:
            for descriptor, _ in poll.poll(1):
                connection = busy[descriptor]
                before = connection.sock
                took = connection.receive()
                if took is not None:
                    times.append(took)
                    connection.ask()
                if connection.sock is not before:
                    # Its number may be the old one, or another's old one.
                    del busy[descriptor]
                    watch(connection)
    return times


def _paced(job: Job, connections: list[Connection]) -> list[float]:
    """Ask on one connection after the other, with a pause after all."""
    times = []
    end = time.perf_counter() + job.seconds
    while time.perf_counter() < end:
        for connection in connections:
            connection.ask()
            took = None
            while took is None:
                took = connection.receive()
            times.append(took)
        time.sleep(job.pause)
    return times


def summary(times: list[float], seconds: float) -> dict[str, float]:
    """Return the figures of some request times (s)."""
    times = sorted(times)

    def percentile(share: float) -> float:
        return times[min(len(times) - 1, int(share * len(times)))] * 1000

    return {
        'requests': len(times),
        'rate': len(times) / seconds,
        'p50_ms': percentile(0.5),
        'p90_ms': percentile(0.9),
        'p99_ms': percentile(0.99),
    }


def job_text(job: Job) -> str:
    """Return a job as the argument of this program."""
    return json.dumps(asdict(job))


def main(argument: str, printer: Callable[[str], None] = print) -> None:
    """Do the job that is given as JSON, and print the figures as JSON."""
    printer(json.dumps(run(Job(**json.loads(argument)))))


if __name__ == '__main__':
    main(sys.argv[1])
