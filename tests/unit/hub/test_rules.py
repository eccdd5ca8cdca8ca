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
"""The file of rules."""

from __future__ import annotations

from pathlib import Path
import re

import pytest

from cylc_flask.errors import ConfigError
from cylc_flask.hub.users.rules import Rules, keep, parse

RULES = """
[groups]
ops = ["alice", "bob"]
none = []

[[rule]]
groups = ["ops", "none"]
users = ["carol"]
workflows = ["nwp", "demo/*"]
may = ["full-read", "hold", "!stop"]

[[rule]]
users = ["*"]
workflows = ["public"]
may = ["state-totals"]
"""


def rules(text: str) -> Rules:
    return parse(text.encode(), Path('/r.toml'))


def test_who_gets_what() -> None:
    found = rules(RULES)
    for name in ('alice', 'bob', 'carol'):
        first, second = found.grants(name)
        assert first.may == ('full-read', 'hold', '!stop')
        assert first.workflows == ('nwp', 'demo/*')
        assert (first.source, second.source) == ('rule 1', 'rule 2')
    (only,) = found.grants('dave')
    assert only.workflows == ('public',)
    assert found.groups_of('bob') == ['ops']
    assert found.groups_of('carol') == []


def test_none_at_all() -> None:
    assert rules('').grants('alice') == ()


RULE = '[[rule]]\nusers = ["a"]\nworkflows = ["*"]\nmay = ["full-read"]\n'


@pytest.mark.parametrize('text, fault', [
    ('[[rule]', 'not a TOML file'),
    ('[rule]', 'a rule begins with [[rule]]'),
    ('rule = [1]', 'rule 1 must begin with [[rule]]'),
    ('groups = 1', 'groups must be a table [groups]'),
    ('[groups]\nx = "alice"', 'groups.x = "alice" must be a list of texts'),
    ('[[rules]]', 'unknown key "rules": did you mean rule?'),
    (RULE + 'user = ["a"]', 'rule 1: unknown key "user": did you mean users?'),
    (RULE.replace('"a"', ''), 'rule 1: it is for nobody'),
    (RULE.replace('"*"', ''), 'rule 1: workflows is missing or empty'),
    (RULE.replace('"*"', '""'), 'workflows = [""] must be a list of texts'),
    (RULE.replace('may', '#'), 'rule 1: may is missing or empty'),
    (RULE + RULE.replace('full-read', 'ful-read'),
     'rule 2: may: no level or operation "ful-read": did you mean full-read?'),
    (RULE + 'groups = ["x"]', 'rule 1: groups: no such group "x"'),
    ('[groups]\nops = []\n' + RULE + 'groups = ["op"]',
     'no such group "op": did you mean ops?'),
])
def test_bad_files(text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=rf'^/r\.toml: .*{re.escape(fault)}'):
        rules(text)


def test_kept(tmp_path: Path) -> None:
    now = [0.0]
    path = tmp_path / 'rules.toml'
    kept = keep(tmp_path, lambda: now[0])
    assert kept.now().grants('carol') == ()
    path.write_text(RULES)
    path.chmod(0o600)
    now[0] += 1
    assert len(kept.now().grants('carol')) == 2
    path.write_text('[[rul')
    now[0] += 1
    assert len(kept.now().grants('carol')) == 2
