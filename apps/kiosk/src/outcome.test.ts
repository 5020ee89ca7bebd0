import { isKey, speak } from '@getit/ui';
import { describe, expect, it } from 'vitest';
import { absurd } from './absurd';
import { said } from './outcome';
import { repairOf } from './repair';
import type { SiteParcel } from '@getit/ui/generated/SiteParcel';

describe('a scan that is no plain parcel', () => {
  it('says what is so and what to do, in both languages', () => {
    const parcel = { status: 'delivered' } as SiteParcel;
    for (const language of ['bn', 'en'] as const) {
      speak(language);
      expect(said({ outcome: 'ours', parcel })).toBeNull();
      expect(said({ outcome: 'elsewhere', parcel, place: '7Q4M 22KD 1' })?.sentence).toContain('7Q4M 22KD 1');
      expect(said({ outcome: 'unknown', label: 'GT 4471 8823 7' })?.sentence).toContain('GT 4471 8823 7');
      const all = [said({ outcome: 'wrong_digit' }), said({ outcome: 'not_ours' }), said({ outcome: 'elsewhere', parcel, place: null })];
      for (const one of all) expect(one?.sentence).toMatch(/\S{3,}/);
    }
    expect(said({ outcome: 'wrong_digit' })?.sentence).not.toBe(said({ outcome: 'not_ours' })?.sentence);
  });
});

describe('a count', () => {
  it('is asked again when it is more likely a slip of the finger', () => {
    expect(absurd({ 1000: '24', 500: '3' })).toBe(false);
    expect(absurd({})).toBe(false);
    expect(absurd({ 1: '9999' })).toBe(true);
    expect(absurd({ 1000: '600' })).toBe(true);
  });
});

describe('a refusal', () => {
  it('has a repair that is a word of ours, and going back where there is none', () => {
    for (const code of ['disk_full', 'already_counted', 'shift_not_open', 'cancelled', 'delivered', 'wrong_state']) {
      expect(isKey(`refusal.${code}`), code).toBe(true);
      expect(repairOf(code).word, code).not.toBe('act.back');
    }
    expect(repairOf('never_heard')).toEqual({ word: 'act.back' });
  });
});
