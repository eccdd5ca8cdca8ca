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
"""Who uses the hub, and what they may do: accounts, tokens and rules in one.

What may be done is asked by operation and workflow, each time. What may be
seen is a `View`, which those share who may see the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
import time
from typing import Any

from cylc_flask.hub.users import rules
from cylc_flask.hub.users.accounts import Account, Accounts
from cylc_flask.hub.users.grants import EVERYTHING, Decision, Grant
from cylc_flask.hub.users.passwords import Passwords
from cylc_flask.hub.users.powers import Powers
from cylc_flask.hub.users.tokens import Token, Tokens
from cylc_flask.operations import NEEDED
from cylc_flask.privilege import Privilege

#: The workflows that somebody may see, each with the level at which.
View = frozenset[tuple[str, Privilege]]

#: How many views are kept, and of how many users what they may do.
CAPACITY = 256

#: What powers follow from, each an object that is replaced when it changes.
Ground = tuple[Account | None, rules.Rules]


@dataclass(frozen=True)
class Person:
    """Somebody who has proved who they are.

    Args:
        name: Theirs.
        is_owner: The workflows are theirs.
        token: By which they came; it brings no more than its scope.
    """

    name: str
    is_owner: bool = False
    token: Token | None = None


class People:
    """Who there is, and what they may do.

    Args:
        directory: That of the hub.
        owner: The name of who runs it.
        passwords: Compares them.
        clock: Returns seconds from a clock that is never set back.
        now: Returns the time (seconds since 1970).

    Raises:
        CylcFlaskError: One of the files cannot be used.
    """

    def __init__(
        self,
        directory: Path,
        owner: str,
        passwords: Passwords | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._owner = owner
        self.accounts = Accounts(directory, passwords, clock)
        self.tokens = Tokens(directory, clock, now)
        self._rules = rules.keep(directory, clock)
        self._kept: OrderedDict[Person, tuple[Ground, Powers]] = (
            OrderedDict())
        self._views: OrderedDict[tuple[Powers, frozenset[str]], View] = (
            OrderedDict())

    def by_password(self, name: str, password: str) -> Person | None:
        """Return whose password this is, None if not that of the name."""
        account = self.accounts.check(name, password)
        return self._person(account.name) if account else None

    def by_token(self, text: str) -> Person | None:
        """Return whose token this is, None if it is nobody's any more."""
        token = self.tokens.find(text)
        if token is None or self.by_name(token.user) is None:
            return None
        return self._person(token.user, token)

    def by_name(self, name: str) -> Person | None:
        """Return who has that name, for sessions; None for nobody."""
        if name != self._owner and self.accounts.find(name) is None:
            return None
        return self._person(name)

    def current(self, person: Person) -> Person | None:
        """Return somebody as of now, for what lasts; None if they are gone."""
        token = person.token
        if token is not None and not self.tokens.is_good(token):
            return None
        return person if self.by_name(person.name) else None

    def powers(self, person: Person) -> Powers:
        """Return what somebody may do, made anew if anything has changed.

        Other threads may ask it, for instance what of the audit log
        somebody may read; all else here is for the server's thread.
        """
        account = self.accounts.find(person.name)
        now = self._rules.now()
        kept = self._kept.get(person)
        if kept is not None:
            (as_of, rules_of), powers = kept
            if as_of == account and rules_of is now:
                self._kept.move_to_end(person)
                return powers
        powers = Powers(_grants(person, account, now), person.token)
        self._kept[person] = (account, now), powers
        self._kept.move_to_end(person)
        if len(self._kept) > CAPACITY:
            self._kept.popitem(last=False)
        return powers

    def may(
        self, person: Person, operation: str, workflow: str = '',
    ) -> Decision:
        """Decide if somebody may do something.

        Args:
            person: Who.
            operation: A level, a command or part of the life cycle.
            workflow: The name of the workflow, whether there is such or not;
                '' for what concerns none.
        """
        return self.powers(person).may(operation, workflow)

    def level(self, person: Person, workflow: str) -> Privilege:
        """Return how much somebody may see of a workflow, `NONE` at least.

        For commands ask `may`: some can be given or forbidden singly.
        """
        return self.powers(person).level(workflow)

    def view(self, person: Person, workflows: frozenset[str]) -> View:
        """Return what somebody may see, as a key of caches.

        Args:
            person: Who.
            workflows: The names of all that there are; best the same object
                as long as there are the same.
        """
        powers = self.powers(person)
        key = powers, workflows
        view = self._views.get(key)
        if view is None:
            view = frozenset(
                (name, level) for name in workflows
                if (level := powers.level(name)))
            self._views[key] = view
            if len(self._views) > CAPACITY:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return view

    def operations(self, person: Person, workflow: str) -> list[str]:
        """Return all that somebody may do with a workflow."""
        allowed = self.powers(person).operations(workflow)
        return [operation for operation in NEEDED if operation in allowed]

    def whoami(
        self, person: Person, workflows: frozenset[str],
    ) -> dict[str, Any]:
        """Return what somebody may know about themselves, as for JSON.

        Args:
            person: Who.
            workflows: The names of those that it is to be about.
        """
        token = person.token
        return {
            'user': person.name,
            'owner': person.is_owner,
            'groups': self._rules.now().groups_of(person.name),
            'token': token and {
                'name': token.name,
                'may': [*token.may],
                'workflows': [*token.workflows],
                'expires': token.expires,
            },
            'workflows': {
                name: {
                    'level': str(level),
                    'operations': self.operations(person, name),
                } for name, level in sorted(self.view(person, workflows))
            },
        }

    def _person(self, name: str, token: Token | None = None) -> Person:
        return Person(name, name == self._owner, token)


def _grants(
    person: Person, account: Account | None, now: rules.Rules,
) -> tuple[Grant, ...]:
    """Return what somebody is given and forbidden, their token apart."""
    if person.is_owner:
        return (EVERYTHING,)
    if account is None:
        return ()
    own = (account.grant,) if account.level else ()
    return (*own, *now.grants(person.name))
