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
"""The parallel run root: what clients find there, and what we may touch."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask import legacy_root
from cylc_flask.legacy_root import FILES, MARKER, LegacyRoot, contact, sweep
from cylc_flask.private import UnusableFile

CONTACT = contact({'CYLC_SUITE_PORT': '43001'})
CREDENTIALS = {'passphrase': b'p' * 20, 'ssl.cert': b'certificate'}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root, which does not exist yet."""
    return tmp_path / 'home' / 'cylc7-run'


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory which is none of ours, though it looks like it."""
    service = tmp_path / 'outside' / '.service'
    service.mkdir(parents=True)
    for name in (*FILES, MARKER):
        (service / name).write_text('/nowhere\n')
    return service.parent


def enter(root: Path, workflow: str) -> LegacyRoot:
    """Announce a workflow, which has a run directory."""
    run_dir = root.parent / 'cylc-run' / workflow
    run_dir.mkdir(parents=True)
    found = LegacyRoot(root, workflow, run_dir)
    found.announce(CONTACT, CREDENTIALS)
    return found


def clean(root: Path, workflow: str) -> None:
    """Remove the run directory, as "cylc clean" does."""
    (root.parent / 'cylc-run' / workflow).rmdir()


def names(folder: Path) -> list[str]:
    """Return the paths of all files below a folder."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob('*')
        if path.is_symlink() or not path.is_dir())


class TestContact:
    """The form of a contact file."""

    def test_every_line_is_an_item(self):
        text = contact({'CYLC_SUITE_PROCESS': b'1 python -c a=b', 'Z': 'z'})
        assert text.decode().splitlines() == [
            'CYLC_API=2',
            'CYLC_SUITE_PROCESS=1 python -c a=b',
            'CYLC_VERSION=7.8.15',
            'Z=z',
        ]
        assert text.endswith(b'z\n')

    def test_our_version_wins(self):
        assert b'CYLC_VERSION=7.' in contact({'CYLC_VERSION': '8.5.4'})

    @pytest.mark.parametrize('value', ['a\nb', 'a\r', b'\n'])
    def test_line_break(self, value: str | bytes):
        with pytest.raises(ValueError, match='line break'):
            contact({'CYLC_SUITE_PROCESS': value})

    @given(st.binary(min_size=1).filter(lambda value: not
                                        set(value) & set(b'\r\n')))
    def test_any_command_line(self, value: bytes):
        lines = contact({'CYLC_SUITE_PROCESS': value}).split(b'\n')
        assert lines[1] == b'CYLC_SUITE_PROCESS=' + value
        assert len(lines) == 4


class TestAnnounce:
    """What a start leaves for clients."""

    @pytest.mark.parametrize('workflow', ['one', 'a/b/run1'])
    def test_files(self, root: Path, workflow: str):
        enter(root, workflow)
        service = root / workflow / '.service'
        assert (service / 'contact').read_bytes() == CONTACT
        assert (service / 'passphrase').read_bytes() == b'p' * 20
        assert (service / 'ssl.cert').read_bytes() == b'certificate'
        assert names(service) == sorted([*FILES, MARKER])

    def test_modes(self, root: Path):
        enter(root, 'a/b/run1')
        for path in (root, *root.rglob('*')):
            expected = 0o700 if path.is_dir() else 0o600
            assert path.stat().st_mode & 0o777 == expected, path

    def test_directory_which_others_could_read(self, root: Path):
        service = root / 'one' / '.service'
        service.mkdir(parents=True)
        service.chmod(0o755)
        enter(root, 'one')
        assert service.stat().st_mode & 0o777 == 0o700

    def test_again(self, root: Path):
        first = enter(root, 'one')
        again = LegacyRoot(root, 'one', first.run_dir)
        again.announce(CONTACT.replace(b'43001', b'43002'), CREDENTIALS)
        assert b'43002' in (again.service / 'contact').read_bytes()

    def test_root_may_be_a_link(self, root: Path, tmp_path: Path):
        (tmp_path / 'scratch').mkdir()
        root.parent.mkdir()
        root.symlink_to(tmp_path / 'scratch')
        enter(root, 'one')
        assert (tmp_path / 'scratch/one/.service/contact').exists()

    @pytest.mark.parametrize('place', ['a', 'a/b', 'a/b/.service'])
    def test_link_below_the_root(
        self, root: Path, outside: Path, place: str,
    ):
        link = root / place
        link.parent.mkdir(parents=True)
        link.symlink_to(outside)
        before = names(outside)
        with pytest.raises(UnusableFile, match=f'{link}: not a directory'):
            enter(root, 'a/b')
        assert names(outside) == before
        assert (outside / '.service/contact').read_text() == '/nowhere\n'

    def test_root_is_a_file(self, root: Path):
        root.parent.mkdir()
        root.touch()
        with pytest.raises(UnusableFile, match='cylc7-run: not a directory'):
            enter(root, 'one')

    def test_root_cannot_be_made(self, tmp_path: Path):
        found = LegacyRoot(Path('/proc/cylc7-run'), 'one', tmp_path)
        with pytest.raises(OSError, match='/proc/cylc7-run'):
            found.announce(CONTACT, CREDENTIALS)

    def test_directory_in_the_place_of_a_file(self, root: Path):
        enter(root, 'one').withdraw()
        (root / 'one/.service/contact').mkdir()
        with pytest.raises(OSError, match='contact'):
            LegacyRoot(root, 'one', root).announce(CONTACT, CREDENTIALS)

    def test_suite_of_cylc_7(self, root: Path):
        service = root / 'one' / '.service'
        service.mkdir(parents=True)
        (service / 'passphrase').write_text('theirs')
        with pytest.raises(UnusableFile, match='another program'):
            enter(root, 'one')
        assert names(service) == ['passphrase']
        assert (service / 'passphrase').read_text() == 'theirs'


