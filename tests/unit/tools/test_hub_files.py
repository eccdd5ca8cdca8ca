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
"""The commands "cylc flask user", "token" and "audit"."""

from __future__ import annotations

from collections.abc import Callable
import io
import json
import os
from pathlib import Path
import pty
import re
import subprocess
import sys
import time

import pytest

from cylc.flow.hostuserutil import get_user
from cylc_flask import cli
from cylc_flask.hub.users import passwords
from cylc_flask.hub.users.people import People
from cylc_flask.privilege import Privilege
from tests.harness import BIN

DOCS = Path(__file__).parents[3] / 'docs' / 'users.md'

PASSWORD = 'correct horse'

#: Runs the command; returns its status or complaint, and its output.
Call = Callable[..., tuple[int | str | None, str]]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's directory in a home of its own."""
    monkeypatch.setenv('HOME', str(tmp_path))
    for name in [*os.environ]:
        if name.startswith('CYLC_'):
            monkeypatch.delenv(name)
    monkeypatch.setattr(passwords, 'METHOD', 'scrypt:1024:8:1')
    return tmp_path / '.cylc/flask/hub'


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> Call:
    def run(
        *words: str, typed: str = '',
    ) -> tuple[int | str | None, str]:
        monkeypatch.setattr(sys, 'stdin', io.StringIO(typed))
        with pytest.raises(SystemExit) as info:
            cli.main(*words)
        return info.value.code, capsys.readouterr().out
    return run


@pytest.fixture
def alice(call: Call) -> str:
    add = call('user', 'add', 'alice', '--level', 'full-read',
               '--password-file', '-', typed=f'{PASSWORD}\n')
    assert add == (0, '')
    return 'alice'


def people(directory: Path) -> People:
    return People(directory, get_user())


def test_a_users_life(call: Call, alice: str, directory: Path) -> None:
    assert people(directory).by_password('alice', PASSWORD)
    (row,) = json.loads(call('user', 'list', '--json')[1])
    assert (row['name'], row['level']) == ('alice', 'full-read')
    assert call('user', 'level', 'alice', 'shutdown') == (0, '')
    account = people(directory).accounts.find('alice')
    assert account is not None
    assert account.level is Privilege.SHUTDOWN
    assert call(
        'user', 'password', 'alice', '--password-file', '-',
        typed='battery staple') == (0, '')
    assert people(directory).by_password('alice', 'battery staple')
    assert call('user', 'remove', 'alice') == (0, '')
    assert call('user', 'list')[1].split() == ['name', 'level', 'changed']
    assert call('user', 'remove', 'alice')[0] == (
        'cylc flask user: there is no user alice')


def test_a_new_user_may_do_nothing(call: Call, directory: Path) -> None:
    call('user', 'add', 'bob', '--password-file', '-', typed=PASSWORD)
    found = people(directory)
    bob = found.by_name('bob')
    assert bob is not None
    assert found.view(bob, frozenset({'demo'})) == frozenset()


def test_password_from_a_file(
    call: Call, directory: Path, tmp_path: Path,
) -> None:
    """It is the first line, without its end, whatever else is in it."""
    file = tmp_path / 'password'
    file.write_bytes(f' {PASSWORD} \r\nsecond line\n'.encode())
    assert call(
        'user', 'add', 'bob', '--password-file', str(file)) == (0, '')
    assert people(directory).by_password('bob', f' {PASSWORD} ')
    assert not people(directory).by_password('bob', PASSWORD)


def test_nobody_to_ask(call: Call, directory: Path) -> None:
    status, _ = call('user', 'add', 'bob', typed=f'{PASSWORD}\n')
    assert 'use --password-file' in str(status)
    assert not directory.exists()


