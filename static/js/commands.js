// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The commands there are: what each is called, and what it can be told. */

/**
 * @typedef {{name: string, label: string, kind?: string, wants?: Field[]}} Field
 * @typedef {{command: string, label: string, on: 'tasks'|'workflow',
 *   ask?: string, danger?: boolean, fields?: object[], types?: object,
 *   read?: (values: object) => object, key?: string,
 *   when?: (status: string) => boolean}} Command
 */

const FLOW = {
  name: 'flow', label: 'Flows', kind: 'text', hint: 'new, none, or numbers; empty: the active ones',
};

const list = (text) => (text ?? '').split(/[\s,]+/).filter(Boolean);

/** Leave out what was left empty. */
function given(values) {
  return Object.fromEntries(Object.entries(values).filter(
    ([, value]) => value !== '' && value !== null && !(Array.isArray(value) && !value.length),
  ));
}

/**
 * Read settings, one a line: `script = true`, `[environment]NAME = value`.
 * @throws {Error} For a line that is none.
 */
export function settings(text) {
  return text.split('\n').map((line) => line.trim()).filter(Boolean).map((line) => {
    const found = /^((?:\[[^\]]+\])*)\s*([^=]+?)\s*=\s*(.*)$/.exec(line);
    if (!found) throw new Error(`This is no setting: ${line}`);
    const sections = [...found[1].matchAll(/\[([^\]]+)\]/g)].map(([, name]) => name.trim());
    return [...sections, found[2]].reduceRight((value, name) => ({[name]: value}), found[3]);
  });
}

/** @type {Command[]} */
export const COMMANDS = [
  {command: 'hold', label: 'Hold', on: 'tasks'},
  {command: 'release', label: 'Release', on: 'tasks'},
  {command: 'trigger', label: 'Trigger', on: 'tasks'},
  {
    command: 'trigger', key: 'triggerFlow', label: 'Trigger in a flow…', on: 'tasks',
    fields: [FLOW, {name: 'flowWait', label: 'Wait for other flows before going on', kind: 'check'}],
    types: {flow: '[Flow!]', flowWait: 'Boolean'},
    read: ({flow, flowWait}) => given({flow: list(flow), flowWait}),
  },
  {
    command: 'set', label: 'Set outputs…', on: 'tasks',
    ask: 'The tasks count as having these outputs, or prerequisites, and what waits for them goes on.',
    fields: [
      {name: 'outputs', label: 'Outputs', kind: 'text', hint: 'such as succeeded, file_ready; empty: all that are required'},
      {name: 'prerequisites', label: 'Prerequisites', kind: 'text', hint: 'all, or such as 1/foo:succeeded'},
      FLOW,
    ],
    types: {outputs: '[OutputLabel]', prerequisites: '[PrerequisiteString]', flow: '[Flow!]'},
    read: ({outputs, prerequisites, flow}) => given({
      outputs: list(outputs), prerequisites: list(prerequisites), flow: list(flow),
    }),
  },
  {command: 'poll', label: 'Poll', on: 'tasks'},
  {
    command: 'broadcast', label: 'Broadcast…', on: 'tasks',
    ask: 'Settings for the jobs that these tasks have yet to submit.',
    fields: [{
      name: 'settings', label: 'Settings, one a line', kind: 'lines', required: true,
      hint: 'script = true\n[environment]COLOUR = red',
    }],
    types: {settings: '[BroadcastSetting]', mode: 'BroadcastMode!'},
    read: (values) => ({settings: settings(values.settings), mode: 'Set'}),
  },
  {
    command: 'broadcast', key: 'broadcastClear', label: 'Clear broadcasts…', on: 'tasks', danger: true,
    ask: 'All settings that were broadcast to these tasks are taken back.',
    types: {mode: 'BroadcastMode!'}, read: () => ({mode: 'Clear'}),
  },
  {command: 'kill', label: 'Kill…', on: 'tasks', danger: true, ask: 'Their jobs, submitted or running, are killed.'},
  {
    command: 'remove', label: 'Remove…', on: 'tasks', danger: true,
    ask: 'The tasks leave the flows that they are in; what depends on them may never run.',
    fields: [FLOW], types: {flow: '[Flow!]'}, read: ({flow}) => given({flow: list(flow)}),
  },
  {command: 'pause', label: 'Pause', on: 'workflow', when: (status) => status === 'running'},
  {command: 'resume', label: 'Resume', on: 'workflow', when: (status) => status === 'paused'},
  {
    command: 'reload', label: 'Reload the definition…', on: 'workflow',
    ask: 'The workflow definition is read again. No job that runs is disturbed.',
  },
  {
    command: 'setHoldPoint', label: 'Hold after a cycle point…', on: 'workflow',
    ask: 'All tasks after this point are held.',
    fields: [{name: 'point', label: 'Cycle point', kind: 'text', required: true}], types: {point: 'CyclePoint!'},
  },
  {command: 'releaseHoldPoint', label: 'Release all, and the hold point…', on: 'workflow', ask: 'All tasks that are held are released, and the hold point is taken away.'},
  {
    command: 'setVerbosity', label: 'Verbosity of the log…', on: 'workflow',
    fields: [{name: 'level', label: 'From which level on', kind: 'choice', options: ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'], initial: 'INFO'}],
    types: {level: 'LogLevels!'},
  },
  {
    command: 'setGraphWindowExtent', label: 'Extent of the window…', on: 'workflow',
    ask: 'How many edges of the graph around active tasks are shown, to everybody.',
    fields: [{name: 'nEdgeDistance', label: 'Edges', kind: 'number', initial: 1}],
    types: {nEdgeDistance: 'Int!'}, read: ({nEdgeDistance}) => ({nEdgeDistance: Number(nEdgeDistance)}),
  },
  {
    command: 'stop', label: 'Stop…', on: 'workflow', danger: true,
    ask: 'The scheduler stops, and this page with it. It can be played again later.',
    fields: [
      {
        name: 'mode', label: 'How', kind: 'choice', initial: 'Clean',
        options: [
          ['Clean', 'when active jobs have finished'],
          ['Kill', 'after killing active jobs'],
          ['Now', 'now; jobs go on, unobserved'],
          ['NowNow', 'at once, leaving everything as it is'],
        ],
      },
      {name: 'cyclePoint', label: 'Or: after cycle point', kind: 'text'},
      {name: 'task', label: 'Or: after task', kind: 'text', hint: 'such as 3/foo'},
    ],
    types: {mode: 'WorkflowStopMode', cyclePoint: 'CyclePoint', task: 'TaskID'},
    read: ({mode, cyclePoint, task}) => (cyclePoint || task ? given({cyclePoint, task}) : {mode}),
  },
];

/** The key by which a command is known here. */
export function keyOf(command) {
  return command.key ?? command.command;
}

/** A command by its key. */
export function find(key) {
  return COMMANDS.find((command) => keyOf(command) === key);
}
