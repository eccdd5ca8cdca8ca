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
"""How the elements are found that a field is about.

Each function here stands for one of cylc-flow's resolvers, and finds what
that one finds, in the same order; where that one fails, so does this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

from graphene.utils.str_converters import to_snake_case

from cylc.flow.data_store_mgr import EDGES, FAMILY_PROXIES, TASK_PROXIES
from cylc.flow.id import Tokens
from cylc.flow.network import schema as cylc
from cylc.flow.network.resolvers import workflow_filter
from cylc_flask.query.filters import Keep, make_filter
from cylc_flask.query.run import (
    SPAN,
    Data,
    Element,
    Find,
    Run,
    of_workflows,
)
from cylc_flask.replica.delta import WORKFLOW

Args = dict[str, Any]

#: Finds one element, or none.
FindOne = Callable[[Run, Any, Any], Element | None]

_sort: Callable[..., list[Element]] = cylc.sort_elements

#: Names of fields that are not the names of what they look at.
RENAMED = {'source_node': 'source', 'target_node': 'target'}


@dataclass(frozen=True)
class Site:
    """A field in its place in an operation.

    Args:
        field: Its name in the schema.
        parent: The name of the type that it belongs to.
        kind: The name of the type that it gives, lists and the like apart.
        args: Its arguments, as resolvers get them.
        live: Whether the operation is about a delta.
    """

    field: str
    parent: str
    kind: str
    args: Args
    live: bool

    @property
    def name(self) -> str:
        """Return the name under which elements have the field."""
        return to_snake_case(self.field)  # type: ignore[no-any-return]

    @property
    def nodes(self) -> str:
        """Return under which name stores have the elements."""
        kind: str = cylc.NODE_MAP[self.kind]
        return kind

    @property
    def in_delta(self) -> bool:
        """Tell whether the elements are looked for in the delta."""
        return self.live and bool(self.args['delta_store'])


def given(_: Run, __: Any, raw: Any) -> Any:
    """Find what the source itself has."""
    return raw


def of_nothing(find: Find) -> Find:
    """Return what finds elements as if the source had named none."""
    return lambda run, source, _: find(run, source, None)


def all_nodes(site: Site) -> Find:
    """Stand for ``get_nodes_all``, at the root."""
    definitions = site.nodes in cylc.DEF_TYPES
    args = {**site.args, **{
        name: [
            Tokens(cycle=None, task=id_, job=None) if definitions
            else Tokens(id_, relative=True) for id_ in site.args[name]
        ] for name in ('ids', 'exids')
    }}
    return _nodes_of(site, site.nodes, _with_workflows(args))


def _nodes_of(site: Site, kind: str, args: Args) -> Find:
    """Stand for the resolvers' ``get_nodes_all``."""
    keep = make_filter(kind, args)
    flows_of = _chosen(site, args)

    def find(run: Run, _: Any, __: Any) -> list[Element]:
        nodes = [
            node for flow in flows_of(run) for node in flow[kind].values()
        ]
        run.resolvers.check_work(args, len(nodes))
        return _sort(_kept(run, nodes, keep), args)
    return find


def _kept(
    run: Run, nodes: list[Element], keep: Keep | None
) -> list[Element]:
    """Return the elements that fit; many of them may take their time."""
    if keep is None:
        return nodes
    found = []
    for start in range(0, len(nodes), SPAN):
        found += [
            node for node in nodes[start:start + SPAN] if keep(run, node)
        ]
        if len(nodes) > SPAN:
            run.report()
    return found


def _with_workflows(args: Args) -> Args:
    return {**args, **{
        name: [Tokens(id_) for id_ in args[name]]
        for name in ('workflows', 'exworkflows')
    }}


def _chosen(site: Site, args: Args) -> Callable[[Run], list[Data]]:
    """Stand for ``get_workflows_data``."""
    def flows_of(run: Run) -> list[Data]:
        stores = run.stores
        if site.in_delta:
            return [
                delta[args['delta_type']] for id_, delta in run.deltas.items()
                if workflow_filter(stores[id_], args)
            ]
        return [
            flow for flow in stores.values() if workflow_filter(flow, args)
        ]
    return flows_of