@pytest.mark.parametrize('words, typed, complaint', [
    (('user', 'add', 'b b'), PASSWORD, 'is no name'),
    (('user', 'add', 'cylc'), PASSWORD, 'those of each workflow'),
    (('user', 'add', 'alice'), PASSWORD, 'there is a user alice already'),
    (('user', 'add', 'bob'), 'short', '8 to 1024 characters'),
    (('user', 'add', 'bob'), '', '8 to 1024 characters'),
    (('user', 'password', 'bob'), PASSWORD, 'there is no user bob'),
])
def test_complaints(
    call: Call, alice: str, words: tuple[str, ...], typed: str,
    complaint: str,
) -> None:
    status, _ = call(*words, '--password-file', '-', typed=typed)
    assert complaint in str(status)
    assert typed not in str(status) or not typed


@pytest.mark.parametrize('words, complaint', [
    (('user', 'level', 'bob', 'none'), 'there is no user bob'),
    (('user', 'may', 'bob', 'stop', 'demo'), 'there is no user bob'),
    (('user', 'add', 'bob', '--password-file', '/nix'), '/nix'),
    (('token', 'add', 'ci', '--user', 'bob'), 'there is no user bob'),
    (('token', 'add', 'ci', '--may', 'all'), 'no level or operation "all"'),
    (('token', 'add', 'ci', '--expires', 'soon'), 'no length of time'),
    (('token', 'add', 'c i'), 'is no name'),
    (('token', 'revoke', 'ci'), 'has no token ci'),
    (('audit', '--since', 'soon'), 'is no time'),
    (('audit', '--limit', '0'), '--limit'),
])
def test_other_complaints(
    call: Call, words: tuple[str, ...], complaint: str,
) -> None:
    assert complaint in str(call(*words)[0])


@pytest.mark.parametrize('words', [
    ('user',), ('user', 'list', 'alice'), ('user', 'level', 'alice', 'boss'),
    ('user', 'add', 'alice', '--password', 'secret'),
    ('user', 'may', 'alice', 'fly', 'demo'), ('token',), ('token', 'add'),
    ('audit', '--outcome', 'good'),
])
def test_bad_words(call: Call, words: tuple[str, ...]) -> None:
    assert call(*words) == (2, '')


def test_may(call: Call, alice: str, directory: Path) -> None:
    rules = directory / 'rules.toml'
    rules.write_text(
        '[[rule]]\nusers = ["alice"]\nworkflows = ["nwp"]\nmay = ["stop"]\n')
    rules.chmod(0o600)
    may = ('user', 'may', 'alice')
    assert call(*may, 'stop', 'nwp/run1') == (0, 'yes: rule 1\n')
    assert call(*may, 'stop', 'demo') == (
        1, 'no: stop needs shutdown, you have full-read here\n')
    assert call(*may, 'audit') == (1, 'no: no rule gives you audit here\n')
    assert call('user', 'may', get_user(), 'audit')[0] == 0
    rules.write_text('[[rule]]\nusers = ["alice"]\n')
    assert 'rule 1: workflows is missing' in str(call(*may, 'stop')[0])


def test_answers_in_the_docs(call: Call, alice: str, directory: Path) -> None:
    """The rules in docs/users.md do what it says there."""
    text = DOCS.read_text()
    rules = directory / 'rules.toml'
    rules.write_text(text.partition("<<'RULES'\n")[2].partition('RULES\n')[0])
    rules.chmod(0o600)
    call('user', 'level', 'alice', 'shutdown')
    call('user', 'add', 'bob', '--level', 'full-read',
         '--password-file', '-', typed=PASSWORD)
    asked = re.findall(
        r'^cylc flask (user may \S+ .*?)(?: \|\|.*)?$', text, re.M)
    answers = ''.join(call(*words.split())[1] for words in asked)
    assert len(asked) == 4
    assert f'```text\n{answers}```' in text


