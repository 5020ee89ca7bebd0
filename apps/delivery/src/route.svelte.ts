/** The pages; the address keeps them, so that the phone's own back button works. */
export type Route =
  | { page: 'run' | 'cash' | 'handin' | 'waiting' }
  | { page: 'stop' | 'deliver' | 'fail'; parcel: string };

function read(): Route {
  const [page, parcel] = location.hash.replace(/^#\/?/, '').split('/');
  if ((page === 'stop' || page === 'deliver' || page === 'fail') && parcel) return { page, parcel };
  return { page: page === 'cash' || page === 'handin' || page === 'waiting' ? page : 'run' };
}

/** Where the person is. */
export const route = $state<{ now: Route }>({ now: read() });

addEventListener('hashchange', () => {
  route.now = read();
  scrollTo(0, 0);
});

/** Goes to a page. */
export function go(to: Route): void {
  location.hash = 'parcel' in to ? `/${to.page}/${to.parcel}` : `/${to.page}`;
}
