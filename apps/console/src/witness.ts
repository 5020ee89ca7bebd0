import { t, type Witness } from '@getit/ui';
import { ms, who, word } from './books';
import type { EvidenceRecord } from './contract';
import { to } from './route.svelte';

/** In the order of what weighs more: bank, provider, two parties, one. */
function rank(record: EvidenceRecord): string {
  if (['DepositConfirmed', 'LineBooked', 'PayoutConfirmed', 'PartnerRemitted'].includes(record.what)) return t('evidence.bank');
  if (['PaymentCaptured', 'PaidAtDoor', 'RefundPaid'].includes(record.what)) return t('evidence.provider');
  if (record.what === 'HandInCounted') return t('evidence.counted');
  if (record.evidence != null) return word('evidence', record.evidence);
  return record.role === 'central' ? t('evidence.books') : t('evidence.1');
}

/** A record of central's as the timeline shows it; `pictures` says whether the thing has any to look at. */
export function witness(record: EvidenceRecord, pictures: boolean): Witness {
  return {
    id: record.op,
    what: word('kind', record.what),
    who: `${who(record.name ?? null, record.author)}, ${word('role', record.role ?? '')}`,
    device: record.device_name ?? null,
    device_ms: ms(record.recorded_at) ?? 0,
    posted_ms: ms(record.posted_at ?? null),
    skew_ms: null,
    paisa: record.amount_paisa ?? null,
    rank: rank(record),
    parallel: record.parallel,
    contested: record.what === 'Judged',
    photo: /Proof$/.test(record.what) && pictures,
    href: to('journal', record.subject),
  };
}
