/** A command line that says what we cannot do. */
export class UsageError extends Error {}

// What concerns the connection and the output is ours to do; the program itself gets everything else.
// https://www.postgresql.org/docs/18/app-pgdump.html
const ours = {
  host: 'h',
  port: 'p',
  username: 'U',
  dbname: 'd',
  file: 'f',
  format: 'F',
  encoding: 'E',
  jobs: 'j',
  'no-password': 'w',
  password: 'W',
  version: 'V',
  help: '?',
};
const longOf = Object.fromEntries(Object.entries(ours).map(([long, short]) => [short, long]));
const flags = new Set(['no-password', 'password', 'version', 'help']);
/** Short options that take a value and are passed on. */
const othersWithValue = 'eLnNStTZ';

/**
 * @returns what is asked for: `{ kind: 'version' | 'help' }`, or `{ kind: 'dump', connection, file, passedOn }` with
 *   the configuration of a connection for `pg`
 * @throws UsageError
 */
export function understand(args) {
  const { options, passedOn } = split(args);
  for (const kind of ['version', 'help']) if (kind in options) return { kind };
  if ('password' in options)
    throw new UsageError('no password can be asked for here; set PGPASSWORD or PGPASSFILE');
  const format = options.format ?? 'plain';
  if (!/^p(lain)?$/.test(format))
    throw new UsageError(`output format "${format}" is not available here, only plain`);
  const encoding = options.encoding ?? 'UTF8';
  if (!/^utf-?8$/i.test(encoding))
    throw new UsageError(`encoding "${encoding}" is not available here, only UTF8`);
  if (Number(options.jobs ?? 1) !== 1)
    throw new UsageError('parallel backup is only supported by the directory format');
  const connection = {
    ...(options.host !== undefined && { host: options.host }),
    ...(options.port !== undefined && { port: portOf(options.port) }),
    ...(options.username !== undefined && { user: options.username }),
    // What a connection string says takes precedence over other options.
    ...connectionOf(options.dbname),
  };
  return { kind: 'dump', connection, file: options.file, passedOn };
}

function split(args) {
  const options = {};
  const passedOn = [];
  const rest = [...args];
  const valueOf = (name, given) => {
    if (flags.has(name)) return true;
    if (given === undefined) throw new UsageError(`option "${name}" requires an argument`);
    return given;
  };
  while (rest.length > 0) {
    const arg = rest.shift();
    if (arg === '--') {
      passedOn.push(arg, ...rest.splice(0));
    } else if (arg.startsWith('--')) {
      const [, name, value] = /^--([^=]*)(?:=(.*))?$/s.exec(arg);
      if (name in ours) {
        options[name] = valueOf(name, flags.has(name) ? '' : (value ?? rest.shift()));
      } else {
        // The program would take it for the connection that it does not make.
        const full = Object.keys(ours).find((long) => !flags.has(long) && long.startsWith(name));
        if (full !== undefined && name !== '')
          throw new UsageError(`option "--${name}": write --${full} in full`);
        passedOn.push(arg);
      }
    } else if (/^-./.test(arg)) {
      splitShort(arg, rest, options, passedOn, valueOf);
    } else {
      passedOn.push(arg);
    }
  }
  return { options, passedOn };
}

/** `-sOd name`: flags of the program in front of an option with a value, ours or the program's. */
function splitShort(arg, rest, options, passedOn, valueOf) {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at];
    const name = longOf[letter];
    const attached = arg.slice(at + 1);
    if (othersWithValue.includes(letter)) {
      passedOn.push(`-${letter}${attached}`);
      if (attached === '' && rest.length > 0) passedOn.push(rest.shift());
      return;
    }
    if (name === undefined) {
      passedOn.push(`-${letter}`);
    } else if (flags.has(name)) {
      options[name] = true;
    } else {
      options[name] = valueOf(name, attached === '' ? rest.shift() : attached);
      return;
    }
  }
}

/** https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING */
function connectionOf(dbname) {
  if (dbname === undefined) return {};
  if (/^postgres(ql)?:\/\//.test(dbname)) return { connectionString: dbname };
  if (!dbname.includes('=')) return { database: dbname };
  const connection = {};
  const pairs = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))(?:\s+|$)/gsy;
  let end = 0;
  for (const match of dbname.matchAll(pairs)) {
    const [whole, keyword, quoted, bare] = match;
    const take = keywords[keyword];
    if (take === undefined) throw new UsageError(`connection option "${keyword}" is not available here`);
    Object.assign(connection, take((quoted ?? bare).replaceAll(/\\(.)/gs, '$1')));
    end = match.index + whole.length;
  }
  if (end !== dbname.length)
    throw new UsageError('the connection string of --dbname cannot be read to its end');
  return connection;
}

const keywords = {
  host: (host) => ({ host }),
  hostaddr: (host) => ({ host }),
  port: (port) => ({ port: portOf(port) }),
  user: (user) => ({ user }),
  password: (password) => ({ password }),
  passfile: (passfile) => ({ passfile }),
  dbname: (database) => ({ database }),
  options: (options) => ({ options }),
  application_name: (name) => ({ application_name: name }),
  connect_timeout: (seconds) => ({ connectionTimeoutMillis: Number(seconds) * 1000 }),
  sslmode(mode) {
    if (['disable', 'allow', 'prefer'].includes(mode)) return { ssl: false };
    throw new UsageError(`sslmode "${mode}" is not available here; set PGSSLMODE`);
  },
};

function portOf(text) {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new UsageError(`invalid port number: "${text}"`);
}
