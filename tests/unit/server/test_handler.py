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
"""One connection: what comes in, what goes out, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
import http.client
import logging
import socket
import struct
import subprocess
import time
from typing import Any
import urllib.request
from wsgiref.validate import validator

import pytest
import requests

from cylc_flask.auth.target import is_target
from cylc_flask.server import listen
from cylc_flask.server.handler import JOINED
from tests.harness import need, wait_for
from tests.unit.server.served import (
    answers,
    chunks,
    echo,
    everything,
    get,
    one,
    post,
    small,
    wires,
)

#: Of the C structure tcp_info: where it tells how many packets with data
#: have come in.
DATA_SEGMENTS_IN = 152

#: More than the kernel keeps for a client that does not read.
MUCH = 50_000_000


def app_of(result: Any, *headers: tuple[str, str], status: str = '200 OK'):
    """Return an application that always answers the same."""
    def app(environ, start_response):
        start_response(status, list(headers))
        return result() if callable(result) else result
    return app


def parts() -> Iterator[bytes]:
    yield b'one '
    yield b''
    yield b'two'


def still_open(sock: socket.socket) -> bool:
    """Return whether the connection serves another request."""
    sock.sendall(get('/again'))
    try:
        return one(sock).status > 0
    except (OSError, http.client.HTTPException):
        return False


def status_of(data: bytes) -> int:
    """Return the status of what must be one answer."""
    (answer,) = answers(data)
    assert answer.headers['Connection'] == 'close'
    return answer.status


# Connections


def test_connection_is_kept(serve):
    with serve().connect() as sock:
        for number in range(3):
            sock.sendall(get(f'/{number}'))
            answer = one(sock)
            assert answer.json['PATH_INFO'] == f'/{number}'
            assert 'Connection' not in answer.headers


def test_connection_is_closed_on_request(serve):
    data = serve().ask(get('/', 'Connection: close') + get('/more'))
    assert status_of(data) == 200


def test_http_1_0_is_closed(serve):
    assert status_of(serve().ask(b'GET / HTTP/1.0\r\n\r\n')) == 200


def test_http_1_0_is_kept_on_request(serve):
    with serve().connect() as sock:
        for _ in range(2):
            sock.sendall(b'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
            answer = one(sock)
            assert answer.status == 200
            assert answer.headers.get_all('Connection') == ['keep-alive']


def test_application_closes(serve):
    served = serve(app_of([b'a'], ('Connection', 'close')))
    (answer,) = answers(served.ask(get()))
    assert answer.headers.get_all('Connection') == ['close']


def test_requests_in_one_packet_are_answered_in_order(serve):
    data = serve().ask(
        get('/0') + post(b'GET /x HTTP/1.1\r\n\r\n', path='/1') + b'\r\n'
        + get('/2') + get('/3', 'Connection: close'))
    assert [answer.json['PATH_INFO'] for answer in answers(data)] == [
        '/0', '/1', '/2', '/3']


def test_client_closes_its_half(serve):
    with serve().connect() as sock:
        sock.sendall(get('/0') + get('/1'))
        sock.shutdown(socket.SHUT_WR)
        assert len(answers(everything(sock))) == 2


@pytest.mark.parametrize('data', [
    b'', b'\r\n', b'\r\n\r\n', b'G', b'GET / HTTP/1.1\r\nHost:',
    b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc',
])
def test_client_closes_its_half_too_early(data, serve):
    with serve().connect() as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        found = everything(sock)
        if data in (b'', b'\r\n'):
            assert not found
        else:
            assert status_of(found) == 400


# Requests


def test_body_with_a_length(serve):
    with serve().connect() as sock:
        sock.sendall(post(b'abc', 'Content-Type: text/plain'))
        told = one(sock).json
    assert told['body'] == 'abc'
    assert told['CONTENT_LENGTH'] == '3'
    assert told['CONTENT_TYPE'] == 'text/plain'
    assert not {'HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE'} & set(told)


def test_body_in_chunks_comes_as_one(serve):
    with serve().connect() as sock:
        sock.sendall(
            b'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n'
            b'\r\n' + b''.join(chunks(b'ab', b'c')))
        told = one(sock).json
        assert still_open(sock)
    assert told['body'] == 'abc'
    assert told['CONTENT_LENGTH'] == '3'
    assert 'HTTP_TRANSFER_ENCODING' not in told


def test_no_body(serve):
    with serve().connect() as sock:
        sock.sendall(b'POST / HTTP/1.1\r\nHost: h\r\n\r\n')
        told = one(sock).json
    assert told['body'] == ''
    assert 'CONTENT_LENGTH' not in told


def test_client_is_told_to_continue(serve):
    with serve().connect() as sock:
        sock.sendall(post(b'abc', 'Expect: 100-Continue')[:-3])
        assert sock.recv(1000) == b'HTTP/1.1 100 Continue\r\n\r\n'
        sock.sendall(b'abc')
        assert one(sock).json['body'] == 'abc'


@pytest.mark.parametrize('data', [
    pytest.param(get('/', 'Expect: 100-continue', 'Connection: close'),
                 id='no body'),
    pytest.param(b'POST / HTTP/1.0\r\nExpect: 100-continue\r\n'
                 b'Content-Length: 1\r\n\r\na', id='HTTP/1.0'),
    pytest.param(post(b'', 'Expect: 100-continue').replace(b'0', b'9' * 9, 1),
                 id='too large'),
])
def test_client_is_not_told_to_continue(data, serve):
    assert b'100 Continue' not in serve().ask(data)


def test_wsgi_environment_is_valid(serve):
    # The standard library's validator wants a Content-Length.
    served = serve(validator(app_of(
        [b'a'], ('Content-Type', 'text/plain'), ('Content-Length', '1'))))
    with served.connect() as sock:
        for data in (get('/a?b'), post(b'abc'), get('http://h/a'),
                     b'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n'):
            sock.sendall(data)
            assert one(sock).body == b'a'


def test_wsgi_environment(serve):
    served = serve()
    with served.connect() as sock:
        sock.sendall(get(
            '/a%20b%C3%A4?c=%20', 'X-Odd-Name:  d ', 'X_Odd_Name: evil',
            'X-Umlaut: \xe4'))
        told = one(sock).json
        port = sock.getsockname()[1]
    assert told == told | {
        'PATH_INFO': '/a b\xc3\xa4',
        'QUERY_STRING': 'c=%20',
        'RAW_URI': '/a%20b%C3%A4?c=%20',
        'SCRIPT_NAME': '',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'SERVER_PORT': str(served.address[1]),
        'REMOTE_ADDR': '127.0.0.1',
        'REMOTE_PORT': str(port),
        'HTTP_HOST': 'localhost',
        'HTTP_X_ODD_NAME': 'd',
        'HTTP_X_UMLAUT': '\xe4',
        'wsgi.url_scheme': 'http',
    }
    assert told['SERVER_NAME'] == socket.gethostname()


def test_url_as_target_names_the_host(serve):
    told = serve().get('http://other:1/a?b').json
    assert told['HTTP_HOST'] == 'other:1'
    assert told['PATH_INFO'] == '/a'
    assert told['QUERY_STRING'] == 'b'
    assert told['RAW_URI'] == 'http://other:1/a?b'


def test_server_as_a_whole_is_the_target(serve):
    served = serve()
    with served.connect() as sock:
        sock.sendall(b'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n')
        told = one(sock).json
    assert (told['PATH_INFO'], told['RAW_URI']) == ('/', '*')


@pytest.mark.parametrize('target', [
    '/', '/a', '/a%20b', '/a?b=%2f', '//a', '/%', '/a;b?', 'http://h/a?b',
    'http://h', 'HTTP://h?a=b',
])
def test_digest_finds_its_uri_to_be_the_target(target, serve):
    def app(environ, start_response):
        start_response('200 OK', [])
        return [str(is_target(target.encode(), environ)).encode()]

    assert serve(app).get(target).body == b'True'


def test_ipv4_client_of_an_ipv6_socket_has_its_own_address(serve):
    served = serve(listeners=listen.listen([''], 30000, 60000))
    served.address = ('127.0.0.1', served.address[1])
    with socket.create_connection(served.address) as sock:
        sock.sendall(get())
        assert one(sock).json['REMOTE_ADDR'] == '127.0.0.1'


def test_client_of_a_unix_socket_has_no_address(serve, tmp_path):
    path = str(tmp_path / 'sock')
    served = serve(listeners=[listen.listen_unix(path)])
    told = served.get('/a').json
    assert told['PATH_INFO'] == '/a'
    assert told['SERVER_NAME']
    assert told['SERVER_PORT'] == '0'
    assert not {'REMOTE_ADDR', 'REMOTE_PORT'} & set(told)


# What is no request


SMUGGLED = get('/smuggled')
CHUNKED = 'Transfer-Encoding: chunked'


@pytest.mark.parametrize('data', [
    pytest.param(post(b'a', 'Content-Length: 50'), id='two lengths'),
    pytest.param(post(b'a', 'Content-Length: 1'), id='a length twice'),
    pytest.param(post(b'a', CHUNKED), id='length and chunks'),
    pytest.param(get('/', 'Transfer-Encoding:'), id='empty coding'),
    pytest.param(get('/', 'Transfer-Encoding : chunked'), id='blank'),
    pytest.param(get('/', 'Transfer-Encoding:\r\n chunked'), id='folded'),
    pytest.param(get('/', 'Transfer-Encoding: identity'), id='identity'),
    pytest.param(get('/', 'Transfer-Encoding: x, chunked'), id='two codings'),
    pytest.param(get('/', CHUNKED, CHUNKED), id='chunked twice'),
    pytest.param(get('/', CHUNKED, version='1.0'), id='chunks of HTTP/1.0'),
    pytest.param(get('/', 'Content-Length:'), id='empty length'),
    pytest.param(get('/', 'Content-Length: -1'), id='negative length'),
    pytest.param(get('/', 'Content-Length: ' + '0' * 30 + '5'), id='zeros'),
    pytest.param(get('/', 'A: b\nContent-Length: 5'), id='bare line feed'),
    pytest.param(get('/', 'A: b\rContent-Length: 5'), id='bare return'),
    pytest.param(get('/', 'A: \0'), id='NUL'),
    pytest.param(get('/', 'Host: other'), id='two hosts'),
    pytest.param(get('/', CHUNKED) + b'1;\n\r\na\r\n', id='chunk line'),
    pytest.param(get('/', CHUNKED) + b'1\r\nab\r\n', id='chunk end'),
    pytest.param(b'GET / HTTP/1.1\r\n\r\n', id='no host'),
    pytest.param(b'GET /\r\n', id='HTTP/0.9'),
    pytest.param(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', id='HTTP/2'),
    pytest.param(b'GET / HTTP/1.1\nHost: h\n\n', id='line feeds only'),
    pytest.param(b'CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n', id='tunnel'),
    pytest.param(b'\x80\x2e\x01\0\x02\r\n', id='binary'),
])
def test_nothing_is_smuggled(data, serve):
    """What is refused ends the connection: no rest is taken for a request."""
    lines: list[str] = []
    found = serve(access_log=lines.append).ask(data + SMUGGLED)
    assert status_of(found) in (400, 501, 505)
    assert len(lines) == 1


def test_refusal_says_why(serve):
    (answer,) = answers(serve().ask(b'GET / HTTP/1.1\r\nA\r\n\r\n'))
    assert answer.reason == 'Bad Request'
    assert answer.headers['Content-Type'] == 'text/plain; charset=utf-8'
    assert answer.body == b'A header line is not NAME: VALUE.\n'


def test_long_target(serve):
    served = serve(header_size=2000)
    assert served.get('/' + 'a' * 1900).status == 200
    assert status_of(served.ask(get('/' + 'a' * 2000))) == 414
    assert status_of(served.ask(b'a' * 5000)) == 414


def test_large_header(serve):
    served = serve(header_size=2000)
    fields = [f'A{number}: ' + 'a' * 100 for number in range(10)]
    assert served.ask(get('/', 'Connection: close', *fields))
    assert status_of(served.ask(get('/', *fields, *fields))) == 431
    assert status_of(served.ask(get('/', 'A: ' + 'a' * 5000))) == 431
    assert status_of(served.ask(get('/' + 'a' * 1000, *fields))) == 431


def test_many_header_fields(serve):
    served = serve()
    fields = [f'A{number}: a' for number in range(1000)]
    assert status_of(served.ask(get('/', *fields))) == 431


def test_large_body(serve):
    served = serve(body_size=2000)
    for data in (
        post(b'a' * 2001),
        get('/', CHUNKED) + b'7d1\r\n',
        get('/', CHUNKED) + b'1\r\na\r\n' * 1000,
    ):
        (answer,) = answers(served.ask(data))
        assert answer.status == 413
        assert answer.body == b'The body is larger than 2000 bytes.\n'
    assert status_of(served.ask(
        post(b'a' * 2000, 'Connection: close'))) == 200


def test_refusal_reaches_a_client_which_is_still_sending(serve):
    served = serve()
    with served.connect() as sock:
        sock.sendall(post(b'')[:-5] + b'%d\r\n\r\n' % MUCH)
        for _ in range(20):
            sock.sendall(b'a' * 100_000)
            time.sleep(0.01)
        assert one(sock).status == 413


def test_refused_client_cannot_send_forever(serve):
    served = serve()
    with served.connect() as sock:
        sock.sendall(post(b'')[:-5] + b'%d\r\n\r\n' % MUCH)
        with pytest.raises(OSError):
            while True:
                sock.sendall(b'a' * 100_000)


# Slow clients


def drip(sock: socket.socket, data: bytes) -> bytes:
    """Send a byte now and then, until the server says something."""
    sock.settimeout(0.05)
    for byte in data:
        sock.send(bytes([byte]))
        try:
            return sock.recv(1000)
        except TimeoutError:
            pass
    raise AssertionError('the server took it all')


@pytest.mark.parametrize('start', [
    pytest.param(b'', id='request line'),
    pytest.param(get()[:-2] + b'A: ', id='header'),
    pytest.param(post(b'')[:-5] + b'1000\r\n\r\n', id='body'),
    pytest.param(get('/', CHUNKED) + b'3e8\r\n', id='chunk'),
])
def test_request_has_to_come_in_time(start, serve):
    served = serve(request_timeout=0.5)
    with served.connect() as sock:
        sock.sendall(start)
        began = time.monotonic()
        found = drip(sock, b'a' * 1000)
        assert 0.4 < time.monotonic() - began < 10
        assert status_of(found) == 408


def test_time_of_a_request_begins_with_it(serve):
    with serve(request_timeout=0.5, idle_timeout=20).connect() as sock:
        time.sleep(1)
        assert still_open(sock)
        time.sleep(1)
        assert still_open(sock)


def test_idle_connection_ends_without_a_word(serve):
    served = serve(idle_timeout=0.3, request_timeout=20)
    with served.connect() as sock:
        assert still_open(sock)
        began = time.monotonic()
        assert everything(sock) == b''
        assert 0.2 < time.monotonic() - began < 10


def test_client_that_reads_nothing_is_given_up(serve):
    served = serve(app_of([b'a' * MUCH]), request_timeout=0.3)
    with served.connect() as sock:
        sock.sendall(get())
        assert sock.recv(1)
        wait_for(lambda: not wires())
        with pytest.raises(ConnectionResetError):
            everything(sock)


def test_client_that_reads_slowly_is_served(serve):
    content = b'a' * 20_000_000
    served = serve(app_of([content]), request_timeout=1)
    with served.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        sock.sendall(get('/', 'Connection: close'))
        count = 0
        began = time.monotonic()
        while data := sock.recv(1_000_000):
            count += len(data)
            time.sleep(0.01 if time.monotonic() - began < 2 else 0)
        assert time.monotonic() - began > 1.5
    assert count > len(content)


def test_slow_client_delays_nobody(serve):
    served = serve()
    with served.connect() as slow, served.connect() as mute:
        slow.sendall(post(b'abc')[:-1])
        mute.sendall(b'G')
        assert served.get().status == 200
        slow.sendall(b'c')
        assert one(slow).status == 200


# Answers


def test_answer_of_unknown_length_comes_in_chunks(serve):
    with serve(app_of(parts)).connect() as sock:
        sock.sendall(get())
        answer = one(sock)
        assert answer.headers['Transfer-Encoding'] == 'chunked'
        assert answer.body == b'one two'
        assert still_open(sock)


@pytest.mark.parametrize('connection', ['close', 'keep-alive'])
def test_answer_of_unknown_length_ends_with_http_1_0(connection, serve):
    data = serve(app_of(parts)).ask(
        get('/', f'Connection: {connection}', version='1.0'))
    (answer,) = answers(data)
    assert answer.headers.get_all('Connection') == ['close']
    assert answer.body == b'one two'


def test_answer_whose_length_can_be_seen(serve):
    with serve(app_of([b'one ', b'two'])).connect() as sock:
        sock.sendall(get())
        answer = one(sock)
        assert answer.headers['Content-Length'] == '7'
        assert answer.body == b'one two'
        assert still_open(sock)


@pytest.mark.parametrize('size', [0, 1, JOINED, JOINED + 1, 5_000_000])
def test_answer_of_any_size(size, serve):
    with serve(app_of([b'a' * size])).connect() as sock:
        sock.sendall(get())
        assert one(sock).body == b'a' * size
        assert still_open(sock)


@pytest.mark.parametrize('app', [
    pytest.param(app_of(parts), id='parts'),
    pytest.param(app_of([b'one ', b'two']), id='list'),
    pytest.param(app_of([b'a' * JOINED * 2]), id='large'),
    pytest.param(app_of([], ('Content-Length', '7')), id='header only'),
])
def test_head_has_no_body(app, serve):
    head = b'HEAD' + get()[3:]
    with serve(app).connect() as sock:
        sock.sendall(head)
        one(sock, 'HEAD')
        sock.sendall(head)
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock).endswith(b'\r\n\r\n')


@pytest.mark.parametrize('status', ['204 No Content', '304 Not Modified'])
def test_answer_that_has_no_body_by_its_status(status, serve):
    with serve(app_of([], status=status)).connect() as sock:
        sock.sendall(get())
        answer = one(sock)
        assert f'{answer.status} {answer.reason}' == status
        assert not {'Content-Length', 'Transfer-Encoding'} & set(
            answer.headers)
        assert still_open(sock)


def test_date_is_there_once(serve):
    assert serve().get().headers.get_all('Date')
    dated = serve(app_of([b''], ('Date', 'today'))).get()
    assert dated.headers.get_all('Date') == ['today']


def test_small_answer_is_one_packet(serve):
    def packets(sock: socket.socket) -> int:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        number: int = struct.unpack_from('I', info, DATA_SEGMENTS_IN)[0]
        return number

    with serve(small).connect() as sock:
        for number in range(1, 6):
            sock.sendall(get())
            assert one(sock).body == b'true'
            assert packets(sock) == number


def test_packets_are_not_held_back(serve):
    with serve().connect() as sock:
        assert still_open(sock)
        (wire,) = wires()
        assert wire._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# Faults of the application


@pytest.mark.parametrize('fault', [
    KeyError('a'), OSError(5, 'disk'), BrokenPipeError(32, 'pipe'), OSError(),
    TimeoutError(), SystemExit(1), KeyboardInterrupt(), RecursionError(),
])
def test_fault_is_logged_and_answered(fault, serve, caplog):
    def app(environ, start_response):
        if environ['PATH_INFO'] == '/again':
            return small(environ, start_response)
        raise fault

    served = serve(app)
    (answer,) = answers(served.ask(get()))
    assert answer.status == 500
    assert answer.body == b'The server failed; its log says more.\n'
    (record,) = caplog.records
    assert record.name == 'cylc'
    assert record.levelno == logging.ERROR
    assert record.message == 'flask: fault in an answer'
    assert record.exc_info[1] is fault
    assert served.get('/again').status == 200


def test_fault_after_the_answer_was_begun_cuts_it_off(serve, caplog):
    def begun():
        yield b'one'
        raise KeyError('a')

    served = serve(app_of(begun))
    with served.connect() as sock:
        sock.sendall(get())
        with pytest.raises(http.client.IncompleteRead):
            one(sock)
    assert [record.message for record in caplog.records] == [
        'flask: fault in an answer']


@pytest.mark.parametrize('app', [
    pytest.param(app_of([b'a'], ('A', 'b\r\nC: d')), id='header injection'),
    pytest.param(app_of([b'a'], ('\u20ac', 'b')), id='not Latin-1'),
    pytest.param(app_of([b'a'], status='x'), id='no status'),
    pytest.param(app_of([b'a'], status='204 No Content'), id='body of 204'),
    pytest.param(app_of([1]), id='no bytes'),
    pytest.param(lambda environ, start_response: [b'a'], id='no start'),
    pytest.param(lambda environ: [b'a'], id='no application'),
])
def test_answer_that_is_none(app, serve, caplog):
    assert status_of(serve(app).ask(get())) == 500
    assert 'flask: fault in an answer' in caplog.text


def test_client_goes_before_the_answer(serve, caplog):
    def app(environ, start_response):
        start_response('200 OK', [])
        while True:
            yield b'a' * 100_000

    served = serve(app)
    with served.connect() as sock:
        sock.sendall(get())
        assert sock.recv(10)
    wait_for(lambda: not wires())
    assert not caplog.records


def test_application_may_write_to_the_log(serve, caplog):
    def app(environ, start_response):
        environ['wsgi.errors'].write('Alas\n')
        environ['wsgi.errors'].flush()
        return small(environ, start_response)

    serve(app).get()
    (record,) = caplog.records
    assert (record.name, record.message) == ('cylc', 'Alas')


# The access log


def logged(serve, *requests_: bytes, app: Any = small) -> list[str]:
    lines: list[str] = []
    served = serve(app, access_log=lines.append)
    for request in requests_:
        served.ask(request)
    return lines


def test_access_log(serve):
    lines = logged(serve, get('/a?b', 'Connection: close'))
    (line,) = lines
    assert line.startswith('127.0.0.1 - - [')
    assert '] "GET /a?b HTTP/1.1" 200 ' in line


def test_refused_requests_are_in_the_access_log(serve):
    lines = logged(serve, get('/a') + b'GET /\x1b[2J"\x85 HTTP/1.1\r\n')
    assert '"GET /a HTTP/1.1" 200' in lines[0]
    assert r'"GET /\x1b[2J"\x85 HTTP/1.1" 400' in lines[1]
    assert len(lines) == 2
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_failed_requests_are_in_the_access_log(serve, caplog):
    (line,) = logged(serve, get(), app=lambda environ: None)
    assert '"GET / HTTP/1.1" 500' in line


# Real clients


def test_requests(serve):
    with requests.Session() as session:
        host, port = serve().address
        for _ in range(3):
            url = f'http://{host}:{port}/a'
            assert session.get(url, timeout=9).json()['PATH_INFO'] == '/a'
            assert session.post(url, b'abc', timeout=9).json()['body'] == 'abc'
            told = session.post(url, iter([b'a', b'bc']), timeout=9).json()
            assert told['body'] == 'abc'
            assert session.head(url, timeout=9).status_code == 200


def test_urllib(serve):
    host, port = serve().address
    with urllib.request.urlopen(f'http://{host}:{port}/a', timeout=9) as page:
        assert b'"PATH_INFO": "/a"' in page.read()


@pytest.mark.parametrize('options', [
    [], ['--http1.0'], ['--head'], ['--data', 'abc'],
    ['--header', 'Transfer-Encoding: chunked', '--data', 'abc'],
    ['--data', 'a' * 100_000, '--header', 'Expect: 100-continue'],
    ['--http2'],
], ids=' '.join)
def test_curl(options, serve):
    host, port = serve().address
    done = subprocess.run(
        [need('curl'), '--silent', '--show-error', '--fail', '--max-time',
         '20', *options, *[f'http://{host}:{port}/{n}' for n in (1, 2)]],
        capture_output=True, check=True)
    assert done.stdout.count(b'200 OK' if '--head' in options
                             else b'"PATH_INFO": "/') == 2


def test_curl_on_a_unix_socket(serve, tmp_path):
    path = str(tmp_path / 'sock')
    serve(echo, listeners=[listen.listen_unix(path)])
    done = subprocess.run(
        [need('curl'), '--silent', '--show-error', '--fail', '--max-time',
         '20', '--unix-socket', path, 'http://localhost/a'],
        capture_output=True, check=True)
    assert b'"PATH_INFO": "/a"' in done.stdout
