import { NOTES, sumOf, type Pieces } from '@getit/ui';

/** More notes of one value than a counter ever holds, or more cash than a till: asked again. */
const MOST_NOTES = 2_000;
const MOST_PAISA = 500_000_00;

/** Whether a count is more likely a slip of the finger than cash. */
export function absurd(pieces: Pieces): boolean {
  return sumOf(pieces) > MOST_PAISA || NOTES.some((note) => Number(pieces[note] ?? '0') > MOST_NOTES);
}
