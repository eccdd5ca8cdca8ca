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
"""What can go wrong between the hub and a scheduler."""

from __future__ import annotations

from cylc_flask.errors import CylcFlaskError


class LinkFault(CylcFlaskError):
    """There is no connection, or no longer; the message says why."""


class Ended(LinkFault):
    """The other side has ended it in good order."""


class OutOfStep(LinkFault):
    """What came does not fit what came before it."""


class NotSent(LinkFault):
    """A request was not sent, so that nothing has been done."""


class NoAnswer(LinkFault):
    """A request was sent, and nobody knows what became of it."""


class Declined(LinkFault):
    """A request is answered with an error.

    Args:
        text: What is wrong.
        kind: Which of ours it is there: refused, request or unavailable.
        status: What a client gets for it, where it is a bad request.
    """

    def __init__(
        self, text: str, kind: str = 'refused', status: int = 400
    ) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind
        self.status = status
