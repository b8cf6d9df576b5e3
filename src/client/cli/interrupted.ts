/** The user pressed Ctrl-C, or a service manager asked us to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor(
    /** What goes on without us, and how to come back to it. */
    readonly remedy: string,
  ) {
    super('interrupted');
  }
}

/** The promise, or {@link Interrupted} as soon as the signal is aborted. */
export async function untilInterrupted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  remedy: string,
): Promise<T> {
  let stop = (): void => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => reject(new Interrupted(remedy));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, interrupted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
