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
"""Which options of Cylc's commands may be set, and how."""

from __future__ import annotations

from importlib import import_module
from optparse import OptionParser

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask.errors import RequestError
from cylc_flask.hub.life import options

COMMANDS = sorted(options.PARSERS)


@pytest.mark.parametrize('command', COMMANDS)
def test_each_option_is_allowed_or_withheld(command):
    """An option which a new line of Cylc brings has to be thought of."""
    names = {
        option.get_opt_string()[2:] for option in options.parsed(command)}
    allowed = options.ALLOWED[command] | options.COMMON
    assert names - allowed <= set(options.WITHHELD)
    assert options.ALLOWED[command] <= names
    assert not allowed & set(options.WITHHELD)


@pytest.mark.parametrize('command', COMMANDS)
def test_each_option_says_what_it_is(command):
    for option in options.of(command).values():
        assert option.help and '%default' not in option.help
        assert option.kind in (
            'flag', 'count', 'choice', 'integer', 'text', 'list')
        assert bool(option.choices) == (option.kind == 'choice')


def test_parser_is_not_filled_twice():
    options.parsed('play')
    names = [option.get_opt_string() for option in options.parsed('play')]
    assert len(names) == len(set(names))


@pytest.mark.parametrize('command, values, expected', [
    ('play', {}, []),
    ('play', {'pause': True}, ['--pause']),
    ('play', {'pause': False, 'mode': None}, []),
    ('play', {'mode': 'simulation'}, ['--mode=simulation']),
    ('play', {'stop-cycle-point': '3'}, ['--stop-cycle-point=3']),
    ('play', {'stop_cycle_point': '3'}, ['--stop-cycle-point=3']),
    ('play', {'stopcp': '3'}, ['--stop-cycle-point=3']),
    ('play', {'set': ['A=1', 'B=" 2"']}, ['--set=A=1', '--set=B=" 2"']),
    ('play', {'set': 'A=1'}, ['--set=A=1']),
    ('play', {'start-task': '--host=x'}, ['--start-task=--host=x']),
    ('clean', {'rm': ['share/data*:log/[0-9]']},
     ['--rm=share/data*:log/[0-9]']),
    ('stop', {'now': 2}, ['--now', '--now']),
    ('stop', {'now': True}, ['--now']),
    ('stop', {'now': 0}, []),
    ('stop', {'max-polls': '05'}, ['--max-polls=5']),
    ('stop', {'max-polls': 5}, ['--max-polls=5']),
])
def test_words(command, values, expected):
    assert options.words(command, values) == expected


@pytest.mark.parametrize('command, values, text', [
    ('play', {'no-detach': True}, 'as long as the run'),
    ('play', {'host': '-oProxyCommand=id'}, 'given to ssh'),
    ('play', {'set-file': '/etc/passwd'}, 'reads any file'),
    ('validate', {'output': '/tmp/x'}, 'writes to any file'),
    ('install', {'symlink-dirs': 'run=/tmp'}, 'outside the run directory'),
    ('clean', {'yes': True}, 'nobody has seen'),
    ('clean', {'no_scan': True}, 'clean what runs'),
    ('play', {'paus': True}, "no option 'paus'"),
    ('play', {'': True}, "no option ''"),
    ('play', {'pause --host': True}, 'no option'),
    ('play', {'pause': 'yes'}, 'pause must be true or false'),
    ('play', {'pause': 1}, 'pause must be true or false'),
    ('play', {'mode': 'x'}, 'one of dummy, live, simulation'),
    ('play', {'mode': ['live']}, 'one of dummy, live, simulation'),
    ('play', {'stopcp': 3}, 'stop-cycle-point must be a text'),
    ('play', {'stopcp': True}, 'stop-cycle-point must be a text'),
    ('play', {'stopcp': '3', 'stop-cycle-point': '4'}, 'given twice'),
    ('play', {'set': ['A="1\n2"']}, 'a line of at most'),
    ('play', {'set': ['\x1b[2J']}, 'a line of at most'),
    ('play', {'set': ['\0']}, 'characters which are none'),
    ('play', {'set': ['\ud800']}, 'characters which are none'),
    ('play', {'set': ['x' * 5000]}, 'a line of at most'),
    ('play', {'set': ['A=1'] * 101}, 'set must be a text'),
    ('play', {'set': {'A': 1}}, 'set must be a text'),
    *(
        ('clean', {'rm': [text]}, 'rm must be paths or patterns')
        for text in ('a;b', 'a b', '$(id)', '`id`', 'a|b', "a'", 'a"', '~b',
                     'a&', '{a}', 'é', '')
    ),
    ('stop', {'now': 3}, 'now must be'),
    ('stop', {'now': -1}, 'now must be'),
    ('stop', {'max-polls': -1}, 'max-polls must be a number'),
    ('stop', {'max-polls': True}, 'max-polls must be'),
    ('stop', {'max-polls': '1e3'}, 'max-polls must be a number'),
    ('stop', {'max-polls': 10 ** 10000}, 'max-polls must be a number'),
])
def test_bad(command, values, text):
    with pytest.raises(RequestError, match=text):
        options.words(command, values)


#: What somebody might write who wants to get out of his place.
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(['--', '-', '--host=x', '-h', '=', '--=', 'a b', '']),
    st.integers(), st.booleans(), st.none(),
    st.lists(st.text(max_size=5), max_size=3),
)


@given(st.sampled_from(COMMANDS), st.data())
def test_cylc_reads_what_was_meant(command, data):
    """No value becomes an option, or part of the workflow's name."""
    option = data.draw(st.sampled_from(list(options.of(command).values())))
    value = data.draw(VALUES)
    try:
        words = options.words(command, {option.name: value})
    except RequestError:
        return
    options.parsed(command)
    parser = import_module(options.PARSERS[command]).get_option_parser()
    if not parser.has_option('--debug'):
        parser.add_std_options()
    before, _ = OptionParser.parse_args(parser, [])
    after, names = OptionParser.parse_args(parser, [*words, '--', 'name'])
    dest = parser.get_option(f'--{option.name}').dest
    assert names == ['name']
    assert {
        key for key in vars(after)
        if getattr(after, key) != getattr(before, key)
    } <= {dest}
    if option.kind in ('text', 'choice') and value is not None and words:
        assert getattr(after, dest) == value
