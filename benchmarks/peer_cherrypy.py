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
"""CherryPy, which Cylc 7 was made with, serving given documents.

Usage: peer_cherrypy.py PORT AUTH PASSWORD FILE
"""

from __future__ import annotations

import json
import sys
from typing import Any

import cherrypy
from cherrypy.lib import auth_digest


class Root:
    """Each document at two places: encoded anew, and as ready bytes."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents
        self.ready = {
            name: json.dumps(document).encode()
            for name, document in documents.items()
        }

    @cherrypy.expose
    @cherrypy.tools.json_out()
    def document(self, name: str) -> Any:
        """Answer as Cylc 7 does, by encoding."""
        return self.documents[name]

    @cherrypy.expose
    def bytes(self, name: str) -> bytes:
        """Answer with bytes."""
        cherrypy.response.headers['Content-Type'] = 'application/json'
        return self.ready[name]


def main(port: str, auth: str, password: str, path: str) -> None:
    """Serve until the end."""
    with open(path) as stream:
        root = Root(json.load(stream))
    cherrypy.config.update({
        'server.socket_host': '127.0.0.1',
        'server.socket_port': int(port),
        'server.thread_pool': 10,
        # Five by default: 64 clients would wait for each other's retries.
        'server.socket_queue_size': 128,
        'environment': 'production',
        'log.screen': False,
    })
    settings: dict[str, Any] = {}
    if auth == 'digest':
        settings = {
            'tools.auth_digest.on': True,
            'tools.auth_digest.realm': 'bench',
            'tools.auth_digest.get_ha1': auth_digest.get_ha1_dict_plain(
                {'cylc': password}
            ),
            'tools.auth_digest.key': 'a565c27146791cfb',
            'tools.auth_digest.accept_charset': 'UTF-8',
        }
    cherrypy.quickstart(root, '/', {'/': settings})


if __name__ == '__main__':
    main(*sys.argv[1:])
