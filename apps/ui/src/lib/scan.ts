/** Tells a scanner from a person: keys that come faster than anybody types, ended by Enter or Tab. */

/** Fewest keys of a scan. */
const LEAST_KEYS = 6;
/** Longest gap between the keys of a scan, ms; a fast typist needs 60 and more. */
const MOST_GAP_MS = 35;
/** The same code within this time is the same scan, ms. */
const REPEAT_MS = 2_000;

/** A key as the listener sees it; `code` names the place on the keyboard, whatever layout is chosen. */
export interface Stroke {
  code: string;
  shift: boolean;
  /** ms on any steady clock. */
  at: number;
}

const SIGNS: Record<string, string> = { Minus: '-', Equal: '=', Space: ' ', Slash: '/', Period: '.', Semicolon: ':' };

/** The character of a key on the layout that scanners send; null for keys that write nothing. */
export function character(code: string, shift: boolean): string | null {
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter !== undefined) return shift ? letter : letter.toLowerCase();
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1];
  // Shift with a digit writes the signs that the check digit of an id may be.
  if (digit !== undefined) return shift ? (({ '8': '*', '4': '$' })[digit] ?? digit) : digit;
  if (code === 'Backquote') return shift ? '~' : '`';
  return SIGNS[code] ?? null;
}

/** What one key did. */
export type Heard = { is: 'typing' } | { is: 'scan'; text: string } | { is: 'repeated'; text: string };

/** Hears keys one by one. Pure: the time comes with the key. */
export class Scanner {
  #keys = '';
  #last = 0;
  #seen: { text: string; at: number } | null = null;

  /** One key. A scan ends with Enter or Tab. */
  hear(stroke: Stroke): Heard {
    const quick = stroke.at - this.#last <= MOST_GAP_MS;
    this.#last = stroke.at;
    if (stroke.code === 'Enter' || stroke.code === 'NumpadEnter' || stroke.code === 'Tab') {
      const text = quick ? this.#keys : '';
      this.#keys = '';
      if (text.length < LEAST_KEYS) return { is: 'typing' };
      const repeated = this.#seen !== null && this.#seen.text === text && stroke.at - this.#seen.at < REPEAT_MS;
      this.#seen = { text, at: stroke.at };
      return { is: repeated ? 'repeated' : 'scan', text };
    }
    const written = character(stroke.code, stroke.shift);
    if (written === null) return { is: 'typing' };
    this.#keys = quick ? this.#keys + written : written;
    return { is: 'typing' };
  }

  /** How many keys of what may be a scan were heard: they are taken out of the field that has the focus. */
  get length(): number {
    return this.#keys.length;
  }
}
