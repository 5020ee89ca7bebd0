// Renders every screen of a face from its fixtures, in both languages and all three themes, looks for what axe finds
// and for anything wider than a 320 px phone, and keeps the pictures to be looked at.
//
//   npm run build -w @getit/delivery && node shots.mjs delivery /tmp/shots [parts of names, with commas]
//   LOOKS=bn-light,en-dark node shots.mjs …   only these looks, while something is being mended
//
// `<face>/fixtures/screens.mjs` exports `transport` ('tauri' or 'http'), `size` and `screens`:
//   { name, answers: { call: value | (args) => value | refused(code, params) }, act: async (page) => … }
// and, where a face keeps something in its tab, `kept`: what is in sessionStorage before the page opens. A refusal
// may have a `status` of its own; a `delay` holds the answer back.
// Calls of the http transport are named `GET /api/v1/status`. Fixtures are never part of a build.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = fileURLToPath(new URL('.', import.meta.url));
const [face, out, part = ''] = process.argv.slice(2);
if (!face || !out) throw new Error('use: node shots.mjs <face> <folder outside the repository> [part of a name]');
const { screens, transport, size } = await import(join(here, face, 'fixtures', 'screens.mjs'));
const axe = readFileSync(join(here, 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');
// Every language and every theme; a word that is cut does not depend on the colours.
const LOOKS = [
  ['bn', 'light'],
  ['bn', 'sun'],
  ['en', 'light'],
  ['en', 'dark'],
].filter(([language, theme]) => !process.env.LOOKS || process.env.LOOKS.split(',').includes(`${language}-${theme}`));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' };
/** What a page over HTTP is served under: a picture of what the policy would break is a lie. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// Read once: a build that runs meanwhile changes nothing here.
const dist = join(here, face, 'dist');
const names = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const files = new Map(
  names.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [`/${relative(dist, path)}`, readFileSync(path)];
  }),
);
const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  const body = files.get(path === '/' ? '/index.html' : path);
  if (body === undefined) return void response.writeHead(404).end();
  const policy = transport === 'http' ? { 'content-security-policy': POLICY } : {};
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/html', ...policy }).end(body);
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const address = `http://127.0.0.1:${server.address().port}/`;
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...flags, ...quiet] });

function answerOf(answers, name, args) {
  const given = answers[name];
  if (given === undefined) return { refused: { code: 'machinery_failed', message: `no fixture for ${name}` } };
  const value = typeof given === 'function' ? given(args) : given;
  return value && (value.refused || value.delay) ? value : { value };
}

/** What a request holds; a file holds nothing that a fixture looks at. */
function bodyOf(request) {
  try {
    return request.postDataJSON() ?? {};
  } catch {
    return {};
  }
}

/** A page of one screen. */
async function open(screen, { language, theme }) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: theme === 'dark' ? 'dark' : 'light',
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(`page error: ${error.message}`));
  page.on('console', (line) => /Content Security Policy/.test(line.text()) && problems.push(`policy: ${line.text().slice(0, 160)}`));
  await context.exposeFunction('__answer', (name, args) => answerOf(screen.answers, name, args));
  await context.addInitScript(
    ({ language, sun, tauri, kept }) => {
      for (const [name, value] of Object.entries(kept)) sessionStorage.setItem(name, value);
      localStorage.setItem('getit.language', language);
      localStorage.setItem('getit.theme', sun ? 'sun' : '');
      if (!tauri) return;
      window.isTauri = true;
      window.__TAURI_INTERNALS__ = {
        invoke: async (name, args) => {
          const answer = await window.__answer(name, args);
          if (answer.refused) throw answer.refused;
          return answer.value;
        },
      };
    },
    { language, sun: theme === 'sun', tauri: transport === 'tauri', kept: screen.kept ?? {} },
  );
  if (transport === 'http') {
    await page.route('**/api/v1/**', async (route) => {
      const request = route.request();
      const url = new URL(request.url());
      const args = { ...Object.fromEntries(url.searchParams), ...bodyOf(request) };
      const answer = answerOf(screen.answers, `${request.method()} ${url.pathname}`, args);
      if (answer.refused?.code === 'no_answer') return void (await route.abort());
      if (answer.delay) await new Promise((done) => setTimeout(done, answer.delay));
      await route.fulfill({ status: answer.refused ? (answer.status ?? 422) : 200, json: answer.refused ?? answer.value });
    });
  }
  await page.goto(address + (screen.path ?? ''));
  await page.evaluate(() => document.fonts.ready);
  if (screen.act) await screen.act(page);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  return { page, context, problems };
}

async function axeFinds(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.map((v) => `axe ${v.id}: ${v.help} — ${v.nodes.slice(0, 3).map((n) => n.target).join(' | ')}`);
}

/** What is wider than the page, or is text cut by its box without an ellipsis. */
const overflow = () => {
  const finds = [];
  if (document.documentElement.scrollWidth > innerWidth) finds.push(`page is ${document.documentElement.scrollWidth} px wide`);
  for (const element of document.querySelectorAll('button, label, h1, h2, p, dt, dd, th')) {
    const style = getComputedStyle(element);
    if (style.textOverflow === 'ellipsis' || element.closest('.only-heard') || element.clientWidth === 0) continue;
    if (element.scrollWidth > element.clientWidth + 1 && style.display !== 'inline') {
      finds.push(`cut: <${element.tagName.toLowerCase()}> ${element.textContent.trim().slice(0, 40)}`);
    }
  }
  return finds;
};

mkdirSync(out, { recursive: true });
const finds = new Map();
const note = (find, where) => finds.set(find, [...(finds.get(find) ?? []), where]);
for (const screen of screens.filter((screen) => part.split(',').some((one) => screen.name.includes(one)))) {
  for (const [language, theme] of LOOKS) {
    const where = `${screen.name}-${language}-${theme}`;
    const { page, context, problems } = await open(screen, { language, theme });
    for (const find of [...problems, ...(await axeFinds(page)), ...(await page.evaluate(overflow))]) note(find, where);
    await page.screenshot({ path: join(out, `${face}-${where}.png`) });
    if (size.width > 320 && size.width < 700) {
      await page.setViewportSize({ width: 320, height: size.height });
      for (const find of await page.evaluate(overflow)) note(`at 320 px: ${find}`, where);
    }
    await context.close();
  }
}
await browser.close();
server.close();
for (const [find, where] of finds) console.log(`${find}\n    ${where.join(', ')}`);
console.log(`${finds.size} finds`);
process.exitCode = finds.size === 0 ? 0 : 1;
