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
"""From start to end, whatever the end: what runs, and what is left."""

from __future__ import annotations

import os
from pathlib import Path
import signal
import time

import psutil
import pytest

from tests.chaos import (
    PAUSED,
    Traces,
    chaotic,
    is_served,
    order,
    play,
    said,
)
from tests.harness import Run, Starter, wait_for

#: One whose only task fails when it is let go; it stalls, and aborts.
STALLS = """
    [scheduler]
        [[events]]
            stall timeout = PT0S
            abort on stall timeout = True
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
            script = until [[ -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 1; done
            post-script = false
"""

#: One with a job that goes on until it is let go.
SLOW = """
    [scheduling]
        [[graph]]
            R1 = one => two
    [runtime]
        [[one]]
            script = until [[ -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 1; done
        [[two]]
"""

#: What is added to that one, before it is reloaded.
NEW = """
        [[new]]
            [[[meta]]]
                title = added
"""


def let_go(run: Run) -> None:
    """Let the job go on which waits for that."""
    (run.run_dir / 'go').touch()


# The ends


def test_natural_end(start: Starter) -> None:
    run = start(SLOW)
    traces = Traces.of(run)
    traces.assert_untouched()
    let_go(run)
    assert run.wait_end() == 0
    traces.assert_orderly()
    assert 'AUTOMATIC' in run.log()


def test_clean_stop_waits_for_jobs(start: Starter) -> None:
    run = start(SLOW)
    traces = Traces.of(run)
    run.wait_log('=> running')
    run.cylc('stop', run.name)
    run.wait_log('Command "stop" actioned')
    # Meanwhile clients are served.
    assert is_served(run)
    traces.assert_untouched()
    let_go(run)
    assert run.wait_end() == 0
    assert '1/one/01:running] => succeeded' in run.log()
    assert '1/two' not in run.log().replace('1/two:waiting', '')
    traces.assert_orderly()


def test_stop_now_now(start: Starter) -> None:
    run = start(SLOW)
    traces = Traces.of(run)
    run.wait_log('=> running')
    assert run.stop('--now', '--now') == 0
    traces.assert_orderly()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_signal(start: Starter, number: int) -> None:
    run = start(SLOW, PAUSED)
    traces = Traces.of(run)
    run.signal(number)
    assert run.wait_end() == 0
    assert f'Signal {signal.Signals(number).name} received' in run.log()
    traces.assert_orderly()


def test_control_c(start: Starter) -> None:
    run = start(SLOW)
    traces = Traces.of(run)
    run.wait_log('=> running')
    # As the terminal does it: to all processes in the foreground.
    os.killpg(traces.pid, signal.SIGINT)
    assert run.wait_end() == 0
    traces.assert_orderly()


def test_abort_on_stall(start: Starter) -> None:
    run = start(STALLS)
    traces = Traces.of(run)
    let_go(run)
    assert run.wait_end() != 0
    assert 'abort on stall timeout' in run.log()
    traces.assert_orderly()


def test_crash_of_the_main_loop(start: Starter) -> None:
    run = play(chaotic(start))
    traces = Traces.of(run)
    order(run, 'crash')
    assert run.wait_end() != 0
    assert 'a test crashes the main loop' in run.log()
    traces.assert_gone()
    assert 'cylc_flask' not in said(run)


def test_contact_file_lost(start: Starter) -> None:
    run = start.make(global_config="""
        [scheduler]
            [[main loop]]
                [[[health check]]]
                    interval = PT1S
    """)
    traces = Traces.of(run.play(PAUSED))
    # Several checks find nothing wrong.
    time.sleep(3)
    assert run.alive
    run.contact.unlink()
    assert run.wait_end() != 0
    traces.assert_gone()
    assert 'cylc_flask' not in said(run)


def test_the_run_directory_is_removed(start: Starter) -> None:
    """Nobody should; the scheduler ends, and so do we."""
    run = start.make(global_config="""
        [scheduler]
            [[main loop]]
                [[[health check]]]
                    interval = PT1S
    """)
    traces = Traces.of(run.play(PAUSED))
    run.run_dir.rename(run.home / 'elsewhere')
    assert run.wait_end() != 0
    assert not traces.legacy.exists()
    assert 'cylc_flask' not in said(run)


# What comes between


def titles(run: Run) -> str:
    """Return the title of the task which a reload brings."""
    return str(run.get('get_task_info', names='new')['new'].get('title', ''))


def test_reload(start: Starter) -> None:
    run = start(SLOW, PAUSED)
    traces, http = Traces.of(run), run.http
    assert titles(run) == ''
    run.define(SLOW.replace('=> two', '=> two => new') + NEW)
    run.cylc('reload', run.name)
    run.wait_log('Reload completed')
    wait_for(lambda: titles(run) == 'added', what='the new task')
    assert run.http == http
    traces.assert_untouched()
    assert run.stop() == 0
    traces.assert_orderly()


