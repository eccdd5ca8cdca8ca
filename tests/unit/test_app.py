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
"""The application is plain WSGI: any server can serve it."""

from __future__ import annotations

from collections.abc import Iterator
import threading
from typing import cast
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import pytest
import requests
from requests.auth import HTTPDigestAuth

from cylc_flask.app import create_app
from cylc_flask.commands import Commands
from cylc_flask.config import Config
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Registry, Workflow
from tests.stores import LINES, recorded

PASSPHRASE = 'x' * 20


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Do nothing."""


@pytest.fixture(params=LINES)
def flow(request: pytest.FixtureRequest) -> Workflow:
    """Return a workflow as it was recorded; nothing in it can be changed."""
    return Workflow(
        'running', PASSPHRASE, recorded(request.param, 'running'), Records(),
        cast(Commands, None),
    )


@pytest.fixture
def url(flow: Workflow) -> Iterator[str]:
    """Serve it by Python's own server, which looks for faults against WSGI."""
    app = create_app(Config(), Registry(flow), frozenset({'localhost'}))
    with make_server(
        '127.0.0.1', 0, validator(app), handler_class=Quiet
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
        thread.join()


def get(url: str, **options: object) -> requests.Response:
    return requests.get(
        url, auth=HTTPDigestAuth('cylc', PASSPHRASE), timeout=10, **options
    )


def test_reads(url: str, flow: Workflow) -> None:
    assert get(f'{url}/ping_suite').json() is True
    info = get(f'{url}/get_suite_info').json()
    assert info == flow.store.side.definition.suite_meta
    summary = get(f'{url}/get_suite_state_summary').json()
    assert len(summary[1]) == len(flow.store.task_proxies)
    assert get(f'{url}/get_task_info?names=bad').status_code == 200


def test_errors(url: str) -> None:
    assert requests.get(f'{url}/ping_suite', timeout=10).status_code == 401
    page = get(f'{url}/ping_task')
    assert page.status_code == 404
    assert '<pre id="traceback">' in page.text
    assert 'Missing parameters: task_id' in page.text
    problem = get(f'{url}/ping_task', headers={'Accept': 'application/json'})
    assert problem.headers['Content-Type'] == 'application/problem+json'
    assert problem.json() == {
        'type': 'about:blank', 'title': 'Not Found', 'status': 404,
        'detail': 'Missing parameters: task_id',
    }


def test_markup_in_an_error_is_escaped(url: str) -> None:
    page = get(f'{url}/<script>')
    assert page.status_code == 404
    assert '<script>' not in page.text


def test_a_summary_is_made_once(flow: Workflow) -> None:
    """Until the replica has another version."""
    made = []
    for _ in range(3):
        flow.made('something', made.append)
    flow.store.version += 1
    flow.made('something', made.append)
    assert made == [flow.store, flow.store]
