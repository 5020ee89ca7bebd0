import { describe, expect, it } from 'vitest';
import { REASONS } from './reasons';
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
import { contestWords, isKey, refusalWords, state, t, words } from './words';

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe('the words', () => {
  it('are there in both languages, with the same parameters', () => {
    for (const [key, [bn, en]] of Object.entries(words)) {
      expect(bn.trim(), key).not.toBe('');
      expect(en.trim(), key).not.toBe('');
      expect(names(bn), key).toEqual(names(en));
    }
  });
  it('have each key once', () => {
    const lists = [common, reasons, states, contests, refusals, delivery, kiosk, vendor, consoleWords, ledger, finance];
    const all = lists.flatMap((list) => Object.keys(list));
    expect(new Set(all).size).toBe(all.length);
  });
  it('are calm: no exclamation mark, no begging, no plural forms in brackets', () => {
    for (const [key, pair] of Object.entries(words)) {
      for (const text of pair) expect(/[!]|দয়া করে|please|\(s\)/i.test(text), `${key}: ${text}`).toBe(false);
    }
  });
  it('fill numbers in the digits of the language and keep texts', () => {
    expect(t('act.open_stop', { n: 13 }, 'bn')).toBe('১৩ নম্বর স্টপ খুলুন');
    expect(t('act.open_stop', { n: 13 }, 'en')).toBe('Open stop 13');
    expect(t('act.took', { amt: '৳১,২৫০' }, 'bn')).toBe('৳১,২৫০ নিয়েছি');
  });
  it('hold a word for every reason', () => {
    for (const reason of Object.values(REASONS).flat()) expect(isKey(`reason.${reason}`)).toBe(true);
  });
  it('say a refusal with its amounts, and one of a later version without inventing', () => {
    expect(refusalWords('amount_differs', { due: 125_000, entered: 100_000 })).toContain('৳১,২৫০');
    expect(refusalWords('wrong_state', { status: 'delivered' })).toContain('ডেলিভারি হয়েছে');
    expect(refusalWords('never_heard', {})).toContain('never_heard');
    expect(state('never_heard')).toBe('never_heard');
    expect(refusalWords('bad_count', { value: 32 })).toContain('৩২');
  });
  it('say why an act waits for a ruling, and never that the app is old', () => {
    expect(contestWords('second_count')).toBe(t('contest.second_count'));
    expect(contestWords('never_heard')).toBe(t('st.apart'));
    expect(contestWords(null)).toBe(t('st.apart'));
  });
});
