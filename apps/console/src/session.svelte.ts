/** Who is signed in: the token lives in this tab only, and never in an address. */
const KEPT = 'getit.console.token';
const MINE = 'getit.console.mine';

/** What the page knows of the person. */
export const session = $state<{
  token: string | null;
  /** Why sign-in is asked for again: a code of central. */
  ended: string | null;
}>({ token: sessionStorage.getItem(KEPT), ended: null });

/** A token that central took. */
export function signIn(token: string): void {
  sessionStorage.setItem(KEPT, token);
  session.token = token;
  session.ended = null;
}

/** Forgets the token; `code` is central's, null when the person leaves. */
export function signOut(code: string | null = null): void {
  sessionStorage.removeItem(KEPT);
  if (code === null) sessionStorage.removeItem(MINE);
  session.token = null;
  session.ended = code;
}

/** Proposals of this person: central tells makers by an opaque id only, so the page remembers its own. */
export function remember(ruling: string): void {
  sessionStorage.setItem(MINE, [...mine(), ruling].slice(-200).join(' '));
}

/** Whether this person proposed it, as far as this tab knows. */
export function isMine(ruling: string): boolean {
  return mine().includes(ruling);
}

function mine(): string[] {
  return (sessionStorage.getItem(MINE) ?? '').split(' ').filter((one) => one !== '');
}
