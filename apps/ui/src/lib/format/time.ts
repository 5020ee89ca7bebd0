import { language, type Language } from '../language.svelte';
import { count, digits } from './digits';

/** Bangladesh is six hours ahead of UTC all year; the device's own zone is never asked. */
const DHAKA_MS = 6 * 3_600_000;
const DAY_MS = 86_400_000;

const MONTHS = {
  bn: 'জানুয়ারি ফেব্রুয়ারি মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর'.split(' '),
  en: 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' '),
};
const DAYS = {
  bn: 'রবি সোম মঙ্গল বুধ বৃহস্পতি শুক্র শনি'.split(' '),
  en: 'Sun Mon Tue Wed Thu Fri Sat'.split(' '),
};

function partOfDay(hour: number): string {
  if (hour < 4 || hour >= 20) return 'রাত';
  if (hour < 6) return 'ভোর';
  if (hour < 12) return 'সকাল';
  if (hour < 15) return 'দুপুর';
  return hour < 18 ? 'বিকাল' : 'সন্ধ্যা';
}

/** `বিকাল ৪:৩০` / `4:30 pm`. */
export function clock(ms: number, lang: Language = language.now): string {
  const there = new Date(ms + DHAKA_MS);
  const hour = there.getUTCHours();
  const face = `${hour % 12 === 0 ? 12 : hour % 12}:${String(there.getUTCMinutes()).padStart(2, '0')}`;
  return lang === 'bn' ? `${partOfDay(hour)} ${digits(face, 'bn')}` : `${face} ${hour < 12 ? 'am' : 'pm'}`;
}

/** `আজ`, `গতকাল`, then `২২ নভেম্বর, রবি`. */
export function day(ms: number, nowMs: number = Date.now(), lang: Language = language.now): string {
  const number = (at: number) => Math.floor((at + DHAKA_MS) / DAY_MS);
  const ago = number(nowMs) - number(ms);
  if (ago === 0) return lang === 'bn' ? 'আজ' : 'today';
  if (ago === 1) return lang === 'bn' ? 'গতকাল' : 'yesterday';
  const there = new Date(ms + DHAKA_MS);
  const date = digits(String(there.getUTCDate()), lang);
  return `${date} ${MONTHS[lang][there.getUTCMonth()]}, ${DAYS[lang][there.getUTCDay()]}`;
}

/** The day of a moment as a table writes it: `২২/১১/২০২৬`. */
export function date(ms: number, lang: Language = language.now): string {
  return dayOf(new Date(ms + DHAKA_MS).toISOString().slice(0, 10), lang);
}

/** An ISO day as a table writes it; a text that is none stays as it is. */
export function dayOf(iso: string, lang: Language = language.now): string {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso);
  return parts === null ? iso : digits(`${parts[3]}/${parts[2]}/${parts[1]}`, lang);
}

/** A month by its name: `নভেম্বর ২০২৬`; a text that is none stays as it is. */
export function monthOf(iso: string, lang: Language = language.now): string {
  const parts = /^(\d{4})-(\d{2})$/.exec(iso);
  const name = parts === null ? undefined : MONTHS[lang][Number(parts[2]) - 1];
  return parts === null || name === undefined ? iso : `${name} ${digits(parts[1]!, lang)}`;
}

/** The ISO day in Dhaka of a moment. */
export function isoDay(ms: number): string {
  return new Date(ms + DHAKA_MS).toISOString().slice(0, 10);
}

/** Day and time; of today the time only. */
export function when(ms: number, nowMs: number = Date.now(), lang: Language = language.now): string {
  const on = day(ms, nowMs, lang);
  return on === 'আজ' || on === 'today' ? clock(ms, lang) : `${on}, ${clock(ms, lang)}`;
}

/** How long ago, in the largest unit that says it: `৩ ঘণ্টা`. */
export function span(ms: number, lang: Language = language.now): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return `${count(minutes, lang)} ${lang === 'bn' ? 'মিনিট' : 'min'}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${count(hours, lang)} ${lang === 'bn' ? 'ঘণ্টা' : 'h'}`;
  return `${count(Math.floor(hours / 24), lang)} ${lang === 'bn' ? 'দিন' : 'd'}`;
}
