import { digits, language } from '@getit/ui';

/** The months of books: which may be closed next, and what stands in the way. */
export interface NextMonth {
  /** `2026-10`. */
  month: string;
  /** It is over, so that it may be closed. */
  over: boolean;
}

/** The month behind one. */
export function monthAfter(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}

/** The month before one. */
export function monthBefore(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, '0')}`;
}

/** The month that is to be closed next: the one behind the last closed; before any is, the one before this month. */
export function nextToClose(closed: readonly string[], today: string): NextMonth {
  const last = [...closed].sort().at(-1);
  const now = today.slice(0, 7);
  const month = last === undefined ? monthBefore(now) : monthAfter(last);
  return { month, over: month < now };
}

/** A month as a narrow column writes it: `১১/২০২৬`; a text that is none stays as it is. */
export function monthOfTable(iso: string): string {
  const parts = /^(\d{4})-(\d{2})$/.exec(iso);
  return parts === null ? iso : digits(`${parts[2]}/${parts[1]}`, language.now);
}

/** The last day of a month. */
export function lastDay(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return `${month}-${String(new Date(Date.UTC(year, number, 0)).getUTCDate()).padStart(2, '0')}`;
}
