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
"""The words of "cylc flask"."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cylc_flask import __version__
from cylc_flask.cli import TOOLS, main
from tests.harness import BIN

HEAVY = {'flask', 'gevent', 'graphene', 'cryptography', 'cylc.flow.scheduler'}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize('command', [
    (BIN / 'cylc', 'flask', 'version'),
    (BIN / 'cylc-flask', 'version'),
])
def test_version(command):
    assert f'cylc-flask {__version__}' in run(*command).stdout


@pytest.mark.parametrize('tool', TOOLS)
def test_help(tool, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(tool, '--help')
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f'usage: cylc flask {tool}')
    assert 'Examples:' in text


@pytest.mark.parametrize('words', [(), ('--help',)])
def test_overview_names_all_tools(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(*words)
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    assert all(f'\n  {tool} ' in text for tool in TOOLS)


@pytest.mark.parametrize('words', [
    ('nix',),
    ('call',),
    ('call', 'flow', 'hold_tasks', 'no equals sign'),
    ('demo', '--nix'),
])
def test_bad_words(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(*words)
    assert exit_.value.code == 2
    assert 'usage: cylc flask' in capsys.readouterr().err


def test_error_is_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(SystemExit) as exit_:
        main('call', 'nix', 'get_suite_info')
    assert str(exit_.value.code).startswith('cylc flask call: ')
    assert 'Traceback' not in str(exit_.value.code)


def test_cylc_lists_it():
    listed = ' '.join(run(BIN / 'cylc', 'help', 'all').stdout.split())
    assert 'flask' in listed


def test_import_is_light():
    """Cylc imports the module only to list its commands."""
    code = 'import sys, cylc_flask.cli; print(*sys.modules)'
    loaded = set(run(sys.executable, '-c', code).stdout.split())
    assert not loaded & HEAVY
