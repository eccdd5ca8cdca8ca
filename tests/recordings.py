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
"""What a real Cylc 7 server was asked and answered, and asking ours that.

Requests go over the wire with the recorded verb, target, header fields and
body, no more; only the Digest is computed anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
import hashlib
import html
from http.client import HTTPConnection, HTTPSConnection
from itertools import count
import json
from pathlib import Path
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from tests.harness import ANON, Run

TRANSCRIPTS = Path(__file__).parent / 'data' / 'transcripts'

FLOW = (TRANSCRIPTS / 'suite' / 'flow.cylc').read_text()

#: How a recording says that the credentials were as they should be.
VALID = re.compile(r'Digest username="(\w+)", \.\.\. \(valid computation\)')

#: What error pages say, in the place where clients look for it.
TRACEBACK = re.compile(
    r'<pre id="traceback">\s*HTTPError: \(\d+, \'(.*?)\'\)\s*</pre>',
    re.DOTALL,
)

#: Log lines about clients; jobs which report meanwhile are not our client.
CLIENT_LINE = re.compile(
    r'\S+ (?P<line>[A-Z]+ - \[client-(?!.*:cylc-message ).*)'
)

UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


@dataclass(frozen=True)
class Answer:
    """An answer, the recorded one or ours.

    Args:
        status: Of HTTP.
        headers: Those which say something.
        json: The document, where it is one.
        text: What an error page says.
        log: Lines about clients in the scheduler's log.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    text: str = ''
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """One request of a recording, and its answer.

    Args:
        name: What the recording calls it, with the name of the recording.
        sent: The request as recorded.
        answer: What Cylc 7 said.
    """

    name: str
    sent: dict[str, Any]
    answer: Answer

    @property
    def verb(self) -> str:
        return str(self.sent['verb'])

    @property
    def target(self) -> str:
        return str(self.sent['target'])

    @property
    def endpoint(self) -> str:
        """Return what is called, without the mount and arguments."""
        path = self.target.partition('?')[0]
        return path.removeprefix('/id/').lstrip('/').partition('/')[0]

    @property
    def fields(self) -> dict[str, str]:
        """Return the header fields but for the length of the body."""
        return {
            name: value for name, value in self.sent['headers'].items()
            if name != 'Content-Length'
        }

    @property
    def body(self) -> bytes | None:
        """Return the body, None where not even its length was sent."""
        if 'Content-Length' not in self.sent['headers']:
            return None
        body = self.sent.get('body', '')
        return (body if isinstance(body, str) else json.dumps(body)).encode()


def load(path: str) -> list[Exchange]:
    """Return the exchanges of a recording."""
    recorded = json.loads((TRANSCRIPTS / f'{path}.json').read_text())
    several = not path.startswith('http/')
    return [
        Exchange(
            name=f'{recorded["endpoint"]}: {each["case"]}' + (
                f': {each["request"]["verb"]} {each["request"]["target"]}'
                if several else ''
            ),
            sent=each['request'],
            answer=_recorded(each),
        )
        for each in recorded['exchanges']
    ]


def _recorded(exchange: dict[str, Any]) -> Answer:
    response = exchange['response']
    return Answer(
        status=response['status'],
        headers=_telling(response['headers']),
        json=response.get('json'),
        text=html.unescape(response.get('message') or _plain(response)),
        log=client_lines('\n'.join(exchange.get('suite_log', ()))),
    )


def _plain(response: dict[str, Any]) -> str:
    text = str(response.get('text', ''))
    return '' if text.startswith('<') else text


def _telling(headers: list[Any]) -> dict[str, str]:
    """Return the header fields which clients read."""
    found = {name.title(): value for name, value in headers}
    challenge = found.get('Www-Authenticate', '')
    return {
        'Content-Type': found.get('Content-Type', ''),
        'Www-Authenticate': re.sub(
            r'\d{10}:[0-9a-f]{32}', 'EPOCH:HEX', challenge
        ),
    }


def client_lines(log: str) -> tuple[str, ...]:
    """Return the lines about clients in a log, with made-up uuids alike."""
    return tuple(
        found['line'] for found in map(CLIENT_LINE.match, log.splitlines())
        if found
    )


