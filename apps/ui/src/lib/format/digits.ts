import { language, type Language } from '../language.svelte';

const BANGLA = '০১২৩৪৫৬৭৮৯';

/** Writes Latin digits in the language's own. Never for codes: they must match label, SMS and dial pad. */
export function digits(text: string, lang: Language = language.now): string {
  return lang === 'bn' ? text.replace(/[0-9]/g, (digit) => BANGLA[Number(digit)]!) : text;
}

/** Reads digits of both scripts as Latin ones. */
export function latin(text: string): string {
  return text.replace(/[০-৯]/g, (digit) => String(BANGLA.indexOf(digit)));
}

/** Groups digits by lakh: 12,34,567. */
export function lakh(whole: string): string {
  const head = whole.slice(0, -3);
  const tail = whole.slice(-3);
  return head === '' ? tail : `${head.replace(/\B(?=(\d\d)+$)/g, ',')},${tail}`;
}

/** A count in the language's digits, lakh-grouped. */
export function count(value: number, lang: Language = language.now): string {
  const whole = Math.trunc(Math.abs(value));
  return digits((value < 0 ? '−' : '') + lakh(String(whole)), lang);
}

/** An identifier in groups of four Latin digits; letters stay in front: `GT 4471 8823 7`. */
export function code(text: string): string {
  const bare = latin(text).replace(/[\s-]/g, '');
  // A label may itself begin with G and T: only the longer form has them in front.
  const letters = bare.length === 11 && /^GT/i.test(bare) ? 'GT' : '';
  const rest = bare.slice(letters.length).replace(/(.{4})(?=.)/g, '$1 ');
  return letters === '' ? rest : `${letters} ${rest}`;
}
