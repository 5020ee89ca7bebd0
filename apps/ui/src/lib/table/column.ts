import type { Cell } from './csv';

/** How a column is shown, and on which side it stands; `date` is a moment of which only the day is shown. */
export type Form = 'text' | 'money' | 'count' | 'day' | 'moment' | 'date' | 'code';

/** A column of a table of `Row`. */
export interface Column<Row> {
  /** Its name in a file: the API's own word. */
  key: string;
  label: string;
  form?: Form;
  /** What a file holds: whole paisa, ISO days and moments, the code itself. */
  value: (row: Row) => Cell;
  /** What a person reads, where that is another text. */
  text?: (row: Row) => string;
  href?: (row: Row) => string | null | undefined;
  /** A word with a ground of its own, for states. */
  tone?: (row: Row) => 'books' | 'hub' | 'wait' | 'stop' | 'over' | undefined;
  /** The column is added up. */
  sum?: boolean;
  /** Whole taka unless there are paisa: for cash, where nobody counts them. */
  whole?: boolean;
  /** It stands in the file only: a screen holds less than a spreadsheet. */
  fileOnly?: boolean;
}

/** A filter of a list: chips of which one is chosen. */
export interface Filter {
  name: string;
  label: string;
  value: string;
  options: { value: string; label: string }[];
}

/** Whether a column stands at the right. */
export function isNumber(form: Form | undefined): boolean {
  return form === 'money' || form === 'count';
}

/** What every summed column comes to. */
export function addUp<Row>(columns: readonly Column<Row>[], rows: readonly Row[], onto: Record<string, number> = {}): Record<string, number> {
  const sums = { ...onto };
  for (const column of columns) {
    if (!column.sum) continue;
    let sum = sums[column.key] ?? 0;
    for (const row of rows) {
      const value = column.value(row);
      if (typeof value === 'number') sum += value;
    }
    sums[column.key] = sum;
  }
  return sums;
}

/** The rows in the order of one column; those without a value come last, whichever way. */
export function sorted<Row>(rows: readonly Row[], column: Column<Row> | undefined, down: boolean): Row[] {
  if (!column) return [...rows];
  const turn = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    const [none, other] = [x === null || x === undefined || x === '', y === null || y === undefined || y === ''];
    if (none || other) return none === other ? 0 : none ? 1 : -1;
    if (typeof x === 'number' && typeof y === 'number') return (x - y) * turn;
    return String(x).localeCompare(String(y)) * turn;
  });
}
