/** The pages; the address keeps them, so that the phone's own back button works. */
export type Route =
  | { page: 'orders' | 'products' | 'money' | 'waiting' }
  | { page: 'product' | 'payout'; id: string };

function read(): Route {
  const [page, id] = location.hash.replace(/^#\/?/, '').split('/');
  if ((page === 'product' || page === 'payout') && id) return { page, id };
  return { page: page === 'products' || page === 'money' || page === 'waiting' ? page : 'orders' };
}

/** Where the person is. */
export const route = $state<{ now: Route }>({ now: read() });

addEventListener('hashchange', () => {
  route.now = read();
  scrollTo(0, 0);
});

/** Goes to a page. */
export function go(to: Route): void {
  location.hash = 'id' in to ? `/${to.page}/${to.id}` : `/${to.page}`;
}
