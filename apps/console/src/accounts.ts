import { everyPage } from '@getit/ui';
import { ask, listOf } from './api';
import type { HeldPayout, Payout, Schemas } from './contract';

/** Vendors to whom nothing is sent now, each until when: no money of theirs is shown without it. Central has no list of
 * accounts for finance; it tells this in a dry run of payouts, of whoever has something to be paid. */
export async function heldVendors(): Promise<ReadonlyMap<string, HeldPayout>> {
  const answer = await ask<Schemas['PayoutAnswer']>('POST', '/finance/payouts', { body: { vendor: 'all', dry_run: true } });
  return new Map((answer.held ?? []).map((one) => [one.vendor, one]));
}

/** Every payout, oldest first. */
export async function readPayouts(): Promise<Payout[]> {
  const rows: Payout[] = [];
  for await (const page of everyPage(listOf<Payout>('/finance/payouts'))) rows.push(...page);
  return rows;
}
