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
"""The server on one listening socket."""

from __future__ import annotations

import http.client
import os
import socket

import gevent

from cylc_flask.server import listen
from tests.harness import wait_for
from tests.unit.server.served import get, one, small


def test_listener_stays_open(serve):
    served = serve(small)
    served.stop()
    assert served.listeners[0].fileno() >= 0
    # The kernel takes connections; nobody serves them now.
    with served.connect() as sock:
        sock.sendall(get())


def test_several_listeners(serve):
    listeners = listen.listen(['127.0.0.1', '127.0.0.2'], 30000, 60000)
    serve(listeners=listeners)
    for listener in listeners:
        host, port = listener.getsockname()
        connection = http.client.HTTPConnection(host, port, timeout=9)
        connection.request('GET', '/')
        assert connection.getresponse().status == 200
        connection.close()


def test_fault_of_a_greenlet_is_logged(serve, caplog, capfd):
    fault = KeyError('a')

    def fail():
        raise fault

    served = serve(small)
    served.run(lambda: gevent.spawn(fail) and None)
    wait_for(lambda: caplog.records)
    (record,) = caplog.records
    assert record.name == 'cylc'
    assert record.message.startswith('flask: fault in <Greenlet')
    assert record.exc_info[1] is fault
    assert capfd.readouterr() == ('', '')
    assert served.get().status == 200


def test_fault_of_a_connection_is_logged(serve, caplog):
    def fail(line: str) -> None:
        raise KeyError(line)

    served = serve(small, access_log=fail)
    with served.connect() as sock:
        sock.sendall(get())
        assert one(sock).status == 200
        assert sock.recv(1) == b''
    wait_for(lambda: caplog.records)
    assert 'KeyError' in caplog.text
    assert 'flask: fault in <Greenlet' in caplog.text


def test_jobs_do_not_inherit_connections(serve):
    served = serve()
    with served.connect() as sock:
        sock.sendall(get())
        one(sock)
        for name in os.listdir('/proc/self/fd'):
            try:
                with socket.socket(fileno=os.dup(int(name))) as found:
                    peer = found.getpeername() == sock.getsockname()
            except OSError:
                continue
            assert not (peer and os.get_inheritable(int(name)))
