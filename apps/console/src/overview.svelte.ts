import { ask } from './api';
import type { Overview } from './contract';
import { Reading } from './reading.svelte';

/** How often the figures of the first page are read anew. */
export const EVERY_MS = 60_000;

/** How the books stand: the first page shows it, and the menu counts from it. */
export const overview = new Reading<Overview>(() => ask('GET', '/finance/overview'));