def _stores(site: Site) -> Callable[[Run], dict[str, Data]]:
    """Return what finds the stores that a field is looked for in."""
    if not site.in_delta:
        return lambda run: run.stores
    part = site.args['delta_type']
    return lambda run: {
        id_: delta[part] for id_, delta in run.deltas.items()
    }


def nodes_by_ids(site: Site) -> Find:
    """Stand for ``get_nodes_by_ids``."""
    kind, live = site.nodes, site.live
    args = {**site.args, **{
        name: [Tokens(id_, relative=True) for id_ in site.args[name]]
        for name in ('ids', 'exids')
    }}
    keep = make_filter(kind, args)
    stores_of = _stores(site)
    bounded = bool(args['ids'] or args['exids'])
    listed = _listed_in_store(site)

    def find(run: Run, source: Any, ids: Any) -> list[Element]:
        if not ids and ids is not None and not isinstance(ids, dict):
            ids = listed(run, source) if live else None
            if not ids:
                return []
        nodes = _pick(stores_of(run), ids, kind) if ids else []
        if bounded:
            run.resolvers.check_work(args, len(ids or ()))
        return _sort(_kept(run, nodes, keep), args)
    return find


def _pick(
    stores: dict[str, Data], ids: Iterable[str], kind: str
) -> list[Element]:
    """Return elements of which the ids are known, each once."""
    ids = dict.fromkeys(ids)
    found = []
    for flow in of_workflows(stores, ids):
        elements = flow[kind]
        found += [elements[id_] for id_ in ids if id_ in elements]
    return found


def _listed_in_store(site: Site) -> Callable[[Run, Any], Any]:
    """Return what asks the store for what an element of a delta lacks."""
    def listed(run: Run, source: Any) -> Any:
        if not source.id:
            return None
        if site.parent == 'Workflow':
            store = run.stores.get(source.id)
            parent = store and store[WORKFLOW]
        else:
            parent = _in_store(run, cylc.NODE_MAP[site.parent], source.id)
        return getattr(parent, site.name, None)
    return listed


def _in_store(run: Run, kind: str, id_: str) -> Element | None:
    for flow in of_workflows(run.stores, (id_,)):
        return flow[kind].get(id_)
    return None


def node_by_id(site: Site) -> FindOne:
    """Stand for ``get_node_by_id``, where the element names the other."""
    kinds = _kinds(site)
    stores_of = _stores(site)
    listed = _named_in_store(site)

    def find(run: Run, source: Any, id_: str) -> Element | None:
        named = id_ or listed(run, source)
        if not named:
            return None
        for flow in of_workflows(stores_of(run), (named,)):
            for kind in kinds:
                if (node := flow[kind].get(named)) is not None:
                    return node
        return None
    return find


def _kinds(site: Site) -> list[str]:
    if site.nodes == cylc.PROXY_NODES:
        return [TASK_PROXIES, FAMILY_PROXIES]
    return [site.nodes]


def _named_in_store(site: Site) -> Callable[[Run, Any], Any]:
    """Return what asks the store for the id that an element lacks."""
    name = RENAMED.get(site.name, site.name)
    if site.parent == 'Condition':
        return lambda *_: None

    def listed(run: Run, source: Any) -> Any:
        if not source.id:
            return None
        # There is no such kind for edges, and that is an error.
        parent = _in_store(run, cylc.NODE_MAP[site.parent], source.id)
        return getattr(parent, name, None)
    return listed


def node_of_id(site: Site) -> FindOne:
    """Stand for ``get_node_by_id``, where the id is an argument."""
    id_ = site.args['id']
    workflow = Tokens(id_).workflow_id
    stores_of = _stores(site)

    def find(run: Run, _: Any, __: Any) -> Element | None:
        flow = stores_of(run).get(workflow)
        return None if flow is None else flow[site.nodes].get(id_)
    return find


