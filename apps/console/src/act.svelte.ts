import { newAct, refusedOf, type Refused } from '@getit/ui';
import { ask } from './api';

/** After these nobody knows whether it was recorded: the same thing sent again has to be the same act. */
const PASSING = ['no_answer', 'timeout', 'busy', 'not_ready', 'stopping', 'internal', 'machinery_failed'];

interface Sent {
  file?: Blob;
  /** Of another role, where the act is not finance's: used once and kept nowhere. */
  token?: string;
  method?: 'POST' | 'PUT';
}

/** One act of a form: its key is made when the form opens and kept over retries, so that it is recorded once. */
export class Act {
  busy = $state(false);
  refused = $state<Refused | null>(null);
  #key = newAct();
  #sent = '';

  /** Sends it, and gives null when it was refused: the sentence is then on the screen. */
  async send<T>(path: string, body: unknown, { file, token, method = 'POST' }: Sent = {}): Promise<T | null> {
    if (this.busy) return null;
    const text = path + JSON.stringify(body ?? null);
    if (this.#sent !== '' && this.#sent !== text) this.#key = newAct();
    this.#sent = text;
    this.busy = true;
    this.refused = null;
    try {
      const answer = await ask<T>(method, path, { key: this.#key, ...(token === undefined ? {} : { token }), ...(file ? { file } : body === undefined ? {} : { body }) });
      this.#renew();
      return answer;
    } catch (error) {
      this.refused = refusedOf(error);
      if (!PASSING.includes(this.refused.code)) this.#renew();
      return null;
    } finally {
      this.busy = false;
    }
  }

  #renew(): void {
    this.#key = newAct();
    this.#sent = '';
  }
}
