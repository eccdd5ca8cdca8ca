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
"""What graphql-http's audit says of our GraphQL over HTTP."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.harness import ONE, Run, Starter
from tests.node_clients import node

#: What we do not do though the specification says SHOULD or MAY, and why.
EXPECTED: dict[str, str] = {}


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    return mod_start(ONE, '--pause', config={'authentication': 'basic'})


def test_audit(run: Run) -> None:
    """Each MUST is done, and each SHOULD that is not has its reason."""
    credentials = b64encode(f'cylc:{run.passphrase}'.encode()).decode()
    results = node('audit.mjs', f'{run.url}/graphql', f'Basic {credentials}')
    assert len(results) > 50
    failed = {
        each['id']: f'{each["name"]}: {each["reason"]}'
        for each in results if each['status'] != 'ok'
    }
    assert not [name for name in failed.values() if name.startswith('MUST')]
    assert failed.keys() == EXPECTED.keys(), failed
