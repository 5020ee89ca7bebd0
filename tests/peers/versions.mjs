import { readFileSync } from 'node:fs';

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** package.json pins exact versions, so what it says is what runs. */
export const versions = (...names) => names.map((name) => `${name} ${dependencies[name]}`).join(', ');
