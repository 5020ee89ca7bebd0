import { describe, expect, it } from 'vitest';
import { addsUp, AGES, agesOf, overADay } from './ageing';
import { accountOf, accountPath, figuresOf, ms, ruleName, says, short, who } from './books';
import type { Ageing } from './contract';
import { lastDay, monthAfter, monthBefore, nextToClose } from './months';
import { fits, waysOf } from './ways';
import { addUp, Refused, speak, type Column } from '@getit/ui';

const aged = (day: number, three: number, week: number, month: number, older: number): Ageing => ({
  account: 1110,
  title: '',
  holders: 1,
  aged_holders: 0,
  owner: null,
  name: null,
  balance_paisa: day + three + week + month + older,
  oldest: null,
  day_paisa: day,
  three_days_paisa: three,
  week_paisa: week,
  month_paisa: month,
  older_paisa: older,
});

describe('the age of money', () => {
  const rows = [aged(100, 20, 3, 0, 0), aged(-5, 0, 0, 7, 1)];
  it('adds up by age, to the paisa', () => {
    expect(agesOf(rows)).toEqual([95, 20, 3, 7, 1]);
    expect(overADay(rows)).toBe(31);
    expect(agesOf([])).toEqual(AGES.map(() => 0));
  });
  it('tells when its parts are not its balance', () => {
    expect(rows.every(addsUp)).toBe(true);
    expect(addsUp({ ...rows[0]!, balance_paisa: 1 })).toBe(false);
  });
});

describe('the totals of a table', () => {
  it('add up what is summed, leave out what is empty, and go on from earlier pages', () => {
    const columns: Column<{ paisa: number | null; name: string }>[] = [
      { key: 'name', label: '', value: (row) => row.name },
      { key: 'paisa', label: '', value: (row) => row.paisa, sum: true },
    ];
    const first = addUp(columns, [{ paisa: 1, name: 'a' }, { paisa: null, name: 'b' }]);
    expect(first).toEqual({ paisa: 1 });
    expect(addUp(columns, [{ paisa: -5, name: 'c' }], first)).toEqual({ paisa: -4 });
  });
});

describe('names and codes', () => {
  it('are those that are known, and else what came', () => {
    expect(who(null, 'A01KASWBNZ0M6SC7N75YR3HGA9T2')).toBe('A…3HGA\u00a09T2');
    expect(who('  ', null)).toBe('–');
    expect(short('J9')).toBe('J9');
    expect(ruleName('J99')).toBe('J99');
    expect(ms('not a moment')).toBeNull();
    expect(ms(null)).toBeNull();
  });
  it('are read as the books write an account', () => {
    expect(accountOf('1120{S01}')).toEqual({ account: '1120', owner: 'S01' });
    expect(accountOf('5050')).toEqual({ account: '5050', owner: null });
    expect(accountOf('later')).toEqual({ account: 'later', owner: null });
    expect([accountPath(1120, 'S01'), accountPath(5050, null)]).toEqual(['1120.S01', '5050']);
  });
});

describe('a refusal', () => {
  it('says both numbers', () => {
    speak('bn');
    const refused = new Refused('more_than_open', { held: 20_000, entered: 25_000 });
    expect(says(refused)).toContain('৳২০০.০০');
    expect(says(refused)).toContain('৳২৫০.০০');
    expect(figuresOf(refused)).toEqual({ held: 20_000, entered: 25_000 });
    expect(figuresOf(new Refused('same_person'))).toBeNull();
  });
  it("of a later version is central's own sentence, never only a code", () => {
    expect(says(new Refused('never_heard', {}, 'It is so.', 'Do that.'))).toBe('It is so. Do that.');
    expect(says(new Refused('never_heard'))).toContain('never_heard');
    expect(says(new Refused('more_than_open', {}, 'Too much.', 'Less.'))).toBe('Too much. Less.');
  });
});

describe('the ways to end a difference', () => {
  it('are all there, and ask for the id that central asks for', () => {
    expect([1140, 1190, 2090, 2095, 2080].flatMap((one) => waysOf(one, 'A01', 'J9').map((way) => way.how))).toEqual([
      'repaid', 'from_pay', 'from_security', 'written_off', 'from_refunds', 'from_credit', 'repaid', 'written_off', 'to_customer', 'to_giver', 'unclaimed', 'excess_to_customer', 'recorded_in_error', 'owed_to_agent', 'identified',
    ]);
    expect(waysOf(9999, 'A01', 'J9')).toEqual([]);
    const repaid = waysOf(1140, 'S01', 'J9')[0]!;
    const how = (owner: string, rule: string) => waysOf(1140, owner, rule).map((way) => way.how);
    expect(how('S01', 'J27b')).not.toContain('from_pay');
    // Central takes these of one rule only: nobody is led to a refusal.
    expect([how('S01', 'J27b').includes('expensed'), how('S01', 'J27a').includes('expensed')]).toEqual([true, false]);
    expect([how('A01', 'J11a').includes('conceded_by_vendor'), how('A01', 'J9').includes('conceded')]).toEqual([true, false]);
    expect(fits(repaid, ' s01kaswbnz0m6sc7n75yr3hga9t2 ')).toBe(true);
    expect(fits(repaid, 'A01KASWBNZ0M6SC7N75YR3HGA9T2')).toBe(false);
    expect(fits(waysOf(1140, 'S01', 'J27b')[1]!, '')).toBe(true);
  });
});

describe('months', () => {
  it('follow each other over the year', () => {
    expect([monthAfter('2026-12'), monthBefore('2026-01'), lastDay('2028-02'), lastDay('2026-12')]).toEqual(['2027-01', '2025-12', '2028-02-29', '2026-12-31']);
  });
  it('are closed one behind the other, and never before they are over', () => {
    expect(nextToClose(['2026-08', '2026-09'], '2026-11-26')).toEqual({ month: '2026-10', over: true });
    expect(nextToClose(['2026-10'], '2026-11-26')).toEqual({ month: '2026-11', over: false });
    expect(nextToClose([], '2026-01-05')).toEqual({ month: '2025-12', over: true });
  });
});
