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
"""What can go wrong, as small values; views/errors.py gives them a shape."""

from __future__ import annotations


class CylcFlaskError(Exception):
    """Any fault which this package reports in its own words."""


class ConfigError(CylcFlaskError):
    """A configuration which cannot be used, with where and why."""


class RequestError(CylcFlaskError):
    """A request which gets an error status.

    Args:
        text: What is wrong, for the client.
        status: HTTP status code.
        headers: Further headers of the answer, e.g. ``Retry-After``.
    """

    status = 400

    def __init__(
        self,
        text: str,
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(text)
        self.text = text
        self.status = status or type(self).status
        self.headers = headers


class Unauthorized(RequestError):
    """Nobody knows who is calling."""

    status = 401


class NotFound(RequestError):
    """A path, an argument name or a namesake which does not exist."""

    status = 404


class Forbidden(RequestError):
    """The caller is known, but may not do this."""

    status = 403


class Unavailable(RequestError):
    """The scheduler cannot take this now; the client may try again."""

    status = 503

    def __init__(self, text: str, retry_after: int = 5) -> None:
        super().__init__(text, headers=(('Retry-After', str(retry_after)),))


class Refused(CylcFlaskError):
    """A command which the scheduler does not accept, with its reason."""