def all_edges(site: Site) -> Find:
    """Stand for ``get_edges_all``."""
    args = _with_workflows(site.args)
    flows_of = _chosen(site, args)

    def find(run: Run, _: Any, __: Any) -> list[Element]:
        found = [
            edge for flow in flows_of(run) for edge in flow[EDGES].values()
        ]
        return _sort(found, args)
    return find


def edges_by_ids(site: Site) -> Find:
    """Stand for ``get_edges_by_ids``."""
    stores_of = _stores(site)

    def find(run: Run, _: Any, ids: Any) -> list[Element]:
        if not ids:
            return []
        return _sort(_pick(stores_of(run), ids, EDGES), site.args)
    return find


def workflows(site: Site) -> Find:
    """Stand for ``get_workflows``."""
    args = {**site.args, **{
        f'{name}workflows': [Tokens(id_) for id_ in site.args[f'{name}ids']]
        for name in ('', 'ex')
    }}
    flows_of = _chosen(site, args)
    return lambda run, _, __: [flow[WORKFLOW] for flow in flows_of(run)]


def workflow_by_id(site: Site) -> FindOne:
    """Stand for ``get_workflow_by_id``, in a delta."""
    stores_of = _stores(site)

    def find(run: Run, _: Any, workflow: Element) -> Element | None:
        flow = stores_of(run).get(workflow.id)
        return None if flow is None else flow[WORKFLOW]
    return find


def nodes_edges(site: Site) -> Callable[[Run, Any, Any], Any]:
    """Stand for ``get_nodes_edges``."""
    given = {**site.args, **{
        name: [Tokens(id_) for id_ in site.args[name]]
        for name in ('ids', 'exids')
    }}
    if site.parent != 'Workflow':
        given = _with_workflows(given)
        return _around(site, given)

    def find(run: Run, workflow: Element, _: Any) -> Any:
        args = {
            **given, 'workflows': [Tokens(workflow.id)], 'exworkflows': [],
        }
        return _around(site, args)(run, None, None)
    return find


def _around(site: Site, args: Args) -> Callable[[Run, Any, Any], Any]:
    roots_of = _nodes_of(site, TASK_PROXIES, args)

    def find(run: Run, _: Any, __: Any) -> Any:
        nodes = roots_of(run, None, None)
        edges = _expand(run.stores, nodes, args['distance'])
        return cylc.NodesEdges(
            nodes=_sort(nodes, args), edges=_sort(edges, args)
        )
    return find


def _expand(
    stores: dict[str, Data], nodes: list[Element], distance: int
) -> list[Element]:
    """Add the nodes around those given, and return the edges between them.

    The order of what is found is that of sets, so these are made here of the
    same things in the same order as in cylc-flow.
    """
    node_ids = {node.id for node in nodes}
    edges: list[Element] = []
    edge_ids: set[str] = set()
    new_nodes = nodes
    for _ in range(distance):
        new_edge_ids = {
            id_ for node in new_nodes for id_ in node.edges
        }.difference(edge_ids)
        edge_ids.update(new_edge_ids)
        new_edges = _pick(stores, new_edge_ids, EDGES)
        edges += new_edges
        new_ids = set(
            [edge.source for edge in new_edges]
            + [edge.target for edge in new_edges]
        ).difference(node_ids)
        if not new_ids:
            break
        node_ids.update(new_ids)
        new_nodes = _pick(stores, new_ids, TASK_PROXIES)
        nodes += new_nodes
    return edges


#: What finds the elements of a list, by the resolver that it stands for.
LISTS: dict[Any, Callable[[Site], Find]] = {
    cylc.get_nodes_all: all_nodes,
    cylc.get_nodes_by_ids: nodes_by_ids,
    cylc.get_edges_all: all_edges,
    cylc.get_edges_by_ids: edges_by_ids,
    cylc.get_workflows: workflows,
}

#: What finds one thing.
ONES: dict[Any, Callable[[Site], FindOne]] = {
    cylc.get_node_by_id: node_by_id,
    cylc.get_workflow_by_id: workflow_by_id,
    cylc.get_nodes_edges: nodes_edges,
}
