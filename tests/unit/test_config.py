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
"""The configuration: what is read, what wins, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
import json
import math
import os
from pathlib import Path
import re
import string
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask import cli, config
from cylc_flask.config import Config, Limits, load
from cylc_flask.errors import ConfigError
from cylc_flask.kinds import show
from cylc_flask.privilege import PUBLIC_LEVELS, Privilege
from cylc_flask.tools.config import as_toml

DOCS = Path(__file__).parents[2] / 'docs' / 'configuration.md'

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without configuration, on a site without it."""
    for name in list(os.environ):
        if name.startswith(config.PREFIX):
            monkeypatch.delenv(name)
    home = tmp_path / 'home'
    home.mkdir()
    monkeypatch.setenv('HOME', str(home))
    monkeypatch.setattr(config, 'SITE_FILE', str(tmp_path / 'site.toml'))
    return home


@pytest.fixture
def site(tmp_path: Path) -> Write:
    """Write the site's file."""
    def write(text: str) -> Path:
        path = tmp_path / 'site.toml'
        path.write_text(text)
        return path
    return write


@pytest.fixture
def user(home: Path) -> Write:
    """Write the user's file."""
    def write(text: str) -> Path:
        path = home / '.cylc' / 'flask' / 'config.toml'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
    return write


@pytest.fixture
def named(tmp_path: Path) -> Callable[[bytes | str], dict[str, str]]:
    """Write a file, return the environment that names it."""
    def write(content: bytes | str) -> dict[str, str]:
        path = tmp_path / 'named.toml'
        path.write_bytes(
            content.encode() if isinstance(content, str) else content)
        return {config.FILE_VARIABLE: str(path)}
    return write


def of_user(text: str, user: Write) -> Config:
    user(text)
    return load({})


# where settings come from


def test_defaults(home: Path) -> None:
    found = load({})
    assert found == Config()
    assert found.method == 'https'
    assert found.port == ''
    assert found.public_privilege is Privilege.STATE_TOTALS
    assert found.enable == config.BLUEPRINTS == (
        'rest', 'graphql', 'websocket', 'logs', 'page',
    )
    assert found.control_by_get
    assert not found.read_only
    assert found.legacy_run_directory == f'{home}/cylc7-run'
    assert {found.source(key) for key, _ in found.items()} == {'default'}


def test_later_sources_win_value_by_value(site: Write, user: Write) -> None:
    site_file = site(
        'port = 1001\nmethod = "http"\n'
        '[limits]\nwait = 1\nbody_size = 2000\nheader_size = 2000')
    user_file = user(
        'port = 1002\nread_only = true\n[limits]\nwait = 2\nbody_size = 3000')
    found = load({'CYLC_FLASK_PORT': '1003', 'CYLC_FLASK_LIMITS__WAIT': '3'})
    assert (found.port, found.method, found.read_only) == (1003, 'http', True)
    assert found.limits == Limits(wait=3, body_size=3000, header_size=2000)
    assert {
        key: found.source(key) for key, _ in found.items()
        if found.source(key) != config.DEFAULT
    } == {
        'port': 'CYLC_FLASK_PORT',
        'method': str(site_file),
        'read_only': str(user_file),
        'limits.wait': 'CYLC_FLASK_LIMITS__WAIT',
        'limits.body_size': str(user_file),
        'limits.header_size': str(site_file),
    }


def test_a_named_file_is_read_instead_of_both(
    site: Write, user: Write, named: Callable[[str], dict[str, str]],
) -> None:
    site('method = "http"')
    user('port = 1002')
    env = named('read_only = true')
    found = load(env)
    assert found == Config(read_only=True)
    assert found.source('read_only') == env[config.FILE_VARIABLE]


def test_a_named_file_may_be_in_the_home_directory(home: Path) -> None:
    (home / 'my.toml').write_text('port = 1001')
    assert load({config.FILE_VARIABLE: '~/my.toml'}).port == 1001


def test_an_empty_name_names_no_file(user: Write) -> None:
    user('port = 1002')
    assert load({config.FILE_VARIABLE: ''}).port == 1002


def test_no_file_can_be_named(user: Write) -> None:
    user('port = 1002')
    assert load({config.FILE_VARIABLE: os.devnull}) == Config()


def test_the_environment_of_the_process_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('CYLC_FLASK_PORT', '1001')
    assert load().port == 1001
    assert load({}).port == ''


