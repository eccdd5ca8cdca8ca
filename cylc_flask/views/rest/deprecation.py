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
"""Tell clients that REST is going away (RFC 9745)."""

from __future__ import annotations

import time
from typing import Callable

from flask import Response, request


def headers(page: str) -> Callable[[Response], Response]:
    """Return what adds to answers that there is something better.

    It counts from the start of the server: nobody was told before.

    Args:
        page: Where people can read about it, '' for nowhere.
    """
    since = f'@{int(time.time())}'

    def add(answer: Response) -> Response:
        links = [
            f'<{request.script_root}/graphql>; rel="successor-version"',
        ]
        if page:
            links.append(f'<{page}>; rel="deprecation"; type="text/html"')
        answer.headers['Deprecation'] = since
        answer.headers['Link'] = ', '.join(links)
        return answer
    return add
