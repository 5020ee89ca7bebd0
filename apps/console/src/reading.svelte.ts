import { refusedOf, type Refused } from '@getit/ui';

/** Something that is read and shown: when it cannot be read anew, what was shown stays, with its time. */
export class Reading<T> {
  value = $state.raw<T | null>(null);
  refused = $state<Refused | null>(null);
  atMs = $state<number | null>(null);
  busy = $state(false);
  #turn = 0;
  readonly #ask: () => Promise<T>;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  async load(): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const value = await this.#ask();
      if (turn !== this.#turn) return;
      this.value = value;
      this.refused = null;
      this.atMs = Date.now();
    } catch (error) {
      if (turn === this.#turn) this.refused = refusedOf(error);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }

  /** Lets go of what was read. */
  forget(): void {
    this.#turn += 1;
    this.value = this.refused = this.atMs = null;
    this.busy = false;
  }

  /** Reads now, then again and again, and when the person comes back to the window; what it returns ends it. */
  follow(everyMs: number): () => void {
    const again = () => void this.load();
    again();
    const timer = setInterval(() => document.visibilityState === 'visible' && again(), everyMs);
    addEventListener('focus', again);
    return () => {
      clearInterval(timer);
      removeEventListener('focus', again);
    };
  }
}
