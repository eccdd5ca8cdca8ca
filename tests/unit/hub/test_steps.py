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
"""Which orders there are."""

from __future__ import annotations

import pytest

from cylc_flask.errors import RequestError
from cylc_flask.hub.life import steps
from cylc_flask.hub.life.jobs import Step


@pytest.mark.parametrize('names', [
    'clean', 'stop', 'validate', 'install', 'play', 'reinstall', 'reload',
    'install+play', 'validate+install+play', 'validate+play',
    'reinstall+reload', 'validate+reinstall+play',
])
def test_orders(names):
    checked = steps.check([(name, {}) for name in names.split('+')])
    assert '+'.join(step.command for step in checked) == names


@pytest.mark.parametrize('names', [
    '', 'play+stop', 'clean+clean', 'clean+install', 'play+install',
    'install+reload', 'broadcast', 'play+play', '--help', 'validate+clean',
])
def test_no_orders(names):
    with pytest.raises(RequestError, match='No such order'):
        steps.check([(name, {}) for name in names.split('+')])


def test_options():
    checked = steps.check([
        ('install', {'run_name': 'mine'}), ('play', {'pause': True}),
    ], 'group/a')
    assert checked == (
        Step('install', ('--run-name=mine',), 'group/a'),
        Step('play', ('--pause',)),
    )


def test_source_has_the_name_of_the_workflow():
    validate, install = steps.check([('validate', {}), ('install', {})])
    assert validate.source == install.source == ''
    (validate,) = steps.check([('validate', {})])
    assert validate.source is None


def test_after():
    (stop,) = steps.check([('stop', {'after': '1/foo'})])
    assert stop == Step('stop', after='1/foo')


@pytest.mark.parametrize('wishes, source', [
    ([('play', {'after': '1'})], ''),
    ([('stop', {'after': '*'})], ''),
    ([('install', {'run-name': '../x'})], ''),
    ([('install', {})], '../x'),
    ([('install', {})], '/etc'),
    ([('play', {})], 'a'),
    ([('validate', {}), ('play', {})], 'a'),
])
def test_bad(wishes, source):
    with pytest.raises(RequestError):
        steps.check(wishes, source)


def test_names():
    assert steps.check_names(['a', 'b', 'a'], 2) == ['a', 'b']
    for names in ([], ['a', 'b', 'c'], ['a', '-b']):
        with pytest.raises(RequestError):
            steps.check_names(names, 2)


def test_clean_is_confirmed_by_name():
    clean, play = Step('clean'), Step('play')
    steps.check_confirmed([clean], ['a', 'b'], ['b', 'a'])
    steps.check_confirmed([play], ['a'], [])
    for confirm in ([], ['a'], ['a', 'b', 'c'], ['A', 'b'], 'ab'[:1]):
        with pytest.raises(RequestError, match="'a', 'b'"):
            steps.check_confirmed([clean], ['a', 'b'], confirm)


@pytest.mark.parametrize('text, expected', [
    ('INSTALLED a/run1 from /x\n', 'a/run1'),
    ('INFO - x\nINSTALLED b from /x y\nNOTE: 1 run', 'b'),
])
def test_installed(text, expected):
    assert steps.INSTALLED.search(text)[1] == expected
