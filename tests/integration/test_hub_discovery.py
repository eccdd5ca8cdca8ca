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
"""Discovery looks on while real schedulers come, crash and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
import shutil
import subprocess

import pytest

from cylc.flow.workflow_files import load_contact_file
from cylc_flask.hub.runs.discovery import Change, Discovery
from cylc_flask.hub.runs.scan import Found, RunRoot
from tests.harness import BIN, GLOBAL_CYLC, Run, Starter, need, wait_for

FLOW = """
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
            script = sleep 600
"""

NAME = 'group/one/run1'

#: Seconds within which all has to be seen, on a busy machine.
SOON = 10


@dataclass
class Watcher:
    """What is known of the only workflow."""

    changes: list[tuple[Change, Found]]
    discovery: Discovery

    def status(self) -> str | None:
        known = {flow.name: flow for flow in self.discovery.known()}
        assert known.keys() <= {NAME}
        return known[NAME].status.value if known else None

    def soon(self, status: str | None) -> None:
        wait_for(
            lambda: self.status() == status, SOON,
            f'{status}, but {self.status()}')

    @property
    def found(self) -> Found:
        (found,) = self.discovery.known()
        return found


@pytest.fixture
def watch(
    monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Run], Watcher]]:
    """Watch the run root of a run, by notification alone."""
    started = []

    def begin(run: Run) -> Watcher:
        monkeypatch.setenv('HOME', str(run.home))
        changes: list[tuple[Change, Found]] = []
        discovery = Discovery(
            RunRoot.of_cylc(),
            lambda change, found: changes.append((change, found)),
            period=3600,
        )
        discovery.start()
        started.append(discovery)
        return Watcher(changes, discovery)

    yield begin
    for discovery in started:
        discovery.stop()


@pytest.mark.parametrize('plugin', [True, False])
def test_life_of_a_workflow(
    start: Starter, watch: Callable[[Run], Watcher], plugin: bool
):
    run = start.make(FLOW, name=NAME)
    if not plugin:
        run.write(
            run.home / 'conf' / 'global.cylc',
            GLOBAL_CYLC.replace(', flask', ''))
    shutil.rmtree(run.run_dir)
    seen = watch(run)
    seen.soon(None)

    run.define(FLOW)
    seen.soon('installed')

    play(run, plugin)
    seen.soon('running')
    assert_right(run, seen, plugin)
    first = seen.found

    run.stop()
    seen.soon('stopped')
    assert seen.found.contact is None

    play(run, plugin)
    seen.soon('running')
    assert seen.found.uuid == first.uuid
    assert seen.found.process != first.process

    run.kill()
    seen.soon('crashed')
    assert run.contact.exists()
    assert seen.found.http is None

    play(run, plugin)
    seen.soon('running')
    assert_right(run, seen, plugin)
    run.stop()
    seen.soon('stopped')

    run.cylc('clean', '--yes', NAME)
    seen.soon(None)
    assert not run.run_dir.exists()
    run.process = None


def play(run: Run, plugin: bool) -> None:
    run.play(wait=plugin)
    assert run.process
    pid = run.process.pid
    run.wait_for(
        lambda: run.contact.exists() and str(pid) in run.contact.read_text(),
        60, 'its contact file')


def assert_right(run: Run, seen: Watcher, plugin: bool) -> None:
    """Compare with what Cylc itself reads."""
    contact = seen.found.contact
    theirs = load_contact_file(NAME, run_dir=run.run_dir)
    assert contact
    assert run.process
    assert contact.workflow == NAME
    assert contact.pid == run.process.pid
    for key, value in {
        'API': contact.api, 'VERSION': contact.version,
        'WORKFLOW_COMMAND': contact.command, 'WORKFLOW_HOST': contact.host,
        'WORKFLOW_OWNER': contact.owner, 'WORKFLOW_PORT': contact.port,
        'WORKFLOW_PUBLISH_PORT': contact.publish_port,
        'WORKFLOW_UUID': contact.uuid,
    }.items():
        assert str(value) == theirs[f'CYLC_{key}']
    assert seen.found.process
    assert seen.found.process.pid == contact.pid
    if plugin:
        wait_for(lambda: seen.found.http, SOON, 'the address')
        assert seen.found.http
        assert seen.found.http.address.url.rstrip('/') == run.url
    else:
        assert seen.found.http is None


def test_scheduler_that_detaches(
    start: Starter, watch: Callable[[Run], Watcher]
):
    """As it does by default, in more than one process on the way."""
    run = start.make(FLOW, name=NAME)
    seen = watch(run)
    seen.soon('installed')
    run.cylc('play', NAME)
    seen.soon('running')
    statuses = [found.status.value for _, found in seen.changes]
    assert 'crashed' not in statuses
    run.cylc('stop', '--now', '--now', NAME)
    run.wait_for(lambda: not run.contact.exists(), 30, 'its end')
    seen.soon('stopped')
    assert 'crashed' not in [found.status.value for _, found in seen.changes]


def test_installed_by_cylc(
    start: Starter, watch: Callable[[Run], Watcher], tmp_path: Path
):
    """With the links to the latest run and to the source that it makes."""
    need('rsync')
    run = start.make(FLOW, name='unused')
    shutil.rmtree(run.run_dir)
    (tmp_path / 'flow.cylc').write_text('[scheduling]\n[[graph]]\nR1 = a\n')
    seen = watch(run)
    result = subprocess.run(
        (BIN / 'cylc', 'install', '--workflow-name=group/one', tmp_path),
        env=run.environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    seen.soon('installed')
    assert (run.home / 'cylc-run/group/one/runN').is_symlink()
    run.cylc('clean', '--yes', NAME)
    seen.soon(None)