def test_a_tokens_life(call: Call, alice: str, directory: Path) -> None:
    status, text = call(
        'token', 'add', 'ci', '--user', 'alice', '--workflow', 'nwp',
        '--workflow', 'demo', '--may', 'identity', '!stop', '--expires', '1h')
    assert status == 0
    person = people(directory).by_token(text.strip())
    assert person is not None and person.token is not None
    assert person.name == 'alice'
    assert person.token.workflows == ('nwp', 'demo')
    assert person.token.may == ('identity', '!stop')
    assert person.token.expires == pytest.approx(time.time() + 3600, abs=60)
    (row,) = json.loads(call('token', 'list', '--json')[1])
    assert (row['user'], row['name'], row['may'], row['workflows']) == (
        'alice', 'ci', 'identity !stop', 'nwp demo')
    assert text.strip() not in str(row)
    assert 'already' in str(call(
        'token', 'add', 'ci', '--user', 'alice')[0])
    assert call('token', 'revoke', 'ci', '--user', 'alice') == (0, '')
    assert people(directory).by_token(text.strip()) is None


def test_a_token_of_ones_own(call: Call, directory: Path) -> None:
    text = call('token', 'add', 'mine', '--expires', 'never')[1].strip()
    person = people(directory).by_token(text)
    assert person is not None and person.is_owner
    assert person.token is not None
    assert person.token.expires is None
    assert person.token.may == ('full-read',)
    assert ' never' in call('token', 'list')[1]


def test_tokens_go_with_their_user(
    call: Call, alice: str, directory: Path,
) -> None:
    text = call('token', 'add', 'ci', '--user', 'alice')[1].strip()
    call('user', 'remove', 'alice')
    call('user', 'add', 'alice', '--password-file', '-', typed=PASSWORD)
    assert people(directory).by_token(text) is None


def test_it_is_in_the_audit_log(
    call: Call, alice: str, directory: Path,
) -> None:
    token = call('token', 'add', 'ci')[1].strip()
    call('token', 'revoke', 'ci')
    call('user', 'level', 'alice', 'none')
    call('user', 'remove', 'alice')
    lines = call('audit', '--json', '--user', get_user())[1].splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(row['operation'], row['detail']) for row in rows] == [
        ('user-add', 'alice, full-read'),
        ('token-add', f'{get_user()}/ci'),
        ('token-revoke', f'{get_user()}/ci'),
        ('user-level', 'alice, none'),
        ('user-remove', 'alice'),
    ]
    everything = (directory / 'audit.log').read_text()
    assert PASSWORD not in everything
    assert token not in everything
    assert 'user-level' in call('audit', '--operation', 'user-level')[1]
    assert call('audit', '--until', '2000-01-01') == (0, '')
    assert len(call('audit', '--limit', '2')[1].splitlines()) == 2


def test_no_audit_log(
    call: Call, alice: str, directory: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What has been done is done, and the lack of a record is told."""
    (directory / 'audit.log').unlink()
    (directory / 'audit.log').mkdir()
    with pytest.raises(SystemExit) as info:
        cli.main('user', 'level', 'alice', 'none')
    assert info.value.code == 0
    assert 'WARNING: not in the audit log' in capsys.readouterr().err


@pytest.mark.parametrize('second, status', [
    (PASSWORD, 0), ('another one', 1),
])
def test_prompt(directory: Path, second: str, status: int) -> None:
    """At a terminal it is asked for twice, and not shown."""
    main, terminal = pty.openpty()
    with subprocess.Popen(
        (BIN / 'cylc', 'flask', 'user', 'add', 'bob'),
        stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        shown = b''
        for prompt, answer in (
            (b'Password of bob: ', PASSWORD), (b'The same again: ', second)
        ):
            while prompt not in shown:
                shown += os.read(main, 1024)
            os.write(main, f'{answer}\n'.encode())
        assert process.wait(60) == status
    while True:
        try:
            shown += os.read(main, 1024)
        except OSError:
            break
    os.close(main)
    assert PASSWORD.encode() not in shown
    found = people(directory).by_password('bob', PASSWORD)
    assert (found is None) == bool(status)
    assert status == 0 or b'the passwords differ' in shown
