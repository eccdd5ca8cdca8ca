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
"""The life of the server thread, and what is handed to it."""

from __future__ import annotations

from collections import Counter
import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import gevent
import pytest

from cylc_flask.config import Limits
from cylc_flask.server import listen
from cylc_flask.server.thread import (
    GRACE,
    ServerThread,
    Serving,
    make_event,
    sleep,
)
from tests.harness import wait_for
from tests.unit.server.served import (
    PATIENCE,
    Served,
    answers,
    echo,
    everything,
    get,
    one,
    post,
    small,
    wires,
)


def held() -> Counter[str]:
    """Return what this process has open, and what runs in it."""
    gc.collect()
    found = Counter(item.name for item in threading.enumerate())
    for name in os.listdir('/proc/self/fd'):
        try:
            link = os.readlink(f'/proc/self/fd/{name}')
        except FileNotFoundError:
            continue
        found[link if link.startswith('/') else link.split(':[')[0]] += 1
    found['greenlets'] = sum(
        isinstance(item, gevent.Greenlet) and bool(item)
        for item in gc.get_objects())
    return found


@pytest.fixture
def started() -> list[Served]:
    """What a test has started."""
    return []


@pytest.fixture(autouse=True)
def nothing_left(started):
    """Compare what there is after each test with what was there before."""
    before = held()
    yield
    while started:
        started.pop().close()
    wait_for(
        lambda: not held() - before, timeout=5,
        what=f'the end of {held() - before}')


@pytest.fixture
def serve(started):
    """Start servers; they end before anything is compared."""
    def start(*args, **kwargs) -> Served:
        started.append(Served(*args, **kwargs))
        return started[-1].wait()
    return start


class Gated:
    """An application whose answers wait until they may come."""

    def __init__(self) -> None:
        self.begun = 0
        self.gate = None

    def __call__(self, environ, start_response):
        if environ['PATH_INFO'] != '/wait':
            return small(environ, start_response)
        if self.gate is None:
            self.gate = make_event()
        self.begun += 1
        self.gate.wait()
        return small(environ, start_response)


def waiting(served: Served, app: Gated, number: int = 1):
    """Return connections whose requests wait."""
    socks = [served.connect() for _ in range(number)]
    for sock in socks:
        sock.sendall(get('/wait'))
    wait_for(lambda: app.begun == number)
    return socks


# Begin and end


def test_thread_serves(serve):
    served = serve(small)
    assert served.thread.ready.result(0) is None
    assert served.thread.alive
    assert not served.thread.ended.done()
    assert served.get().body == b'true'


def test_thread_ends(serve):
    served = serve(small)
    served.stop()
    wait_for(lambda: not served.thread.alive)
    assert served.thread.ready.exception(0) is None


def test_thread_does_not_hold_up_the_end_of_the_process(serve):
    serve(small)
    (found,) = [
        item for item in threading.enumerate() if item.name == 'cylc-flask']
    assert found.daemon


def test_thread_may_be_stopped_twice(serve):
    served = serve(small)
    served.stop()
    served.stop()


def test_thread_may_be_stopped_by_a_request(serve):
    def app(environ, start_response):
        served.thread.stop()
        return small(environ, start_response)

    served = serve(app)
    assert served.get().body == b'true'
    served.thread.ended.result(PATIENCE)


def test_thread_is_stopped_while_it_starts(started):
    for _ in range(20):
        served = Served(small)
        started.append(served)
        served.stop()
        assert served.thread.ready.result(0) is None


def test_nobody_can_cancel_what_the_thread_will_say(serve):
    served = serve(small)
    assert not served.thread.ended.cancel()
    assert not ServerThread(served.serving).ready.cancel()


def thread_of(make_app, listeners=()) -> ServerThread:
    return ServerThread(Serving(list(listeners), make_app, Limits()))


def test_application_is_made_in_the_thread():
    names = []

    def make_app():
        names.append(threading.current_thread().name)
        return small

    found = thread_of(make_app)
    found.start()
    found.ready.result(PATIENCE)
    found.stop()
    found.ended.result(PATIENCE)
    assert names == ['cylc-flask']


@pytest.mark.parametrize('fault', [
    KeyError('a'), OSError(5, 'disk'), SystemExit(1), MemoryError()])
def test_application_cannot_be_made(fault, caplog):
    def make_app():
        raise fault

    listeners = listen.listen(['127.0.0.1'], 30000, 60000)
    found = thread_of(make_app, listeners)
    found.start()
    assert found.ready.exception(PATIENCE) is fault
    found.ended.result(PATIENCE)
    wait_for(lambda: not found.alive)
    assert not caplog.records
    listen.close(listeners)


def test_listener_cannot_be_served():
    listeners = listen.listen(['127.0.0.1', '127.0.0.2'], 30000, 60000)
    listeners[1].close()
    found = thread_of(lambda: small, listeners)
    found.start()
    assert isinstance(found.ready.exception(PATIENCE), OSError)
    found.ended.result(PATIENCE)
    listen.close(listeners)