def test_other_variables_are_not_ours() -> None:
    assert load({'CYLC_PORT': 'x', 'cylc_flask_port': 'x'}) == Config()


def test_it_cannot_be_changed() -> None:
    found = load({'CYLC_FLASK_PORT': '1001'})
    with pytest.raises(AttributeError):
        found.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.sources['port'] = 'me'  # type: ignore[index]
    hash(found)


# good values


@pytest.mark.parametrize('text, key, value', [
    ('method = "http"', 'method', 'http'),
    ('bind = ["127.0.0.1", "::1"]', 'bind', ('127.0.0.1', '::1')),
    ('bind = "127.0.0.1"', 'bind', ('127.0.0.1',)),
    ('bind = []', 'bind', ()),
    ('bind = ["0:0:0::1"]', 'bind', ('::1',)),
    ('bind = ["fe80::1%eth0"]', 'bind', ('fe80::1%eth0',)),
    ('bind = ["[::]"]', 'bind', ('::',)),
    ('bind = ["a", "a"]', 'bind', ('a',)),
    ('port = 1', 'port', 1),
    ('port = 65535', 'port', 65535),
    ('port = ""', 'port', ''),
    ('port = "1001..1002"', 'port', '1001..1002'),
    ('port = " 1001 .. 1002 "', 'port', '1001..1002'),
    ('unix_socket = "http.sock"', 'unix_socket', 'http.sock'),
    ('unix_socket = "/r/{workflow}"', 'unix_socket', '/r/{workflow}'),
    ('authentication = "basic"', 'authentication', 'basic'),
    ('digest_algorithm = "SHA-256"', 'digest_algorithm', 'SHA-256'),
    ('public_privilege = "shutdown"', 'public_privilege', Privilege.SHUTDOWN),
    ('control_by_get = false', 'control_by_get', False),
    ('session_lifetime = 60', 'session_lifetime', 60.0),
    ('deprecate_rest = true', 'deprecate_rest', True),
    ('deprecation_page = "https://a.example/b?c=d#e"', 'deprecation_page',
     'https://a.example/b?c=d#e'),
    ('enable = []', 'enable', ()),
    ('enable = ["rest"]', 'enable', ('rest',)),
    ('allowed_hosts = ["WWW.Example.org."]', 'allowed_hosts',
     ('www.example.org',)),
    ('allowed_hosts = "a_b.local, c-d"', 'allowed_hosts',
     ('a_b.local', 'c-d')),
    ('legacy_run_directory = ""', 'legacy_run_directory', ''),
    ('legacy_run_directory = "/r"', 'legacy_run_directory', '/r'),
    ('access_log = "http.log"', 'access_log', 'http.log'),
    ('access_log = "/tmp/à b"', 'access_log', '/tmp/à b'),
    ('limits = {wait = 0.5}', 'limits.wait', 0.5),
    ('limits.graph_edges = 5', 'limits.graph_edges', 5),
    ('[limits]', 'limits.wait', 60),
])
def test_good_value(text: str, key: str, value: Any, user: Write) -> None:
    found = dict(of_user(text, user).items())[key]
    assert found == value
    assert type(found) is type(value) or key == 'limits.wait'


@pytest.mark.parametrize('name, text, key, value', [
    ('METHOD', 'http', 'method', 'http'),
    ('BIND', '127.0.0.1, ::1', 'bind', ('127.0.0.1', '::1')),
    ('BIND', '', 'bind', ()),
    ('PORT', '1001', 'port', 1001),
    ('PORT', '1001..1002', 'port', '1001..1002'),
    ('PORT', '', 'port', ''),
    ('READ_ONLY', 'yes', 'read_only', True),
    ('READ_ONLY', 'True', 'read_only', True),
    ('READ_ONLY', '1', 'read_only', True),
    ('CONTROL_BY_GET', 'no', 'control_by_get', False),
    ('CONTROL_BY_GET', 'FALSE', 'control_by_get', False),
    ('CONTROL_BY_GET', '0', 'control_by_get', False),
    ('ENABLE', 'rest', 'enable', ('rest',)),
    ('PUBLIC_PRIVILEGE', 'identity', 'public_privilege', Privilege.IDENTITY),
    ('LIMITS__BODY_SIZE', '2000', 'limits.body_size', 2000),
    ('LIMITS__REQUEST_RATE', '2.5', 'limits.request_rate', 2.5),
])
def test_good_variable(name: str, text: str, key: str, value: Any) -> None:
    found = load({config.PREFIX + name: text})
    assert dict(found.items())[key] == value
    assert found.source(key) == config.PREFIX + name


