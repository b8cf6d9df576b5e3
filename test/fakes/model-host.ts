import { RollgateError, type Host } from '../../src/contracts/index.js';
import { diesOnItsData } from './model-levels.js';
import { refuseIfPreparing, statusOf } from './model-members.js';
import type { Model } from './model.js';

const noFiles = (): Promise<never> => Promise.reject(new Error('the model has no directories'));

/** The host of every node. Of all files it has only the mode. */
export function modelHost(model: Model): Host {
  return {
    status: (node) => Promise.resolve(statusOf(model.node(node.id))),
    verifyArtifact: (node, version, artifact) =>
      Promise.resolve({
        node: node.id,
        version,
        state: !artifact
          ? { kind: 'undeclared' }
          : model.brokenArtifacts.has(`${node.id}/${version}`)
            ? { kind: 'differs', expected: artifact.sha256, actual: 'b'.repeat(64) }
            : { kind: 'ok', sha256: artifact.sha256 },
      }),
    stop: async (node) => {
      if (!model.node(node.id).running) return;
      await model.effect(`stop ${node.id}`, () => (model.node(node.id).running = false));
    },
    install: async (node, version) => {
      if (model.node(node.id).installed === version) return;
      await model.effect(`install ${node.id} ${version}`, () => (model.node(node.id).installed = version));
    },
    start: async (node) => {
      const n = model.node(node.id);
      if (n.running) return;
      refuseIfPreparing(model, node.id);
      if (n.fenced) throw new RollgateError('HOST_FENCED', `${node.id} is fenced`, 'Release it.');
      if (model.dyingVersions.has(n.installed)) {
        throw new RollgateError('HOST_START_FAILED', `${node.id} died: no such library`, 'See its log.');
      }
      if (diesOnItsData(n)) {
        throw new RollgateError(
          'HOST_START_FAILED',
          `${node.id} died: level ${n.level ?? ''}`,
          'See its log.',
        );
      }
      await model.effect(`start ${node.id} ${n.installed}`, () => {
        n.running = true;
        n.version = n.installed;
      });
    },
    installed: (node) => Promise.resolve(model.node(node.id).installed),
    setFence: () => Promise.resolve(),
    readFile: () => Promise.resolve(undefined),
    writeFile: () => Promise.resolve(),
    removeFile: () => Promise.resolve(),
    readMode: (node) => Promise.resolve(model.modes.get(node.id)),
    writeMode: (node, record) =>
      model.effect(`mode ${node.id} ${record ? `${record.mode} ${record.checkpoint}` : 'standalone'}`, () => {
        if (record) model.modes.set(node.id, record);
        else model.modes.delete(node.id);
      }),
    scratchNode: (node, name) => ({ ...node, id: `${node.id}-${name}` }),
    dataFacts: (node) =>
      Promise.resolve(
        model.members?.data.has(node.id) === true
          ? { path: `/data/${node.id}`, bytes: 1000, freeBytes: 1_000_000, empty: false }
          : undefined,
      ),
    copyData: noFiles,
    makeDataDirectory: noFiles,
    moveDataAside: noFiles,
    adoptData: noFiles,
    removeScratch: noFiles,
    runTool: noFiles,
  };
}
