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
"""Who may import whom, and how long a module may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
import io
from pathlib import Path
import tokenize

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / 'cylc_flask'
MODULES = sorted(PACKAGE.rglob('*.py'))
SOURCES = sorted(
    path
    for folder in (PACKAGE, ROOT / 'tests', ROOT / 'benchmarks')
    for path in folder.rglob('*.py')
)
HEADER = ''.join(
    Path(__file__).read_text().splitlines(keepends=True)[:15]
)
LINES = 300

#: Modules that everybody may use, and which use only each other.
FACTS = {
    '__version__', 'address', 'assets', 'certificate', 'compat', 'config',
    'coroutines', 'credentials', 'errors', 'forms', 'kinds', 'legacy_root',
    'nesting', 'operations', 'private', 'privilege', 'process', 'proof',
    'realm', 'settings', 'usage',
}

#: What a folder may not import, by the start of the name.
FORBIDDEN = {
    'replica': (
        'flask', 'gevent', 'cylc.flow.scheduler', 'cylc_flask.app',
        'cylc_flask.auth', 'cylc_flask.legacy', 'cylc_flask.plugin',
        'cylc_flask.server', 'cylc_flask.suite_server', 'cylc_flask.tap',
        'cylc_flask.views',
    ),
    'legacy': (
        'flask', 'gevent', 'cylc.flow.scheduler', 'cylc_flask.app',
        'cylc_flask.auth', 'cylc_flask.plugin', 'cylc_flask.server',
        'cylc_flask.suite_server', 'cylc_flask.tap', 'cylc_flask.views',
    ),
    'page': (
        'flask', 'gevent', 'cylc.flow.scheduler', 'cylc_flask.app',
        'cylc_flask.auth', 'cylc_flask.plugin', 'cylc_flask.server',
        'cylc_flask.suite_server', 'cylc_flask.tap', 'cylc_flask.views',
    ),
    'auth': (
        'gevent', 'cylc.flow.scheduler', 'cylc_flask.app',
        'cylc_flask.legacy', 'cylc_flask.plugin', 'cylc_flask.replica',
        'cylc_flask.server', 'cylc_flask.suite_server', 'cylc_flask.tap',
        'cylc_flask.views',
    ),
    'views': (
        'gevent', 'cylc.flow.scheduler', 'cylc_flask.app',
        'cylc_flask.plugin', 'cylc_flask.server', 'cylc_flask.suite_server',
        'cylc_flask.tap',
    ),
    'query': (
        'flask', 'gevent', 'cylc.flow.scheduler', 'cylc_flask.app',
        'cylc_flask.auth', 'cylc_flask.plugin', 'cylc_flask.server',
        'cylc_flask.suite_server', 'cylc_flask.tap', 'cylc_flask.views',
    ),
    'hub': (
        'gevent', 'cylc.flow.scheduler', 'cylc_flask.plugin',
        'cylc_flask.suite_server', 'cylc_flask.tap',
    ),
    'tools': ('flask', 'gevent', 'cylc.flow.scheduler', 'cylc_flask.server'),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parts_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE).with_suffix('').parts


def imported(path: Path) -> Iterator[str]:
    """Yield what a module imports when it runs, deferred imports included.

    What only the type checker reads is left out.
    """
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from names_from(node, path)
        elif for_types_only(node):
            continue
        else:
            todo.extend(ast.iter_child_nodes(node))


def names_from(node: ast.ImportFrom, path: Path) -> list[str]:
    module = node.module or ''
    if node.level:
        package = path.relative_to(ROOT).parts[:-node.level]
        module = '.'.join((*package, *module.split('.'))).rstrip('.')
    return [f'{module}.{alias.name}' for alias in node.names]


def for_types_only(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == 'TYPE_CHECKING'
    )


def is_under(name: str, package: str) -> bool:
    return name == package or name.startswith(f'{package}.')


def code_lines(text: str) -> int:
    """Count the lines that are neither blank, comment nor docstring.

    Examples:
        >>> code_lines('# Header.\\n\\nx = (\\n    1,\\n)\\n')
        3
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(text))


SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT,
    tokenize.DEDENT, tokenize.ENDMARKER,
}


def docstring_lines(text: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case (
                ast.Module(body=[ast.Expr(ast.Constant(str())) as first, *_])
                | ast.ClassDef(
                    body=[ast.Expr(ast.Constant(str())) as first, *_])
                | ast.FunctionDef(
                    body=[ast.Expr(ast.Constant(str())) as first, *_])
                | ast.AsyncFunctionDef(
                    body=[ast.Expr(ast.Constant(str())) as first, *_])
            ):
                lines.update(range(first.lineno, first.end_lineno + 1))
    return lines


@pytest.mark.parametrize('path', SOURCES, ids=name_of)
def test_header(path):
    assert path.read_text().startswith(HEADER)


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_module_docstring(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_length(path):
    assert code_lines(path.read_text()) <= LINES


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_only_the_server_imports_gevent(path):
    if parts_of(path)[0] != 'server':
        assert not [
            name for name in imported(path) if is_under(name, 'gevent')
        ]


@pytest.mark.parametrize('folder', FORBIDDEN)
def test_imports_of_folder(folder):
    wrong = [
        f'{name_of(path)} imports {name}'
        for path in (PACKAGE / folder).rglob('*.py')
        for name in imported(path)
        if any(is_under(name, other) for other in FORBIDDEN[folder])
    ]
    assert not wrong


@pytest.mark.parametrize('fact', sorted(FACTS - {'__version__'}))
def test_facts_import_only_facts(fact):
    allowed = tuple(f'cylc_flask.{name}' for name in FACTS)
    wrong = [
        name
        for name in imported(PACKAGE / f'{fact}.py')
        if is_under(name, 'cylc_flask')
        and not any(is_under(name, other) for other in allowed)
    ]
    assert not wrong


@pytest.mark.parametrize('module', ['cli', 'plugin'])
def test_entry_modules_are_light(module):
    """Cylc imports these when we may not be wanted, or half installed."""
    heavy = {'flask', 'gevent', 'graphene', 'orjson', 'werkzeug'}
    tree = ast.parse((PACKAGE / f'{module}.py').read_text())
    names = {
        name.partition('.')[0]
        for node in tree.body
        for name in top_level_names(node)
    }
    assert not names & heavy


def top_level_names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or '']
    return []