@pytest.mark.parametrize('key', [
    'tls_certificate', 'tls_key', 'legacy_run_directory', 'access_log',
])
def test_home_is_expanded(key: str, home: Path, user: Write) -> None:
    text = ''.join(
        f'{name} = "~/x"\n'
        for name in {key, 'tls_certificate', 'tls_key'})
    assert getattr(of_user(text, user), key) == f'{home}/x'


# bad values


@pytest.mark.parametrize('key, value, allowed', [
    ('method', '"ftp"', '"https" or "http"'),
    ('method', '""', '"https" or "http"'),
    ('method', '"HTTPS"', '"https" or "http"'),
    ('method', '["https"]', '"https" or "http"'),
    ('method', '1', '"https" or "http"'),
    ('bind', '1', 'a list of host names'),
    ('bind', '[1]', 'a list of host names'),
    ('bind', '[""]', 'a list of host names'),
    ('bind', '["*"]', 'a list of host names'),
    ('bind', '["127.0.0.256"]', 'a list of host names'),
    ('bind', '["127.1"]', 'a list of host names'),
    ('bind', '["::1::"]', 'a list of host names'),
    ('bind', '["[::1"]', 'a list of host names'),
    ('bind', '["a b"]', 'a list of host names'),
    ('bind', '["fe80::1%\\n"]', 'a list of host names'),
    ('bind', '["127.0.0.1:80"]', 'without ports'),
    ('bind', '["http://host"]', 'a list of host names'),
    ('bind', '{}', 'a list of host names'),
    ('allowed_hosts', '["-a"]', 'a list of host names'),
    ('allowed_hosts', '["a..b"]', 'a list of host names'),
    ('allowed_hosts', '["ä.example"]', 'a list of host names'),
    ('allowed_hosts', f'["{"a" * 64}"]', 'a list of host names'),
    ('allowed_hosts', f'["{"a." * 127}aaa"]', 'a list of host names'),
    ('port', '0', 'an integer from 1 to 65535'),
    ('port', '-1', 'an integer from 1 to 65535'),
    ('port', '65536', 'an integer from 1 to 65535'),
    ('port', 'true', 'an integer from 1 to 65535'),
    ('port', '1001.0', 'an integer from 1 to 65535'),
    ('port', '"1001"', 'a range "LOW..HIGH"'),
    ('port', '"1001-1002"', 'a range "LOW..HIGH"'),
    ('port', '"1002..1001"', 'a range "LOW..HIGH"'),
    ('port', '"0..9"', 'a range "LOW..HIGH"'),
    ('port', '"9..99999"', 'a range "LOW..HIGH"'),
    ('port', '"1001..."', 'a range "LOW..HIGH"'),
    ('port', '[1001]', 'an integer'),
    ('unix_socket', '"/run/one.sock"', '{workflow}'),
    ('unix_socket', '"a{user}"', '{workflow}'),
    ('unix_socket', '"a}"', '{workflow}'),
    ('unix_socket', f'"{"a" * 108}"', '107 bytes'),
    ('unix_socket', '1', '{workflow}'),
    ('authentication', '"none"', '"digest" or "basic"'),
    ('digest_algorithm', '"SHA-512"', '"MD5" or "SHA" or "SHA-256"'),
    ('digest_algorithm', '["MD5", "SHA-256"]', '"MD5"'),
    ('insecure_basic', '"true"', 'true or false'),
    ('insecure_basic', '1', 'true or false'),
    ('public_privilege', '"full-control"', '"full-read" or "shutdown"'),
    ('public_privilege', '"none"', '"identity" or'),
    ('public_privilege', '""', '"identity" or'),
    ('public_privilege', '3', '"identity" or'),
    ('read_only', '[]', 'true or false'),
    ('enable', '["soap"]', 'made of "rest"'),
    ('enable', '[["rest"]]', 'made of "rest"'),
    ('enable', 'true', 'made of "rest"'),
    ('legacy_run_directory', '"cylc7-run"', 'begins with / or ~'),
    ('legacy_run_directory', '"~no such user/x"', 'begins with / or ~'),
    ('legacy_run_directory', 'false', 'begins with / or ~'),
    ('tls_certificate', '"cert.pem"', 'begins with / or ~'),
    ('tls_key', '"/a\\u0000b"', 'begins with / or ~'),
    ('access_log', '"a\\nb"', 'a path'),
    ('access_log', '"~no such user"', 'a path'),
    ('access_log', '1979-05-27', 'a path'),
    ('session_lifetime', '59', 'a number from 60'),
    ('session_lifetime', '1e9', 'to 604800 (seconds)'),
    ('deprecation_page', 'true', 'begins with http'),
    ('deprecation_page', '"/rest"', 'begins with http'),
    ('deprecation_page', '"ftp://a.example"', 'begins with http'),
    ('deprecation_page', '"https://"', 'begins with http'),
    ('deprecation_page', '"https://a b"', 'begins with http'),
    ('deprecation_page', '"https://a>;b"', 'begins with http'),
    ('deprecation_page', '"https://a\\nb"', 'begins with http'),
    ('limits.sessions', '1', 'an integer from 2'),
    ('limits', '5', 'a table [limits]'),
    ('limits', '[{}]', 'a table [limits]'),
    ('limits.body_size', '1023', 'from 1024 to 1073741824 (bytes)'),
    ('limits.body_size', '2e3', 'an integer'),
    ('limits.body_size', '"1 MB"', 'an integer'),
    ('limits.request_rate', '-1', 'requests a second, 0 for no limit'),
    ('limits.request_rate', 'nan', 'a number from 0'),
    ('limits.wait', 'inf', 'a number from 0 to 3600 (seconds)'),
    ('limits.wait', 'true', 'a number from 0 to 3600 (seconds)'),
    ('limits.idle_timeout', '0', 'a number from 0.1'),
    ('limits.open_connections', '0', 'an integer from 1'),
    ('limits.graph_edges', '9' * 200, 'an integer from 1'),
])
def test_bad_value(key: str, value: str, allowed: str, user: Write) -> None:
    file = user(f'{key} = {value}')
    with pytest.raises(ConfigError) as error:
        load({})
    message = str(error.value)
    assert message.startswith(f'{file}: {key} = ')
    assert allowed in message
    assert message.isprintable()
    assert len(message) < 600


