import { once } from 'node:events';
import { LeveldbPersistence } from 'y-leveldb';
import * as Y from 'yjs';
import { moment } from './moment.mjs';
import { FIELDS } from './records.mjs';
import { versions } from './versions.mjs';

export const version = versions('yjs', 'y-websocket', '@y/websocket-server', 'y-leveldb');
export const settings = (compress) =>
  'ONE Y.Doc with a Y.Map of Y.Maps, not a document per record; filled in one transaction; y-leveldb on both ends ' +
  `(not fsynced); ${compress ? '' : 'no '}permessage-deflate; the room is in memory before the client comes`;
// An end's moment is taken only after y-leveldb has answered a read that was queued behind its writes.
export const durable = true;

const ROOM = 'records';

/** One end's document, and its store under `dir`. */
class Copy {
  constructor(dir, scene, role) {
    Object.assign(this, { scene, role, level: new LeveldbPersistence(dir), updates: 0 });
  }

  async load(doc) {
    this.doc = doc;
    const before = await this.level.getYDoc(ROOM);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(before));
    doc.on('update', (update) => {
      this.updates += 1;
      this.level.storeUpdate(ROOM, update);
    });
  }

  get map() {
    return this.doc.getMap('records');
  }

  async written() {
    for (let seen = -1; seen !== this.updates; ) {
      seen = this.updates;
      await this.level.getMeta(ROOM, 'none');
    }
  }

  /** One transaction for a record, as people would make them. */
  async change() {
    for (const i of this.scene.changed(this.role)) {
      this.map.get(this.scene.id(i)).set('status', this.scene.status(i));
    }
    await this.written();
  }

  async settled(name) {
    for (;;) {
      await this.written();
      const at = moment();
      if (this.holds(name)) return at;
      await new Promise((resolve) => this.doc.once('update', resolve));
    }
  }

  /** The whole set is checked after `first` and on disk at the end: a check of it takes as long as a reconnect. */
  holds(name) {
    const { scene, map } = this;
    if (name === 'first') return map.size === scene.n && !scene.fault(this.records(), name);
    return name === 'nothing' || scene.arrived(this.role, (i) => map.get(scene.id(i)).toJSON());
  }

  records() {
    return Array.from(this.map.values(), (record) => record.toJSON());
  }
}

export async function server(dir, scene, compress) {
  const [{ WebSocketServer }, rooms] = await Promise.all([import('ws'), import('@y/websocket-server/utils')]);
  const copy = new Copy(dir, scene, 'server');
  // As the server's own bindState does it, but the promise is kept: that one drops it.
  let loaded;
  rooms.setPersistence({
    provider: copy.level,
    bindState: (_, doc) => (loaded = copy.load(doc)),
    writeState: async () => {},
  });
  const open = async () => {
    rooms.getYDoc(ROOM);
    await loaded;
  };
  let sockets;
  return {
    async fill() {
      await open();
      copy.doc.transact(() => {
        for (let i = 0; i < scene.n; i += 1) {
          const record = scene.record(i);
          copy.map.set(record.id, new Y.Map(FIELDS.map((field) => [field, record[field]])));
        }
      });
      await copy.written();
    },
    async listen() {
      sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: compress });
      sockets.on('connection', rooms.setupWSConnection);
      await once(sockets, 'listening');
      return { port: sockets.address().port };
    },
    // The server forgets a room that nobody is in, and greets the next client before it has read the room from
    // disk again: the client would then send up all that it holds. In a live room somebody else is there.
    async alone() {
      while (rooms.docs.has(ROOM)) await new Promise(setImmediate);
      await open();
    },
    change: () => copy.change(),
    // What the server is filled with, it holds from the beginning.
    settled: (name) => (name === 'reconnect' ? copy.settled(name) : null),
  };
}

export async function client(dir, scene) {
  const [{ WebSocket }, { WebsocketProvider }] = await Promise.all([import('ws'), import('y-websocket')]);
  const copy = new Copy(dir, scene, 'client');
  await copy.load(new Y.Doc());
  let provider;
  return {
    async connect({ port }, name) {
      const began = moment();
      const options = { WebSocketPolyfill: WebSocket, disableBc: true };
      provider = new WebsocketProvider(`ws://127.0.0.1:${port}`, ROOM, copy.doc, options);
      // Nothing differs in `nothing`: it is over once the client has the server's answer to its state vector.
      if (name === 'nothing') await new Promise((resolve) => provider.once('sync', resolve));
      return { began, at: await copy.settled(name) };
    },
    rest: async () => {},
    disconnect: async () => provider.destroy(),
    change: () => copy.change(),
  };
}

/** What is on disk. */
export async function stored(dir) {
  const copy = new Copy(dir);
  await copy.load(new Y.Doc());
  return copy.records();
}
