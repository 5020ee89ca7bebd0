import type { Ageing } from './contract';

/** How old money is, youngest first, as central cuts it. */
export const AGES = ['day', 'three_days', 'week', 'month', 'older'] as const;
export type Age = (typeof AGES)[number];

/** What is of one age. */
export function ofAge(row: Ageing, age: Age): number {
  return row[`${age}_paisa`];
}

/** What is of each age in several accounts together. */
export function agesOf(rows: readonly Ageing[]): number[] {
  return AGES.map((age) => rows.reduce((sum, row) => sum + ofAge(row, age), 0));
}

/** What is older than a day. */
export function overADay(rows: readonly Ageing[]): number {
  return agesOf(rows).slice(1).reduce((sum, paisa) => sum + paisa, 0);
}

/** Whether the parts of a row come to its balance: if not, the row says so and nobody reads it as true. */
export function addsUp(row: Ageing): boolean {
  return AGES.reduce((sum, age) => sum + ofAge(row, age), 0) === row.balance_paisa;
}