@pytest.mark.parametrize('name, text', [
    ('METHOD', ''),
    ('METHOD', 'https '),
    ('BIND', '127.0.0.1,,::1'),
    ('PORT', '99999'),
    ('PORT', '9' * 5000),
    ('PORT', 'http'),
    ('READ_ONLY', ''),
    ('READ_ONLY', 'maybe'),
    ('ACCESS_LOG', 'not\udcffUTF-8'),
    ('LIMITS__BODY_SIZE', '2e3'),
    ('LIMITS__WAIT', 'nan'),
    ('LIMITS__WAIT', ''),
])
def test_bad_variable(name: str, text: str) -> None:
    variable = config.PREFIX + name
    key = name.lower().replace('__', '.')
    with pytest.raises(ConfigError) as error:
        load({variable: text})
    message = str(error.value)
    assert message.startswith(f'{variable}: {key} = ')
    assert 'must be' in message
    assert message.isprintable()


def test_a_bad_value_is_refused_even_if_another_source_wins(
    site: Write, user: Write,
) -> None:
    file = site('port = 0')
    user('port = 1001')
    with pytest.raises(ConfigError, match=re.escape(str(file))):
        load({'CYLC_FLASK_PORT': '1002'})


# bad keys


@pytest.mark.parametrize('text, key, nearest', [
    ('prot = 1', 'prot', 'port'),
    ('PORT = 1', 'PORT', None),
    ('authentification = "basic"', 'authentification', 'authentication'),
    ('body_size = 2000', 'body_size', 'limits.body_size'),
    ('[limits]\nbodysize = 2000', 'limits.bodysize', 'limits.body_size'),
    ('[limits]\nport = 2000', 'limits.port', None),
    ('[limits.limits]\nwait = 2000', 'limits.limits', None),
    ('"limits.wait" = 2000', 'limits.wait', 'limits.wait'),
    ('[rest]\nmethod = "http"', 'rest', None),
    ('limit.wait = 5', 'limit', None),
    ('"" = 5', '', None),
    ('sources = {}', 'sources', None),
    ('addresses = []', 'addresses', None),
])
def test_unknown_key(
    text: str, key: str, nearest: str | None, user: Write,
) -> None:
    file = user(text)
    with pytest.raises(ConfigError) as error:
        load({})
    message = str(error.value)
    assert message.startswith(f'{file}: unknown key "{key}" = ')
    if nearest:
        assert f'did you mean {nearest}?' in message
    elif 'did you mean' not in message:
        assert all(key in message for key, _ in Config().items())


