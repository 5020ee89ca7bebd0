import type { Entry, Payout, Return, Schemas } from './contract';

/** Rows that a list hands to the page of one of them, where central has no address for a single one. */
export const passed = {
  lines: new Map<string, Schemas['LineRow']>(),
  payouts: new Map<string, Payout>(),
  entries: new Map<string, Entry>(),
  returns: new Map<string, Return>(),
};
