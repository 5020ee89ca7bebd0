import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP proxy on loopback that counts what passes. */
export class Proxy {
  static async to(port) {
    const proxy = new Proxy();
    proxy.server = createServer((client) => proxy.join(client, port));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.port = proxy.server.address().port;
    return proxy;
  }

  constructor() {
    this.last = performance.now();
    this.start();
  }

  start() {
    this.counts = { up: 0, down: 0, turns: 0 };
    this.side = null;
  }

  join(client, port) {
    const server = connect(port, '127.0.0.1');
    for (const [side, from, to] of [['up', client, server], ['down', server, client]]) {
      from.setNoDelay(true);
      from.on('data', (bytes) => this.count(side, bytes.length));
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroySoon());
    }
  }

  count(side, bytes) {
    this.counts[side] += bytes;
    if (this.side === 'up' && side === 'down') this.counts.turns += 1;
    this.side = side;
    this.last = performance.now();
  }

  /** Resolves once nothing has passed for so long. */
  async quiet(ms) {
    for (;;) {
      const left = this.last + ms - performance.now();
      if (left <= 0) return;
      await sleep(left);
    }
  }
}
