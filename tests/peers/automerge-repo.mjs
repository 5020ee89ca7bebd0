import { once } from 'node:events';
import { getHeads, ImmutableString } from '@automerge/automerge';
import { Repo } from '@automerge/automerge-repo';
import { NodeFSStorageAdapter } from '@automerge/automerge-repo-storage-nodefs';
import { moment } from './moment.mjs';
import { FIELDS } from './records.mjs';
import { versions } from './versions.mjs';

// find gives a document up after 60 s, which the last of many thousands would meet if all were looked for at once.
const AT_ONCE = 1000;
const PACKAGES = ['', '-network-websocket', '-storage-nodefs'].map((part) => `@automerge/automerge-repo${part}`);
export const version = versions(...PACKAGES, '@automerge/automerge');
export const settings = (compress) =>
  'one document per record, strings as ImmutableString, and one document that lists them; nodefs storage on both ' +
  `ends (not fsynced); ${compress ? '' : 'no '}permessage-deflate; ${AT_ONCE} finds at once; server: sharePolicy false`;
// An end's moment is taken only after Repo.flush, which resolves once the file of every document is written.
export const durable = true;

// The server drops a client that has not answered a ping within this time, and a busy client answers late.
const KEEP_ALIVE_MS = 600_000;

const plain = (doc) => Object.fromEntries(FIELDS.map((field) => [field, String(doc[field])]));
const fixed = (record) => Object.fromEntries(FIELDS.map((field) => [field, new ImmutableString(record[field])]));

/** One end's repo, and the handles of its records by number. */
class Copy {
  constructor(dir, scene, role, given) {
    Object.assign(this, { scene, role, handles: [] });
    this.repo = new Repo({ storage: new NodeFSStorageAdapter(dir), ...given });
  }

  async load(index) {
    const list = await this.repo.find(index);
    this.index = list;
    const ids = list.doc().records.map(String);
    let next = 0;
    const some = async () => {
      for (let i = next; i < ids.length; i = next) {
        next += 1;
        this.handles[i] = await this.repo.find(ids[i], { allowableStates: ['ready', 'unavailable'] });
        // Given up or not, it becomes ready once the server's answer is there.
        await until(this.handles[i], () => true);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, some));
  }

  async change() {
    for (const i of this.scene.changed(this.role)) {
      this.handles[i].change((doc) => (doc.status = new ImmutableString(this.scene.status(i))));
    }
    await this.repo.flush();
  }

  /** What the other end has changed, and its place on disk. */
  async settled() {
    const { scene } = this;
    const other = scene.changed(this.role === 'server' ? 'client' : 'server').map((i) => [i, this.handles[i]]);
    await Promise.all(other.map(([i, handle]) => until(handle, (doc) => String(doc.status) === scene.status(i))));
    await this.repo.flush(other.map(([, handle]) => handle.documentId));
    return moment();
  }

  /** Resolves once the other end has told its heads of every document, and they are ours. */
  agreed() {
    const { handles, synchronizer } = this.repo;
    const open = new Set(Object.keys(handles));
    return new Promise((resolve) => {
      const look = ({ documentId, syncState: { theirHeads } }) => {
        const ours = getHeads(handles[documentId].doc());
        if (theirHeads?.length !== ours.length || !ours.every((head) => theirHeads.includes(head))) return;
        open.delete(documentId);
        if (open.size > 0) return;
        synchronizer.off('sync-state', look);
        resolve();
      };
      synchronizer.on('sync-state', look);
    });
  }

  records() {
    return this.handles.map((handle) => plain(handle.doc()));
  }
}

function until(handle, holds) {
  return new Promise((resolve) => {
    const look = () => {
      if (!handle.isReady() || !holds(handle.doc())) return;
      handle.off('change', later);
      resolve();
    };
    // A handle tells of its first change before it becomes ready.
    const later = () => queueMicrotask(look);
    handle.on('change', later);
    look();
  });
}

export async function server(dir, scene, compress) {
  const { WebSocketServer } = await import('ws');
  const { WebSocketServerAdapter } = await import('@automerge/automerge-repo-network-websocket');
  const copy = new Copy(dir, scene, 'server', { sharePolicy: async () => false });
  let sockets;
  const ends = {
    first: () => null,
    // A client whose heads are the server's gets no answer: that nothing differs, the server alone finds out.
    nothing: () => copy.agreed().then(moment),
    reconnect: () => copy.settled(),
  };
  return {
    async fill() {
      for (let i = 0; i < scene.n; i += 1) copy.handles.push(copy.repo.create(fixed(scene.record(i))));
      const ids = copy.handles.map((handle) => new ImmutableString(handle.documentId));
      copy.index = copy.repo.create({ records: ids });
      await copy.repo.flush();
    },
    async listen() {
      sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: compress });
      copy.repo.networkSubsystem.addNetworkAdapter(new WebSocketServerAdapter(sockets, KEEP_ALIVE_MS));
      await once(sockets, 'listening');
      return { port: sockets.address().port, index: copy.index.url };
    },
    async alone() {
      while (copy.repo.peers.length > 0) await new Promise(setImmediate);
    },
    change: () => copy.change(),
    settled: (name) => ends[name](),
  };
}

export async function client(dir, scene) {
  const { WebSocketClientAdapter } = await import('@automerge/automerge-repo-network-websocket');
  const copy = new Copy(dir, scene, 'client', {});
  const { networkSubsystem } = copy.repo;
  let adapter;

  const ends = {
    async first(index) {
      // The adapter calls itself ready a second after it began, connected or not, and a document that is looked for
      // without a peer is given up at once.
      await new Promise((resolve) => networkSubsystem.once('peer', resolve));
      await copy.load(index);
      await copy.repo.flush();
      const at = moment();
      const fault = scene.fault(copy.records(), 'first');
      if (fault) throw new Error(`every document is ready, but ${fault}`);
      return at;
    },
    nothing: async () => null,
    reconnect: () => copy.settled(),
  };
  return {
    async connect({ port, index }, name) {
      const began = moment();
      adapter = new WebSocketClientAdapter(`ws://127.0.0.1:${port}`);
      networkSubsystem.addNetworkAdapter(adapter);
      return { began, at: await ends[name](index) };
    },
    rest: async () => {},
    disconnect: async () => networkSubsystem.removeNetworkAdapter(adapter),
    change: () => copy.change(),
  };
}

/** What is on disk. */
export async function stored(dir, { index }) {
  const copy = new Copy(dir, null, 'reader', {});
  await copy.load(index);
  return copy.records();
}
