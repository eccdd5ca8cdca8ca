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
"""The hub: what it spares schedulers, beside cylc-uiserver, with many flows.

First, one workflow with many viewers; second, the hub and cylc-uiserver with
the same workflows; third, a hub of as many workflows as fit into the memory.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks import common, hub_beside, hub_isolation, hub_scale
from benchmarks.common import unless_quick

#: What is measured, by the names under which it is written.
PARTS: dict[str, Any] = {
    'isolation': hub_isolation,
    'beside': hub_beside,
    'scale': hub_scale,
}


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    results = {part: PARTS[part].measure(options) for part in options.parts}
    facts = common.about(
        rounds=options.rounds, seconds=options.seconds, size=options.size)
    text = '\n'.join(
        PARTS[part].text(found) for part, found in results.items())
    common.save('hub', facts, results, f'# The hub\n\n{text}')


def arguments() -> argparse.Namespace:
    """Return what to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--parts', nargs='+', choices=PARTS, default=[*PARTS],
        help='what to measure (all)')
    parser.add_argument(
        '--rounds', type=int, default=unless_quick(4, 1),
        help='in which all take turns (%(default)s)')
    parser.add_argument(
        '--seconds', type=float, default=unless_quick(12, 1.5),
        help='of each measurement (%(default)s)')
    parser.add_argument(
        '--viewers', type=int, default=unless_quick(50, 2), metavar='N',
        help='that are many (%(default)s)')
    parser.add_argument(
        '--peer-viewers', type=int, default=8, metavar='N',
        help='cylc-uiserver gets no more than these (%(default)s)')
    parser.add_argument(
        '--size', type=int, default=unless_quick(1000, 20), metavar='N',
        help='task proxies of the workflow with many viewers (%(default)s)')
    parser.add_argument(
        '--length', default=unless_quick('PT5S', 'PT1M'), metavar='TIME',
        help='how long each of its jobs takes (%(default)s)')
    parser.add_argument(
        '--beside', default=unless_quick('5x200', '2x20'),
        metavar='FLOWSxSIZE',
        help='workflows and task proxies beside cylc-uiserver (%(default)s)')
    parser.add_argument(
        '--updates', type=int, default=unless_quick(10, 2),
        help='in each round (%(default)s)')
    parser.add_argument(
        '--alone', action='store_true', default=unless_quick(False, True),
        help='without cylc-uiserver')
    parser.add_argument(
        '--scale', nargs='+', metavar='FLOWSxSIZE',
        default=unless_quick(['100x200', '10x5000'], ['2x20']),
        help='workflows and task proxies of a large hub (%(default)s)')
    parser.add_argument(
        '--settling', type=float, default=unless_quick(10, 0.5),
        help='seconds until nothing is going on there (%(default)s)')
    parser.add_argument(
        '--idle', type=float, default=unless_quick(30, 1),
        help='seconds in which it is idle (%(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    main()
