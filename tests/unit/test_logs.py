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
"""Paths that clients send lead to logs, and to nothing else."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import socket
import time

from hypothesis import example, given
from hypothesis import strategies as st
import pytest

from cylc_flask.errors import Forbidden, NotFound, RequestError, Unavailable
from cylc_flask.logs import MOST_NAMES, PIECE, Folder, Log, find

#: Some other user.
NOBODY = 65534

SECRET = b'nobody may see this\n'


@pytest.fixture(scope='module')
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of logs, with secrets around it."""
    root = tmp_path_factory.mktemp('run')
    log = root / 'log'
    job = log / 'job' / '1' / 'foo'
    for number in ('01', '02'):
        (job / number).mkdir(parents=True)
        (job / number / 'job.out').write_text(f'out of {number}\n')
        (job / number / 'job').write_text('#!/bin/bash\n')
    (job / 'NN').symlink_to('02')
    (job / '01' / 'job.err').write_bytes(bytes(range(256)))
    (job / '01' / 'ünder über').write_text('odd\n')
    scheduler = log / 'scheduler'
    scheduler.mkdir()
    for number in (1, 2, 10):
        name = f'{number}-start-{number}.log'
        (scheduler / name).write_text(f'{number}\n')
    (scheduler / 'log').symlink_to('10-start-10.log')
    (log / 'db').write_bytes(SECRET)
    (log / 'other').mkdir()
    (log / 'other' / 'secret').write_bytes(SECRET)
    (root / 'secret').write_bytes(SECRET)
    (log / 'secret').write_bytes(SECRET)
    _traps(job / '01', root)
    return log


def _traps(folder: Path, root: Path) -> None:
    """Put in a folder what nobody must follow."""
    (folder / 'absolute').symlink_to(root / 'secret')
    (folder / 'relative').symlink_to('../../../../../secret')
    (folder / 'up').symlink_to('..')
    (folder / 'root').symlink_to('/')
    (folder / 'dot').symlink_to('./job')
    (folder / 'dangling').symlink_to('nothing')
    (folder / 'loop').symlink_to('loop')
    (folder / 'one').symlink_to('two')
    (folder / 'two').symlink_to('three')
    (folder / 'three').symlink_to('job')
    os.mkfifo(folder / 'pipe')
    (folder / 'to-pipe').symlink_to('pipe')
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket must be short
        try:
            sock.bind('socket')
        finally:
            os.chdir(here)


def read(log_dir: Path, id_: str) -> bytes:
    log = find(log_dir, id_)
    assert isinstance(log, Log)
    try:
        return b''.join(log.pieces(0, log.size))
    finally:
        log.close()


def look(log_dir: Path, id_: str = '') -> Folder:
    folder = find(log_dir, id_)
    assert isinstance(folder, Folder)
    return folder


def handles() -> int:
    return len(os.listdir('/proc/self/fd'))


@pytest.fixture(autouse=True)
def no_open_files() -> Iterator[None]:
    before = handles()
    yield
    assert handles() == before


def test_files(log_dir: Path) -> None:
    assert read(log_dir, '1/foo/01/job.out') == b'out of 01\n'
    assert read(log_dir, '1/foo/NN/job.out') == b'out of 02\n'
    assert read(log_dir, 'scheduler/log') == b'10\n'
    assert read(log_dir, '1/foo/01/ünder über') == b'odd\n'
    assert read(log_dir, '1/foo/01/job.err') == bytes(range(256))


def test_folders(log_dir: Path) -> None:
    assert look(log_dir).folders == ['scheduler', '1']
    assert look(log_dir).files == []
    assert look(log_dir, '1') == Folder('1', [], ['foo'])
    assert look(log_dir, '1/foo/') == Folder('1/foo', [], ['01', '02'])
    # Links out of the folder are not told, nor pipes and sockets.
    assert [file['name'] for file in look(log_dir, '1/foo/01').files] == [
        'job', 'job.out', 'job.err', 'three', 'ünder über',
    ]
    files = look(log_dir, 'scheduler').files
    assert [(file['name'], file['link'], file['size']) for file in files] == [
        ('1-start-1.log', None, 2), ('2-start-2.log', None, 2),
        ('10-start-10.log', None, 3), ('log', '10-start-10.log', 3),
    ]


@pytest.mark.parametrize('id_', [
    '2', '1/bar', '1/foo/03', '1/foo/01/job.log', '1/foo/01/job.out/x',
    '1/foo/01/job.out/', 'db', 'secret', 'other', 'other/secret', 'job',
    'job/1/foo/01/job.out', '..', '../secret', '1/../1', '1/./foo', '.',
    '1/foo/../../../db', 'scheduler/../db', '/etc/passwd', '//etc/passwd',
    '1//foo', '/1', '1/foo/01/job.out\0', '\0', '1/foo/01/\ud800',
    '%2e%2e/secret', '..\\secret', 'x' * 256, '1/' + 'x' * 100_000,
    '1/' * 5000 + 'x', '1/foo/01/dangling', '~', '~root/x', 'SCHEDULER',
])
def test_what_is_none(log_dir: Path, id_: str) -> None:
    # A slash at the end is not taken for a part of the name.
    if id_ == '1/foo/01/job.out/':
        assert read(log_dir, id_) == b'out of 01\n'
        return
    with pytest.raises(NotFound) as caught:
        find(log_dir, id_)
    assert len(caught.value.text) < 160


