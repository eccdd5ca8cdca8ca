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
"""gevent's server with as good as no application: what ours can be at best.

Usage: peer_pywsgi.py PORT AUTH PASSWORD FILE

It asks for no password, and joins head and body in one packet only as far as
the system does.
"""

from __future__ import annotations

from collections.abc import Callable
import json
import socket
import sys
from typing import Any

from gevent.pywsgi import WSGIServer


def main(port: str, _auth: str, _password: str, path: str) -> None:
    """Serve until the end."""
    with open(path) as stream:
        ready = {
            f'/bytes/{name}': json.dumps(document).encode()
            for name, document in json.load(stream).items()
        }

    def answer(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        body = ready[environ['PATH_INFO']]
        start_response('200 OK', [
            ('Content-Type', 'application/json'),
            ('Content-Length', str(len(body))),
        ])
        return [body]

    listener = socket.create_server(('127.0.0.1', int(port)), backlog=128)
    # Connections inherit it; without it each answer waits for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    WSGIServer(listener, answer, log=None).serve_forever()


if __name__ == '__main__':
    main(*sys.argv[1:])
