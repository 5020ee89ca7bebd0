import { isId } from './books';

/** Ways in which a difference may end, and what central needs to know for each. */
export interface Way {
  how: string;
  /** The letter of the id on the other side, where the way has one: a site, a customer, an agent, a vendor. */
  other: 'S' | 'U' | 'A' | 'V' | null;
  /** The letter of the owner's id, where the way is for one kind of owner only. */
  only?: 'A' | 'S';
  /** The rule of the journal that the difference follows from, where the way is for that only. */
  of?: string;
  /** Nothing is proposed for it here: it ends by another act. */
  elsewhere?: boolean;
}

const WAYS: Record<number, Way[]> = {
  1140: [
    { how: 'repaid', other: 'S' },
    { how: 'expensed', other: null, only: 'S', of: 'J27b' },
    { how: 'from_pay', other: null, only: 'A' },
    { how: 'from_security', other: null },
    { how: 'conceded', other: null, only: 'A', of: 'J11a' },
    { how: 'conceded_by_vendor', other: 'V', only: 'A', of: 'J11a' },
    { how: 'written_off', other: null },
  ],
  1190: [
    { how: 'from_refunds', other: null },
    { how: 'from_credit', other: null },
    { how: 'repaid', other: 'S' },
    { how: 'written_off', other: null },
  ],
  2090: [
    { how: 'to_customer', other: 'U' },
    { how: 'to_giver', other: 'S' },
    { how: 'unclaimed', other: null },
  ],
  2095: [
    { how: 'excess_to_customer', other: 'U' },
    { how: 'recorded_in_error', other: 'A' },
    { how: 'owed_to_agent', other: 'A' },
  ],
  2080: [{ how: 'identified', other: null, elsewhere: true }],
};

/** Every way that a difference of this owner on this account may end, by the rule that it follows from; none for an account of
 * a later version. */
export function waysOf(account: number, owner: string, rule: string): Way[] {
  const ways = (WAYS[account] ?? []).filter((way) => way.only === undefined || owner.startsWith(way.only));
  return ways.filter((way) => way.of === undefined || way.of === rule);
}

/** Whether the id is of the kind that the way asks for. */
export function fits(way: Way, other: string): boolean {
  return way.other === null || isId(way.other, other);
}
