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
"""The gates of the hub: before its own views, and before each workflow's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cylc_flask.auth.caller import KEY, caller_of
from cylc_flask.auth.gate import (
    BEFORE_LOGIN,
    BY_PASSWORD,
    FOR_STRANGERS,
    Gate,
    check,
)
from cylc_flask.auth.users import ANON
from cylc_flask.errors import Forbidden, NotFound
from cylc_flask.hub.audit import DENIED
from cylc_flask.hub.auth.callers import HubUser
from cylc_flask.privilege import Privilege, operations_of, required

if TYPE_CHECKING:
    from cylc_flask.auth.gate import View
    from cylc_flask.auth.login import Visitor
    from cylc_flask.auth.rate import Rate
    from cylc_flask.config import Config
    from cylc_flask.hub.audit import Audit
    from cylc_flask.hub.auth.login import HubLogin
    from cylc_flask.hub.users.people import People

#: The operation of who merely knows of a workflow.
LEAST = str(Privilege.IDENTITY)

#: What callers from this machine come from, in names for the log.
HERE = 'localhost'


class Hidden(NotFound):
    """There is no such workflow, or none that the caller may know of."""

    def __init__(self) -> None:
        super().__init__('There is no such workflow, or it is not for you.')


class HubGate(Gate):
    """Stands before the hub's own views.

    Args:
        config: The configuration.
        login: Finds out who is calling.
        rate: Sends those away who ask too often.
        hosts: Names by which clients may call the hub.
        people: Who may do what.
        audit: Where denials are written down.
    """

    def __init__(
        self,
        config: Config,
        login: HubLogin,
        rate: Rate,
        hosts: frozenset[str],
        people: People,
        audit: Audit,
    ) -> None:
        super().__init__(config, login, rate, hosts)
        self._hub_login = login
        self._people = people
        self._audit = audit
        self._workflow = ''

    def enter(self, visitor: Visitor, view: View | None) -> None:
        """Find out who a visitor is, or raise what stops them.

        Nothing depends on what they want until they are known to be welcome,
        so that nobody learns what there is.
        """
        self.check_form(visitor)
        self.identify(visitor, view, password=False)
        self.announce(visitor)
        self.check_welcome(visitor)
        check(view, BEFORE_LOGIN)
        if hasattr(view, BY_PASSWORD) and (visitor.session or visitor.bearer):
            self.identify(visitor, view)

    def is_public(self, view: View | None, environ: dict[str, Any]) -> bool:
        """Return True if a request may have a view without a log-in."""
        return hasattr(view, FOR_STRANGERS)

    def check_welcome(self, visitor: Visitor) -> None:
        """Refuse who may not even know what there is.

        Raises:
            Hidden: They may not.
        """

    def announce(self, visitor: Visitor) -> None:
        """Have the logs of schedulers tell the real name of a visitor.

        A workflow's own users have none.
        """
        if not isinstance(visitor.user, HubUser):
            return
        said = caller_of(visitor.environ)
        _, _, program = said.name.rpartition(':')
        name = f'{visitor.user.name}@{visitor.address or HERE}:{program}'
        visitor.environ[KEY] = replace(said, name=name)

    def may_send_passwords(self, visitor: Visitor) -> bool:
        """Return True if nobody can read what a visitor sends."""
        return self._hub_login.may_send_secrets(visitor.environ)

    def permit(self, visitor: Visitor, view: View) -> None:
        """Raise what stops a visitor who is known, and write it down."""
        try:
            super().permit(visitor, view)
        except Forbidden as exc:
            words = operations_of(view) or (str(required(view)),)
            self.note_denial(visitor, ' '.join(words), exc.text)
            raise

    def check_privilege(self, visitor: Visitor, view: View) -> None:
        """Compare what a visitor may do with what a view wants.

        Raises:
            Forbidden: They may not do that, with the reason.
        """
        user = visitor.user  # none yet, on a socket that tells it later
        if isinstance(user, HubUser) and user.person is not None:
            for operation in operations_of(view):
                decision = self._people.may(
                    user.person, operation, self._workflow)
                if not decision:
                    raise Forbidden(f'{decision.reason[:1].upper()}'
                                    f'{decision.reason[1:]}.')
        super().check_privilege(visitor, view)

    def note_denial(
        self, visitor: Visitor, operation: str, reason: str
    ) -> None:
        """Write down that somebody was not let.

        Not so the public, which anybody can be: they could drive all else
        out of the audit log.
        """
        if visitor.known.name == ANON:
            return
        self._audit.note(
            visitor.known.name, visitor.address, operation, self._workflow,
            DENIED, reason,
        )


class WorkflowGate(HubGate):
    """Stands before the views of a workflow.

    Args:
        config: The configuration.
        login: Finds out who is calling.
        rate: Sends those away who ask too often.
        hosts: Names by which clients may call the hub.
        people: Who may do what.
        audit: Where denials are written down.
        workflow: The name of the workflow, '' for that which is not there.
    """

    #: Otherwise strangers could try which workflows have sockets.
    takes_later = False

    def __init__(
        self,
        config: Config,
        login: HubLogin,
        rate: Rate,
        hosts: frozenset[str],
        people: People,
        audit: Audit,
        workflow: str,
    ) -> None:
        super().__init__(config, login, rate, hosts, people, audit)
        self._workflow = workflow

    def is_public(self, view: View | None, environ: dict[str, Any]) -> bool:
        """Return True if a request may have a view without a log-in.

        Of who is let in then, the workflow's own users decide.
        """
        return Gate.is_public(self, view, environ)

    def check_welcome(self, visitor: Visitor) -> None:
        """Refuse who may see nothing of the workflow.

        Raises:
            Hidden: They may not.
        """
        if not self._workflow:
            raise Hidden
        if not visitor.known.privilege:
            self.note_denial(visitor, LEAST, 'may not know of it')
            raise Hidden