@pytest.mark.parametrize('name, nearest', [
    ('CYLC_FLASK_PROT', 'CYLC_FLASK_PORT'),
    ('CYLC_FLASK__PORT', 'CYLC_FLASK_PORT'),
    ('CYLC_FLASK_BODY_SIZE', 'CYLC_FLASK_LIMITS__BODY_SIZE'),
    ('CYLC_FLASK_LIMITS_WAIT', 'CYLC_FLASK_LIMITS__WAIT'),
    ('CYLC_FLASK_LIMITS', None),
    ('CYLC_FLASK_', None),
    ('CYLC_FLASK_port', None),
])
def test_unknown_variable(name: str, nearest: str | None) -> None:
    with pytest.raises(ConfigError, match=f'variable {name} = "5"') as error:
        load({name: '5'})
    if nearest:
        assert f'did you mean {nearest}?' in str(error.value)
    elif 'did you mean' not in str(error.value):
        assert 'CYLC_FLASK_LIMITS__GRAPH_EDGES' in str(error.value)


# bad files


@pytest.mark.parametrize('content, reason', [
    (b'port = ', 'not a TOML file'),
    (b'port = 1\nport = 2', 'not a TOML file'),
    (b'port: 1', 'line 1'),
    (b'method = "\xff"', "can't decode byte 0xff"),
    (b'\x00', 'not a TOML file'),
    (b'port = ' + b'9' * 5000, 'not a TOML file'),
    (b'bind = ' + b'[' * 100_000, 'not a TOML file'),
])
def test_bad_file(
    content: bytes, reason: str,
    named: Callable[[bytes], dict[str, str]],
) -> None:
    env = named(content)
    with pytest.raises(ConfigError) as error:
        load(env)
    assert str(error.value).startswith(env[config.FILE_VARIABLE])
    assert reason in str(error.value)


def test_a_named_file_has_to_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='absent: No such file'):
        load({config.FILE_VARIABLE: str(tmp_path / 'absent')})


def test_a_named_file_is_the_same_from_everywhere() -> None:
    with pytest.raises(ConfigError, match='"my.toml" .* begins with / or ~'):
        load({config.FILE_VARIABLE: 'my.toml'})


def test_a_directory_in_the_place_of_a_file(home: Path) -> None:
    (home / '.cylc' / 'flask' / 'config.toml').mkdir(parents=True)
    with pytest.raises(ConfigError, match='config.toml: Is a directory'):
        load({})


def test_a_file_in_the_place_of_a_directory(home: Path) -> None:
    (home / '.cylc').write_text('')
    with pytest.raises(ConfigError, match='config.toml: Not a directory'):
        load({})


def test_an_unreadable_file(home: Path) -> None:
    """A link to itself can be read by nobody, root included."""
    file = home / '.cylc' / 'flask' / 'config.toml'
    file.parent.mkdir(parents=True)
    file.symlink_to(file)
    with pytest.raises(ConfigError, match='Too many levels of symbolic'):
        load({})


# values that do not go together


@pytest.mark.parametrize('text, keys', [
    ('tls_certificate = "/c"', ['tls_certificate', 'tls_key']),
    ('tls_key = "/k"', ['tls_certificate', 'tls_key']),
    ('unix_socket = "s"\nport = 1001', ['unix_socket', 'port']),
    ('unix_socket = "s"\nbind = "::"', ['unix_socket', 'bind']),
    ('authentication = "basic"\nmethod = "http"\nbind = ["127.0.0.1", "::"]',
     ['authentication', 'method', 'bind', 'insecure_basic']),
    ('authentication = "basic"\nmethod = "http"\nbind = "login1"',
     ['authentication', 'method', 'bind', 'insecure_basic']),
    ('legacy_run_directory = "~/cylc-run"', ['legacy_run_directory']),
    ('legacy_run_directory = "~/x/../cylc-run/y"', ['legacy_run_directory']),
])
def test_clash(text: str, keys: list[str], user: Write) -> None:
    file = user(text)
    with pytest.raises(ConfigError) as error:
        load({})
    message = str(error.value)
    assert str(file) in message
    for key in keys:
        assert f'{key} = ' in message


