import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import PouchDB from 'pouchdb';
import { moment } from './moment.mjs';
import { FIELDS } from './records.mjs';
import { versions } from './versions.mjs';

const BATCH = { batch_size: 1000, batches_limit: 10 };

export const version = versions('pouchdb', 'express-pouchdb', 'express');
export const settings = (compress) =>
  `leveldb on both ends (not fsynced); batch_size ${BATCH.batch_size}, batches_limit ${BATCH.batches_limit}; ` +
  `kept-alive connections, skip_setup; express-pouchdb minimumForPouchDB, ${compress ? '' : 'no '}gzip down; ` +
  'first: replicate.from, then replicate.to; later: sync';
// bulkDocs resolves, and the server answers, after leveldb has taken the batch; replication waits for both.
export const durable = true;

const document = ({ id, ...rest }) => ({ _id: id, ...rest });
const plain = (doc) => ({ ...Object.fromEntries(FIELDS.map((field) => [field, doc[field]])), id: doc._id });

function open(dir) {
  mkdirSync(dir, { recursive: true });
  return PouchDB.defaults({ prefix: join(dir, '/') });
}

async function all(db) {
  const { rows } = await db.allDocs({ include_docs: true });
  return rows.map(({ doc }) => plain(doc));
}

async function change(db, scene, role) {
  for (const i of scene.changed(role)) {
    const doc = await db.get(scene.id(i));
    await db.put({ ...doc, status: scene.status(i) });
  }
}

/** The moment at which everything that the other end changed was written here. */
function settled(db, scene, role, since) {
  return new Promise((resolve, reject) => {
    const other = scene.changed(role === 'server' ? 'client' : 'server');
    const open = new Map(other.map((i) => [scene.id(i), scene.status(i)]));
    const feed = db.changes({ since, live: true, include_docs: true });
    feed.on('error', reject).on('change', ({ id, doc }) => {
      if (open.get(id) !== doc.status) return;
      open.delete(id);
      if (open.size > 0) return;
      feed.cancel();
      resolve(moment());
    });
  });
}

export async function server(dir, scene, compress) {
  const [{ default: express }, { default: face }] = await Promise.all([import('express'), import('express-pouchdb')]);
  const Pouch = open(dir);
  const overrideMode = { exclude: compress ? [] : ['compression'] };
  const app = express().use(face(Pouch, { mode: 'minimumForPouchDB', overrideMode }));
  const listener = app.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  // The server serves only databases that it has seen being created.
  const made = await fetch(`http://127.0.0.1:${port}/records`, { method: 'PUT' });
  if (!made.ok) throw new Error(`the server made no database: ${await made.text()}`);
  const db = new Pouch('records');
  let since;
  return {
    async fill() {
      for (let i = 0; i < scene.n; i += BATCH.batch_size) {
        const count = Math.min(BATCH.batch_size, scene.n - i);
        await db.bulkDocs(Array.from({ length: count }, (_, k) => document(scene.record(i + k))));
      }
    },
    listen: async () => ({ port }),
    alone: async () => {},
    async change() {
      await change(db, scene, 'server');
      since = (await db.info()).update_seq;
    },
    // What the server is filled with, it holds from the beginning.
    settled: (name) => (name === 'reconnect' ? settled(db, scene, 'server', since) : null),
  };
}

export async function client(dir, scene) {
  const Pouch = open(dir);
  const db = new Pouch('records');
  let agent;
  let remote;
  let rest = Promise.resolve();
  let since;
  const ends = {
    // To tell the server that it lacks nothing changes no contents; `rest` waits for it, so its bytes count.
    async first() {
      await db.replicate.from(remote, BATCH);
      const at = moment();
      const fault = scene.fault(await all(db), 'first');
      if (fault) throw new Error(`the replication is complete, but ${fault}`);
      rest = db.replicate.to(remote, BATCH);
      return at;
    },
    async nothing() {
      await db.sync(remote, BATCH);
      return moment();
    },
    async reconnect() {
      const here = settled(db, scene, 'client', since);
      rest = db.sync(remote, BATCH);
      const [at] = await Promise.all([here, rest]);
      return at;
    },
  };
  return {
    async connect({ port }, name) {
      const began = moment();
      agent = new Agent({ keepAlive: true });
      const fetch = (url, given) => PouchDB.fetch(url, { ...given, agent });
      remote = new PouchDB(`http://127.0.0.1:${port}/records`, { skip_setup: true, fetch });
      return { began, at: await ends[name]() };
    },
    async rest() {
      await rest;
    },
    async disconnect() {
      agent.destroy();
      await remote.close();
    },
    async change() {
      await change(db, scene, 'client');
      since = (await db.info()).update_seq;
    },
  };
}

/** What is on disk. */
export function stored(dir) {
  return all(new (open(dir))('records'));
}
