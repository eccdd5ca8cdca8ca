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
"""What is installed is what is in the checkout."""

from __future__ import annotations

import configparser
from importlib.metadata import distribution, entry_points
from pathlib import Path
import subprocess
import sys
from zipfile import ZipFile

import pytest

import cylc_flask
from cylc_flask import assets

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    return parser


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> set[str]:
    """Build a wheel from a copy and return the names in it."""
    target = tmp_path_factory.mktemp('wheel')
    subprocess.run(
        (
            sys.executable, '-c',
            'import sys; from setuptools import build_meta;'
            ' build_meta.build_wheel(sys.argv[1])',
            target,
        ),
        cwd=copy_of_checkout(target / 'source'),
        check=True,
        capture_output=True,
    )
    (path,) = target.glob('*.whl')
    with ZipFile(path) as archive:
        return set(archive.namelist())


def copy_of_checkout(target: Path) -> Path:
    """Link what a build reads, so that it leaves nothing in the checkout."""
    target.mkdir()
    for name in (
        'cylc_flask', 'static', 'templates',
        'setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE',
    ):
        (target / name).symlink_to(ROOT / name)
    return target


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder.parent))
        for path in folder.rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }


def test_packages_are_the_folders_on_disk(setup):
    listed = set(setup['options']['packages'].split())
    folders = {
        '.'.join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / 'cylc_flask').rglob('__init__.py')
    }
    assert listed == folders | {'cylc_flask.static', 'cylc_flask.templates'}


def test_wheel_holds_the_package(wheel):
    assert files(ROOT / 'cylc_flask') <= wheel


@pytest.mark.parametrize('name', ['static', 'templates'])
def test_wheel_holds_the_files_beside_the_package(wheel, name):
    assert {f'cylc_flask/{file}' for file in files(ROOT / name)} <= wheel


def test_wheel_holds_nothing_else(wheel):
    folders = {name.partition('/')[0] for name in wheel}
    assert {name for name in folders if '.dist-info' not in name} == {
        'cylc_flask'
    }


def test_wheel_has_the_licence(wheel):
    assert any(name.endswith('LICENSE') for name in wheel)


def test_licence_is_the_full_text():
    text = (ROOT / 'LICENSE').read_text()
    assert 'GNU GENERAL PUBLIC LICENSE' in text
    assert 'END OF TERMS AND CONDITIONS' in text


def test_folders_are_found():
    assert assets.folder('static') == ROOT / 'static'
    assert assets.templates() == ROOT / 'templates'


def test_installed_folder_comes_first(tmp_path, monkeypatch):
    (tmp_path / 'cylc_flask' / 'static').mkdir(parents=True)
    monkeypatch.setattr(assets, 'PACKAGE', tmp_path / 'cylc_flask')
    assert assets.folder('static') == tmp_path / 'cylc_flask' / 'static'


def test_version_is_the_package_s():
    assert distribution('cylc-flask').version == cylc_flask.__version__


@pytest.mark.parametrize('group, name', [
    ('cylc.command', 'flask'),
    ('cylc.main_loop', 'flask'),
    ('console_scripts', 'cylc-flask'),
])
def test_entry_points_load(group, name):
    (point,) = entry_points(group=group, name=name)
    assert point.load()
