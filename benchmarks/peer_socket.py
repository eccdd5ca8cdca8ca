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
"""A loop over raw sockets with ready answers: what Python can be at best.

Usage: peer_socket.py PORT AUTH PASSWORD FILE

It looks at the path of a request and at nothing else.
"""

from __future__ import annotations

import json
import select
import socket
import sys


def main(port: str, _auth: str, _password: str, path: str) -> None:
    """Serve until the end."""
    with open(path) as stream:
        ready = {
            f'/bytes/{name}'.encode(): whole(json.dumps(document).encode())
            for name, document in json.load(stream).items()
        }
    listener = socket.create_server(('127.0.0.1', int(port)), backlog=128)
    clients: dict[int, socket.socket] = {}
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                client, _ = listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
            elif not answered(clients[number], ready):
                clients.pop(number).close()


def answered(client: socket.socket, ready: dict[bytes, bytes]) -> bool:
    """Answer a request, unless the client has hung up."""
    try:
        request = client.recv(65536)
        if request:
            client.sendall(ready[request.split(b' ', 2)[1]])
    except (BrokenPipeError, ConnectionResetError):
        return False
    return bool(request)


def whole(body: bytes) -> bytes:
    """Return an answer with its head."""
    return (
        'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
        f'Content-Length: {len(body)}\r\n\r\n'
    ).encode() + body


if __name__ == '__main__':
    main(*sys.argv[1:])