class TestWithdraw:
    """What a stop takes back."""

    def test_contact_only(self, root: Path):
        found = enter(root, 'one')
        found.withdraw()
        assert names(root / 'one/.service') == [
            MARKER, 'passphrase', 'ssl.cert']

    def test_twice_and_without_announcement(self, root: Path):
        found = enter(root, 'one')
        found.withdraw()
        found.withdraw()
        LegacyRoot(root, 'other', root).withdraw()

    def test_contact_of_another(self, root: Path):
        found = enter(root, 'one')
        (found.service / 'contact').write_text('theirs')
        found.withdraw()
        assert (found.service / 'contact').read_text() == 'theirs'

    def test_contact_that_a_client_has_removed(self, root: Path):
        found = enter(root, 'one')
        (found.service / 'contact').unlink()
        found.withdraw()


class TestSweep:
    """What the next start of any workflow removes."""

    def test_cleaned_workflow(self, root: Path):
        enter(root, 'a/b/run1')
        clean(root, 'a/b/run1')
        assert sweep(root) == [root / 'a/b/run1']
        assert os.listdir(root) == []

    def test_others_stay(self, root: Path):
        for workflow in ('a/run1', 'a/run2', 'b'):
            enter(root, workflow)
        clean(root, 'a/run1')
        sweep(root)
        assert sorted(path.parent.name for path in _services(root)) == [
            'b', 'run2']
        assert (root / 'a/run2/.service/contact').exists()

    def test_run_directory_is_a_dangling_link(self, root: Path):
        enter(root, 'one')
        clean(root, 'one')
        (root.parent / 'cylc-run/one').symlink_to('/nowhere')
        assert sweep(root) == []

    def test_what_others_put_there_stays(self, root: Path):
        found = enter(root, 'a/one')
        (found.service / 'source').symlink_to('..')
        clean(root, 'a/one')
        sweep(root)
        assert names(root) == ['a/one/.service/source']

    def test_without_our_mark(self, root: Path):
        found = enter(root, 'one')
        (found.service / MARKER).unlink()
        clean(root, 'one')
        assert sweep(root) == []
        assert len(names(root)) == len(FILES)

    @pytest.mark.parametrize('content', [b'', b'\n', b'/\0\xff'])
    def test_with_a_garbage_mark(self, root: Path, content: bytes):
        found = enter(root, 'one')
        (found.service / MARKER).write_bytes(content)
        assert sweep(root) == []
        assert len(names(root)) == len(FILES) + 1

    @pytest.mark.parametrize('link, target', [
        ('a', '.'), ('a/b', '.'), ('a/.service', '.service'),
    ])
    def test_links_are_not_followed(
        self, root: Path, outside: Path, link: str, target: str,
    ):
        (root / link).parent.mkdir(parents=True)
        (root / link).symlink_to(outside / target)
        before = names(outside)
        assert sweep(root) == []
        assert names(outside) == before

    def test_files_which_are_links(self, root: Path, outside: Path):
        found = enter(root, 'one')
        (found.service / 'contact').unlink()
        (found.service / 'contact').symlink_to(outside / '.service/contact')
        clean(root, 'one')
        sweep(root)
        assert not found.service.exists()
        assert (outside / '.service/contact').exists()

    def test_no_root(self, root: Path):
        assert sweep(root) == []

    def test_endless_root(self, root: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(legacy_root, 'MOST_DIRECTORIES', 3)
        for workflow in 'abcdef':
            enter(root, workflow)
            clean(root, workflow)
        assert len(sweep(root)) == 2


def _services(root: Path) -> list[Path]:
    return list(root.rglob('.service'))
