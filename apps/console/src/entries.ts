import { readMoney } from '@getit/ui';
import { isId } from './books';
import type { Schemas } from './contract';

/** What finance may enter on paper evidence, and what a form has to ask for it: the shape of the request, no rule. */
export interface Paper {
  what: string;
  /** Letters of the ids whose account it may be; empty where the account at the bank is named alone. */
  owner: string;
  /** The letter of the thing that it is about besides: a parcel, an order. */
  other: 'P' | 'O' | null;
  bank: boolean;
  provider: boolean;
  /** A part of the amount goes another way: a fee, our share. */
  part: boolean;
}

const paper = (what: string, owner: string, more: Partial<Paper> = {}): Paper => ({ what, owner, other: null, bank: false, provider: false, part: false, ...more });

/** Every kind, in the groups in which a person looks for it. */
export const GROUPS = [
  { group: 'provider', papers: [paper('settled', '', { bank: true, provider: true, part: true }), paper('charged_back', 'V', { other: 'O', provider: true, part: true }), paper('charged_back_early', 'OU', { other: 'O', provider: true })] },
  { group: 'people', papers: [paper('float_issued', 'S', { bank: true }), paper('pay_accrued', 'A'), paper('pay_paid', 'A', { bank: true }), paper('security_taken', 'AS', { bank: true })] },
  {
    group: 'lost',
    papers: [
      paper('loss_paid', 'V', { other: 'P' }),
      paper('loss_charged', 'AS', { other: 'P' }),
      paper('loss_claimed', 'P'),
      paper('bag_stolen', 'B'),
      paper('claim_paid', 'BP', { bank: true }),
      paper('claim_lost', 'BP'),
    ],
  },
  { group: 'others', papers: [paper('netted', 'V'), paper('credit_issued', 'U'), paper('vat_paid', '', { bank: true })] },
] as const satisfies readonly { group: string; papers: readonly Paper[] }[];

export const PROVIDERS = ['bkash', 'nagad', 'rocket', 'card'] as const;

/** The kind of a word; null of one of a later version. */
export function paperOf(what: string): Paper | null {
  return GROUPS.flatMap((one): Paper[] => [...one.papers]).find((one) => one.what === what) ?? null;
}

/** Whether a kind is of a group. */
export function inGroup(group: string, what: string): boolean {
  return GROUPS.some((one) => one.group === group && one.papers.some((of) => of.what === what));
}

/** The letter of the thing that is to be named besides this owner: none where the owner is that thing himself. */
export function otherOf(paper: Paper, owner: string): Paper['other'] {
  return paper.other !== null && isId(paper.other, owner) ? null : paper.other;
}

/** What was typed into the form. */
export interface Typed {
  owner: string;
  other: string;
  bank: string;
  provider: string;
  amount: string;
  part: string;
  reference: string;
}

/** The request of what was typed; null while something is missing or cannot be read. The reference is asked for last:
 * the dry run does without it. */
export function requestOf(paper: Paper, typed: Typed): Schemas['EntryRequest'] | null {
  const amount = readMoney(typed.amount);
  const part = paper.part && typed.part.trim() !== '' ? readMoney(typed.part) : 0;
  if (amount === null || amount <= 0 || part === null) return null;
  if (paper.owner !== '' && !isId(paper.owner, typed.owner)) return null;
  const other = otherOf(paper, typed.owner);
  if (other !== null && !isId(other, typed.other)) return null;
  if ((paper.bank && typed.bank.trim() === '') || (paper.provider && typed.provider === '')) return null;
  const id = (text: string) => text.trim().toUpperCase();
  return {
    what: paper.what,
    owner: paper.owner === '' ? null : id(typed.owner),
    other: other === null ? null : id(typed.other),
    bank: paper.bank ? typed.bank.trim().toLowerCase() : null,
    provider: paper.provider ? typed.provider : null,
    amount_paisa: amount,
    part_paisa: part,
    reference: typed.reference.trim(),
  };
}

/** The request that an entry was: what it would post now is asked with it. An earlier proposal holds its paper's name, so
 * that the dry run has to go by another: the entry's own id, which no paper has. */
export function asTried(row: Schemas['EntryRow']): Schemas['EntryRequest'] {
  const { what, owner, other, provider, amount_paisa, part_paisa } = row;
  return { what, owner: owner ?? null, other: other ?? null, bank: null, provider: provider ?? null, amount_paisa, part_paisa, reference: row.entry, dry_run: true };
}
