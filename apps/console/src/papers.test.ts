import { describe, expect, it } from 'vitest';
import { isId, says } from './books';
import type { Entry, Payout, Settings } from './contract';
import { asTried, GROUPS, inGroup, paperOf, requestOf, type Typed } from './entries';
import { toConfirm } from './returned';
import { monthOfTable } from './months';
import { at, byTime, dhakaMs, readWhole, same, settingsOf } from './settings';
import { isKey, Refused, speak } from '@getit/ui';

const A = 'A01KASWBNZ0M6SC7N75YR3HGA9T2';
const S = 'S01KASWBNZ0M6SC7N75YR3HGA9T2';
const V = 'V01KASWBNZ0M6SC7N75YR3HGA9T2';
const O = 'O01KASWBNZ0M6SC7N75YR3HGA9T2';
const U = 'U01KASWBNZ0M6SC7N75YR3HGA9T2';
const P = 'P01KASWBNZ0M6SC7N75YR3HGA9T2';
const blank: Typed = { owner: '', other: '', bank: '', provider: '', amount: '', part: '', reference: '' };
const typed = (more: Partial<Typed>) => ({ ...blank, amount: '১,২৫০', reference: ' R 1 ', ...more });

describe('entries on paper evidence', () => {
  const papers = GROUPS.flatMap((one) => [...one.papers]);
  it('are all there, each once, with a word for it and for what it asks', () => {
    expect(papers.map((one) => one.what).sort()).toEqual([
      'bag_stolen', 'charged_back', 'charged_back_early', 'claim_lost', 'claim_paid', 'credit_issued', 'float_issued', 'loss_charged', 'loss_claimed', 'loss_paid', 'netted', 'pay_accrued', 'pay_paid', 'security_taken', 'settled', 'vat_paid',
    ]);
    for (const one of papers) {
      expect(isKey(`entry.${one.what}`), one.what).toBe(true);
      for (const letters of [one.owner, one.other ?? '']) expect(letters === '' || isKey(`id_of.${letters}`), one.what).toBe(true);
      if (one.part) expect(isKey(`part_of.${one.what}`)).toBe(true);
    }
    expect(paperOf('never_heard')).toBeNull();
    expect([inGroup('lost', 'claim_lost'), inGroup('lost', 'vat_paid'), inGroup('never', 'vat_paid')]).toEqual([true, false, false]);
  });
  it('ask for what the kind needs and send nothing else', () => {
    const all = typed({ owner: ` ${A.toLowerCase()} `, other: P, bank: ' DBBL-Settlement', provider: 'bkash', part: '12.50' });
    expect(requestOf(paperOf('pay_paid')!, all)).toEqual({ what: 'pay_paid', owner: A, other: null, bank: 'dbbl-settlement', provider: null, amount_paisa: 125_000, part_paisa: 0, reference: 'R 1' });
    expect(requestOf(paperOf('settled')!, all)).toEqual({ what: 'settled', owner: null, other: null, bank: 'dbbl-settlement', provider: 'bkash', amount_paisa: 125_000, part_paisa: 1250, reference: 'R 1' });
    expect(requestOf(paperOf('loss_paid')!, { ...all, owner: V })).toMatchObject({ owner: V, other: P, bank: null, part_paisa: 0 });
  });
  it('are none while something is missing, of another kind or no number', () => {
    const of = (what: string, more: Partial<Typed>) => requestOf(paperOf(what)!, typed(more));
    expect(of('pay_paid', { owner: A })).toBeNull();
    expect(of('pay_paid', { owner: S, bank: 'city' })).toBeNull();
    expect(of('security_taken', { owner: S, bank: 'city' })).not.toBeNull();
    expect(of('loss_paid', { owner: V })).toBeNull();
    expect(of('settled', { bank: 'city' })).toBeNull();
    expect(of('settled', { bank: 'city', provider: 'card', part: 'some' })).toBeNull();
    expect(of('charged_back_early', { owner: O, provider: 'card' })).toMatchObject({ owner: O, other: null });
    expect(of('charged_back_early', { owner: U, provider: 'card' })).toBeNull();
    expect(of('charged_back_early', { owner: U, other: O, provider: 'card' })).toMatchObject({ owner: U, other: O });
    expect(of('pay_accrued', { owner: A, amount: '0' })).toBeNull();
    expect(of('pay_accrued', { owner: A, reference: '' })).not.toBeNull();
  });
  it('are tried again by a name that no paper has', () => {
    const row: Entry = { entry: 'Z01', state: 'waiting', what: 'vat_paid', owner: 'Q01', amount_paisa: 5, part_paisa: 0, reference: 'M 1', maker: 'ab' };
    expect(asTried(row)).toEqual({ what: 'vat_paid', owner: 'Q01', other: null, bank: null, provider: null, amount_paisa: 5, part_paisa: 0, reference: 'Z01', dry_run: true });
  });
  it('take ids of the kinds that fit', () => {
    expect([isId('AS', S), isId('AS', V), isId('V', 'V01'), isId('', V)]).toEqual([true, false, false, false]);
  });
});

