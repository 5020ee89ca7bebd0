import type { Payout } from './contract';

/** The last payout of each vendor where it came back: his account has to be confirmed before the next one. One that was
 * sent since says that it is right again. */
export function toConfirm(payouts: readonly Payout[]): ReadonlyMap<string, Payout> {
  const last = new Map<string, Payout>();
  for (const one of payouts) if (one.vendor && one.state !== 'created') last.set(one.vendor, one);
  return new Map([...last].filter(([, one]) => one.state === 'returned'));
}
