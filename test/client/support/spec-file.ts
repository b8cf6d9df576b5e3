import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const text = `apiVersion: rollgate/v1
kind: Cluster
metadata: { name: orders }
spec:
  system: postgres
  settings: { user: rollgate, password: "env:PGPASSWORD" }
  nodes:
    - { id: pg-1, address: "127.0.0.1:5432", host: { kind: local, directory: /srv/pg-1 } }
    - { id: pg-2, address: "127.0.0.1:5433", host: { kind: local, directory: /srv/pg-2 } }
---
apiVersion: rollgate/v1
kind: RollingUpgrade
metadata: { name: orders-17.10 }
spec: { cluster: orders, to: "17.10" }
`;

/** A directory with a file that holds the cluster `orders` and its upgrade to 17.10. */
export function specFile(): {
  readonly directory: string;
  readonly file: string;
  readonly remove: () => void;
} {
  const directory = mkdtempSync(join(tmpdir(), 'rollgate-spec-'));
  const file = join(directory, 'orders.yaml');
  writeFileSync(file, text);
  return { directory, file, remove: () => rmSync(directory, { recursive: true }) };
}
