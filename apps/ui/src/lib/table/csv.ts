/** A value of a file: numbers are whole, moments and days are ISO texts. */
export type Cell = string | number | boolean | null | undefined;

/** Excel reads a file as UTF-8 only behind this mark; without it Bangla names are garbage there. */
const MARK = '\uFEFF';

/** What a spreadsheet would take for a formula, when it is the first sign of a text. */
const FORMULA = /^[=+\-@\t\r]/;

function written(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  // Numbers are ours and stand as they are, also below zero: a sum has to add up in the spreadsheet.
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(Math.trunc(cell)) : '';
  if (typeof cell === 'boolean') return cell ? 'true' : 'false';
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) || text !== cell || /^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line of a file. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(written).join(',')}\r\n`;
}

/** A whole file (RFC 4180), to be opened by a spreadsheet. */
export function csvFile(head: readonly string[], rows: Iterable<readonly Cell[]>): string {
  let text = MARK + csvLine(head);
  for (const row of rows) text += csvLine(row);
  return text;
}
