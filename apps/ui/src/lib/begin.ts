import { language, speak } from './language.svelte';
import { restoreTheme } from './theme.svelte';

/** The faces of GetIt; each has its own sizes. */
export type Face = 'console' | 'delivery' | 'kiosk' | 'vendor';

/** The first call of a page: its sizes, language and theme. */
export function begin(face: Face): void {
  document.documentElement.dataset['face'] = face;
  speak(language.now);
  restoreTheme();
  addEventListener('keydown', (event) => {
    if (event.ctrlKey && event.shiftKey && event.code === 'KeyL') {
      event.preventDefault();
      speak(language.now === 'bn' ? 'en' : 'bn');
    }
  });
}
