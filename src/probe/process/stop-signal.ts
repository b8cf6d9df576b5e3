/** Aborted at the first SIGTERM or SIGINT. The terminal of whoever started the probe may go away. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => controller.abort());
  process.on('SIGHUP', () => undefined);
  return controller.signal;
}
