import { tick } from 'svelte';
import { newAct, Refused, refusedOf } from '@getit/ui';
import type { SiteHome } from '@getit/ui/generated/SiteHome';
import * as node from './node';
import type { Receipt } from './node';

/** The screens of the counter, by the key that opens each. */
export const SCREENS = { F2: 'receive', F3: 'find', F4: 'handover', F6: 'handin', F7: 'returns', F8: 'dispatch', F9: 'till' } as const;
export type Screen = (typeof SCREENS)[keyof typeof SCREENS] | 'waiting';

/** How often the page asks how the counter stands, and keeps the till. */
const EVERY_MS = 3_000;

/** What every screen shares. */
export const counter = $state({
  screen: 'find' as Screen,
  home: null as SiteHome | null,
  /** Whether this window holds the till. */
  holds: true,
  /** The page has no session: it must be opened by its link. */
  shut: false,
  /** The node does not answer. */
  silent: false,
  toast: '',
  refused: null as Refused | null,
  /** Answers the sheet of a refusal: true does the same thing again. */
  again: null as ((again: boolean) => void) | null,
  /** What came of a scan on a screen that asks for none. */
  heard: '',
  /** Notes are being counted: a scan does not lead away. */
  counting: false,
  /** The code of a refund that was scanned on another screen. */
  refundCode: '',
  /** The parcel that a screen is about. */
  parcel: null as string | null,
  busy: false,
});

/** Shows a screen. */
export function show(screen: Screen, parcel: string | null = null): void {
  counter.heard = '';
  counter.screen = screen;
  counter.parcel = parcel;
}

/** Puts the focus on what is next, when what had it is gone; a person who is elsewhere is left there. */
export async function focusOn(selector: string): Promise<void> {
  await tick();
  if (document.activeElement === document.body) document.querySelector<HTMLElement>(selector)?.focus();
}

/** Asks how the counter stands. */
export async function refresh(): Promise<void> {
  try {
    counter.holds = await node.holdTill();
    counter.home = await node.home();
    counter.silent = counter.shut = false;
  } catch (error) {
    const { code } = refusedOf(error);
    if (code === 'unauthorised') counter.shut = true;
    else counter.silent = true;
  }
}

/** The life of the page: its session, its till, its figures. */
export function live(): () => void {
  const begin = async () => {
    try {
      await node.openSession();
    } catch (error) {
      counter.refused = refusedOf(error);
    }
    await refresh();
  };
  void begin();
  const timer = setInterval(() => void refresh(), EVERY_MS);
  addEventListener('pagehide', node.leaveTill);
  // A new link in a tab that shows the page already changes the address only.
  addEventListener('hashchange', begin);
  return () => {
    clearInterval(timer);
    removeEventListener('pagehide', node.leaveTill);
    removeEventListener('hashchange', begin);
  };
}

/** Records what is asked on one screen. When no answer came, the same thing asked again is the same act:
 * it may have been recorded, and is recorded once. */
export class Form {
  #unanswered: { text: string; act: string } | null = null;

  /** Records, and gives null when it was refused: the sentence is then on the screen. */
  async record(command: Record<string, unknown>): Promise<Receipt | null> {
    const text = JSON.stringify(command);
    const act = this.#unanswered?.text === text ? this.#unanswered.act : newAct();
    const receipt = await attempt(async () => {
      this.#unanswered = { text, act };
      try {
        const recorded = await node.record(act, command);
        this.#unanswered = null;
        return recorded;
      } catch (error) {
        if (refusedOf(error).code !== 'no_answer') this.#unanswered = null;
        throw error;
      }
    });
    if (receipt !== null) void refresh();
    return receipt;
  }
}

/** What passes once the machine is put right: the sheet offers the same thing again. */
const PASSING = ['disk_full', 'no_answer', 'machinery_failed'];

/** Does one thing with the buttons off; a no is shown, and comes back as null. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
  if (counter.busy) return null;
  for (;;) {
    counter.busy = true;
    try {
      return await work();
    } catch (error) {
      const refused = refusedOf(error);
      counter.refused = refused;
      if (!PASSING.includes(refused.code)) return null;
    } finally {
      counter.busy = false;
    }
    const again = await new Promise<boolean>((answer) => (counter.again = answer));
    if (!again) return null;
  }
}

/** Closes the sheet of a refusal. */
export function closeRefusal(again = false): void {
  const answer = counter.again;
  counter.refused = counter.again = null;
  answer?.(again);
}

/** Reads for the screen. When that does not work, what was shown stays, and the page says that the node is silent:
 * a list that could not be read is not an empty one. */
export function read<T>(asked: Promise<T>, then: (answer: T) => void): void {
  asked.then(then, () => (counter.silent = true));
}

/** The number that people read aloud. */
export function receiptNo(receipt: Receipt): string {
  return (receipt.facts[0]?.id ?? '').slice(0, 8).toUpperCase();
}
