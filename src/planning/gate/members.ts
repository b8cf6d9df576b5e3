import type { GroupView, NodeId, NodeView } from '../../contracts/view.js';
import { hold, notKnown, objecting, pass, type Finding } from './finding.js';

type Objection = Finding | undefined;

/** Every node of the group but those in `except`; a group in which nobody is left to judge is not known. */
export function everyNode(
  group: GroupView,
  except: readonly NodeId[],
  objection: (node: NodeView) => Objection,
  fine: (ids: string) => string,
): Finding {
  const judged = group.nodes.filter((n) => !except.includes(n.id));
  if (judged.length === 0) return notKnown(`no node of ${group.id} was observed`);
  return (
    objecting(judged.flatMap((n) => objection(n) ?? [])) ?? pass(fine(judged.map((n) => n.id).join(', ')))
  );
}

/** At least one of `candidates`; what is not known of one is no objection to another. */
export function someNode(
  group: GroupView,
  candidates: readonly NodeId[],
  objection: (node: NodeView) => Objection,
  fine: (ids: string) => string,
): Finding {
  if (candidates.length === 0) return hold('there is no candidate');
  const found = candidates.map((id) => {
    const node = group.nodes.find((n) => n.id === id);
    return { id, objection: node ? objection(node) : notKnown(`${id} was not observed`) };
  });
  const good = found.filter((f) => !f.objection).map((f) => f.id);
  if (good.length > 0) return pass(fine(good.join(', ')));
  return objecting(found.flatMap((f) => f.objection ?? [])) ?? hold('there is no candidate');
}
