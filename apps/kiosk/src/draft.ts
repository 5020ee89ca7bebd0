/** What was counted but not yet recorded lives beside the page, so that a power cut loses no count. */
const PREFIX = 'getit.draft.';

/** Forgets a draft once it is recorded. */
export function forget(name: string): void {
  localStorage.removeItem(PREFIX + name);
}