class Client:
    """Sends recorded requests to the server of a run.

    Args:
        run: What is played.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.passwords = {'cylc': run.passphrase, 'anon': ANON[1]}
        self._counts = count(1)
        self._nonce = ''
        self._nonces: dict[str, str] = {}

    def replay(self, exchange: Exchange) -> tuple[Answer, str]:
        """Send a request; return the answer, and its command's id if any."""
        before = len(self.run.log())
        with closing(self._connect(exchange)) as connection:
            self._send(connection, exchange)
            response = connection.getresponse()
            body = response.read().decode()
            command = response.getheader('Cylc-Command-ID', '')
            headers = response.getheaders()
        return Answer(
            status=response.status,
            headers=_telling(headers),
            json=_json(body),
            text=_page_text(body),
            log=client_lines(self.run.log()[before:]),
        ), command

    def outcome(self, command: str) -> list[Any]:
        """Return what became of a command, when that is known."""
        def settled() -> Any:
            said = self.run.get('get_command', id=command)
            return said if said['state'] != 'queued' else None
        return list(self.run.wait_for(settled, 30, command)['outcome'])

    def _connect(self, exchange: Exchange) -> HTTPConnection:
        address = urlsplit(self.run.url)
        assert address.hostname
        if address.scheme == 'http' or 'plain http' in exchange.name:
            return HTTPConnection(address.hostname, address.port, timeout=20)
        trusted = ssl.create_default_context(
            cafile=self.run.service / 'ssl.cert'
        )
        return HTTPSConnection(
            address.hostname, address.port, timeout=20, context=trusted
        )

    def _send(self, connection: HTTPConnection, exchange: Exchange) -> None:
        fields = exchange.fields
        connection.putrequest(
            exchange.verb, exchange.target, skip_accept_encoding=True
        )
        if 'Authorization' in fields:
            fields['Authorization'] = self._authorization(exchange)
        if exchange.body is not None:
            fields['Content-Length'] = str(len(exchange.body))
        for name, value in fields.items():
            connection.putheader(name, value)
        connection.endheaders(exchange.body or None)

    def _authorization(self, exchange: Exchange) -> str:
        """Return the recorded header, computed with our passwords."""
        header = exchange.fields['Authorization']
        valid = VALID.fullmatch(header)
        fields = dict(re.findall(r'(\w+)="?([^",]*)', header))
        if valid:
            fields = self._fields(valid[1], exchange.target)
        elif 'response' in fields:
            fields['nonce'] = self._our_nonce(fields['nonce'])
        else:
            return header
        password = self.passwords.get(fields['username'], '')
        wrong = 'wrong passphrase' in exchange.name
        other = 'other verb' in exchange.name
        return write(sign(
            fields,
            'wrong' if wrong else password,
            'GET' if other else exchange.verb,
        ))

    def _fields(self, user: str, target: str) -> dict[str, str]:
        self._nonce = self._nonce or self._new_nonce()
        return {
            'username': user,
            'realm': self.run.name,
            'nonce': self._nonce,
            'uri': target,
            'algorithm': 'MD5',
            'qop': 'auth',
            'nc': f'{next(self._counts):08x}',
            'cnonce': 'c0ffee',
        }

    def _our_nonce(self, recorded: str) -> str:
        """Return the nonce of ours which stands for one of Cylc 7's."""
        if not recorded.startswith('17953532'):
            return recorded  # forged
        if recorded not in self._nonces:
            self._nonces[recorded] = self._new_nonce()
        return self._nonces[recorded]

    def _new_nonce(self) -> str:
        ask = Exchange('challenge', {
            'verb': 'GET', 'target': '/ping_suite', 'headers': {},
        }, Answer(401))
        with closing(self._connect(ask)) as connection:
            self._send(connection, ask)
            response = connection.getresponse()
            response.read()
            challenge = response.getheader('WWW-Authenticate', '')
        return challenge.split('nonce="')[1].split('"')[0]


