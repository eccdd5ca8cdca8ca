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
"""The contact files of schedulers, and whether these still live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
import re
import shlex
import time

import psutil

from cylc_flask import private
from cylc_flask.process import Process

HOST = re.compile(
    r'[0-9a-fA-F:]*:[0-9a-fA-F:.]*|[\w-]{1,63}(\.[\w-]{1,63})*\.?', re.ASCII)

Check = Callable[[str], bool]

#: Seconds for which a file may be half written, at most.
UNFINISHED = 2


@dataclass(frozen=True)
class Contact:
    """What a scheduler says about itself.

    Args:
        workflow: Id of the workflow, which another run directory's file
            may name: one that was copied, or renamed while it ran.
        uuid: That of the run.
        host: Where the scheduler runs.
        port: For requests over ZeroMQ.
        publish_port: Where it publishes.
        pid: Its process.
        command: The command line of that process.
        owner: Whose it is.
        api: The version of its API.
        version: Of Cylc.
    """

    workflow: str
    uuid: str
    host: str
    port: int
    publish_port: int
    pid: int
    command: str = field(repr=False)
    owner: str
    api: str
    version: str

    @classmethod
    def parse(cls, content: bytes) -> Contact:
        """Return what a contact file says.

        The command line may hold anything, the rest gets to clients.

        Raises:
            ValueError: Something is missing, or not what it has to be.

        Examples:
            >>> Contact.parse(b'CYLC_API=5')
            Traceback (most recent call last):
            ValueError: CYLC_WORKFLOW_ID is missing
        """
        items = {}
        for line in content.decode(errors='surrogateescape').splitlines():
            key, _, value = line.partition('=')
            items[key.strip()] = value.strip()

        def get(key: str, is_sound: Check = str.isprintable) -> str:
            value = items.get(key)
            if not value:
                raise ValueError(f'{key} is missing')
            if not is_sound(value):
                raise ValueError(f'{key} is {value!a:.80}')
            return value

        return cls(
            workflow=get('CYLC_WORKFLOW_ID'),
            uuid=get('CYLC_WORKFLOW_UUID'),
            host=get('CYLC_WORKFLOW_HOST', is_host),
            port=int(get('CYLC_WORKFLOW_PORT', is_port)),
            publish_port=int(get('CYLC_WORKFLOW_PUBLISH_PORT', is_port)),
            pid=int(get('CYLC_WORKFLOW_PID', is_number)),
            command=get('CYLC_WORKFLOW_COMMAND', lambda text: True),
            owner=get('CYLC_WORKFLOW_OWNER'),
            api=get('CYLC_API'),
            version=get('CYLC_VERSION'),
        )


def read(path: Path) -> Contact | None:
    """Return what a contact file says, None if there is none.

    Cylc writes it in place, so there is none either while it is being
    written.

    Raises:
        OSError: It cannot be read.
        UnusableFile: It is no file.
        ValueError: It is not such a file.
    """
    content = private.read(path)
    if content is None:
        return None
    try:
        return Contact.parse(content)
    except ValueError:
        if _is_fresh(path):
            return None
        raise


def find_process(contact: Contact) -> Process | None:
    """Return the process of a scheduler on this host, None if it has ended.

    As in Cylc, a process of the same number is another one if its command
    line differs. Cylc 8.5 puts blanks between the arguments, 8.7 quotes
    them too.
    """
    process = Process.of(contact.pid)
    try:
        arguments = psutil.Process(contact.pid).cmdline()
    except psutil.Error:
        return None
    same = contact.command in (
        ' '.join(arguments).strip(), shlex.join(arguments))
    return process if same else None


def _is_fresh(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) < UNFINISHED
    except FileNotFoundError:
        return True


def is_number(text: str) -> bool:
    """Tell whether a text is a number that a process may have."""
    return text.isascii() and text.isdigit() and len(text) < 10


def is_port(text: str) -> bool:
    """Tell whether a text is the number of a port."""
    return is_number(text) and 0 < int(text) < 65536


def is_host(text: str) -> bool:
    """Tell whether a text may be a host's name or address.

    Who looks up another gets more kinds of errors than one.

    Examples:
        >>> [is_host(text) for text in ('a-1.example', '::1', '..', 'a b')]
        [True, True, False, False]
        >>> is_host(64 * 'a')
        False
    """
    return HOST.fullmatch(text) is not None and len(text) < 254
