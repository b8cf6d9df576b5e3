import type { ClusterSpec } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { ensureSlot, primarySlotName, slotOf, writtenSlotName } from '../slots.js';

/** A checkpoint of a busy server takes as long as it has to write. */
const patient = { statementTimeoutMs: 300_000 };

/** Flush what the shutdown would have to, and make the slots that replicas will use on each candidate. */
export async function prepare(
  sessions: Sessions,
  cluster: ClusterSpec,
  from: string,
  candidates: readonly string[],
): Promise<void> {
  const { group } = cluster.nodes.find((n) => n.id === from) ?? {};
  const members = cluster.nodes.filter((n) => n.group === group).map((n) => n.id);
  const named = await Promise.all(
    members.map(async (id) => ({
      id,
      slot: await sessions.on(cluster, id, id === from ? writtenSlotName : primarySlotName),
    })),
  );
  const replicasUseSlots = named.some(({ id, slot }) => id !== from && slot !== undefined);
  // The old primary becomes a replica, with the slot that startAsReplica will give it.
  const wanted = named.map(({ id, slot }) => ({
    id,
    slot: slot ?? (id === from && replicasUseSlots ? slotOf(id) : undefined),
  }));
  await Promise.all(
    candidates.map((candidate) =>
      sessions.on(
        cluster,
        candidate,
        async (client) => {
          for (const { id, slot } of wanted)
            if (id !== candidate && slot !== undefined) await ensureSlot(client, slot);
          await client.query('CHECKPOINT');
        },
        patient,
      ),
    ),
  );
  await sessions.on(cluster, from, (client) => client.query('CHECKPOINT'), patient);
}
