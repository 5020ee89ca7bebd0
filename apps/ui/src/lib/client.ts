import { invoke, isTauri } from '@tauri-apps/api/core';

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

const TOKEN = 'getit.token';

/** A route of the loopback API: method, path with `{name}`s, and what goes into the body. */
interface Route {
  method: 'GET' | 'POST';
  path: string;
}

/** The few calls whose path is not `GET /api/v1/<name>`. */
const ROUTES: Record<string, Route> = {
  record: { method: 'POST', path: '/api/v1/commands' },
  receipt: { method: 'GET', path: '/api/v1/receipts/{act}' },
};

/** Asks the node behind this page: by Tauri in a window, by the loopback API in a browser. A no is thrown
 * as [`Refused`], and then nothing was recorded. */
export async function call<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return isTauri() ? await invoke<T>(name, args) : await ask<T>(name, args);
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

/** Reads the token that the kiosk's own link carries behind `#token=`, and takes it out of the address. */
export function takeToken(): void {
  const given = /^#token=([0-9a-f]{64})$/.exec(location.hash)?.[1];
  if (given === undefined) return;
  sessionStorage.setItem(TOKEN, given);
  history.replaceState(null, '', location.pathname + location.search);
}

async function ask<T>(name: string, args: Record<string, unknown>): Promise<T> {
  const route = ROUTES[name] ?? { method: 'GET', path: `/api/v1/${name}` };
  const rest = new Map(Object.entries(args).filter(([, value]) => value !== undefined && value !== null));
  const path = route.path.replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = String(rest.get(field) ?? '');
    rest.delete(field);
    return encodeURIComponent(value);
  });
  const headers = new Headers({ authorization: `Bearer ${sessionStorage.getItem(TOKEN) ?? ''}` });
  const init: RequestInit = { method: route.method, headers };
  let query = '';
  if (route.method === 'POST') {
    headers.set('content-type', 'application/json');
    init.body = JSON.stringify(Object.fromEntries(rest));
  } else if (rest.size > 0) {
    query = `?${new URLSearchParams([...rest].map(([key, value]) => [key, String(value)]))}`;
  }
  const answer = await fetch(path + query, init).catch(() => {
    throw new Refused('no_answer');
  });
  const body: unknown = await answer.json().catch(() => ({ code: 'machinery_failed' }));
  if (!answer.ok) throw refusedOf(body);
  return body as T;
}

/** The id of an act: made when a form opens, so that a double tap and a retry record once. */
export function newAct(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
