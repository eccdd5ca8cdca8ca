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
"""The static graph equals Cylc's own, in less time and within limits."""

from __future__ import annotations

from collections.abc import Callable
import gc
import json
from pathlib import Path
from textwrap import dedent
import time
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest

from cylc.flow.config import WorkflowConfig
from cylc.flow.graphnode import GraphNodeParser
from cylc.flow.scheduler_cli import RunOptions
from cylc_flask.graph import (
    KEPT,
    BadPoint,
    TooManyEdges,
    TooSlow,
    expand,
)
from cylc_flask.replica.graph import RawGraph

TRANSCRIPTS = Path(__file__).parent.parent / 'data' / 'transcripts'

INTEGER = """
    [scheduler]
        allow implicit tasks = True
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        [[xtriggers]]
            x = echo(succeed=True)
        [[graph]]
            R1 = s => a
            P1!P3 = '''
                a[-P1] => b & !gone
                @x => c
            '''
            P2 = '''
                b[+P1] => d
                a[1] => d
                a | c => d
            '''
            R2//P5 = two
            +P2/P3 = a | b => e
            R/3/P4 = s[^] => f
            R1/7 = FAM:succeed-any => g
    [runtime]
        [[FAM]]
        [[a, b, c, d]]
            inherit = FAM
"""

DATES = """
    [scheduler]
        allow implicit tasks = True
        UTC mode = True
    [scheduling]
        initial cycle point = 20000131T00Z
        {final}
        [[xtriggers]]
            w = wall_clock(offset=PT1H)
        [[graph]]
            R1 = s => a
            R1/+P3D = q => b
            PT1H!PT6H = @w => a & a[-PT1H] => b & !x
            P1D!(20000203,20000205) = b => d
            P1D!(P2D,P1M) = d => o
            P1M = '''
                m[-P1M] => m
                s[^] => m
            '''
            P1Y = m[^+P1M] => y
            R5//P1D = five
            T06 = a | b => e
            R3/P2D/20000301 = counted
            R/20000201T00/PT12H = later
            {more}
"""

ENDING = DATES.format(
    final='final cycle point = 20000310',
    more="""
            R/P2D = back
            R3/P1D = last
            R1/$ = end
    """,
)

UNENDING = DATES.format(final='', more='')


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Any]:
    """Return a function from a definition to what stands for a scheduler."""
    def _load(text: str) -> Any:
        path = tmp_path / 'flow.cylc'
        path.write_text(dedent(text))
        return SimpleNamespace(
            config=WorkflowConfig('one', str(path), RunOptions())
        )
    return _load


def plain(graph: RawGraph) -> list[Any]:
    """Return the edges as Cylc gives them, sorted."""
    def id_(node: Any) -> str | None:
        return node and f'{node.point}/{node.name}'
    return sorted(
        (id_(left), id_(right) or '', suicide, conditional)
        for left, right, suicide, conditional in graph.edges
    )


def cylcs(config: WorkflowConfig, start: str, stop: str | None) -> list[Any]:
    return sorted(
        (left, right or '', suicide, conditional)
        for left, right, _, suicide, conditional
        in config.get_graph_raw(start, stop)
    )


@pytest.mark.parametrize('text, start, stop', [
    (INTEGER, '1', '5'),
    (INTEGER, '2', '10'),
    (INTEGER, '1', None),
    (INTEGER, '4', None),
    (INTEGER, '1', '+P3'),
    (INTEGER, '-3', '2'),
    (INTEGER, '1000', '1010'),
    (INTEGER, '5', '1'),
    (ENDING, '20000131', '20000203'),
    (ENDING, '20000131', None),
    (ENDING, '20000303', 'P10D'),
    (ENDING, '20000309', '20010101'),
    (ENDING, '20000311', '20010101'),
    (UNENDING, '19990101', '20000131'),
    (UNENDING, '20000131', 'P2D'),
    (UNENDING, '20000131', '-P2D'),
    (UNENDING, '20000228', '20000302'),
    (UNENDING, '20000204T0300Z', '20000205'),
    (UNENDING, '20000204T0345+01', None),
])
def test_equals_cylcs(
    load: Callable[[str], Any], text: str, start: str, stop: str | None
) -> None:
    schd = load(text)
    assert plain(expand(schd, start, stop, 20_000)) == cylcs(
        schd.config, start, stop
    )


@pytest.mark.parametrize('case, start, stop', [
    ('ungroup_all=True', '1', '2'),
    ('stop None', '1', None),
    ('start only 1..1', '1', '1'),
])
def test_equals_cylc_7(
    load: Callable[[str], Any], case: str, start: str, stop: str | None
) -> None:
    """But for the external triggers, which are on R1 since."""
    exchanges = json.loads(
        (TRANSCRIPTS / 'http' / 'get_graph_raw.json').read_text()
    )['exchanges']
    recorded = next(
        exchange['response']['json'][0]
        for exchange in exchanges if exchange['case'] == case
    )
    schd = load((TRANSCRIPTS / 'suite' / 'flow.cylc').read_text())
    edges = expand(schd, start, stop, 20_000).edges
    assert sorted(
        [f'{left.name}.{left.point}',
         f'{right.name}.{right.point}' if right else '']
        for left, right, *_ in edges if not left.name.startswith('ext_')
    ) == sorted(
        [left, right or '']
        for left, right, *_ in recorded if not left.startswith('ext_')
    )


