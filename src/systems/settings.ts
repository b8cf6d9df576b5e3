import type { ZodType } from 'zod';
import { EtcdSettings } from './etcd/settings.js';
import { PostgresSettings } from './postgres/settings.js';

/** System → schema of its `spec.settings`. Loads no driver, so that specs can be validated anywhere. */
export const systemSettings: Readonly<Record<string, ZodType>> = {
  postgres: PostgresSettings,
  etcd: EtcdSettings,
};
