import type { Obstacle } from '../../../../contracts/index.js';
import { listed, majorOf, placeOf, rowsOf, type Look } from './look.js';

interface Extension {
  readonly name: string;
  readonly version: string;
}

/**
 * The destination makes each in the version of its package. A later one of the same extension is what a new major
 * brings; that it is later is told by a path of updates to it.
 * https://www.postgresql.org/docs/18/view-pg-available-extensions.html and
 * https://www.postgresql.org/docs/18/extend-extensions.html#EXTEND-EXTENSIONS-UPDATES
 */
export async function extensions(source: Look, destination: Look): Promise<Obstacle[]> {
  const wanted = await rowsOf<Extension>(
    source,
    'SELECT extname AS name, extversion AS version FROM pg_extension ORDER BY 1',
  );
  const offered = new Map<string, string>();
  for (const { name, version } of await rowsOf<Extension>(
    destination,
    'SELECT name, default_version AS version FROM pg_available_extensions',
  )) {
    offered.set(name, version);
  }
  const missing = wanted.filter((e) => !offered.has(e.name));
  const other: string[] = [];
  for (const { name, version } of wanted) {
    const there = offered.get(name);
    if (there === undefined || there === version) continue;
    const [path] = await rowsOf<{ path: string | null }>(
      destination,
      'SELECT path FROM pg_extension_update_paths($1) WHERE source = $2 AND target = $3',
      [name, version, there],
    );
    if (path === undefined || path.path === null) other.push(`${name} ${there} instead of ${version}`);
  }
  const found: Obstacle[] = [];
  const [absent] = missing;
  if (absent) {
    found.push({
      code: 'PG_EXTENSION_MISSING',
      node: destination.node,
      message: `extensions of the source are not installed for ${placeOf(destination)}: ${listed(missing.map((e) => `${e.name} ${e.version}`))}`,
      remedy: `Install the package of ${absent.name} for PostgreSQL ${majorOf(destination)} on every node of the destination; or DROP EXTENSION "${absent.name}"; on the source.`,
    });
  }
  if (other.length > 0) {
    found.push({
      code: 'PG_EXTENSION_VERSION',
      node: destination.node,
      message: `${placeOf(destination)} would make extensions in a version to which there is no update from the source's: ${listed(other)}`,
      remedy:
        'Install the same release of the extension for the destination, or ALTER EXTENSION … UPDATE; on the source; or accept extension-version when both read what it stores.',
      acceptAs: 'extension-version',
    });
  }
  return found;
}
