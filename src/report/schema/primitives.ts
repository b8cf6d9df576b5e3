import { z } from 'zod';

/** ISO 8601 in UTC. */
export const Time = z.iso.datetime();

export const Count = z.int().min(0);

/** Milliseconds. */
export const Ms = z.number().min(0);
