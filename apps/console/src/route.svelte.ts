/** Where the person is: the address holds the page, what it is about, and its filters. Never a name, never a token. */
export interface Route {
  page: string;
  /** What the page is about: ids and codes. */
  of: string[];
  filters: Record<string, string>;
}

function read(): Route {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { page: parts[0] || 'overview', of: parts.slice(1).filter((part) => part !== ''), filters: Object.fromEntries(new URLSearchParams(search)) };
}

export const route = $state<{ now: Route }>({ now: read() });

addEventListener('hashchange', () => {
  const before = route.now;
  route.now = read();
  if (before.page !== route.now.page || before.of.join('/') !== route.now.of.join('/')) scrollTo(0, 0);
});

/** The address of a page. */
export function to(page: string, of: string | readonly string[] = [], filters: Record<string, string> = {}): string {
  const path = [page, ...(typeof of === 'string' ? [of] : of)].map(encodeURIComponent).join('/');
  const given = Object.entries(filters).filter(([, value]) => value !== '');
  return `#/${path}${given.length === 0 ? '' : `?${new URLSearchParams(given)}`}`;
}

/** Goes to a page. */
export function go(page: string, of: string | readonly string[] = [], filters: Record<string, string> = {}): void {
  location.hash = to(page, of, filters).slice(1);
}

/** Changes one filter of this page; the others stay. An empty value is kept: it may differ from what the page begins with. */
export function filterBy(name: string, value: string): void {
  const { page, of, filters } = route.now;
  const given = { ...filters, [name]: value };
  const path = [page, ...of].map(encodeURIComponent).join('/');
  history.replaceState(null, '', `#/${path}?${new URLSearchParams(given)}`);
  route.now = read();
}
