import { describe, expect, it } from 'vitest';
import type { SiteParcel } from '@getit/ui/generated/SiteParcel';
import { stepsOf } from './steps';

function parcel(due: number, done: Partial<SiteParcel['handover']>): SiteParcel {
  const handover = { verified: null, paid: due === 0, taken_paisa: 0, given_ms: null, given_by: null, step: 'verify', ...done };
  return { due_paisa: due, handover } as SiteParcel;
}
const now = (of: SiteParcel, seen: boolean) => stepsOf(of, seen).find((step) => !step.done)?.step ?? 'none';

describe('the steps of a hand-over', () => {
  it('go from the code to the goods', () => {
    expect(now(parcel(125_000, {}), false)).toBe('code');
    expect(now(parcel(125_000, { verified: 'code' }), false)).toBe('parcel');
    expect(now(parcel(125_000, { verified: 'code' }), true)).toBe('cash');
    expect(now(parcel(125_000, { verified: 'code', paid: true, taken_paisa: 125_000 }), true)).toBe('give');
    expect(now(parcel(125_000, { verified: 'code', paid: true, taken_paisa: 125_000, given_ms: 1 }), true)).toBe('none');
  });
  it('ask for no cash when the order was paid ahead', () => {
    expect(stepsOf(parcel(0, {}), false).map((step) => step.step)).toEqual(['code', 'parcel', 'give']);
    expect(now(parcel(0, { verified: 'identity' }), true)).toBe('give');
  });
  it('ask for no cash, and for a look at the label, when it was paid by phone', () => {
    const byPhone = parcel(125_000, { paid: true });
    expect(stepsOf(byPhone, false).map((step) => step.step)).toEqual(['code', 'parcel', 'give']);
    expect(now(parcel(125_000, { verified: 'code', paid: true }), false)).toBe('parcel');
    expect(now(parcel(125_000, { verified: 'code', paid: true }), true)).toBe('give');
  });
  it('resume at the first step that is not done', () => {
    // The power went after the cash was taken: nobody asks for the code or the cash again.
    expect(now(parcel(125_000, { verified: 'code', paid: true, taken_paisa: 125_000 }), false)).toBe('give');
    // It went after the code: the label is looked at again, because it may be another parcel now.
    expect(now(parcel(0, { verified: 'code' }), false)).toBe('parcel');
    // A label that was seen does not stand in for the customer's code.
    expect(now(parcel(125_000, { paid: true, taken_paisa: 125_000 }), true)).toBe('code');
  });
});
