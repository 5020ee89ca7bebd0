import { state, t } from '@getit/ui';
import type { SiteParcel } from '@getit/ui/generated/SiteParcel';
import type { SiteScan } from '@getit/ui/generated/SiteScan';

/** What is said of a scan. */
export interface Said {
  sentence: string;
  tone: 'books' | 'hub' | 'stop' | 'wait';
}

/** The sentence of a scan that is no plain parcel of ours; null for one that is. */
export function said(scan: SiteScan): Said | null {
  switch (scan.outcome) {
    case 'ours':
    case 'agent':
    case 'hand_in':
      return null;
    case 'refund':
      return { sentence: t('kiosk.refund_at_till'), tone: 'wait' };
    case 'several':
      return { sentence: t('kiosk.several'), tone: 'wait' };
    case 'elsewhere':
      return { sentence: elsewhere(scan.parcel, scan.place), tone: 'hub' };
    case 'wrong_digit':
      return { sentence: t('no.digit'), tone: 'stop' };
    case 'unknown':
      return { sentence: t('kiosk.unknown_label', { code: scan.label }), tone: 'wait' };
    case 'not_ours':
      return { sentence: t('no.not_ours'), tone: 'stop' };
  }
}

function elsewhere(parcel: SiteParcel, place: string | null): string {
  if (place !== null) return t('no.wrong_site', { site: place });
  return t('kiosk.is_now', { status: state(parcel.status) });
}

/** Two low tones for a scan that is no good, one high for one that is; the screen always says it too. */
export function sound(good: boolean): void {
  try {
    const audio = new AudioContext();
    for (const [start, pitch] of good ? [[0, 1320]] : [[0, 220], [0.16, 220]]) {
      const tone = audio.createOscillator();
      tone.frequency.value = pitch ?? 440;
      tone.connect(audio.destination);
      tone.start(audio.currentTime + (start ?? 0));
      tone.stop(audio.currentTime + (start ?? 0) + 0.1);
    }
    setTimeout(() => void audio.close(), 600);
  } catch {
    // A machine without sound still shows it.
  }
}

/** How a person or a place is called: by name, once central said so; until then by the code. */
export function called(name: string | null, code: string | null): string {
  return name ?? code ?? '';
}

/** How a parcel is called at the counter: its customer's name, or its label. */
export function nameOf(parcel: SiteParcel): string {
  return parcel.name ?? parcel.label;
}
