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
"""Logs over HTTP: whole and in parts, for those who may read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
import os
from pathlib import Path
from shutil import rmtree
import time
from typing import Any, cast
from urllib.parse import quote

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
import pytest
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

from cylc_flask.app import create_app
from cylc_flask.commands import Commands
from cylc_flask.config import Config
from cylc_flask.logs import PIECE
from cylc_flask.replica.records import Records
from cylc_flask.views.logs import AT_ONCE
from cylc_flask.workflows import Registry, Workflow
from tests.stores import LINES, recorded

PASSPHRASE = 'x' * 20

TEXT = b''.join(b'line %d\n' % number for number in range(1, 101))

OUT = 'logs/1/foo/01/job.out'


class Caller:
    """Asks for logs below a folder; the server notes how long it waits."""

    def __init__(
        self, folder: Path, client: FlaskClient, naps: list[float]
    ) -> None:
        self.folder = folder
        self.naps = naps
        self.client = client
        self.out = folder / 'job' / '1' / 'foo' / '01' / 'job.out'

    def __call__(
        self, path: str = OUT, user: str = 'cylc', method: str = 'GET',
        data: str | None = None, **headers: str,
    ) -> TestResponse:
        password = {'cylc': PASSPHRASE, 'anon': 'the quick brown fox'}[user]
        return self.client.open(
            f'/{path}', method=method, data=data,
            headers={
                name.replace('_', '-'): value
                for name, value in headers.items()
            },
            auth=Authorization(
                'basic', {'username': user, 'password': password}),
        )

    def data(self, path: str = OUT, **headers: str) -> bytes:
        answer = self(path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.data


@pytest.fixture(scope='module')
def call(tmp_path_factory: pytest.TempPathFactory) -> Caller:
    """Serve a workflow that was recorded, with a folder of logs."""
    run_dir = tmp_path_factory.mktemp('run')
    folder = run_dir / 'log'
    store = recorded(LINES[0], 'running')
    store.side = replace(
        store.side,
        definition=replace(store.side.definition, run_dir=str(run_dir)),
    )
    flow = Workflow(
        'running', PASSPHRASE, store, Records(), cast(Commands, None))
    naps: list[float] = []
    app = create_app(
        Config(authentication='basic'), Registry(flow),
        frozenset({'localhost'}), naps.append,
    )
    caller = Caller(folder, app.test_client(), naps)
    caller.out.parent.mkdir(parents=True)
    (folder / 'scheduler').mkdir()
    return caller


@pytest.fixture(autouse=True)
def content(call: Caller) -> Iterator[None]:
    """Begin with the same file, and look that none stays open."""
    call.out.unlink(missing_ok=True)
    call.out.write_bytes(TEXT)
    before = len(os.listdir('/proc/self/fd'))
    yield
    assert len(os.listdir('/proc/self/fd')) == before


def age(path: Path, seconds: float = 60) -> float:
    """Set back when a file was changed, and return to when."""
    moment = int(time.time()) - seconds
    os.utime(path, (moment, moment))
    return moment


def test_whole(call: Caller) -> None:
    moment = age(call.out)
    answer = call()
    assert answer.status_code == 200
    assert answer.data == TEXT
    headers = answer.headers
    assert headers['Content-Type'] == 'text/plain; charset=utf-8'
    assert headers['Content-Length'] == str(len(TEXT))
    assert headers['Accept-Ranges'] == 'bytes'
    assert headers['Last-Modified'] == formatdate(moment, usegmt=True)
    assert headers['X-Content-Type-Options'] == 'nosniff'
    assert 'sandbox' in headers['Content-Security-Policy']
    assert 'Content-Disposition' not in headers
    head = call(method='HEAD')
    assert head.data == b''
    for name in ('Content-Length', 'ETag', 'Last-Modified', 'Content-Type'):
        assert head.headers[name] == headers[name]


def test_only_for_full_read(call: Caller) -> None:
    for path in ('logs', 'logs/1', OUT, 'logs/nothing', 'logs/../x'):
        answer = call(path, user='anon')
        assert answer.status_code in (403, 404)
        assert b'line' not in answer.data
    assert call(user='anon').status_code == 403
    assert call.client.get(f'/{OUT}').status_code == 401


@pytest.mark.parametrize('method', ['POST', 'PUT', 'DELETE'])
def test_nothing_is_changed(call: Caller, method: str) -> None:
    assert call(method=method, data='x').status_code == 405


def test_lists(call: Caller) -> None:
    moment = age(call.out)
    listed = call('logs/1/foo/01')
    assert listed.headers['Content-Type'] == 'application/json'
    assert listed.headers['Cache-Control'] == 'no-store'
    assert listed.json == {
        'id': '1/foo/01', 'folders': [], 'more': False, 'files': [{
            'name': 'job.out', 'size': len(TEXT), 'link': None,
            'modified': time.strftime(
                '%Y-%m-%dT%H:%M:%SZ', time.gmtime(moment)),
        }],
    }
    assert call('logs').json['folders'] == ['scheduler', '1']
    assert call('logs/').json == call('logs').json
    assert call('logs/1/foo/01/').json == listed.json


def test_a_folder_that_there_is_not_yet(call: Caller) -> None:
    """Pages ask for it in vain, and browsers complain of each error."""
    assert call('logs/2/bar/01').status_code == 404
    assert call('logs/2/bar/01?empty=1').json == {
        'id': '2/bar/01', 'files': [], 'folders': [], 'more': False}


def test_lists_for_people(call: Caller) -> None:
    odd = call.out.with_name('a:b <i>&%41"')
    odd.write_text('x')
    page = call('logs/1/foo/01', Accept='text/html,*/*;q=0.8')
    assert page.headers['Content-Type'] == 'text/html; charset=utf-8'
    assert 'href="./01/a%3Ab%20%3Ci%3E%26%2541%22"' in page.text
    assert '<i>' not in page.text
    assert call('logs/1/foo/01/a%3Ab%20%3Ci%3E%26%2541%22').data == b'x'
    odd.unlink()
    page = call('logs/1/foo/01/', Accept='text/html')
    assert 'href="./job.out"' in page.text
    odd = call.out.parent.with_name('a%20b?')
    odd.mkdir()
    (odd / 'job').write_text('x')
    page = call('logs/1/foo/a%2520b%3F', Accept='text/html')
    assert 'href="./a%2520b%3F/job"' in page.text
    assert call('logs/1/foo/a%2520b%3F/job').data == b'x'
    rmtree(odd)
    page = call('logs', Accept='text/html')
    assert 'href="./logs/scheduler"' in page.text
    page = call('logs/scheduler', Accept='text/html')
    assert 'There is nothing here.' in page.text


def test_a_long_list_lets_others_go_on(call: Caller) -> None:
    folder = call.folder / 'scheduler' / 'crowd'
    folder.mkdir()
    for number in range(1000):
        (folder / f'{number}.log').touch()
    call.naps.clear()
    page = call('logs/scheduler/crowd', Accept='text/html')
    assert page.text.count('.log</a>') == 1000
    assert page.text.rstrip().endswith('</html>')
    assert len(call.naps) > 3
    assert min(call.naps) > 0  # for less, gevent looks at no socket
    rmtree(folder)


@pytest.mark.parametrize('wanted, told, data', [
    ('bytes=0-6', 'bytes 0-6/792', TEXT[:7]),
    ('bytes=785-', 'bytes 785-791/792', TEXT[785:]),
    ('bytes=-5', 'bytes 787-791/792', TEXT[-5:]),
    ('bytes=-5000', 'bytes 0-791/792', TEXT),
    ('bytes=700-5000', 'bytes 700-791/792', TEXT[700:]),
])
def test_ranges(call: Caller, wanted: str, told: str, data: bytes) -> None:
    answer = call(Range=wanted)
    assert answer.status_code == 206
    assert answer.headers['Content-Range'] == told
    assert answer.headers['Content-Length'] == str(len(data))
    assert answer.data == data
    # HTTP defines ranges for GET alone.
    assert call(method='HEAD', Range=wanted).status_code == 200


@pytest.mark.parametrize('wanted', [
    'bytes=0-1,5-6', 'lines=1-2', 'bytes=5-1', 'bytes=x', '',
])
def test_ranges_that_are_passed_over(call: Caller, wanted: str) -> None:
    assert call.data(Range=wanted) == TEXT


def test_ranges_of_which_there_is_nothing(call: Caller) -> None:
    for wanted in ('bytes=792-', 'bytes=-0'):
        answer = call(Range=wanted)
        assert answer.status_code == 416
        assert answer.headers['Content-Range'] == 'bytes */792'
        assert TEXT[:6] not in answer.data
    call.out.write_bytes(b'')
    assert call(Range='bytes=0-').status_code == 416
    assert call.data(Range='bytes=-10') == b''


def test_if_range(call: Caller) -> None:
    """A range is for those who have the beginning of this very file."""
    moment = age(call.out)
    tag = call().headers['ETag']
    date = formatdate(moment, usegmt=True)
    for validator in (tag, date):
        assert call(Range='bytes=1-2', If_Range=validator).data == b'in'
    for validator in (
        f'W/{tag}', '"other"', 'nonsense', formatdate(moment - 1, usegmt=True)
    ):
        assert call.data(Range='bytes=1-2', If_Range=validator) == TEXT
    with call.out.open('ab') as file:
        file.write(b'more')
    assert call.data(Range='bytes=1-2', If_Range=tag) == TEXT + b'more'
    # In one second there may be two changes.
    date = call().headers['Last-Modified']
    assert call.data(Range='bytes=1-2', If_Range=date) == TEXT + b'more'


def test_what_the_client_has(call: Caller) -> None:
    moment = age(call.out)
    tag = call().headers['ETag']
    date = formatdate(moment, usegmt=True)
    for headers in (
        {'If_None_Match': tag}, {'If_None_Match': f'"a", W/{tag}'},
        {'If_None_Match': '*'}, {'If_Modified_Since': date},
        {'If_None_Match': tag, 'Range': 'bytes=0-1'},
    ):
        answer = call(**headers)
        assert (answer.status_code, answer.data) == (304, b'')
        assert answer.headers['ETag'] == tag
    os.utime(call.out)  # it may be written to again in the same second
    date = formatdate(call.out.stat().st_mtime, usegmt=True)
    assert call.data(If_Modified_Since=date) == TEXT
    age(call.out)
    for headers in (
        {'If_None_Match': '"other"'},
        {'If_None_Match': '"other"', 'If_Modified_Since': date},
        {'If_Modified_Since': formatdate(moment - 1, usegmt=True)},
        {'If_Modified_Since': 'nonsense'},
    ):
        assert call.data(**headers) == TEXT


def test_tail(call: Caller) -> None:
    assert call.data(f'{OUT}?tail=20') == b'line 99\nline 100\n'
    assert call.data(f'{OUT}?tail=17') == b'line 99\nline 100\n'
    assert call.data(f'{OUT}?tail=5000') == TEXT
    assert call.data(f'{OUT}?tail=0') == b''
    answer = call(f'{OUT}?tail=20&number=1')
    assert answer.headers['Cylc-Log-Offset'] == '775'
    assert answer.headers['Cylc-Log-Line'] == '99'
    assert answer.headers['Cylc-Log-Size'] == '792'
    call.out.write_bytes(b'x' * 100)  # no line at all
    assert call.data(f'{OUT}?tail=20') == b'x' * 20
    call.out.write_bytes(b'')
    assert call.data(f'{OUT}?tail=20&number=1') == b''


def test_line(call: Caller) -> None:
    answer = call(f'{OUT}?line=99')
    assert answer.data == b'line 99\nline 100\n'
    assert answer.headers['Cylc-Log-Line'] == '99'
    assert call.data(f'{OUT}?line=50&most=7') == b'line 50'
    assert call.data(f'{OUT}?line=1') == TEXT
    assert call.data(f'{OUT}?line=0') == TEXT
    beyond = call(f'{OUT}?line=1000')
    assert beyond.data == b'line 100\n'
    assert beyond.headers['Cylc-Log-Line'] == '100'


@pytest.mark.parametrize('query', [
    'tail=', 'tail=-1', 'tail=x', 'line=1.5', 'line=1&most=-1',
    'tail=' + '9' * 19, 'tail=%D9%A3',
])
def test_arguments_that_are_no_numbers(call: Caller, query: str) -> None:
    answer = call(f'{OUT}?{query}')
    assert answer.status_code == 400
    assert 'has to be a number' in answer.text


def test_download(call: Caller) -> None:
    answer = call(f'{OUT}?download=1')
    assert answer.data == TEXT
    assert answer.headers['Content-Disposition'] == (
        'attachment; filename=1-foo-01-job.out')
    odd = call.out.with_name('a";ü.txt')
    odd.write_text('x')
    answer = call('logs/1/foo/01/a%22;%C3%BC.txt?download=1')
    assert answer.headers['Content-Disposition'] == (
        'attachment; filename=1-foo-01-a___.txt')
    odd.unlink()


def test_packed_files_are_sent_as_they_are(call: Caller) -> None:
    packed = call.out.with_name('job.out.gz')
    packed.write_bytes(b'\x1f\x8b\0\0')
    answer = call(f'{OUT}.gz', Accept_Encoding='gzip')
    assert answer.data == b'\x1f\x8b\0\0'
    assert answer.headers['Content-Type'] == 'application/octet-stream'
    assert answer.headers['Content-Disposition'].startswith('attachment')
    assert 'Content-Encoding' not in answer.headers
    packed.unlink()


def test_any_bytes(call: Caller) -> None:
    garbage = bytes(range(256)) * 10
    call.out.write_bytes(garbage)
    answer = call()
    assert answer.data == garbage
    assert answer.headers['Content-Type'].startswith('text/plain')
    call.out.write_bytes(b'<script>alert(1)</script>')
    answer = call(Accept='text/html')
    assert answer.headers['Content-Type'].startswith('text/plain')


def test_a_large_file_comes_in_pieces(call: Caller) -> None:
    size = AT_ONCE + PIECE + 1
    with call.out.open('wb') as file:
        file.truncate(size)
    answer = call()
    call.naps.clear()
    pieces = list(answer.iter_encoded())
    assert len(call.naps) == len(pieces)
    assert min(call.naps) > 0
    assert max(map(len, pieces)) <= PIECE
    assert sum(map(len, pieces)) == size
    assert answer.headers['Content-Length'] == str(size)
    answer.close()
    # 1 TB, most of which is nowhere.
    with call.out.open('wb') as file:
        file.truncate(10**12)
    assert call(method='HEAD').headers['Content-Length'] == str(10**12)
    assert call(Range='bytes=-3').data == b'\0\0\0'
    answer = call(f'{OUT}?tail=5&number=1')
    assert answer.data == b'\0' * 5
    assert 'Cylc-Log-Line' not in answer.headers  # there is too much to count


def test_a_file_that_goes_away(call: Caller) -> None:
    identity = call().headers['Cylc-Log-ID']
    call.out.rename(call.out.with_name('old'))
    answer = call()
    assert answer.status_code == 404
    assert "There is no log '1/foo/01/job.out'." in answer.text.replace(
        '&#39;', "'")
    call.out.write_bytes(b'new\n')
    assert call().headers['Cylc-Log-ID'] != identity
    call.out.with_name('old').unlink()


def test_no_way_out(call: Caller) -> None:
    (call.folder.parent / 'secret').write_text('secret\n')
    (call.out.parent / 'out').symlink_to('/etc/passwd')
    for path in (
        '../secret', '%2e%2e/secret', '1/foo/01/../../../../../secret',
        '1/%2e%2e/%2e%2e/%2e%2e/secret', '..%2f..%2fsecret', '1/foo/01/out',
        '%00', '1/foo/01/job.out%00', '/etc/passwd', '%2fetc%2fpasswd',
        'x' * 5000, '%ff', '1/foo/01/%ed%a0%80', 'C:\\', '1\\foo\\01\\job.out',
    ):
        answer = call(f'logs/{path}')
        assert answer.status_code in (403, 404), path
        assert b'secret\n' not in answer.data
    (call.out.parent / 'out').unlink()


@given(path=st.text(max_size=40), headers=st.dictionaries(
    st.sampled_from(['Range', 'If-Range', 'If-None-Match',
                     'If-Modified-Since']),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
))
def test_nothing_is_a_fault(
    call: Caller, path: str, headers: dict[str, Any]
) -> None:
    assert call(OUT, **headers).status_code in (200, 206, 304, 416)
    encoded = quote(path, errors='replace')
    assert call(f'logs/{encoded}', **headers).status_code < 500
