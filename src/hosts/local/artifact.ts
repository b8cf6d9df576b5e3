import type { ArtifactReport, ArtifactSpec } from '../../contracts/index.js';
import { messageOf, RollgateError } from '../../contracts/index.js';
import { digestDirectory, fingerprintDirectory } from '../artifact-digest.js';
import { fileErrorCode } from './file-error.js';

type ArtifactState = ArtifactReport['state'];

type Digest = (path: string, onProgress: () => void) => Promise<string>;

/**
 * A digest that is not computed again while nothing below the path has been changed: for looks that come before
 * the one that counts, which is the one directly before the artifact is installed.
 */
export function createKeptDigest(): Digest {
  const kept = new Map<string, { readonly fingerprint: string; readonly digest: string }>();
  return async (path, onProgress) => {
    const fingerprint = await fingerprintDirectory(path);
    const found = kept.get(path);
    if (found?.fingerprint === fingerprint) return found.digest;
    const digest = await digestDirectory(path, onProgress);
    // What was changed while it was read is read again the next time.
    if ((await fingerprintDirectory(path)) === fingerprint) kept.set(path, { fingerprint, digest });
    else kept.delete(path);
    return digest;
  };
}

/** Digest what is at the artifact's path, and say how it compares. */
export async function inspectArtifact(
  artifact: ArtifactSpec | undefined,
  onProgress: () => void,
  digest: Digest = digestDirectory,
): Promise<ArtifactState> {
  if (!artifact) return { kind: 'undeclared' };
  try {
    const actual = await digest(artifact.path, onProgress);
    return actual === artifact.sha256
      ? { kind: 'ok', sha256: actual }
      : { kind: 'differs', expected: artifact.sha256, actual };
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent', path: artifact.path };
    return { kind: 'unknown', reason: messageOf(error) };
  }
}

/** @throws ARTIFACT_ABSENT, ARTIFACT_MISMATCH, HOST_UNKNOWN */
export async function requireArtifact(
  node: string,
  version: string,
  artifact: ArtifactSpec,
  onProgress: () => void,
): Promise<void> {
  const state = await inspectArtifact(artifact, onProgress);
  switch (state.kind) {
    case 'ok':
      return;
    case 'absent':
    case 'undeclared':
      throw new RollgateError(
        'ARTIFACT_ABSENT',
        `node ${node}: version ${version} should be at ${artifact.path}, where there is no directory`,
        `put the artifact of ${version} there, or correct its path in the cluster document`,
      );
    case 'differs':
      throw new RollgateError(
        'ARTIFACT_MISMATCH',
        `node ${node}: what is at ${artifact.path} for version ${version} has SHA-256 ${state.actual}, declared is ${state.expected}`,
        `find out who changed it; put the right artifact there, or declare what "rollgate digest ${artifact.path}" prints if it is right`,
      );
    case 'unknown':
      throw new RollgateError(
        'HOST_UNKNOWN',
        `node ${node}: the artifact of version ${version} at ${artifact.path} could not be verified: ${state.reason}`,
        'make the directory readable for rollgate; nothing was installed',
      );
  }
}
