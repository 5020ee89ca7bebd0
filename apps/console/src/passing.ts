import type { CashRefund, Entry, Payout, Return, Schemas } from './contract';

/** Rows that a list hands to the page of one of them, where central has no address for a single one. */
export const passed = {
  lines: new Map<string, Schemas['LineRow']>(),
  payouts: new Map<string, Payout>(),
  entries: new Map<string, Entry>(),
  refunds: new Map<string, CashRefund>(),
  returns: new Map<string, Return>(),
};
