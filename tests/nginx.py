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
"""A real nginx for tests, on this machine, with files of its own."""

from __future__ import annotations

from pathlib import Path
import signal
import socket
import subprocess
from typing import Any

from cylc_flask import certificate
from tests.harness import free_port, need, wait_for

CONF = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name localhost;
        ssl_certificate {folder}/cert;
        ssl_certificate_key {folder}/key;
{locations}
    }}
}}
"""

#: What a site puts into its nginx; docs/hub.md has the same.
LOCATION = """
location {prefix}/ {{
    proxy_pass http://127.0.0.1:{hub}{target};
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Prefix {forwarded};
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_buffering off;
    proxy_read_timeout 1h;
}}
"""


class Nginx:
    """An nginx in front of a hub.

    Args:
        folder: For its files.
        hub: The port of the hub.
        prefixes: The paths below which it has the hub; whether it takes that
            away, and says so in a header.
    """

    def __init__(
        self, folder: Path, hub: int, prefixes: dict[str, bool]
    ) -> None:
        self.folder = folder
        self.port = free_port()
        certificate.make(folder / 'cert', folder / 'key', ['localhost'])
        locations = ''.join(
            LOCATION.format(
                prefix=prefix, hub=hub, target='/' if strips else '',
                forwarded=prefix if strips else '""',
            ) for prefix, strips in prefixes.items()
        )
        conf = folder / 'nginx.conf'
        conf.write_text(CONF.format(
            folder=folder, port=self.port, locations=locations))
        self._process = subprocess.Popen(
            [need('nginx'), '-c', str(conf), '-e', str(folder / 'error.log')],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._listens, 30, 'nginx')

    @property
    def url(self) -> str:
        """Return its address, without a slash at the end."""
        return f'https://localhost:{self.port}'

    @property
    def certificate(self) -> str:
        """Return the file of its certificate."""
        return str(self.folder / 'cert')

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.said()
        with socket.socket() as sock:
            return sock.connect_ex(('127.0.0.1', self.port)) == 0

    def said(self) -> str:
        """Return what it has to complain of."""
        path = self.folder / 'error.log'
        return path.read_text() if path.exists() else ''

    def __enter__(self) -> Nginx:
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
