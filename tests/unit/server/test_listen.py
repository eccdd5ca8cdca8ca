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
"""Ports of a range, all addresses, and Unix sockets."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import socket
import stat

import pytest

from cylc_flask.errors import CylcFlaskError
from cylc_flask.server import listen
from tests.harness import free_port

LOOPBACK = '127.0.0.1'


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as sock:
        try:
            sock.bind(('::1', 0))
        except OSError:
            return False
    return True


@pytest.fixture
def opened() -> Iterator[list[socket.socket]]:
    """What a test listens on."""
    sockets: list[socket.socket] = []
    yield sockets
    listen.close(sockets)


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def test_port_is_of_the_range(opened):
    first = free_port()
    opened += listen.listen([LOOPBACK], first, first + 20)
    assert len(opened) == 1
    assert first <= port_of(opened[0]) <= first + 20
    assert answers(LOOPBACK, port_of(opened[0]))


def test_port_that_is_taken_is_passed_over(opened):
    for _ in range(20):
        first = free_port()
        taken = listen.listen([LOOPBACK], first, first)
        try:
            found = listen.listen([LOOPBACK], first, first + 20)
        finally:
            listen.close(taken)
        opened += found
        assert port_of(found[0]) != first


def test_range_is_used_all_over():
    seen = set()
    for _ in range(30):
        found = listen.listen([LOOPBACK], 20000, 30000)
        seen.add(port_of(found[0]))
        listen.close(found)
    assert len(seen) > 20


def test_range_is_exhausted(opened):
    port = free_port()
    opened += listen.listen([LOOPBACK], port, port)
    with pytest.raises(CylcFlaskError) as caught:
        listen.listen([LOOPBACK], port, port)
    assert str(caught.value) == (
        f'no free port {port} on 127.0.0.1'
        ' ([Errno 98] Address already in use)')


def test_range_is_exhausted_on_all_addresses(opened):
    for _ in range(50):
        first = free_port()
        try:
            opened += listen.listen([''], first, first)
            opened += listen.listen([''], first + 1, first + 1)
        except CylcFlaskError:
            continue
        break
    with pytest.raises(CylcFlaskError) as caught:
        listen.listen([''], first, first + 1)
    assert str(caught.value) == (
        f'no free port in {first}..{first + 1} on all addresses'
        ' ([Errno 98] Address already in use)')


@pytest.mark.parametrize(('address', 'reason'), [
    pytest.param('192.0.2.1', 'Cannot assign requested address',
                 id='of another machine'),
    pytest.param('no-such-host.invalid', 'Errno', id='unknown'),
    pytest.param('a..b', 'label empty', id='no name'),
])
def test_address_is_not_ours(address, reason):
    with pytest.raises(CylcFlaskError, match=reason) as caught:
        listen.listen([address], 20000, 30000)
    assert str(caught.value).startswith(f'cannot listen on {address}: ')


def test_all_addresses_are_those_of_ipv4_and_ipv6(opened):
    opened += listen.listen([''], 20000, 30000)
    assert len(opened) == 1
    assert answers(LOOPBACK, port_of(opened[0]))
    if has_ipv6():
        assert answers('::1', port_of(opened[0]))


def test_all_addresses_without_ipv6(opened, monkeypatch):
    # As the kernel has it when started with ipv6.disable=1.
    real = socket.socket

    def without_ipv6(family=-1, *args, **kwargs):
        if family == socket.AF_INET6:
            raise OSError(97, 'Address family not supported by protocol')
        return real(family, *args, **kwargs)

    monkeypatch.setattr(listen.socket, 'socket', without_ipv6)
    opened += listen.listen([''], 20000, 30000)
    assert opened[0].getsockname()[0] == '0.0.0.0'


def test_several_addresses_share_a_port(opened):
    addresses = ['127.0.0.1', '127.0.0.2']
    opened += listen.listen(addresses, 20000, 30000)
    assert [sock.getsockname()[0] for sock in opened] == addresses
    assert len({port_of(sock) for sock in opened}) == 1
    for address in addresses:
        assert answers(address, port_of(opened[0]))


@pytest.mark.parametrize('ipv4', ['0.0.0.0', '127.0.0.1'])
def test_ipv6_beside_ipv4_is_only_that(ipv4, opened):
    if not has_ipv6():
        with pytest.raises(CylcFlaskError, match='cannot listen on'):
            listen.listen([ipv4, '::1'], 20000, 30000)
        return
    opened += listen.listen([ipv4, '::'], 20000, 30000)
    assert [sock.getsockname()[0] for sock in opened] == [ipv4, '::']
    assert answers(LOOPBACK, port_of(opened[0]))
    assert answers('::1', port_of(opened[0]))


def test_port_has_to_be_free_on_all_addresses(opened):
    opened += listen.listen(['127.0.0.2'], 20000, 30000)
    port = port_of(opened[0])
    with pytest.raises(CylcFlaskError, match=f'no free port {port}'):
        listen.listen(['127.0.0.1', '127.0.0.2'], port, port)
    # What was had of it has been given back.
    opened += listen.listen(['127.0.0.1'], port, port)


def test_jobs_do_not_inherit_sockets(opened, tmp_path):
    opened += listen.listen([LOOPBACK], 20000, 30000)
    opened.append(listen.listen_unix(str(tmp_path / 'sock')))
    assert not any(sock.get_inheritable() for sock in opened)


# Unix sockets


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / 'http.sock')


def connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(path)
        except ConnectionRefusedError:
            return False
    return True


def test_unix_socket_is_for_its_owner(path, opened):
    mask = os.umask(0)
    try:
        opened.append(listen.listen_unix(path))
        assert os.umask(0) == 0
    finally:
        os.umask(mask)
    status = os.lstat(path)
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert connects(path)


def test_unix_socket_goes_at_the_end(path):
    listen.close([listen.listen_unix(path)])
    assert not os.path.lexists(path)


def test_unix_socket_may_have_gone_before(path):
    sock = listen.listen_unix(path)
    os.unlink(path)
    listen.close([sock])


def test_stale_unix_socket_is_replaced(path, opened):
    listen.listen_unix(path).close()
    assert os.path.exists(path)
    assert not connects(path)
    opened.append(listen.listen_unix(path))
    assert connects(path)


def test_live_unix_socket_is_left_alone(path, opened):
    opened.append(listen.listen_unix(path))
    with pytest.raises(CylcFlaskError) as caught:
        listen.listen_unix(path)
    assert path in str(caught.value)
    assert 'somebody listens there' in str(caught.value)
    assert connects(path)


def test_file_in_the_place_of_a_unix_socket_is_left_alone(path):
    Path(path).write_text('precious')
    with pytest.raises(CylcFlaskError, match='this is no socket'):
        listen.listen_unix(path)
    assert Path(path).read_text() == 'precious'


def test_link_in_the_place_of_a_unix_socket_is_left_alone(path, tmp_path):
    target = str(tmp_path / 'other.sock')
    listen.listen_unix(target).close()
    os.symlink(target, path)
    with pytest.raises(CylcFlaskError, match='this is no socket'):
        listen.listen_unix(path)
    assert os.path.islink(path)
    assert os.path.exists(target)


@pytest.mark.parametrize('path', [
    pytest.param('/no/such/folder/sock', id='no folder'),
    pytest.param('/tmp/' + 'x' * 200, id='too long'),
])
def test_unix_socket_cannot_be_there(path):
    with pytest.raises(CylcFlaskError, match='cannot listen on the Unix'):
        listen.listen_unix(path)
