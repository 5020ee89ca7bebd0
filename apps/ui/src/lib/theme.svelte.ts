/** Bright paper for the sun, or what the device asks for. */
const KEPT = 'getit.theme';

/** Whether the page is in its brightest form. */
export const theme = $state({ sun: false });

/** Chooses the brightest form, or goes back to what the device asks for. */
export function setSun(sun: boolean): void {
  theme.sun = sun;
  const root = document.documentElement;
  if (sun) root.dataset['theme'] = 'sun';
  else delete root.dataset['theme'];
  localStorage.setItem(KEPT, sun ? 'sun' : '');
}

/** What was chosen last time; a person who asks for contrast gets the brightest form. */
export function restoreTheme(): void {
  const kept = localStorage.getItem(KEPT);
  if (kept === 'sun' || (kept === null && matchMedia('(prefers-contrast: more)').matches)) setSun(true);
}
