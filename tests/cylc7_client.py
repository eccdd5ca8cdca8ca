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
"""What a Cylc 7 client does to find a suite and to call it.

Run with any Python from 2.7 on: RUN_ROOT SUITE PATH. It reads the contact
file, finds the credentials beside it, calls PATH with Digest over the
scheme that the contact file says, and prints what came of it as JSON. After
a failed call it compares the process, and removes the contact file of one
that is no more.
"""

import json
import os
import ssl
import subprocess
import sys

try:
    from urllib.request import (
        HTTPDigestAuthHandler,
        HTTPPasswordMgrWithDefaultRealm,
        HTTPSHandler,
        ProxyHandler,
        build_opener,
    )
except ImportError:
    from urllib2 import (
        HTTPDigestAuthHandler,
        HTTPPasswordMgrWithDefaultRealm,
        HTTPSHandler,
        ProxyHandler,
        build_opener,
    )

NEWEST_VERSION = 7


def load_contact(path):
    """Return the items of a contact file; each line has to be one."""
    contact = {}
    with open(path) as handle:
        for line in handle:
            key, value = [item.strip() for item in line.split('=', 1)]
            contact[key] = value
    if int(contact['CYLC_VERSION'].split('.', 1)[0]) > NEWEST_VERSION:
        sys.exit('suite is incompatible with Cylc 7')
    if os.environ.get('CYLC_SUITE_NAME') == contact['CYLC_SUITE_NAME'] and (
        os.environ['CYLC_SUITE_UUID'] != contact['CYLC_SUITE_UUID']
    ):
        sys.exit('suite UUID mismatch')
    return contact


def call(contact, service, path):
    """Return the answer of the suite; without a passphrase we are anon."""
    user, password = 'anon', 'the quick brown fox'
    if os.path.exists(os.path.join(service, 'passphrase')):
        user = 'cylc'
        with open(os.path.join(service, 'passphrase')) as handle:
            password = handle.read()
    url = '{}://{}:{}/'.format(
        contact['CYLC_COMMS_PROTOCOL'],
        contact['CYLC_SUITE_HOST'],
        contact['CYLC_SUITE_PORT'])
    passwords = HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, user, password)
    handlers = [ProxyHandler({}), HTTPDigestAuthHandler(passwords)]
    if contact['CYLC_COMMS_PROTOCOL'] == 'https':
        handlers.append(HTTPSHandler(context=ssl.create_default_context(
            cafile=os.path.join(service, 'ssl.cert'))))
    response = build_opener(*handlers).open(url + path, timeout=30)
    return response.read().decode()


def is_running(process):
    """Return whether "ps" prints the process as the contact file does."""
    pid = process.split(None, 1)[0]
    command = subprocess.Popen(
        ['ps', '-opid,args', pid], stdout=subprocess.PIPE)
    lines = command.communicate()[0].decode().splitlines()
    return lines[-1].strip() == process


def main(run_root, suite, path):
    """Print what a client would find out."""
    service = os.path.join(run_root, suite, '.service')
    contact_file = os.path.join(service, 'contact')
    contact = load_contact(contact_file)
    running = is_running(contact['CYLC_SUITE_PROCESS'])
    found = {'contact': contact, 'running': running}
    try:
        found['answer'] = call(contact, service, path)
    except IOError as exc:  # noqa: UP024
        found['error'] = str(exc)
        if not running:
            os.unlink(contact_file)
    sys.stdout.write(json.dumps(found))


if __name__ == '__main__':
    main(*sys.argv[1:])
