import { language, type Language } from '../language.svelte';
import { digits, lakh, latin } from './digits';

/** The most that a person can type: seven digits of whole taka. */
export const MAX_TAKA_DIGITS = 7;

/** `৳১,২৫০`; the paisa only in books. `paisa` is an integer. */
export function money(paisa: number, options: { lang?: Language; withPaisa?: boolean } = {}): string {
  const lang = options.lang ?? language.now;
  const rest = Math.abs(paisa) % 100;
  const whole = (Math.abs(paisa) - rest) / 100;
  // An amount that is not whole is never shown as if it were.
  const tail = options.withPaisa || rest !== 0 ? `.${String(rest).padStart(2, '0')}` : '';
  return `${paisa < 0 ? '−' : ''}৳${digits(lakh(String(whole)) + tail, lang)}`;
}

/** The amount as it is read aloud: "১,২৫০ টাকা". */
export function moneyLabel(paisa: number, lang: Language = language.now): string {
  return money(paisa, { lang }).replace('৳', '') + (lang === 'bn' ? ' টাকা' : ' taka');
}

/** Reads an amount in either script, as paisa; null when it is none. */
export function readMoney(text: string): number | null {
  const bare = latin(text).replace(/[৳,\s]/g, '');
  const match = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(bare);
  if (!match) return null;
  return Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
}

const BN_UNDER_100 =
  'শূন্য এক দুই তিন চার পাঁচ ছয় সাত আট নয় দশ এগারো বারো তেরো চৌদ্দ পনেরো ষোলো সতেরো আঠারো উনিশ বিশ একুশ বাইশ তেইশ চব্বিশ পঁচিশ ছাব্বিশ সাতাশ আটাশ ঊনত্রিশ ত্রিশ একত্রিশ বত্রিশ তেত্রিশ চৌত্রিশ পঁয়ত্রিশ ছত্রিশ সাঁইত্রিশ আটত্রিশ ঊনচল্লিশ চল্লিশ একচল্লিশ বিয়াল্লিশ তেতাল্লিশ চুয়াল্লিশ পঁয়তাল্লিশ ছেচল্লিশ সাতচল্লিশ আটচল্লিশ ঊনপঞ্চাশ পঞ্চাশ একান্ন বায়ান্ন তিপ্পান্ন চুয়ান্ন পঞ্চান্ন ছাপ্পান্ন সাতান্ন আটান্ন ঊনষাট ষাট একষট্টি বাষট্টি তেষট্টি চৌষট্টি পঁয়ষট্টি ছেষট্টি সাতষট্টি আটষট্টি ঊনসত্তর সত্তর একাত্তর বাহাত্তর তিয়াত্তর চুয়াত্তর পঁচাত্তর ছিয়াত্তর সাতাত্তর আটাত্তর ঊনআশি আশি একাশি বিরাশি তিরাশি চুরাশি পঁচাশি ছিয়াশি সাতাশি আটাশি ঊননব্বই নব্বই একানব্বই বিরানব্বই তিরানব্বই চুরানব্বই পঁচানব্বই ছিয়ানব্বই সাতানব্বই আটানব্বই নিরানব্বই'.split(
    ' ',
  );
const EN_UNDER_20 =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const EN_TENS = 'zero ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

function under100(value: number, lang: Language): string {
  if (lang === 'bn') return BN_UNDER_100[value]!;
  if (value < 20) return EN_UNDER_20[value]!;
  const ones = value % 10;
  return EN_TENS[(value - ones) / 10]! + (ones === 0 ? '' : `-${EN_UNDER_20[ones]}`);
}

function wholeWords(value: number, lang: Language): string {
  const crore = Math.floor(value / 10_000_000);
  const parts: string[] = [];
  const unit = (amount: number, bn: string, en: string) => {
    if (amount > 0) parts.push(under100(amount, lang) + (lang === 'bn' ? bn : en));
  };
  if (crore > 0) parts.push(wholeWords(crore, lang) + (lang === 'bn' ? ' কোটি' : ' crore'));
  unit(Math.floor(value / 100_000) % 100, ' লাখ', ' lakh');
  unit(Math.floor(value / 1000) % 100, ' হাজার', ' thousand');
  unit(Math.floor(value / 100) % 10, 'শ', ' hundred');
  unit(value % 100, '', '');
  return parts.length === 0 ? under100(0, lang) : parts.join(' ');
}

/** An amount in words, as a receipt says it: "পাঁচ হাজার একশ পঁয়তাল্লিশ টাকা". */
export function moneyWords(paisa: number, lang: Language = language.now): string {
  const rest = Math.abs(paisa) % 100;
  const words = wholeWords((Math.abs(paisa) - rest) / 100, lang) + (lang === 'bn' ? ' টাকা' : ' taka');
  if (rest === 0) return words;
  return `${words} ${under100(rest, lang)} ${lang === 'bn' ? 'পয়সা' : 'paisa'}`;
}
