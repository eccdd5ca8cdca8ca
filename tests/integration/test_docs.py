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
"""Every command line in the documentation works as it stands.

The blocks of a page are run in their order by one shell, beside the demo
workflow. A comment before a block may say otherwise: that it wants the https
workflow, or which test runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import re
import subprocess
from typing import NamedTuple

import pytest

from tests.harness import ONE, Run, Starter, need

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / 'README.md', *(ROOT / 'docs').glob('*.md')])

BLOCK = re.compile(
    r'(?:<!-- (?P<word>with|tested by): (?P<value>[\w./]+) -->\n)?'
    r'^```(?P<language>\w*)\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)

#: Definitions which some pages speak of.
DEMO, HTTPS = 'cylc-flask-demo', 'https'


class Block(NamedTuple):
    """Command lines, and where they are to be run."""

    text: str
    home: str = DEMO
    tested_by: str = ''


def blocks(page: Path) -> Iterator[Block]:
    """Yield the command lines of a page."""
    for found in BLOCK.finditer(page.read_text()):
        if found['language'] not in ('bash', 'console', 'sh', 'shell'):
            continue
        match found['word']:
            case 'with':
                yield Block(found['text'], found['value'])
            case 'tested by':
                yield Block(found['text'], tested_by=found['value'])
            case _:
                yield Block(found['text'])


def scripts() -> Iterator[tuple[Path, str, str]]:
    """Yield the pages with what is to be run in each home."""
    for page in PAGES:
        for home in (DEMO, HTTPS):
            text = '\n'.join(
                block.text for block in blocks(page)
                if block.home == home and not block.tested_by
            )
            if text:
                yield page, home, text


@pytest.fixture(scope='module')
def homes(mod_start: Starter) -> dict[str, Run]:
    """Play the demo's definition, and a workflow with https."""
    flow = ROOT / 'cylc_flask' / 'tools' / 'demo_workflow' / 'flow.cylc'
    return {
        DEMO: mod_start(flow.read_text(), name=DEMO),
        HTTPS: mod_start(
            ONE, '--pause', name='my_workflow', config={'method': 'https'}
        ),
    }


@pytest.mark.parametrize(
    'page, home, text',
    [pytest.param(*script, id=f'{script[0].name}-{script[1]}')
     for script in scripts()],
)
def test_commands(
    homes: dict[str, Run], page: Path, home: str, text: str
) -> None:
    need('curl')
    run = homes[home]
    result = subprocess.run(
        ('bash', '-euo', 'pipefail', '-c', text),
        cwd=run.home,
        env=run.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'Traceback' not in result.stdout + result.stderr


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_other_blocks_are_tested_elsewhere(page: Path) -> None:
    for block in blocks(page):
        if block.tested_by:
            assert (ROOT / block.tested_by).is_file(), block.tested_by


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    """Links within the documentation lead somewhere."""
    for target in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', page.read_text()):
        assert (page.parent / target).exists(), target
