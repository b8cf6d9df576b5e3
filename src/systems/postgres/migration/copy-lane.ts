import type { Client } from 'pg';
import { messageOf, type EffectContext, type Pair, type Side } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { longSession } from './long-session.js';

/** A session on each side, through which one range after the other is copied. */
export type CopySessions = Readonly<Record<Side, Client>>;

/** Lend two sessions to `body`, which leaves no transaction open in them. */
export type CopyLanes = <T>(
  pair: Pair,
  nodes: Readonly<Record<Side, string>>,
  ctx: EffectContext,
  /** Told with each heartbeat. */
  progress: () => unknown,
  body: (sessions: CopySessions) => Promise<T>,
) => Promise<T>;

/** Who has a lane at the moment. */
interface User {
  readonly ctx: EffectContext;
  readonly progress: () => unknown;
}

interface Lane {
  readonly opened: Promise<CopySessions>;
  /** Rejects with what its sessions have failed of. */
  readonly ended: Promise<void>;
  use(user: User | undefined): void;
  /** End the sessions; with an error it is the one that they end with, unless they are lost. */
  end(error?: unknown): void;
  /** At once, whatever they do. */
  abort(reason: unknown): void;
}

/** How long two sessions are kept for the next range, ms: to open them takes as long as to copy some MiB. */
const keptMs = 1000;

/**
 * Sessions for ranges that are copied, two of them for one range at a time and then for the next one. What fails, or
 * is given up, takes its sessions with it, so that nothing of it stays locked.
 * @param settings of each session
 */
export function createCopyLanes(sessions: Sessions, settings: Readonly<Record<string, string>>): CopyLanes {
  const idle = new Map<Lane, { readonly key: string; readonly timer: NodeJS.Timeout }>();
  const take = (key: string): Lane | undefined => {
    for (const [lane, kept] of idle) {
      if (kept.key !== key) continue;
      idle.delete(lane);
      clearTimeout(kept.timer);
      return lane;
    }
    return undefined;
  };
  const keep = (lane: Lane, key: string): void => {
    const timer = setTimeout(() => {
      if (idle.delete(lane)) lane.end();
    }, keptMs);
    idle.set(lane, { key, timer });
  };

  return async (pair, nodes, ctx, progress, body) => {
    ctx.signal.throwIfAborted();
    const key = JSON.stringify([pair, nodes]);
    const lane = take(key) ?? openLane(sessions, settings, pair, nodes);
    const abort = (): void => lane.abort(ctx.signal.reason);
    ctx.signal.addEventListener('abort', abort);
    lane.use({ ctx, progress });
    try {
      const lost = lane.ended.then(() => Promise.reject(new Error('the sessions of a copy have ended')));
      const answer = await Promise.race([lane.opened.then(body), lost]);
      keep(lane, key);
      // The server may end it meanwhile: the next one opens another.
      lane.ended.catch(() => idle.delete(lane));
      return answer;
    } catch (error) {
      lane.end(error);
      await lane.ended;
      throw error;
    } finally {
      lane.use(undefined);
      ctx.signal.removeEventListener('abort', abort);
    }
  };
}

function openLane(
  sessions: Sessions,
  settings: Readonly<Record<string, string>>,
  pair: Pair,
  nodes: Readonly<Record<Side, string>>,
): Lane {
  const aborted = new AbortController();
  let user: User | undefined;
  const ctx: EffectContext = {
    signal: aborted.signal,
    heartbeat: (seen) => user?.ctx.heartbeat(seen),
    runId: '',
  };
  const session = { name: 'copy', settings, progress: () => user?.progress() };
  let end: Lane['end'] = () => undefined;
  const closing = new Promise<void>((resolve, reject) => {
    end = (error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error(messageOf(error)));
    };
  });
  let open: (both: CopySessions) => void = () => undefined;
  const opened = new Promise<CopySessions>((resolve) => (open = resolve));
  const ended = longSession(sessions, pair.destination, nodes.destination, ctx, session, (destination) =>
    longSession(sessions, pair.source, nodes.source, ctx, session, (source) => {
      open({ source, destination });
      return closing;
    }),
  );
  // Both are looked at by whoever has the lane; between two of them nobody does.
  closing.catch(() => undefined);
  ended.catch(() => undefined);
  return { opened, ended, use: (by) => (user = by), end, abort: (reason) => aborted.abort(reason) };
}
