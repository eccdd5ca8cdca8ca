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
from __future__ import annotations

from dataclasses import replace
import json
import os
from pathlib import Path

import pytest

from cylc_flask import certificate
from cylc_flask.config import Config, Hub
from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub import place
from tests.harness import free_port


def config(directory: Path, **hub: object) -> Config:
    settings = {'directory': str(directory), 'port': free_port()} | hub
    return Config(hub=Hub(**settings))  # type: ignore[arg-type]


def test_one_hub_for_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / 'deep' / 'hub'
    first = place.take(config(directory))
    try:
        assert directory.stat().st_mode & 0o077 == 0
        with pytest.raises(CylcFlaskError, match='another hub runs in'):
            place.take(config(directory))
    finally:
        first.leave()
    place.take(config(directory)).leave()


def test_where_it_is(tmp_path: Path) -> None:
    settings = config(tmp_path)
    with pytest.raises(CylcFlaskError, match='the hub does not run'):
        place.url_of(settings)
    here = place.take(settings)
    here.announce(here.address.url)
    try:
        url = f'http://127.0.0.1:{settings.hub.port}/'
        assert place.url_of(settings) == url
        told = json.loads((tmp_path / 'hub.json').read_text())
        assert told['pid'] == os.getpid()
        assert (tmp_path / 'hub.json').stat().st_mode & 0o077 == 0
    finally:
        here.leave()
    with pytest.raises(CylcFlaskError, match='the hub does not run'):
        place.url_of(settings)


def test_one_that_was_killed(tmp_path: Path) -> None:
    """What it has left says nothing."""
    settings = config(tmp_path)
    (tmp_path / 'hub.json').write_text('{"url": "http://localhost/"}')
    with pytest.raises(CylcFlaskError, match='the hub does not run'):
        place.url_of(settings)
    for text in ('', '[]', '{"pid": 1}', 'nonsense'):
        (tmp_path / 'hub.json').write_text(text)
        with pytest.raises(CylcFlaskError, match='the hub does not run'):
            place.url_of(settings)


def test_port_that_is_taken(tmp_path: Path) -> None:
    settings = config(tmp_path / 'a')
    here = place.take(settings)
    try:
        other = replace(settings, hub=replace(
            settings.hub, directory=str(tmp_path / 'b')))
        with pytest.raises(CylcFlaskError, match='no free port'):
            place.take(other)
        # The directory is free again all the same.
        free = replace(other, hub=replace(other.hub, port=free_port()))
        place.take(free).leave()
    finally:
        here.leave()


def test_ports(tmp_path: Path) -> None:
    assert place.ports(config(tmp_path, port=8020)) == (8020, 8020)
    assert place.ports(config(tmp_path, port='8020..8030')) == (8020, 8030)


def test_names(tmp_path: Path) -> None:
    """Those of the certificate are ours."""
    files = tmp_path / 'cert', tmp_path / 'key'
    certificate.make(*files, ['Hub.Example.org'])
    settings = config(
        tmp_path, certificate=str(files[0]), key=str(files[1]))
    here = place.take(settings)
    try:
        assert here.address.scheme == 'https'
        names = place.hosts(here.address, settings)
        assert {'localhost', '127.0.0.1', 'hub.example.org'} <= names
    finally:
        here.leave()
