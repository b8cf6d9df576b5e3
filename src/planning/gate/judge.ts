import type { Gate } from '../../contracts/gate.js';
import type { ClusterView, GroupView, NodeView } from '../../contracts/view.js';
import type { GateContext } from './context.js';
import { answers, follows, healthy, inSync, isReplica, lagsAtMost, runs } from './facts.js';
import { hold, notKnown, objecting, objectionTo, pass, type Finding } from './finding.js';
import { everyNode, someNode } from './members.js';
import { epochGrew, onePrimary, replicasFollow, sayPrimaries, solePrimary } from './primary.js';
import { isLearner, levelActive, onLevel } from './level.js';
import { inFlightFinished, nothingElseDrained, soakHeld } from './traffic.js';

type NodeGate = Extract<Gate, { node: string }>;
type GroupGate = Exclude<Gate, { gate: 'epoch-grew' } | Exclude<NodeGate, { group: string }>>;

/** What a gate says to an observation that is fresh. */
export function judge(gate: Gate, view: ClusterView, ctx: GateContext): Finding {
  if ('group' in gate) {
    const group = view.groups.find((g) => g.id === gate.group);
    if (!group) return notKnown(`the replication group ${gate.group} was not observed`);
    return gate.gate === 'epoch-grew'
      ? epochGrew(group, gate.node, gate.above)
      : judgeGroup(gate, group, view);
  }
  const group = view.groups.find((g) => g.nodes.some((n) => n.id === gate.node));
  const node = group?.nodes.find((n) => n.id === gate.node);
  if (!group || !node) return notKnown(`${gate.node} was not observed`);
  return judgeNode(gate, node, group, view, ctx);
}

function judgeGroup(gate: GroupGate, group: GroupView, view: ClusterView): Finding {
  const unit = view.positionUnit;
  switch (gate.gate) {
    case 'cluster-healthy':
      return everyNode(group, gate.except, healthy, (ids) => `${ids} answer and serve`);
    case 'one-primary':
      return onePrimary(group);
    case 'no-obstacles':
      return noObstacles(group, view, gate.accepted);
    case 'version-skew':
      return everyNode(
        group,
        [],
        (n) => runs(n, gate.versions),
        (ids) => `${ids} run ${gate.versions.join(' or ')}`,
      );
    case 'candidate-in-sync':
      return someNode(
        group,
        gate.candidates,
        (n) =>
          healthy(n) ??
          isReplica(n) ??
          runs(n, [gate.version]) ??
          inSync(n) ??
          lagsAtMost(n, gate.maxLag, unit),
        (ids) => `${ids} in sync on ${gate.version}, at most ${gate.maxLag} ${unit} behind`,
      );
    case 'candidate-at-fence':
      return someNode(
        group,
        gate.candidates,
        (n) =>
          answers(n) ??
          objectionTo(
            n.position,
            `the position of ${n.id}`,
            (p) => Number.isFinite(p.offset) && p.offset === gate.position.offset,
            (p) => `${n.id} is at ${p.text}`,
          ),
        (ids) => `${ids} at exactly ${gate.position.text}`,
      );
    case 'replicas-follow':
      return replicasFollow(group, gate.primary, gate.replicas);
    case 'all-on-target':
      return allOnTarget(group, gate.versions, gate.except ?? []);
    case 'level-active':
      return levelActive(group, gate.level);
  }
}

