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
"""The names of our cookies."""

from __future__ import annotations

from dataclasses import dataclass
import hashlib

#: Where a request says at which path the server begins, where that is not
#: the root.
ROOT = 'cylc_flask.root'

#: By which cylc-ui looks for what proves that it may read our cookies.
XSRF = '_xsrf'


@dataclass(frozen=True)
class Cookies:
    """Names that no other workflow's server on the same host has.

    Browsers tell hosts apart, but not ports.

    Args:
        session: Of the cookie with the token, which no script can read.
        csrf: Of the one that scripts read, and send back in a header.
        form: Of the one that belongs to the log-in form.
    """

    session: str
    csrf: str
    form: str

    @classmethod
    def of(cls, owner: str, workflow: str) -> Cookies:
        """Return the names for a workflow.

        Examples:
            >>> Cookies.of('me', 'demo/run1').session
            'cylc-flask-session-7c382c71'
        """
        data = f'~{owner}/{workflow}'.encode(errors='surrogatepass')
        suffix = hashlib.sha256(data).hexdigest()[:8]
        return cls(*(
            f'cylc-flask-{name}-{suffix}'
            for name in ('session', 'csrf', 'form')
        ))

    @property
    def all(self) -> tuple[str, ...]:
        """Return all names, with that which servers share."""
        return self.session, self.csrf, self.form, XSRF
