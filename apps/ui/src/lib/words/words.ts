import { count } from '../format/digits';
import { money } from '../format/money';
import { language, type Language } from '../language.svelte';
import { common } from './common';
import { consoleWords } from './console';
import { contests } from './contests';
import { delivery } from './delivery';
import { finance } from './finance';
import { kiosk } from './kiosk';
import { ledger } from './ledger';
import { reasons } from './reasons';
import { refusals } from './refusals';
import { states } from './states';
import { vendor } from './vendor';

/** Every word of every face. */
export const words = {
  ...common,
  ...reasons,
  ...states,
  ...contests,
  ...refusals,
  ...delivery,
  ...kiosk,
  ...vendor,
  ...consoleWords,
  ...ledger,
  ...finance,
};

/** The name of a word. */
export type Key = keyof typeof words;

/** What fills a word: a number is a count and is written in the language's digits, a text stands as it is. */
export type Params = Record<string, string | number>;

/** A word in the language spoken now. A parameter that is missing stays visible as `{name}`. */
export function t(key: Key, params: Params = {}, lang: Language = language.now): string {
  const text: string = words[key][lang === 'bn' ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : typeof value === 'number' ? count(value, lang) : value;
  });
}

/** Whether `text` names a word: codes of a later version do not. */
export function isKey(text: string): text is Key {
  return Object.hasOwn(words, text);
}

/** The word of a status; one of a later version is shown as it is. */
export function state(word: string): string {
  const key = `state.${word}`;
  return isKey(key) ? t(key) : word;
}

/** Parameters of a refusal that are amounts of paisa. */
const AMOUNTS = ['due', 'entered', 'held', 'ceiling', 'notes', 'counted', 'expected'];

/** The sentence of a refusal's code. */
export function refusalWords(code: string, params: Record<string, unknown>): string {
  const filled: Params = { code };
  for (const [name, value] of Object.entries(params)) {
    if (typeof value === 'number') filled[name] = AMOUNTS.includes(name) ? money(value) : value;
    else if (typeof value === 'string') filled[name] = name === 'status' ? state(value) : value;
  }
  const key = `refusal.${code}`;
  return t(isKey(key) ? key : 'refusal.newer', filled);
}

/** What is said of an act that central named: why it waits, or that somebody looks at it when the code is of a later version. */
export function contestWords(code: string | null): string {
  const key = `contest.${code ?? ''}`;
  return t(isKey(key) ? key : 'st.apart');
}