def test_understood_points(load: Callable[[str], Any]) -> None:
    graph = expand(load(UNENDING), '2000-01-31', '+P1D', 20_000)
    assert (graph.start, graph.stop) == ('20000131T0000Z', '20000201T0000Z')
    assert expand(load(INTEGER), '1', None, 20_000).stop is None


@pytest.mark.parametrize('text, start, stop, complaint', [
    (INTEGER, 'foo', '2', 'start point: "foo" is not a cycle point'),
    (INTEGER, '1', 'foo', 'stop point: "foo" is not a cycle point'),
    (INTEGER, '', '1', 'start point: "" is not a cycle point'),
    (INTEGER, '+P1', '2', 'start point: "+P1" is not a cycle point'),
    (INTEGER, '1', '+P1D', 'stop point: "+P1D" is not a cycle point'),
    (INTEGER, '9' * 5000, '1', f'start point: "{"9" * 60}" is not a cycle'),
    (UNENDING, 'None', '1', 'start point: "None" is not a cycle point'),
    (UNENDING, '20000131', '20000132', 'stop point: "20000132" is not a'),
    (UNENDING, '20000131', 'PAUL', 'stop point: "PAUL" is not a cycle point'),
    (UNENDING, '20000131', 'P1000000Y', 'stop point: "P1000000Y" is not a'),
    (UNENDING, '99991231', 'P1D', 'stop point: "P1D" is not a cycle point'),
])
def test_bad_points(
    load: Callable[[str], Any],
    text: str,
    start: str,
    stop: str,
    complaint: str,
) -> None:
    with pytest.raises(BadPoint) as caught:
        expand(load(text), start, stop, 20_000)
    assert caught.value.text.startswith(complaint)
    assert caught.value.status == 400


@pytest.mark.parametrize('text, start, stop', [
    (INTEGER, '1', '99999'),
    (INTEGER, '1', '9' * 4000),
    (UNENDING, '20000131', '99991231'),
])
def test_too_many_edges(
    load: Callable[[str], Any], text: str, start: str, stop: str
) -> None:
    schd = load(text)
    begin = time.process_time()
    with pytest.raises(TooManyEdges, match=r'would have about \d+ edges, mor'):
        expand(schd, start, stop, 20_000)
    assert time.process_time() - begin < 1


def test_limit_on_kept_graph(load: Callable[[str], Any]) -> None:
    schd = load(INTEGER)
    number = len(expand(schd, '1', '9', 20_000).edges)
    with pytest.raises(TooManyEdges, match=f'{number} edges, more than 10'):
        expand(schd, '1', '9', 10)


def test_far_dates_by_calculation(load: Callable[[str], Any]) -> None:
    schd = load("""
        [scheduler]
            UTC mode = True
        [scheduling]
            initial cycle point = 2000
            [[graph]]
                PT1M!(PT5M,T06) = one
        [runtime]
            [[one]]
    """)
    begin = time.process_time()
    graph = expand(schd, '99991231T0601', '99991231T0606', 20_000)
    assert time.process_time() - begin < 1
    assert [edge.left.point for edge in graph.edges] == [
        f'99991231T060{minute}Z' for minute in (1, 2, 3, 4, 6)
    ]


def test_far_dates_by_walking(load: Callable[[str], Any]) -> None:
    """Months have no length: what leads too far is given up."""
    schd = load("""
        [scheduler]
            allow implicit tasks = True
        [scheduling]
            initial cycle point = 2000-01-31
            [[graph]]
                P1M = one
                P1M!2001-01-31 = two
                R/20000131/P2M = three
                R/20000131/P3M = four
    """)
    assert expand(schd, '21000101', None, 20_000).edges
    begin = time.process_time()
    with pytest.raises(TooSlow):
        expand(schd, '99990101', None, 20_000)
    assert time.process_time() - begin < 5


def test_kept_until_reload(load: Callable[[str], Any]) -> None:
    schd = load(INTEGER)
    graph = expand(schd, '1', '3', 20_000)
    assert expand(schd, '1', '3', 20_000) is graph
    for stop in range(4, 4 + KEPT):
        expand(schd, '1', str(stop), 20_000)
    assert expand(schd, '1', '3', 20_000) is not graph
    assert expand(load(INTEGER), '1', '3', 20_000) is not graph


def test_goes_with_its_definition(load: Callable[[str], Any]) -> None:
    schd = load(INTEGER)
    expand(schd, '1', '3', 20_000)
    definition = ref(schd.config)
    del schd
    gc.collect()
    assert definition() is None


def test_leaves_the_shared_parser_alone(load: Callable[[str], Any]) -> None:
    schd = load(INTEGER)
    parser = GraphNodeParser.get_inst()
    parser.parse('a[-P1]')
    nodes = dict(parser._nodes)
    expand(schd, '1', '3', 20_000)
    assert parser._nodes == nodes
