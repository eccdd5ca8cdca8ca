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
"""What a server needs before it listens, and leaves for its clients."""

from __future__ import annotations

from dataclasses import dataclass, field
import os
from pathlib import Path
import re
import secrets
import string
from typing import Callable, Sequence

from cylc.flow import LOG
from cylc.flow import __version__ as CYLC_FLOW_VERSION
from cylc.flow.hostuserutil import get_user
from cylc_flask import __version__, certificate, private
from cylc_flask.address import (
    SERVICE,
    Address,
    Info,
    info_path,
    is_alive,
    read_info,
)
from cylc_flask.config import Config
from cylc_flask.legacy_root import CREDENTIALS, LegacyRoot, contact, sweep
from cylc_flask.private import UnusableFile
from cylc_flask.process import Process, command_line
from cylc_flask.realm import realm_of

PASSPHRASE, CERTIFICATE = CREDENTIALS
KEY = 'ssl.pem'

CHARACTERS = string.ascii_letters + string.digits
LENGTH = 20

#: What Cylc 7 has made or a user has chosen. Blanks and line breaks count
#: for some clients and not for others, so there must be none.
SANE_PASSPHRASE = re.compile(rb'[!-~]{8,255}')


@dataclass(frozen=True)
class Credentials:
    """What a server needs to listen.

    Args:
        passphrase: That of the user "cylc".
        certificate: File of the certificate, None without TLS.
        key: File of its key, None without TLS.
    """

    passphrase: str = field(repr=False)
    certificate: Path | None = None
    key: Path | None = None


class Files:
    """The files of one workflow's server, from start to stop.

    Without a passphrase or a certificate there is no server, so the lack
    of one is an error. A server which some clients cannot find still serves
    the others, so that is a warning in the log.

    Args:
        workflow: Id of the workflow, without the user's name.
        run_dir: Its run directory.
        config: The configuration in force.
    """

    def __init__(self, workflow: str, run_dir: Path, config: Config) -> None:
        self.workflow = workflow
        self.run_dir = run_dir
        self.config = config
        self.service = run_dir / SERVICE
        self._process = Process.current()
        self._written = b''
        self._legacy: LegacyRoot | None = None
        if config.legacy_run_directory and not config.unix_socket:
            self._legacy = LegacyRoot(
                Path(config.legacy_run_directory), workflow, run_dir)

    def prepare(self, host_names: Sequence[str]) -> Credentials:
        """Find or make the passphrase and the certificate.

        Args:
            host_names: What clients call this host, the best name first.

        Raises:
            OSError: A file cannot be read or written.
            UnusableFile: One is there, but not what it has to be.
        """
        self.service.mkdir(0o700, exist_ok=True)
        _survive(self._discard_stale)
        passphrase = ensure_passphrase(self.service / PASSPHRASE)
        if self.config.method == 'http':
            return Credentials(passphrase)
        return Credentials(passphrase, *self._ensure_tls(host_names))

    def announce(self, address: Address, uuid: str) -> None:
        """Tell clients where the server listens.

        Who finds http.json finds the rest too: it comes last.

        Args:
            address: Where that is.
            uuid: That of the run, which clients compare within jobs.
        """
        if legacy := self._legacy:
            _survive(lambda: self._sweep(legacy))
            _survive(lambda: self._write_legacy(legacy, address, uuid))
        _survive(lambda: self._write_info(address))

    def withdraw(self) -> None:
        """Take back what was announced, as far as it is still ours.

        It may be called at any time and again. A process that was forked
        off takes nothing back.
        """
        if os.getpid() != self._process.pid:
            return
        _survive(self._remove_info)
        if self._legacy:
            _survive(self._legacy.withdraw)

    def _ensure_tls(self, host_names: Sequence[str]) -> tuple[Path, Path]:
        """Return certificate and key: the site's, or those we make.

        Clients get a copy of the site's certificate, as they look for one
        beside the passphrase.
        """
        cert, key = self.service / CERTIFICATE, self.service / KEY
        if not self.config.tls_certificate:
            certificate.ensure(cert, key, host_names)
            return cert, key
        site_cert = Path(self.config.tls_certificate)
        site_key = Path(self.config.tls_key)
        if fault := certificate.flaw(site_cert, site_key):
            raise UnusableFile(site_cert, fault)
        private.write(cert, site_cert.read_bytes())
        return site_cert, site_key

    def _discard_stale(self) -> None:
        """Remove what a scheduler left that could not stop cleanly.

        Cylc starts no workflow that is running, so one that seems to be
        has lost its contact file, and is about to stop because of that.
        """
        old = read_info(self.run_dir)
        if old is None or old.process == self._process:
            return
        if is_alive(old):
            LOG.warning(
                f'{self.workflow} is still served by process'
                f' {old.process.pid}; clients will come here instead')
        info_path(self.run_dir).unlink()

    def _write_info(self, address: Address) -> None:
        info = Info(
            address,
            self.config.authentication,
            realm_of(self.workflow),
            self._process,
            {'cylc-flask': __version__, 'cylc-flow': CYLC_FLOW_VERSION},
            self.config.read_only,
        )
        content = info.dump()
        private.write(info_path(self.run_dir), content)
        self._written = content

    def _remove_info(self) -> None:
        path = info_path(self.run_dir)
        if self._written and private.read(path) == self._written:
            path.unlink()
        self._written = b''

    def _write_legacy(
        self,
        legacy: LegacyRoot,
        address: Address,
        uuid: str,
    ) -> None:
        owner: str = get_user()  # type: ignore[no-untyped-call]
        credentials = {
            name: content for name in CREDENTIALS
            if (content := private.read(self.service / name)) is not None
        }
        legacy.announce(
            contact({
                'CYLC_COMMS_PROTOCOL': address.scheme,
                'CYLC_SUITE_HOST': address.host,
                'CYLC_SUITE_NAME': self.workflow,
                'CYLC_SUITE_OWNER': owner,
                'CYLC_SUITE_PORT': str(address.port),
                'CYLC_SUITE_PROCESS': command_line(self._process.pid),
                'CYLC_SUITE_UUID': uuid,
            }),
            credentials,
        )

    def _sweep(self, legacy: LegacyRoot) -> None:
        for directory in sweep(legacy.root):
            LOG.info(f'removed {directory}: its workflow has been cleaned')


def ensure_passphrase(path: Path) -> str:
    """Return the passphrase in a file, a new one if there is no file.

    Raises:
        OSError: The file cannot be read or written.
        UnusableFile: It holds something else.
    """
    content = private.read(path)
    if content is None:
        new = ''.join(secrets.choice(CHARACTERS) for _ in range(LENGTH))
        private.write(path, new.encode())
        return new
    if not SANE_PASSPHRASE.fullmatch(content):
        raise UnusableFile(
            path,
            'holds no passphrase (8 to 255 visible ASCII characters, no'
            ' line break); remove it to get a new one')
    private.tighten(path)
    return content.decode()


def _survive(action: Callable[[], None]) -> None:
    """Do something that clients need, but without which we can go on."""
    try:
        action()
    except (OSError, UnusableFile) as exc:
        LOG.warning(f'some clients will not find the server: {exc}')
