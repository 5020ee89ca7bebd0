import type { Key } from '@getit/ui';
import type { Screen } from './counter.svelte';

/** What puts a refusal right. */
export interface Repair {
  word: Key;
  /** Does the same thing once more. */
  again?: boolean;
  /** Where it is put right. */
  screen?: Screen;
}

const REPAIRS: Record<string, Repair> = {
  disk_full: { word: 'act.try_again', again: true },
  no_answer: { word: 'act.try_again', again: true },
  machinery_failed: { word: 'act.try_again', again: true },
  already_counted: { word: 'kiosk.repair_offers', screen: 'handin' },
  shift_not_open: { word: 'kiosk.repair_till', screen: 'till' },
  till_suspended: { word: 'kiosk.repair_till', screen: 'till' },
  till_in_use: { word: 'kiosk.repair_till', screen: 'till' },
  cancelled: { word: 'kiosk.repair_return', screen: 'returns' },
  hold_ended: { word: 'kiosk.repair_return', screen: 'returns' },
  delivered: { word: 'kiosk.next_customer', screen: 'find' },
  wrong_state: { word: 'kiosk.repair_look', screen: 'find' },
  not_verified: { word: 'kiosk.repair_code' },
  code_first: { word: 'kiosk.repair_code' },
  refund_ended: { word: 'act.understood' },
  paid: { word: 'act.understood' },
};

/** The repair of a refusal; going back where there is none. */
export function repairOf(code: string): Repair {
  return REPAIRS[code] ?? { word: 'act.back' };
}
