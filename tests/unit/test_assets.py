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
"""What the page takes from others, and the queries that we add to it."""

from __future__ import annotations

import json
from pathlib import Path
import re

from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
import pytest

from tests.bundle import BUNDLE, need_bundle

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / 'assets'
QUERIES = sorted((ASSETS / 'queries').glob('*.graphql'))


@pytest.fixture(scope='module', params=['8.5', '8.7'])
def schema(request) -> GraphQLSchema:
    return build_schema(
        (ROOT / 'docs' / f'schema-{request.param}.graphql').read_text())


@pytest.mark.parametrize('path', QUERIES, ids=lambda path: path.stem)
def test_saved_query(path, schema):
    """Each is valid, has a title, and needs at most one thing filled in."""
    text = path.read_text()
    document = parse(text)
    assert not validate(schema, document)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name.value.lower() in path.stem.replace('-', '')
    title, *notes = re.findall('^# (.+)', text, re.MULTILINE)
    assert len(title) < 40 and not title.endswith('.')
    assert all(note.endswith('.') for note in notes[-1:])


def test_all_queries_are_shown():
    listed = re.findall(
        r"'\./queries/(.*)\.graphql'", (ASSETS / 'queries.js').read_text())
    assert listed == [path.stem for path in QUERIES]


def test_versions_are_pinned():
    """One and the same bundle is made everywhere."""
    package = json.loads((ASSETS / 'package.json').read_text())
    lock = json.loads((ASSETS / 'package-lock.json').read_text())
    for kind in ('dependencies', 'devDependencies'):
        for name, version in package[kind].items():
            assert re.fullmatch(r'\d+\.\d+\.\d+', version), name
            locked = lock['packages'][f'node_modules/{name}']
            assert locked['version'] == version
    for name, locked in lock['packages'].items():
        if name:
            assert locked['integrity'].startswith('sha512-'), name
            assert locked.get('resolved', 'https://registry.npmjs.org/') \
                .startswith('https://registry.npmjs.org/'), name


def test_nothing_of_others_is_committed():
    """Neither packages nor bundles are."""
    ignored = (ROOT / '.gitignore').read_text().split()
    assert {'/static/bundle/', 'node_modules/'} <= set(ignored)


def test_bundle():
    need_bundle()
    assert {path.name for path in BUNDLE.iterdir()} >= {
        'graphiql.js', 'graphiql.css', 'layout.js', 'LICENCES.txt',
    }


def test_style_needs_nothing_else():
    """No font, and no image that is not inside."""
    need_bundle()
    style = (BUNDLE / 'graphiql.css').read_text()
    assert not re.search(r'url\((?!"?data:image/)|@import', style)


def test_licences():
    """Each package that is in the bundle is named with its licence."""
    need_bundle()
    text = (BUNDLE / 'LICENCES.txt').read_text()
    parts = re.findall(r'^={72}\n(\S+) (\S+)\nLicence: (.+)$', text, re.M)
    names = {name for name, _, _ in parts}
    assert {'graphiql', 'react', 'react-dom', 'graphql-ws', 'elkjs'} <= names
    # All of these may be given on under the GPL, version 3.
    assert {licence for _, _, licence in parts} <= {
        '0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT',
        'EPL-2.0 OR GPL-3.0-or-later',
    }
    assert 'THE SOFTWARE IS PROVIDED "AS IS"' in text
