/** A page of a list as central gives it. */
export interface Page<Row> {
  rows: Row[];
  next?: string | null | undefined;
}

/** Reads one page: `after` is `next` of the page before. */
export type Load<Row> = (after: string | null, limit: number) => Promise<Page<Row>>;

/** How many rows a page may have. */
export const SIZES = [50, 100, 200] as const;

/** Rows of one request while a whole list is read: the most that central gives. */
const WHOLE = 1_000;

/** Where one is in a list that only knows what comes next: the cursors of all pages on the way. */
export interface Trail {
  /** Behind which cursor each page began; the last one is shown. */
  readonly began: readonly (string | null)[];
  readonly next: string | null;
}

/** The first page, before it is read. */
export const START: Trail = { began: [null], next: null };

/** The page is read: what follows it is known. A cursor that leads back would page in circles for ever. */
export function arrived(trail: Trail, next: string | null | undefined): Trail {
  const after = next === undefined || next === '' ? null : next;
  return { ...trail, next: after !== null && trail.began.includes(after) ? null : after };
}

/** The page behind this one; the same where there is none. */
export function onward(trail: Trail): Trail {
  return trail.next === null ? trail : { began: [...trail.began, trail.next], next: null };
}

/** The page before this one. */
export function back(trail: Trail): Trail {
  return trail.began.length < 2 ? trail : { began: trail.began.slice(0, -1), next: trail.began.at(-1) ?? null };
}

/** Behind which cursor the shown page begins. */
export function cursor(trail: Trail): string | null {
  return trail.began.at(-1) ?? null;
}

/** Reads every page of a list, and tells after each how many rows there are; `stopped` ends it early. */
export async function* everyPage<Row>(load: Load<Row>, stopped: () => boolean = () => false): AsyncGenerator<Row[]> {
  let trail = START;
  while (!stopped()) {
    const page = await load(cursor(trail), WHOLE);
    yield page.rows;
    trail = arrived(trail, page.next);
    if (trail.next === null) return;
    trail = onward(trail);
  }
}

/** A list of which central cannot leave rows out by itself: pages are read until one shows something. */
export function only<Row>(load: Load<Row>, keep: (row: Row) => boolean): Load<Row> {
  return async (after, limit) => {
    const rows: Row[] = [];
    let trail: Trail = { began: [after], next: null };
    for (;;) {
      const page = await load(cursor(trail), limit);
      rows.push(...page.rows.filter(keep));
      trail = arrived(trail, page.next);
      if (trail.next === null || rows.length >= limit) return { rows, next: trail.next };
      trail = onward(trail);
    }
  };
}
