// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Graphs in the words of elkjs, and what it answers in ours. */

const LAYERED = {
  'elk.algorithm': 'layered',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.mergeEdges': 'true',
  'elk.layered.spacing.nodeNodeBetweenLayers': '46',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '9',
  'elk.spacing.nodeNode': '16',
  'elk.spacing.edgeNode': '12',
  'elk.spacing.edgeEdge': '9',
  'elk.spacing.componentComponent': '26',
};

/** What is inside a box has the label above it. */
const BOX = {
  ...LAYERED, 'elk.padding': '[top=36,left=14,bottom=14,right=14]',
  'elk.nodeSize.constraints': 'MINIMUM_SIZE',
};

const COORDINATES = {
  'elk.json.shapeCoords': 'ROOT', 'elk.json.edgeCoords': 'ROOT',
};

/**
 * Put a graph into the words of elkjs: parts which nothing connects are laid
 * out by themselves, and packed.
 */
export function elkGraph(graph, wish) {
  const {direction, ratio} = wish;
  const tops = topsOf(graph);
  const parts = partsOf(graph, tops);
  const options = {
    ...LAYERED, 'elk.direction': direction, 'elk.aspectRatio': String(ratio),
    'elk.hierarchyHandling': graph.boxes.size ? 'INCLUDE_CHILDREN' : 'SEPARATE_CHILDREN',
    'elk.padding': '[top=0,left=0,bottom=0,right=0]',
    // Inside boxes elkjs fails with this.
    'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  };
  const elements = elementsOf(graph, wish);
  const children = parts.map(({members, edges}, index) => ({
    id: `part ${index}`, layoutOptions: options,
    children: members.map((id) => elements.get(id)),
    edges: edges.map(([source, target], number) => ({
      id: `edge ${index} ${number}`, sources: [source], targets: [target],
    })),
  }));
  if (children.length === 1) {
    return {...children[0], id: 'graph', layoutOptions: {...options, ...COORDINATES}};
  }
  return {
    id: 'graph', children, layoutOptions: {
      ...COORDINATES, 'elk.algorithm': 'rectpacking', 'elk.aspectRatio': String(ratio),
      'elk.spacing.nodeNode': '26', 'elk.padding': '[top=0,left=0,bottom=0,right=0]',
    },
  };
}

/** For each node and box, what it is in that is in nothing else. */
function topsOf({nodes, boxes}) {
  const tops = new Map();
  const topOf = (element) => {
    let top = tops.get(element.id);
    if (top === undefined) {
      top = element.parent ? topOf(boxes.get(element.parent)) : element.id;
      tops.set(element.id, top);
    }
    return top;
  };
  for (const box of boxes.values()) topOf(box);
  for (const node of nodes.values()) topOf(node);
  return tops;
}

/** Divide a graph into parts between which there are no edges. */
function partsOf({nodes, boxes, edges}, tops) {
  const leads = new Map();
  const lead = (id) => {
    let end = id;
    while (leads.get(end) !== end) end = leads.get(end);
    while (leads.get(id) !== end) {
      const next = leads.get(id);
      leads.set(id, end);
      id = next;
    }
    return end;
  };
  // Families come before tasks in the tree; here each has the place that the
  // tree gives it, by the first node in it.
  for (const {id} of nodes.values()) leads.set(tops.get(id), tops.get(id));
  for (const {id} of boxes.values()) if (!leads.has(tops.get(id))) leads.set(tops.get(id), tops.get(id));
  for (const [source, target] of edges) leads.set(lead(tops.get(source)), lead(tops.get(target)));
  const parts = new Map();
  const part = (id) => {
    const key = lead(id);
    if (!parts.has(key)) parts.set(key, {members: [], edges: []});
    return parts.get(key);
  };
  for (const id of [...leads.keys()]) part(id).members.push(id);
  for (const edge of edges) part(tops.get(edge[0])).edges.push(edge);
  return [...parts.values()].sort((one, other) => other.members.length - one.members.length);
}

function elementsOf({nodes, boxes}, {direction, label}) {
  const elements = new Map();
  for (const {id} of boxes.values()) {
    elements.set(id, {
      id, children: [], layoutOptions: {...BOX, 'elk.direction': direction, 'elk.nodeSize.minimum': `(${label(id)},60)`},
    });
  }
  for (const {id, width, height} of nodes.values()) elements.set(id, {id, width, height});
  for (const {id, parent} of [...boxes.values(), ...nodes.values()]) {
    if (parent) elements.get(parent).children.push(elements.get(id));
  }
  return elements;
}

/** Read what elkjs answers. */
export function fromElk(answer, graph) {
  const layout = {nodes: new Map(), boxes: new Map(), lines: [], width: answer.width, height: answer.height};
  const take = ({children = [], edges = []}) => {
    for (const child of children) {
      const {id, x, y, width, height} = child;
      if (graph.nodes.has(id)) layout.nodes.set(id, {x, y, width, height});
      else {
        if (graph.boxes.has(id)) layout.boxes.set(id, {x, y, width, height});
        take(child);
      }
    }
    for (const {sources, targets, sections = []} of edges) {
      const points = sections.flatMap(({startPoint, bendPoints = [], endPoint}) => [startPoint, ...bendPoints, endPoint]);
      if (points.length) layout.lines.push({source: sources[0], target: targets[0], points});
    }
  };
  take(answer);
  return layout;
}
