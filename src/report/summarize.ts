import type { NodeProgress, RunFailure, RunState, SwitchRecord } from '../contracts/index.js';
import { migrationOf } from './summarize-migration.js';
import { gapDuring, measurementOf, writesOf } from './summarize-writes.js';
import type { Summary } from './summary-schema.js';

/** What a run leaves for programs, from its state alone: for a finished run and for one in progress. */
export function summarize(state: RunState): Summary {
  const { run, spec, plan } = state;
  const asOf = latestTime(state);
  const switches = state.switches.map(switchOf);
  return {
    schemaVersion: 1,
    run: {
      id: run.id,
      workflowId: run.workflowId,
      kind: run.kind,
      name: run.name,
      cluster: run.cluster,
      system: run.system,
      target: targetOf(spec),
      startedAt: run.startedAt,
      endedAt: run.endedAt,
      outcome: run.outcome,
    },
    direction: state.direction,
    phase: state.phase,
    asOf,
    plan: plan && {
      hash: plan.hash,
      kind: plan.kind,
      steps: plan.steps.map((s) => ({
        id: s.id,
        title: s.title,
        node: s.action.kind === 'replace' ? s.action.node : undefined,
        reversibility: s.reversibility,
        approval: s.approval,
      })),
      refusals: plan.refusals.map((r) => ({
        code: r.code,
        node: r.node,
        message: r.message,
        remedy: r.remedy,
        acceptAs: r.acceptAs,
      })),
      notes: [...plan.notes],
      pointOfNoReturn: plan.pointOfNoReturn,
    },
    steps: state.steps.map((s) => ({
      id: s.id,
      title: s.title,
      startedAt: s.startedAt,
      endedAt: s.endedAt,
      result: s.result,
    })),
    nodes: state.nodes.map((n) => ({
      id: n.id,
      group: n.group,
      roleBefore: n.roleBefore,
      roleAfter: roleAfter(n, state),
      from: n.from,
      to: n.to,
      version: n.version,
      status: n.status,
      reason: n.reason,
      swappedAt: n.swappedAt,
      startedAt: n.startedAt,
      endedAt: n.endedAt,
    })),
    handovers: state.handovers.map((h) => ({
      group: h.group,
      from: h.from,
      to: h.to,
      result: h.result,
      how: plan?.means?.handover,
      epochBefore: h.epochBefore,
      epochAfter: h.epochAfter,
      fencePosition: h.fencePosition?.text,
      candidatePosition: h.candidatePosition?.text,
      writeGapMs: state.writes ? (gapDuring(h, state.writes, asOf) ?? h.writeGapMs) : h.writeGapMs,
      startedAt: h.startedAt,
      fencedAt: h.fencedAt,
      promotedAt: h.promotedAt,
      endedAt: h.endedAt,
    })),
    switch: switches.at(-1),
    switches,
    backups: state.backups.map(({ name, content, sha256, bytes, path, at }) => ({
      name,
      content,
      sha256,
      bytes,
      path,
      at,
    })),
    ...formationOf(state),
    migration: migrationOf(state, asOf),
    gates: state.gates.map(({ name, node, verdict, observed, required, at }) => ({
      name,
      node,
      verdict,
      observed,
      required,
      at,
    })),
    measurement: measurementOf(state),
    writes: state.writes && writesOf(state.writes, state, asOf),
    waiting: state.waiting && {
      step: state.waiting.step,
      title: state.waiting.title,
      since: state.waiting.since,
      expiresAt: state.waiting.expiresAt,
    },
    decisions: state.decisions.map(({ action, by, reason, at, step, accepted, note }) => ({
      action,
      by,
      reason,
      at,
      step,
      accepted,
      note,
    })),
    ledger: state.ledger.map(({ id, kind, node, name, formerValue, value, borrowedAt, giveBack }) => ({
      id,
      kind,
      node,
      name,
      formerValue,
      value,
      borrowedAt,
      giveBack,
    })),
    leftUndone: state.leftUndone.map(({ what, command, error }) => ({ what, command, error })),
    windows: (plan?.windows ?? []).map(({ name, risk }) => ({ name, risk })),
    failure: state.failure && failureOf(state.failure),
    cause: state.cause && failureOf(state.cause),
    resumeHint: state.resumeHint,
    faults: state.faults.map(({ kind, during: when, at }) => ({ kind, during: when, at })),
    timeline: state.timeline.map(({ at, kind, step, node, text }) => ({ at, kind, step, node, text })),
  };
}

const failureOf = ({ code, message, remedy, step, node, at }: RunFailure): Summary['failure'] => ({
  ...{ code, message, remedy, step, node, at },
});

const switchOf = (s: SwitchRecord): Summary['switches'][number] => ({
  group: s.group,
  from: s.from === '' ? 'unknown' : s.from,
  to: s.to,
  how: s.how,
  at: s.at,
  clearedAt: s.clearedAt,
  nodesAtLevel: [...s.nodesAtLevel],
  predicates: s.predicates.map(({ name, observed, at }) => ({ name, observed, at })),
});

type FormationFields =
  'seed' | 'stages' | 'mode' | 'checkpoint' | 'checkpoints' | 'keptStandalone' | 'snapshot';

function formationOf({ run, spec, formation }: RunState): Partial<Pick<Summary, FormationFields>> {
  if (!spec.formation || !formation) return {};
  const { snapshot } = formation;
  return {
    seed: spec.formation.seed,
    stages: [...spec.stages],
    mode: modeOf({ run, formation }),
    checkpoint: formation.checkpoint === '' ? undefined : formation.checkpoint,
    checkpoints: formation.checkpoints.map(({ name, at }) => ({ name, at })),
    keptStandalone: formation.kept,
    snapshot: snapshot && {
      content: snapshot.content,
      sha256: snapshot.sha256,
      hash: snapshot.hash,
      bytes: snapshot.bytes,
    },
  };
}

/** The state begins with a mode that nobody has read yet: it counts once the seed has been looked at. */
function modeOf({ run, formation }: Pick<RunState, 'run' | 'formation'>): Summary['mode'] {
  if (!formation) return undefined;
  const seen = formation.checkpoint !== '' || formation.wasRunning !== undefined;
  return seen || run.outcome === 'rolled-back' ? formation.mode : undefined;
}

/** A seed that has not served yet answers nobody: its mode file says what it is. */
function roleAfter(node: NodeProgress, state: RunState): string {
  // The side that a node is on does not change, whoever takes the writes.
  if (state.migration) return node.roleBefore;
  const mode = node.id === state.spec.formation?.seed ? modeOf(state) : undefined;
  return mode !== undefined && mode !== 'cluster' ? mode : (node.roleAfter ?? 'unknown');
}

/** The last moment the state tells of: where a run in progress stands. */
function latestTime(state: RunState): string {
  const times = [
    state.run.startedAt,
    state.run.endedAt,
    state.timeline.at(-1)?.at,
    state.samples.at(-1)?.at,
    ...state.steps.flatMap((s) => [s.startedAt, s.endedAt]),
    ...state.gates.map((g) => g.at),
    state.migration?.phases.at(-1)?.at,
    state.migration?.validations.at(-1)?.endedAt,
  ].filter((t) => t !== undefined);
  return times.reduce((a, b) => (Date.parse(b) > Date.parse(a) ? b : a));
}

function targetOf(spec: RunState['spec']): string {
  if (spec.upgrade) return spec.upgrade.to;
  return spec.formation ? spec.formation.version : spec.migration.destination;
}
