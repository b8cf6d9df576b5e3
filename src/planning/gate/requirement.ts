import type { Gate } from '../../contracts/gate.js';

/** What a gate wants, as an operator reads it. `unit` is that of positions and lag, where it is known. */
export function requirement(gate: Gate, unit = ''): string {
  const lag = (most: number): string => `at most ${`${most} ${unit}`.trim()}`;
  switch (gate.gate) {
    case 'cluster-healthy':
      return gate.except.length > 0
        ? `every node of ${gate.group} but ${gate.except.join(', ')} answers and serves`
        : `every node of ${gate.group} answers and serves`;
    case 'one-primary':
      return `exactly one node of ${gate.group} is a writable primary`;
    case 'no-obstacles':
      return gate.accepted.length > 0
        ? `nothing forbids the run but ${gate.accepted.join(', ')}`
        : 'nothing forbids the run';
    case 'quorum-without-node':
      return gate.acceptedWindows.length > 0
        ? `quorum and redundancy survive without ${gate.node}, or the risk is one of ${gate.acceptedWindows.join(', ')}`
        : `quorum and redundancy survive without ${gate.node}`;
    case 'others-in-sync':
      return `every replica but ${[gate.node, ...gate.except].join(', ')} is in sync and lags ${lag(gate.maxLag)}`;
    case 'version-skew':
      return `every node of ${gate.group} runs ${gate.versions.join(' or ')}`;
    case 'nothing-else-drained':
      return `no node but ${gate.node} is out of client routing`;
    case 'in-flight-finished':
      return `no client transaction on ${gate.node} from before ${gate.since}`;
    case 'lag-zero':
      return `${gate.node} lags ${lag(0)}`;
    case 'node-healthy':
      return `${gate.node} answers and serves`;
    case 'version-reported':
      return `${gate.node} reports ${gate.version}`;
    case 'caught-up':
      return `${gate.node} follows the only primary in sync and lags ${lag(0)}`;
    case 'soak-held':
      return `${gate.node} is healthy and in sync for ${gate.forMs} ms without interruption`;
    case 'candidate-in-sync':
      return `one of ${gate.candidates.join(', ')} is a replica on ${gate.version}, in sync, and lags ${lag(gate.maxLag)}`;
    case 'candidate-at-fence':
      return `one of ${gate.candidates.join(', ')} has applied exactly ${gate.position.text}`;
    case 'epoch-grew':
      return `${gate.node} is the only primary of ${gate.group}, on an epoch above ${gate.above}`;
    case 'replicas-follow':
      return gate.replicas.length > 0
        ? `${gate.replicas.join(', ')} answer and follow ${gate.primary} on its epoch`
        : `${gate.primary} is the only primary of ${gate.group}`;
    case 'node-level':
      return `${gate.node} itself is on level ${gate.level}`;
    case 'level-active':
      return `${gate.group} and every node of it are on level ${gate.level}, and no lowering is under way`;
    case 'learner-caught-up':
      return `${gate.node} is a learner and lags ${lag(gate.maxLag)}`;
    case 'all-on-target':
      return Object.entries(gate.versions)
        .filter(([id]) => gate.except?.includes(id) !== true)
        .map(([id, version]) => `${id} reports ${version}`)
        .join(', ');
  }
}
