import { Refused, refusedOf } from '@getit/ui';
import type { HandInSlip } from '@getit/ui/generated/HandInSlip';
import type { ReceiptLanguage } from '@getit/ui/generated/ReceiptLanguage';
import type { SiteAgent } from '@getit/ui/generated/SiteAgent';
import type { SiteCounted } from '@getit/ui/generated/SiteCounted';
import type { SiteHome } from '@getit/ui/generated/SiteHome';
import type { SiteList } from '@getit/ui/generated/SiteList';
import type { SiteOffer } from '@getit/ui/generated/SiteOffer';
import type { SitePage } from '@getit/ui/generated/SitePage';
import type { SiteParcel } from '@getit/ui/generated/SiteParcel';
import type { SiteReceipt } from '@getit/ui/generated/SiteReceipt';
import type { SlipTaken } from '@getit/ui/generated/SlipTaken';
import type { WaitingAct } from '@getit/ui/generated/WaitingAct';
import type { SiteScan } from '@getit/ui/generated/SiteScan';

/** What a person holds after an act. */
export interface Receipt {
  act: string;
  facts: { id: string; kind: string; subject: string }[];
  at_ms: number;
  standing: 'on_device' | 'at_hub' | 'in_the_books' | 'needs_attention';
}

/** One answer of the search. */
export interface Hit {
  kind: 'person' | 'parcel' | 'good';
  subject: string;
  title: string;
  detail: string;
  label: string | null;
  phone_tail: string | null;
  status: string | null;
  shelf: string | null;
  due_paisa: number;
  parcels: string[];
}

/** This window, for the till: made when the page opens, so that a copied tab is another window. */
const WINDOW = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Exchanges the one-time code of the link for the page's session, and takes it out of the address. */
export async function openSession(): Promise<void> {
  const code = /^#open=([0-9a-f]{32})$/.exec(location.hash)?.[1];
  if (code === undefined) return;
  history.replaceState(null, '', location.pathname);
  await ask('POST', '/api/v1/session', { code });
}

/** Asks for the till, or keeps it: false when another window holds it. */
export async function holdTill(): Promise<boolean> {
  try {
    await ask('POST', '/api/v1/window', { window: WINDOW });
    return true;
  } catch (error) {
    if (refusedOf(error).code === 'till_open_elsewhere') return false;
    throw error;
  }
}

/** Gives the till back while the page goes away. */
export function leaveTill(): void {
  navigator.sendBeacon('/api/v1/window/close', JSON.stringify({ window: WINDOW }));
}

export const home = () => ask<SiteHome>('GET', '/api/v1/site/home');
export const agents = () => ask<SiteAgent[]>('GET', '/api/v1/site/agents');
export const offers = () => ask<SiteOffer[]>('GET', '/api/v1/site/handins');
export const counted = (handin: string) => ask<SiteCounted>('GET', `/api/v1/site/handins/${handin}`);
export const parcel = (id: string) => ask<SiteParcel>('GET', `/api/v1/site/parcels/${id}`);
/** What was scanned. The code on an agent's screen brings his offer with it: it is taken first. */
export async function scan(text: string): Promise<SiteScan> {
  if (!SLIP.test(text)) return ask<SiteScan>('POST', '/api/v1/site/scan', { text });
  const { handin } = await ask<SlipTaken>('POST', '/api/v1/site/slips', { text });
  return { outcome: 'hand_in', handin };
}
/** How the code of a hand-in begins, whatever its version. */
const SLIP = /^\s*slip\d+:/i;
export const slip = (handin: string) => ask<HandInSlip>('GET', `/api/v1/site/handins/${handin}/slip`);
export const waiting = () => ask<WaitingAct[]>('GET', '/api/v1/waiting_acts');
export const receiptText = (act: string, language: ReceiptLanguage) =>
  ask<SiteReceipt>('GET', `/api/v1/receipts/${act}/text?language=${language}`);

/** A page of a list. */
export function parcels(list: SiteList, after: string | null = null, limit = 50): Promise<SitePage> {
  return ask('GET', `/api/v1/site/parcels?list=${list}&limit=${limit}${after === null ? '' : `&after=${after}`}`);
}

/** What a typed text finds: it goes in the body, because it may be a name. */
export async function find(text: string): Promise<Hit[]> {
  return (await ask<{ hits: Hit[] }>('POST', '/api/v1/search', { q: text, limit: 20 })).hits;
}

/** Records an act. The same `act` again gives the first receipt. */
export function record(act: string, command: Record<string, unknown>): Promise<Receipt> {
  return ask('POST', '/api/v1/commands', { act, command });
}

/** Tries what the customer says or shows; a wrong code is a refusal that says how many tries are left. */
export function tryCode(act: string, parcel: string, code: string): Promise<Receipt> {
  return ask('POST', '/api/v1/handover/code', { act, parcel, code });
}

async function ask<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { 'x-getit-window': WINDOW };
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  const answer = await fetch(path, init).catch(() => {
    throw new Refused('no_answer');
  });
  const read: unknown = await answer.json().catch(() => ({ code: 'machinery_failed' }));
  if (!answer.ok) throw refusedOf(read);
  return read as T;
}
