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
"""Times in the workflow's time zone."""

from __future__ import annotations

import pytest

from cylc_flask.compat import pb
from cylc_flask.legacy.clock import Zone

EPOCH = 1795353269.0

UTC = pb.PbTimeZone(string_basic='Z', string_extended='Z')
INDIA = pb.PbTimeZone(
    hours=5, minutes=30, string_basic='+0530', string_extended='+05:30',
)
NEWFOUNDLAND = pb.PbTimeZone(
    hours=-3, minutes=-30, string_basic='-0330', string_extended='-03:30',
)


@pytest.mark.parametrize('info, text', [
    (UTC, '2026-11-22T13:14:29Z'),
    (INDIA, '2026-11-22T18:44:29+05:30'),
    (NEWFOUNDLAND, '2026-11-22T09:44:29-03:30'),
])
def test_there_and_back(info, text):
    zone = Zone(info)
    assert zone.text(EPOCH) == text
    assert zone.read(text) == (EPOCH, text)


@pytest.mark.parametrize('text', [
    '2026-11-22T13:14:29Z',
    '2026-11-22T14:14:29+01:00',
    '2026-11-22T14:14:29+01',
    '20261122T131429Z',
    '2026-326T13:14:29Z',
    '2026-W47-7T13:14:29Z',
])
def test_jobs_elsewhere_may_write_another_zone_or_form(text):
    assert Zone(INDIA).read(text) == (EPOCH, '2026-11-22T18:44:29+05:30')


def test_nothing_known():
    assert Zone(UTC).read('') == (None, None)
