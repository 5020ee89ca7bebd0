/** The look of the page: bright paper for the sun, one that was chosen, or what the device asks for. */
export type Theme = 'device' | 'light' | 'dark' | 'sun';

const KEPT = 'getit.theme';
const CHOSEN: readonly string[] = ['light', 'dark', 'sun'];

/** What the page looks like, and whether it is in its brightest form. */
export const theme = $state<{ now: Theme; sun: boolean }>({ now: 'device', sun: false });

/** Chooses a look, or goes back to what the device asks for. */
export function setTheme(chosen: Theme): void {
  theme.now = chosen;
  theme.sun = chosen === 'sun';
  const root = document.documentElement;
  if (chosen === 'device') delete root.dataset['theme'];
  else root.dataset['theme'] = chosen;
  localStorage.setItem(KEPT, chosen === 'device' ? '' : chosen);
}

/** Chooses the brightest form, or goes back to what the device asks for. */
export function setSun(sun: boolean): void {
  setTheme(sun ? 'sun' : 'device');
}

/** What was chosen last time; a person who asks for contrast gets the brightest form. */
export function restoreTheme(): void {
  const kept = localStorage.getItem(KEPT);
  if (kept !== null && CHOSEN.includes(kept)) setTheme(kept as Theme);
  else if (kept === null && matchMedia('(prefers-contrast: more)').matches) setSun(true);
}
