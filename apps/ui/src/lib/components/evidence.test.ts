import { describe, expect, it } from 'vitest';
import { gapBefore, together, trueTime, type Witness } from './EvidenceTimeline.svelte';

const HOUR = 3_600_000;
const witness = (id: string, hour: number, more: Partial<Witness> = {}): Witness => ({
  id,
  what: '',
  who: '',
  device_ms: hour * HOUR,
  posted_ms: hour * HOUR,
  skew_ms: 0,
  paisa: null,
  rank: '',
  parallel: false,
  ...more,
});

describe('the evidence of a difference', () => {
  it('happened when the clock says, less its error', () => {
    expect(trueTime(witness('a', 50, { skew_ms: 48 * HOUR }))).toBe(2 * HOUR);
    expect(trueTime(witness('a', 50, { skew_ms: null }))).toBe(50 * HOUR);
  });
  it('stands side by side where nobody knew of the other', () => {
    const groups = together([witness('a', 1), witness('b', 2, { parallel: true }), witness('c', 3)]);
    expect(groups.map((group) => group.map((one) => one.id))).toEqual([['a', 'b'], ['c']]);
    expect(together([witness('a', 1, { parallel: true })])).toHaveLength(1);
    expect(together([])).toEqual([]);
  });
  it('has a gap where nobody recorded anything for half a day, by true time', () => {
    const groups = together([witness('a', 1), witness('b', 12), witness('c', 30), witness('d', 80, { skew_ms: 48 * HOUR })]);
    expect(groups.map((_, at) => gapBefore(groups, at))).toEqual([null, null, 18 * HOUR, null]);
  });
});
