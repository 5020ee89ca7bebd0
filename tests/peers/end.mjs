import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('child.mjs', import.meta.url));
const living = new Set();

/** A child process that runs child.mjs. */
export class End {
  static async start(given) {
    const end = new End(given);
    await end.ready;
    return end;
  }

  static killAll() {
    for (const end of living) end.child.kill('SIGKILL');
  }

  constructor(given) {
    this.asked = new Map();
    // Its stdout goes to our stderr: stdout holds rows alone.
    this.child = fork(entry, [JSON.stringify(given)], { stdio: ['ignore', 2, 2, 'ipc'] });
    living.add(this);
    this.ready = new Promise((resolve, reject) => {
      this.asked.set('ready', { resolve, reject });
    });
    this.child.on('message', ({ ready, id = ready && 'ready', answer, error }) => {
      const { resolve, reject } = this.asked.get(id);
      this.asked.delete(id);
      if (error) reject(new Error(`${given.role}: ${error}`));
      else resolve(answer);
    });
    this.gone = once(this.child, 'exit').then(([code, signal]) => {
      living.delete(this);
      this.fault = new Error(`the ${given.role} process ended by itself (${signal ?? `code ${code}`})`);
      for (const { reject } of this.asked.values()) reject(this.fault);
    });
  }

  ask(method, ...given) {
    const id = (this.asks = (this.asks ?? 0) + 1);
    return new Promise((resolve, reject) => {
      if (this.fault) return reject(this.fault);
      this.asked.set(id, { resolve, reject });
      // A closed channel is that of a process that has ended: `gone` then says so better than this error.
      this.child.send({ id, method, given }, () => {});
    });
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.gone;
  }
}
