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
"""Make, show or renew the certificate of a workflow's web server.

A workflow that is played with https gets one by itself. Make one before
that to take it to other hosts, or to add names by which clients call
this host.

Examples:
  # who is it for, until when is it valid, is it good?
  $ cylc flask cert show my_workflow

  # let clients use an alias of this host too
  $ cylc flask cert make my_workflow --name cylc.example.org

  # the key has become known: make another (the workflow being stopped)
  $ cylc flask cert renew my_workflow
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from cylc.flow.hostuserutil import get_host
from cylc_flask import certificate, config
from cylc_flask.address import SERVICE, is_alive, read_info
from cylc_flask.credentials import CERTIFICATE, KEY
from cylc_flask.errors import CylcFlaskError
from cylc_flask.tools.locate import locate


@dataclass(frozen=True)
class Pair:
    """The certificate of a workflow and its key, which may not be there."""

    workflow: str
    run_dir: Path
    cert: Path
    key: Path
    is_site: bool

    @classmethod
    def find(cls, name: str) -> Pair:
        """Return the pair which a workflow's server uses."""
        workflow, run_dir = locate(name)
        found = config.load()
        service = run_dir / SERVICE
        if found.tls_certificate:
            cert, key = found.tls_certificate, found.tls_key
            return cls(workflow, run_dir, Path(cert), Path(key), True)
        return cls(
            workflow, run_dir, service / CERTIFICATE, service / KEY, False)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do, and with which workflow."""
    parser.add_argument(
        'action', choices=('make', 'show', 'renew'),
        help='make: unless there is a good one; renew: even then')
    parser.add_argument('workflow', metavar='WORKFLOW')
    parser.add_argument(
        '--name', metavar='HOST', action='append', default=[],
        help='another name of this host (make, renew; may be repeated)')


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit status is 0 if there is a good certificate then."""
    pair = Pair.find(arguments.workflow)
    try:
        if arguments.action != 'show':
            host: str = get_host()  # type: ignore[no-untyped-call]
            replace(
                pair, [host, *arguments.name], arguments.action == 'renew')
        return show(pair)
    except OSError as exc:
        raise CylcFlaskError(str(exc)) from exc


def show(pair: Pair) -> int:
    """Print what there is to know about the certificate."""
    fault = certificate.flaw(pair.cert, pair.key)
    cert = certificate.load(pair.cert)
    print('\n'.join(describe(pair, cert)))
    print(f'state        {fault or "good"}')
    return int(bool(fault))


def describe(pair: Pair, cert: x509.Certificate) -> Iterator[str]:
    """Yield lines for a person to read."""
    yield f'certificate  {pair.cert}'
    yield f'key          {pair.key}'
    yield f'names        {", ".join(certificate.names(pair.cert))}'
    yield f'valid from   {cert.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}'
    yield f'valid until  {cert.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}'
    yield f'SHA-256      {cert.fingerprint(hashes.SHA256()).hex(":")}'


def replace(pair: Pair, host_names: list[str], always: bool) -> None:
    """Make a new certificate, if there is a reason.

    Raises:
        CylcFlaskError: The one in use is not ours to replace, or a server
            still uses it, whose clients would trust it no more.
    """
    if pair.is_site:
        raise CylcFlaskError(
            f"{pair.cert} is the site's (tls_certificate): not replaced")
    reason = certificate.flaw(pair.cert, pair.key, host_names)
    if not always and not reason:
        return
    info = read_info(pair.run_dir)
    if info is not None and is_alive(info) is not False:
        raise CylcFlaskError(
            f'{pair.workflow} is running on {info.process.host} with its'
            ' certificate: stop it first')
    pair.cert.parent.mkdir(0o700, exist_ok=True)
    certificate.make(pair.cert, pair.key, host_names)
