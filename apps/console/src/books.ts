import { clock, date, isKey, money, refusalWords, state, t, type Params, type Refused } from '@getit/ui';

/** A word of a list of words; a code of a later version is shown as it is. */
export function word(list: string, code: string | number): string {
  const key = `${list}.${code}`;
  return isKey(key) ? t(key) : String(code);
}

/** The name of an account: ours, else the one that the books give. */
export function accountName(account: number | string, title = ''): string {
  const key = `account.${account}`;
  return isKey(key) ? t(key) : title || String(account);
}

/** A rule in words; behind a minus it takes an earlier posting back. */
export function ruleName(rule: string): string {
  return rule.startsWith('-') ? t('rule.taken_back', { rule: word('rule', rule.slice(1)) }) : word('rule', rule);
}

/** An id as a person compares it: its letter and its end, which differ first. */
export function short(id: string | null | undefined): string {
  if (!id) return '–';
  return id.length < 14 ? id : `${id.slice(0, 1)}…${id.slice(-7, -3)}\u00a0${id.slice(-3)}`;
}

/** A fact by the first digits of its hash. */
export function factNo(id: string): string {
  return id.slice(0, 8).toUpperCase();
}

/** The name, or the id where nobody told one. */
export function who(name: string | null | undefined, id: string | null | undefined): string {
  return name && name.trim() !== '' ? name : short(id);
}

/** An account as the books write one: `1120{S…}` or `5050`. */
export function accountOf(text: string): { account: string; owner: string | null } {
  const match = /^(\d+)(?:\{([^}]*)\})?$/.exec(text);
  return match ? { account: match[1]!, owner: match[2] ?? null } : { account: text, owner: null };
}

/** How an account is named in an address: its code, and its owner behind a point. */
export function accountPath(account: number | string, owner: string | null | undefined): string {
  return owner ? `${account}.${owner}` : String(account);
}

/** The sentence of a refusal. A code of a later version is told in central's own English. */
export function says(refused: Refused): string {
  const key = `fin.${refused.code}`;
  if (!isKey(key)) {
    if (isKey(`refusal.${refused.code}`)) return refusalWords(refused.code, refused.params);
    return refused.message === refused.code ? refusalWords(refused.code, refused.params) : `${refused.message} ${refused.next}`.trim();
  }
  const filled: Params = {};
  for (const [name, value] of Object.entries(refused.params)) {
    if (typeof value === 'number' && name.endsWith('_ms')) filled[name.slice(0, -3)] = moment(value);
    else if (typeof value === 'number') filled[name] = money(value, { withPaisa: true });
    else if (typeof value === 'string') filled[name] = name === 'status' ? state(value) : value;
  }
  const told = t(key, filled);
  // Central gave no number for it: a sentence with a hole is worse than its own English.
  return told.includes('{') ? `${refused.message} ${refused.next}`.trim() : told;
}

/** The two numbers of a refusal, where it has them. */
export function figuresOf(refused: Refused): { held: number; entered: number } | null {
  const { held, entered } = refused.params;
  return typeof held === 'number' && typeof entered === 'number' ? { held, entered } : null;
}

/** Day and time as a sentence of the console writes them. */
export function moment(atMs: number): string {
  return `${date(atMs)}, ${clock(atMs)}`;
}

/** Whether a text is an id of one of the kinds, each named by its letter: 26 digits, and a check that may be a sign. Whether
 * there is such a thing, central knows. */
export function isId(letters: string, text: string): boolean {
  return new RegExp(`^[${letters}][0-9A-Z]{26}[0-9A-Z*~$=]$`).test(text.trim().toUpperCase());
}

/** A moment in ms; null where there is none, or one that cannot be read. */
export function ms(moment: string | null | undefined): number | null {
  if (!moment) return null;
  const at = Date.parse(moment);
  return Number.isNaN(at) ? null : at;
}
