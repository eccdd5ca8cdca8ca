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
"""What a real Cylc 7 server answered to each kind of log-in, and ours."""

from __future__ import annotations

import json
from pathlib import Path
import re

import pytest

from cylc_flask.auth.header import Credentials
from cylc_flask.auth.users import ANON_PASSWORD, Account, User
from cylc_flask.privilege import Privilege
from tests.unit.auth.sites import PASSPHRASE, header, sign

RECORDING = (
    Path(__file__).parents[2] / 'data' / 'transcripts' / 'http' / 'auth.json'
)
EXCHANGES = {
    exchange['case']: exchange
    for exchange in json.loads(RECORDING.read_text())['exchanges']
}

#: Where a header is not signed for the fields which it shows.
SIGNED_OTHERWISE = {
    'wrong passphrase': {'password': 'wrong'},
    'digest computed for other verb': {'method': 'GET'},
}

#: What ours answers otherwise than Cylc 7, and why.
DEPARTURES = {
    'same nonce and same nc again, second time': (
        401, 'a request that was overheard must not be done again'),
    'digest uri differs from request target': (
        401, 'nor sent for something else'),
    'digest uri without query, request with query': (
        401, 'nor with other arguments'),
    'From with two @': (
        200, 'who calls is for the log; that it is odd is no fault of ours'),
}


@pytest.mark.parametrize('case', EXCHANGES)
def test_recorded(site, case):
    request = EXCHANGES[case]['request']
    expected = EXCHANGES[case]['response']
    fields = fields_of(request)
    if case == 'same nonce and same nc again, second time':
        fields['nonce'] = site.send().nonce
        site.send(resign(fields, case, request))
    elif is_given_out(fields.get('nonce', '')):
        fields['nonce'] = site.send().nonce
    answer = site.send(
        resign(fields, case, request), request['verb'], request['target'])
    status, _ = DEPARTURES.get(case, (expected['status'], ''))
    assert answer.status == status
    if status == expected['status'] == 401:
        assert shape(answer.challenge) == shape(challenge(expected))
        assert 'suite_log' not in EXCHANGES[case] or failed(site)
    if status == 400:
        assert answer.text == expected['message']


def fields_of(request):
    """Return the fields of the recorded header; none if there was none."""
    text = request['headers'].get('Authorization', '')
    if '(valid computation)' in text:
        text = EXCHANGES['valid digest cylc, qop=auth']['request'][
            'headers']['Authorization']
    return dict(re.findall(r'(\w+)="?([^",]*)', text))


def is_given_out(nonce):
    return re.match('17953532', nonce)


def resign(fields, case, request):
    """Return a recorded header, signed with our passphrase and nonce."""
    recorded = request['headers'].get('Authorization')
    if 'response' not in fields:
        return recorded
    user = fields['username']
    signed = {
        'user': user,
        'password': ANON_PASSWORD if user == 'anon' else PASSPHRASE,
        'realm': fields['realm'],
        'method': request['verb'],
        'uri': fields['uri'],
        'qop': fields.get('qop', ''),
        'nc': fields.get('nc', ''),
    }
    ours = sign(fields['nonce'], **signed | SIGNED_OTHERWISE.get(case, {}))
    response = re.search('response="(.*?)"', ours)[1]
    return header(fields | {'response': response})


def challenge(response):
    return dict(response['headers'])['Www-Authenticate']


def shape(text):
    """Return a challenge without what differs each time."""
    return re.sub(r'\d{10}:[0-9a-f]{32}', 'EPOCH:HEX', text)


def failed(site):
    """Tell whether the gate will log the attempt as denied."""
    return site.outcomes()[-1] == 'failed'


def test_recorded_hash(site):
    """Made by Cylc 7's client, accepted by its server: the same is ours."""
    request = EXCHANGES['valid digest anon']['request']
    text = request['headers']['Authorization']
    account = Account(User('anon', Privilege.IDENTITY), ANON_PASSWORD)
    assert site.scheme._is_right(
        Credentials.parse(text.encode()), account,
        {'REQUEST_METHOD': 'GET', 'RAW_URI': request['target']},
    )
