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
"""What the documentation has for those who run a hub for others."""

from __future__ import annotations

from pathlib import Path
import re
import subprocess
import tomllib

import pytest

from cylc_flask import config
from tests.harness import BIN, need, wait_for
from tests.hub_run import HubRun
from tests.nginx import LOCATION

PAGE = Path(__file__).parents[2] / 'docs' / 'hub.md'


def blocks(language: str) -> list[str]:
    """Return the blocks of a language."""
    return re.findall(
        rf'^```{language}\n(.*?)^```$', PAGE.read_text(), re.DOTALL | re.M)


def test_unit(tmp_path: Path) -> None:
    """It is one of systemd's, and leaves schedulers alone."""
    (unit,) = blocks('ini')
    assert 'KillMode=process' in unit.splitlines()
    path = tmp_path / 'cylc-hub.service'
    path.write_text(unit.replace('/opt/cylc/bin', str(BIN)))
    done = subprocess.run(
        (need('systemd-analyze'), 'verify', path), capture_output=True,
        text=True, timeout=60, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_the_journal_gets_no_address_to_log_in_by() -> None:
    hub = HubRun(environment={'JOURNAL_STREAM': '1:2'})
    try:
        hub.start()
        assert 'token' not in hub.said()
        assert 'token=' in hub.login()
    finally:
        hub.close()


def test_who_listens_in_the_clear_is_told_so() -> None:
    hub = HubRun(hub={'bind': ['0.0.0.0']})
    try:
        hub.start()
        wait_for(
            lambda: 'are taken over https only' in hub.said(), 30,
            'a warning')
    finally:
        hub.close()


@pytest.mark.parametrize('port', ['0', '65536', 'x', '-1', '9' * 99])
def test_bad_port(port: str) -> None:
    done = subprocess.run(
        (BIN / 'cylc', 'flask', 'hub', '--port', port), capture_output=True,
        text=True, timeout=60, check=False,
    )
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr


def test_location_is_the_one_that_is_tested() -> None:
    location, _ = blocks('nginx')
    assert location.split() == LOCATION.format(
        prefix='/cylc', hub=8020, target='/', forwarded='/cylc').split()


def test_settings_exist() -> None:
    for text in blocks('toml'):
        for key, value in tomllib.loads(text).items():
            if isinstance(value, dict):
                for name, inner in value.items():
                    config.KINDS[f'{key}.{name}'].check(inner)
            else:
                config.KINDS[key].check(value)
