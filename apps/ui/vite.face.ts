import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { UserConfig } from 'vite';

/** How every face is built: relative addresses, because a window opens it from a bundle and the kiosk
 * serves it from a path of its own; fonts as files, so that a strict content policy can hold. */
export function face(): UserConfig {
  return {
    base: './',
    plugins: [svelte({ configFile: false })],
    build: { target: 'es2022', assetsInlineLimit: 0, emptyOutDir: true },
  };
}
