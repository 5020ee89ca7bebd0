import { count } from '@getit/ui';
import type { Return } from './contract';
import { readWhole } from './settings';

/** The articles of a return in one line: `2 × RICE`, of what was counted that. */
export function pieces(row: Return): string {
  return row.lines.map((line) => `${count(line.counted ?? line.asked)} × ${line.sku}`).join(', ');
}

/** How many were counted, as somebody types it, in either digits; null when that is no number of pieces. */
export function readPieces(text: string): number | null {
  const pieces = readWhole(text);
  return pieces !== null && pieces <= 65_535 ? pieces : null;
}
