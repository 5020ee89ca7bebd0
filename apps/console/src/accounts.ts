import { everyPage } from '@getit/ui';
import { listOf } from './api';
import type { Payout, VendorAccount } from './contract';

/** Where every vendor is paid, and from when: no money of theirs is shown without it. */
export async function readAccounts(): Promise<ReadonlyMap<string, VendorAccount>> {
  const rows: VendorAccount[] = [];
  for await (const page of everyPage(listOf<VendorAccount>('/finance/vendor-accounts'))) rows.push(...page);
  return new Map(rows.map((one) => [one.vendor, one]));
}

/** Until when nothing goes to an account that was changed, by central's clock; null where it is paid to now, or none is
 * set. */
export function waitsUntil(account: VendorAccount | null | undefined): number | null {
  return account?.waits ? (account.pays_from_ms ?? null) : null;
}

/** Every payout, oldest first. */
export async function readPayouts(): Promise<Payout[]> {
  const rows: Payout[] = [];
  for await (const page of everyPage(listOf<Payout>('/finance/payouts'))) rows.push(...page);
  return rows;
}