def sign(fields: dict[str, str], password: str, verb: str) -> dict[str, str]:
    """Return the fields of a Digest header with the right response."""
    secret = _md5(fields['username'], fields['realm'], password)
    counted = [
        fields[name] for name in ('nc', 'cnonce', 'qop') if name in fields
    ]
    return fields | {'response': _md5(
        secret, fields['nonce'], *counted, _md5(verb, fields['uri'])
    )}


def _md5(*parts: str) -> str:
    return hashlib.md5(':'.join(parts).encode()).hexdigest()


def write(fields: dict[str, str]) -> str:
    """Write a Digest header of these fields."""
    return 'Digest ' + ', '.join(
        f'{name}="{value}"' for name, value in fields.items()
    )


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _page_text(body: str) -> str:
    found = TRACEBACK.search(body)
    if found:
        return html.unescape(found[1])
    return '' if _json(body) is not None else body


# Comparing

#: Values which are different each time, by the kinds that they have.
VOLATILE = {
    'mean_elapsed_time': 'SECONDS',
    'mean_main_loop_interval': 'SECONDS',
    'submit_method_id': 'ID',
}

#: Cylc 8 knows none of jobs which take less than half a second.
SOMETIMES = 'mean_elapsed_time'

#: Numbers above this are times.
A_LONG_TIME_AGO = 1e9

DATE = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ')

#: Lists in which the order means nothing, by endpoint and path.
UNORDERED = re.compile('|'.join((
    'get_graph_raw json/[023]',
    'identify json/tasks-by-state/(running|succeeded)',
    '(clear|expire|put)_broadcast json/0',
    r'\w+ json/(summary/)?0/states',
)))

Differences = dict[str, tuple[Any, Any]]


def differences(
    exchange: Exchange, ours: Answer, known: dict[str, str]
) -> Differences:
    """Return where our answer is another: {path: (recorded, ours)}.

    Args:
        known: What stands for the placeholders of the recordings.
    """
    recorded = exchange.answer
    agent = exchange.fields.get('User-Agent', '')
    pairs = [
        ('status', recorded.status, ours.status),
        ('text', recorded.text, ours.text),
        ('log', _lines(recorded.log, agent), _lines(ours.log, agent)),
        *(
            (name, value, ours.headers[name])
            for name, value in recorded.headers.items()
        ),
        *compare(
            normalised(fill(recorded.json, known)), normalised(ours.json),
            exchange.endpoint,
        ),
    ]
    return {path: (old, new) for path, old, new in pairs if old != new}


def _lines(lines: tuple[str, ...], agent: str) -> list[str]:
    """Return log lines; uuids which the client has not sent are alike."""
    def alike(found: re.Match[str]) -> str:
        return found[0] if found[0] in agent else 'UUID'
    return [UUID.sub(alike, line) for line in lines]


def fill(value: Any, known: dict[str, str]) -> Any:
    """Return a recorded document with its placeholders filled in."""
    text = json.dumps(value)
    for placeholder, meaning in known.items():
        text = text.replace(placeholder, meaning)
    return json.loads(text)


def normalised(value: Any, key: str = '') -> Any:
    """Return a document without what is different each time."""
    if isinstance(value, dict):
        return {name: normalised(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [normalised(each) for each in value]
    if key == SOMETIMES:
        return VOLATILE[key]
    if value is None or isinstance(value, bool):
        return value
    if key in VOLATILE:
        return VOLATILE[key]
    if isinstance(value, (int, float)) and value > A_LONG_TIME_AGO:
        return 'TIME'
    if isinstance(value, str) and DATE.fullmatch(value):
        return 'DATE'
    return value


def compare(
    old: Any, new: Any, endpoint: str, path: str = 'json'
) -> Iterator[tuple[str, Any, Any]]:
    """Yield where two documents differ: path, old, new; None for nothing."""
    if isinstance(old, list) and isinstance(new, list):
        unordered = UNORDERED.fullmatch(f'{endpoint} {path}')
        old, new = (
            _counted(each) if unordered else dict(enumerate(each))
            for each in (old, new)
        )
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            yield from compare(
                old.get(name), new.get(name), endpoint, f'{path}/{name}'
            )
    elif old != new:
        yield path, old, new


def _counted(items: list[Any]) -> dict[str, int]:
    """Return how often each item is there."""
    return dict(Counter(json.dumps(item) for item in items))