@pytest.mark.parametrize('end', [
    pytest.param(ServerThread.stop, id='stop'),
    pytest.param(lambda thread: thread.deliver(sys.exit), id='death'),
])
def test_application_is_forgotten(end, serve, started, caplog, capfd):
    """Else each thread would keep a replica of the workflow."""
    def app(environ, start_response):
        return small(environ, start_response)

    found = weakref.ref(app)
    served = serve(app)
    assert served.get().status == 200
    end(served.thread)
    served.thread.ended.result(PATIENCE)
    served.close()
    started.clear()
    for record in caplog.records:
        record.exc_info = None
    del app, served
    gc.collect()
    assert found() is None
    assert capfd.readouterr() == ('', '')


# The end with clients


def test_idle_connections_end_at_once(serve, tls):
    for served in (serve(small), serve(small, tls)):
        socks = [served.connect() for _ in range(5)]
        for sock in socks[1:]:
            sock.sendall(get())
            one(sock)
        mute = served.connect_plain()
        wait_for(lambda: len(wires()) == 6)
        began = time.monotonic()
        served.stop()
        assert time.monotonic() - began < GRACE / 2
        for sock in (mute, *socks):
            assert everything(sock) == b''


def test_connections_made_at_the_end_do_not_hold_it_up(serve):
    def app(environ, start_response):
        served.thread.stop()
        time.sleep(0.3)  # nobody is taken up meanwhile
        return small(environ, start_response)

    served = serve(app)
    with served.connect() as sock:
        sock.sendall(get())
        time.sleep(0.1)
        for _ in range(5):
            served.connect()
        assert one(sock).status == 200
        began = time.monotonic()
        served.thread.ended.result(PATIENCE)
        assert time.monotonic() - began < GRACE / 2


def test_answers_under_way_are_ended(serve):
    app = Gated()
    served = serve(app)
    socks = waiting(served, app, 3)
    served.thread.stop()
    served.run(sleepless)
    app_gate = app.gate
    served.thread.deliver(app_gate.set)
    for sock in socks:
        (answer,) = answers(everything(sock))
        assert answer.body == b'true'
        assert answer.headers['Connection'] == 'close'
    served.thread.ended.result(PATIENCE)


def sleepless() -> None:
    """Do nothing."""


def test_requests_under_way_are_answered(serve):
    served = serve(echo)
    with served.connect() as sock:
        sock.sendall(post(b'abc')[:-1])
        wait_for(lambda: [wire for wire in wires() if not wire.idle])
        served.thread.stop()
        time.sleep(0.2)
        sock.sendall(b'c')
        (answer,) = answers(everything(sock))
        assert answer.json['body'] == 'abc'


def test_nobody_new_is_served_at_the_end(serve):
    app = Gated()
    served = serve(app)
    waiting(served, app, 2)
    served.thread.stop()
    for _ in range(2):
        served.run(sleepless)
    late = served.connect()
    late.sendall(get())
    served.thread.ended.result(PATIENCE)
    assert app.begun == 2
    late.settimeout(0.3)
    with pytest.raises(TimeoutError):
        late.recv(1)


def test_requests_which_hang_are_given_up(serve, caplog):
    app = Gated()
    served = serve(app)
    socks = waiting(served, app, 3)
    began = time.monotonic()
    served.stop()
    assert GRACE - 0.1 < time.monotonic() - began < GRACE + 3
    for sock in socks:
        (answer,) = answers(everything(sock))
        assert answer.status == 503
        assert answer.body == b'The server stops.\n'
    assert not caplog.records


def test_clients_which_hang_are_given_up(serve):
    def app(environ, start_response):
        start_response('200 OK', [])
        return [b'a' * 50_000_000]

    served = serve(app)
    with served.connect() as reading, served.connect() as writing:
        reading.sendall(get())
        assert reading.recv(1)
        writing.sendall(b'GET')
        wait_for(lambda: not any(wire.idle for wire in wires()))
        began = time.monotonic()
        served.stop()
        assert time.monotonic() - began < GRACE + 3


# Another thread in its place


def test_next_thread_serves_at_the_same_place(serve):
    first = serve(small)
    for _ in range(5):
        first.stop()
        late = first.connect()
        late.sendall(get())
        first.thread = ServerThread(first.serving)
        first.thread.start()
        # Who came in between has only waited.
        assert one(late).status == 200
        assert first.get().status == 200


@pytest.mark.parametrize('fault', [SystemExit(1), KeyboardInterrupt()])
def test_thread_dies(fault, serve, caplog):
    def die():
        raise fault

    app = Gated()
    served = serve(app)
    (hanging,) = waiting(served, app)
    idle = served.connect()
    idle.sendall(get())
    assert one(idle).status == 200
    served.thread.deliver(die)
    served.thread.ended.result(PATIENCE)
    wait_for(lambda: not served.thread.alive)
    assert served.thread.ready.exception(0) is None
    assert everything(idle) == b''
    assert answers(everything(hanging))[0].status == 503
    assert caplog.records[-1].message == 'flask: the server thread died'
    assert caplog.records[-1].exc_info[1] is fault
    served.thread = ServerThread(served.serving)
    served.thread.start()
    assert served.get().status == 200


