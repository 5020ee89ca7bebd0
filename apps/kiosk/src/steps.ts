import type { SiteParcel } from '@getit/ui/generated/SiteParcel';

/** The steps at the counter, in their order. */
export type StepName = 'code' | 'parcel' | 'cash' | 'give';

/** A step and whether it is done. */
export interface Step {
  step: StepName;
  done: boolean;
}

/** The steps of one hand-over. Each but `parcel` is a fact: after a power cut it is done as before. That the
 * label was looked at (`seen`) is no fact, so it is asked again, unless the cash was taken after it. */
export function stepsOf(parcel: SiteParcel, seen: boolean): Step[] {
  const { verified, paid, taken_paisa, given_ms } = parcel.handover;
  const given = given_ms !== null;
  // What was paid by phone is not taken at the counter.
  const due = parcel.due_paisa > 0 && (!paid || taken_paisa > 0);
  const steps: Step[] = [
    { step: 'code', done: given || verified !== null },
    { step: 'parcel', done: given || (verified !== null && (seen || (due && paid))) },
  ];
  if (due) steps.push({ step: 'cash', done: given || paid });
  steps.push({ step: 'give', done: given });
  return steps;
}
