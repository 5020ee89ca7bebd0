import { refusalWords, refusedOf, t } from '@getit/ui';
import type { SiteScan } from '@getit/ui/generated/SiteScan';
import { counter, show, type Screen } from './counter.svelte';
import * as node from './node';
import { said, sound } from './outcome';

/** Whether a scan on this screen is heard here: the others have a field or an ear of their own. */
export function hears(screen: Screen): boolean {
  return screen === 'handin' || screen === 'returns' || screen === 'till' || screen === 'waiting';
}

/** What a scan is; null when that could not be asked, or when it was the code of a hand-in that is no good. A clerk looks at
 * the parcel and not at the screen: what was not read sounds, and says that it has to be scanned again. */
export async function heard(text: string): Promise<SiteScan | null> {
  try {
    return await node.scan(text);
  } catch (error) {
    const no = refusedOf(error);
    sound(false);
    // The code of a hand-in says itself what is wrong with it.
    counter.heard = no.code.startsWith('slip_') ? refusalWords(no.code, no.params) : t('kiosk.scan_again');
    return null;
  }
}

/** A scan on a screen that asks for none. It opens what it names, and never leads away from a count. */
export async function elsewhere(text: string): Promise<void> {
  const scan = await heard(text);
  if (scan === null || document.querySelector('dialog[open]')) return;
  const free = !counter.counting;
  if (free && scan.outcome === 'hand_in') show('handin', scan.handin);
  else if (free && scan.outcome === 'refund') {
    counter.refundCode = text;
    show('till');
  } else if (free && scan.outcome === 'ours') show(counter.screen === 'returns' ? 'returns' : 'find', scan.parcel.parcel);
  else {
    sound(false);
    counter.heard = said(scan)?.sentence ?? t('kiosk.scan_not_here');
    return;
  }
  sound(true);
}
