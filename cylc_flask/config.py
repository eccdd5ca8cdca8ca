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
"""Read the configuration: files, then environment, checked once, here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from operator import attrgetter
import os
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from cylc_flask.errors import ConfigError
from cylc_flask.kinds import (
    KIND,
    PLACEHOLDER,
    UNIX_SOCKET_BYTES,
    Kind,
    absolute_path,
    choice,
    choices,
    directory_path,
    flag,
    hosts,
    networks,
    number,
    path,
    port,
    privilege,
    setting,
    show,
    socket_path,
    texts,
    url,
    url_path,
    whole,
)
from cylc_flask.privilege import Privilege
from cylc_flask.settings import Settings, from_environment, from_file

SITE_FILE = '/etc/cylc/flask/config.toml'
USER_FILE = '~/.cylc/flask/config.toml'

#: What the names of our environment variables begin with.
PREFIX = 'CYLC_FLASK_'

#: Names a file that is read instead of the site's and the user's.
FILE_VARIABLE = f'{PREFIX}CONFIG'

#: The source of what nobody has set.
DEFAULT = 'default'

#: The blueprints that there are.
BLUEPRINTS = ('rest', 'graphql', 'websocket', 'logs', 'page')

#: What only this machine can reach.
LOOPBACK = '127.0.0.1'

#: All addresses of the machine, as the socket module writes it.
ANY_ADDRESS = ''


@dataclass(frozen=True)
class Limits:
    """Bounds on what clients can ask for; sizes in bytes, times in seconds."""

    body_size: int = setting(1_048_576, whole(1_024, 1_073_741_824, 'bytes'))
    #: Request line and header lines together.
    header_size: int = setting(65_536, whole(1_024, 1_048_576, 'bytes'))
    #: Per client address; 0 is no limit, as the jobs of a host share one.
    request_rate: float = setting(
        0, number(0, 1_000_000, 'requests a second, 0 for no limit'))
    open_connections: int = setting(1_000, whole(1, 100_000, 'connections'))
    #: WebSockets and streams of events among them.
    sockets: int = setting(600, whole(0, 100_000, 'sockets'))
    #: Operations that go on at a time on one socket.
    subscriptions: int = setting(20, whole(1, 10_000, 'operations'))
    #: Of one message that comes on a socket.
    message_size: int = setting(
        1_048_576, whole(1_024, 1_073_741_824, 'bytes'))
    #: For the first message on a socket to come.
    init_timeout: float = setting(10, number(0.1, 3_600, 'seconds'))
    #: Between two signs of life on a socket or stream.
    ping_interval: float = setting(20, number(0.1, 3_600, 'seconds'))
    #: For a request to arrive, from its first byte to the end of its body.
    request_timeout: float = setting(30, number(0.1, 3_600, 'seconds'))
    #: For a kept connection to begin its next request.
    idle_timeout: float = setting(60, number(0.1, 86_400, 'seconds'))
    handshake_timeout: float = setting(10, number(0.1, 3_600, 'seconds'))
    #: Below the 30 s after which Cylc 7 clients give up.
    main_thread_timeout: float = setting(20, number(0.1, 3_600, 'seconds'))
    #: The most that a client can ask for with ``?wait=``.
    wait: float = setting(60, number(0, 3_600, 'seconds'))
    #: Open sessions; one user has half of them at most.
    sessions: int = setting(1_000, whole(2, 100_000, 'sessions'))
    graph_edges: int = setting(20_000, whole(1, 10_000_000, 'edges'))
    #: Of GraphQL: the text of a document, what it is made of, how deep its
    #: selections are, and how many operations a request may hold.
    query_size: int = setting(100_000, whole(100, 100_000_000, 'bytes'))
    query_tokens: int = setting(5_000, whole(10, 10_000_000, 'tokens'))
    query_depth: int = setting(15, whole(1, 1_000, 'levels'))
    query_aliases: int = setting(50, whole(0, 1_000_000, 'aliases'))
    #: How much an answer may hold, and how long (seconds) it may take.
    query_values: int = setting(1_000_000, whole(10, 1_000_000_000, 'values'))
    query_time: float = setting(10, number(0.1, 3_600, 'seconds'))
    #: Of one processor, for long work while the scheduler is at work too.
    share: float = setting(0.2, number(0.01, 1, 'of a processor'))
    #: Answers that are kept for who asks the same; 0 for none.
    answer_cache: int = setting(
        33_554_432, whole(0, 1_073_741_824, 'bytes, 0 for none'))
    batch: int = setting(10, whole(1, 10_000, 'operations'))
    #: Different subscriptions, and what may wait for one subscriber.
    groups: int = setting(200, whole(1, 100_000, 'subscriptions'))
    feed_messages: int = setting(1_000, whole(1, 1_000_000, 'messages'))
    feed_bytes: int = setting(
        8_388_608, whole(1_024, 1_073_741_824, 'bytes'))
    #: Commands which the scheduler has not begun yet.
    queued_commands: int = setting(1_000, whole(1, 1_000_000, 'commands'))


@dataclass(frozen=True)
class Hub:
    """What only the hub asks for."""

    #: Where it listens: by itself on this machine only.
    bind: tuple[str, ...] = setting((LOOPBACK,), hosts())
    port: int | str = setting(8020, port())
    #: By these it uses https; they are read again when they change.
    certificate: str = setting('', absolute_path())
    key: str = setting('', absolute_path())
    #: Who may say, by X-Forwarded-*, for whom they ask; and below which path
    #: they have us.
    proxies: tuple[str, ...] = setting((), networks())
    prefix: str = setting('', url_path())
    #: Whether the public (`anon`) sees of each workflow what that allows.
    public: bool = setting(False, flag())
    allow_root: bool = setting(False, flag())
    #: How often (seconds) all run directories are looked at.
    scan_period: float = setting(15, number(1, 86_400, 'seconds'))
    #: Commands of the life cycle: so many run at once, so many wait.
    at_once: int = setting(4, whole(1, 100, 'commands'))
    queue: int = setting(1_000, whole(1, 100_000, 'jobs'))
    #: Patterns of further environment variables which they may see.
    environment: tuple[str, ...] = setting((), texts())
    #: Where it keeps accounts, tokens, rules and its audit log.
    directory: str = setting('~/.cylc/flask/hub', directory_path())
    #: A file of the audit log gets no larger; so many are kept.
    audit_size: int = setting(
        10_000_000, whole(10_000, 1_000_000_000, 'bytes'))
    audit_files: int = setting(10, whole(1, 1_000, 'files'))


@dataclass(frozen=True)
class Config:
    """All settings, under the names that the files have for them."""

    method: str = setting('https', choice('https', 'http'))
    bind: tuple[str, ...] = setting((), hosts())
    port: int | str = setting('', port())
    unix_socket: str = setting('', socket_path())
    authentication: str = setting('digest', choice('digest', 'basic'))
    digest_algorithm: str = setting('MD5', choice('MD5', 'SHA', 'SHA-256'))
    insecure_basic: bool = setting(False, flag())
    #: How long (seconds) a session lasts, used or not.
    session_lifetime: float = setting(3_600, number(60, 604_800, 'seconds'))
    public_privilege: Privilege = setting('state-totals', privilege())
    read_only: bool = setting(False, flag())
    control_by_get: bool = setting(True, flag())
    enable: tuple[str, ...] = setting(BLUEPRINTS, choices(*BLUEPRINTS))
    #: Tell clients of REST, in headers, that it is going away; and where
    #: they can read more about that.
    deprecate_rest: bool = setting(False, flag())
    deprecation_page: str = setting('', url())
    #: Whether a command ends the sleep of the scheduler's main loop.
    wake_scheduler: bool = setting(True, flag())
    introspection: bool = setting(True, flag())
    allowed_hosts: tuple[str, ...] = setting((), hosts())
    legacy_run_directory: str = setting('~/cylc7-run', absolute_path())
    tls_certificate: str = setting('', absolute_path())
    tls_key: str = setting('', absolute_path())
    access_log: str = setting('', path())
    limits: Limits = field(default_factory=Limits)
    hub: Hub = field(default_factory=Hub)
    #: Where each value comes from, by key: ``default``, a file's path, or
    #: the name of an environment variable.
    sources: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}),
        compare=False,
        repr=False,
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return what to listen on: plain http stays on this machine."""
        if self.bind:
            return self.bind
        return (LOOPBACK,) if self.method == 'http' else (ANY_ADDRESS,)

    def source(self, key: str) -> str:
        """Return where the value of a key such as ``limits.wait`` is from."""
        return self.sources.get(key, DEFAULT)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield each key with its value, those of tables after the rest."""
        for key in KINDS:
            yield key, attrgetter(key)(self)


#: The tables of a file by name, '' being what stands above all tables.
TABLES: dict[str, type[Config | Limits | Hub]] = {
    '': Config, 'limits': Limits, 'hub': Hub,
}

#: The kind of each setting by its key, such as ``limits.wait``.
KINDS: dict[str, Kind[Any]] = {
    f'{table}.{item.name}'.lstrip('.'): item.metadata[KIND]
    for table, cls in TABLES.items()
    for item in fields(cls) if KIND in item.metadata
}


def load(env: Mapping[str, str] | None = None) -> Config:
    """Return the configuration in force.

    Later sources win, value by value: defaults, the site's file, the
    user's file, the environment.

    Args:
        env: The environment, by default that of the process.

    Raises:
        ConfigError: Something in it cannot be used.
    """
    env = os.environ if env is None else env
    settings: Settings = {}
    for file, required in files(env):
        settings |= from_file(file, required, KINDS)
    ours = {name: env[name] for name in env if name != FILE_VARIABLE}
    settings |= from_environment(ours, PREFIX, KINDS)
    config = _build(settings)
    _cross_check(config)
    return config


def files(env: Mapping[str, str]) -> list[tuple[Path, bool]]:
    """Return the files to read, in order, and if they have to be there.

    Raises:
        ConfigError: One is named by a path that means something else to a
            scheduler, which has left the directory where it was started.
    """
    if named := env.get(FILE_VARIABLE):
        path = Path(os.path.expanduser(named))
        if not path.is_absolute():
            raise ConfigError(
                f'environment: {FILE_VARIABLE} = {show(named)} is not '
                'allowed: must be a path that begins with / or ~')
        return [(path, True)]
    return [
        (Path(os.path.expanduser(name)), False)
        for name in (SITE_FILE, USER_FILE)
    ]


def _build(settings: Settings) -> Config:
    """Return the configuration of checked values."""
    tables: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    for key, item in settings.items():
        table, _, name = key.rpartition('.')
        tables[table][name] = item.value
    return Config(
        **tables[''],
        limits=Limits(**tables['limits']),
        hub=Hub(**tables['hub']),
        sources=MappingProxyType(
            {key: item.source for key, item in settings.items()}),
    )


def _cross_check(config: Config) -> None:
    """Refuse values which are fine alone, but not together."""
    if bool(config.tls_certificate) != bool(config.tls_key):
        raise _clash(
            config, 'tls_certificate', 'tls_key',
            'a certificate and its key are set together or not at all')
    if bool(config.hub.certificate) != bool(config.hub.key):
        raise _clash(
            config, 'hub.certificate', 'hub.key',
            'a certificate and its key are set together or not at all')
    if config.unix_socket:
        for key in ('bind', 'port'):
            if getattr(config, key):
                raise _clash(
                    config, 'unix_socket', key,
                    'a Unix socket is served instead of addresses and ports')
    if _is_basic_in_the_clear(config) and not config.insecure_basic:
        raise _clash(
            config, 'authentication', 'method', 'bind',
            'the passphrase would cross the network in the clear; use https, '
            'or digest, or a loopback address, or allow it by '
            'insecure_basic = true')
    if _is_in_run_directory(config.legacy_run_directory):
        raise _clash(
            config, 'legacy_run_directory',
            'it must not lie in ~/cylc-run: the contact files there are those '
            'of Cylc 8')


def _clash(config: Config, *keys_and_reason: str) -> ConfigError:
    """Return the error for keys that do not go together."""
    *keys, reason = keys_and_reason
    values = dict(config.items())
    where = ', '.join(
        f'{key} = {show(values[key])} ({config.source(key)})'
        for key in keys)
    return ConfigError(f'{where}: {reason}')


def _is_basic_in_the_clear(config: Config) -> bool:
    return config.authentication == 'basic' and is_in_the_clear(config)


def is_in_the_clear(config: Config) -> bool:
    """Return True if what is sent can be read on the network."""
    return (
        config.method == 'http'
        and not config.unix_socket
        and not all(map(is_loopback, config.addresses))
    )


def is_loopback(host: str) -> bool:
    """Return True if only this machine can reach an address or name.

    Examples:
        >>> is_loopback('127.8.0.1'), is_loopback('::1'), is_loopback('::')
        (True, True, False)
        >>> is_loopback('localhost'), is_loopback('localhost.example.org')
        (True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost' or host.endswith('.localhost')


def _is_in_run_directory(directory: str) -> bool:
    run_directory = os.path.realpath(os.path.expanduser('~/cylc-run'))
    return bool(directory) and Path(
        os.path.realpath(directory)).is_relative_to(run_directory)


def port_range(config: Config) -> tuple[int, int]:
    """Return the first and the last of the ports to try.

    Examples:
        >>> port_range(Config(port='43001..43010'))
        (43001, 43010)
        >>> port_range(Config(port=8080))
        (8080, 8080)
    """
    if isinstance(config.port, int):
        return config.port, config.port
    if config.port:
        low, high = config.port.split('..')
        return int(low), int(high)
    from cylc.flow.cfgspec.glbl_cfg import glbl_cfg
    low, high = glbl_cfg().get(  # type: ignore[no-untyped-call]
        ['scheduler', 'run hosts', 'ports'])
    return int(low), int(high)


def unix_socket_path(config: Config, workflow: str, service: Path) -> Path:
    """Return the path of a workflow's Unix socket.

    The slashes of the workflow's id become ``%2F``, which no id can hold,
    so that each workflow has a socket of its own in one directory.

    Args:
        config: With ``unix_socket`` set.
        workflow: Id of the workflow, without the user's name.
        service: The workflow's ``.service`` directory.

    Raises:
        ConfigError: The path is too long for a Unix socket.

    Examples:
        >>> config = Config(unix_socket='/run/cylc/{workflow}')
        >>> str(unix_socket_path(config, 'a/run1', Path('/unused')))
        '/run/cylc/a%2Frun1'
    """
    name = config.unix_socket.replace(PLACEHOLDER, quote(workflow, safe='+@'))
    full = service / name
    if len(os.fsencode(full)) > UNIX_SOCKET_BYTES:
        raise ConfigError(
            f'{config.source("unix_socket")}: unix_socket = '
            f'{show(config.unix_socket)} makes a path of more than '
            f'{UNIX_SOCKET_BYTES} bytes: {full}')
    return full
