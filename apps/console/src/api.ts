import { Refused, type Load } from '@getit/ui';
import type { Paged } from './contract';
import { session, signOut } from './session.svelte';

const ROOT = '/api/v1';
/** A page that never answers is worse than one that says so. */
const PATIENCE_MS = 60_000;

interface Asked {
  body?: unknown;
  /** A file, as it is. */
  file?: Blob;
  /** New for each act, the same for each retry of it. */
  key?: string;
  /** Instead of the token of the session: while signing in, or for what is another role's to do. */
  token?: string;
}

/** Asks central. A no is thrown as [`Refused`], and then nothing was recorded unless no answer came. */
export async function ask<T>(method: 'GET' | 'POST' | 'PUT', path: string, asked: Asked = {}): Promise<T> {
  const token = asked.token ?? session.token;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== null) headers['authorization'] = `Bearer ${token}`;
  if (asked.key !== undefined) headers['idempotency-key'] = asked.key;
  const init: RequestInit = { method, headers, credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) };
  if (asked.file) {
    headers['content-type'] = 'application/octet-stream';
    init.body = asked.file;
  } else if (asked.body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(asked.body);
  }
  const answer = await fetch(ROOT + path, init).catch(() => {
    throw new Refused('no_answer');
  });
  const read: unknown = await answer.json().catch(() => ({ code: 'machinery_failed' }));
  if (answer.ok && !isProblem(read)) return read as T;
  const refused = problem(read);
  // Only a session ends: a token that is being tried is answered where it was typed.
  if (answer.status === 401 && asked.token === undefined) signOut(refused.code);
  throw refused;
}

function isProblem(read: unknown): boolean {
  return typeof read === 'object' && read !== null && 'code' in read && (read as { code: unknown }).code === 'machinery_failed';
}

/** The refusal of an answer: its state becomes the parameters of the sentence. */
function problem(read: unknown): Refused {
  if (typeof read !== 'object' || read === null || !('code' in read)) return new Refused('machinery_failed');
  const { code, message, next, state } = read as Record<string, unknown>;
  const params: Record<string, unknown> = {};
  if (typeof state === 'object' && state !== null) {
    for (const [name, value] of Object.entries(state)) params[name.replace(/_paisa$/, '')] = value;
  }
  return new Refused(String(code), params, String(message ?? code), String(next ?? ''));
}

/** The query of an address, without what is empty. */
export function query(params: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(params).flatMap(([name, value]) => (value === null || value === undefined || value === '' ? [] : [[name, String(value)]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

/** Pages of a list of central. */
export function listOf<Row>(path: string, params: Record<string, string | number | null | undefined> = {}): Load<Row> {
  return (after, limit) => ask<Paged<Row>>('GET', path + query({ ...params, limit, after }));
}
