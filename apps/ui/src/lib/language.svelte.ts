/** The language of this person on this device. */
export type Language = 'bn' | 'en';

const KEPT = 'getit.language';

function kept(): Language {
  return typeof localStorage !== 'undefined' && localStorage.getItem(KEPT) === 'en' ? 'en' : 'bn';
}

/** What is spoken now; screens follow it by themselves. */
export const language = $state<{ now: Language }>({ now: kept() });

/** The language of a text by its script, for `lang` on names and addresses, which come in either. */
export function languageOf(text: string): Language {
  return /[\u0980-\u09ff]/.test(text) ? 'bn' : 'en';
}

/** Changes the language in place: nothing that was typed is lost. */
export function speak(chosen: Language): void {
  language.now = chosen;
  if (typeof document !== 'undefined') document.documentElement.lang = chosen;
  if (typeof localStorage !== 'undefined') localStorage.setItem(KEPT, chosen);
}