@pytest.mark.parametrize('text', [
    'authentication = "basic"',
    'authentication = "basic"\nmethod = "http"',
    'authentication = "basic"\nmethod = "http"\n'
    'bind = ["127.0.0.2", "::1", "localhost"]',
    'authentication = "basic"\nmethod = "http"\nbind = ["0.0.0.0"]\n'
    'insecure_basic = true',
    'authentication = "basic"\nmethod = "http"\nunix_socket = "s"',
    'method = "http"\nbind = ["0.0.0.0"]',
    'tls_certificate = "/c"\ntls_key = "/k"',
    'unix_socket = "s"\nport = ""\nbind = []',
    'legacy_run_directory = "~/cylc-run7"',
])
def test_what_goes_together(text: str, user: Write) -> None:
    of_user(text, user)


def test_a_clash_names_both_sources(site: Write) -> None:
    file = site('port = 1001')
    with pytest.raises(ConfigError) as error:
        load({'CYLC_FLASK_UNIX_SOCKET': 's'})
    assert str(error.value).startswith(
        f'unix_socket = "s" (CYLC_FLASK_UNIX_SOCKET), port = 1001 ({file})')


def test_a_link_into_the_run_directory(home: Path, user: Write) -> None:
    (home / 'cylc-run').mkdir()
    (home / 'link').symlink_to(home / 'cylc-run')
    with pytest.raises(ConfigError, match='must not lie in ~/cylc-run'):
        of_user('legacy_run_directory = "~/link/x"', user)


# what is made of them


@pytest.mark.parametrize('found, addresses', [
    (Config(), (config.ANY_ADDRESS,)),
    (Config(method='http'), ('127.0.0.1',)),
    (Config(method='http', bind=('::',)), ('::',)),
    (Config(bind=('127.0.0.1', '::1')), ('127.0.0.1', '::1')),
])
def test_addresses(found: Config, addresses: tuple[str, ...]) -> None:
    assert found.addresses == addresses


def test_ports_are_those_of_cylc() -> None:
    from cylc.flow.cfgspec.glbl_cfg import glbl_cfg
    assert list(config.port_range(Config())) == list(
        glbl_cfg().get(['scheduler', 'run hosts', 'ports']))


def test_unix_socket_in_the_service_directory() -> None:
    assert config.unix_socket_path(
        Config(unix_socket='http.sock'), 'a/run1', Path('/x/.service')
    ) == Path('/x/.service/http.sock')


@given(st.lists(
    st.text(string.ascii_letters + string.digits + '/_+-.@', min_size=1,
            max_size=20),
    min_size=2, max_size=2, unique=True))
def test_no_two_workflows_share_a_unix_socket(names: list[str]) -> None:
    found = Config(unix_socket='/run/{workflow}.sock')
    paths = {
        config.unix_socket_path(found, name, Path('/unused'))
        for name in names
    }
    assert len(paths) == 2
    assert {path.parent for path in paths} == {Path('/run')}


def test_unix_socket_too_long() -> None:
    found = load({'CYLC_FLASK_UNIX_SOCKET': 'http.sock'})
    service = Path('/x' * 48)
    room = 107 - len(f'{service}/http.sock')
    assert config.unix_socket_path(found, 'w', service / ('y' * (room - 1)))
    with pytest.raises(ConfigError, match='CYLC_FLASK_UNIX_SOCKET.*107'):
        config.unix_socket_path(found, 'w', service / ('y' * room))


# any input at all


toml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(list(config.KINDS)), toml_values)
def test_a_value_is_taken_or_refused(key: str, value: Any) -> None:
    """Nothing but ValueError, and what is taken once is taken again."""
    kind = config.KINDS[key]
    try:
        taken = kind.check(value)
    except ValueError:
        return
    if not isinstance(taken, Privilege):
        assert kind.check(taken) == taken


@given(st.sampled_from(list(config.KINDS)), st.text(max_size=30))
def test_any_text_in_a_variable(key: str, text: str) -> None:
    variable = config.PREFIX + key.upper().replace('.', '__')
    try:
        found = load({config.FILE_VARIABLE: os.devnull, variable: text})
    except ConfigError as exc:
        assert key in str(exc)
    else:
        assert found.source(key) == variable


seconds = st.floats(0.1, 3600)
printable = st.text(max_size=20).filter(
    lambda text: text.isprintable() and text[:1] != '~')