@pytest.mark.parametrize('name', [
    'absolute', 'relative', 'up', 'root', 'root/etc/passwd', 'dot', 'loop',
    'one', 'pipe', 'to-pipe', 'socket', 'up/02/job.out', 'up/up',
])
def test_what_is_refused(log_dir: Path, name: str) -> None:
    start = time.monotonic()
    with pytest.raises(Forbidden):
        find(log_dir, f'1/foo/01/{name}')
    assert time.monotonic() - start < 1  # nobody writes into the pipe


part = st.one_of(
    st.sampled_from([
        '', '.', '..', '...', '/', '\0', '%2e%2e', '%2f', '..%2f', '~', '\\',
        '1', 'foo', '01', '02', 'NN', 'job', 'job.out', 'scheduler', 'log',
        'absolute', 'relative', 'up', 'root', 'dot', 'loop', 'one', 'secret',
        'pipe', 'socket', 'db', 'other', 'x' * 300,
    ]),
    st.text(max_size=5),
)


@given(id_=st.lists(part, max_size=9).map('/'.join))
@example(id_='1/foo/01/up/up/up/up/secret')
@example(id_='1/foo/01/root/etc/passwd')
def test_any_path(log_dir: Path, id_: str) -> None:
    """It is a log, or an error that a client can be told."""
    try:
        found = find(log_dir, id_)
    except RequestError as exc:
        assert exc.status in (403, 404)
        assert 'Errno' not in exc.text
        return
    if isinstance(found, Log):
        content = found.read(0, PIECE)
        found.close()
        assert SECRET not in content
        assert not content.startswith(b'root:')
    else:
        names = {file['name'] for file in found.files}
        assert not names & {'secret', 'absolute', 'relative', 'pipe'}


def test_a_site_may_link_the_folders_themselves(tmp_path: Path) -> None:
    """As Cylc's "symlink dirs" do."""
    (tmp_path / 'disk' / 'log').mkdir(parents=True)
    (tmp_path / 'other' / 'job' / '1' / 'foo' / '01').mkdir(parents=True)
    (tmp_path / 'other' / 'job' / '1' / 'foo' / '01' / 'job').touch()
    (tmp_path / 'log').symlink_to(tmp_path / 'disk' / 'log')
    (tmp_path / 'log' / 'job').symlink_to(tmp_path / 'other' / 'job')
    assert look(tmp_path / 'log').folders == ['1']
    assert read(tmp_path / 'log', '1/foo/01/job') == b''


def test_no_logs_yet(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        find(tmp_path / 'log', '')
    (tmp_path / 'log').mkdir()
    assert look(tmp_path / 'log') == Folder('', [], [])
    with pytest.raises(NotFound):
        find(tmp_path / 'log', '1/foo/01/job')


def test_what_the_scheduler_may_not_read(tmp_path: Path) -> None:
    path = tmp_path / 'scheduler' / 'log'
    path.parent.mkdir()
    path.touch(0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)  # root may read all
    try:
        with pytest.raises(Forbidden, match='may not read'):
            find(tmp_path, 'scheduler/log')
    finally:
        os.seteuid(user)


def test_a_crowded_folder(tmp_path: Path) -> None:
    folder = tmp_path / 'job' / '1'
    folder.mkdir(parents=True)
    for number in range(MOST_NAMES + 1):
        (folder / f't{number}').mkdir()
    found = look(tmp_path, '1')
    assert (len(found.folders), found.more) == (MOST_NAMES, True)
    assert look(tmp_path).more is False


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / 'scheduler' / 'log'
    path.parent.mkdir()
    path.write_bytes(b'x' * 3 * PIECE)
    log = find(tmp_path, 'scheduler/log')
    assert isinstance(log, Log)
    pieces = log.pieces(0, log.size)
    assert len(next(pieces)) == PIECE
    with path.open('ab') as file:
        file.write(b'more')
    assert len(next(pieces)) == PIECE
    os.truncate(path, PIECE)
    with pytest.raises(Unavailable):
        next(pieces)
    path.unlink()
    assert log.read(0, 1) == b'x'  # it is still open
    log.close()
    log.close()


def test_what_tells_files_apart(tmp_path: Path) -> None:
    path = tmp_path / 'scheduler' / 'log'
    path.parent.mkdir()

    def now() -> tuple[str, str]:
        log = find(tmp_path, 'scheduler/log')
        assert isinstance(log, Log)
        log.close()
        return log.identity, log.version

    path.write_text('a')
    first = now()
    assert now() == first
    path.write_text('ab')
    grown = now()
    assert grown[0] == first[0] and grown[1] != first[1]
    path.rename(path.with_name('old'))
    path.write_text('ab')
    assert now()[0] != first[0]


def test_odd_times(tmp_path: Path) -> None:
    path = tmp_path / 'scheduler' / 'log'
    path.parent.mkdir()
    path.touch()
    for moment, told in (
        (-2**31, '1970-01-01T00:00:00Z'), (2**33, '2242-03-16T12:56:32Z'),
    ):
        os.utime(path, (moment, moment))
        (file,) = look(tmp_path, 'scheduler').files
        assert file['modified'] == told
