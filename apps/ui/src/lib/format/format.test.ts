import { describe, expect, it } from 'vitest';
import { code, count, digits, lakh, latin } from './digits';
import { money, moneyLabel, moneyWords, readMoney } from './money';
import { clock, date, day, dayOf, isoDay, monthOf, span, when } from './time';

const bn = { lang: 'bn' } as const;
const en = { lang: 'en' } as const;

describe('amounts', () => {
  it('are grouped by lakh, in the digits of the language', () => {
    expect(money(125_000, bn)).toBe('৳১,২৫০');
    expect(money(125_000, en)).toBe('৳1,250');
    expect(money(123_456_700, bn)).toBe('৳১২,৩৪,৫৬৭');
    expect(money(100_000_000_000_000, en)).toBe('৳10,00,00,00,00,000');
    expect(['1', '12', '123', '1234', '12345', '123456'].map(lakh)).toEqual([
      '1',
      '12',
      '123',
      '1,234',
      '12,345',
      '1,23,456',
    ]);
  });
  it('have the sign first and paisa only where there are some', () => {
    expect(money(-20_000, bn)).toBe('−৳২০০');
    expect(money(87_350, en)).toBe('৳873.50');
    expect(money(125_000, { ...bn, withPaisa: true })).toBe('৳১,২৫০.০০');
    expect(money(0, bn)).toBe('৳০');
    expect(moneyLabel(125_000, 'bn')).toBe('১,২৫০ টাকা');
  });
  it('are read in both scripts, and nothing else is', () => {
    for (const text of ['1250', '১২৫০', '৳১,২৫০', ' 1,250 ', '1250.00']) expect(readMoney(text)).toBe(125_000);
    expect(readMoney('12.5')).toBe(1250);
    for (const text of ['', '-5', '1e9', '12.345', 'abc', '١٢', '9'.repeat(14), '0x10', '১২৫০ টাকা'])
      expect(readMoney(text)).toBeNull();
  });
  it('are said in words', () => {
    expect(moneyWords(514_500, 'bn')).toBe('পাঁচ হাজার একশ পঁয়তাল্লিশ টাকা');
    expect(moneyWords(514_500, 'en')).toBe('five thousand one hundred forty-five taka');
    expect(moneyWords(1_845_000, 'bn')).toBe('আঠারো হাজার চারশ পঞ্চাশ টাকা');
    expect(moneyWords(1_23_45_67_800, 'en')).toBe('one crore twenty-three lakh forty-five thousand six hundred seventy-eight taka');
    expect(moneyWords(50, 'bn')).toBe('শূন্য টাকা পঞ্চাশ পয়সা');
    expect(moneyWords(0, 'en')).toBe('zero taka');
  });
});

describe('digits', () => {
  it('change script both ways', () => {
    expect(digits('0123456789', 'bn')).toBe('০১২৩৪৫৬৭৮৯');
    expect(latin('০১২৩৪৫৬৭৮৯ab')).toBe('0123456789ab');
    expect(count(1_234_567, 'bn')).toBe('১২,৩৪,৫৬৭');
    expect(count(-3, 'en')).toBe('−3');
  });
  it('stay Latin in codes, four by four', () => {
    expect(code('GT447188237')).toBe('GT 4471 8823 7');
    expect(code('gt 4471 8823 7')).toBe('GT 4471 8823 7');
    expect(code('GT4718823')).toBe('GT47 1882 3');
    expect(code('০১৭১২৩৪৫৬৭৮')).toBe('0171 2345 678');
  });
});

describe('times', () => {
  // 22 November 2026, 16:30 in Dhaka, a Sunday.
  const at = Date.UTC(2026, 10, 22, 10, 30);
  it('name the part of the day', () => {
    expect(clock(at, 'bn')).toBe('বিকাল ৪:৩০');
    expect(clock(at, 'en')).toBe('4:30 pm');
    const hours = [0, 3, 4, 6, 12, 15, 18, 20].map((hour) => clock(Date.UTC(2026, 10, 22, hour - 6), 'bn').split(' ')[0]);
    expect(hours).toEqual(['রাত', 'রাত', 'ভোর', 'সকাল', 'দুপুর', 'বিকাল', 'সন্ধ্যা', 'রাত']);
    expect(clock(Date.UTC(2026, 10, 21, 18, 5), 'en')).toBe('12:05 am');
  });
  it('turn the day at midnight in Dhaka', () => {
    expect(day(at, at, 'bn')).toBe('আজ');
    expect(day(Date.UTC(2026, 10, 21, 17, 59), at, 'bn')).toBe('গতকাল');
    expect(day(Date.UTC(2026, 10, 21, 18, 0), at, 'bn')).toBe('আজ');
    expect(day(at, at + 5 * 86_400_000, 'bn')).toBe('২২ নভেম্বর, রবি');
    expect(when(at, at, 'en')).toBe('4:30 pm');
    expect(when(at, at + 5 * 86_400_000, 'en')).toBe('22 Nov, Sun, 4:30 pm');
  });
  it('stand in tables as numbers, of the day in Dhaka', () => {
    expect(date(at, 'bn')).toBe('২২/১১/২০২৬');
    expect(date(Date.UTC(2026, 10, 21, 18, 0), 'en')).toBe('22/11/2026');
    expect(isoDay(Date.UTC(2026, 10, 21, 18, 0))).toBe('2026-11-22');
    expect(dayOf('2026-02-03', 'bn')).toBe('০৩/০২/২০২৬');
    expect(monthOf('2026-11', 'bn')).toBe('নভেম্বর ২০২৬');
    for (const odd of ['', '2026-13', 'later']) expect([dayOf(odd, 'bn'), monthOf(odd, 'bn')]).toEqual([odd, odd]);
  });
  it('tell how long in one unit', () => {
    expect(span(3 * 3_600_000, 'bn')).toBe('৩ ঘণ্টা');
    expect(span(-5, 'en')).toBe('0 min');
    expect(span(72 * 3_600_000, 'en')).toBe('3 d');
  });
});
