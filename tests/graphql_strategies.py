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
"""Arguments that GraphQL allows, and the scheduler may not."""

from __future__ import annotations

from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)
from hypothesis import strategies as st

#: Texts which mean something to the scheduler, or nearly do.
TEXTS = st.sampled_from((
    '', '*', '1', '2', '0', '-1', '01', '1.5', '9' * 400, '1e9', 'keep',
    'keep.1', '1/keep', '1/keep/01', '1/keep/00', '1/keep/xx', '1/keep/NN',
    '1/FAM', '1/root', '*/*', '1/*', '1/keep:running', '1/keep:nosuch',
    '[', '1/[', '1/k[e', '1/keep//', '//1/keep', '~x/y//1/keep', '////',
    '20300101T00Z', '20300101T0000Z/keep', '20300101T0000Z/keep/01', '2030',
    '2030-02-30', '99999999T00Z', '+P1D', 'next(T00)', 'now', 'previous(T-00)',
    'P1', 'PT0S', 'R1', '^', '$', '2030-01-01T00:00:00+99:99', 'new', 'none',
    'all', 'None', 'null', 'true', 'succeeded', 'submitted', 'expired', 'out',
    'the output', 'required', '1/keep:succeeded', 'xtrigger/clock',
    'xtrigger/all', 'xtrigger/clock:unsatisfied', 'xtrigger/event', 'root',
    '../..', '/etc/passwd', '\x00', '\n', '\x1b[31m', 'ä' * 300, '\U0001f600',
    'state', 'runtime', 'prerequisites', 'jobs', '__class__', 'CopyFrom',
    'meta.title', 'submitNum', 'INFO', 'failed/ERR', 'aborted/x',
    'vacated/x', 'x' * 5000, '%s', '{{x}}',
)) | st.text(st.characters(exclude_categories=['Cs']), max_size=12)

SETTINGS = st.dictionaries(
    st.sampled_from((
        'script', 'environment', 'executionTimeLimit', 'platform', 'runMode',
        'run_mode', 'outputs', 'directives', 'nosuch', 'simulation', 'script]',
        'execution retry delays', 'run mode', 'meta', 'remote', '',
    )) | TEXTS,
    TEXTS | st.integers() | st.none() | st.dictionaries(
        TEXTS, TEXTS | st.integers() | st.none(), max_size=2
    ) | st.lists(TEXTS, max_size=2),
    max_size=2,
)


def values(kind: GraphQLInputType) -> st.SearchStrategy[Any]:
    """Return values of a type, as variables have them."""
    if isinstance(kind, GraphQLNonNull):
        return values(kind.of_type)
    if isinstance(kind, GraphQLList):
        return st.lists(values(kind.of_type), max_size=3) | st.none()
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from(sorted(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return st.fixed_dictionaries({}, optional={
            name: values(field.type) for name, field in kind.fields.items()
        })
    match kind.name:
        case 'Int':
            return st.integers(-2 ** 31, 2 ** 31 - 1) | st.sampled_from(
                (-1, 0, 1, 2))
        case 'Boolean':
            return st.booleans()
        case 'Float':
            return st.floats(-1e9, 1e9)
        case 'BroadcastSetting':
            return SETTINGS
    return TEXTS
