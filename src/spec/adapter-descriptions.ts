/**
 * What the settings of adapters mean, for editors, where their schemas do not say it themselves. By kind or
 * system, then by the path of the setting.
 */
export const adapterDescriptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  postgres: {
    user: 'The role rollgate connects as.',
    password: 'A reference to the password, env:NAME or file:/absolute/path; never the password itself.',
    database: 'Database that the scratch schema is made in. Default postgres.',
    tls: "TLS to the servers; absent: none. Paths are on the worker's host.",
    'tls.ca': 'File with the certificates of the authorities that are trusted.',
    'tls.cert': 'File with the certificate of this client.',
    'tls.key': 'File with the key of this client.',
    'tls.rejectUnauthorized': 'Refuse a server whose certificate cannot be verified. Default true.',
    connectTimeout: 'How long one connection attempt may take. Default 2s.',
    scratchSchema:
      'Schema for canaries and the write ledger; made by the run and removed by it. Default rollgate.',
    pgDump:
      "Path of pg_dump on the worker's host, for a storage migration; of the destination's version or the source's. Default: pg_dump on the PATH.",
  },
  etcd: {
    peers:
      'Node id → host:port of its peer URL, as the member list has it. Every node needs one: it says which member the node is.',
    tls: "TLS to the members' client URLs; absent: plain HTTP. Paths are on the worker's host.",
    'tls.ca': 'File with the certificates of the authorities that are trusted.',
    'tls.cert': 'File with the certificate of this client.',
    'tls.key': 'File with the key of this client.',
    peerTls: 'Whether peer URLs are https; their certificates are given to etcd by args. Default false.',
    user: "Where etcd's authentication is on: a user with the role root.",
    password: 'A reference to its password, env:NAME or file:/absolute/path; never the password itself.',
    args: 'Further arguments of every member, such as --quota-backend-bytes=8589934592.',
    scratchPrefix:
      'Prefix of the keys for canaries and the write ledger; made by the run and removed by it. Default rollgate/.',
    requestTimeout: 'How long one request may take. Default 2s.',
    maxLagEntries:
      'A member further behind the leader than this many entries does not count as in sync. Default 1000.',
  },
  local: {
    kind: "The process runs on the worker's own machine.",
    directory: "The node's directory: what is installed, its log and rollgate's own record of it.",
    dataDir: 'Where the system keeps its data. Default: data in the directory.',
    runAs: "The user whose process the node is, when rollgate runs as root. Default: rollgate's own user.",
  },
  none: { kind: 'Clients find their way themselves; nobody takes a node out of routing.' },
};
