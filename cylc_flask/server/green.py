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
"""pywsgi on a socket that listens already."""

from __future__ import annotations

import os
import socket as std_socket
from typing import TYPE_CHECKING, Callable, Iterable

from gevent.pywsgi import WSGIServer
from gevent.socket import socket as green_socket

from cylc.flow import LOG
from cylc_flask.server.handler import Handler
from cylc_flask.server.heads import Heads

if TYPE_CHECKING:
    from gevent.ssl import SSLContext

    from cylc_flask.config import Limits
    from cylc_flask.server.crowd import Crowd


class Server(WSGIServer):  # type: ignore[misc]
    """An HTTP server on one listening socket.

    Args:
        listener: A listening socket; it is duplicated, and stays open.
        application: The WSGI application.
        crowd: The connections of this server, and of others beside it.
        limits: Time-outs in seconds, sizes in bytes.
        tls: TLS settings, None for plain HTTP. The handler shakes hands.
        access_log: Called with one line for each request, or None.
    """

    handler_class = Handler
    base_env = {**WSGIServer.base_env, 'SERVER_SOFTWARE': 'cylc-flask'}

    def __init__(
        self,
        listener: std_socket.socket,
        application: Callable[..., Iterable[bytes]],
        crowd: Crowd,
        limits: Limits,
        tls: SSLContext | None,
        access_log: Callable[[str], None] | None,
    ) -> None:
        sock = green_socket(
            listener.family, listener.type, listener.proto,
            fileno=os.dup(listener.fileno()),
        )
        super().__init__(
            sock, application, spawn=crowd.pool, log=None, error_log=LOG,
            environ={'wsgi.url_scheme': 'https' if tls else 'http'},
        )
        self.crowd = crowd
        self.heads = Heads()
        self.limits = limits
        self.tls = tls
        self.access_log = access_log

    def update_environ(self) -> None:
        """Name the server without asking a name service."""
        port = self.address[1] if isinstance(self.address, tuple) else 0
        self.environ['SERVER_NAME'] = std_socket.gethostname()
        self.environ['SERVER_PORT'] = str(port)