describe('settings', () => {
  const of = (effective_ms: number, two = 1): Settings => ({ effective_ms, two_people_from_paisa: two, unclaimed_after_days: 90, cooling_hours: 72, payout_fee_paisa: 0 });
  it('are told apart by when they hold', () => {
    const rows = [of(50), of(0), of(30), of(40)];
    const sorted = byTime(rows, 30);
    expect([sorted.now?.effective_ms, sorted.announced.map((one) => one.effective_ms), sorted.earlier.map((one) => one.effective_ms)]).toEqual([30, [40, 50], [0]]);
    expect(byTime([], 1)).toEqual({ now: null, announced: [], earlier: [] });
    expect([at(rows, 45)?.effective_ms, at(rows, -1)]).toEqual([40, null]);
    expect([same(of(1), of(2)), same(of(1), of(1, 2))]).toEqual([true, false]);
  });
  it('begin at a time of Dhaka and are read in both scripts', () => {
    expect(dhakaMs('2026-11-29', '00:00')).toBe(Date.UTC(2026, 10, 28, 18));
    expect([dhakaMs('', '00:00'), readWhole('৭২'), readWhole(' 1,200 '), readWhole('7.5'), readWhole('')]).toEqual([null, 72, 1200, null, null]);
    expect(settingsOf({ day: '2026-11-29', time: '00:00', amount: '৫,০০০', days: '৯০', hours: '0', fee: '১০' })).toEqual({ effective_ms: Date.UTC(2026, 10, 28, 18), two_people_from_paisa: 500_000, unclaimed_after_days: 90, cooling_hours: 0, payout_fee_paisa: 1_000 });
    expect(settingsOf({ day: '2026-11-29', time: '00:00', amount: '5000', days: 'many', hours: '0', fee: '0' })).toBeNull();
  });
});

describe('a payout that came back', () => {
  const of = (payout: string, vendor: string, state: string): Payout => ({ payout, vendor, state, contested: false, lines: 1, total_paisa: 1, fee_paisa: 0 });
  it('asks for the account until a later one was sent', () => {
    const list = [of('1', 'a', 'returned'), of('2', 'b', 'returned'), of('3', 'a', 'confirmed'), of('4', 'b', 'created'), of('5', 'c', 'confirmed')];
    expect([...toConfirm(list)].map(([vendor, one]) => [vendor, one.payout])).toEqual([['b', '2']]);
  });
});

describe('a month in a narrow column', () => {
  it('is a number of the language, and stays what it is when it is none', () => {
    speak('bn');
    expect([monthOfTable('2026-11'), monthOfTable('later')]).toEqual(['১১/২০২৬', 'later']);
  });
});

describe('a no', () => {
  it('says its moment as a day, and the state of a parcel in words', () => {
    speak('bn');
    const cooling = says(new Refused('account_cooling', { until_ms: Date.UTC(2026, 10, 28, 18) }));
    expect(cooling).toContain('২৯/১১/২০২৬');
    expect(cooling).not.toContain('৳');
    expect(says(new Refused('not_lost', { status: 'delivered' }))).toContain('ডেলিভারি হয়েছে');
  });
});
