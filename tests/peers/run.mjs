// Measures a sync engine of others on the scene of `./dev bench sync`.
//
//   npm ci                        once, in this folder; needs Node 20
//   node run.mjs --system automerge-repo|pouchdb|yjs --generator repetitive|entropy --n 10000 --d 100
//
// Each case is one line of JSON on stdout, in this order:
//   first      the server holds n records, a fresh client gets all of them
//   nothing    the client connects anew, nothing differs
//   reconnect  d records changed on the server and d others on the client while they were apart
//
// `ms` runs from the start of connecting until both ends hold the same contents on disk; in `nothing` until the
// engine has found out that they do. Bytes are of the TCP stream, headers of HTTP and WebSocket included, and go on
// until the engine is at rest: its last acknowledgements belong to the case. `turns` counts changes from up to down,
// over all connections together, so an engine that asks on several at once shows more or fewer than its round trips.
// `rss_mb` is the client's peak since it began, Node.js itself included. `durable` says that both ends had handed
// what they received to the file system when the clock stopped; no engine here fsyncs a record.
//
// `--limit-s 300` ends a case that takes longer, with what comes before it: "ms" is then null, "failed" says what was
// under way, and the cases after it are left out.
//
// `--compress no` turns off permessage-deflate or gzip. Of the three only the server of PouchDB compresses unless told
// otherwise; on loopback deflate costs automerge-repo, with its many small messages, more time than it saves.
//
// At the end both processes are killed, and what is on the two disks is compared record by record.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { End } from './end.mjs';
import { Proxy } from './proxy.mjs';
import { GENERATORS, Scene } from './records.mjs';

const SYSTEMS = ['automerge-repo', 'pouchdb', 'yjs'];
const CASES = ['first', 'nothing', 'reconnect'];
const QUIET_MS = 300;

class Late extends Error {}

const given = asked();
const folder = mkdtempSync(join(tmpdir(), 'getit-peers-'));
process.on('exit', () => {
  End.killAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(1));

try {
  await measure();
  process.exit(0);
} catch (error) {
  process.stderr.write(`peers: ${error.message}\n`);
  process.exit(1);
}

function asked() {
  const text = { type: 'string' };
  try {
    const options = {
      system: text,
      generator: text,
      n: text,
      d: text,
      'limit-s': { ...text, default: '300' },
      compress: { ...text, default: 'yes' },
    };
    const { values } = parseArgs({ options });
    const [n, d, limit] = [values.n, values.d, values['limit-s']].map(Number);
    if (!SYSTEMS.includes(values.system)) throw new Error(`--system must be one of ${SYSTEMS.join(', ')}`);
    if (!GENERATORS.includes(values.generator)) throw new Error(`--generator must be one of ${GENERATORS.join(', ')}`);
    if (!(Number.isInteger(d) && d > 0)) throw new Error('--d must be a whole number above 0');
    if (!(Number.isInteger(n) && n >= 2 * d)) throw new Error('--n must be a whole number, twice --d or more');
    if (!['yes', 'no'].includes(values.compress)) throw new Error('--compress must be yes or no');
    if (!(limit > 0)) throw new Error('--limit-s must be a number of seconds above 0');
    const modules = new URL('node_modules', import.meta.url);
    if (!existsSync(modules)) throw new Error('the packages are missing: run `npm ci` in tests/peers first');
    const compress = values.compress === 'yes';
    return { system: values.system, generator: values.generator, n, d, limit, compress };
  } catch (error) {
    process.stderr.write(`peers: ${error.message}\n`);
    process.exit(2);
  }
}

async function measure() {
  const { system, generator, n, d, compress } = given;
  const end = (role) => End.start({ system, role, dir: join(folder, role), generator, n, d, compress });
  const [server, client] = await Promise.all([end('server'), end('client')]);
  const about = await client.ask('about');
  const row = (name, rest) => {
    const { version, settings, durable } = about;
    const whole = { system, version, settings, generator, link: 'loopback', case: name, n, d, ...rest, durable };
    process.stdout.write(`${JSON.stringify(whole)}\n`);
  };
  let address;
  let proxy;
  for (const name of CASES) {
    try {
      const figures = await within(given.limit, async (stage) => {
        if (name === 'first') {
          stage('filling the server');
          await server.ask('fill');
          address = await server.ask('listen');
          proxy = await Proxy.to(address.port);
        } else {
          stage('going apart');
          await client.ask('disconnect');
          await server.ask('alone');
        }
        if (name === 'reconnect') await Promise.all([server.ask('change'), client.ask('change')]);
        return pass(name, { server, client, proxy, address, stage });
      });
      row(name, figures);
    } catch (error) {
      if (!(error instanceof Late)) throw error;
      const none = { ms: null, bytes_up: null, bytes_down: null, turns: null, rss_mb: null };
      row(name, { ...none, failed: error.message });
      return;
    }
  }
  await Promise.all([server.kill(), client.kill()]);
  await compare(end, address);
}

async function pass(name, { server, client, proxy, address, stage }) {
  proxy.start();
  stage('both ends hold the same contents');
  await server.ask('expect', name);
  const here = client.ask('connect', { ...address, port: proxy.port }, name);
  const [{ began, at }, there] = await Promise.all([here, server.ask('expected')]);
  stage('the engine is at rest');
  await client.ask('rest');
  // An end that still works on what it was sent answers late, and then sends.
  for (let before = null; before !== proxy.last; ) {
    await proxy.quiet(QUIET_MS);
    before = proxy.last;
    await Promise.all([server.ask('about'), client.ask('about')]);
  }
  const { up, down, turns } = proxy.counts;
  const ms = Math.round((Math.max(at, there) - began) * 10) / 10;
  return { ms, bytes_up: up, bytes_down: down, turns, rss_mb: Math.round((await client.ask('peak')) / 1024) };
}

/** Runs `work`, which says what it is at, or throws Late. */
async function within(seconds, work) {
  let timer;
  let at = '';
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(`${seconds} s were over: ${at}`)), seconds * 1000);
  });
  try {
    return await Promise.race([late, work((stage) => (at = stage))]);
  } finally {
    clearTimeout(timer);
  }
}

/** Reads both disks in fresh processes: what a killed end still holds was written. */
async function compare(end, address) {
  const scene = new Scene(given.generator, given.n, given.d);
  const reader = await end('reader');
  for (const role of ['server', 'client']) {
    const records = await reader.ask('stored', join(folder, role), address);
    const fault = scene.fault(records, 'reconnect');
    if (fault) throw new Error(`the contents differ at the end: on the disk of the ${role} ${fault}`);
  }
  await reader.kill();
  process.stderr.write(`peers: both disks hold the same ${given.n} records\n`);
}