configs = st.builds(
    Config,
    method=st.sampled_from(['https', 'http']),
    bind=st.lists(st.ip_addresses().map(str), unique=True).map(tuple),
    port=st.just('') | st.integers(1, 65535) | st.just('1..65535'),
    digest_algorithm=st.sampled_from(['MD5', 'SHA', 'SHA-256']),
    public_privilege=st.sampled_from(PUBLIC_LEVELS),
    read_only=st.booleans(),
    control_by_get=st.booleans(),
    enable=st.sampled_from([(), ('rest',), ('rest', 'graphql')]),
    legacy_run_directory=printable.map(lambda text: f'/r/{text}'),
    access_log=printable,
    limits=st.builds(
        Limits,
        body_size=st.integers(1024, 2**30),
        header_size=st.integers(1024, 2**20),
        request_rate=st.floats(0, 1e6).filter(math.isfinite),
        request_timeout=seconds,
        wait=seconds,
        graph_edges=st.integers(1, 10**7),
    ),
)


@given(configs)
def test_what_is_printed_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, wanted: Config,
) -> None:
    file = tmp_path_factory.getbasetemp() / 'printed.toml'
    file.write_text('\n'.join(as_toml(wanted)), encoding='utf-8')
    found = load({config.FILE_VARIABLE: str(file)})
    assert found == wanted
    assert set(found.sources) == set(config.KINDS)


def test_show_is_short_and_printable() -> None:
    assert show('a\n\x1b\udcff') == r'"a\n\u001b\udcff"'
    assert len(show('a' * 10_000)) < 110


# cylc flask config


def run(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        cli.main('config', *arguments)
    return end.value.code


def test_tool_prints_values_and_sources(
    user: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = user('port = 1001')
    monkeypatch.setenv('CYLC_FLASK_LIMITS__WAIT', '5')
    assert run() == 0
    out = capsys.readouterr().out
    assert f'# {config.SITE_FILE}: not there' in out
    assert f'# {file}: read' in out
    assert '# serves https on all addresses, port 1001' in out
    assert re.search(rf'^port = 1001 +# {file}$', out, re.M)
    assert re.search(r'^wait = 5.0 +# CYLC_FLASK_LIMITS__WAIT$', out, re.M)
    assert re.search(
        r'^public_privilege = "state-totals" +# default$', out, re.M)
    assert tomllib.loads(out)['limits']['wait'] == 5


@pytest.mark.parametrize('env, sentence', [
    ({}, 'https on all addresses, a port from '),
    ({'METHOD': 'http', 'PORT': '1..2'},
     'http on 127.0.0.1, a port from 1 to 2'),
    ({'METHOD': 'http', 'UNIX_SOCKET': 'x'}, 'http on the socket x'),
])
def test_tool_says_what_is_served(
    env: dict[str, str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in env.items():
        monkeypatch.setenv(config.PREFIX + name, text)
    assert run() == 0
    assert f'# serves {sentence}' in capsys.readouterr().out


def test_tool_prints_json(
    user: Write, capsys: pytest.CaptureFixture[str],
) -> None:
    file = user('bind = "::1"')
    assert run('--json') == 0
    settings = json.loads(capsys.readouterr().out)
    assert list(settings) == list(config.KINDS)
    assert settings['bind'] == {'value': ['::1'], 'source': str(file)}
    assert settings['public_privilege'] == {
        'value': 'state-totals', 'source': 'default'}


def test_tool_shows_the_error(user: Write) -> None:
    file = user('prot = 1')
    assert str(run()).startswith(
        f'cylc flask config: {file}: unknown key "prot" = 1: '
        'did you mean port?')


# docs/configuration.md


def test_docs_have_all_keys_and_their_defaults(home: Path) -> None:
    rows = re.findall(r'^\| `(\S+)` \| `(.*?)` \|', DOCS.read_text(), re.M)
    documented = {
        key: config.KINDS[key].check(tomllib.loads(f'x = {default}')['x'])
        for key, default in rows
    }
    assert documented == dict(Config().items())
    assert len(rows) == len(documented)


@pytest.mark.parametrize(
    'text', re.findall(r'^```toml\n(.*?)^```', DOCS.read_text(), re.M | re.S))
def test_examples_in_the_docs(text: str, user: Write) -> None:
    assert of_user(text, user) != Config()
