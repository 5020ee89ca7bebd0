import { refusedOf, type Refused } from '@getit/ui';

/** Keys come faster than answers: a dry run waits for the pause behind them. */
const PAUSE_MS = 350;

/** What would happen, asked while one types: nothing of it is recorded. */
export class DryRun<T> {
  answer = $state.raw<T | null>(null);
  refused = $state<Refused | null>(null);
  /** What is shown is of before the last key. */
  old = $state(false);
  #turn = 0;

  /** Tries what is typed, or forgets while it is not whole; what it returns ends it. */
  try(asked: (() => Promise<T>) | null): () => void {
    const mine = ++this.#turn;
    this.refused = null;
    this.old = asked !== null;
    if (asked === null) {
      this.answer = null;
      return () => {};
    }
    const settle = (answer: T | null, refused: Refused | null) => {
      if (mine !== this.#turn) return;
      this.answer = answer;
      this.refused = refused;
      this.old = false;
    };
    const timer = setTimeout(
      () =>
        void asked().then(
          (answer) => settle(answer, null),
          (error: unknown) => settle(null, refusedOf(error)),
        ),
      PAUSE_MS,
    );
    return () => clearTimeout(timer);
  }
}
