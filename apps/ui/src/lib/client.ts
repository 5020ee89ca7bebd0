import { invoke } from '@tauri-apps/api/core';

/** A no, of the business or of the machine. `code` is stable; the words are the screen's. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly params: Record<string, unknown> = {},
    message = code,
    /** The machine's own next step, in English, for codes that the screen does not know. */
    readonly next = '',
  ) {
    super(message);
  }
}

/** Asks the node behind this window. A no is thrown as [`Refused`], and then nothing was recorded. The
 * kiosk's page, which is in a browser, has its own way (`apps/kiosk/src/node.ts`). */
export async function call<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(name, args);
  } catch (error) {
    throw refusedOf(error);
  }
}

/** Anything thrown, as a refusal. */
export function refusedOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    const { code, params, message, next } = error as { code: string } & Record<string, unknown>;
    const given = typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : {};
    return new Refused(code, given, String(message ?? code), String(next ?? ''));
  }
  return new Refused('machinery_failed', {}, String(error));
}

/** The id of an act: made when a form opens, so that a double tap and a retry record once. */
export function newAct(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