def test_thread_dies_by_a_greenlet(serve, caplog):
    served = serve(small)
    served.thread.deliver(lambda: gevent.spawn(sys.exit, 'a'))
    served.thread.ended.result(PATIENCE)
    assert 'flask: the server thread died' in caplog.text


# What is handed to it


def test_deliver(serve):
    served = serve(small)
    assert served.run(threading.current_thread).name == 'cylc-flask'
    assert served.run(lambda *args: args, 1, 2) == (1, 2)


def test_what_is_delivered_before_is_done_before_it_is_ready():
    done = []
    found = thread_of(lambda: done.append('app') or small)
    for number in range(100):
        found.deliver(done.append, number)
    found.start()
    found.ready.result(PATIENCE)
    assert done[-101:] == ['app', *range(100)] or done == [
        *range(100), 'app']
    found.stop()
    found.ended.result(PATIENCE)


def test_what_is_delivered_after_the_end_is_dropped(serve):
    served = serve(small)
    done = []
    served.stop()
    served.thread.deliver(done.append, 1)
    wait_for(lambda: not served.thread.alive)
    served.thread.deliver(done.append, 2)
    assert done == []


def test_order_of_what_is_delivered(serve):
    """Of each thread it is the order of its calls, whatever else happens."""
    served = serve(small)
    done: list[tuple[int, int]] = []
    number, threads = 2000, 4

    def hand_in(name: int) -> None:
        for count in range(number):
            served.thread.deliver(done.append, (name, count))

    handing = [
        threading.Thread(target=hand_in, args=(name,))
        for name in range(threads)]
    with served.connect() as flood:
        flood.sendall(get() * 1000)
        for item in handing:
            item.start()
        for item in handing:
            item.join(PATIENCE)
        wait_for(lambda: len(done) == number * threads)
    for name in range(threads):
        assert [count for who, count in done if who == name] == list(
            range(number))


def test_what_is_delivered_wakes_the_thread(serve):
    served = serve(small)
    time.sleep(0.2)
    assert served.run(lambda: 1) == 1


def test_what_is_delivered_by_itself_comes_later(serve):
    served = serve(small)
    order = []

    def work():
        served.thread.deliver(order.append, 2)
        order.append(1)

    served.run(work)
    served.run(sleepless)
    assert order == [1, 2]


def test_those_who_hand_in_without_end_stop_nobody(serve):
    """What hands itself in again is not done for ever in one go."""
    served = serve(small)
    going = [True]

    def again():
        if going:
            served.thread.deliver(again)

    served.thread.deliver(again)
    assert served.get().status == 200
    going.clear()


def test_fault_of_what_is_delivered_is_logged(serve, caplog):
    fault = KeyError('a')

    def fail():
        raise fault

    served = serve(small)
    served.thread.deliver(fail)
    assert served.run(lambda: 1) == 1
    (record,) = caplog.records
    assert record.message == 'flask: fault in the server thread'
    assert record.exc_info[1] is fault


def test_delivering_while_it_ends(serve):
    for _ in range(10):
        served = serve(small)
        going = [True]

        def hand_in(going=going, thread=served.thread) -> None:
            while going:
                thread.deliver(sleepless)

        handing = threading.Thread(target=hand_in)
        handing.start()
        served.stop()
        time.sleep(0.02)
        going.clear()
        handing.join(PATIENCE)


# What views may wait by


def test_requests_can_wait_for_an_event(serve):
    app = Gated()
    served = serve(app)
    socks = waiting(served, app, 3)
    assert served.get().status == 200
    served.thread.deliver(app.gate.set)
    for sock in socks:
        assert one(sock).body == b'true'


def test_requests_can_sleep(serve):
    def app(environ, start_response):
        sleep(float(environ['QUERY_STRING']))
        return small(environ, start_response)

    served = serve(app)
    with served.connect() as slow, served.connect() as fast:
        slow.sendall(get('/?1.0'))
        fast.sendall(get('/?0'))
        assert one(fast).status == 200
        slow.settimeout(0)
        with pytest.raises(BlockingIOError):
            slow.recv(1)
        slow.settimeout(PATIENCE)
        assert one(slow).status == 200


#: A process whose server thread is amid work when the interpreter ends; that
#: takes a while, and the thread has many a turn in it.
AT_THE_END = """
import socket, sys, time
from cylc_flask.config import Limits
from cylc_flask.server.thread import ServerThread, Serving, sleep, spawn

def work():
    while True:
        end = time.monotonic() + 0.01
        while time.monotonic() < end:
            sum(range(100))
        sleep(0.001)

def make_app():
    spawn(work)
    return lambda environ, start_response: []

class Late:
    def __del__(self, sleep=time.sleep):
        sleep(0.3)

late = Late()
thread = ServerThread(Serving([], make_app, Limits()))
thread.start()
thread.ready.result(20)
time.sleep(0.1)
sys.exit(3)
"""


def test_thread_goes_on_when_the_process_ends():
    done = subprocess.run(
        [sys.executable, '-c', AT_THE_END], capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )
    assert done.returncode == 3, done.stderr
    assert not done.stderr