def test_restart(start: Starter) -> None:
    run = start.make(SLOW, config={'method': 'https'})
    run.play(PAUSED)
    traces = Traces.of(run)
    names = ('passphrase', 'ssl.cert', 'ssl.pem')
    before = {name: (run.service / name).read_bytes() for name in names}
    run.post('hold_tasks', items='one.1')
    wait_for(lambda: held(run))
    assert run.stop() == 0
    traces.assert_orderly()

    run.play()
    assert run.http['pid'] != traces.pid
    assert {
        name: (run.service / name).read_bytes() for name in names
    } == before
    assert held(run)
    traces = Traces.of(run)
    assert run.stop() == 0
    traces.assert_orderly()


def held(run: Run) -> bool:
    _, tasks, _ = run.get('get_suite_state_summary')
    return bool(tasks['one.1']['state'] == 'held')


def test_killed(start: Starter) -> None:
    run = start(SLOW, PAUSED)
    traces = Traces.of(run)
    stale = run.http
    run.kill()
    assert run.http == stale
    assert traces.legacy.exists()
    info = run.cylc('flask', 'info', run.name, check=False)
    assert info.returncode == 1
    assert f'gone: process {traces.pid} has ended' in info.stdout

    run.play()
    assert run.http['pid'] == run.process.pid != traces.pid
    info = run.cylc('flask', 'info', run.name)
    assert 'healthy' in info.stdout
    assert f'CYLC_SUITE_PROCESS={run.process.pid} ' in (
        traces.legacy.read_text())
    traces = Traces.of(run)
    assert run.stop() == 0
    traces.assert_orderly()


def test_detached(start: Starter) -> None:
    run = start.make(SLOW, config={
        'method': 'https', 'access_log': 'access.log'})
    run.cylc('play', PAUSED, run.name)
    wait_for(lambda: is_served(run), what='a web server')
    traces = Traces.of(run)
    process = psutil.Process(traces.pid)
    assert process.terminal() is None
    assert process.cwd() == '/'
    assert 'GET /ping_suite' in (run.run_dir / 'log/access.log').read_text()
    run.cylc('stop', '--now', '--now', run.name)
    process.wait(30)
    traces.assert_orderly()


# Auto-restart, on "hosts" which are addresses of this one

HOSTS = """
    [scheduler]
        [[host self-identification]]
            method = hardwired
            host = {host}
        [[main loop]]
            plugins = health check, auto restart, flask
            [[[auto restart]]]
                interval = PT1S
        [[run hosts]]
            available = 127.0.0.2, 127.0.0.3
            condemned = {condemned}
    [platforms]
        [[localhost]]
            ssh command = {ssh}
            use login shell = False
"""

#: Runs a command in the way of ssh, on the "host" of that configuration.
SSH = """#!/bin/bash
while [[ $1 == -* ]]; do shift; done
host=$1
shift
eval "exec env $(printf '%s ' "$@" | sed "s|conf-[0-9.]*|conf-$host|")"
"""


def test_auto_restart(start: Starter) -> None:
    run = start.make(SLOW)
    ssh = run.home / 'ssh'
    run.write(ssh, SSH)
    ssh.chmod(0o755)
    base = (run.home / 'conf' / 'global.cylc').read_text()

    def configure(host: str, condemned: str) -> Path:
        conf = run.home / f'conf-{host}'
        run.write(conf / 'global.cylc', base + HOSTS.format(
            host=host, condemned=condemned, ssh=ssh))
        return conf

    run.environment['CYLC_CONF_PATH'] = str(configure('127.0.0.2', ''))
    run.cylc('play', '--host=localhost', PAUSED, run.name)
    wait_for(lambda: is_served(run), what='a web server')
    traces = Traces.of(run)
    passphrase = run.passphrase
    assert 'CYLC_WORKFLOW_HOST=127.0.0.2' in traces.contact
    configure('127.0.0.3', '127.0.0.2')
    configure('127.0.0.2', '127.0.0.2')

    wait_for(lambda: not psutil.pid_exists(traces.pid), 60, 'the first end')
    wait_for(lambda: is_served(run), what='the second web server')
    assert run.http['pid'] != traces.pid
    assert run.passphrase == passphrase
    assert 'CYLC_WORKFLOW_HOST=127.0.0.3' in run.contact.read_text()
    assert 'Workflow now running on "127.0.0.3"' in run.log()
    traces = Traces.of(run)
    run.cylc('stop', '--now', '--now', run.name)
    psutil.Process(traces.pid).wait(30)
    traces.assert_orderly()