function judgeNode(
  gate: Exclude<NodeGate, { group: string }>,
  node: NodeView,
  group: GroupView,
  view: ClusterView,
  ctx: GateContext,
): Finding {
  const unit = view.positionUnit;
  switch (gate.gate) {
    case 'quorum-without-node':
      return quorumWithout(node, gate.acceptedWindows);
    case 'others-in-sync':
      return othersInSync(group, [node.id, ...gate.except], gate.maxLag, unit);
    case 'nothing-else-drained':
      return nothingElseDrained(node.id, view, ctx);
    case 'in-flight-finished':
      return inFlightFinished(node, gate.since, view);
    case 'lag-zero':
      return answers(node) ?? lagsAtMost(node, 0, unit) ?? pass(`${node.id} lags 0 ${unit}`);
    case 'node-healthy':
      return healthy(node) ?? pass(`${node.id} answers and serves`);
    case 'version-reported':
      return answers(node) ?? runs(node, [gate.version]) ?? pass(`${node.id} reports ${gate.version}`);
    case 'caught-up':
      return caughtUp(node, group, unit);
    case 'soak-held':
      return soakHeld(node, group, gate.forMs, ctx);
    case 'node-level':
      return answers(node) ?? onLevel(node, gate.level) ?? pass(`${node.id} is on level ${gate.level}`);
    case 'learner-caught-up':
      return (
        answers(node) ??
        isLearner(node) ??
        lagsAtMost(node, gate.maxLag, unit) ??
        pass(`${node.id} is a learner, at most ${gate.maxLag} ${unit} behind`)
      );
  }
}

/** A node that does not answer may hide what forbids the run. */
function noObstacles(group: GroupView, view: ClusterView, accepted: readonly string[]): Finding {
  const found = view.obstacles.filter((o) => o.acceptAs === undefined || !accepted.includes(o.acceptAs));
  if (found.length > 0) return hold(found.map((o) => `${o.code}: ${o.message}`).join('; '));
  return everyNode(group, [], answers, (ids) => `nothing on ${ids} forbids the run`);
}

/** The system's own word; a risk that it names counts as a hold unless the spec accepts exactly this name. */
function quorumWithout(node: NodeView, accepted: readonly string[]): Finding {
  const { verdict, evidence, window } = node.stop;
  if (verdict === 'hold' && window && accepted.includes(window.name)) {
    return pass(`${evidence}; the window ${window.name} is accepted (${window.risk})`);
  }
  return { verdict, observed: evidence };
}

/** In sync with a primary that does not answer would be a memory, not an observation. */
function othersInSync(group: GroupView, except: readonly string[], maxLag: number, unit: string): Finding {
  const primary = group.nodes.find((n) => n.id === solePrimary(group));
  if (!primary) return hold(`${sayPrimaries(group)}: there is nothing to be in sync with`);
  const silent = answers(primary);
  if (silent) return silent;
  const others = group.nodes.filter((n) => n.id !== primary.id && !except.includes(n.id));
  if (others.length === 0) return pass(`there is no other replica of ${primary.id}`);
  const objections = others.flatMap((n) => answers(n) ?? inSync(n) ?? lagsAtMost(n, maxLag, unit) ?? []);
  const ids = others.map((n) => n.id).join(', ');
  return objecting(objections) ?? pass(`${ids} in sync, at most ${maxLag} ${unit} behind`);
}

function caughtUp(node: NodeView, group: GroupView, unit: string): Finding {
  const primary = solePrimary(group);
  if (primary === undefined) return hold(`${sayPrimaries(group)}: there is no one primary to follow`);
  const unwell = healthy(node);
  if (unwell) return unwell;
  if (primary === node.id) return pass(`${node.id} is the only primary`);
  return (
    follows(node, primary) ??
    lagsAtMost(node, 0, unit) ??
    inSync(node) ??
    pass(`${node.id} follows ${primary} in sync, lag 0 ${unit}`)
  );
}

/** A node that the gate names and the observation lacks has not said what it runs. */
function allOnTarget(
  group: GroupView,
  versions: Readonly<Record<string, string>>,
  except: readonly string[],
): Finding {
  const missing = Object.keys(versions).filter((id) => !group.nodes.some((n) => n.id === id));
  if (missing.length > 0) return notKnown(`${missing.join(', ')} not observed`);
  const wanted = (n: NodeView): string[] => [versions[n.id]].filter((v) => v !== undefined);
  return everyNode(
    group,
    except,
    (n) => answers(n) ?? runs(n, wanted(n)),
    (ids) => `${ids} report their target version`,
  );
}
