import { ask } from './api';
import type { Custody, Paged, Payable, Schemas, Shortage } from './contract';
import { Reading } from './reading.svelte';

/** Somebody or something that an entry may be about. */
export interface Known {
  id: string;
  name: string;
}

/** Whom the books know by name. Central has no list of parties for finance; these come from the lists that name some. */
export async function readKnown(): Promise<Known[]> {
  const of = <Row>(path: string) => ask<Paged<Row>>('GET', `/finance/${path}?limit=1000`).then((page) => page.rows, (): Row[] => []);
  const [cash, shortages, vendors, bags] = await Promise.all([of<Custody>('cash-by-custodian'), of<Shortage>('shortages'), of<Payable>('vendor-payable'), of<Schemas['BagRow']>('bags')]);
  const found = new Map<string, string>();
  for (const { owner, name } of [...cash, ...shortages]) if (owner && name) found.set(owner, name);
  for (const { vendor, name } of vendors) if (name) found.set(vendor, name);
  for (const { bag, seal } of bags) found.set(bag, seal);
  return [...found].map(([id, name]) => ({ id, name }));
}

/** Read anew by each page that shows ids; without it ids stand alone. */
export const knownParties = () => new Reading<Known[]>(readKnown);

/** Names by id. */
export function namesOf(known: readonly Known[] | null): ReadonlyMap<string, string> {
  return new Map((known ?? []).map((one) => [one.id, one.name]));
}
