import { t } from '@getit/ui';
import { counter, show, type Screen } from './counter.svelte';
import * as node from './node';
import { said, sound } from './outcome';

/** Whether a scan on this screen is heard here: the others have a field or an ear of their own. */
export function hears(screen: Screen): boolean {
  return screen === 'handin' || screen === 'returns' || screen === 'till' || screen === 'waiting';
}

/** A scan on a screen that asks for none. It opens what it names, and never leads away from a count. */
export async function elsewhere(text: string): Promise<void> {
  const scan = await node.scan(text).catch(() => null);
  if (scan === null || document.querySelector('dialog[open]')) return;
  const free = !counter.counting;
  if (free && scan.outcome === 'hand_in') show('handin', scan.handin);
  else if (free && scan.outcome === 'ours') show(counter.screen === 'returns' ? 'returns' : 'find', scan.parcel.parcel);
  else {
    sound(false);
    counter.heard = said(scan)?.sentence ?? t('kiosk.scan_not_here');
    return;
  }
  sound(true);
}
