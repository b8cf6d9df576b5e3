import type { Gap, HandoverRecord, RunState, WriteLedger } from '../contracts/index.js';
import { during, overlapMs } from './during.js';
import type { Summary } from './summary-schema.js';

/** What a run leaves for programs, from its state alone: for a finished run and for one in progress. */
export function summarize(state: RunState): Summary {
  const { run, spec, plan } = state;
  const asOf = latestTime(state);
  return {
    schemaVersion: 1,
    run: {
      id: run.id,
      workflowId: run.workflowId,
      kind: run.kind,
      name: run.name,
      cluster: run.cluster,
      system: run.system,
      target: spec.upgrade.to,
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
      roleAfter: n.roleAfter ?? 'unknown',
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
    failure: state.failure && {
      code: state.failure.code,
      message: state.failure.message,
      remedy: state.failure.remedy,
      step: state.failure.step,
      node: state.failure.node,
      at: state.failure.at,
    },
    resumeHint: state.resumeHint,
    faults: state.faults.map(({ kind, during: when, at }) => ({ kind, during: when, at })),
    timeline: state.timeline.map(({ at, kind, step, node, text }) => ({ at, kind, step, node, text })),
  };
}

function measurementOf({ writes, spec, run }: RunState): Summary['measurement'] {
  if (writes) return 'measured';
  if (!spec.upgrade.probe.enabled) return 'off';
  return run.outcome === 'running' ? 'pending' : 'missing';
}

function writesOf(writes: WriteLedger, { steps }: RunState, asOf: string): NonNullable<Summary['writes']> {
  const when = (gap: Gap | undefined): string | null => (gap ? during(gap, steps, asOf) : null);
  const write = longest(writes.writeGaps);
  const read = longest(writes.readGaps);
  return {
    acknowledged: writes.acknowledged,
    lost: writes.lost,
    unknown: writes.unknown,
    resurrected: writes.resurrected,
    lostKeys: [...writes.lostKeys],
    longestGapMs: write?.ms ?? null,
    longestGapDuring: when(write),
    longestReadGapMs: read?.ms ?? null,
    longestReadGapDuring: when(read),
    longestWaitMs: writes.longestWait?.ms ?? null,
    longestWaitDuring: when(writes.longestWait),
    gaps: writes.writeGaps.map((gap) => ({ ...gap, during: during(gap, steps, asOf) })),
    unobserved: (writes.unobserved ?? []).map((gap) => ({ ...gap, during: during(gap, steps, asOf) })),
    reads: writes.reads,
    writers: writes.writers,
    startedAt: writes.startedAt,
    endedAt: writes.endedAt,
  };
}

const longest = (gaps: readonly Gap[]): Gap | undefined =>
  gaps.reduce<Gap | undefined>((best, gap) => (best && best.ms >= gap.ms ? best : gap), undefined);

/**
 * The longest write gap that overlaps a handover. The ledger keeps its longest gaps only: when none of them
 * overlaps, the seconds of the probe's record say how long the pauses were that ended in that time.
 */
function gapDuring(handover: HandoverRecord, writes: WriteLedger, asOf: string): number | undefined {
  const span = { from: handover.startedAt, to: handover.endedAt ?? asOf };
  // What nobody watched has no figure, however short the pauses were that somebody saw.
  if (writes.unobserved?.some((g) => overlapMs(g, span) > 0) === true) return undefined;
  const gap = longest(writes.writeGaps.filter((g) => overlapMs(g, span) > 0));
  if (gap) return gap.ms;
  const ended = writes.buckets.filter((bucket, i) => {
    const next = writes.buckets[i + 1]?.at ?? writes.endedAt;
    return overlapMs({ from: bucket.at, to: next }, span) > 0;
  });
  return ended.length === 0 ? undefined : Math.max(...ended.map((b) => b.longestGapMs));
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
  ].filter((t) => t !== undefined);
  return times.reduce((a, b) => (Date.parse(b) > Date.parse(a) ? b : a));
}
