import { describe, expect, it } from 'vitest';
import { csvFile, csvLine } from './csv';
import { arrived, back, cursor, everyPage, only, onward, START, type Load } from './paging';
import { apart, place, scaleOf, tickText } from './scale';

describe('a file', () => {
  it('quotes what would break a line apart', () => {
    expect(csvLine(['a,b', 'say "no"', 'two\nlines', 'ঢাকা'])).toBe('"a,b","say ""no""","two\nlines",ঢাকা\r\n');
    expect(csvLine([' padded', '', null, undefined])).toBe('" padded",,,\r\n');
  });
  it('holds nothing that a spreadsheet would run', () => {
    for (const bad of ['=1+1', '+880', '-2', '@sum', '\t=1', '\r=1']) expect(csvLine([bad])).toBe(`"'${bad}"\r\n`);
    expect(csvLine(['=HYPERLINK("http://x","y")'])).toBe(`"'=HYPERLINK(""http://x"",""y"")"\r\n`);
  });
  it('keeps amounts as plain whole numbers, also below zero', () => {
    expect(csvLine([-20_000, 12_34_567_00, 0, true, Number.NaN])).toBe('-20000,123456700,0,true,\r\n');
    expect(csvFile(['a', 'b'], [[1, 'x']])).toBe('\uFEFFa,b\r\n1,x\r\n');
  });
});

const list = (total: number): Load<number> => async (after, limit) => {
  const start = after === null ? 0 : Number(after);
  const rows = Array.from({ length: Math.min(limit, total - start) }, (_, at) => start + at);
  return { rows, next: start + limit < total ? String(start + limit) : null };
};
async function all<Row>(pages: AsyncGenerator<Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}

describe('pages', () => {
  it('go on and back by the cursors that were given', () => {
    const second = onward(arrived(START, 'a'));
    expect(cursor(second)).toBe('a');
    const third = onward(arrived(second, 'b'));
    expect([cursor(third), cursor(back(third)), back(third).next]).toEqual(['b', 'a', 'b']);
    expect(back(START)).toEqual(START);
    expect(onward(arrived(third, null)).began).toEqual(third.began);
    expect(onward(arrived(third, undefined)).began).toEqual(third.began);
  });
  it('never go in circles', () => {
    expect(arrived(onward(arrived(START, 'a')), 'a').next).toBeNull();
  });
  it('are all read for a file, and no further than one wants', async () => {
    expect(await all(everyPage(list(2_345)))).toHaveLength(2_345);
    expect(await all(everyPage(list(0)))).toEqual([]);
    let rows = 0;
    for await (const page of everyPage(list(5_000), () => rows >= 2_000)) rows += page.length;
    expect(rows).toBe(2_000);
  });
  it('are read on until one shows what is looked for', async () => {
    const rare = only(list(1_000), (row) => row % 400 === 399);
    expect(await rare(null, 50)).toEqual({ rows: [399, 799], next: null });
    const even = only(list(1_000), (row) => row % 2 === 0);
    const first = await even(null, 50);
    expect([first.rows.length, first.next]).toEqual([50, '100']);
  });
});

describe('the scale of a plot', () => {
  it('begins at zero, and steps by 1, 2 or 5', () => {
    const scale = scaleOf([48_130_000, 1_000, 31_245_000]);
    expect(scale).toEqual({ bottom: 0, top: 50_000_000, ticks: [0, 10_000_000, 20_000_000, 30_000_000, 40_000_000, 50_000_000] });
    expect(place(scale, 25_000_000, 100, 0)).toBe(50);
  });
  it('holds amounts below zero, nothing, and one', () => {
    const scale = scaleOf([-150_000, 400_000]);
    expect(scale.bottom).toBeLessThanOrEqual(-150_000);
    expect(scale.ticks).toContain(0);
    expect(scaleOf([])).toEqual({ bottom: 0, top: 100, ticks: [0] });
    expect(scaleOf([0, 0, Number.NaN])).toEqual({ bottom: 0, top: 100, ticks: [0] });
    expect(scaleOf([1]).top).toBe(100);
  });
  it('says thousand, lakh and crore', () => {
    expect(tickText(2_50_000_00, 'bn')).toBe('2.5 লাখ');
    expect(tickText(-3_00_00_000_00, 'en')).toBe('−3 crore');
    expect(tickText(50_000_00, 'en')).toBe('50 thousand');
    expect([tickText(0, 'bn'), tickText(700_00, 'bn')]).toEqual(['0', '700']);
  });
  it('keeps labels apart, in order, inside', () => {
    expect(apart([10, 11, 12], 10, 0, 100)).toEqual([10, 20, 30]);
    expect(apart([99, 98], 10, 0, 100)).toEqual([100, 90]);
    expect(apart([5], 10, 0, 100)).toEqual([5]);
  });
});
